/* Intrusive doubly linked list that knows its count. A link is embedded in the object; being on a
   list is a state, so a link that is on none has next == NULL. */
#ifndef KERYX_BASE_LIST_H
#define KERYX_BASE_LIST_H

#include "base/base.h"

#include <assert.h>

struct list_link {
    struct list_link *next, *prev;
};

struct list {
    struct list_link head;
    size_t count;
};

static inline void list_init(struct list *l)
{
    l->head.next = l->head.prev = &l->head;
    l->count = 0;
}

static inline bool list_linked(const struct list_link *link)
{
    return link->next != NULL;
}

static inline bool list_empty(const struct list *l)
{
    return l->count == 0;
}

static inline void list_insert_before(struct list *l, struct list_link *at, struct list_link *link)
{
    assert(!list_linked(link));
    link->next = at;
    link->prev = at->prev;
    at->prev->next = link;
    at->prev = link;
    l->count++;
}

static inline void list_append(struct list *l, struct list_link *link)
{
    list_insert_before(l, &l->head, link);
}

static inline void list_prepend(struct list *l, struct list_link *link)
{
    list_insert_before(l, l->head.next, link);
}

static inline void list_remove(struct list *l, struct list_link *link)
{
    assert(list_linked(link) && l->count > 0);
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
    l->count--;
}

/* The first link, taken off, or NULL. */
static inline struct list_link *list_take(struct list *l)
{
    struct list_link *link = l->head.next;
    if (link == &l->head)
        return NULL;
    list_remove(l, link);
    return link;
}

/* Moves everything of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (from->count == 0)
        return;
    from->head.next->prev = to->head.prev;
    from->head.prev->next = &to->head;
    to->head.prev->next = from->head.next;
    to->head.prev = from->head.prev;
    to->count += from->count;
    list_init(from);
}

/* `var` may be removed inside the loop. */
#define list_each(list, var)                                                                       \
    for (struct list_link *var = (list)->head.next, *var##_next = var->next; var != &(list)->head; \
         var = var##_next, var##_next = var->next)

#define list_first(list, type, member) \
    (list_empty(list) ? NULL : container_of((list)->head.next, type, member))

#endif
