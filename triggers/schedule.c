/* One schedule: what the store remembers of it, when it is due next, and what is done then.

   It is in the due queue while it waits for its time; `busy` while what was decided is being committed; it
   watches its running task (for overlap, and so that `.previous` is known). high_water moves only with a
   commit, so whatever was not committed is decided again. */
#include "triggers/schedule_inside.h"

#include "base/log.h"
#include "base/stats.h"
#include "base/zone.h"
#include "triggers/misfire.h"

#include <stdio.h>

#define SCHEDULE_RETRY_US     (1 * US_PER_S)
#define SCHEDULE_STEP_BACK_S  (3 * 3600) /* a clock this far behind our memory was stepped back */
#define SCHEDULE_PREVIOUS_MAX (64 * KIB)

/* One decision on its way to disk. */
struct fire {
    struct intake intake;
    struct schedule *schedule; /* NULL when it is gone meanwhile */
    struct engine *engine;
    struct arena *arena;
    struct schedule_row row; /* as it will be */
    struct fire_row rows[4];
    bool ran, more;
    int64_t due;
};

static void schedule_look(struct schedule *s);
static void schedule_begin(struct schedule *s);

static int64_t schedule_now(const struct schedule *s)
{
    return clock_wall(loop_clock(engine_loop(s->owner->engine)));
}

/* The same for a due time after a restart and on every node (20-triggers: jitter). */
static int64_t schedule_jitter_us(const struct schedule *s, int64_t due)
{
    static const uint8_t key[16] = "keryx-jitter-001";
    int64_t span = s->def->trigger->schedule.jitter;
    char text[320];
    if (span <= 0)
        return 0;
    int n = snprintf(text, sizeof(text), "%s@%lld", s->def->trigger->name.s.p, (long long)due);
    return (int64_t)(str_siphash(str_n(text, MIN((size_t)n, sizeof(text) - 1)), key) %
                     (uint64_t)span);
}

/* ---- when next ---- */

static bool schedule_enabled(const struct schedule *s)
{
    return s->def->enabled && !s->row.paused;
}

static void schedule_arm(struct schedule *s)
{
    const struct schedule_def *d = s->def;
    if (s->owner->stopped || s->busy || !schedule_enabled(s))
        return;
    int64_t from = MAX(s->row.high_water / US_PER_S, d->start == INT64_MIN ? 0 : d->start - 1);
    int64_t next = cron_next(d->cron, d->zone, from, NULL);
    if (next == CRON_NONE || next > d->end) {
        due_remove(s->owner->due, &s->due);
        return;
    }
    due_set(s->owner->due, &s->due, next * US_PER_S + schedule_jitter_us(s, next));
}

void schedule_due(void *ctx, struct due_item *item)
{
    (void)ctx;
    schedule_look(container_of(item, struct schedule, due));
}

static void schedule_retry(struct loop_timer *t)
{
    schedule_begin(container_of(t, struct schedule, retry));
}

/* ---- the running task ---- */

static void schedule_task_ended(struct task_watch *w, const struct task_row *task)
{
    struct schedule *s = container_of(w, struct schedule, watch);
    free(s->previous);
    s->previous = task->result.p
                      ? xstrndup(task->result.p, str_utf8_cut(task->result, SCHEDULE_PREVIOUS_MAX))
                      : NULL;
    if (s->again)
        schedule_look(s);
}

static bool schedule_running(const struct schedule *s)
{
    return list_linked(&s->watch.link);
}

/* ---- carrying out a decision ---- */

static void schedule_count(const struct schedule *s, const struct fire *f)
{
    for (size_t i = 0; i < f->intake.n_fires; i++) {
        const struct fire_row *row = &f->rows[i];
        stats_add(STATS_SCHEDULE_FIRES, (double)row->count, s->def->trigger->name.s.p,
                  row->outcome.p, NULL);
    }
    if (f->ran)
        stats_add(STATS_SCHEDULE_LAG, (double)(schedule_now(s) - f->due * US_PER_S) / US_PER_S,
                  NULL, NULL, NULL);
}

