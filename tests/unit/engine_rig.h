/* For tests of engine: a real engine on a real store in a directory of its own, with an agent kind and a
   sender that do as they are told. What a fake run does is the task's input:
     ok            succeeds with "did ok"
     fail          fails for good
     retry:N       fails retryably until attempt N, which succeeds
     hold          runs until rig_let_go(), or until it is asked to stop
     deaf          the same, but does not hear stop
   What a fake attempt does is the delivery's URL, one word an attempt, the last one again and again:
   ok again no gone hang. */
#ifndef KERYX_TESTS_ENGINE_RIG_H
#define KERYX_TESTS_ENGINE_RIG_H

#include "engine/engine.h"
#include "tests/t.h"

#include <dirent.h>
#include <stdio.h>

#define RIG_MAX 256

struct rig;

struct run {
    struct rig *rig;
    char *task_id, *agent, *input;
    unsigned attempt;
    struct run_events events;
    struct loop_task later;
    bool over, stopped, heard; /* heard: the engine was told its end */
    enum run_stop why;
    size_t events_before; /* events the rig had seen when it started */
};

struct send {
    struct rig *rig;
    struct send_request request;
    char *id, *receiver, *body, *event;
    unsigned n;
    struct attempt_result result;
    struct loop_task later;
    bool open;
};

/* A subscription: events that match cause a delivery. */
struct rig_notify {
    const char *event, *receiver, *url;
};

struct rig {
    char dir[64], url[128];
    struct clock clock; /* when manual: the loop's */
    struct loop *loop;
    struct store *store;
    struct engine *engine;
    struct generation *generation;
    struct rig_notify notify[4];
    unsigned max_concurrent; /* of every receiver */
    struct run *runs[RIG_MAX];
    size_t n_runs;
    struct send *sends[RIG_MAX];
    size_t n_sends;
    char *events[RIG_MAX]; /* "task.started webhook-a-1" */
    size_t n_events;
    struct event_watch watch;
    bool started, drained;
    int start_rc;
    enum error_code start_code;
};

/* ---- the agent kind ---- */

static inline void rig_run_end(struct loop_task *t)
{
    struct run *r = container_of(t, struct run, later);
    struct run_outcome o = {
        .tokens_in = -1, .tokens_out = -1, .cost_usd = -1, .error = { .exit_code = -1 }
    };
    struct str input = str_of(r->input);
    uint64_t good = 0;
    char text[64];
    snprintf(text, sizeof(text), "did %s", r->input);
    bool retries =
        str_starts(input, STR("retry:")) && str_u64(str_sub(input, 6, input.n), &good) == 0;
    if (r->stopped || str_eq(input, STR("fail"))) {
        o.error.kind = "exit";
        o.error.message = STR("told to");
    } else if (retries && r->attempt < good) {
        o.error.kind = "network";
        o.error.message = STR("told to try again");
        o.error.retryable = true;
    } else {
        o.ok = true;
        o.result = str_of(text);
    }
    r->heard = true;
    r->events.done(r->events.ctx, &o);
}

static inline bool rig_waits(const struct run *r)
{
    return !strcmp(r->input, "hold") || !strcmp(r->input, "deaf");
}

static inline struct run *rig_run_start(void *env, const struct run_request *q,
                                        const struct run_events *events, struct error *e)
{
    struct rig *rig = env;
    if (str_eq(q->task->input, STR("unstartable"))) {
        error_set(e, ERROR_NOT_FOUND, "no such program");
        return NULL;
    }
    if (rig->n_runs == RIG_MAX)
        abort();
    struct run *r = xalloc(sizeof(*r));
    r->rig = rig;
    r->task_id = xstrndup(q->task->id.p, q->task->id.n);
    r->agent = xstrndup(q->task->agent.p, q->task->agent.n);
    r->input = xstrndup(q->task->input.p, q->task->input.n);
    r->attempt = q->task->attempt;
    r->events = *events;
    r->events_before = rig->n_events;
    rig->runs[rig->n_runs++] = r;
    if (!rig_waits(r))
        loop_later(rig->loop, &r->later, rig_run_end);
    return r;
}

static inline void rig_run_stop(struct run *r, enum run_stop why)
{
    if (!strcmp(r->input, "deaf") || r->stopped)
        return;
    r->stopped = true;
    r->why = why;
    loop_later(r->rig->loop, &r->later, rig_run_end);
}

static const struct runner_kind rig_echo = { CONFIG_ECHO, "echo", rig_run_start, rig_run_stop };
static const struct runner_kind rig_command = { CONFIG_COMMAND, "command", rig_run_start,
                                                rig_run_stop };
