/* Lists, newest first. A filter is a row of a table; the first one of its list that the caller set
   drives the query along its index, the others are tested on the rows found. The unary plus tells
   SQLite's planner, which has no statistics, not to choose otherwise. */
#include "store/op.h"

#include "base/buf.h"

#define LIST_MAX 500
/* Rows are found by the order of acceptance, which the clock follows except when it is stepped. Time
   bounds become bounds of that order with this much to spare and are then tested exactly. */
#define CLOCK_SLACK (3600 * US_PER_S)

struct filter {
    size_t field; /* of struct store_list */
    const char *column;
    bool indexed;
    const char *common;  /* the one value that the index leaves out … */
    const char *but_not; /* … and the words that let the planner use it */
};

struct list_kind {
    enum statement select, from, upto;
    const char *seq, *time;
    struct filter filters[6];
    void (*push)(struct store_list *l, struct db_rows *rows);
    int (*extend)(struct db *db,
                  struct store_list *l); /* reads what belongs to each row; may be NULL */
};

#define FIELD(name) offsetof(struct store_list, name)

/* ---- the four lists ---- */

static void push_task(struct store_list *l, struct db_rows *rows)
{
    row_read_task(rows, l->op.arena, ROW_PUSH(l->op.arena, l->tasks, l->n));
}

static void push_delivery(struct store_list *l, struct db_rows *rows)
{
    row_read_delivery(rows, l->op.arena, ROW_PUSH(l->op.arena, l->deliveries, l->n));
}

static int extend_tasks(struct db *db, struct store_list *l)
{
    struct arena *a = l->op.arena;
    l->task_deliveries = ARENA_ARRAY(a, struct row_ids, l->n + 1);
    for (size_t i = 0; i < l->n; i++) {
        struct row_ids *ids = &l->task_deliveries[i];
        if (op_read_delivery_ids(db, a, l->tasks[i].id, &ids->items, &ids->n))
            return -1;
    }
    return OP_DONE;
}

static int extend_deliveries(struct db *db, struct store_list *l)
{
    struct arena *a = l->op.arena;
    l->attempts = ARENA_ARRAY(a, struct row_attempts, l->n + 1);
    for (size_t i = 0; i < l->n; i++) {
        struct row_attempts *tries = &l->attempts[i];
        if (op_read_attempts(db, a, &l->deliveries[i], &tries->items, &tries->n))
            return -1;
    }
    return OP_DONE;
}

static void push_receipt(struct store_list *l, struct db_rows *rows)
{
    row_read_receipt(rows, l->op.arena, ROW_PUSH(l->op.arena, l->receipts, l->n));
}

static void push_fire(struct store_list *l, struct db_rows *rows)
{
    struct arena *a = l->op.arena;
    struct fire_row *f = ROW_PUSH(a, l->fires, l->n);
    *f = (struct fire_row){
        .schedule = db_str(rows, 1, a),
        .first = db_int(rows, 2),
        .last = db_int(rows, 3),
        .count = db_int(rows, 4),
        .outcome = db_str(rows, 5, a),
        .reason = db_str(rows, 6, a),
        .task_id = db_str(rows, 7, a),
        .at = db_int(rows, 8),
    };
}

static const struct list_kind task_kind = {
    .select = SQL_LIST_TASKS,
    .from = SQL_TASKS_FROM,
    .upto = SQL_TASKS_UPTO,
    .seq = "t.seq",
    .time = "t.created_at",
    .filters = { { FIELD(state), "t.state", true, "completed", " AND t.state <> 'completed'" },
                 { FIELD(agent), "t.agent", true, NULL, NULL },
                 { FIELD(trigger), "t.trigger_name", true, NULL, NULL } },
    .push = push_task,
    .extend = extend_tasks,
};

static const struct list_kind delivery_kind = {
    .select = SQL_LIST_DELIVERIES,
    .from = SQL_DELIVERIES_FROM,
    .upto = SQL_DELIVERIES_UPTO,
    .seq = "d.seq",
    .time = "d.created_at",
    .filters = { { FIELD(task_id), "d.task_id", true, NULL, NULL },
                 { FIELD(receiver), "d.receiver", true, NULL, NULL },
                 { FIELD(state), "d.state", true, "succeeded", " AND d.state <> 'succeeded'" },
                 { FIELD(agent), "(SELECT t.agent FROM tasks t WHERE t.id = d.task_id)", false,
                   NULL, NULL } },
    .push = push_delivery,
    .extend = extend_deliveries,
};

static const struct list_kind receipt_kind = {
    .select = SQL_LIST_RECEIPTS,
    .from = SQL_RECEIPTS_FROM,
    .upto = SQL_RECEIPTS_UPTO,
    .seq = "c.seq",
    .time = "c.received_at",
    .filters = { { FIELD(task_id), "c.task_id", true, NULL, NULL },
                 { FIELD(state), "c.status", true, "accepted", " AND c.status <> 'accepted'" },
                 { FIELD(route), "c.route", true, NULL, NULL },
                 { FIELD(agent), "c.trigger_agent", false, NULL, NULL } },
    .push = push_receipt,
};

