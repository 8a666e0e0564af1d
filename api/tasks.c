/* Tasks: list, show, output, events, cancel, retry. */
#include "api/call.h"

struct task_list {
    struct store_list list;
    struct api_call *call;
};

static void tasks_listed(struct store_op *op)
{
    struct task_list *t = container_of(op, struct task_list, list.op);
    if (op->rc != 0) {
        api_store_trouble(t->call, &op->error);
        arena_free(op->arena);
        return;
    }
    struct json *items = json_list(op->arena);
    for (size_t i = 0; i < t->list.n; i++)
        json_add(op->arena, items,
                 view_task(op->arena, &t->list.tasks[i], &t->list.task_deliveries[i], true));
    api_list_answer(t->call, &t->list, items);
}

void tasks_list(struct api_call *call)
{
    struct task_list *t = ARENA_NEW(call->arena, struct task_list);
    t->call = call;
    t->list.op.done = tasks_listed;
    if (!api_list_begin(call, &t->list))
        return;
    enum task_state state;
    if (t->list.state.p && task_state_parse(t->list.state, &state) != 0) {
        arena_free(t->list.op.arena);
        api_refuse(call, 400,
                   "status: '%" STR_FMT
                   "' is none of queued running input_required completed failed "
                   "cancelled",
                   STR_ARG(t->list.state));
        return;
    }
    store_task_list(engine_store(call->api->o.engine), &t->list);
}

struct task_get {
    struct store_task_get get;
    struct api_call *call;
    void (*show)(struct task_get *t);
};

static void tasks_got(struct store_op *op)
{
    struct task_get *t = container_of(op, struct task_get, get.op);
    if (op->rc != 0)
        api_store_trouble(t->call, &op->error);
    else if (!t->get.found)
        api_refuse(t->call, 404, "there is no task '%" STR_FMT "'", STR_ARG(t->get.id));
    else
        t->show(t);
    arena_free(op->arena);
}

static void tasks_read(struct api_call *call, void (*show)(struct task_get *t))
{
    struct task_get *t = ARENA_NEW(call->arena, struct task_get);
    t->call = call;
    t->show = show;
    t->get.op.arena = arena_new(64 * KIB);
    t->get.op.done = tasks_got;
    t->get.id = api_param(call, "id");
    store_task_get(engine_store(call->api->o.engine), &t->get);
}

static void tasks_show(struct task_get *t)
{
    struct arena *a = t->get.op.arena;
    struct row_ids deliveries = { t->get.delivery_ids, t->get.n_delivery_ids };
    api_answer(t->call, 200, view_task(a, &t->get.task, &deliveries, false));
}

void tasks_get(struct api_call *call)
{
    tasks_read(call, tasks_show);
}

static void tasks_show_output(struct task_get *t)
{
    const struct task_row *task = &t->get.task;
    if (!task_state_final(task->state)) {
        api_refuse(t->call, 409, "the task is %s; it has no output yet",
                   task_state_word(task->state));
        return;
    }
    struct http_answer answer = {
        .status = 200,
        .content_type = task->result_json ? "application/json" : "text/plain; charset=utf-8",
        .body = task->result,
    };
    http_reply(t->call->request, &answer);
}

void tasks_output(struct api_call *call)
{
    tasks_read(call, tasks_show_output);
}

struct task_events {
    struct store_events events;
    struct api_call *call;
};

static void tasks_events_read(struct store_op *op)
{
    struct task_events *t = container_of(op, struct task_events, events.op);
    struct arena *a = op->arena;
    if (op->rc != 0) {
        api_store_trouble(t->call, &op->error);
    } else {
        struct json *items = json_list(a), *body = json_object(a);
        for (size_t i = 0; i < t->events.n_events; i++)
            json_add(a, items, view_event(a, &t->events.events[i]));
        json_put(a, body, STR("items"), items);
        if (t->events.n_events == t->events.limit)
            json_put(
                a, body, STR("next_cursor"),
                json_str(a, arena_printf(a, "%lld",
                                         (long long)t->events.events[t->events.n_events - 1].seq)));
        api_answer(t->call, 200, body);
    }
    arena_free(a);
}

void tasks_events(struct api_call *call)
{
    struct task_events *t = ARENA_NEW(call->arena, struct task_events);
    struct str cursor = api_query(call, "cursor");
    if (cursor.n && str_i64(cursor, &t->events.after_seq) != 0) {
        api_refuse(call, 400, "cursor: expected the next_cursor of an answer");
        return;
    }
    t->call = call;
    t->events.op.arena = arena_new(16 * KIB);
    t->events.op.done = tasks_events_read;
    t->events.task_id = api_param(call, "id");
    t->events.limit = 500;
    store_events(engine_store(call->api->o.engine), &t->events);
}

/* ---- acting ---- */

static void tasks_acted(struct api_call *call, enum act_outcome outcome, const char *wrong)
{
    struct str id = api_param(call, "id");
    struct json *o = json_object(call->arena);
    struct error e = ERROR_INIT;
    switch (outcome) {
    case ACT_DONE:
        json_put(call->arena, o, STR("task_id"), json_str(call->arena, id));
        json_put_str(call->arena, o, "status", "accepted");
        api_answer(call, 202, o);
        return;
    case ACT_NOT_FOUND:
        api_refuse(call, 404, "there is no task '%" STR_FMT "'", STR_ARG(id));
        return;
    case ACT_WRONG_STATE:
        api_refuse(call, 409, "%s", wrong);
        return;
    case ACT_UNAVAILABLE:
        error_set(&e, ERROR_BUSY, "the store did not answer; try again later");
        api_store_trouble(call, &e);
        return;
    }
}

static void tasks_cancelled(void *ctx, enum act_outcome outcome)
{
    tasks_acted(ctx, outcome, "the task has ended already");
}

void tasks_cancel(struct api_call *call)
{
    engine_cancel_task(call->api->o.engine, api_param(call, "id"), tasks_cancelled, call);
}

static void tasks_retried(void *ctx, enum act_outcome outcome)
{
    tasks_acted(ctx, outcome, "only a failed or cancelled task can be retried");
}

void tasks_retry(struct api_call *call)
{
    engine_retry_task(call->api->o.engine, api_param(call, "id"), tasks_retried, call);
}
