/* The one invocation path: what a trigger decided becomes receipt, dedup keys, due time and task in
   one transaction. Schedule, webhook, API and CLI all arrive here. */
#include "base/id.h"
#include "base/log.h"
#include "base/stats.h"
#include "engine/engine_inside.h"

struct intake_job {
    struct store_record record;
    struct engine *engine;
    struct intake *intake;
    struct generation *generation;
    struct task_row task;
    struct schedule_row schedule;
    struct event_batch failed; /* when the task is committed as failed at once */
    struct loop_task later;    /* answers without a commit */
    bool announced;            /* counted by the queue as on its way */
};

/* The caller may begin to watch in done; a task that was born failed has then ended already. */
static void intake_finish(struct intake_job *job)
{
    struct engine *e = job->engine;
    struct intake *i = job->intake;
    struct generation *g = job->generation;
    struct arena *a = job->record.op.arena;
    bool ended = i->outcome == INTAKE_ACCEPTED && job->task.state == TASK_FAILED;
    i->done(i); /* the caller may free `i` and its strings here */
    if (ended)
        watch_task_ended(e, &job->task);
    arena_free(a);
    generation_unref(g);
}

static void intake_accepted(struct intake_job *job)
{
    struct engine *e = job->engine;
    if (job->task.state == TASK_QUEUED && job->intake->agent.p) {
        queue_added(e->queue, job->task.agent, job->task.created_at);
    } else if (job->task.state == TASK_FAILED) {
        stats_inc(STATS_TASKS, job->task.agent.p, job->task.trigger_type.p, "failed");
        log_warn("task failed", "task_id", job->task.id.p, "agent", job->task.agent.p, "error",
                 job->task.error_message.p);
    } else if (job->task.state == TASK_RUNNING) {
        const struct config_agent *agent =
            config_find_agent(e->generation->config, job->task.agent);
        queue_slot_taken(e->queue, job->task.agent, agent && agent->type == CONFIG_COMMAND);
        worker_start(e, &job->task);
    }
    outbox_added(e->outbox, job->record.deliveries, job->record.n_deliveries);
    if (job->record.n_events)
        event_publish(e, &job->failed.row, 1, job->record.last_event_seq);
}

static void intake_recorded(struct store_op *op)
{
    struct intake_job *job = container_of(op, struct intake_job, record.op);
    struct intake *i = job->intake;
    i->task_id = job->task.id;
    if (job->announced)
        queue_withdraw(job->engine->queue, job->task.agent);
    i->receipt_id = i->receipt ? i->receipt->id : STR_NULL;
    if (op->rc != 0) {
        i->outcome = INTAKE_UNAVAILABLE;
        i->error = op->error;
        log_error("intake could not be committed", "agent", job->task.agent.p, "error",
                  op->error.text);
    } else {
        switch (job->record.outcome) {
        case RECORD_DONE:
            i->outcome = INTAKE_ACCEPTED;
            intake_accepted(job);
            break;
        case RECORD_DUPLICATE:
            i->outcome = INTAKE_DUPLICATE;
            i->task_id = job->record.original_task_id;
            i->receipt_id = job->record.original_receipt_id;
            break;
        case RECORD_ALREADY_FIRED:
            i->outcome = INTAKE_ALREADY_FIRED;
            break;
        }
    }
    intake_finish(job);
}

static void intake_refused(struct loop_task *t)
{
    intake_finish(container_of(t, struct intake_job, later));
}

/* done without touching the store. */
static void intake_refuse(struct intake_job *job, enum intake_outcome outcome, const char *why)
{
    job->intake->outcome = outcome;
    error_set(&job->intake->error, ERROR_BUSY, "%s", why);
    loop_later(job->engine->loop, &job->later, intake_refused);
}

