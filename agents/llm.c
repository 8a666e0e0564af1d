/* One conversation with a model: ask, wait and ask again while it is worth it, then the next model.

   struct llm_run ── ask      what the current model is asked
                  ── call     the request under way, or
                  ── wait     the pause before the next try
                  ── partial  a streamed answer as far as it has come */
#include "agents/llm_inside.h"

#include "agents/output.h"
#include "base/id.h"
#include "base/log.h"
#include "base/stats.h"
#include "engine/backoff.h"

#include <assert.h>

#define LLM_MAX_ADAPTS 4
#define LLM_EXCERPT    200

static void llm_call(struct llm_run *run);

static const struct llm_wire *const llm_wires[] = { &llm_openai };

const struct llm_wire *llm_wire_of(const struct config_llm *llm, const char **why)
{
    static const char *const missing[] = {
        [CONFIG_OPENAI] = "provider openai is not available in this version",
        [CONFIG_ANTHROPIC] = "provider anthropic is not available in this version",
        [CONFIG_GEMINI] = "provider gemini is not available in this version",
        [CONFIG_OLLAMA] = "provider ollama is not available in this version",
    };
    *why = llm->api_responses ? "api: responses is not available in this version"
                              : missing[llm->provider];
    for (size_t i = 0; i < N_ELEMENTS(llm_wires); i++) {
        if ((int)llm_wires[i]->provider == llm->provider && !llm->api_responses)
            return llm_wires[i];
    }
    return NULL;
}

/* ---- the end ---- */

static void llm_done(struct llm_run *run, const struct run_outcome *outcome)
{
    struct run_events events = run->events;
    loop_timer_stop(&run->wait);
    loop_later_cancel(run->env->loop, &run->later);
    events.done(events.ctx, outcome);
    llm_stream_reset(run);
    arena_free(run->arena);
    free(run);
}

static void llm_fail(struct llm_run *run)
{
    const struct run_outcome outcome = {
        .tokens_in = -1,
        .tokens_out = -1,
        .cost_usd = -1,
        .turns = run->attempts ? 1 : 0,
        .error = { .kind = run->failure.kind,
                   .message = run->failure.message,
                   .http_status = run->failure.http_status,
                   .exit_code = -1,
                   .retryable = run->failure.retryable },
    };
    llm_done(run, &outcome);
}

static void llm_fail_later(struct loop_task *t)
{
    llm_fail(container_of(t, struct llm_run, later));
}

/* ---- an answer ---- */

static double llm_cost(const struct config_llm *llm, const struct llm_answer *a)
{
    if ((llm->price_in <= 0 && llm->price_out <= 0) || a->tokens_in < 0 || a->tokens_out < 0)
        return -1;
    return ((double)a->tokens_in * llm->price_in + (double)a->tokens_out * llm->price_out) / 1e6;
}

static void llm_count(const struct llm_run *run, const struct llm_answer *a)
{
    const char *agent = run->request->task->agent.p, *llm = run->ask.llm->name.s.p;
    if (a->tokens_in >= 0)
        stats_add(STATS_TOKENS, (double)a->tokens_in, agent, llm, "in");
    if (a->tokens_out >= 0)
        stats_add(STATS_TOKENS, (double)a->tokens_out, agent, llm, "out");
}

/* The two turns that this task adds to its session. */
static size_t llm_messages(struct llm_run *run, const struct llm_answer *a,
                           struct message_row rows[2])
{
    const struct task_row *task = run->request->task;
    int64_t now = loop_wall(run->env->loop);
    if (!task->session_id.n)
        return 0;
    auto_buf said = BUF_INIT(a->text.n * 6 + 2);
    json_quote(&said, a->text);
    const struct prompt_turn *asked = &run->prompt.turns[run->prompt.n - 1];
    rows[0] = (struct message_row){ .session_id = task->session_id,
                                    .role = asked->role,
                                    .content = asked->content,
                                    .task_id = task->id,
                                    .at = now };
    rows[1] = rows[0];
    rows[1].role = STR("assistant");
    rows[1].content = arena_str(run->arena, buf_view(&said));
    return 2;
}

