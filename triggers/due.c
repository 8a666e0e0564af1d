/* A 4-ary heap of pointers behind one alarm: nothing is recomputed when the clock is stepped, because
   the instants are absolute. */
#include "triggers/due.h"

#define DUE_ARITY    4
#define DUE_PER_TURN 512 /* the loop serves others between batches of a burst */

struct due_queue {
    struct loop *loop;
    struct due_item **items;
    size_t n, cap;
    struct loop_alarm alarm;
    struct loop_task more;
    void (*fn)(void *ctx, struct due_item *item);
    void *ctx;
};

static void due_place(struct due_queue *q, size_t i, struct due_item *item)
{
    q->items[i] = item;
    item->place = i + 1;
}

static void due_up(struct due_queue *q, size_t i)
{
    struct due_item *item = q->items[i];
    while (i > 0) {
        size_t parent = (i - 1) / DUE_ARITY;
        if (q->items[parent]->at <= item->at)
            break;
        due_place(q, i, q->items[parent]);
        i = parent;
    }
    due_place(q, i, item);
}

static void due_down(struct due_queue *q, size_t i)
{
    struct due_item *item = q->items[i];
    for (;;) {
        size_t first = i * DUE_ARITY + 1, least = first;
        if (first >= q->n)
            break;
        for (size_t c = first + 1; c < MIN(first + DUE_ARITY, q->n); c++) {
            if (q->items[c]->at < q->items[least]->at)
                least = c;
        }
        if (item->at <= q->items[least]->at)
            break;
        due_place(q, i, q->items[least]);
        i = least;
    }
    due_place(q, i, item);
}

static void due_turn(struct due_queue *q);

static void due_alarm(struct loop_alarm *a)
{
    due_turn(container_of(a, struct due_queue, alarm));
}

static void due_more(struct loop_task *t)
{
    due_turn(container_of(t, struct due_queue, more));
}

static void due_arm(struct due_queue *q)
{
    if (q->n)
        loop_alarm_set(q->loop, &q->alarm, q->items[0]->at, due_alarm);
    else
        loop_alarm_stop(&q->alarm);
}

static void due_turn(struct due_queue *q)
{
    int64_t now = clock_wall(loop_clock(q->loop));
    for (unsigned i = 0; i < DUE_PER_TURN && q->n && q->items[0]->at <= now; i++) {
        struct due_item *item = q->items[0];
        due_remove(q, item);
        q->fn(q->ctx, item);
    }
    if (q->n && q->items[0]->at <= now)
        loop_later(q->loop, &q->more, due_more);
    else
        due_arm(q);
}

struct due_queue *due_new(struct loop *l, void (*fn)(void *ctx, struct due_item *item), void *ctx)
{
    struct due_queue *q = xalloc(sizeof(*q));
    q->loop = l;
    q->fn = fn;
    q->ctx = ctx;
    return q;
}

void due_free(struct due_queue *q)
{
    if (!q)
        return;
    loop_alarm_stop(&q->alarm);
    loop_later_cancel(q->loop, &q->more);
    free(q->items);
    free(q);
}

void due_set(struct due_queue *q, struct due_item *item, int64_t at_us)
{
    bool was_first = item->place == 1;
    due_remove(q, item);
    if (q->n == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 64;
        q->items = xrealloc(q->items, q->cap * sizeof(struct due_item *));
    }
    item->at = at_us;
    due_place(q, q->n++, item);
    due_up(q, item->place - 1);
    if (was_first || item->place == 1)
        due_arm(q);
}

void due_remove(struct due_queue *q, struct due_item *item)
{
    if (item->place == 0)
        return;
    size_t i = item->place - 1;
    item->place = 0;
    struct due_item *last = q->items[--q->n];
    if (last == item)
        return;
    due_place(q, i, last);
    due_up(q, i);
    due_down(q, last->place - 1);
}

size_t due_count(const struct due_queue *q)
{
    return q->n;
}