static void intake_make_task(struct intake_job *job)
{
    const struct intake *i = job->intake;
    struct arena *a = job->record.op.arena;
    int64_t now = loop_wall(job->engine->loop);
    struct task_row *t = &job->task;
    t->agent = arena_str(a, i->agent);
    t->id = arena_printf(a, "%s-%s-%llu", i->trigger_type, t->agent.p,
                         (unsigned long long)id_ns(loop_clock(job->engine->loop)));
    t->trigger_type = str_of(i->trigger_type);
    t->trigger_name = arena_str(a, i->trigger_name);
    t->state = TASK_QUEUED;
    t->input = i->input;
    t->session_id = i->session_id;
    t->receipt_id = i->receipt ? i->receipt->id : STR_NULL;
    t->response_mode = str_of(i->response_mode ? i->response_mode : "async");
    t->callback_url = i->callback_url;
    t->meta = i->meta;
    t->trace_id = i->trace_id;
    t->scheduled_at = i->scheduled_at;
    t->created_at = t->due_at = now;
    t->tokens_used = -1;
    if (job->engine->single) { /* claimed in the act */
        t->state = TASK_RUNNING;
        t->attempt = 1;
        t->started_at = now;
        t->node = str_of(job->engine->node);
    }
    if (i->receipt)
        i->receipt->task_id = t->id;
    job->record.task = t;
}

/* A task whose input could not be made is kept, failed, and tells its subscribers. */
static void intake_fail_task(struct intake_job *job)
{
    const struct intake *i = job->intake;
    struct task_row *t = &job->task;
    t->state = TASK_FAILED;
    t->error_type = arena_str(job->record.op.arena, i->failed_type);
    t->error_message = arena_str(job->record.op.arena, i->failed_message);
    t->finished_at = t->created_at;
    const struct config_agent *agent = config_find_agent(job->generation->config, t->agent);
    struct engine_event event = {
        .type = "task.failed",
        .at = t->created_at,
        .generation = job->generation,
        .agent = agent,
        .trigger = engine_trigger_of(agent, t->trigger_name),
        .task = t,
    };
    event_make(job->engine, job->record.op.arena, &event, &job->failed);
    job->record.events = &job->failed.row;
    job->record.n_events = 1;
    job->record.deliveries = job->failed.deliveries;
    job->record.n_deliveries = job->failed.n_deliveries;
}

static void intake_make_fires(struct intake_job *job)
{
    const struct intake *i = job->intake;
    struct arena *a = job->record.op.arena;
    if (i->n_fires) {
        struct fire_row *fires = ARENA_ARRAY(a, struct fire_row, i->n_fires);
        for (size_t k = 0; k < i->n_fires; k++) {
            fires[k] = i->fires[k];
            if (i->agent.p && str_eq(fires[k].outcome, STR("ran")))
                fires[k].task_id = job->task.id;
        }
        job->record.fires = fires;
        job->record.n_fires = i->n_fires;
    }
    if (i->schedule) {
        job->schedule = *i->schedule;
        if (i->agent.p)
            job->schedule.last_task_id = job->task.id;
        job->record.schedule = &job->schedule;
    }
}

static bool intake_queue_full(const struct intake_job *job)
{
    const struct intake *i = job->intake;
    if (!i->agent.p || i->ignore_queue_limit)
        return false;
    const struct config_agent *agent = config_find_agent(job->generation->config, i->agent);
    return agent && queue_depth(job->engine->queue, i->agent) >= agent->max_queued;
}

void engine_submit(struct engine *e, struct intake *i)
{
    struct arena *a = arena_new(0);
    struct intake_job *job = ARENA_NEW(a, struct intake_job);
    job->engine = e;
    job->intake = i;
    job->generation = generation_ref(i->generation ? i->generation : e->generation);
    job->record.op.arena = a;
    job->record.op.done = intake_recorded;
    i->task_id = i->receipt_id = STR_NULL;
    i->error = ERROR_INIT;
    if (e->phase >= ENGINE_DRAINING) {
        intake_refuse(job, INTAKE_UNAVAILABLE, "shutting down");
        return;
    }
    if (intake_queue_full(job)) {
        intake_refuse(job, INTAKE_QUEUE_FULL, "the agent's queue is full");
        return;
    }
    job->record.receipt = i->receipt;
    job->record.dedups = i->dedups;
    job->record.n_dedups = i->n_dedups;
    job->record.deliveries = i->deliveries;
    job->record.n_deliveries = i->n_deliveries;
    if (i->agent.p) {
        intake_make_task(job);
        if (i->failed_type.p)
            intake_fail_task(job);
        job->announced = job->task.state == TASK_QUEUED;
        if (job->announced)
            queue_announce(e->queue, job->task.agent);
    }
    intake_make_fires(job);
    store_record(e->store, &job->record);
}