void llm_succeed(struct llm_run *run, const struct llm_answer *a)
{
    struct message_row messages[2];
    struct run_outcome o = {
        .ok = true,
        .result = a->text,
        .tokens_in = a->tokens_in,
        .tokens_out = a->tokens_out,
        .cost_usd = llm_cost(run->ask.llm, a),
        .turns = 1,
        .truncated = a->truncated,
        .output_bytes = (int64_t)a->text.n,
        .error = { .exit_code = -1 },
        .messages = messages,
    };
    llm_count(run, a);
    if (run->ask.schema)
        o.result_json = json_parse(run->arena, a->text, NULL, NULL) != NULL;
    if (a->refused) {
        o.ok = o.result_json = false;
        o.error.kind = "refused";
        o.error.message =
            a->text.n ? arena_printf(run->arena, "the model refused: %" STR_FMT, STR_ARG(a->text))
                      : STR("the model refused, or its filter did");
        o.result = STR_NULL;
    } else {
        o.n_messages = llm_messages(run, a, messages);
    }
    llm_done(run, &o);
}

/* ---- a failure ---- */

static void llm_next_model(struct llm_run *run)
{
    run->model++;
    run->attempts = run->adapts = 0;
    llm_call(run);
}

static void llm_on_wait(struct loop_timer *t)
{
    llm_call(container_of(t, struct llm_run, wait));
}

/* Says which llm it was; nothing of its key may be in what a server echoed. */
static struct str llm_message(struct llm_run *run, struct str text)
{
    struct str key = run->ask.llm->api_key.s;
    auto_buf out = BUF_INIT(text.n + 64 * KIB);
    buf_printf(&out, "llms.%s: ", run->ask.llm->name.s.p);
    for (ptrdiff_t at; key.n >= 4 && (at = str_find(text, key)) >= 0;) {
        buf_str(&out, str_sub(text, 0, (size_t)at));
        buf_cstr(&out, "***");
        text = str_sub(text, (size_t)at + key.n, text.n);
    }
    buf_str(&out, text);
    return arena_str(run->arena, buf_view(&out));
}

/* Another try at this model, the next model, or the end. Runs in a callback of call or timer. */
void llm_failed(struct llm_run *run, struct llm_failure failure)
{
    const struct config_retry *retry = &run->ask.llm->retry;
    struct backoff_policy policy = { (enum config_backoff)retry->backoff, retry->initial_delay,
                                     retry->max_delay, (int)(retry->jitter * 1000) };
    int64_t left = run->request->deadline_us - loop_mono(run->env->loop);
    failure.message = llm_message(run, failure.message);
    run->failure = failure;
    if (failure.again && run->attempts < retry->max_attempts) {
        int64_t delay =
            backoff_delay_us(&policy, run->attempts, failure.retry_after_us, id_random_u32());
        if (delay < left) {
            log_info("asking the model again", "task_id", run->request->task->id.p, "llm",
                     run->ask.llm->name.s.p, "why", failure.message.p);
            loop_timer_set(run->env->loop, &run->wait, delay, llm_on_wait);
            return;
        }
    }
    if (run->model + 1 < run->prepared->n_models && left > 0) {
        log_warn("trying the next model", "task_id", run->request->task->id.p, "llm",
                 run->ask.llm->name.s.p, "why", failure.message.p);
        llm_next_model(run);
        return;
    }
    llm_fail(run);
}

static bool llm_status_again(int status)
{
    return status == 408 || status == 409 || status == 429 || status >= 500;
}

static struct str llm_key_hint(struct llm_run *run, int status)
{
    const struct config_llm *llm = run->ask.llm;
    if (status != 401 && status != 403)
        return STR("");
    if (llm->api_key.s.n)
        return arena_printf(run->arena, "; check llms.%s.api_key", llm->name.s.p);
    return arena_printf(run->arena, "; set llms.%s.api_key%s%s%s", llm->name.s.p,
                        run->wire->key_name ? " (usually ${" : "",
                        run->wire->key_name ? run->wire->key_name : "",
                        run->wire->key_name ? "})" : "");
}

static void llm_refused(struct llm_run *run, const struct http_result *r)
{
    bool quota = false;
    if (run->adapts < LLM_MAX_ADAPTS &&
        run->wire->adapt(run->arena, r->status, r->body, &run->ask)) {
        run->adapts++;
        run->attempts--;
        llm_call(run);
        return;
    }
    struct str why = run->wire->why(run->arena, r->body, &quota);
    if (!why.p)
        why = output_excerpt(run->arena, r->body, LLM_EXCERPT);
    struct str hint = llm_key_hint(run, r->status);
    struct llm_failure failure = {
        .kind = r->status == 401 || r->status == 403 ? "auth" : "http",
        .message = arena_printf(run->arena, "the server answered %d %s%s%" STR_FMT "%" STR_FMT,
                                r->status, http_status_word(r->status), why.n ? ": " : "",
                                STR_ARG(why), STR_ARG(hint)),
        .http_status = r->status,
        .again = llm_status_again(r->status) && !quota,
        .retry_after_us = r->retry_after_us,
    };
    failure.retryable = failure.again;
    llm_failed(run, failure);
}