static const struct list_kind fire_kind = {
    .select = SQL_LIST_FIRES,
    .from = SQL_FIRES_FROM,
    .upto = SQL_FIRES_UPTO,
    .seq = "f.seq",
    .time = "f.at",
    .filters = { { FIELD(schedule), "f.schedule", true, NULL, NULL },
                 { FIELD(state), "f.outcome", true, "ran", " AND f.outcome <> 'ran'" },
                 { FIELD(task_id), "f.task_id", false, NULL, NULL } },
    .push = push_fire,
};

/* ---- the query ---- */

struct query {
    struct buf text;
    struct param params[N_ELEMENTS(task_kind.filters) + 5];
    size_t n;
};

static void add(struct query *q, const char *before, const char *column, const char *test,
                struct param p)
{
    q->params[q->n++] = p;
    buf_printf(&q->text, "%s%s%s%s?%zu", q->n > 1 ? " AND " : "", before, column, test, q->n);
}

static const char *column_of(const struct filter *f, struct str value)
{
    static const char *const types[] = { "webhook", "schedule", "api", "cli", "mcp" };
    for (size_t i = 0; f->field == FIELD(trigger) && i < N_ELEMENTS(types); i++) {
        if (str_eq_c(value, types[i]))
            return "t.trigger_type";
    }
    return f->column;
}

static void add_filters(struct query *q, const struct list_kind *kind, const struct store_list *l)
{
    bool driven = false;
    for (const struct filter *f = kind->filters; f->column; f++) {
        const struct str *value = (const void *)((const char *)l + f->field);
        if (!value->p)
            continue;
        bool drives = f->indexed && !driven && !(f->common && str_eq_c(*value, f->common));
        add(q, drives ? "" : "+", column_of(f, *value), " = ", (struct param)P_TEXT(*value));
        if (drives && f->but_not)
            buf_cstr(&q->text, f->but_not);
        driven |= drives;
    }
}

/* The seq of the row at the edge of a time; 0 = there is none. */
static int edge(struct db *db, enum statement id, int64_t at, int64_t *seq)
{
    *seq = 0;
    auto_rows rows;
    if (db_query(db, &rows, id, P_INT(at)))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        *seq = db_int(&rows, 0);
    return got < 0 ? -1 : 0;
}

static int add_times(struct db *db, struct query *q, const struct list_kind *kind,
                     const struct store_list *l)
{
    int64_t low = 0, high = INT64_MAX;
    if (l->since) {
        if (edge(db, kind->from, l->since - CLOCK_SLACK, &low))
            return -1;
        if (!low)
            high = 0; /* nothing is as new as that */
        add(q, "+", kind->time, " >= ", (struct param)P_INT(l->since));
    }
    if (l->until) {
        if (edge(db, kind->upto, l->until + CLOCK_SLACK, &high))
            return -1;
        add(q, "+", kind->time, " <= ", (struct param)P_INT(l->until));
    }
    if (l->before_seq && l->before_seq <= high)
        high = l->before_seq - 1;
    add(q, "", kind->seq, " >= ", (struct param)P_INT(low));
    add(q, "", kind->seq, " <= ", (struct param)P_INT(high));
    return 0;
}

static int list_rows(struct db *db, const struct list_kind *kind, struct store_list *l,
                     struct query *q, unsigned limit)
{
    auto_rows rows;
    if (db_query_more(db, &rows, kind->select, q->text.p, q->params, q->n))
        return -1;
    int got;
    int64_t seq = 0;
    while ((got = db_next(&rows)) > 0) {
        if (l->n == limit) {
            l->next_before_seq = seq;
            break;
        }
        seq = db_int(&rows, 0);
        kind->push(l, &rows);
    }
    return got < 0 ? -1 : OP_DONE;
}

static int list(struct db *db, const struct list_kind *kind, struct store_op *op)
{
    struct store_list *l = container_of(op, struct store_list, op);
    l->n = 0;
    l->next_before_seq = 0;
    l->tasks = NULL;
    l->deliveries = NULL;
    l->receipts = NULL;
    l->fires = NULL;
    unsigned limit = l->limit == 0 ? 1 : MIN(l->limit, LIST_MAX);
    struct query q = { .text = BUF_INIT(4096) };
    add_filters(&q, kind, l);
    int rc = add_times(db, &q, kind, l);
    /* One row more than asked for tells whether there are more. */
    buf_printf(&q.text, " ORDER BY %s DESC LIMIT %u", kind->seq, limit + 1);
    buf_char(&q.text, 0);
    if (!rc)
        rc = list_rows(db, kind, l, &q, limit);
    if (!rc && kind->extend)
        rc = kind->extend(db, l);
    buf_release(&q.text);
    return rc;
}

#define LIST(what)                                                  \
    static int what##_list_run(struct db *db, struct store_op *op)  \
    {                                                               \
        return list(db, &what##_kind, op);                          \
    }                                                               \
    void store_##what##_list(struct store *s, struct store_list *l) \
    {                                                               \
        store_submit(s, &l->op, OP_READ, what##_list_run, 0);       \
    }

LIST(task)
LIST(delivery)
LIST(receipt)
LIST(fire)
