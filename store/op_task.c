/* The life of a task on disk: claim, finish, recover.

   Sessions: at most one task of a session runs, in the order of acceptance. A claim that meets a task
   whose session is taken marks it blocked, which takes it out of the index the claims walk along;
   whenever a task of a session moves, the session's earliest waiting one is unblocked. So a session
   with many waiting tasks costs each claim nothing, and blocked is never the truth, only a hint. */
#include "store/op.h"

/* A claim marks at most so many blocked tasks; the rest waits for the next one. */
#define CLAIM_BLOCK_MAX 1000

static int session_taken(struct db *db, struct str session_id, int64_t seq, bool *taken)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_SESSION_TAKEN, P_TEXT(session_id), P_INT(seq)))
        return -1;
    int got = db_next(&rows);
    *taken = got > 0;
    return got < 0 ? -1 : 0;
}

/* The seq of the agent's oldest due task that may start, 0 when there is none. */
static int next_claimable(struct db *db, const struct store_claim *c, struct str agent,
                          unsigned *blocked, int64_t *seq)
{
    for (*seq = 0; *blocked < CLAIM_BLOCK_MAX; ++*blocked) {
        auto_rows rows;
        if (db_query(db, &rows, SQL_CLAIM_NEXT, P_TEXT(agent), P_INT(c->now)))
            return -1;
        int got = db_next(&rows);
        if (got <= 0)
            return got;
        int64_t at = db_int(&rows, 0);
        struct str session_id = db_view(&rows, 1);
        bool taken = false;
        if (session_id.p && session_taken(db, session_id, at, &taken))
            return -1;
        if (!taken) {
            *seq = at;
            return 0;
        }
        db_rows_close(&rows);
        if (db_run(db, SQL_TASK_BLOCK, P_INT(at)))
            return -1;
    }
    return 0;
}

static int read_task(struct db *db, struct arena *a, int64_t seq, struct task_row *t)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_TASK_BY_SEQ, P_INT(seq)))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        row_read_task(&rows, a, t);
    return got < 0 ? -1 : 0;
}

static int claim_one(struct db *db, struct store_claim *c, int64_t seq, const char *node)
{
    if (db_run(db, SQL_TASK_CLAIM, P_INT(seq), P_INT(c->now), P_WORD(node)))
        return -1;
    struct task_row *t = ROW_PUSH(c->op.arena, c->tasks, c->n_tasks);
    return read_task(db, c->op.arena, seq, t);
}

/* One task an agent and round, beginning behind the agent that was served last. */
static int claim_rounds(struct db *db, struct store_claim *c, struct writer_memory *m)
{
    unsigned *left = ARENA_ARRAY(c->op.arena, unsigned, c->n_slots);
    size_t start = 0, idle = 0;
    unsigned blocked = 0;
    for (size_t i = 0; i < c->n_slots; i++) {
        left[i] = c->slots[i].free;
        if (str_eq(c->slots[i].agent, str_of(m->claim_after)))
            start = i + 1;
    }
    for (size_t i = start; idle < c->n_slots && c->n_tasks < c->limit; i++) {
        size_t at = i % c->n_slots;
        int64_t seq = 0;
        if (left[at] && next_claimable(db, c, c->slots[at].agent, &blocked, &seq))
            return -1;
        if (!seq) {
            left[at] = 0;
            idle++;
            continue;
        }
        if (claim_one(db, c, seq, m->node))
            return -1;
        store_remember(&m->claim_after, c->slots[at].agent);
        left[at]--;
        idle = 0;
    }
    return 0;
}

static int find_next_due(struct db *db, struct store_claim *c)
{
    for (size_t i = 0; i < c->n_slots; i++) {
        auto_rows rows;
        if (db_query(db, &rows, SQL_CLAIM_LATER, P_TEXT(c->slots[i].agent), P_INT(c->now)))
            return -1;
        int got = db_next(&rows);
        if (got < 0)
            return -1;
        if (got && (!c->next_due || db_int(&rows, 0) < c->next_due))
            c->next_due = db_int(&rows, 0);
    }
    return 0;
}

static int claim_run(struct db *db, struct store_op *op)
{
    struct store_claim *c = container_of(op, struct store_claim, op);
    c->tasks = NULL;
    c->n_tasks = 0;
    c->next_due = 0;
    return claim_rounds(db, c, store_memory(op)) || find_next_due(db, c) ? -1 : OP_DONE;
}

void store_claim(struct store *s, struct store_claim *c)
{
    store_submit(s, &c->op, OP_WRITE, claim_run, 0);
}

/* ---- finish ---- */

struct fence {
    int64_t seq, result_id;
    enum task_state state;
    unsigned attempt;
    struct str node, session_id; /* in the arena of the turn */
};

/* 1 found, 0 not there. */
static int read_fence(struct db *db, struct str id, struct arena *a, struct fence *f)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_TASK_FENCE, P_TEXT(id)))
        return -1;
    int got = db_next(&rows);
    if (got <= 0)
        return got;
    *f = (struct fence){
        .seq = db_int(&rows, 0),
        .attempt = (unsigned)db_int(&rows, 2),
        .node = db_str(&rows, 3, a),
        .session_id = db_str(&rows, 4, a),
        .result_id = db_int(&rows, 5),
        .state = TASK_FAILED,
    };
    return task_state_parse(db_view(&rows, 1), &f->state) ? 0 : 1;
}

