/* The life of a task, from intake to its last delivery.

   struct engine owns
     generation    the configuration new work starts under; swapped whole by engine_swap()
     queue         which agents have waiting tasks; claims them from the store into free slots
     workers       one struct worker a running task: its runner, deadline, cancel, finish
     watches       who waits for a task's end (sync replies) or for every event (SSE)
     outbox        due deliveries of every receiver: attempt, verdict, back-off, dead letter
     janitor       retention in small steps
   The store is the truth; everything here can be rebuilt from it, and is at start. */
#ifndef KERYX_ENGINE_ENGINE_H
#define KERYX_ENGINE_ENGINE_H

#include "base/loop.h"
#include "engine/generation.h"
#include "engine/runner.h"
#include "engine/sender.h"
#include "store/store.h"

struct engine;

struct engine_options {
    struct loop *loop;
    struct store *store;
    const char *node;                         /* the node's name in rows */
    struct generation *generation;            /* a reference is taken */
    const struct runner_kind *const *runners; /* NULL-terminated; must outlive the engine */
    void *runner_env;                         /* handed to runner_kind.start */
    const struct sender_kind *const *senders; /* NULL-terminated */
    void *sender_env;
    struct notifier_hook notifier;
    bool
        single; /* run only what is submitted here: nothing is recovered, no waiting task is claimed */
};

struct engine *engine_new(const struct engine_options *o) must_check;
/* Recovers what a dead process left, then begins to claim and send. `started` is called once, later;
   rc -1 when the store could not be read, or (CANCELLED) when a drain came first. */
void engine_start(struct engine *e, void (*started)(void *ctx, int rc, const struct error *why),
                  void *ctx);
/* New work runs under g from now on; running tasks keep theirs. Takes a reference. */
void engine_swap(struct engine *e, struct generation *g);
/* No new intake, no new claims; running tasks may finish until deadline_us (monotonic), then are stopped
   and put back to queued; attempts under way end or are released. drained is called once, later. */
void engine_drain(struct engine *e, int64_t deadline_us, void (*drained)(void *ctx), void *ctx);
/* After the store has been closed: what it had not answered by then is forgotten. Runners that have not
   ended may still call done. */
void engine_free(struct engine *e);

struct generation *engine_generation(
    const struct engine *e); /* current; not referenced for the caller */
struct store *engine_store(const struct engine *e);
struct loop *engine_loop(const struct engine *e);
bool engine_draining(const struct engine *e);
size_t engine_active(const struct engine *e); /* tasks running here */

/* The key that opens one task's status and result without a token: HMAC-SHA256 of its id under a secret
   of the store, in hex. */
#define ENGINE_TASK_KEY_TEXT 65
void engine_task_key(const struct engine *e, struct str task_id, char text[ENGINE_TASK_KEY_TEXT]);

/* ---- intake: the one invocation path (engine/intake.c) ---- */

enum intake_outcome {
    INTAKE_ACCEPTED,
    INTAKE_DUPLICATE,     /* task_id, receipt_id are the original's */
    INTAKE_ALREADY_FIRED, /* another start of this due time */
    INTAKE_QUEUE_FULL,
    INTAKE_UNAVAILABLE, /* store cannot commit, or draining: answer 503 */
};

struct intake {
    /* filled by the caller; strings live until done */
    struct generation *generation; /* a reference is held until done */
    struct str agent;              /* NULL: no task (receipt, fires, deliveries alone) */
    const char *trigger_type;      /* webhook schedule api cli mcp */
    struct str trigger_name;
    struct str input;
    struct str session_id;
    const char *response_mode; /* sync async callback */
    struct str callback_url;
    struct str meta; /* JSON object or NULL */
    struct str trace_id;
    int64_t scheduled_at;
    struct str failed_type, failed_message; /* set: the task is committed as failed at once */
    struct receipt_row *receipt;            /* task_id is filled in, until done returns */
    const struct store_dedup *dedups;
    size_t n_dedups;
    const struct schedule_row *schedule; /* last_task_id is filled in when last_fired changed */
    const struct fire_row *fires;        /* those with outcome "ran" get the task's id */
    size_t n_fires;
    const struct delivery_row *deliveries;
    size_t n_deliveries;
    bool ignore_queue_limit;        /* schedules: a due time waits, it is not refused */
    void (*done)(struct intake *i); /* exactly once, later */
    void *ctx;
    /* results */
    enum intake_outcome outcome;
    struct str task_id, receipt_id; /* live until done returns */
    struct error error;             /* UNAVAILABLE: why */
};
/* Commits all of it in one transaction, then done. The task may start right after done. */
void engine_submit(struct engine *e, struct intake *i);

/* ---- watching (engine/watch.c) ---- */

struct watch_group;

struct task_watch {
    struct list_link link;
    struct watch_group *group; /* private: those that watch the same task */
    void (*ended)(struct task_watch *w, const struct task_row *task); /* once; then off the list */
};
/* Tells when the task reaches a final state from now on. Start it inside intake.done. */
void engine_watch_task(struct engine *e, struct task_watch *w, struct str task_id);
void engine_watch_cancel(struct engine *e, struct task_watch *w); /* fine when not watching */

/* A caller that waits for its task's end, but not forever. */
struct task_wait {
    struct task_watch watch;
    struct loop_timer timer;
    struct list_link link; /* private: engine.waits */
    struct engine *engine;
    /* Once. task == NULL: the time is over, or the daemon ends; the task goes on. */
    void (*over)(struct task_wait *w, const struct task_row *task);
};
/* Start it inside intake.done; w must live until over. A drain ends it early: at once when the task does
   not run yet, else with the drain's time. */
void engine_wait_task(struct engine *e, struct task_wait *w, struct str task_id,
                      int64_t timeout_us);
/* {"task_id","status","result" | "error","agent_name"} of a task that has ended; all of it lives in
   `a`. */
struct json *engine_answer(struct arena *a, const struct task_row *task);

struct event_watch {
    struct list_link link;
    void (*event)(struct event_watch *w, const struct event_row *row); /* after commit, in order */
};
void engine_watch_events(struct engine *e, struct event_watch *w);
void engine_watch_events_cancel(struct engine *e, struct event_watch *w);

/* ---- acting on tasks and deliveries (API, CLI, overlap policies) ---- */

enum act_outcome { ACT_DONE, ACT_NOT_FOUND, ACT_WRONG_STATE, ACT_UNAVAILABLE };
/* Queued: cancelled at once. Running: its runner is stopped, and the state follows. done once, later. */
void engine_cancel_task(struct engine *e, struct str task_id,
                        void (*done)(void *ctx, enum act_outcome o), void *ctx);
/* A failed or cancelled task is queued again under its id. */
void engine_retry_task(struct engine *e, struct str task_id,
                       void (*done)(void *ctx, enum act_outcome o), void *ctx);
/* Tells the outbox that so many deliveries that had ended are due again; 0: only that it may look. */
void engine_outbox_kick(struct engine *e, int64_t redelivered);
/* Emits an event that no task's change carries (schedule.missed, schedule.skipped), with its deliveries. */
void engine_emit(struct engine *e, const struct engine_event *event);

#endif
