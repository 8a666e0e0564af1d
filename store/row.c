/* Rows into statements and out of them (statements.h names the columns in the same order). */
#include "store/row.h"

#include <string.h>

/* ---- reading: a cursor over the columns of one row ---- */

struct columns {
    struct db_rows *rows;
    struct arena *a;
    int at;
};

static struct str text(struct columns *c)
{
    return db_str(c->rows, c->at++, c->a);
}

static int64_t number(struct columns *c)
{
    return db_int(c->rows, c->at++);
}

/* A head and its tail, put together. */
static struct str body(struct columns *c)
{
    struct str head = db_view(c->rows, c->at++);
    struct str tail = db_view(c->rows, c->at++);
    if (!head.p)
        return STR_NULL;
    char *p = arena_alloc(c->a, head.n + tail.n + 1);
    memcpy(p, head.p, head.n);
    if (tail.n)
        memcpy(p + head.n, tail.p, tail.n);
    return (struct str){ p, head.n + tail.n };
}

void row_read_task(struct db_rows *rows, struct arena *a, struct task_row *t)
{
    struct columns c = { rows, a, 0 };
    *t = (struct task_row){ 0 };
    t->seq = number(&c);
    t->id = text(&c);
    t->agent = text(&c);
    t->trigger_type = text(&c);
    t->trigger_name = text(&c);
    if (task_state_parse(db_view(rows, c.at++), &t->state))
        t->state = TASK_FAILED; /* a word of another program: nothing may run from it */
    t->attempt = (unsigned)number(&c);
    t->interruptions = (unsigned)number(&c);
    t->retries = (unsigned)number(&c);
    t->session_id = text(&c);
    t->receipt_id = text(&c);
    t->response_mode = text(&c);
    t->callback_url = text(&c);
    t->meta = text(&c);
    t->scheduled_at = number(&c);
    t->due_at = number(&c);
    t->created_at = number(&c);
    t->started_at = number(&c);
    t->finished_at = number(&c);
    t->result_json = number(&c) != 0;
    t->error_type = text(&c);
    t->error_message = text(&c);
    t->usage = text(&c);
    t->tokens_used = number(&c);
    t->tools_called = number(&c);
    t->trace_id = text(&c);
    t->node = text(&c);
    t->input = body(&c);
    t->result = body(&c);
}

void row_read_delivery(struct db_rows *rows, struct arena *a, struct delivery_row *d)
{
    struct columns c = { rows, a, 0 };
    *d = (struct delivery_row){ 0 };
    d->seq = number(&c);
    d->id = text(&c);
    d->receiver = text(&c);
    d->target = text(&c);
    d->event = text(&c);
    d->task_id = text(&c);
    if (delivery_state_parse(db_view(rows, c.at++), &d->state))
        d->state = DELIVERY_FAILED;
    d->method = text(&c);
    d->url = text(&c);
    d->headers = text(&c);
    d->content_type = text(&c);
    d->guard = text(&c);
    d->progress = text(&c);
    d->attempts = (unsigned)number(&c);
    d->max_attempts = (unsigned)number(&c);
    d->initial_delay = number(&c);
    d->max_delay = number(&c);
    d->backoff = (int)number(&c);
    d->jitter_permille = (int)number(&c);
    d->timeout = number(&c);
    d->created_at = number(&c);
    d->next_at = number(&c);
    d->finished_at = number(&c);
    d->last_error = text(&c);
    d->body = body(&c);
}

void row_read_receipt(struct db_rows *rows, struct arena *a, struct receipt_row *r)
{
    struct columns c = { rows, a, 0 };
    *r = (struct receipt_row){ 0 };
    r->seq = number(&c);
    r->id = text(&c);
    r->route = text(&c);
    r->status = text(&c);
    r->reason = text(&c);
    r->http_status = (int)number(&c);
    r->event_type = text(&c);
    r->delivery_id = text(&c);
    r->entity = text(&c);
    r->remote_address = text(&c);
    r->secret_used = text(&c);
    r->task_id = text(&c);
    r->trigger_agent = text(&c);
    r->received_at = number(&c);
    r->duration_us = number(&c);
    r->repeated = number(&c);
    r->headers = text(&c);
    r->body = body(&c);
}

/* ---- writing ---- */

int row_put_body(struct db *db, struct str bytes, int64_t *id)
{
    *id = 0;
    if (!bytes.p)
        return 0;
    struct str head = str_sub(bytes, 0, ROW_BODY_HEAD);
    struct str tail = STR_NULL;
    if (bytes.n > head.n)
        tail = str_sub(bytes, head.n, bytes.n - head.n);
    if (!head.p)
        head = STR("");
    if (db_run(db, SQL_BODY_PUT, P_BLOB(head), P_BLOB(tail)))
        return -1;
    *id = db_inserted(db);
    return 0;
}

struct param row_body_param(int64_t id)
{
    return (struct param){ .type = id ? PARAM_INT : PARAM_NULL, .i = id };
}

