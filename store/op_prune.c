/* Retention: small steps, each bounded in rows and in time, so that commits of others never wait
   more than 10 ms for one. A step that was cut short says `more`. */
#include "store/op.h"

#define STEP_US       (2 * US_PER_MS)
#define CHUNK         50 /* rows of one kind between looks at the clock */
#define DEFAULT_LIMIT 500
#define COUNT_CHUNK   5000 /* receipts whose size is added up in a step */

struct prune {
    struct db *db;
    struct store_prune *p;
    struct writer_memory *memory;
    int64_t limit;
    int64_t ends; /* monotonic */
};

static bool over(const struct prune *x)
{
    return x->p->deleted >= x->limit || clock_mono(&clock_real) >= x->ends;
}

static int64_t chunk(const struct prune *x)
{
    int64_t left = x->limit - x->p->deleted;
    return MIN(left, CHUNK);
}

static int drop(struct prune *x, enum statement id, int64_t key)
{
    if (db_run(x->db, id, P_INT(key)))
        return -1;
    x->p->deleted += id != SQL_BODY_DROP;
    return 0;
}

static int drop_body(struct prune *x, int64_t body_id)
{
    return body_id ? drop(x, SQL_BODY_DROP, body_id) : 0;
}

/* ---- receipts ---- */

struct old_receipt {
    int64_t seq, body_id, bytes;
    struct str task_id;
};

static int shares_body(struct prune *x, enum statement id, struct str owner, int64_t body_id,
                       bool *shared)
{
    *shared = false;
    if (!owner.p || !body_id)
        return 0;
    auto_rows rows;
    if (db_query(x->db, &rows, id, P_TEXT(owner), P_INT(body_id)))
        return -1;
    int got = db_next(&rows);
    *shared = got > 0;
    return got < 0 ? -1 : 0;
}

/* The body stays while the task it was given to as input is there. */
static int drop_receipt(struct prune *x, const struct old_receipt *r)
{
    bool shared;
    if (shares_body(x, SQL_BODY_OF_TASK, r->task_id, r->body_id, &shared))
        return -1;
    if (!shared && drop_body(x, r->body_id))
        return -1;
    if (r->seq <= x->memory->receipt_seen)
        x->memory->receipt_bytes -= r->bytes;
    return drop(x, SQL_RECEIPT_DROP, r->seq);
}

static int read_receipts(struct db_rows *rows, struct arena *a, struct old_receipt *out, int64_t *n)
{
    int got;
    for (*n = 0; (got = db_next(rows)) > 0; ++*n)
        out[*n] = (struct old_receipt){ db_int(rows, 0), db_int(rows, 1), db_int(rows, 3),
                                        db_str(rows, 2, a) };
    return got;
}

/* Ends early when no more than `enough` bytes are left. */
static int drop_receipts(struct prune *x, struct db_rows *rows, int64_t enough, int64_t *n)
{
    struct arena *a = arena_new(0);
    struct old_receipt old[CHUNK];
    int rc = read_receipts(rows, a, old, n);
    db_rows_close(rows);
    for (int64_t i = 0; i < *n && !rc && x->memory->receipt_bytes > enough; i++)
        rc = drop_receipt(x, &old[i]);
    arena_free(a);
    return rc;
}

static int prune_receipts(struct prune *x, int64_t *n)
{
    auto_rows rows;
    if (db_query(x->db, &rows, SQL_OLD_RECEIPTS, P_INT(x->p->before), P_INT(chunk(x))))
        return -1;
    return drop_receipts(x, &rows, INT64_MIN, n);
}

/* Adds up receipts that came since the last step; true when the sum is complete. */
static int count_receipts(struct prune *x, bool *complete)
{
    struct writer_memory *m = x->memory;
    auto_rows rows;
    if (db_query(x->db, &rows, SQL_RECEIPT_BYTES, P_INT(m->receipt_seen), P_INT(COUNT_CHUNK)))
        return -1;
    int got = db_next(&rows);
    if (got < 0)
        return -1;
    if (db_int(&rows, 0)) {
        m->receipt_seen = db_int(&rows, 1);
        m->receipt_bytes += db_int(&rows, 2);
    }
    *complete = db_int(&rows, 0) < COUNT_CHUNK;
    return 0;
}

/* Past the ceiling in bytes: what was refused and what ran nothing goes first, in this order. */
static const char *const lesser[] = { "rejected", "rate_limited", "handshake",
                                      "filtered", "deduplicated", "delivered" };

static int prune_receipt_bytes(struct prune *x, int64_t *n)
{
    *n = 0;
    bool complete;
    if (!x->p->max_receipt_bytes)
        return 0;
    if (count_receipts(x, &complete))
        return -1;
    if (!complete) {
        *n = 1; /* come again */
        return 0;
    }
    if (x->memory->receipt_bytes <= x->p->max_receipt_bytes)
        return 0;
    for (size_t i = 0; i < N_ELEMENTS(lesser) && *n == 0; i++) {
        auto_rows rows;
        if (db_query(x->db, &rows, SQL_RECEIPTS_OF_STATUS, P_WORD(lesser[i]), P_INT(chunk(x))) ||
            drop_receipts(x, &rows, x->p->max_receipt_bytes, n))
            return -1;
    }
    if (*n)
        return 0;
    auto_rows rows;
    if (db_query(x->db, &rows, SQL_OLDEST_RECEIPTS, P_INT(chunk(x))))
        return -1;
    return drop_receipts(x, &rows, x->p->max_receipt_bytes, n);
}

