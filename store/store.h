/* The durable truth, in the domain's words; nobody outside this room sees SQL. Two engines fit behind
   it (SQLite; PostgreSQL), chosen by the URL.

   Every request is a struct that embeds `struct store_op` first. The caller fills it, calls the verb,
   and gets op.done() on the loop's thread: for writes after everything that was waiting has been
   committed in one transaction (group commit: a done with rc 0 means on disk), for reads when the rows
   are there. Exactly one done per verb, never inside the call. Until then the struct and every string
   in it must live and stay untouched. Results are allocated in op.arena, which the caller gives
   and frees and must not use before done.

   Writes are executed in the order of the calls. Reads run beside them on their own connections and
   see every write whose done has run. */
#ifndef KERYX_STORE_STORE_H
#define KERYX_STORE_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/loop.h"
#include "store/rows.h"

struct store;
struct db;

struct store_options {
    struct loop *loop;  /* done callbacks run here */
    const char *node;   /* this node's name in task rows */
    size_t max_pending; /* writes waiting; beyond: op fails with ERROR_BUSY. 0 = 20000 */
    bool read_only;     /* no writer, no lock (CLI beside a daemon) */
};

/* url: "sqlite:PATH". Migrates, takes the one-daemon lock (ERROR_BUSY names the process that holds
   it), refuses a file of a newer keryx. Blocking; called at start. */
struct store *store_open(const char *url, const struct store_options *o,
                         struct error *e) must_check;
/* Commits what is queued, runs no further callbacks, joins the threads. NULL is fine. */
void store_close(struct store *s);

struct store_op {
    void (*done)(struct store_op *op);
    struct arena *arena; /* for results; NULL when the verb returns none */
    int rc;              /* 0 or -1 */
    struct error error;  /* FULL, IO, BUSY, NOT_FOUND … */
    /* private */
    struct store *store;
    struct store_op *next;
    int (*run)(struct db *db, struct store_op *op);
    int64_t at;                /* wall clock when the verb was called */
    int64_t carry, carry_next; /* of an operation that takes several turns */
    size_t weight;
    unsigned batch; /* first of a committed batch: how many it was … */
    double seconds; /* … and how long its commit took */
    bool is_long, is_write, is_intake;
};

/* ---- one transaction of intake: the durable half of the one invocation path ---- */

enum record_outcome { RECORD_DONE, RECORD_DUPLICATE, RECORD_ALREADY_FIRED };

struct store_dedup {
    struct str scope; /* route */
    struct str key;
    int64_t expires_at;
};

struct store_record {
    struct store_op op;
    /* All optional; what is there is written together or not at all. */
    /* An id that is there already gets its outcome (status, reason, http_status, task_id, duration,
       repeated) updated; the body and the rest stay. */
    const struct receipt_row *receipt;
    const struct store_dedup *dedups; /* any of them already there and not expired → DUPLICATE */
    size_t n_dedups;
    bool dedup_free; /* delete the dedup keys instead (a failed deliver_only) */
    const struct task_row
        *task; /* seq is given by the store; input equal to receipt->body is stored once */
    const struct schedule_row *schedule;
    /* A row that covers `first` is already there → ALREADY_FIRED and nothing is written. Except that
       a run without a task grows: same schedule, first, outcome and reason, and a later last, sets
       last, count and at of that row. */
    const struct fire_row *fires;
    size_t n_fires;
    const struct event_row *events;
    size_t n_events;
    const struct delivery_row *deliveries;
    size_t n_deliveries;
    /* When DUPLICATE only the receipt is kept, with status deduplicated and the original's task id. */
    enum record_outcome outcome;
    struct str original_task_id,
        original_receipt_id; /* DUPLICATE, in op.arena (needed with dedups) */
    int64_t seq;             /* of the task */
    int64_t last_event_seq;
};
void store_record(struct store *s, struct store_record *r);

/* ---- tasks ---- */

struct claim_slot {
    struct str agent;
    unsigned free; /* how many more may start */
};

/* Oldest due tasks of the named agents go queued → running on this node: attempt counted, started_at
   set. At most one task of a session is running; within one session the order of acceptance holds. */
