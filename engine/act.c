/* What people and policies do to tasks: cancel, retry. */
#include "base/log.h"
#include "base/stats.h"
#include "engine/engine_inside.h"

struct act {
    struct engine *engine;
    struct arena *arena;
    struct str task_id;
    void (*done)(void *ctx, enum act_outcome o);
    void *ctx;
    enum act_outcome outcome;
    struct loop_task later;
    struct store_task_get get;
    struct store_finish finish;
    struct task_row task;
    struct event_batch batch;
};

static void act_end(struct act *act, enum act_outcome outcome)
{
    struct engine *e = act->engine;
    e->acts--;
    act->done(act->ctx, outcome);
    arena_free(act->arena);
    engine_drain_progress(e);
}

static void act_later(struct loop_task *t)
{
    struct act *act = container_of(t, struct act, later);
    act_end(act, act->outcome);
}

static struct act *act_new(struct engine *e, struct str task_id,
                           void (*done)(void *, enum act_outcome), void *ctx)
{
    struct arena *a = arena_new(0);
    struct act *act = ARENA_NEW(a, struct act);
    act->engine = e;
    act->arena = a;
    act->task_id = arena_str(a, task_id);
    act->done = done;
    act->ctx = ctx;
    e->acts++;
    return act;
}

static void act_get(struct act *act, void (*got)(struct store_op *op))
{
    act->get.op.arena = act->arena;
    act->get.op.done = got;
    act->get.id = act->task_id;
    store_task_get(act->engine->store, &act->get);
}

/* False when the act has ended because the task could not be read. */
static bool act_got(struct act *act)
{
    if (act->get.op.rc != 0) {
        act_end(act, ACT_UNAVAILABLE);
        return false;
    }
    if (!act->get.found) {
        act_end(act, ACT_NOT_FOUND);
        return false;
    }
    act->task = act->get.task;
    return true;
}

static void act_finish(struct act *act, unsigned expect, void (*finished)(struct store_op *op))
{
    act->finish.op.arena = act->arena;
    act->finish.op.done = finished;
    act->finish.task = &act->task;
    act->finish.expect = expect;
    store_finish(act->engine->store, &act->finish);
}

static bool act_applied(struct act *act)
{
    if (act->finish.op.rc == 0 && act->finish.applied)
        return true;
    act_end(act, act->finish.op.rc != 0 ? ACT_UNAVAILABLE : ACT_WRONG_STATE);
    return false;
}

/* ---- cancel ---- */

static void cancel_finished(struct store_op *op)
{
    struct act *act = container_of(op, struct act, finish.op);
    struct engine *e = act->engine;
    /* It may have been claimed between the look and the write. */
    struct worker *w = op->rc == 0 && !act->finish.applied ? worker_find(e, act->task_id) : NULL;
    if (w && worker_stop(w, RUN_STOP_CANCEL)) {
        act_end(act, ACT_DONE);
        return;
    }
    if (!act_applied(act))
        return;
    queue_removed(e->queue, act->task.agent);
    stats_inc(STATS_TASKS, act->task.agent.p, act->task.trigger_type.p, "cancelled");
    event_publish(e, &act->batch.row, 1, act->finish.last_event_seq);
    outbox_added(e->outbox, act->finish.deliveries, act->finish.n_deliveries);
    watch_task_ended(e, &act->task);
    act_end(act, ACT_DONE);
}

static void cancel_got(struct store_op *op)
{
    struct act *act = container_of(op, struct act, get.op);
    struct engine *e = act->engine;
    if (!act_got(act))
        return;
    struct worker *w = worker_find(e, act->task_id);
    if (task_state_final(act->task.state) || (w && worker_stop(w, RUN_STOP_CANCEL))) {
        act_end(act, w ? ACT_DONE : ACT_WRONG_STATE);
        return;
    }
    /* Queued; or running, by a claim or an end that is on its way to us: the write comes after it. */
    act->task.state = TASK_CANCELLED;
    act->task.finished_at = loop_wall(e->loop);
    const struct config_agent *agent = config_find_agent(e->generation->config, act->task.agent);
    struct engine_event event = {
        .type = "task.cancelled",
        .at = act->task.finished_at,
        .generation = e->generation,
        .agent = agent,
        .trigger = engine_trigger_of(agent, act->task.trigger_name),
        .task = &act->task,
    };
    event_make(e, act->arena, &event, &act->batch);
    act->finish.events = &act->batch.row;
    act->finish.n_events = 1;
    act->finish.deliveries = act->batch.deliveries;
    act->finish.n_deliveries = act->batch.n_deliveries;
    act_finish(act, 1u << TASK_QUEUED, cancel_finished);
}

void engine_cancel_task(struct engine *e, struct str task_id,
                        void (*done)(void *ctx, enum act_outcome o), void *ctx)
{
    struct act *act = act_new(e, task_id, done, ctx);
    struct worker *w = worker_find(e, task_id);
    if (w && worker_stop(w, RUN_STOP_CANCEL)) {
        act->outcome = ACT_DONE;
        loop_later(e->loop, &act->later, act_later);
        return;
    }
    act_get(act, cancel_got);
}

/* ---- retry ---- */

static void retry_finished(struct store_op *op)
{
    struct act *act = container_of(op, struct act, finish.op);
    if (!act_applied(act))
        return;
    queue_added(act->engine->queue, act->task.agent, act->task.due_at);
    act_end(act, ACT_DONE);
}

static void retry_got(struct store_op *op)
{
    struct act *act = container_of(op, struct act, get.op);
    if (!act_got(act))
        return;
    if (act->task.state != TASK_FAILED && act->task.state != TASK_CANCELLED) {
        act_end(act, ACT_WRONG_STATE);
        return;
    }
    struct task_row *t = &act->task;
    t->state = TASK_QUEUED;
    t->due_at = loop_wall(act->engine->loop);
    t->finished_at = 0;
    t->retries = t->interruptions = 0;
    t->result = t->error_type = t->error_message = t->usage = STR_NULL;
    t->result_json = false;
    t->tokens_used = -1;
    t->tools_called = 0;
    act_finish(act, 1u << TASK_FAILED | 1u << TASK_CANCELLED, retry_finished);
}

void engine_retry_task(struct engine *e, struct str task_id,
                       void (*done)(void *ctx, enum act_outcome o), void *ctx)
{
    act_get(act_new(e, task_id, done, ctx), retry_got);
}

void engine_outbox_kick(struct engine *e, int64_t redelivered)
{
    outbox_redelivered(e->outbox, redelivered);
}
