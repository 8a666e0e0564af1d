/* Intake: what one request or one due time leaves behind, in one transaction. */
#include "store/op.h"

#include <assert.h>

/* The key's first owner, if it is still remembered. */
static int find_original(struct db *db, struct store_record *r, bool *found)
{
    *found = false;
    for (size_t i = 0; i < r->n_dedups && !*found; i++) {
        const struct store_dedup *d = &r->dedups[i];
        auto_rows rows;
        if (db_query(db, &rows, SQL_DEDUP_GET, P_TEXT(d->scope), P_TEXT(d->key), P_INT(r->op.at)))
            return -1;
        int got = db_next(&rows);
        if (got < 0)
            return -1;
        if (got) {
            *found = true;
            r->original_task_id = db_str(&rows, 0, r->op.arena);
            r->original_receipt_id = db_str(&rows, 1, r->op.arena);
        }
    }
    return 0;
}

enum fire_place { FIRE_NEW, FIRE_EXTENDS, FIRE_TAKEN };

static bool same_run(struct db_rows *rows, const struct fire_row *f)
{
    return db_int(rows, 1) == f->first && f->last > db_int(rows, 2) && !f->task_id.p &&
           str_eq(db_view(rows, 3), f->outcome) && str_eq(db_view(rows, 4), f->reason);
}

/* seq: of the row that is extended. */
static int place_fire(struct db *db, const struct fire_row *f, enum fire_place *place, int64_t *seq)
{
    auto_rows rows;
    if (db_query(db, &rows, SQL_FIRE_AT, P_TEXT(f->schedule), P_INT(f->first)))
        return -1;
    int got = db_next(&rows);
    if (got < 0)
        return -1;
    *place = FIRE_NEW;
    if (got && same_run(&rows, f)) {
        *place = FIRE_EXTENDS;
        *seq = db_int(&rows, 0);
    } else if (got && db_int(&rows, 2) >= f->first) {
        *place = FIRE_TAKEN;
    }
    return 0;
}

static int any_fire_taken(struct db *db, const struct store_record *r, bool *taken)
{
    *taken = false;
    for (size_t i = 0; i < r->n_fires && !*taken; i++) {
        enum fire_place place;
        int64_t seq;
        if (place_fire(db, &r->fires[i], &place, &seq))
            return -1;
        *taken = place == FIRE_TAKEN;
    }
    return 0;
}

static int put_fires(struct db *db, const struct store_record *r)
{
    for (size_t i = 0; i < r->n_fires; i++) {
        const struct fire_row *f = &r->fires[i];
        enum fire_place place;
        int64_t seq;
        if (place_fire(db, f, &place, &seq))
            return -1;
        int rc = place == FIRE_EXTENDS
                     ? db_run(db, SQL_FIRE_EXTEND, P_INT(seq), P_INT(f->last), P_INT(f->count),
                              P_INT(f->at))
                     : db_run(db, SQL_FIRE_PUT, P_TEXT(f->schedule), P_INT(f->first),
                              P_INT(f->last), P_INT(f->count), P_TEXT(f->outcome),
                              P_TEXT(f->reason), P_TEXT(f->task_id), P_INT(f->at));
        if (rc)
            return -1;
    }
    return 0;
}

static int put_dedups(struct db *db, const struct store_record *r)
{
    struct str task_id = r->task ? r->task->id : STR_NULL;
    struct str receipt_id = r->receipt ? r->receipt->id : STR_NULL;
    for (size_t i = 0; i < r->n_dedups; i++) {
        const struct store_dedup *d = &r->dedups[i];
        int rc = r->dedup_free ? db_run(db, SQL_DEDUP_DROP, P_TEXT(d->scope), P_TEXT(d->key))
                               : db_run(db, SQL_DEDUP_PUT, P_TEXT(d->scope), P_TEXT(d->key),
                                        P_INT(d->expires_at), P_TEXT(task_id), P_TEXT(receipt_id));
        if (rc)
            return -1;
    }
    return 0;
}