static const struct runner_kind *const rig_runners[] = { &rig_echo, &rig_command, NULL };

static inline void rig_let_go(struct run *r)
{
    loop_later(r->rig->loop, &r->later, rig_run_end);
}

/* ---- the sender ---- */

/* The n-th word of the URL, or its last. */
static inline struct str rig_word(struct str url, unsigned n)
{
    struct str word = STR("ok"), next;
    for (unsigned i = 0; i < n && str_split(&url, ' ', &next); i++)
        word = next;
    return word;
}

static inline void rig_send_end(struct loop_task *t)
{
    struct send *s = container_of(t, struct send, later);
    s->open = false;
    s->request.done(s->request.ctx, &s->result);
}

static inline struct send *rig_send_start(void *env, const struct send_request *q, struct error *e)
{
    struct rig *rig = env;
    (void)e;
    if (rig->n_sends == RIG_MAX)
        abort();
    struct send *s = xalloc(sizeof(*s));
    const struct delivery_row *d = q->delivery;
    s->rig = rig;
    s->request = *q;
    s->id = xstrndup(d->id.p, d->id.n);
    s->receiver = xstrndup(d->receiver.p, d->receiver.n);
    s->body = xstrndup(d->body.p, d->body.n);
    s->event = xstrndup(d->event.p, d->event.n);
    s->n = q->n;
    s->open = true;
    rig->sends[rig->n_sends++] = s;
    struct str word = rig_word(d->url, q->n);
    s->result.retry_after_us = -1;
    s->result.status_code = 200;
    if (str_eq(word, STR("again"))) {
        s->result.verdict = VERDICT_TRY_AGAIN;
        s->result.status_code = 503;
    } else if (str_eq(word, STR("no"))) {
        s->result.verdict = VERDICT_REFUSED;
        s->result.status_code = 400;
    } else if (str_eq(word, STR("gone"))) {
        s->result.verdict = VERDICT_GONE;
        s->result.status_code = 410;
    }
    if (s->result.verdict != VERDICT_DELIVERED)
        s->result.error = STR("told to");
    if (!str_eq(word, STR("hang")))
        loop_later(rig->loop, &s->later, rig_send_end);
    return s;
}

static inline void rig_send_cancel(struct send *s)
{
    loop_later_cancel(s->rig->loop, &s->later);
    s->open = false;
}

static const struct sender_kind rig_sender = { "fake", rig_send_start, rig_send_cancel };
static const struct sender_kind *const rig_senders[] = { &rig_sender, NULL };

/* ---- the notifier ---- */

static inline size_t rig_deliveries(void *ctx, const struct engine_event *event, struct arena *a,
                                    struct delivery_row **rows)
{
    static unsigned count;
    struct rig *rig = ctx;
    size_t n = 0;
    *rows = ARENA_ARRAY(a, struct delivery_row, N_ELEMENTS(rig->notify));
    for (size_t i = 0; i < N_ELEMENTS(rig->notify); i++) {
        const struct rig_notify *notify = &rig->notify[i];
        if (!notify->event || !str_glob(str_of(notify->event), str_of(event->type)))
            continue;
        (*rows)[n++] = (struct delivery_row){
            .id = arena_printf(a, "delivery-%u-%u", (unsigned)getpid(), ++count),
            .receiver = str_of(notify->receiver),
            .target = STR("fake"),
            .event = str_of(event->type),
            .task_id = event->task ? arena_str(a, event->task->id) : STR_NULL,
            .url = str_of(notify->url),
            .body = arena_printf(a, "%s of %s", event->type,
                                 event->task ? event->task->id.p : "nothing"),
            .max_attempts = 3,
            .initial_delay = US_PER_MS,
            .max_delay = 5 * US_PER_MS,
            .timeout = US_PER_S,
            .created_at = event->at,
            .next_at = event->at,
        };
    }
    return n;
}

static inline bool rig_receiver(void *ctx, const struct generation *g, struct str receiver,
                                unsigned *max_concurrent, bool *ordered)
{
    (void)g;
    (void)receiver;
    *ordered = false;
    *max_concurrent = ((struct rig *)ctx)->max_concurrent;
    return true;
}

/* ---- life ---- */

static void *rig_no_part(const struct config *c, struct config_problems *problems)
{
    (void)c;
    (void)problems;
    return NULL;
}

static void rig_release_nothing(void *part)
{
    (void)part;
}

