/* Small things kept by name: sessions' messages, dynamic webhooks, values of meta. And the copy. */
#include "store/op.h"

#define SESSION_MAX 10000

/* ---- sessions ---- */

static int session_read(struct db *db, struct store_session *m)
{
    struct arena *a = m->op.arena;
    unsigned limit = m->limit && m->limit < SESSION_MAX ? m->limit : SESSION_MAX;
    auto_rows rows;
    if (db_query(db, &rows, SQL_MESSAGES, P_TEXT(m->session_id), P_INT(limit)))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        struct message_row *row = ROW_PUSH(a, m->messages, m->n_messages);
        *row = (struct message_row){
            .seq = db_int(&rows, 0),
            .session_id = db_str(&rows, 1, a),
            .role = db_str(&rows, 2, a),
            .content = db_str(&rows, 3, a),
            .task_id = db_str(&rows, 4, a),
            .at = db_int(&rows, 5),
        };
    }
    for (size_t i = 0; i < m->n_messages / 2; i++) { /* newest first → ascending */
        struct message_row swap = m->messages[i];
        m->messages[i] = m->messages[m->n_messages - 1 - i];
        m->messages[m->n_messages - 1 - i] = swap;
    }
    return got;
}

static int session_run(struct db *db, struct store_op *op)
{
    struct store_session *m = container_of(op, struct store_session, op);
    m->messages = NULL;
    m->n_messages = 0;
    return m->clear ? db_run(db, SQL_SESSION_CLEAR, P_TEXT(m->session_id)) : session_read(db, m);
}

void store_session(struct store *s, struct store_session *m)
{
    store_submit(s, &m->op, m->clear ? OP_WRITE : OP_READ, session_run, 0);
}

/* ---- dynamic webhooks ---- */

static int webhook_put(struct db *db, struct store_op *op, const struct webhook_row *w)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_WEBHOOK_TAKEN, P_TEXT(w->id), P_TEXT(w->name),
                 P_TEXT(w->public_id)))
        return -1;
    int got = db_next(&rows);
    if (got < 0)
        return -1;
    if (got)
        return error_set(&op->error, ERROR_EXISTS, "there is another webhook named %" STR_FMT,
                         STR_ARG(w->name));
    return db_run(db, SQL_WEBHOOK_PUT, P_TEXT(w->id), P_TEXT(w->public_id), P_TEXT(w->name),
                  P_TEXT(w->definition), P_INT(w->enabled), P_INT(w->created_at),
                  P_INT(w->updated_at));
}

static int webhooks_run(struct db *db, struct store_op *op)
{
    struct store_webhooks *w = container_of(op, struct store_webhooks, op);
    struct arena *a = op->arena;
    w->rows = NULL;
    w->n = 0;
    if (w->put && webhook_put(db, op, w->put))
        return -1;
    if (w->remove_id.p && db_run(db, SQL_WEBHOOK_DROP, P_TEXT(w->remove_id)))
        return -1;
    auto_rows rows;
    if (db_query_params(db, &rows, SQL_WEBHOOKS, NULL, 0))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        struct webhook_row *row = ROW_PUSH(a, w->rows, w->n);
        *row = (struct webhook_row){
            .id = db_str(&rows, 0, a),
            .public_id = db_str(&rows, 1, a),
            .name = db_str(&rows, 2, a),
            .definition = db_str(&rows, 3, a),
            .enabled = db_int(&rows, 4) != 0,
            .created_at = db_int(&rows, 5),
            .updated_at = db_int(&rows, 6),
        };
    }
    return got;
}

void store_webhooks(struct store *s, struct store_webhooks *w)
{
    store_submit(s, &w->op, w->put || w->remove_id.p ? OP_WRITE : OP_READ, webhooks_run, 0);
}

/* ---- meta ---- */

static int meta_run(struct db *db, struct store_op *op)
{
    struct store_meta *m = container_of(op, struct store_meta, op);
    m->value = STR_NULL;
    if (m->put.p &&
        db_run(db, m->keep ? SQL_META_KEEP : SQL_META_PUT, P_TEXT(m->key), P_BLOB(m->put)))
        return -1;
    auto_rows rows;
    if (db_query(db, &rows, SQL_META_GET, P_TEXT(m->key)))
        return -1;
    int got = db_next(&rows);
    if (got > 0)
        m->value = db_str(&rows, 0, op->arena);
    return got < 0 ? -1 : OP_DONE;
}

void store_meta(struct store *s, struct store_meta *m)
{
    store_submit(s, &m->op, m->put.p ? OP_WRITE : OP_READ, meta_run, m->put.n);
}

/* ---- backup ---- */

static int backup_run(struct db *db, struct store_op *op)
{
    return db_copy(db, container_of(op, struct store_backup, op)->path);
}

void store_backup(struct store *s, struct store_backup *b)
{
    store_submit(s, &b->op, OP_READ_LONG, backup_run, 0);
}