static bool passes(const struct store_finish *f, const struct fence *now, const char *node)
{
    if (!(f->expect & 1U << now->state))
        return false;
    if (now->state != TASK_RUNNING && now->state != TASK_INPUT_REQUIRED)
        return true;
    struct str mine = f->task->node.p ? f->task->node : str_of(node);
    return f->task->attempt == now->attempt && str_eq(mine, now->node);
}

static int move_task(struct db *db, const struct store_finish *f, const struct fence *now)
{
    const struct task_row *t = f->task;
    int64_t result_id;
    if (row_put_body(db, t->result, &result_id))
        return -1;
    if (now->result_id && db_run(db, SQL_BODY_DROP, P_INT(now->result_id)))
        return -1;
    bool runs = t->state == TASK_RUNNING || t->state == TASK_INPUT_REQUIRED;
    if (db_run(db, SQL_TASK_MOVE, P_INT(now->seq), P_WORD(task_state_word(t->state)),
               P_INT(t->interruptions), P_INT(t->retries), P_INT(t->due_at), P_INT(t->finished_at),
               row_body_param(result_id), P_INT(t->result_json), P_TEXT(t->error_type),
               P_TEXT(t->error_message), P_TEXT(t->usage), P_INT(t->tokens_used),
               P_INT(t->tools_called), P_TEXT(runs ? now->node : STR_NULL)))
        return -1;
    return now->session_id.p ? db_run(db, SQL_SESSION_UNBLOCK, P_TEXT(now->session_id)) : 0;
}

static int finish_with(struct db *db, struct store_finish *f, struct arena *a)
{
    struct fence now;
    int got = read_fence(db, f->task->id, a, &now);
    if (got < 0)
        return -1;
    if (!got)
        return error_set(&f->op.error, ERROR_NOT_FOUND, "there is no task %" STR_FMT,
                         STR_ARG(f->task->id));
    f->was = now.state;
    if (!passes(f, &now, store_memory(&f->op)->node))
        return OP_DONE;
    f->applied = true;
    if (move_task(db, f, &now) || row_put_events(db, f->events, f->n_events, &f->last_event_seq) ||
        row_put_deliveries(db, f->deliveries, f->n_deliveries) ||
        row_put_messages(db, f->messages, f->n_messages))
        return -1;
    return OP_DONE;
}

static int finish_run(struct db *db, struct store_op *op)
{
    struct store_finish *f = container_of(op, struct store_finish, op);
    f->applied = false;
    f->was = TASK_FAILED;
    f->last_event_seq = 0;
    struct arena *turn = arena_new(512);
    int rc = finish_with(db, f, turn);
    arena_free(turn);
    return rc;
}

void store_finish(struct store *s, struct store_finish *f)
{
    size_t weight = f->task->result.n;
    for (size_t i = 0; i < f->n_deliveries; i++)
        weight += f->deliveries[i].body.n;
    for (size_t i = 0; i < f->n_messages; i++)
        weight += f->messages[i].content.n;
    store_submit(s, &f->op, OP_WRITE, finish_run, weight);
}

/* ---- recover ---- */

/* The number in "webhook-AGENT-NS", also when a node's name follows it; 0 when there is none. */
static uint64_t ns_of(struct str id)
{
    uint64_t best = 0;
    struct str rest = id, piece;
    while (str_split(&rest, '-', &piece)) {
        uint64_t n;
        if (piece.n >= 16 && !str_u64(piece, &n) && n > best)
            best = n;
    }
    return best;
}

static int find_last_ns(struct db *db, struct store_recover *r)
{
    auto_rows rows;
    if (db_query_params(db, &rows, SQL_NEWEST_TASK_IDS, NULL, 0))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        uint64_t ns = ns_of(db_view(&rows, 0));
        r->last_ns = MAX(r->last_ns, ns);
    }
    return got;
}

static int list_interrupted(struct db *db, struct store_recover *r)
{
    auto_rows rows;
    if (db_query_params(db, &rows, SQL_RECOVER_LIST, NULL, 0))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0)
        row_read_task(&rows, r->op.arena, ROW_PUSH(r->op.arena, r->tasks, r->n_tasks));
    return got;
}

/* A SQLite file has one node: whatever name it had, what ran is interrupted. */
static int recover_run(struct db *db, struct store_op *op)
{
    struct store_recover *r = container_of(op, struct store_recover, op);
    r->tasks = NULL;
    r->n_tasks = 0;
    r->last_ns = 0;
    if (list_interrupted(db, r))
        return -1;
    for (size_t i = 0; i < r->n_tasks; i++) {
        struct task_row *t = &r->tasks[i];
        if (db_run(db, SQL_RECOVER_TASK, P_INT(t->seq)))
            return -1;
        t->state = TASK_QUEUED;
        t->interruptions++;
        t->node = STR_NULL;
    }
    if (db_run_params(db, SQL_RECOVER_LEASES, NULL, 0) || find_last_ns(db, r))
        return -1;
    return OP_DONE;
}

void store_recover(struct store *s, struct store_recover *r)
{
    store_submit(s, &r->op, OP_WRITE, recover_run, 0);
}
