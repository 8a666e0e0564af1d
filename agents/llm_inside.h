/* What the files of llm share. Nobody else includes it. */
#ifndef KERYX_AGENTS_LLM_INSIDE_H
#define KERYX_AGENTS_LLM_INSIDE_H

#include "agents/agents.h"
#include "agents/llm.h"
#include "agents/prepare.h"
#include "agents/sse.h"

#define LLM_MAX_ANSWER (8 * MIB)

/* Why a try, or all of them, came to nothing. */
struct llm_failure {
    const char *kind;
    struct str message; /* in the run's arena */
    int http_status;
    bool retryable;
    bool again;             /* worth another try at the same model */
    int64_t retry_after_us; /* -1 = none */
};

struct llm_run {
    struct run_events events;
    const struct run_request *request;
    const struct agents_env *env;
    const struct prepared_agent *prepared;
    struct arena *arena;
    struct prompt prompt;
    size_t model;      /* index into prepared->models */
    unsigned attempts; /* made at this model */
    unsigned adapts;
    struct llm_ask ask;
    const struct llm_wire *wire;
    struct http_call *call;
    struct loop_timer wait;
    struct loop_task later;
    struct llm_failure failure; /* the last one */
    /* a streamed answer */
    bool streaming;
    bool stream_failed, stream_again;
    struct error stream_error;
    struct sse sse;
    struct llm_partial partial;
    size_t stream_bytes;
    size_t told; /* of partial.text, by text.delta */
    int64_t told_us;
};

/* agents/llm.c: what a try came to. Each may free the run; all run in a callback of call or timer. */
void llm_succeed(struct llm_run *run, const struct llm_answer *a);
void llm_failed(struct llm_run *run, struct llm_failure failure);
void llm_unreachable(struct llm_run *run, const struct http_result *r);

/* agents/llm_stream.c: forgets what came so far. */
void llm_stream_reset(struct llm_run *run);
/* Ready for an answer that is streamed. */
void llm_stream_begin(struct llm_run *run);
/* http_call_options.wants_stream and .chunk. */
bool llm_stream_wanted(void *ctx, const struct http_result *r);
void llm_stream_chunk(void *ctx, struct str bytes);
/* The stream has ended, by itself or because the connection was lost. */
void llm_stream_ended(struct llm_run *run, const struct http_result *r);

#endif
