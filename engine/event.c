/* What happened, once: the row that is kept, the deliveries it causes, and who is told after the
   commit. */
#include "base/json.h"
#include "base/log.h"
#include "engine/engine_inside.h"

/* The event's own fields, with what every listener wants to know of the task. */
static struct str event_data(struct arena *a, const struct engine_event *event)
{
    struct json *data = json_object(a);
    const struct task_row *task = event->task;
    if (task) {
        json_put(a, data, STR("agent_name"), json_str(a, task->agent));
        json_put(a, data, STR("status"), json_str(a, str_of(task_state_word(task->state))));
        json_put(a, data, STR("attempt"), json_i64(a, task->attempt));
        if (task->error_message.p)
            json_put(a, data, STR("error"), json_str(a, task->error_message));
    }
    if (event->delivery) {
        json_put(a, data, STR("delivery_id"), json_str(a, event->delivery->id));
        json_put(a, data, STR("receiver"), json_str(a, event->delivery->receiver));
        if (event->delivery->last_error.p)
            json_put(a, data, STR("error"), json_str(a, event->delivery->last_error));
    }
    if (event->data) {
        for (const struct json *m = event->data->child; m; m = m->next)
            json_put(a, data, json_key_text(a, m), json_alias(a, m));
    }
    struct buf out = BUF_INIT(256 * KIB);
    json_write(&out, data, JSON_COMPACT);
    struct str text = buf_ok(&out) ? arena_str(a, buf_view(&out)) : STR("{}");
    buf_release(&out);
    return text;
}

void event_make(struct engine *e, struct arena *a, const struct engine_event *event,
                struct event_batch *out)
{
    *out = (struct event_batch){ 0 };
    out->row.type = arena_str(a, str_of(event->type));
    out->row.at = event->at;
    if (event->task)
        out->row.task_id = arena_str(a, event->task->id);
    else if (event->delivery)
        out->row.task_id = arena_str(a, event->delivery->task_id);
    out->row.data = event_data(a, event);
    if (e->notifier.deliveries)
        out->n_deliveries = e->notifier.deliveries(e->notifier.ctx, event, a, &out->deliveries);
}

void event_publish(struct engine *e, struct event_row *rows, size_t n, int64_t last_seq)
{
    for (size_t i = 0; i < n; i++) {
        rows[i].seq = last_seq - (int64_t)(n - 1 - i);
        list_each (&e->event_watches, link) {
            struct event_watch *w = container_of(link, struct event_watch, link);
            w->event(w, &rows[i]);
        }
    }
}

struct event_emit {
    struct store_record record;
    struct engine *engine;
    struct event_batch batch;
};

static void event_emit_done(struct store_op *op)
{
    struct event_emit *emit = container_of(op, struct event_emit, record.op);
    struct engine *e = emit->engine;
    if (op->rc == 0) {
        event_publish(e, &emit->batch.row, 1, emit->record.last_event_seq);
        outbox_added(e->outbox, emit->batch.deliveries, emit->batch.n_deliveries);
    } else {
        log_error("event could not be stored", "type", emit->batch.row.type.p, "error",
                  op->error.text);
    }
    arena_free(op->arena);
}

void engine_emit(struct engine *e, const struct engine_event *event)
{
    struct arena *a = arena_new(0);
    struct event_emit *emit = ARENA_NEW(a, struct event_emit);
    emit->engine = e;
    event_make(e, a, event, &emit->batch);
    emit->record.op.arena = a;
    emit->record.op.done = event_emit_done;
    emit->record.events = &emit->batch.row;
    emit->record.n_events = 1;
    emit->record.deliveries = emit->batch.deliveries;
    emit->record.n_deliveries = emit->batch.n_deliveries;
    store_record(e->store, &emit->record);
}
