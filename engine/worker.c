/* One running task: started → (history) → runner → finish, under a deadline. The finish is tried until
   the store takes it: a full disk delays a result, it does not lose one.

   Phases, in order; a worker is on engine.workers from start to the end of FINISHING:
     OPENING    task.started and its deliveries are being committed, the session's history is read
     RUNNING    the runner has it
     FINISHING  the outcome is being committed */
#include "base/id.h"
#include "base/log.h"
#include "base/stats.h"
#include "engine/backoff.h"
#include "engine/engine_inside.h"

#define WORKER_HARD_US         (2 * US_PER_S) /* beyond grace a runner that does not end is given up */
#define WORKER_FINISH_RETRY_US (1 * US_PER_S)
#define WORKER_MAX_EVENTS      10000 /* stored events of one task */

enum worker_phase { WORKER_OPENING, WORKER_RUNNING, WORKER_FINISHING };

struct worker {
    struct list_link link;
    struct engine *engine;
    struct arena *arena;
    enum worker_phase phase;
    struct task_row task;
    struct generation *generation;
    const struct config_agent *agent;
    const struct config_trigger *trigger;
    bool command; /* counted as a command agent's slot */
    const struct runner_kind *kind;
    struct run *run;
    struct run_request request;
    bool stopping;
    enum run_stop why;
    int64_t started_mono;
    struct loop_timer deadline; /* then grace, then given up */
    size_t events_kept;
    unsigned waits; /* ops under way that must end before the runner starts */

    struct event_batch started;
    struct store_record open_record;
    struct store_session history;
    struct event_batch ended;
    struct store_finish finish;
    struct loop_timer finish_retry;
};

const struct config_trigger *engine_trigger_of(const struct config_agent *agent, struct str name)
{
    for (size_t i = 0; agent && i < agent->n_triggers; i++) {
        if (str_eq(agent->triggers[i].name.s, name))
            return &agent->triggers[i];
    }
    return NULL;
}

struct worker *worker_find(struct engine *e, struct str task_id)
{
    list_each (&e->workers, link) {
        struct worker *w = container_of(link, struct worker, link);
        if (str_eq(w->task.id, task_id))
            return w;
    }
    return NULL;
}

/* ---- the end ---- */

static void worker_free(struct worker *w)
{
    generation_unref(w->generation);
    arena_free(w->arena);
}

/* The task has ended. A runner that was given up keeps the worker's memory until it is done. */
static void worker_release(struct worker *w)
{
    struct engine *e = w->engine;
    loop_timer_stop(&w->deadline);
    loop_timer_stop(&w->finish_retry);
    list_remove(&e->workers, &w->link);
    queue_slot_freed(e->queue, w->task.agent, w->command);
    if (!w->run)
        worker_free(w);
    engine_drain_progress(e);
}

static void worker_count(const struct worker *w)
{
    const struct task_row *t = &w->task;
    stats_inc(STATS_TASKS, t->agent.p, t->trigger_type.p, task_state_word(t->state));
    stats_add(STATS_TASK_SECONDS, (double)(loop_mono(w->engine->loop) - w->started_mono) / US_PER_S,
              t->agent.p, NULL, NULL);
    if (t->state == TASK_FAILED)
        log_warn("task failed", "task_id", t->id.p, "agent", t->agent.p, "error",
                 t->error_message.p);
    else
        log_info("task ended", "task_id", t->id.p, "agent", t->agent.p, "status",
                 task_state_word(t->state));
}

static void worker_finish_again(struct loop_timer *t)
{
    struct worker *w = container_of(t, struct worker, finish_retry);
    store_finish(w->engine->store, &w->finish);
}

