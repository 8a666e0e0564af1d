/* POST /api/v1/agents/NAME/run: the one invocation path for people and programs; answers like a webhook
   (table in 20-triggers). */
#include "api/call.h"

#include "base/when.h"
#include "http/guard.h"

#define RUN_TIMEOUT_US    (30 * US_PER_S)
#define RUN_IDEMPOTENT_US (24 * 3600 * US_PER_S)

struct run_call {
    struct api_call *call;
    struct intake intake;
    enum config_mode mode;
    int64_t timeout_us;
    struct store_dedup dedup;
    struct task_wait wait; /* sync */
    struct str agent;
};

static struct json *run_body(struct run_call *run, struct str task_id, const char *status)
{
    struct arena *a = run->call->arena;
    struct json *o = json_object(a);
    json_put(a, o, STR("task_id"), json_str(a, task_id));
    json_put_str(a, o, "status", status);
    json_put(a, o, STR("agent_name"), json_str(a, run->agent));
    return o;
}

/* With the task's place. */
static void run_answer(struct run_call *run, int status, const char *word, const char *error)
{
    struct arena *a = run->call->arena;
    struct str id = run->intake.task_id;
    struct json *o = run_body(run, id, word);
    json_put_str(a, o, "error", error);
    api_answer_at(run->call, status, o, arena_printf(a, "/api/v1/tasks/%" STR_FMT, STR_ARG(id)));
}

static void run_late(struct run_call *run)
{
    bool ends = engine_draining(run->call->api->o.engine);
    run_answer(run, 504, "timeout",
               ends ? "the server stops; the task goes on when it is back"
                    : "the agent did not finish in time; the task goes on");
}

static void run_over(struct task_wait *w, const struct task_row *task)
{
    struct run_call *run = container_of(w, struct run_call, wait);
    if (task)
        api_answer(run->call, task->state == TASK_COMPLETED ? 200 : 500,
                   engine_answer(run->call->arena, task));
    else
        run_late(run);
}

static void run_accepted(struct run_call *run)
{
    run->intake.task_id = arena_str(run->call->arena, run->intake.task_id);
    if (run->mode != CONFIG_SYNC) {
        run_answer(run, 202, "accepted", NULL);
        return;
    }
    run->wait.over = run_over;
    engine_wait_task(run->call->api->o.engine, &run->wait, run->intake.task_id, run->timeout_us);
}

static void run_committed(struct intake *i)
{
    struct run_call *run = i->ctx;
    switch (i->outcome) {
    case INTAKE_ACCEPTED:
        run_accepted(run);
        return;
    case INTAKE_DUPLICATE:
        run_answer(run, 200, "deduplicated", NULL);
        return;
    case INTAKE_QUEUE_FULL:
    case INTAKE_ALREADY_FIRED:
    case INTAKE_UNAVAILABLE:
        api_store_trouble(run->call, &i->error);
        return;
    }
}

