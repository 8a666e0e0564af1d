/* How the caller learns the result: the answers of the table in 20-triggers, all JSON. */
#include "base/log.h"
#include "base/stats.h"
#include "triggers/webhook.h"

#define REPLY_UNAVAILABLE_RETRY_US (5 * US_PER_S)
#define REPLY_FULL_RETRY_US        (10 * US_PER_S)

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
    struct http_answer answer = {
        .status = status, .body = buf_view(&out), .headers = headers, .n_headers = n_headers
    };
    http_reply(call->request, &answer);
}

static struct json *reply_status(struct webhook_call *call, const char *status)
{
    struct json *body = json_object(reply_arena(call));
    json_put_str(reply_arena(call), body, "status", status);
    return body;
}

/* ---- an answer that its receipt tells of ---- */

struct reply_kept {
    struct intake intake;
    struct webhook_call *call;
    struct json *body;
    struct http_header header; /* value.p == NULL: none */
    int status;
    const char *outcome;
};

static void reply_kept_send(struct reply_kept *k)
{
    reply_count(k->call, k->outcome);
    reply_send(k->call, k->status, k->body, &k->header, k->header.value.p ? 1 : 0);
}

/* The answer does not depend on it; only a receipt that is there is named. */
static void reply_kept_committed(struct intake *i)
{
    struct reply_kept *k = i->ctx;
    if (i->outcome == INTAKE_ACCEPTED && !json_get(k->body, STR("receipt_id")))
        json_put(reply_arena(k->call), k->body, STR("receipt_id"),
                 json_str(reply_arena(k->call), k->call->receipt.id));
    reply_kept_send(k);
}

static void reply_keep(struct reply_kept *k)
{
    struct webhook_call *call = k->call;
    struct engine *e = triggers_engine(call->triggers);
    call->receipt.http_status = k->status;
    call->receipt.duration_us = loop_mono(engine_loop(e)) - call->request->started_us;
    k->intake.generation = call->generation;
    k->intake.receipt = &call->receipt;
    k->intake.done = reply_kept_committed;
    k->intake.ctx = k;
    engine_submit(e, &k->intake);
}

static struct reply_kept *reply_kept_new(struct webhook_call *call, int status, const char *outcome,
                                         struct json *body)
{
    struct reply_kept *k = ARENA_NEW(reply_arena(call), struct reply_kept);
    k->call = call;
    k->status = status;
    k->outcome = outcome;
    k->body = body;
    return k;
}

void reply_refused(struct webhook_call *call, int status, const char *reason, const char *error,
                   int64_t retry_after_us)
{
    struct arena *a = reply_arena(call);
    bool limited = status == 429;
    struct json *body = reply_status(call, "rejected");
    struct reply_kept *k = reply_kept_new(call, status, limited ? "rate_limited" : reason, body);
    json_put_str(a, body, "reason", reason);
    json_put_str(a, body, "error", error);
    json_put_str(a, body, "request_id", call->request->id);
    k->header.name = STR("Retry-After");
    if (retry_after_us > 0)
        k->header.value =
            arena_printf(a, "%lld", (long long)((retry_after_us + US_PER_S - 1) / US_PER_S));
    if (!call->verified) {
        reply_kept_send(k);
        return;
    }
    call->receipt.status = limited ? STR("rate_limited") : STR("rejected");
    call->receipt.reason = str_of(reason);
    call->receipt.task_id = STR_NULL;
    reply_keep(k);
}

/* Neither the request nor its refusal can be stored. */
static void reply_unavailable(struct webhook_call *call)
{
    call->verified = false;
    reply_refused(call, 503, "store", "the request could not be stored; try again later",
                  REPLY_UNAVAILABLE_RETRY_US);
}

/* ---- settled without an agent: the receipt is committed, then answered ---- */

struct reply_settled {
    struct intake intake;
    struct webhook_call *call;
    const struct source_answer *answer; /* of a handshake */
    struct json *body;                  /* else */
};

static void reply_settled_committed(struct intake *i)
{
    struct reply_settled *s = i->ctx;
    struct webhook_call *call = s->call;
    if (i->outcome == INTAKE_UNAVAILABLE) {
        reply_unavailable(call);
        return;
    }
    reply_count(call, call->receipt.status.p);
    if (s->answer) {
        struct http_answer answer = { .status = s->answer->status,
                                      .content_type = s->answer->content_type,
                                      .body = s->answer->body };
        http_reply(call->request, &answer);
    } else {
        reply_send(call, 200, s->body, NULL, 0);
    }
}

