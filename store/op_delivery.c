/* Deliveries: which are due, what became of an attempt, redelivery.

   Fairness: the due index is walked receiver by receiver, each one seek however many rows it has (a
   loose index scan), beginning behind the receiver that was served last. A receiver that is down with
   100,000 rows costs one seek.

   Order: a delivery whose task has an earlier open one to the same receiver is marked held when its
   turn comes, which takes it out of the index, and let go when the earlier one ends: task.started is
   never overtaken by task.completed. As with blocked tasks the mark is a hint, the check is made
   again every time. */
#include "store/op.h"

/* A call marks at most so many as held; the rest waits for the next one. */
#define DUE_HOLD_MAX     1000
#define REDELIVER_STEP   500
#define RECEIVERS_AT_ONE 4096 /* looked at in one call; the next call goes on behind them */

struct due_turn {
    struct db *db;
    struct store_due *d;
    const char *node;
    const struct str **skip, **single; /* sorted */
    unsigned held;
};

static int compare_names(const void *a, const void *b)
{
    const struct str *const *x = a, *const *y = b;
    return str_cmp(**x, **y);
}

static const struct str **sorted(struct arena *a, const struct str *names, size_t n)
{
    const struct str **out = ARENA_ARRAY(a, const struct str *, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = &names[i];
    qsort(out, n, sizeof(*out), compare_names);
    return out;
}

static bool listed(const struct str **names, size_t n, struct str name)
{
    const struct str *key = &name;
    return n && bsearch(&key, names, n, sizeof(*names), compare_names);
}

static int lease(struct due_turn *t, int64_t seq)
{
    if (db_run(t->db, SQL_DELIVERY_LEASE, P_INT(seq), P_WORD(t->node)))
        return -1;
    auto_rows rows;
    if (db_query(t->db, &rows, SQL_DELIVERY_BY_SEQ, P_INT(seq)))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        row_read_delivery(&rows, t->d->op.arena,
                          ROW_PUSH(t->d->op.arena, t->d->deliveries, t->d->n_deliveries));
    return got < 0 ? -1 : 0;
}

static int has_earlier(struct due_turn *t, struct str task_id, struct str receiver, int64_t seq,
                       bool *earlier)
{
    auto_rows rows;
    if (db_query(t->db, &rows, SQL_DUE_EARLIER, P_TEXT(task_id), P_TEXT(receiver), P_INT(seq)))
        return -1;
    int got = db_next(&rows);
    *earlier = got > 0;
    return got < 0 ? -1 : 0;
}

/* The receiver's next due row; holds back those that must wait. 0 = none. */
static int next_of(struct due_turn *t, struct str receiver, int64_t *seq)
{
    for (*seq = 0; t->held < DUE_HOLD_MAX; t->held++) {
        auto_rows rows;
        if (db_query(t->db, &rows, SQL_DUE_NEXT, P_TEXT(receiver), P_INT(t->d->now)))
            return -1;
        int got = db_next(&rows);
        if (got <= 0)
            return got;
        int64_t at = db_int(&rows, 0);
        struct str task_id = db_view(&rows, 1);
        bool earlier = false;
        if (task_id.p && has_earlier(t, task_id, receiver, at, &earlier))
            return -1;
        if (!earlier) {
            *seq = at;
            return 0;
        }
        db_rows_close(&rows);
        if (db_run(t->db, SQL_DELIVERY_HOLD, P_INT(at)))
            return -1;
    }
    return 0;
}

/* Strict order: only the oldest open one, and only when it is due and not on its way. */
static int head_of(struct due_turn *t, struct str receiver, int64_t *seq)
{
    *seq = 0;
    auto_rows rows;
    if (db_query(t->db, &rows, SQL_DUE_HEAD, P_TEXT(receiver)))
        return -1;
    int got = db_next(&rows);
    if (got > 0 && !db_view(&rows, 1).p && db_int(&rows, 2) <= t->d->now)
        *seq = db_int(&rows, 0);
    return got < 0 ? -1 : 0;
}

static int serve(struct due_turn *t, struct str receiver)
{
    struct store_due *d = t->d;
    if (listed(t->skip, d->n_skip, receiver))
        return 0;
    bool strict = listed(t->single, d->n_single, receiver);
    unsigned most = strict ? 1 : d->per_receiver;
    for (unsigned n = 0; n < most && d->n_deliveries < d->limit; n++) {
        int64_t seq;
        if (strict ? head_of(t, receiver, &seq) : next_of(t, receiver, &seq))
            return -1;
        if (!seq)
            return 0;
        if (lease(t, seq))
            return -1;
    }
    return 0;
}

/* The first receiver after `after` that has something waiting: 1, its name copied; 0 none. */
static int next_receiver(struct due_turn *t, struct str after, struct str *receiver, bool *due)
{
    auto_rows rows;
    if (db_query(t->db, &rows, SQL_DUE_RECEIVER, P_TEXT(after)))
        return -1;
    int got = db_next(&rows);
    if (got > 0) {
        *receiver = db_str(&rows, 0, t->d->op.arena);
        *due = db_int(&rows, 1) <= t->d->now;
    }
    return got;
}

/* Once around all receivers, from behind the last one served. */
static int serve_all(struct due_turn *t, struct writer_memory *m)
{
    struct store_due *d = t->d;
    struct str start = m->due_after ? arena_str(d->op.arena, str_of(m->due_after)) : STR("");
    struct str at = start;
    bool wrapped = false;
    for (unsigned n = 0; n < RECEIVERS_AT_ONE && d->n_deliveries < d->limit; n++) {
        struct str receiver;
        bool due;
        int got = next_receiver(t, at, &receiver, &due);
        if (got < 0)
            return -1;
        if (!got && (wrapped || !start.n))
            break;
        if (!got) {
            wrapped = true;
            at = STR("");
            continue;
        }
        if (due && serve(t, receiver))
            return -1;
        at = receiver;
        if (wrapped && str_cmp(receiver, start) >= 0)
            break;
    }
    if (d->n_deliveries)
        store_remember(&m->due_after, d->deliveries[d->n_deliveries - 1].receiver);
    else
        store_remember(&m->due_after, at);
    return 0;
}

static int due_run(struct db *db, struct store_op *op)
{
    struct store_due *d = container_of(op, struct store_due, op);
    d->deliveries = NULL;
    d->n_deliveries = 0;
    d->next_at = 0;
    struct writer_memory *m = store_memory(op);
    struct due_turn t = {
        .db = db,
        .d = d,
        .node = m->node,
        .skip = sorted(op->arena, d->skip, d->n_skip),
        .single = sorted(op->arena, d->single, d->n_single),
    };
    if (serve_all(&t, m))
        return -1;
    auto_rows rows;
    if (db_query(db, &rows, SQL_DUE_LATER, P_INT(d->now)))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        d->next_at = db_int(&rows, 0);
    return got < 0 ? -1 : OP_DONE;
}

void store_due(struct store *s, struct store_due *d)
{
    store_submit(s, &d->op, OP_WRITE, due_run, 0);
}

/* ---- attempts ---- */

static int put_attempt(struct db *db, int64_t delivery, const struct attempt_row *a)
{
    return db_run(db, SQL_ATTEMPT_PUT, P_INT(delivery), P_INT(a->n), P_INT(a->at),
                  P_INT(a->status_code), P_TEXT(a->error_type), P_TEXT(a->error),
                  P_INT(a->duration_us), P_TEXT(a->remote_ip), P_TEXT(a->response_excerpt));
}

static int move_delivery(struct db *db, const struct store_attempt *a, int64_t seq)
{
    const struct delivery_row *d = a->delivery;
    struct str word = str_of(delivery_state_word(d->state));
    if (!a->attempt)
        return db_run(db, SQL_DELIVERY_RELEASE, P_INT(seq), P_TEXT(word), P_INT(d->next_at));
    if (db_run(db, SQL_DELIVERY_MOVE, P_INT(seq), P_TEXT(word), P_INT(d->attempts),
               P_INT(d->next_at), P_TEXT(d->progress), P_TEXT(d->last_error),
               P_INT(d->finished_at)))
        return -1;
    return put_attempt(db, seq, a->attempt);
}

static int attempt_run(struct db *db, struct store_op *op)
{
    struct store_attempt *a = container_of(op, struct store_attempt, op);
    a->last_event_seq = 0;
    auto_rows rows;
    if (db_query(db, &rows, SQL_DELIVERY_FENCE, P_TEXT(a->delivery->id)))
        return -1;
    int got = db_next(&rows);
    if (got < 0)
        return -1;
    if (!got)
        return error_set(&op->error, ERROR_NOT_FOUND, "there is no delivery %" STR_FMT,
                         STR_ARG(a->delivery->id));
    int64_t seq = db_int(&rows, 0);
    if (move_delivery(db, a, seq))
        return -1;
    struct str receiver = db_view(&rows, 1), task_id = db_view(&rows, 2);
    if (task_id.p && delivery_state_final(a->delivery->state) &&
        db_run(db, SQL_DELIVERY_UNHOLD, P_TEXT(task_id), P_TEXT(receiver)))
        return -1;
    if (row_put_events(db, a->events, a->n_events, &a->last_event_seq) ||
        row_put_deliveries(db, a->deliveries, a->n_deliveries))
        return -1;
    return OP_DONE;
}

void store_attempt(struct store *s, struct store_attempt *a)
{
    size_t weight = 0;
    for (size_t i = 0; i < a->n_deliveries; i++)
        weight += a->deliveries[i].body.n;
    store_submit(s, &a->op, OP_WRITE, attempt_run, weight);
}

/* ---- one delivery with its history ---- */

static int delivery_get_run(struct db *db, struct store_op *op)
{
    struct store_delivery_get *g = container_of(op, struct store_delivery_get, op);
    g->found = false;
    g->attempts = NULL;
    g->n_attempts = 0;
    auto_rows rows;
    if (db_query(db, &rows, SQL_DELIVERY_BY_ID, P_TEXT(g->id)))
        return -1;
    int got = db_next(&rows);
    if (got <= 0)
        return got;
    g->found = true;
    row_read_delivery(&rows, op->arena, &g->delivery);
    return op_read_attempts(db, op->arena, &g->delivery, &g->attempts, &g->n_attempts);
}

void store_delivery_get(struct store *s, struct store_delivery_get *g)
{
    store_submit(s, &g->op, OP_READ, delivery_get_run, 0);
}

/* ---- redelivery ---- */

static int redeliver_ids(struct db *db, struct store_redeliver *r)
{
    for (size_t i = 0; i < r->n_ids; i++) {
        if (db_run(db, SQL_REDELIVER_ID, P_TEXT(r->ids[i]), P_INT(r->now)))
            return -1;
        r->count += db_changed(db);
    }
    return OP_DONE;
}

/* A step a turn, so that commits of others go on between. */
static int redeliver_run(struct db *db, struct store_op *op)
{
    struct store_redeliver *r = container_of(op, struct store_redeliver, op);
    r->count = op->carry;
    if (r->ids)
        return redeliver_ids(db, r);
    if (db_run(db, SQL_REDELIVER_STEP, P_INT(r->now), P_TEXT(r->receiver), P_TEXT(r->task_id),
               P_INT(r->since), P_INT(r->until ? r->until : INT64_MAX), P_INT(REDELIVER_STEP)))
        return -1;
    int64_t changed = db_changed(db);
    r->count = op->carry_next = op->carry + changed;
    return changed == REDELIVER_STEP ? OP_AGAIN : OP_DONE;
}

void store_redeliver(struct store *s, struct store_redeliver *r)
{
    store_submit(s, &r->op, OP_WRITE, redeliver_run, 0);
}
