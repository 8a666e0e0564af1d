/* How the caller learns the result: the answers of the table in 20-triggers, all JSON. */
#include "base/log.h"
#include "base/stats.h"
#include "triggers/webhook.h"

#define REPLY_UNAVAILABLE_RETRY_US (5 * US_PER_S)
#define REPLY_FULL_RETRY_US (10 * US_PER_S)

static struct arena *reply_arena(struct webhook_call *call)
{
    return call->request->arena;
}

void reply_count(struct webhook_call *call, const char *outcome)
{
    struct http_request *r = call->request;
    int64_t took = loop_mono(engine_loop(triggers_engine(call->triggers))) - r->started_us;
    stats_inc(STATS_WEBHOOK_REQUESTS, call->route->trigger->name.s.p, outcome, NULL);
    stats_add(STATS_WEBHOOK_SECONDS, (double)took / US_PER_S, NULL, NULL, NULL);
}

static void reply_send(struct webhook_call *call, int status, const struct json *body,
                       const struct http_header *headers, size_t n_headers)
{
    auto_buf out = BUF_INIT(64 * MIB);
    json_write(&out, body, JSON_COMPACT);
    buf_char(&out, '\n');
    struct http_answer answer = { .status = status, .body = buf_view(&out), .headers = headers,
                                  .n_headers = n_headers };
    http_reply(call->request, &answer);
}

void reply_refused(struct webhook_call *call, int status, const char *reason, const char *error,
                   int64_t retry_after_us)
{
    struct arena *a = reply_arena(call);
    struct json *body = json_object(a);
    json_put_str(a, body, "status", "rejected");
    json_put_str(a, body, "reason", reason);
    json_put_str(a, body, "error", error);
    json_put_str(a, body, "request_id", call->request->id);
    struct http_header retry = { STR("Retry-After"), STR_NULL };
    if (retry_after_us > 0)
        retry.value =
            arena_printf(a, "%lld", (long long)((retry_after_us + US_PER_S - 1) / US_PER_S));
    reply_count(call, str_eq_c(STR("rate"), reason) ? "rate_limited" : reason);
    reply_send(call, status, body, &retry, retry_after_us > 0);
}

/* ---- settled without an agent: the receipt is committed, then answered ---- */

struct reply_settled {
    struct intake intake;
    struct webhook_call *call;
    struct json *body;
};

static void reply_settled_committed(struct intake *i)
{
    struct reply_settled *s = i->ctx;
    if (i->outcome == INTAKE_UNAVAILABLE) {
        reply_refused(s->call, 503, "store", "the request could not be recorded; try again later",
                      REPLY_UNAVAILABLE_RETRY_US);
        return;
    }
    reply_count(s->call, s->call->receipt.status.p);
    reply_send(s->call, 200, s->body, NULL, 0);
}

void reply_settled(struct webhook_call *call, const char *word, const struct json *more)
{
    struct arena *a = reply_arena(call);
    struct reply_settled *s = ARENA_NEW(a, struct reply_settled);
    s->call = call;
    s->body = json_object(a);
    json_put_str(a, s->body, "status", word);
    if (call->receipt.reason.n)
        json_put(a, s->body, STR("reason"), json_str(a, call->receipt.reason));
    for (const struct json *m = more ? more->child : NULL; m; m = m->next)
        json_put(a, s->body, m->key, json_alias(a, m));
    json_put(a, s->body, STR("receipt_id"), json_str(a, call->receipt.id));
    call->receipt.status = str_of(word);
    call->receipt.http_status = 200;
    s->intake.generation = call->generation;
    s->intake.receipt = &call->receipt;
    s->intake.done = reply_settled_committed;
    s->intake.ctx = s;
    engine_submit(triggers_engine(call->triggers), &s->intake);
}

void reply_handshake(struct webhook_call *call, const struct source_answer *from)
{
    struct http_answer answer = { .status = from->status, .content_type = from->content_type, .body = from->body };
    reply_count(call, "handshake");
    http_reply(call->request, &answer);
}

/* ---- after the commit ---- */

static void reply_put_task(struct webhook_call *call, struct json *body, struct str task_id,
                           const char *status)
{
    struct arena *a = reply_arena(call);
    if (task_id.p)
        json_put(a, body, STR("task_id"), json_str(a, task_id));
    json_put_str(a, body, "status", status);
}

