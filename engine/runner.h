/* What an agent kind must offer. A trigger only decides whether and with what input; a runner only
   decides how the agent is executed. */
#ifndef KERYX_ENGINE_RUNNER_H
#define KERYX_ENGINE_RUNNER_H

#include "base/json.h"
#include "base/loop.h"
#include "engine/generation.h"
#include "store/rows.h"

struct run; /* one execution; each kind embeds it first in its own struct */

/* What went wrong, for people and for retry. kind: a word such as spawn, exit, signal, timeout, limit,
   http, bad_response, auth, refused, network, template, cancelled, interrupted. */
struct run_error {
    const char *kind;
    struct str message;
    int http_status; /* 0 = none */
    int exit_code;   /* -1 = none */
    int signal;      /* 0 = none */
    bool retryable;
};

struct run_outcome {
    bool ok;
    struct str result;
    bool result_json;              /* result is one JSON value */
    struct run_error error;        /* when not ok */
    int64_t tokens_in, tokens_out; /* -1 = unknown */
    double cost_usd;               /* < 0 = unknown */
    int64_t tools_called, turns;
    bool truncated;
    int64_t output_bytes;               /* of the whole output when truncated */
    struct str session_id;              /* the agent's own conversation id, or NULL */
    const struct message_row *messages; /* new turns of the session */
    size_t n_messages;
};

struct run_events {
    /* Something worth an event: type ("tool.called", "text.delta"), data. Any number of times. */
    void (*progress)(void *ctx, const char *type, const struct json *data);
    /* Exactly once, last; never inside start. Strings need live only during the call. The run is
       freed by the kind right after it returns. */
    void (*done)(void *ctx, const struct run_outcome *outcome);
    void *ctx;
};

struct run_request {
    const struct task_row *task;
    struct generation *generation;
    const struct config_agent *agent;
    const struct config_trigger *trigger; /* NULL: api, cli, or a trigger that is gone */
    const struct message_row *history;    /* the session so far, ascending */
    size_t n_history;
    int64_t deadline_us; /* monotonic */
};

enum run_stop { RUN_STOP_TIMEOUT, RUN_STOP_CANCEL, RUN_STOP_SHUTDOWN };

struct runner_kind {
    enum config_agent_type type;
    const char *word;
    /* The request and what it points to live until done. NULL and error (its text becomes the task's
       error, kind spawn) when it cannot be started. `env` is what runner_kind.env was given to engine. */
    struct run *(*start)(void *env, const struct run_request *request,
                         const struct run_events *events, struct error *e);
    /* Asks the run to end; done follows within the agent's limits.grace plus a second. May be called
       again with a stronger wish; harmless when already ending. */
    void (*stop)(struct run *run, enum run_stop why);
};

#endif