/* Due times that were not run are an event: schedule.missed or schedule.skipped. */
static void schedule_tell_skips(const struct schedule *s, const struct fire *f)
{
    for (size_t i = 0; i < f->intake.n_fires; i++) {
        const struct fire_row *row = &f->rows[i];
        if (!str_eq(row->outcome, STR("skipped")))
            continue;
        char first[WHEN_TEXT], last[WHEN_TEXT];
        struct json *data = json_object(f->arena);
        json_put_str(f->arena, data, "schedule", s->def->trigger->name.s.p);
        json_put(f->arena, data, STR("reason"), json_str(f->arena, row->reason));
        json_put(f->arena, data, STR("count"), json_i64(f->arena, row->count));
        json_put_str(f->arena, data, "first", when_format_us(row->first, first));
        json_put_str(f->arena, data, "last", when_format_us(row->last, last));
        log_warn("due times were not run", "schedule", s->def->trigger->name.s.p, "reason",
                 row->reason.p, "first", first, "last", last);
        bool missed = str_eq(row->reason, STR("missed")) || str_eq(row->reason, STR("window"));
        struct engine_event event = {
            .type = missed ? "schedule.missed" : "schedule.skipped",
            .at = schedule_now(s),
            .generation = s->owner->generation,
            .agent = s->def->agent,
            .trigger = s->def->trigger,
            .data = data,
        };
        engine_emit(s->owner->engine, &event);
    }
}

static void schedule_keep_row(struct schedule *s, const struct fire *f)
{
    s->row.high_water = f->row.high_water;
    s->row.last_fired = f->row.last_fired;
    if (f->ran) {
        arena_free(s->arena);
        s->arena = arena_new(0);
        s->row.last_task_id = arena_str(s->arena, f->intake.task_id);
    }
}

static void schedule_accepted(struct schedule *s, struct fire *f)
{
    schedule_keep_row(s, f);
    s->edited = s->was_off = false;
    schedule_count(s, f);
    if (f->ran)
        s->asked = true;
    if (f->ran && !schedule_running(s))
        engine_watch_task(s->owner->engine, &s->watch, f->intake.task_id);
    s->again = s->again || f->more;
    schedule_tell_skips(s, f);
}

static void schedule_fired(struct intake *i)
{
    struct fire *f = i->ctx;
    struct schedule *s = f->schedule;
    if (!s) {
        arena_free(f->arena);
        return;
    }
    /* The next one of a chain waits for this one's end; the watch looks again then. */
    bool waits = f->more && i->outcome == INTAKE_ACCEPTED &&
                 s->def->trigger->schedule.overlap != CONFIG_OVERLAP_ALLOW;
    s->busy = NULL;
    if (i->outcome == INTAKE_ACCEPTED)
        schedule_accepted(s, f);
    else if (i->outcome == INTAKE_ALREADY_FIRED)
        s->row.high_water = f->row.high_water; /* another start of this due time has it */
    if (i->outcome == INTAKE_UNAVAILABLE && !engine_draining(f->engine)) {
        log_error("a due time could not be stored, trying again", "schedule",
                  s->def->trigger->name.s.p, "error", i->error.text);
        loop_timer_set(engine_loop(f->engine), &s->retry, SCHEDULE_RETRY_US, schedule_retry);
    } else if (!waits && f->more) {
        schedule_look(s);
    } else if (!waits && s->asked) {
        schedule_arm(s);
    } else if (!waits) {
        schedule_begin(s);
    }
    arena_free(f->arena);
}

static void fire_add(struct fire *f, int64_t first, int64_t last, uint64_t count,
                     const char *outcome, const char *reason)
{
    f->rows[f->intake.n_fires++] = (struct fire_row){
        .schedule = f->row.name,
        .first = first * US_PER_S,
        .last = last * US_PER_S,
        .count = (int64_t)count,
        .outcome = str_of(outcome),
        .reason = reason ? str_of(reason) : STR_NULL,
        .at = schedule_now(f->schedule),
    };
}

