/* What the files of this room share; no other room includes it. */
#ifndef KERYX_ENGINE_ENGINE_INSIDE_H
#define KERYX_ENGINE_ENGINE_INSIDE_H

#include "base/crypto.h"
#include "base/map.h"
#include "engine/engine.h"

enum engine_phase { ENGINE_NEW, ENGINE_STARTING, ENGINE_RUNNING, ENGINE_DRAINING, ENGINE_DRAINED };

struct queue;
struct outbox;
struct janitor;
struct recovery;

struct engine {
    struct loop *loop;
    struct store *store;
    char *node;
    enum engine_phase phase;
    struct generation *generation;
    const struct runner_kind *const *runners;
    void *runner_env;
    const struct sender_kind *const *senders;
    void *sender_env;
    struct notifier_hook notifier;
    bool single;

    struct queue *queue;
    struct outbox *outbox;
    struct janitor *janitor;
    struct list workers;       /* struct worker, running here */
    struct map *task_watches;  /* task id → struct watch_group */
    struct list waits;         /* struct task_wait */
    struct list event_watches; /* struct event_watch */

    struct hmac_key *task_key; /* known once started */
    void (*started)(void *ctx, int rc, const struct error *why);
    void *started_ctx;
    struct recovery *recovery; /* while starting */
    unsigned acts;             /* cancels and retries under way (act.c) */
    void (*drained)(void *ctx);
    void *drained_ctx;
    int64_t drain_deadline; /* monotonic: runners are stopped then */
    struct loop_timer drain_timer;
    struct loop_task drain_check;
};

/* Looks again whether a drain has come to its end (engine.c). */
void engine_drain_progress(struct engine *e);

/* ---- recovery.c: what a dead process left, then engine->started ---- */
void recovery_start(struct engine *e);
/* For an engine that is freed before it has started; NULL is fine. */
void recovery_free(struct recovery *r);

/* ---- queue.c ---- */
struct queue *queue_new(struct engine *e) must_check;
void queue_free(struct queue *q);
void queue_load(struct queue *q, const struct agent_count *counts, size_t n);
/* One more task of the agent waits / stopped waiting otherwise than by a claim. */
void queue_added(struct queue *q, struct str agent, int64_t created_at);
void queue_removed(struct queue *q, struct str agent);
/* A task of the agent is on its way to the store, and has arrived there or not. */
void queue_announce(struct queue *q, struct str agent);
void queue_withdraw(struct queue *q, struct str agent);
/* Waiting tasks of the agent, those on their way included, for max_queued. */
size_t queue_depth(const struct queue *q, struct str agent);
/* A task of the agent runs without having been claimed (engine.single). */
void queue_slot_taken(struct queue *q, struct str agent, bool command);
/* A worker of the agent has ended: its slot is free. */
void queue_slot_freed(struct queue *q, struct str agent, bool command);
/* Something changed: claim at the end of this turn of the loop. */
void queue_kick(struct queue *q);

/* ---- worker.c ---- */
struct worker;
/* Runs a claimed task; strings of `task` are copied. */
void worker_start(struct engine *e, const struct task_row *task);
/* The running worker of the task, or NULL. */
struct worker *worker_find(struct engine *e, struct str task_id);
/* False when it is too late: its end is being committed. A cancel outdoes a shutdown, else the first
   reason stays. */
bool worker_stop(struct worker *w, enum run_stop why);
/* The drain has no more time: all are stopped; one whose end the store does not take is let go (it runs
   again after the next start). */
void worker_stop_all(struct engine *e);
/* The engine is freed: what still runs is forgotten; its memory goes when its runner is done. */
void worker_forget_all(struct engine *e);

/* ---- event.c ---- */
struct event_batch { /* one event, its row and its deliveries, all in the arena */
    struct event_row row;
    struct delivery_row *deliveries;
    size_t n_deliveries;
};
void event_make(struct engine *e, struct arena *a, const struct engine_event *event,
                struct event_batch *out);
/* After the commit: tells the watches. last_seq: of the batch's last event row. */
void event_publish(struct engine *e, struct event_row *rows, size_t n, int64_t last_seq);

/* ---- watch.c ---- */
/* No more time for those who wait; `all`, or only for tasks that do not run here. */
void watch_end_waits(struct engine *e, bool all);
void watch_release(struct engine *e);
void watch_task_ended(struct engine *e, const struct task_row *task);

/* ---- outbox.c ---- */
struct outbox *outbox_new(struct engine *e) must_check;
void outbox_free(struct outbox *o);
/* open: deliveries in the store that are not final. */
void outbox_start(struct outbox *o, int64_t open);
/* These have been committed: they count as backlog, and may be due. */
void outbox_added(struct outbox *o, const struct delivery_row *rows, size_t n);
void outbox_redelivered(struct outbox *o, int64_t n);
/* New deliveries may be due. */
void outbox_kick(struct outbox *o);
/* Receivers disabled by 410 may be tried again (reload). */
void outbox_enable_all(struct outbox *o);
/* No new attempts; true when none is under way. */
void outbox_drain(struct outbox *o);
bool outbox_idle(const struct outbox *o);
/* Cancels what is under way, and gives up on verdicts that the store does not take; the deliveries stay
   due. */
void outbox_cut(struct outbox *o);

/* ---- janitor.c ---- */
struct janitor *janitor_new(struct engine *e) must_check;
void janitor_start(struct janitor *j);
void janitor_free(struct janitor *j);

/* The agent's and trigger's entry of a task under a generation, or NULL. */
const struct config_trigger *engine_trigger_of(const struct config_agent *agent, struct str name);

#endif