static struct reply_settled *reply_settle(struct webhook_call *call, const char *word, int status)
{
    struct reply_settled *s = ARENA_NEW(reply_arena(call), struct reply_settled);
    struct engine *e = triggers_engine(call->triggers);
    s->call = call;
    call->receipt.status = str_of(word);
    call->receipt.http_status = status;
    call->receipt.duration_us = loop_mono(engine_loop(e)) - call->request->started_us;
    s->intake.generation = call->generation;
    s->intake.receipt = &call->receipt;
    s->intake.done = reply_settled_committed;
    s->intake.ctx = s;
    engine_submit(e, &s->intake);
    return s;
}

void reply_settled(struct webhook_call *call, const char *word)
{
    struct arena *a = reply_arena(call);
    struct reply_settled *s = reply_settle(call, word, 200);
    s->body = reply_status(call, word);
    json_put(a, s->body, STR("reason"), json_str(a, call->receipt.reason));
    json_put(a, s->body, STR("receipt_id"), json_str(a, call->receipt.id));
}

void reply_handshake(struct webhook_call *call, const struct source_answer *answer)
{
    struct source_answer *kept = ARENA_NEW(reply_arena(call), struct source_answer);
    *kept = *answer;
    reply_settle(call, "handshake", answer->status)->answer = kept;
}

/* ---- after the commit ---- */

/* {"task_id","status","agent_name","receipt_id"} */
static struct json *reply_about_task(struct webhook_call *call, const char *status)
{
    struct arena *a = reply_arena(call);
    struct json *body = json_object(a);
    if (call->intake.task_id.p)
        json_put(a, body, STR("task_id"), json_str(a, call->intake.task_id));
    json_put_str(a, body, "status", status);
    json_put(a, body, STR("agent_name"), json_str(a, call->route->agent->name.s));
    json_put(a, body, STR("receipt_id"), json_str(a, call->receipt.id));
    return body;
}

static struct http_header reply_location(struct webhook_call *call)
{
    struct arena *a = reply_arena(call);
    struct str id = call->intake.task_id;
    char key[ENGINE_TASK_KEY_TEXT];
    engine_task_key(triggers_engine(call->triggers), id, key);
    bool poll = call->route->hook->response.poll;
    return (struct http_header){ STR("Location"),
                                 arena_printf(a, "/api/v1/tasks/%" STR_FMT "%s%s", STR_ARG(id),
                                              poll ? "?key=" : "", poll ? key : "") };
}

static void reply_accepted(struct webhook_call *call)
{
    struct http_header location = reply_location(call);
    reply_count(call, "accepted");
    reply_send(call, 202, reply_about_task(call, "accepted"), &location, 1);
}

static void reply_duplicate(struct webhook_call *call)
{
    if (call->rate_taken)
        triggers_rate_give(call->triggers, call->route);
    reply_count(call, "deduplicated");
    reply_send(call, 200, reply_about_task(call, "deduplicated"), NULL, 0);
}

/* ---- sync: the caller waits for the task's end ---- */

static void reply_sync_late(struct webhook_call *call)
{
    struct arena *a = reply_arena(call);
    bool ends = engine_draining(triggers_engine(call->triggers));
    struct json *body = reply_about_task(call, "timeout");
    struct str why = arena_printf(a, "the agent did not finish within %gs; the task goes on",
                                  (double)call->route->hook->response.timeout / US_PER_S);
    json_put(a, body, STR("error"),
             json_str(a, ends ? STR("the server stops; the task goes on when it is back") : why));
    struct reply_kept *k = reply_kept_new(call, 504, "timeout", body);
    k->header = reply_location(call);
    reply_keep(k);
}

static void reply_sync_over(struct task_wait *w, const struct task_row *task)
{
    struct webhook_call *call = container_of(w, struct webhook_call, wait);
    struct arena *a = reply_arena(call);
    if (!task) {
        reply_sync_late(call);
        return;
    }
    struct json *body = engine_answer(a, task);
    json_put(a, body, STR("receipt_id"), json_str(a, call->receipt.id));
    struct reply_kept *k = reply_kept_new(call, 500, "failed", body);
    if (task->state != TASK_COMPLETED) { /* the receipt says 200 so far */
        reply_keep(k);
        return;
    }
    k->status = 200;
    k->outcome = "completed";
    reply_kept_send(k);
}

static void reply_sync_wait(struct webhook_call *call)
{
    /* The intake's own strings end with its done. */
    call->intake.task_id = arena_str(reply_arena(call), call->intake.task_id);
    call->receipt.task_id = call->intake.task_id;
    call->wait.over = reply_sync_over;
    engine_wait_task(triggers_engine(call->triggers), &call->wait, call->intake.task_id,
                     call->route->hook->response.timeout);
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
        reply_unavailable(call);
        return;
    }
}