static void worker_finished(struct store_op *op)
{
    struct worker *w = container_of(op, struct worker, finish.op);
    struct engine *e = w->engine;
    if (op->rc != 0 && op->error.code != ERROR_NOT_FOUND) {
        log_error("a task's end could not be stored, trying again", "task_id", w->task.id.p,
                  "error", op->error.text);
        loop_timer_set(e->loop, &w->finish_retry, WORKER_FINISH_RETRY_US, worker_finish_again);
        return;
    }
    if (op->rc != 0 || !w->finish.applied) {
        log_warn("a late result was dropped: the task is no longer ours", "task_id", w->task.id.p);
    } else if (w->task.state == TASK_QUEUED) {
        queue_added(e->queue, w->task.agent, w->task.created_at);
        log_info("task queued again", "task_id", w->task.id.p, "agent", w->task.agent.p);
    } else {
        worker_count(w);
        if (w->finish.n_events)
            event_publish(e, &w->ended.row, 1, w->finish.last_event_seq);
        outbox_added(e->outbox, w->finish.deliveries, w->finish.n_deliveries);
        watch_task_ended(e, &w->task);
    }
    worker_release(w);
}

/* Commits what w->task now says; an event of that type when not NULL. */
static void worker_finish(struct worker *w, const char *event_type)
{
    w->phase = WORKER_FINISHING;
    loop_timer_stop(&w->deadline);
    struct store_finish *f = &w->finish;
    f->op.arena = w->arena;
    f->op.done = worker_finished;
    f->task = &w->task;
    f->expect = 1u << TASK_RUNNING | 1u << TASK_INPUT_REQUIRED;
    if (event_type) {
        struct engine_event event = {
            .type = event_type,
            .at = w->task.finished_at,
            .generation = w->generation,
            .agent = w->agent,
            .trigger = w->trigger,
            .task = &w->task,
        };
        event_make(w->engine, w->arena, &event, &w->ended);
        f->events = &w->ended.row;
        f->n_events = 1;
        f->deliveries = w->ended.deliveries;
        f->n_deliveries = w->ended.n_deliveries;
    }
    store_finish(w->engine->store, f);
}

static struct str worker_usage(struct worker *w, const struct run_outcome *o)
{
    struct arena *a = w->arena;
    struct json *u = json_object(a);
    if (o->tokens_in >= 0)
        json_put(a, u, STR("in"), json_i64(a, o->tokens_in));
    if (o->tokens_out >= 0)
        json_put(a, u, STR("out"), json_i64(a, o->tokens_out));
    if (o->tokens_in >= 0 && o->tokens_out >= 0)
        json_put(a, u, STR("total"), json_i64(a, o->tokens_in + o->tokens_out));
    if (o->cost_usd >= 0)
        json_put(a, u, STR("cost_usd"), json_double(a, o->cost_usd));
    if (o->turns > 0)
        json_put(a, u, STR("turns"), json_i64(a, o->turns));
    if (o->truncated) {
        json_put(a, u, STR("truncated"), json_bool(a, true));
        json_put(a, u, STR("output_bytes"), json_i64(a, o->output_bytes));
    }
    if (o->error.http_status)
        json_put(a, u, STR("http_status"), json_i64(a, o->error.http_status));
    if (!u->child)
        return STR_NULL;
    auto_buf out = BUF_INIT(4 * KIB);
    json_write(&out, u, JSON_COMPACT);
    return arena_str(a, buf_view(&out));
}

static void worker_take_result(struct worker *w, const struct run_outcome *o)
{
    struct task_row *t = &w->task;
    size_t max = w->generation->config->store.max_result_bytes;
    struct run_outcome cut = *o;
    if (max && o->result.n > max) {
        cut.result.n = str_utf8_cut(o->result, max);
        cut.result_json = false; /* half a JSON value is text */
        if (!cut.truncated)
            cut.output_bytes = (int64_t)o->result.n;
        cut.truncated = true;
    }
    if (o->result.p)
        t->result = arena_str(w->arena, cut.result);
    t->result_json = cut.result_json;
    t->usage = worker_usage(w, &cut);
    t->tokens_used = o->tokens_in >= 0 && o->tokens_out >= 0 ? o->tokens_in + o->tokens_out : -1;
    t->tools_called = o->tools_called;
}

/* The session's new turns; the runner's own copies end with done. */
static void worker_take_messages(struct worker *w, const struct run_outcome *o)
{
    if (o->n_messages == 0)
        return;
    struct message_row *rows = ARENA_ARRAY(w->arena, struct message_row, o->n_messages);
    for (size_t i = 0; i < o->n_messages; i++) {
        rows[i] = o->messages[i];
        rows[i].session_id = arena_str(w->arena, o->messages[i].session_id);
        rows[i].role = arena_str(w->arena, o->messages[i].role);
        rows[i].content = arena_str(w->arena, o->messages[i].content);
        rows[i].task_id = w->task.id;
    }
    w->finish.messages = rows;
    w->finish.n_messages = o->n_messages;
}

