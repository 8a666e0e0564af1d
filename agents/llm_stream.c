/* An answer that comes in pieces: server-sent events to the wire form, text.delta events to who watches. */
#include "agents/llm_inside.h"

#define LLM_DELTA_US    (200 * US_PER_MS) /* text.delta events are stored: a few a second will do */
#define LLM_DELTA_BYTES (2 * KIB)

void llm_stream_reset(struct llm_run *run)
{
    sse_release(&run->sse);
    buf_release(&run->partial.text);
    buf_release(&run->partial.refusal);
    run->streaming = run->stream_failed = run->stream_again = false;
    run->stream_bytes = run->told = 0;
}

static void llm_stream_tell(struct llm_run *run, bool all)
{
    int64_t now = loop_mono(run->env->loop);
    struct str fresh = str_sub(buf_view(&run->partial.text), run->told, run->partial.text.n);
    if (!run->events.progress || fresh.n == 0 ||
        (!all && fresh.n < LLM_DELTA_BYTES && now - run->told_us < LLM_DELTA_US))
        return;
    struct arena *a = arena_new(0);
    struct json *data = json_object(a);
    json_put(a, data, STR("text"), json_str(a, fresh));
    run->told += fresh.n;
    run->told_us = now;
    run->events.progress(run->events.ctx, "text.delta", data);
    arena_free(a);
}

static void llm_stream_event(void *ctx, struct str name, struct str data)
{
    struct llm_run *run = ctx;
    (void)name; /* the wire forms with named events repeat the name in the data */
    if (run->stream_failed || run->partial.done)
        return;
    if (run->wire->event(run->arena, data, &run->partial, &run->stream_again, &run->stream_error) !=
        0)
        run->stream_failed = true;
}

void llm_stream_begin(struct llm_run *run)
{
    llm_stream_reset(run);
    sse_init(&run->sse, LLM_MAX_ANSWER, llm_stream_event, run);
    run->stream_error = ERROR_INIT;
    run->partial = (struct llm_partial){ .text = BUF_INIT(LLM_MAX_ANSWER),
                                         .refusal = BUF_INIT(64 * KIB),
                                         .tokens_in = -1,
                                         .tokens_out = -1 };
}

bool llm_stream_wanted(void *ctx, const struct http_result *r)
{
    struct llm_run *run = ctx;
    struct str type = http_media_type(http_result_header(r, "content-type"));
    run->streaming = r->status == 200 && str_eq_fold(type, STR("text/event-stream"));
    return run->streaming;
}

void llm_stream_chunk(void *ctx, struct str bytes)
{
    struct llm_run *run = ctx;
    run->stream_bytes += bytes.n;
    if (run->stream_bytes > LLM_MAX_ANSWER) {
        if (!run->stream_failed)
            error_set(&run->stream_error, ERROR_LIMIT, "it is larger than %zu bytes",
                      LLM_MAX_ANSWER);
        run->stream_failed = true;
        return;
    }
    sse_feed(&run->sse, bytes);
    llm_stream_tell(run, false);
}

/* The stream has ended, by itself or because the connection was lost. */
void llm_stream_ended(struct llm_run *run, const struct http_result *r)
{
    struct llm_answer answer = { .tokens_in = -1, .tokens_out = -1 };
    struct error e = run->stream_error;
    bool again = run->stream_again;
    sse_end(&run->sse);
    if (!run->stream_failed && run->wire->end(run->arena, &run->partial, &answer, &e) == 0) {
        llm_stream_tell(run, true);
        llm_succeed(run, &answer);
        return;
    }
    if (!run->stream_failed && r->failure != HTTP_FAILURE_NONE) {
        llm_unreachable(run, r);
        return;
    }
    if (!run->stream_failed)
        again = true; /* cut, though politely */
    struct llm_failure failure = {
        .kind = again ? "network" : "bad_response",
        .message = arena_printf(run->arena, "the streamed answer failed: %s", e.text),
        .http_status = r->status,
        .again = again,
        .retryable = again,
        .retry_after_us = -1,
    };
    llm_failed(run, failure);
}