static struct json *fire_data(struct fire *f, int64_t due, uint64_t stands_for)
{
    struct arena *a = f->arena;
    const struct schedule *s = f->schedule;
    int64_t now = schedule_now(s);
    char text[WHEN_TEXT];
    struct json *data = json_object(a);
    json_put_str(a, data, "scheduled_at", when_format_us(due * US_PER_S, text));
    json_put_str(a, data, "fired_at", when_format_us(now, text));
    json_put(a, data, STR("late_by"), json_double(a, (double)(now - due * US_PER_S) / US_PER_S));
    json_put(a, data, STR("missed_count"), json_i64(a, (int64_t)stands_for - 1));
    json_put(a, data, STR("previous"),
             s->previous ? json_str(a, str_of(s->previous)) : json_null(a));
    json_put(a, data, STR("agent"), json_str(a, s->def->agent->name.s));
    json_put(a, data, STR("trigger"), json_str(a, s->def->trigger->name.s));
    return data;
}

/* The task that the due time becomes. */
static void fire_task(struct fire *f, int64_t due, uint64_t stands_for)
{
    const struct schedule_def *d = f->schedule->def;
    f->ran = true;
    f->due = due;
    f->row.last_fired = due * US_PER_S;
    f->intake.agent = d->agent->name.s;
    f->intake.scheduled_at = due * US_PER_S;
    f->intake.input = STR("");
    if (stands_for > 1)
        f->intake.meta =
            arena_printf(f->arena, "{\"missed_count\":%llu}", (unsigned long long)stands_for - 1);
    if (!d->input)
        return;
    auto_buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    struct error e = ERROR_INIT;
    struct template_options o = { .now_us = schedule_now(f->schedule) };
    if (template_render(d->input, fire_data(f, due, stands_for), &o, &out, &e) == 0) {
        f->intake.input = arena_str(f->arena, buf_view(&out));
    } else {
        f->intake.failed_type = STR("template");
        f->intake.failed_message = arena_str(f->arena, str_of(e.text));
    }
}

static struct fire *fire_new(struct schedule *s, int64_t account)
{
    struct arena *a = arena_new(0);
    struct fire *f = ARENA_NEW(a, struct fire);
    f->schedule = s;
    f->engine = s->owner->engine;
    f->arena = a;
    f->row = s->row;
    f->row.name = arena_str(a, s->row.name);
    f->row.definition = arena_str(a, s->row.definition);
    f->row.last_task_id = s->row.last_task_id.n ? arena_str(a, s->row.last_task_id) : STR_NULL;
    f->row.high_water = account * US_PER_S;
    f->intake.generation = s->owner->generation;
    f->intake.trigger_type = "schedule";
    f->intake.trigger_name = arena_str(a, s->row.name);
    f->intake.ignore_queue_limit = true;
    f->intake.schedule = &f->row;
    f->intake.fires = f->rows;
    f->intake.done = schedule_fired;
    f->intake.ctx = f;
    return f;
}

static void fire_submit(struct fire *f)
{
    f->schedule->busy = f;
    engine_submit(f->engine, &f->intake);
}

/* ---- deciding ---- */

/* The latest due time that may be looked at: what jitter delays is not due yet. */
static int64_t schedule_horizon(const struct schedule *s, int64_t now_us)
{
    const struct schedule_def *d = s->def;
    int64_t to = MIN(now_us / US_PER_S, d->end);
    int64_t latest = cron_prev(d->cron, d->zone, to);
    if (latest != CRON_NONE && latest * US_PER_S + schedule_jitter_us(s, latest) > now_us)
        to = latest - 1;
    return to;
}

static void schedule_replaced(void *ctx, enum act_outcome outcome)
{
    (void)ctx;
    (void)outcome; /* its end is seen by the watch, however it ends */
}