static void worker_run_again(struct loop_timer *t);

/* Failed retryably with tries left: back to the queue at its time. */
static bool worker_retry(struct worker *w, const struct run_outcome *o)
{
    const struct config_retry *retry = &w->agent->retry;
    if (!o->error.retryable || w->stopping || w->task.retries + 1 >= retry->max_attempts)
        return false;
    struct backoff_policy policy = { (enum config_backoff)retry->backoff, retry->initial_delay,
                                     retry->max_delay, (int)(retry->jitter * 1000) };
    w->task.retries++;
    int64_t delay = backoff_delay_us(&policy, w->task.retries, -1, id_random_u32());
    if (w->engine->single) { /* nobody would claim it: the worker keeps it and tries again itself */
        w->phase = WORKER_OPENING;
        loop_timer_set(w->engine->loop, &w->deadline, delay, worker_run_again);
        return true;
    }
    w->task.state = TASK_QUEUED;
    w->task.due_at = loop_wall(w->engine->loop) + delay;
    worker_finish(w, NULL);
    return true;
}

static void worker_fail(struct worker *w, const char *kind, struct str message)
{
    w->task.state = TASK_FAILED;
    w->task.error_type = arena_str(w->arena, str_of(kind));
    w->task.error_message = arena_str(w->arena, message);
    worker_finish(w, "task.failed");
}

static void worker_end(struct worker *w, const struct run_outcome *o)
{
    w->task.finished_at = loop_wall(w->engine->loop);
    if (w->stopping && w->why == RUN_STOP_SHUTDOWN && !o->ok) {
        w->task.state = TASK_QUEUED;
        w->task.finished_at = 0;
        w->task.due_at = loop_wall(w->engine->loop);
        worker_finish(w, NULL);
        return;
    }
    worker_take_result(w, o);
    worker_take_messages(w, o);
    if (w->stopping && w->why == RUN_STOP_CANCEL) {
        w->task.state = TASK_CANCELLED;
        worker_finish(w, "task.cancelled");
    } else if (w->stopping && w->why == RUN_STOP_TIMEOUT) {
        worker_fail(w, "timeout",
                    arena_printf(w->arena, "the agent did not finish within its timeout of %llds",
                                 (long long)(w->agent->limits.timeout / US_PER_S)));
    } else if (o->ok) {
        w->task.state = TASK_COMPLETED;
        worker_finish(w, "task.completed");
    } else if (!worker_retry(w, o)) {
        worker_fail(w, o->error.kind ? o->error.kind : "error", o->error.message);
    }
}

static void worker_done(void *ctx, const struct run_outcome *o)
{
    struct worker *w = ctx;
    w->run = NULL;
    if (w->phase != WORKER_FINISHING)
        worker_end(w, o);
    else if (!list_linked(&w->link))
        worker_free(w); /* given up before, and its end has been stored */
}

/* ---- stopping ---- */

static void worker_given_up(struct loop_timer *t)
{
    struct worker *w = container_of(t, struct worker, deadline);
    log_error("a runner did not end when asked to", "task_id", w->task.id.p, "agent",
              w->task.agent.p);
    struct run_outcome none = { .tokens_in = -1,
                                .tokens_out = -1,
                                .cost_usd = -1,
                                .error = { .kind = "timeout",
                                           .message = STR("the runner did not end") } };
    worker_end(w, &none);
}

bool worker_stop(struct worker *w, enum run_stop why)
{
    if (w->phase == WORKER_FINISHING)
        return false;
    if (w->stopping && !(w->why == RUN_STOP_SHUTDOWN && why == RUN_STOP_CANCEL))
        return true; /* the first reason is the one that is told */
    bool again = w->stopping;
    w->stopping = true;
    w->why = why;
    if (w->phase == WORKER_OPENING || again)
        return true; /* seen when the runner would start, or when it ends */
    loop_timer_set(w->engine->loop, &w->deadline, w->agent->limits.grace + WORKER_HARD_US,
                   worker_given_up);
    w->kind->stop(w->run, why);
    return true;
}