static void reply_put_agent(struct webhook_call *call, struct json *body)
{
    struct arena *a = reply_arena(call);
    json_put(a, body, STR("agent_name"), json_str(a, call->route->agent->name.s));
    if (call->intake.receipt_id.p)
        json_put(a, body, STR("receipt_id"), json_str(a, call->receipt.id));
}

static struct str reply_location(struct webhook_call *call, struct str task_id)
{
    struct arena *a = reply_arena(call);
    char key[ENGINE_TASK_KEY_TEXT];
    if (!call->route->hook->response.poll)
        return arena_printf(a, "/api/v1/tasks/%" STR_FMT, STR_ARG(task_id));
    engine_task_key(triggers_engine(call->triggers), task_id, key);
    return arena_printf(a, "/api/v1/tasks/%" STR_FMT "?key=%s", STR_ARG(task_id), key);
}

static void reply_accepted(struct webhook_call *call)
{
    struct json *body = json_object(reply_arena(call));
    struct http_header location = { STR("Location"), reply_location(call, call->intake.task_id) };
    reply_put_task(call, body, call->intake.task_id, "accepted");
    reply_put_agent(call, body);
    reply_count(call, "accepted");
    reply_send(call, 202, body, &location, 1);
}

static void reply_duplicate(struct webhook_call *call)
{
    struct arena *a = reply_arena(call);
    struct json *body = json_object(a);
    if (call->rate_taken)
        triggers_rate_give(call->triggers, call->route);
    reply_put_task(call, body, call->intake.task_id, "deduplicated");
    reply_put_agent(call, body);
    reply_count(call, "deduplicated");
    reply_send(call, 200, body, NULL, 0);
}

/* ---- sync: the caller waits for the task's end ---- */

static void reply_sync_ended(struct task_watch *w, const struct task_row *task)
{
    struct webhook_call *call = container_of(w, struct webhook_call, watch);
    struct arena *a = reply_arena(call);
    loop_timer_stop(&call->timeout);
    struct json *body = json_object(a);
    bool ok = task->state == TASK_COMPLETED;
    reply_put_task(call, body, task->id, task_state_word(task->state));
    if (ok) {
        struct json *result = task->result_json ? json_parse(a, arena_str(a, task->result), NULL, NULL) : NULL;
        json_put(a, body, STR("result"), result ? result : json_str(a, task->result));
    } else {
        json_put(a, body, STR("error"),
                 json_str(a, task->error_message.p ? task->error_message : STR("the task was cancelled")));
    }
    reply_put_agent(call, body);
    reply_count(call, ok ? "completed" : "failed");
    reply_send(call, ok ? 200 : 500, body, NULL, 0);
}

static void reply_sync_timeout(struct loop_timer *t)
{
    struct webhook_call *call = container_of(t, struct webhook_call, timeout);
    struct arena *a = reply_arena(call);
    engine_watch_cancel(triggers_engine(call->triggers), &call->watch);
    struct json *body = json_object(a);
    struct http_header location = { STR("Location"), reply_location(call, call->intake.task_id) };
    reply_put_task(call, body, call->intake.task_id, "timeout");
    json_put(a, body, STR("error"),
             json_str(a, arena_printf(a, "the agent did not finish within %llds; the task goes on",
                                      (long long)(call->route->hook->response.timeout / US_PER_S))));
    reply_put_agent(call, body);
    reply_count(call, "timeout");
    reply_send(call, 504, body, &location, 1);
}

static void reply_sync_wait(struct webhook_call *call)
{
    struct engine *e = triggers_engine(call->triggers);
    call->intake.task_id = arena_str(reply_arena(call), call->intake.task_id);
    call->watch.ended = reply_sync_ended;
    engine_watch_task(e, &call->watch, call->intake.task_id);
    loop_timer_set(engine_loop(e), &call->timeout, call->route->hook->response.timeout, reply_sync_timeout);
}

void reply_intake(struct webhook_call *call)
{
    switch (call->intake.outcome) {
    case INTAKE_ACCEPTED:
        if (call->mode == CONFIG_SYNC)
            reply_sync_wait(call);
        else
            reply_accepted(call);
        return;
    case INTAKE_DUPLICATE:
    case INTAKE_ALREADY_FIRED:
        reply_duplicate(call);
        return;
    case INTAKE_QUEUE_FULL:
        reply_refused(call, 503, "queue_full", "the agent's queue is full; try again later",
                      REPLY_FULL_RETRY_US);
        return;
    case INTAKE_UNAVAILABLE:
        reply_refused(call, 503, "store", "the request could not be stored; try again later",
                      REPLY_UNAVAILABLE_RETRY_US);
        return;
    }
}