static const struct part_maker rig_nothing = { rig_no_part, rig_release_nothing };
/* A test of triggers names its part. */
#ifndef RIG_TRIGGERS
#define RIG_TRIGGERS rig_nothing
#endif
static const struct part_maker *const rig_makers[GENERATION_PARTS] = {
    [PART_AGENTS] = &rig_nothing, [PART_NOTIFIERS] = &rig_nothing, [PART_TRIGGERS] = &RIG_TRIGGERS
};

static inline struct generation *rig_load(const char *yaml)
{
    struct config_problems problems;
    config_problems_init(&problems);
    struct config *c = config_load_text(str_of(yaml), "agents.yaml", "/", &problems);
    struct generation *g = c ? generation_new(c, rig_makers, &problems) : NULL;
    if (!g) {
        auto_buf text = BUF_INIT(64 * KIB);
        config_problems_print(&problems, "agents.yaml", &text);
        printf("%.*s\n", (int)text.n, text.p ? text.p : "");
        abort();
    }
    config_problems_release(&problems);
    return g;
}

static inline void rig_on_event(struct event_watch *w, const struct event_row *row)
{
    struct rig *rig = container_of(w, struct rig, watch);
    char text[256];
    snprintf(text, sizeof(text), "%s %s", row->type.p, row->task_id.p ? row->task_id.p : "");
    if (rig->n_events == RIG_MAX)
        abort();
    rig->events[rig->n_events++] = xstrndup(text, strlen(text));
}

static inline void rig_on_started(void *ctx, int rc, const struct error *why)
{
    struct rig *rig = ctx;
    rig->started = true;
    rig->start_rc = rc;
    rig->start_code = rc ? why->code : ERROR_NONE;
}

struct rig_wait {
    struct loop_timer poll;
    struct rig *rig;
    bool (*fact)(struct rig *rig, void *ctx);
    void *ctx;
    int64_t until;
    bool came;
};

static inline void rig_poll(struct loop_timer *t)
{
    struct rig_wait *w = container_of(t, struct rig_wait, poll);
    w->came = w->fact(w->rig, w->ctx);
    if (w->came || clock_mono(&clock_real) > w->until)
        loop_stop(w->rig->loop);
    else
        loop_timer_set(w->rig->loop, &w->poll, US_PER_MS, rig_poll);
}

/* Runs the loop until the fact is true, at most `us`. */
static inline bool rig_until_in(struct rig *rig, bool (*fact)(struct rig *, void *), void *ctx,
                                int64_t us)
{
    struct rig_wait w = {
        .rig = rig, .fact = fact, .ctx = ctx, .until = clock_mono(&clock_real) + us
    };
    loop_timer_set(rig->loop, &w.poll, 0, rig_poll);
    loop_run(rig->loop);
    loop_timer_stop(&w.poll);
    return w.came;
}

static inline void rig_until(struct rig *rig, bool (*fact)(struct rig *, void *), void *ctx,
                             const char *what)
{
    if (!rig_until_in(rig, fact, ctx, 20 * US_PER_S))
        T_FAIL("did not come true in 20 s: %s", what);
}

static inline bool rig_never(struct rig *rig, void *ctx)
{
    (void)rig;
    (void)ctx;
    return false;
}

/* Lets what is under way go on for a while. */
static inline void rig_pass(struct rig *rig, int64_t us)
{
    (void)rig_until_in(rig, rig_never, NULL, us);
}

static inline bool rig_is_started(struct rig *rig, void *ctx)
{
    (void)ctx;
    return rig->started;
}

static inline bool rig_is_drained(struct rig *rig, void *ctx)
{
    (void)ctx;
    return rig->drained;
}

static inline void rig_on_drained(void *ctx)
{
    ((struct rig *)ctx)->drained = true;
}

/* Opens engine and store on rig->dir; does not start it. */
static inline void rig_open(struct rig *rig, const char *yaml)
{
    struct error e = ERROR_INIT;
    rig->loop = loop_new(rig->clock.manual ? &rig->clock : &clock_real);
    rig->generation = rig_load(yaml);
    struct store_options so = { .loop = rig->loop, .node = "local" };
    rig->store = store_open(rig->url, &so, &e);
    if (!rig->store) {
        printf("%s\n", e.text);
        abort();
    }
    struct engine_options o = {
        .loop = rig->loop,
        .store = rig->store,
        .node = "local",
        .generation = rig->generation,
        .runners = rig_runners,
        .runner_env = rig,
        .senders = rig_senders,
        .sender_env = rig,
        .notifier = { rig_deliveries, rig_receiver, NULL, rig },
    };
    rig->engine = engine_new(&o);
    rig->watch.event = rig_on_event;
    engine_watch_events(rig->engine, &rig->watch);
    rig->started = rig->drained = false;
}