void worker_stop_all(struct engine *e)
{
    list_each (&e->workers, link) {
        struct worker *w = container_of(link, struct worker, link);
        if (worker_stop(w, RUN_STOP_SHUTDOWN) || !loop_timer_active(&w->finish_retry))
            continue;
        log_error("a task's end could not be stored before the end: it will run again", "task_id",
                  w->task.id.p);
        worker_release(w);
    }
}

void worker_forget_all(struct engine *e)
{
    list_each (&e->workers, link) {
        struct worker *w = container_of(link, struct worker, link);
        loop_timer_stop(&w->deadline);
        loop_timer_stop(&w->finish_retry);
        list_remove(&e->workers, link);
        w->phase = WORKER_FINISHING;
        if (!w->run)
            worker_free(w);
    }
}

static void worker_timed_out(struct loop_timer *t)
{
    worker_stop(container_of(t, struct worker, deadline), RUN_STOP_TIMEOUT);
}

/* ---- events while running ---- */

struct progress_record {
    struct store_record record;
    struct engine *engine;
    struct event_batch batch;
};

static void worker_progress_kept(struct store_op *op)
{
    struct progress_record *p = container_of(op, struct progress_record, record.op);
    if (op->rc == 0) {
        event_publish(p->engine, &p->batch.row, 1, p->record.last_event_seq);
        outbox_added(p->engine->outbox, p->batch.deliveries, p->batch.n_deliveries);
    }
    arena_free(op->arena);
}

static void worker_progress(void *ctx, const char *type, const struct json *data)
{
    struct worker *w = ctx;
    if (w->phase != WORKER_RUNNING)
        return; /* of a runner that was given up */
    if (!strcmp(type, "text.delta"))
        return; /* what a model says meanwhile is in the result; it is not kept twice */
    if (w->events_kept >= WORKER_MAX_EVENTS) {
        stats_inc(STATS_LIMIT_HITS, "task_events", NULL, NULL);
        return;
    }
    w->events_kept++;
    struct arena *a = arena_new(0);
    struct progress_record *p = ARENA_NEW(a, struct progress_record);
    struct engine_event event = {
        .type = type,
        .at = loop_wall(w->engine->loop),
        .generation = w->generation,
        .agent = w->agent,
        .trigger = w->trigger,
        .task = &w->task,
        .data = data,
    };
    event_make(w->engine, a, &event, &p->batch);
    p->engine = w->engine;
    p->record.op.arena = a;
    p->record.op.done = worker_progress_kept;
    p->record.events = &p->batch.row;
    p->record.n_events = 1;
    p->record.deliveries = p->batch.deliveries;
    p->record.n_deliveries = p->batch.n_deliveries;
    store_record(w->engine->store, &p->record);
}

/* ---- the start ---- */

static void worker_run(struct worker *w)
{
    static const char *const stopped[] = { [RUN_STOP_TIMEOUT] = "timeout",
                                           [RUN_STOP_CANCEL] = "cancelled",
                                           [RUN_STOP_SHUTDOWN] = "shutdown" };
    struct run_outcome none = { .tokens_in = -1, .tokens_out = -1, .cost_usd = -1 };
    w->phase = WORKER_RUNNING;
    if (w->stopping) {
        none.error.kind = stopped[w->why];
        worker_end(w, &none);
        return;
    }
    struct run_events events = { .progress = worker_progress, .done = worker_done, .ctx = w };
    struct error error = ERROR_INIT;
    w->request = (struct run_request){
        .task = &w->task,
        .generation = w->generation,
        .agent = w->agent,
        .trigger = w->trigger,
        .history = w->history.messages,
        .n_history = w->history.n_messages,
        .deadline_us = loop_mono(w->engine->loop) + w->agent->limits.timeout,
    };
    w->run = w->kind->start(w->engine->runner_env, &w->request, &events, &error);
    if (!w->run) {
        none.error.kind = "spawn";
        none.error.message = str_of(error.text);
        worker_end(w, &none);
        return;
    }
    loop_timer_set(w->engine->loop, &w->deadline, w->agent->limits.timeout, worker_timed_out);
}