void llm_unreachable(struct llm_run *run, const struct http_result *r)
{
    static const unsigned final = 1u << HTTP_FAILURE_TLS_ERROR |
                                  1u << HTTP_FAILURE_BLOCKED_ADDRESS |
                                  1u << HTTP_FAILURE_INVALID_REQUEST | 1u << HTTP_FAILURE_TOO_LARGE;
    struct llm_failure failure = {
        .kind = r->failure == HTTP_FAILURE_TIMEOUT ? "timeout" : "network",
        .message = arena_printf(run->arena, "%s (%s)", r->text, http_failure_word(r->failure)),
        .http_status = r->status,
        .again = !(final & 1u << r->failure),
        .retry_after_us = -1,
    };
    failure.retryable = failure.again;
    llm_failed(run, failure);
}

static void llm_bad_answer(struct llm_run *run, const struct http_result *r, struct error *e)
{
    struct str excerpt = output_excerpt(run->arena, r->body, LLM_EXCERPT);
    struct llm_failure failure = {
        .kind = "bad_response",
        .message = arena_printf(run->arena, "the answer cannot be read: %s%s%" STR_FMT, e->text,
                                excerpt.n ? "; it begins: " : "", STR_ARG(excerpt)),
        .http_status = r->status,
        .retry_after_us = -1,
    };
    llm_failed(run, failure);
}

/* ---- asking ---- */

static void llm_on_done(void *ctx, const struct http_result *r)
{
    struct llm_run *run = ctx;
    struct llm_answer answer = { .tokens_in = -1, .tokens_out = -1 };
    struct error e = ERROR_INIT;
    run->call = NULL;
    if (run->streaming)
        llm_stream_ended(run, r);
    else if (r->failure != HTTP_FAILURE_NONE)
        llm_unreachable(run, r);
    else if (r->status < 200 || r->status > 299)
        llm_refused(run, r);
    else if (run->wire->answer(run->arena, r->body, &answer, &e) == 0)
        llm_succeed(run, &answer);
    else
        llm_bad_answer(run, r, &e);
}

static unsigned llm_max_tokens(const struct llm_run *run, const struct config_llm *llm)
{
    unsigned total = run->request->agent->limits.max_tokens_total;
    return total ? MIN(total, llm->max_tokens) : llm->max_tokens;
}

static void llm_choose(struct llm_run *run)
{
    const struct config_llm *llm = run->prepared->models[run->model].llm;
    const char *why;
    run->wire = llm_wire_of(llm, &why);
    assert(run->wire); /* prepare left the others out */
    run->ask = (struct llm_ask){
        .llm = llm,
        .prompt = &run->prompt,
        .max_tokens = llm_max_tokens(run, llm),
        .schema = run->prepared->schema,
        .schema_name = run->prepared->schema_name,
        .schema_strict = run->prepared->schema_strict,
    };
}

static struct http_call *llm_send(struct llm_run *run, const struct llm_request *request)
{
    const struct config_llm *llm = run->ask.llm;
    struct http_header *headers =
        ARENA_ARRAY(run->arena, struct http_header, LLM_MAX_HEADERS + 2 + llm->headers.n);
    size_t n = 0;
    headers[n++] = (struct http_header){ STR("Content-Type"), STR("application/json") };
    headers[n++] =
        (struct http_header){ STR("Accept"), STR("text/event-stream, application/json") };
    for (size_t i = 0; i < request->n_headers; i++)
        headers[n++] = request->headers[i];
    for (size_t i = 0; i < llm->headers.n; i++)
        headers[n++] =
            (struct http_header){ llm->headers.items[i].key, llm->headers.items[i].value.s };
    struct http_call_options o = {
        .method = "POST",
        .url = request->url,
        .headers = headers,
        .n_headers = n,
        .body = request->body,
        .timeout_us =
            MAX(MIN(llm->timeout, run->request->deadline_us - loop_mono(run->env->loop)), 1),
        .keep = LLM_MAX_ANSWER,
        .too_large_fails = true,
        .egress = &run->prepared->models[run->model].egress,
        .wants_stream = llm_stream_wanted,
        .chunk = llm_stream_chunk,
        .done = llm_on_done,
        .ctx = run,
    };
    return http_call_start(run->env->client, &o);
}