static int put_schedule(struct db *db, const struct schedule_row *s)
{
    return db_run(db, SQL_SCHEDULE_PUT, P_TEXT(s->name), P_TEXT(s->definition), P_INT(s->anchor),
                  P_INT(s->high_water), P_INT(s->last_fired), P_TEXT(s->last_task_id),
                  P_INT(s->paused));
}

/* The input is usually the body as it came: then both rows name the same bytes. */
static int put_receipt_and_task(struct db *db, struct store_record *r)
{
    int64_t body_id = 0;
    if (r->receipt) {
        struct row_receipt_as as = { r->receipt->status, r->receipt->task_id, 0 };
        if (row_put_receipt(db, r->receipt, &as))
            return -1;
        body_id = as.body_id;
    }
    if (!r->task)
        return 0;
    if (!body_id || !str_eq(r->task->input, r->receipt->body)) {
        if (row_put_body(db, r->task->input, &body_id))
            return -1;
    }
    if (row_put_task(db, r->task, body_id))
        return -1;
    r->seq = db_inserted(db);
    return 0;
}

static int record_duplicate(struct db *db, struct store_record *r)
{
    r->outcome = RECORD_DUPLICATE;
    if (!r->receipt)
        return OP_DONE;
    struct row_receipt_as as = { STR("deduplicated"), r->original_task_id, 0 };
    return row_put_receipt(db, r->receipt, &as);
}

static int record_run(struct db *db, struct store_op *op)
{
    struct store_record *r = container_of(op, struct store_record, op);
    r->outcome = RECORD_DONE;
    r->original_task_id = r->original_receipt_id = STR_NULL;
    r->seq = r->last_event_seq = 0;
    bool found;
    if (!r->dedup_free) {
        if (find_original(db, r, &found))
            return -1;
        if (found)
            return record_duplicate(db, r);
    }
    if (any_fire_taken(db, r, &found))
        return -1;
    if (found) {
        r->outcome = RECORD_ALREADY_FIRED;
        return OP_DONE;
    }
    if (put_receipt_and_task(db, r) || put_dedups(db, r) || put_fires(db, r) ||
        (r->schedule && put_schedule(db, r->schedule)) ||
        row_put_events(db, r->events, r->n_events, &r->last_event_seq) ||
        row_put_deliveries(db, r->deliveries, r->n_deliveries))
        return -1;
    return OP_DONE;
}

void store_record(struct store *s, struct store_record *r)
{
    size_t weight = (r->receipt ? r->receipt->body.n + r->receipt->headers.n : 0) +
                    (r->task ? r->task->input.n : 0);
    for (size_t i = 0; i < r->n_deliveries; i++)
        weight += r->deliveries[i].body.n;
    assert(r->op.arena || !r->n_dedups || r->dedup_free);
    store_submit(s, &r->op, r->dedup_free ? OP_WRITE : OP_INTAKE, record_run, weight);
}

/* ---- schedules ---- */

static int schedules_run(struct db *db, struct store_op *op)
{
    struct store_schedules *l = container_of(op, struct store_schedules, op);
    struct arena *a = op->arena;
    l->rows = NULL;
    l->n = 0;
    auto_rows rows;
    if (db_query_params(db, &rows, SQL_SCHEDULES, NULL, 0))
        return -1;
    int got;
    while ((got = db_next(&rows)) > 0) {
        struct schedule_row *s = ROW_PUSH(a, l->rows, l->n);
        *s = (struct schedule_row){
            .name = db_str(&rows, 0, a),
            .definition = db_str(&rows, 1, a),
            .anchor = db_int(&rows, 2),
            .high_water = db_int(&rows, 3),
            .last_fired = db_int(&rows, 4),
            .last_task_id = db_str(&rows, 5, a),
            .paused = db_int(&rows, 6) != 0,
        };
    }
    return got;
}

void store_schedules(struct store *s, struct store_schedules *l)
{
    store_submit(s, &l->op, OP_READ, schedules_run, 0);
}