/* ---- deliveries ---- */

static int drop_deliveries(struct prune *x, struct db_rows *rows, int64_t *n)
{
    int64_t seq[CHUNK], body_id[CHUNK];
    int got;
    for (*n = 0; (got = db_next(rows)) > 0; ++*n) {
        seq[*n] = db_int(rows, 0);
        body_id[*n] = db_int(rows, 1);
    }
    db_rows_close(rows);
    for (int64_t i = 0; i < *n && !got; i++) {
        if (drop_body(x, body_id[i]) || drop(x, SQL_DELIVERY_DROP, seq[i]))
            return -1;
    }
    return got;
}

static int prune_deliveries(struct prune *x, int64_t *n)
{
    auto_rows rows;
    if (db_query(x->db, &rows, SQL_OLD_DELIVERIES, P_INT(x->p->before), P_INT(chunk(x))))
        return -1;
    return drop_deliveries(x, &rows, n);
}

/* ---- tasks ---- */

struct old_task {
    int64_t seq, input_id, result_id;
    struct str id, receipt_id;
};

static int oldest_task(struct prune *x, struct arena *a, struct old_task *t)
{
    auto_rows rows;
    if (db_query(x->db, &rows, SQL_OLD_TASKS, P_INT(x->p->before), P_INT(1)))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        *t = (struct old_task){ db_int(&rows, 0), db_int(&rows, 2), db_int(&rows, 3),
                                db_str(&rows, 1, a), db_str(&rows, 4, a) };
    return got;
}

/* Events and ended deliveries of the task; *left when there were more than a chunk. Open deliveries
   outlive their task and go when they have ended. */
static int drop_children(struct prune *x, const struct old_task *t, bool *left)
{
    if (db_run(x->db, SQL_TASK_EVENTS_DROP, P_TEXT(t->id), P_INT(CHUNK)))
        return -1;
    int64_t events = db_changed(x->db), deliveries;
    x->p->deleted += events;
    auto_rows rows;
    if (db_query(x->db, &rows, SQL_OLD_TASK_DELIVERIES, P_TEXT(t->id), P_INT(CHUNK)) ||
        drop_deliveries(x, &rows, &deliveries))
        return -1;
    *left = events == CHUNK || deliveries == CHUNK;
    return 0;
}

static int drop_task(struct prune *x, const struct old_task *t)
{
    bool left, shared;
    if (drop_children(x, t, &left))
        return -1;
    if (left)
        return 0;
    if (shares_body(x, SQL_BODY_OF_RECEIPT, t->receipt_id, t->input_id, &shared))
        return -1;
    if (!shared && drop_body(x, t->input_id))
        return -1;
    return drop_body(x, t->result_id) || drop(x, SQL_TASK_DROP, t->seq) ? -1 : 0;
}

static int prune_tasks(struct prune *x, int64_t *n)
{
    struct arena *a = arena_new(512);
    struct old_task t;
    int got = oldest_task(x, a, &t);
    *n = got > 0;
    int rc = got > 0 ? drop_task(x, &t) : got;
    arena_free(a);
    return rc;
}

/* ---- the rest: rows that nothing hangs on ---- */

static int prune_by(struct prune *x, enum statement id, int64_t before, int64_t *n)
{
    if (db_run(x->db, id, P_INT(before), P_INT(chunk(x))))
        return -1;
    *n = db_changed(x->db);
    x->p->deleted += *n;
    return 0;
}

#define PRUNE_BY(name, id, when)                 \
    static int name(struct prune *x, int64_t *n) \
    {                                            \
        return prune_by(x, id, x->p->when, n);   \
    }
PRUNE_BY(prune_dedup, SQL_DEDUP_EXPIRE, now)
PRUNE_BY(prune_events, SQL_EVENTS_DROP, before)
PRUNE_BY(prune_fires, SQL_FIRES_DROP, before)
PRUNE_BY(prune_messages, SQL_MESSAGES_DROP, before)

/* Each deletes a chunk and says how many rows it found; 0 = nothing left. */
static int (*const kinds[])(struct prune *x, int64_t *n) = {
    prune_dedup,  prune_tasks, prune_deliveries, prune_receipts,
    prune_events, prune_fires, prune_messages,   prune_receipt_bytes,
};

static int prune_run(struct db *db, struct store_op *op)
{
    struct store_prune *p = container_of(op, struct store_prune, op);
    p->deleted = 0;
    p->more = false;
    struct prune x = {
        .db = db,
        .p = p,
        .memory = store_memory(op),
        .limit = p->limit ? p->limit : DEFAULT_LIMIT,
        .ends = clock_mono(&clock_real) + STEP_US,
    };
    for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
        int64_t n = 1;
        while (n > 0) {
            if (over(&x)) {
                p->more = true;
                return OP_DONE;
            }
            if (kinds[i](&x, &n))
                return -1;
        }
    }
    return OP_DONE;
}

void store_prune(struct store *s, struct store_prune *p)
{
    store_submit(s, &p->op, OP_WRITE, prune_run, 0);
}