static void llm_not_sent(struct loop_task *t)
{
    struct llm_run *run = container_of(t, struct llm_run, later);
    llm_failed(run, run->failure);
}

/* One try. Failures come by loop_later or by the call's callback, never from here. */
static void llm_call(struct llm_run *run)
{
    struct llm_request request = { 0 };
    if (run->attempts == 0 && run->adapts == 0)
        llm_choose(run);
    run->attempts++;
    llm_stream_begin(run);
    struct error e = ERROR_INIT;
    if (run->wire->request(run->arena, &run->ask, &request, &e) != 0) {
        run->failure = (struct llm_failure){ .kind = e.code == ERROR_DENIED ? "auth" : "limit",
                                             .message = arena_str(run->arena, str_of(e.text)),
                                             .retry_after_us = -1 };
        loop_later(run->env->loop, &run->later, llm_not_sent);
        return;
    }
    run->call = llm_send(run, &request);
}

/* ---- start and stop ---- */

static bool llm_untrusted(const struct run_request *r)
{
    bool webhook = str_eq_c(r->task->trigger_type, "webhook");
    bool fixed = r->trigger && r->trigger->type == CONFIG_WEBHOOK &&
                 r->trigger->webhook.input_dialect == 2 && r->trigger->webhook.input.s.p;
    return webhook && !fixed;
}

static int llm_prompt(struct llm_run *run, struct error *e)
{
    const struct run_request *r = run->request;
    const struct prepared_trigger *trigger = prepare_find_trigger(r);
    const struct clock *clock = loop_clock(run->env->loop);
    struct template_options o = { .now_us = clock_wall(clock) };
    struct json *data = prepare_data(run->arena, r, clock);
    struct prompt_parts parts = {
        .input = r->task->input,
        .untrusted = llm_untrusted(r),
        .history = r->history,
        .n_history = r->n_history,
    };
    if (prepare_render(run->arena, run->prepared->instruction, data, &o, &parts.instruction, e) !=
        0)
        return error_wrap(e, "instruction");
    if (trigger && prepare_render(run->arena, trigger->suffix, data, &o, &parts.suffix, e) != 0)
        return error_wrap(e, "system_prompt_suffix");
    struct str more = trigger ? trigger->skills : STR_NULL;
    parts.skills = more.n ? arena_printf(run->arena, "%" STR_FMT "\n\n%" STR_FMT,
                                         STR_ARG(run->prepared->skills), STR_ARG(more))
                          : run->prepared->skills;
    if (r->trigger &&
        r->trigger->type == CONFIG_WEBHOOK) /* four bytes a token, as a rule of thumb */
        parts.max_history_bytes = (size_t)r->trigger->webhook.session.max_tokens * 4;
    prompt_build(run->arena, &parts, &run->prompt);
    return 0;
}

static struct run *llm_start(void *ctx, const struct run_request *request,
                             const struct run_events *events, struct error *e)
{
    struct llm_run *run = xalloc(sizeof(*run));
    struct error why = ERROR_INIT;
    (void)e; /* what is wrong comes with done, which has a kind for it */
    run->events = *events;
    run->request = request;
    run->env = ctx;
    run->prepared = prepare_find(request);
    run->arena = arena_new(request->task->input.n * 2 + 4 * KIB);
    if (run->prepared->n_models == 0)
        run->failure = (struct llm_failure){ .kind = "config", .message = run->prepared->no_model };
    else if (llm_prompt(run, &why) != 0)
        run->failure = (struct llm_failure){ .kind = "template",
                                             .message = arena_str(run->arena, str_of(why.text)) };
    if (run->failure.kind)
        loop_later(run->env->loop, &run->later, llm_fail_later);
    else
        llm_call(run);
    return (struct run *)run;
}

static void llm_stop(struct run *r, enum run_stop why)
{
    struct llm_run *run = (struct llm_run *)r;
    if (run->call)
        http_call_cancel(run->call);
    run->call = NULL;
    loop_timer_stop(&run->wait);
    loop_later_cancel(run->env->loop, &run->later);
    struct run_error stopped = agents_stopped(why);
    run->failure = (struct llm_failure){ .kind = stopped.kind, .message = stopped.message };
    loop_later(run->env->loop, &run->later, llm_fail_later);
}

const struct runner_kind llm_kind = {
    .type = CONFIG_LLM,
    .word = "llm",
    .start = llm_start,
    .stop = llm_stop,
};