int row_put_task(struct db *db, const struct task_row *t, int64_t input_id)
{
    int64_t result_id;
    if (row_put_body(db, t->result, &result_id))
        return -1;
    return db_run(
        db, SQL_TASK_PUT, P_TEXT(t->id), P_TEXT(t->agent), P_TEXT(t->trigger_type),
        P_TEXT(t->trigger_name), P_WORD(task_state_word(t->state)), P_INT(t->attempt),
        P_INT(t->interruptions), P_INT(t->retries), row_body_param(input_id), P_TEXT(t->session_id),
        P_TEXT(t->receipt_id), P_TEXT(t->response_mode), P_TEXT(t->callback_url), P_TEXT(t->meta),
        P_INT(t->scheduled_at), P_INT(t->due_at), P_INT(t->created_at), P_INT(t->started_at),
        P_INT(t->finished_at), row_body_param(result_id), P_INT(t->result_json),
        P_TEXT(t->error_type), P_TEXT(t->error_message), P_TEXT(t->usage), P_INT(t->tokens_used),
        P_INT(t->tools_called), P_TEXT(t->trace_id), P_TEXT(t->node));
}

int row_put_receipt(struct db *db, const struct receipt_row *r, struct row_receipt_as *as)
{
    if (row_put_body(db, r->body, &as->body_id))
        return -1;
    if (db_run(db, SQL_RECEIPT_PUT, P_TEXT(r->id), P_TEXT(r->route), P_TEXT(as->status),
               P_TEXT(r->reason), P_INT(r->http_status), P_TEXT(r->event_type),
               P_TEXT(r->delivery_id), P_TEXT(r->entity), P_TEXT(r->remote_address),
               P_TEXT(r->secret_used), P_TEXT(as->task_id), P_TEXT(r->trigger_agent),
               P_INT(r->received_at), P_INT(r->duration_us), P_INT(r->repeated),
               P_INT(r->body.n + r->headers.n), row_body_param(as->body_id), P_TEXT(r->headers)))
        return -1;
    if (db_changed(db))
        return 0;
    /* Seen before: a later word about the same request, or the count of those refused like it. */
    if (as->body_id && db_run(db, SQL_BODY_DROP, P_INT(as->body_id)))
        return -1;
    as->body_id = 0;
    return db_run(db, SQL_RECEIPT_UPDATE, P_TEXT(r->id), P_TEXT(as->status), P_TEXT(r->reason),
                  P_INT(r->http_status), P_TEXT(as->task_id), P_INT(r->duration_us),
                  P_INT(r->repeated));
}

int row_put_events(struct db *db, const struct event_row *e, size_t n, int64_t *last_seq)
{
    *last_seq = 0;
    for (size_t i = 0; i < n; i++) {
        if (db_run(db, SQL_EVENT_PUT, P_TEXT(e[i].task_id), P_TEXT(e[i].type), P_INT(e[i].at),
                   P_TEXT(e[i].data)))
            return -1;
        *last_seq = db_inserted(db);
    }
    return 0;
}

int row_put_deliveries(struct db *db, const struct delivery_row *d, size_t n)
{
    for (; n > 0; n--, d++) {
        int64_t body_id;
        if (row_put_body(db, d->body, &body_id))
            return -1;
        if (db_run(db, SQL_DELIVERY_PUT, P_TEXT(d->id), P_TEXT(d->receiver), P_TEXT(d->target),
                   P_TEXT(d->event), P_TEXT(d->task_id), P_WORD(delivery_state_word(d->state)),
                   P_TEXT(d->method), P_TEXT(d->url), P_TEXT(d->headers), P_TEXT(d->content_type),
                   P_TEXT(d->guard), P_TEXT(d->progress), P_INT(d->attempts),
                   P_INT(d->max_attempts), P_INT(d->initial_delay), P_INT(d->max_delay),
                   P_INT(d->backoff), P_INT(d->jitter_permille), P_INT(d->timeout),
                   P_INT(d->created_at), P_INT(d->next_at), P_INT(d->finished_at),
                   P_TEXT(d->last_error), row_body_param(body_id)))
            return -1;
    }
    return 0;
}

int row_put_messages(struct db *db, const struct message_row *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (db_run(db, SQL_MESSAGE_PUT, P_TEXT(m[i].session_id), P_TEXT(m[i].role),
                   P_TEXT(m[i].content), P_TEXT(m[i].task_id), P_INT(m[i].at)))
            return -1;
    }
    return 0;
}

void *row_grow(struct arena *a, void *array, size_t n, size_t size)
{
    /* Full at 0 and at every power of two from 8 on. */
    if (n != 0 && (n < 8 || (n & (n - 1)) != 0))
        return array;
    void *larger = arena_alloc(a, size * (n ? n * 2 : 8));
    if (n)
        memcpy(larger, array, n * size);
    return larger;
}