struct store_claim {
    struct store_op op;
    int64_t now;
    const struct claim_slot *slots;
    size_t n_slots;
    unsigned limit;         /* over all */
    struct task_row *tasks; /* with input */
    size_t n_tasks;
    int64_t next_due; /* the earliest due_at > now of queued tasks of these agents, or 0 */
};
void store_claim(struct store *s, struct store_claim *c);

/* A running (or queued) task changes state: completed, failed, cancelled, back to queued. Applied only
   when the row is in `expect` and, for a running one, attempt and node still match (fencing). */
struct store_finish {
    struct store_op op;
    const struct task_row
        *task;       /* id, attempt, state and the fields that go with it: result*, error*,
                                   usage, tokens_used, tools_called, due_at (queued again), finished_at,
                                   interruptions, retries */
    unsigned expect; /* bit mask of 1 << enum task_state */
    const struct event_row *events;
    size_t n_events;
    const struct delivery_row *deliveries;
    size_t n_deliveries;
    const struct message_row *messages; /* the session's new messages */
    size_t n_messages;
    bool applied;
    enum task_state was; /* when not applied: what it is (NOT_FOUND error when gone) */
    int64_t last_event_seq;
};
void store_finish(struct store *s, struct store_finish *f);

/* At start: running and input_required tasks of this node go back to queued, interruptions + 1
   (attempt is counted by the next claim); leases on deliveries are dropped. */
struct store_recover {
    struct store_op op;
    int64_t now;
    struct task_row *tasks; /* those put back, without input */
    size_t n_tasks;
    uint64_t last_ns; /* the largest NS in a stored task id, for id_ns_floor() */
};
void store_recover(struct store *s, struct store_recover *r);

struct agent_count {
    struct str agent;
    int64_t queued;
    int64_t oldest; /* created_at of the oldest queued */
};
struct store_counts {
    struct store_op op;
    struct agent_count *agents;
    size_t n_agents;
    int64_t deliveries_open; /* pending + retrying */
};
void store_counts(struct store *s, struct store_counts *c);

struct store_task_get {
    struct store_op op;
    struct str id;
    bool found;
    struct task_row task; /* with input */
    struct str *delivery_ids;
    size_t n_delivery_ids;
};
void store_task_get(struct store *s, struct store_task_get *g);

/* What belongs to one row of a list, oldest first. */
struct row_ids {
    struct str *items;
    size_t n;
};
struct row_attempts {
    struct attempt_row *items;
    size_t n;
};

/* Newest first. Filters with p == NULL / 0 do not filter. `trigger` is a type (webhook schedule api cli
   mcp) or else a name; `state` of receipts is their status, of fires their outcome; `agent` of
   deliveries and receipts is that of the task. since and until are inclusive. */
struct store_list {
    struct store_op op;
    struct str agent, trigger, state, receiver, task_id, route, schedule; /* those that apply */
    int64_t since, until;                                                 /* created_at, µs */
    int64_t before_seq; /* cursor: rows with seq < it; 0 = from the newest */
    unsigned limit;     /* 1..500 */
    size_t n;
    int64_t next_before_seq; /* 0 = no more */
    struct task_row
        *tasks; /* input and result cut to 2 KiB + 1 so that the caller sees it was cut */
    struct row_ids *task_deliveries; /* of each task */
    struct delivery_row *deliveries; /* without body */
    struct row_attempts *attempts;   /* of each delivery */
    struct receipt_row *receipts;    /* without headers and body */
    struct fire_row *fires;
};
void store_task_list(struct store *s, struct store_list *l);
void store_delivery_list(struct store *s, struct store_list *l);
void store_receipt_list(struct store *s, struct store_list *l);
void store_fire_list(struct store *s, struct store_list *l);

struct store_receipt_get {
    struct store_op op;
    struct str id;
    bool found;
    struct receipt_row receipt;
};
void store_receipt_get(struct store *s, struct store_receipt_get *g);

/* Events of one task (task_id set) or of all, seq > after, ascending. */
struct store_events {
    struct store_op op;
    struct str task_id;
    int64_t after_seq;
    unsigned limit;
    struct event_row *events;
    size_t n_events;
};
void store_events(struct store *s, struct store_events *e);

/* ---- deliveries ---- */