static inline void rig_start(struct rig *rig, const char *yaml)
{
    rig_open(rig, yaml);
    engine_start(rig->engine, rig_on_started, rig);
    rig_until(rig, rig_is_started, NULL, "the engine starts");
    CHECK_INT(rig->start_rc, 0);
}

/* A rig in a fresh directory, not open. */
static inline struct rig *rig_new(void)
{
    struct rig *rig = xalloc(sizeof(*rig));
    rig->max_concurrent = 4;
    snprintf(rig->dir, sizeof(rig->dir), "%s", "/tmp/keryx-engine-XXXXXX");
    if (!mkdtemp(rig->dir))
        abort();
    snprintf(rig->url, sizeof(rig->url), "sqlite:%s/k.db", rig->dir);
    return rig;
}

static inline struct rig *rig_of(const char *yaml)
{
    struct rig *rig = rig_new();
    rig_start(rig, yaml);
    return rig;
}

/* Ends as a kill would: nothing is drained, nothing is told. What was fake stays remembered. */
static inline void rig_kill(struct rig *rig)
{
    rig_pass(rig, 5 * US_PER_MS); /* what the store is asked is answered */
    store_close(rig->store);
    for (size_t i = 0; i < rig->n_runs; i++)
        loop_later_cancel(rig->loop, &rig->runs[i]->later);
    for (size_t i = 0; i < rig->n_sends; i++)
        loop_later_cancel(rig->loop, &rig->sends[i]->later);
    engine_watch_events_cancel(rig->engine, &rig->watch);
    engine_free(rig->engine);
    for (size_t i = 0; i < rig->n_runs; i++) {
        if (!rig->runs[i]->heard)
            rig_run_end(&rig->runs[i]->later); /* gives memory back, and is heard by nobody */
    }
    loop_free(rig->loop);
    generation_unref(rig->generation);
}

static inline void rig_drain(struct rig *rig, int64_t patience_us)
{
    engine_drain(rig->engine, loop_mono(rig->loop) + patience_us, rig_on_drained, rig);
    rig_until(rig, rig_is_drained, NULL, "the engine drains");
}

static inline void rig_forget(struct rig *rig)
{
    for (size_t i = 0; i < rig->n_runs; i++) {
        free(rig->runs[i]->task_id);
        free(rig->runs[i]->agent);
        free(rig->runs[i]->input);
        free(rig->runs[i]);
    }
    for (size_t i = 0; i < rig->n_sends; i++) {
        free(rig->sends[i]->id);
        free(rig->sends[i]->receiver);
        free(rig->sends[i]->body);
        free(rig->sends[i]->event);
        free(rig->sends[i]);
    }
    for (size_t i = 0; i < rig->n_events; i++)
        free(rig->events[i]);
    rig->n_runs = rig->n_sends = rig->n_events = 0;
}

/* Drains, closes and removes everything. */
static inline void rig_free(struct rig *rig)
{
    if (!rig->drained)
        rig_drain(rig, 0);
    rig_kill(rig);
    rig_forget(rig);
    DIR *d = opendir(rig->dir);
    for (const struct dirent *f; d && (f = readdir(d)) != NULL;)
        (void)unlinkat(dirfd(d), f->d_name, 0);
    if (d)
        closedir(d);
    rmdir(rig->dir);
    free(rig);
}

/* ---- asking ---- */

struct rig_task {
    struct intake intake;
    struct task_watch watch;
    struct rig *rig;
    char id[128];
    bool committed, ended;
    enum intake_outcome outcome;
    enum task_state state; /* once ended */
};

static inline void rig_on_ended(struct task_watch *w, const struct task_row *task)
{
    struct rig_task *t = container_of(w, struct rig_task, watch);
    t->ended = true;
    t->state = task->state;
}

static inline void rig_on_committed(struct intake *i)
{
    struct rig_task *t = i->ctx;
    t->committed = true;
    t->outcome = i->outcome;
    if (i->outcome != INTAKE_ACCEPTED)
        return;
    snprintf(t->id, sizeof(t->id), "%.*s", (int)i->task_id.n, i->task_id.p);
    engine_watch_task(t->rig->engine, &t->watch, i->task_id);
}