/* True when the previous run decides that this due time has to wait or is dropped. */
static bool schedule_overlaps(struct schedule *s, const struct misfire_plan *plan)
{
    if (!plan->run || !schedule_running(s))
        return false;
    int overlap = s->def->trigger->schedule.overlap;
    if (overlap == CONFIG_OVERLAP_ALLOW)
        return false;
    /* What makes up for missed times is not dropped; in a chain each waits for the one before. */
    bool chain =
        s->def->trigger->schedule.misfire == CONFIG_MISFIRE_ALL && (plan->more || s->again);
    if (overlap == CONFIG_OVERLAP_REPLACE && !chain) {
        struct str id = s->row.last_task_id;
        log_info("the previous run is replaced", "schedule", s->def->trigger->name.s.p, "task_id",
                 id.p);
        engine_cancel_task(s->owner->engine, id, schedule_replaced, NULL);
    } else if (!chain && !plan->made_up && overlap != CONFIG_OVERLAP_QUEUE) {
        return false;
    }
    s->again = true;
    return true;
}

static void schedule_look(struct schedule *s)
{
    const struct schedule_def *d = s->def;
    if (s->owner->stopped || s->busy || !schedule_enabled(s))
        return;
    int64_t now_us = schedule_now(s), now = now_us / US_PER_S;
    if (s->row.high_water / US_PER_S - now > SCHEDULE_STEP_BACK_S) {
        log_warn("clock_stepped_back", "schedule", d->trigger->name.s.p);
        s->row.high_water = now_us;
    }
    struct misfire_rules rules = { d->trigger->schedule.misfire, d->trigger->schedule.misfire_max,
                                   d->trigger->schedule.start_deadline / US_PER_S,
                                   d->trigger->schedule.jitter / US_PER_S + 1 };
    int64_t from = MAX(s->row.high_water / US_PER_S, d->start == INT64_MIN ? 0 : d->start - 1);
    struct misfire_plan plan;
    if (!misfire_plan(d->cron, d->zone, &rules, from, schedule_horizon(s, now_us), now, &plan)) {
        s->again = false;
        schedule_arm(s);
        return;
    }
    if (schedule_overlaps(s, &plan))
        return; /* looked at again when the task has ended */
    s->again = false;
    struct fire *f = fire_new(s, plan.account);
    for (size_t i = 0; i < plan.n_ranges; i++) {
        const struct misfire_range *r = &plan.ranges[i];
        fire_add(f, r->first, r->last, r->count, r->outcome, r->reason);
    }
    if (plan.run && schedule_running(s) && d->trigger->schedule.overlap == CONFIG_OVERLAP_SKIP) {
        fire_add(f, plan.due, plan.due, 1, "skipped", "overlap");
    } else if (plan.run) {
        f->more = plan.more;
        fire_task(f, plan.due, plan.stands_for);
        fire_add(f, plan.due, plan.due, 1, "ran", NULL);
    }
    fire_submit(f);
}

/* ---- what it was ---- */

/* The definition without the mark of a disabled one (schedule_compile.c). */
static struct str schedule_core(struct str definition, bool *off)
{
    struct str mark = STR("off|");
    *off = str_starts(definition, mark);
    return *off ? str_sub(definition, mark.n, definition.n) : definition;
}

static void schedule_remember(struct schedule *s, const struct schedule_row *known)
{
    bool was_off = false, off;
    struct str core = schedule_core(s->row.definition, &off);
    bool same = known && str_eq(schedule_core(known->definition, &was_off), core);
    s->edited = !same || was_off != off;
    s->was_off = same && was_off && !off;
    s->row.anchor = s->row.high_water = schedule_now(s) / US_PER_S * US_PER_S;
    if (same) {
        s->row.anchor = known->anchor;
        s->row.high_water = known->high_water;
    }
    if (!known)
        return;
    s->row.last_fired = known->last_fired;
    s->row.paused = known->paused;
    if (known->last_task_id.n)
        s->row.last_task_id = arena_str(s->arena, known->last_task_id);
}