/* Due deliveries (pending or retrying, next_at <= now, not leased) are leased to this node until
   attempt or release. At most per_receiver of each receiver, none of those named in `skip`; fair:
   every receiver with due work gets its turn. A delivery waits while an earlier one of the same task
   to the same receiver is open. A receiver named in `single` gets the oldest of its open deliveries
   or nothing, so it has at most one on its way and sees them in the order of seq. */
struct store_due {
    struct store_op op;
    int64_t now;
    unsigned limit, per_receiver;
    const struct str *skip; /* receivers that are full or held back */
    size_t n_skip;
    const struct str *single; /* ordered receivers: their oldest open one, alone, when it is due */
    size_t n_single;
    struct delivery_row *deliveries; /* with body */
    size_t n_deliveries;
    int64_t next_at; /* the earliest next_at > now of unleased ones, or 0 */
};
void store_due(struct store *s, struct store_due *d);

/* What became of one attempt, and what the delivery is now. */
struct store_attempt {
    struct store_op op;
    const struct attempt_row
        *attempt; /* NULL: only release the lease (state and next_at of `delivery`) */
    const struct delivery_row
        *delivery; /* id, state, attempts, next_at, progress, last_error, finished_at */
    const struct event_row *events; /* delivery.failed … */
    size_t n_events;
    const struct delivery_row *deliveries; /* notifications of it */
    size_t n_deliveries;
    int64_t last_event_seq;
};
void store_attempt(struct store *s, struct store_attempt *a);

struct store_delivery_get {
    struct store_op op;
    struct str id;
    bool found;
    struct delivery_row delivery;
    struct attempt_row *attempts;
    size_t n_attempts;
};
void store_delivery_get(struct store *s, struct store_delivery_get *g);

/* Redelivery: failed (with ids also succeeded) deliveries become pending now; max_attempts grows by
   what it was granted at first. ids == NULL: all failed ones that match the filters. */
struct store_redeliver {
    struct store_op op;
    const struct str *ids;
    size_t n_ids;
    struct str receiver, task_id; /* filters */
    int64_t since, until;
    int64_t now;
    int64_t count;
};
void store_redeliver(struct store *s, struct store_redeliver *r);

/* ---- schedules, sessions, dynamic webhooks, settings ---- */

struct store_schedules {
    struct store_op op;
    struct schedule_row *rows; /* all */
    size_t n;
};
void store_schedules(struct store *s, struct store_schedules *l);

struct store_session {
    struct store_op op;
    struct str session_id;
    unsigned limit; /* newest `limit` messages, ascending */
    bool clear;     /* delete instead */
    struct message_row *messages;
    size_t n_messages;
};
void store_session(struct store *s, struct store_session *m);

struct store_webhooks {
    struct store_op op;
    const struct webhook_row *put; /* insert or replace; EXISTS when the name is another's */
    struct str remove_id;
    struct webhook_row *rows; /* all, after put / remove */
    size_t n;
};
void store_webhooks(struct store *s, struct store_webhooks *w);

/* A small value by name; put NULL only reads. `keep`: an existing value wins over put (create once). */
struct store_meta {
    struct store_op op;
    struct str key, put;
    bool keep;
    struct str value; /* as it is now; p == NULL when none */
};
void store_meta(struct store *s, struct store_meta *m);

/* Deletes up to `limit` finished tasks (with events, attempts, receipts, deliveries) and other rows
   older than `before`, in the background's small steps. */
struct store_prune {
    struct store_op op;
    int64_t before, now;
    unsigned limit;
    int64_t
        max_receipt_bytes; /* past it receipts go, those that ran nothing first; 0 = no ceiling */
    int64_t deleted;
    bool more; /* call again: the step ended at its limit or after a few ms */
};
void store_prune(struct store *s, struct store_prune *p);

/* A consistent copy into a new file while running. */
struct store_backup {
    struct store_op op;
    const char *path;
};
void store_backup(struct store *s, struct store_backup *b);

/* False after a write failed for want of space or by I/O error, until one succeeds again. */
bool store_writable(const struct store *s);
/* The reason as a word when not: "disk_full", "io". NULL when writable. */
const char *store_trouble(const struct store *s);
size_t store_pending(const struct store *s);

#endif