/* Every member is known and, but for input, a string (timeout may be a number of seconds). */
static bool run_members(struct api_call *call)
{
    static const char *const names[] = { "input",   "mode",    "callback_url",
                                         "session", "timeout", "trigger" };
    for (const struct json *m = call->body ? call->body->child : NULL; m; m = m->next) {
        struct str key = json_key_text(call->arena, m);
        size_t i = 0;
        while (i < N_ELEMENTS(names) && !str_eq_c(key, names[i]))
            i++;
        if (i == N_ELEMENTS(names)) {
            const char *near = str_nearest(key, names, N_ELEMENTS(names));
            api_refuse(call, 400, "there is no member '%" STR_FMT "'%s%s%s", STR_ARG(key),
                       near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
            return false;
        }
        bool number = m->type == JSON_NUMBER && !strcmp(names[i], "timeout");
        if (i > 0 && m->type != JSON_STRING && m->type != JSON_NULL && !number) {
            api_refuse(call, 400, "%s: expected a string", names[i]);
            return false;
        }
    }
    return true;
}

static bool run_mode(struct run_call *run)
{
    static const char *const words[] = {
        [CONFIG_SYNC] = "sync", [CONFIG_ASYNC] = "async", [CONFIG_CALLBACK] = "callback"
    };
    struct api_call *call = run->call;
    struct str word = json_get_str(call->arena, call->body, "mode", STR("sync"));
    for (size_t i = 0; i < N_ELEMENTS(words); i++) {
        if (str_eq_c(word, words[i])) {
            run->mode = (enum config_mode)i;
            run->intake.response_mode = words[i];
            return true;
        }
    }
    api_refuse(call, 400, "mode: '%" STR_FMT "' is none of sync async callback", STR_ARG(word));
    return false;
}

static bool run_options(struct run_call *run)
{
    struct api_call *call = run->call;
    struct error e = ERROR_INIT;
    const struct json *given = json_get(call->body, STR("timeout"));
    struct str timeout = given ? json_text(call->arena, given) : STR_NULL;
    run->timeout_us = RUN_TIMEOUT_US;
    if (timeout.p && duration_parse(timeout, true, &run->timeout_us, &e) != 0) {
        api_refuse(call, 400, "timeout: %s", e.text);
        return false;
    }
    run->intake.callback_url = json_get_str(call->arena, call->body, "callback_url", STR_NULL);
    if (run->mode != CONFIG_CALLBACK)
        return true;
    if (!run->intake.callback_url.p ||
        guard_check_url(NULL, run->intake.callback_url, NULL, &e) != 0) {
        api_refuse(call, 400, "callback_url: %s",
                   run->intake.callback_url.p ? e.text : "is missing");
        return false;
    }
    return true;
}

/* A string as it is, any other JSON value as compact JSON. */
static struct str run_input(struct api_call *call)
{
    const struct json *input = json_get(call->body, STR("input"));
    if (!input || input->type == JSON_NULL)
        return STR("");
    if (input->type == JSON_STRING)
        return json_text(call->arena, input);
    auto_buf out = BUF_INIT(64 * MIB);
    json_write(&out, input, JSON_COMPACT);
    return arena_str(call->arena, buf_view(&out));
}

void run_post(struct api_call *call)
{
    struct run_call *run = ARENA_NEW(call->arena, struct run_call);
    const struct config_agent *agent =
        config_find_agent(call->generation->config, api_param(call, "name"));
    run->call = call;
    if (!agent) {
        api_refuse(call, 404, "there is no agent '%" STR_FMT "'", STR_ARG(api_param(call, "name")));
        return;
    }
    if (!agent->enabled) {
        api_refuse(call, 409, "the agent '%s' is disabled", agent->name.s.p);
        return;
    }
    if (!run_members(call) || !run_mode(run) || !run_options(run))
        return;
    const struct http_headers *headers = &call->request->headers;
    struct str key = str_trim(http_header_get(headers, STR("idempotency-key")));
    struct str trigger = json_get_str(call->arena, call->body, "trigger", STR("api"));
    run->agent = agent->name.s;
    run->dedup = (struct store_dedup){ arena_printf(call->arena, "api:run:%s", agent->name.s.p),
                                       key, call->request->received_us + RUN_IDEMPOTENT_US };
    struct intake *i = &run->intake;
    i->generation = call->generation;
    i->agent = agent->name.s;
    i->trigger_type = str_eq(trigger, STR("cli")) ? "cli" : "api";
    i->trigger_name = str_of(i->trigger_type);
    i->input = run_input(call);
    i->session_id = json_get_str(call->arena, call->body, "session", STR_NULL);
    i->trace_id = http_header_get(headers, STR("traceparent"));
    i->dedups = &run->dedup;
    i->n_dedups = key.n ? 1 : 0;
    i->done = run_committed;
    i->ctx = run;
    engine_submit(call->api->o.engine, i);
}
