/* What a dead process left: its running tasks go back to the queue (or fail, when configuration or
   their ceiling says so), leases are dropped, counts are read; then the engine runs. */
#include "base/id.h"
#include "base/log.h"
#include "base/stats.h"
#include "engine/engine_inside.h"

struct recovery {
    struct engine *engine;
    struct store_recover recover;
    struct store_counts counts;
    struct store_meta secret;
    char fresh_secret[65]; /* kept only by a store that has none yet */
    unsigned open;         /* interrupted tasks being failed */
};

struct recovery_fail {
    struct store_finish finish;
    struct recovery *recovery;
    struct task_row task;
    struct event_batch batch;
};

void recovery_free(struct recovery *r)
{
    if (!r)
        return;
    arena_free(r->recover.op.arena);
    free(r);
}

static void recovery_end(struct recovery *r, int rc, const struct error *why)
{
    struct engine *e = r->engine;
    struct error stopped = ERROR_INIT;
    e->recovery = NULL;
    if (rc == 0 && e->phase != ENGINE_STARTING) {
        rc = error_set(&stopped, ERROR_CANCELLED, "stopped before it had started");
        why = &stopped;
    } else if (rc == 0) {
        e->phase = ENGINE_RUNNING;
        queue_load(e->queue, r->counts.agents, r->counts.n_agents);
        queue_kick(e->queue);
        outbox_start(e->outbox, r->counts.deliveries_open);
        janitor_start(e->janitor);
    }
    e->started(e->started_ctx, rc, why);
    recovery_free(r);
}

static void recovery_keyed(struct store_op *op)
{
    struct recovery *r = container_of(op, struct recovery, secret.op);
    if (op->rc == 0)
        r->engine->task_key = hmac_key_new(CRYPTO_SHA256, r->secret.value);
    recovery_end(r, op->rc, &op->error);
}

static void recovery_key(struct recovery *r)
{
    id_random_hex(r->fresh_secret, 32);
    r->secret.op.arena = r->recover.op.arena;
    r->secret.op.done = recovery_keyed;
    r->secret.key = STR("task_key_secret");
    r->secret.put = str_of(r->fresh_secret);
    r->secret.keep = true;
    store_meta(r->engine->store, &r->secret);
}

static void recovery_counted(struct store_op *op)
{
    struct recovery *r = container_of(op, struct recovery, counts.op);
    if (op->rc != 0)
        recovery_end(r, -1, &op->error);
    else
        recovery_key(r);
}

static void recovery_count(struct recovery *r)
{
    r->counts.op.arena = r->recover.op.arena;
    r->counts.op.done = recovery_counted;
    store_counts(r->engine->store, &r->counts);
}

static void recovery_failed_one(struct store_op *op)
{
    struct recovery_fail *f = container_of(op, struct recovery_fail, finish.op);
    struct recovery *r = f->recovery;
    if (op->rc != 0)
        log_error("an interrupted task could not be failed", "task_id", f->task.id.p, "error",
                  op->error.text);
    else
        stats_inc(STATS_TASKS, f->task.agent.p, f->task.trigger_type.p, "failed");
    arena_free(op->arena);
    if (--r->open == 0)
        recovery_count(r);
}

static void recovery_fail(struct recovery *r, const struct task_row *task,
                          const struct config_agent *agent)
{
    struct engine *e = r->engine;
    struct arena *a = arena_new(0);
    struct recovery_fail *f = ARENA_NEW(a, struct recovery_fail);
    f->recovery = r;
    f->task = *task;
    f->task.state = TASK_FAILED;
    f->task.error_type = STR("interrupted");
    f->task.error_message =
        arena_printf(a, "keryx ended while the task ran (%u times); it is not run again by itself",
                     task->interruptions);
    f->task.finished_at = loop_wall(e->loop);
    struct engine_event event = {
        .type = "task.failed",
        .at = f->task.finished_at,
        .generation = e->generation,
        .agent = agent,
        .trigger = engine_trigger_of(agent, task->trigger_name),
        .task = &f->task,
    };
    event_make(e, a, &event, &f->batch);
    f->finish.op.arena = a;
    f->finish.op.done = recovery_failed_one;
    f->finish.task = &f->task;
    f->finish.expect = 1u << TASK_QUEUED;
    f->finish.events = &f->batch.row;
    f->finish.n_events = 1;
    f->finish.deliveries = f->batch.deliveries;
    f->finish.n_deliveries = f->batch.n_deliveries;
    r->open++;
    store_finish(e->store, &f->finish);
}

static void recovery_recovered(struct store_op *op)
{
    struct recovery *r = container_of(op, struct recovery, recover.op);
    struct engine *e = r->engine;
    if (op->rc != 0) {
        recovery_end(r, -1, &op->error);
        return;
    }
    id_ns_floor(r->recover.last_ns);
    const struct config *c = e->generation->config;
    r->open = 1; /* ours, so that the last failed one does not end the loop early */
    for (size_t i = 0; i < r->recover.n_tasks; i++) {
        const struct task_row *task = &r->recover.tasks[i];
        const struct config_agent *agent = config_find_agent(c, task->agent);
        log_warn("task was interrupted", "task_id", task->id.p, "agent", task->agent.p);
        bool too_often = agent && task->interruptions > agent->limits.max_interruptions;
        if (too_often || !c->background.persist_on_restart)
            recovery_fail(r, task, agent);
    }
    if (--r->open == 0)
        recovery_count(r);
}

void recovery_start(struct engine *e)
{
    struct recovery *r = xalloc(sizeof(*r));
    r->engine = e;
    e->recovery = r;
    e->phase = ENGINE_STARTING;
    r->recover.op.arena = arena_new(16 * KIB);
    r->recover.op.done = recovery_recovered;
    r->recover.now = loop_wall(e->loop);
    if (e->single)
        recovery_key(r);
    else
        store_recover(e->store, &r->recover);
}