/* Submits without waiting; `t` must live until the rig is freed or the task has ended. */
static inline void rig_submit(struct rig *rig, struct rig_task *t, const char *agent,
                              const char *input)
{
    struct str session = t->intake.session_id;
    *t = (struct rig_task){ .rig = rig };
    t->watch.ended = rig_on_ended;
    t->intake.agent = str_of(agent);
    t->intake.trigger_type = "api";
    t->intake.trigger_name = STR("api");
    t->intake.input = str_of(input);
    t->intake.session_id = session;
    t->intake.done = rig_on_committed;
    t->intake.ctx = t;
    engine_submit(rig->engine, &t->intake);
}

static inline bool rig_is_committed(struct rig *rig, void *ctx)
{
    (void)rig;
    return ((struct rig_task *)ctx)->committed;
}

static inline bool rig_has_ended(struct rig *rig, void *ctx)
{
    (void)rig;
    return ((struct rig_task *)ctx)->ended;
}

static inline void rig_accept(struct rig *rig, struct rig_task *t, const char *agent,
                              const char *input)
{
    rig_submit(rig, t, agent, input);
    rig_until(rig, rig_is_committed, t, "the task is committed");
    CHECK_INT(t->outcome, INTAKE_ACCEPTED);
}

static inline void rig_run(struct rig *rig, struct rig_task *t, const char *agent,
                           const char *input)
{
    rig_accept(rig, t, agent, input);
    rig_until(rig, rig_has_ended, t, "the task ends");
}

static inline struct run *rig_run_of(struct rig *rig, const char *task_id)
{
    for (size_t i = rig->n_runs; i-- > 0;) {
        if (!strcmp(rig->runs[i]->task_id, task_id))
            return rig->runs[i];
    }
    return NULL;
}

static inline bool rig_is_running(struct rig *rig, void *ctx)
{
    const struct run *r = rig_run_of(rig, ((struct rig_task *)ctx)->id);
    return r && !r->heard;
}

struct rig_read {
    struct store_task_get get;
    bool done;
};

static inline void rig_on_read(struct store_op *op)
{
    container_of(op, struct rig_read, get.op)->done = true;
}

static inline bool rig_is_read(struct rig *rig, void *ctx)
{
    (void)rig;
    return ((struct rig_read *)ctx)->done;
}

/* The task's row, in `a`. */
static inline struct task_row rig_row(struct rig *rig, struct arena *a, const char *id)
{
    struct rig_read r = { .get = { .op = { .arena = a, .done = rig_on_read }, .id = str_of(id) } };
    store_task_get(rig->store, &r.get);
    rig_until(rig, rig_is_read, &r, "the task is read");
    if (!r.get.found)
        T_FAIL("no task %s", id);
    return r.get.task;
}

static inline bool rig_saw(struct rig *rig, const char *type, const char *id)
{
    char text[256];
    snprintf(text, sizeof(text), "%s %s", type, id);
    for (size_t i = 0; i < rig->n_events; i++) {
        if (!strcmp(rig->events[i], text))
            return true;
    }
    return false;
}

struct rig_act {
    bool done;
    enum act_outcome outcome;
};

static inline void rig_on_act(void *ctx, enum act_outcome outcome)
{
    *(struct rig_act *)ctx = (struct rig_act){ true, outcome };
}

static inline bool rig_is_acted(struct rig *rig, void *ctx)
{
    (void)rig;
    return ((struct rig_act *)ctx)->done;
}

static inline enum act_outcome rig_cancel(struct rig *rig, const char *id)
{
    struct rig_act act = { 0 };
    engine_cancel_task(rig->engine, str_of(id), rig_on_act, &act);
    CHECK(!act.done);
    rig_until(rig, rig_is_acted, &act, "the cancel is answered");
    return act.outcome;
}

static inline enum act_outcome rig_retry(struct rig *rig, const char *id)
{
    struct rig_act act = { 0 };
    engine_retry_task(rig->engine, str_of(id), rig_on_act, &act);
    rig_until(rig, rig_is_acted, &act, "the retry is answered");
    return act.outcome;
}

/* Attempts made to a receiver so far. */
static inline size_t rig_sent(struct rig *rig, const char *receiver)
{
    size_t n = 0;
    for (size_t i = 0; i < rig->n_sends; i++)
        n += !strcmp(rig->sends[i]->receiver, receiver);
    return n;
}

struct rig_count {
    const char *receiver;
    size_t n;
};

static inline bool rig_has_sent(struct rig *rig, void *ctx)
{
    const struct rig_count *c = ctx;
    return rig_sent(rig, c->receiver) >= c->n;
}

static inline void rig_until_sent(struct rig *rig, const char *receiver, size_t n)
{
    struct rig_count c = { receiver, n };
    rig_until(rig, rig_has_sent, &c, "the attempts are made");
}

#endif
