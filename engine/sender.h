/* What a notifier kind must offer: who is told (prepare) and how (senders). */
#ifndef KERYX_ENGINE_SENDER_H
#define KERYX_ENGINE_SENDER_H

#include "base/json.h"
#include "engine/generation.h"
#include "store/rows.h"

/* Something that happened. */
struct engine_event {
    const char *type; /* task.started task.completed task.failed task.cancelled tool.called
                                      delivery.failed schedule.missed schedule.skipped */
    int64_t at;       /* wall µs */
    struct generation *generation;
    const struct config_agent *agent;     /* may be NULL: agent gone from the config */
    const struct config_trigger *trigger; /* may be NULL */
    const struct task_row *task;          /* as it is after the change; NULL for schedule.* */
    const struct delivery_row *delivery;  /* delivery.failed */
    const struct json *data;              /* the event's own fields as an object, or NULL */
};

/* The rows that this event causes (notifications, and for final task events the callback), to be
   committed with it. Rows and strings live in `a`. Returns how many; *rows may be NULL when 0. */
struct notifier_hook {
    size_t (*deliveries)(void *ctx, const struct engine_event *event, struct arena *a,
                         struct delivery_row **rows);
    /* Limits of a receiver under the current generation: how many at once (>= 1), and whether strictly in
       order. false: the receiver is no longer configured (its deliveries then go on with defaults). */
    bool (*receiver)(void *ctx, const struct generation *g, struct str receiver,
                     unsigned *max_concurrent, bool *ordered);
    /* The names of all receivers that are strictly in order, in `a`; returns how many. */
    size_t (*ordered)(void *ctx, const struct generation *g, struct arena *a, struct str **names);
    void *ctx;
};

enum verdict {
    VERDICT_DELIVERED,
    VERDICT_TRY_AGAIN, /* transport error, 408, 425, 429, 5xx */
    VERDICT_REFUSED,   /* final: the same bytes will be refused again */
    VERDICT_GONE,      /* 410: final, and the receiver is disabled until reload */
};

struct attempt_result {
    enum verdict verdict;
    int status_code; /* 0 = none */
    const char
        *error_type;  /* TIMEOUT … of 40-delivery, NULL when there was an answer that counts */
    struct str error; /* for people */
    int64_t retry_after_us; /* < 0 = none; already capped at 1 h */
    int64_t duration_us;
    struct str remote_ip, response_excerpt;
    struct str progress; /* new value for delivery_row.progress; p == NULL keeps it */
};

struct send; /* one attempt under way; each kind embeds what it needs */

struct send_request {
    const struct delivery_row *delivery; /* lives until done */
    struct generation *generation;       /* likewise */
    unsigned n;                          /* the number of this attempt, 1 = first */
    /* Called exactly once, never inside start, unless cancelled. */
    void (*done)(void *ctx, const struct attempt_result *r);
    void *ctx;
};

struct sender_kind {
    const char *word; /* delivery_row.target */
    /* Starts an attempt; the request struct itself need not live. NULL and error: cannot be sent at all
       (becomes REFUSED, RENDER_ERROR). */
    struct send *(*start)(void *env, const struct send_request *request, struct error *e);
    void (*cancel)(struct send *s);
};

#endif