static void worker_run_again(struct loop_timer *t)
{
    struct worker *w = container_of(t, struct worker, deadline);
    w->task.finished_at = 0;
    worker_run(w);
}

static void worker_opened(struct worker *w)
{
    if (--w->waits == 0)
        worker_run(w);
}

static void worker_started_kept(struct store_op *op)
{
    struct worker *w = container_of(op, struct worker, open_record.op);
    if (op->rc == 0) {
        event_publish(w->engine, &w->started.row, 1, w->open_record.last_event_seq);
        outbox_added(w->engine->outbox, w->started.deliveries, w->started.n_deliveries);
    } else {
        log_error("task.started could not be stored", "task_id", w->task.id.p, "error",
                  op->error.text);
    }
    worker_opened(w);
}

static void worker_history_read(struct store_op *op)
{
    struct worker *w = container_of(op, struct worker, history.op);
    if (op->rc != 0) {
        log_error("session history could not be read", "task_id", w->task.id.p, "error",
                  op->error.text);
        w->history.n_messages = 0;
    }
    worker_opened(w);
}

/* task.started is on disk before the runner does anything that others can see. */
static void worker_open(struct worker *w)
{
    struct engine *e = w->engine;
    struct engine_event event = {
        .type = "task.started",
        .at = w->task.started_at,
        .generation = w->generation,
        .agent = w->agent,
        .trigger = w->trigger,
        .task = &w->task,
    };
    event_make(e, w->arena, &event, &w->started);
    w->open_record.op.arena = w->arena;
    w->open_record.op.done = worker_started_kept;
    w->open_record.events = &w->started.row;
    w->open_record.n_events = 1;
    w->open_record.deliveries = w->started.deliveries;
    w->open_record.n_deliveries = w->started.n_deliveries;
    w->waits = 1;
    bool history = w->agent->type == CONFIG_LLM && w->task.session_id.n;
    w->waits += history;
    store_record(e->store, &w->open_record);
    if (history) {
        unsigned max = w->trigger && w->trigger->type == CONFIG_WEBHOOK
                           ? w->trigger->webhook.session.max_messages
                           : 0;
        w->history.op.arena = arena_new(0);
        arena_on_free(w->arena, (void (*)(void *))arena_free, w->history.op.arena);
        w->history.op.done = worker_history_read;
        w->history.session_id = w->task.session_id;
        w->history.limit = max ? max : 100;
        store_session(e->store, &w->history);
    }
}

static struct task_row worker_copy_task(struct arena *a, const struct task_row *from)
{
    struct task_row t = *from;
    struct str *const strings[] = { &t.id,           &t.agent,         &t.trigger_type,
                                    &t.trigger_name, &t.input,         &t.session_id,
                                    &t.receipt_id,   &t.response_mode, &t.callback_url,
                                    &t.meta,         &t.trace_id,      &t.node };
    for (size_t i = 0; i < N_ELEMENTS(strings); i++) {
        if (strings[i]->p)
            *strings[i] = arena_str(a, *strings[i]);
    }
    t.result = t.error_type = t.error_message = t.usage = STR_NULL;
    t.tokens_used = -1;
    t.tools_called = 0;
    return t;
}

void worker_start(struct engine *e, const struct task_row *task)
{
    struct arena *a = arena_new(task->input.n + 4 * KIB);
    struct worker *w = ARENA_NEW(a, struct worker);
    w->engine = e;
    w->arena = a;
    w->task = worker_copy_task(a, task);
    w->generation = generation_ref(e->generation);
    w->agent = config_find_agent(w->generation->config, w->task.agent);
    w->started_mono = loop_mono(e->loop);
    list_append(&e->workers, &w->link);
    if (!w->agent) {
        w->task.finished_at = loop_wall(e->loop);
        worker_fail(w, "config", STR("the agent is no longer in the configuration"));
        return;
    }
    w->command = w->agent->type == CONFIG_COMMAND;
    w->trigger = engine_trigger_of(w->agent, w->task.trigger_name);
    for (const struct runner_kind *const *kind = e->runners; *kind; kind++) {
        if ((*kind)->type == w->agent->type)
            w->kind = *kind;
    }
    assert(w->kind);
    worker_open(w);
}