struct schedule *schedule_new(struct schedules *owner, const struct schedule_def *d)
{
    struct schedule *s = xalloc(sizeof(*s));
    s->owner = owner;
    s->def = d;
    s->watch.ended = schedule_task_ended;
    s->arena = arena_new(256);
    s->row.name = d->trigger->name.s;
    s->row.definition = d->definition;
    schedule_remember(s, map_get(owner->memory, d->trigger->name.s));
    cron_set_anchor(d->cron, s->row.anchor / US_PER_S);
    return s;
}

void schedule_free(struct schedule *s)
{
    engine_watch_cancel(s->owner->engine, &s->watch);
    due_remove(s->owner->due, &s->due);
    loop_timer_stop(&s->retry);
    if (s->busy)
        s->busy->schedule = NULL;
    arena_free(s->arena);
    free(s->previous);
    free(s);
}

void schedule_adopt(struct schedule *s, struct schedule *from)
{
    bool off;
    if (!str_eq(schedule_core(s->row.definition, &off), schedule_core(from->row.definition, &off)))
        return; /* an edited one starts at now */
    s->busy = from->busy;
    s->busy->schedule = s;
    from->busy = NULL;
}

/* ---- does its last task still run, from before a restart or reload? ---- */

struct schedule_recall {
    struct store_task_get get;
    struct schedules *owner;
    struct str name;
};

static void schedule_recalled(struct store_op *op)
{
    struct schedule_recall *r = container_of(op, struct schedule_recall, get.op);
    struct schedule *s = schedules_find(r->owner, r->name);
    const struct task_row *task = &r->get.task;
    if (s && str_eq(s->row.last_task_id, r->get.id)) {
        if (op->rc != 0) {
            engine_watch_cancel(r->owner->engine, &s->watch);
            loop_timer_set(engine_loop(r->owner->engine), &s->retry, SCHEDULE_RETRY_US,
                           schedule_retry);
        } else {
            s->asked = true;
            bool over = !r->get.found || task_state_final(task->state);
            if (over)
                engine_watch_cancel(r->owner->engine, &s->watch);
            if (over && r->get.found && !s->previous && task->result.p)
                s->previous =
                    xstrndup(task->result.p, str_utf8_cut(task->result, SCHEDULE_PREVIOUS_MAX));
            schedule_look(s);
        }
    }
    arena_free(op->arena);
}

/* It is watched before it is read, so that an end in between is not missed. */
static void schedule_begin(struct schedule *s)
{
    if (s->owner->stopped || s->busy)
        return;
    if (s->asked || !s->row.last_task_id.n || schedule_running(s)) {
        s->asked = true;
        schedule_look(s);
        return;
    }
    struct arena *a = arena_new(0);
    struct schedule_recall *r = ARENA_NEW(a, struct schedule_recall);
    r->owner = s->owner;
    r->name = arena_str(a, s->row.name);
    r->get.op.arena = a;
    r->get.op.done = schedule_recalled;
    r->get.id = arena_str(a, s->row.last_task_id);
    engine_watch_task(s->owner->engine, &s->watch, r->get.id);
    store_task_get(engine_store(s->owner->engine), &r->get);
}

void schedule_introduce(struct schedule *s)
{
    const struct schedule_def *d = s->def;
    bool reboot = cron_kind(d->cron) == CRON_REBOOT && s->owner->booting && schedule_enabled(s);
    if (s->busy)
        return; /* adopted: it goes on when that is committed */
    if (!reboot && !s->edited) {
        schedule_begin(s);
        return;
    }
    int64_t now = schedule_now(s) / US_PER_S, from = s->row.high_water / US_PER_S;
    struct fire *f = fire_new(s, s->was_off || reboot ? now : from);
    uint64_t n = s->was_off && now > from ? cron_count(d->cron, d->zone, from, now) : 0;
    if (n)
        fire_add(f, cron_next(d->cron, d->zone, from, NULL), cron_prev(d->cron, d->zone, now), n,
                 "skipped", "disabled");
    if (reboot) {
        fire_task(f, now, 1);
        fire_add(f, now, now, 1, "ran", NULL);
    }
    fire_submit(f);
}
