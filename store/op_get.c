/* Reads of single things and small sets: a task, a receipt, events, counts. */
#include "store/op.h"

#define EVENTS_MAX 1000

int op_read_delivery_ids(struct db *db, struct arena *a, struct str task_id, struct str **ids,
                         size_t *n)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_TASK_DELIVERIES, P_TEXT(task_id)))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0)
        *ROW_PUSH(a, *ids, *n) = db_str(&rows, 0, a);
    return got;
}

int op_read_attempts(struct db *db, struct arena *a, const struct delivery_row *d,
                     struct attempt_row **attempts, size_t *n)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_ATTEMPTS, P_INT(d->seq)))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        struct attempt_row *row = ROW_PUSH(a, *attempts, *n);
        *row = (struct attempt_row){
            .delivery_id = d->id,
            .n = (unsigned)db_int(&rows, 0),
            .at = db_int(&rows, 1),
            .status_code = (int)db_int(&rows, 2),
            .error_type = db_str(&rows, 3, a),
            .error = db_str(&rows, 4, a),
            .duration_us = db_int(&rows, 5),
            .remote_ip = db_str(&rows, 6, a),
            .response_excerpt = db_str(&rows, 7, a),
        };
    }
    return got;
}

static int task_get_run(struct db *db, struct store_op *op)
{
    struct store_task_get *g = container_of(op, struct store_task_get, op);
    g->found = false;
    g->delivery_ids = NULL;
    g->n_delivery_ids = 0;
    auto_rows rows;
    if (db_query(db, &rows, SQL_TASK_BY_ID, P_TEXT(g->id)))
        return -1;
    int got = db_next(&rows);
    if (got <= 0)
        return got;
    g->found = true;
    row_read_task(&rows, op->arena, &g->task);
    return op_read_delivery_ids(db, op->arena, g->id, &g->delivery_ids, &g->n_delivery_ids);
}

void store_task_get(struct store *s, struct store_task_get *g)
{
    store_submit(s, &g->op, OP_READ, task_get_run, 0);
}

static int receipt_get_run(struct db *db, struct store_op *op)
{
    struct store_receipt_get *g = container_of(op, struct store_receipt_get, op);
    g->found = false;
    auto_rows rows;
    if (db_query(db, &rows, SQL_RECEIPT_BY_ID, P_TEXT(g->id)))
        return -1;
    int got = db_next(&rows);
    if (got <= 0)
        return got;
    g->found = true;
    row_read_receipt(&rows, op->arena, &g->receipt);
    return OP_DONE;
}

void store_receipt_get(struct store *s, struct store_receipt_get *g)
{
    store_submit(s, &g->op, OP_READ, receipt_get_run, 0);
}

static int events_run(struct db *db, struct store_op *op)
{
    struct store_events *e = container_of(op, struct store_events, op);
    struct arena *a = op->arena;
    e->events = NULL;
    e->n_events = 0;
    unsigned limit = e->limit && e->limit < EVENTS_MAX ? e->limit : EVENTS_MAX;
    auto_rows rows;
    int rc = e->task_id.p ? db_query(db, &rows, SQL_EVENTS_OF_TASK, P_TEXT(e->task_id),
                                     P_INT(e->after_seq), P_INT(limit))
                          : db_query(db, &rows, SQL_EVENTS, P_INT(e->after_seq), P_INT(limit));
    if (rc)
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        struct event_row *row = ROW_PUSH(a, e->events, e->n_events);
        *row = (struct event_row){
            .seq = db_int(&rows, 0),
            .task_id = db_str(&rows, 1, a),
            .type = db_str(&rows, 2, a),
            .at = db_int(&rows, 3),
            .data = db_str(&rows, 4, a),
        };
    }
    return got;
}

void store_events(struct store *s, struct store_events *e)
{
    store_submit(s, &e->op, OP_READ, events_run, 0);
}

static int count_queued(struct db *db, struct store_counts *c)
{
    auto_rows rows;
    if (db_query_params(db, &rows, SQL_QUEUED_BY_AGENT, NULL, 0))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        struct agent_count *row = ROW_PUSH(c->op.arena, c->agents, c->n_agents);
        row->agent = db_str(&rows, 0, c->op.arena);
        row->queued = db_int(&rows, 1);
        row->oldest = db_int(&rows, 2);
    }
    return got;
}

static int counts_run(struct db *db, struct store_op *op)
{
    struct store_counts *c = container_of(op, struct store_counts, op);
    c->agents = NULL;
    c->n_agents = 0;
    c->deliveries_open = 0;
    if (count_queued(db, c))
        return -1;
    auto_rows rows;
    if (db_query_params(db, &rows, SQL_DELIVERIES_OPEN, NULL, 0))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        c->deliveries_open = db_int(&rows, 0);
    return got < 0 ? -1 : OP_DONE;
}

void store_counts(struct store *s, struct store_counts *c)
{
    store_submit(s, &c->op, OP_READ, counts_run, 0);
}
