/* What is due when: a heap of absolute instants behind one wall-clock alarm that follows clock steps. */
#ifndef KERYX_TRIGGERS_DUE_H
#define KERYX_TRIGGERS_DUE_H

#include "base/loop.h"

/* Embedded in the object that waits. */
struct due_item {
    int64_t at;   /* wall µs */
    size_t place; /* 1-based index in the heap; 0 = not in it */
};

struct due_queue;

/* fn is called for each item whose time has come, off the heap, at most a bounded number a loop turn. */
struct due_queue *due_new(struct loop *l, void (*fn)(void *ctx, struct due_item *item),
                          void *ctx) must_check;
void due_free(struct due_queue *q);
/* Puts the item in, or moves it. O(log n). */
void due_set(struct due_queue *q, struct due_item *item, int64_t at_us);
void due_remove(struct due_queue *q, struct due_item *item); /* fine when not in it */
size_t due_count(const struct due_queue *q);

#endif
