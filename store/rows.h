/* The records that go to disk, each its own struct. Times are microseconds UTC, 0 = not yet. Strings
   read from the store are NUL-terminated and live in the arena of the operation; p == NULL is SQL NULL. */
#ifndef KERYX_STORE_ROWS_H
#define KERYX_STORE_ROWS_H

#include "base/str.h"

/* States of a task: X(id, word, final). */
#define TASK_STATES(X)                              \
    X(TASK_QUEUED, "queued", false)                 \
    X(TASK_RUNNING, "running", false)               \
    X(TASK_INPUT_REQUIRED, "input_required", false) \
    X(TASK_COMPLETED, "completed", true)            \
    X(TASK_FAILED, "failed", true)                  \
    X(TASK_CANCELLED, "cancelled", true)

#define X(id, word, final) id,
enum task_state { TASK_STATES(X) TASK_STATE_COUNT };
#undef X

#define DELIVERY_STATES(X)                   \
    X(DELIVERY_PENDING, "pending", false)    \
    X(DELIVERY_RETRYING, "retrying", false)  \
    X(DELIVERY_SUCCEEDED, "succeeded", true) \
    X(DELIVERY_FAILED, "failed", true)

#define X(id, word, final) id,
enum delivery_state { DELIVERY_STATES(X) DELIVERY_STATE_COUNT };
#undef X

const char *task_state_word(enum task_state s);
int task_state_parse(struct str word, enum task_state *out) must_check;
bool task_state_final(enum task_state s);
const char *delivery_state_word(enum delivery_state s);
int delivery_state_parse(struct str word, enum delivery_state *out) must_check;
bool delivery_state_final(enum delivery_state s);

struct task_row {
    struct str id; /* "webhook-AGENT-NS" */
    int64_t seq;   /* order of acceptance, given by the store */
    struct str agent;
    struct str trigger_type; /* webhook schedule api cli mcp */
    struct str trigger_name;
    enum task_state state;
    unsigned attempt;       /* 1 = first */
    unsigned interruptions; /* ends of its process while it ran; has its own ceiling */
    unsigned retries;       /* retries of agents.*.retry used up */
    struct str input;
    struct str session_id; /* conversation it belongs to; NULL = its own */
    struct str receipt_id;
    struct str response_mode; /* sync async callback */
    struct str callback_url;  /* callback mode */
    struct str meta; /* JSON object for the trigger that made it: missed_count, guard holes, … */
    int64_t scheduled_at; /* schedule: the due time */
    int64_t due_at;       /* not claimed before it (task retry) */
    int64_t created_at, started_at, finished_at;
    struct str result;
    bool result_json; /* result is JSON text, to be embedded as such */
    struct str error_type, error_message;
    struct str
        usage; /* JSON {"in","out","total","cost_usd"?,"turns"?,"truncated"?,"output_bytes"?} or NULL */
    int64_t tokens_used; /* -1 = unknown */
    int64_t tools_called;
    struct str trace_id; /* traceparent that came in, or NULL */
    struct str node;     /* who runs it */
};

struct event_row {
    int64_t seq; /* given at commit, ascending over all tasks */
    struct str task_id;
    struct str type; /* task.started … */
    int64_t at;
    struct str data; /* JSON object */
};

struct receipt_row {
    struct str id; /* UUIDv7 */
    int64_t seq;
    struct str route; /* trigger name */
    struct str
        status; /* accepted filtered deduplicated rejected rate_limited handshake delivered */
    struct str reason;
    int http_status;
    struct str event_type, delivery_id, entity, remote_address;
    struct str headers; /* JSON object, secrets redacted */
    struct str body;
    struct str secret_used; /* which of several: "1", "2" … */
    struct str task_id;
    struct str trigger_agent;
    int64_t received_at, duration_us;
    int64_t repeated;
};

struct delivery_row {
    struct str id; /* UUIDv7, X-Keryx-Delivery-Id, the same on every attempt */
    int64_t seq;
    struct str receiver; /* "agent/id", "id", "callback:scheme://host:port" */
    struct str target;   /* webhook slack … = name of the sender kind */
    struct str event;    /* task.completed … or "callback" */
    struct str task_id;  /* NULL for deliver_only */
    enum delivery_state state;
    struct str method, url;
    struct str headers; /* JSON object of strings: rendered, without auth and signature */
    struct str content_type;
    struct str body; /* the bytes of every attempt */
    struct str
        guard; /* NULL = operator's URL, unrestricted; else JSON {"allow":[cidr],"hosts":[…]} */
    struct str progress; /* sender kind's own note between attempts (chunks done), JSON or NULL */
    unsigned attempts;   /* made so far */
    unsigned max_attempts;
    int64_t initial_delay, max_delay; /* µs */
    int backoff;                      /* 0 exponential 1 linear 2 fixed */
    int jitter_permille;
    int64_t timeout; /* µs, of one attempt */
    int64_t created_at, next_at, finished_at;
    struct str last_error;
};

struct attempt_row {
    struct str delivery_id;
    unsigned n; /* 1 = first */
    int64_t at;
    int status_code; /* 0 = none */
    struct str error_type, error;
    int64_t duration_us;
    struct str remote_ip, response_excerpt;
};

struct schedule_row {
    struct str name;
    struct str
        definition; /* text that changes when the schedule is edited: expression, zone, window */
    int64_t
        anchor; /* when it was first seen or last edited: phase of @every, nothing before is missed */
    int64_t high_water; /* the latest due time accounted for */
    int64_t last_fired; /* due time of the latest run */
    struct str last_task_id;
    bool paused;
};

struct fire_row { /* one due time, or a run of equal outcomes */
    struct str schedule;
    int64_t first, last; /* due times, equal for one */
    int64_t count;
    struct str outcome; /* ran coalesced skipped */
    struct str reason;  /* missed window limit overlap disabled gap paused, or NULL */
    struct str task_id;
    int64_t at; /* when it was decided */
};

struct message_row { /* of a session */
    struct str session_id;
    int64_t seq;
    struct str role;    /* user assistant tool */
    struct str content; /* JSON */
    struct str task_id;
    int64_t at;
};

struct webhook_row { /* dynamic webhook: the definition as JSON, secrets included */
    struct str id, public_id, name;
    struct str definition;
    bool enabled;
    int64_t created_at, updated_at;
};

#endif
