/* A webhook route, compiled; and the pipeline from a request to a submitted task. Private to the room,
   but for webhook_route's first fields, which api lists. */
#ifndef KERYX_TRIGGERS_WEBHOOK_H
#define KERYX_TRIGGERS_WEBHOOK_H

#include "base/bucket.h"
#include "base/map.h"
#include "triggers/auth.h"
#include "triggers/compile.h"
#include "triggers/input.h"
#include "triggers/trigger.h"

struct webhook_route {
    const struct config *config;
    const struct config_agent *agent;
    const struct config_trigger *trigger;
    const struct config_webhook *hook;
    const struct source *source;
    struct auth *auth;                                                      /* NULL: none */
    struct template *input, *filter, *dedup_key, *session_key, *session_id; /* NULL: not set */
    const struct jsonpath *callback_field;
    const struct str *allow_hosts; /* response.allow_hosts as views */
    struct input_extractor *extract;
    size_t n_extract;
    struct http_route route; /* ctx = this */
};

/* Compiles one trigger into `r`; adds what is wrong to *problems. Release with webhook_route_release, also
   when there were problems. */
void webhook_route_compile(struct webhook_route *r, const struct compile *c);
void webhook_route_release(struct webhook_route *r);

/* One request on its way through the steps; lives in the request's arena. */
struct webhook_call {
    struct triggers *triggers;
    const struct webhook_route *route;
    struct http_request *request;
    struct generation *generation;
    struct addr client;
    struct str body; /* after gunzip */
    struct input_body input;
    struct source_facts facts;
    struct json *data; /* what templates see */
    bool verified;     /* the sender is known: whatever comes is a receipt */
    struct receipt_row receipt;
    struct store_dedup dedups[2]; /* the delivery's own key; signature and body, against replays */
    size_t n_dedups;
    bool rate_taken; /* a token to give back to a duplicate */
    int mode;        /* enum config_mode of this request */
    struct str callback_url;
    struct str session;
    struct str text; /* the rendered input */
    struct intake intake;
    struct task_wait wait; /* sync */
};

/* http_route callbacks of every webhook. */
int webhook_on_head(struct http_request *r);
void webhook_on_request(struct http_request *r);

/* ---- what triggers owns across reloads (trigger.c) ---- */
/* Takes a token of the route and of all routes: 0, or µs until there is one. */
int64_t triggers_rate_take(struct triggers *t, const struct webhook_route *r);
void triggers_rate_give(struct triggers *t, const struct webhook_route *r);
struct engine *triggers_engine(struct triggers *t);
struct strikes *triggers_strikes(struct triggers *t);

/* ---- answers (reply.c) ---- */
/* {"status":"rejected","reason",…,"request_id"}; retry_after_us > 0 adds Retry-After. Of a verified request
   a receipt is kept first, and named. */
void reply_refused(struct webhook_call *call, int status, const char *reason, const char *error,
                   int64_t retry_after_us);
/* Answered without an agent: {"status": word, "reason", "receipt_id"}; the reason is the receipt's. */
void reply_settled(struct webhook_call *call, const char *word);
/* What its provider wants to hear. */
void reply_handshake(struct webhook_call *call, const struct source_answer *answer);
/* The intake has been committed (or not): every answer of the table in 20-triggers. */
void reply_intake(struct webhook_call *call);
/* Counts the request under its outcome; every answer ends here. */
void reply_count(struct webhook_call *call, const char *outcome);

#endif
