/* Schedules on an engine and a store of their own, by a clock that moves when told: every due time is run
   once or put down, whatever restarts, reloads and running tasks come between. */
#include "triggers/trigger.h"

#define RIG_TRIGGERS trigger_part
#include "tests/unit/engine_rig.h"
#include "triggers/schedule.h"

#define START  (1700000000LL * US_PER_S) /* 2023-11-14T22:13:20Z; the next minute is 40 s away */
#define MINUTE (60 * US_PER_S)

struct bench {
    struct rig *rig;
    struct triggers *triggers;
};

static void bench_open(struct bench *b, const char *yaml)
{
    b->rig->started = false;
    rig_start(b->rig, yaml);
    b->triggers = triggers_new(b->rig->engine);
    b->rig->started = false;
    triggers_start(b->triggers, rig_on_started, b->rig);
    rig_until(b->rig, rig_is_started, NULL, "the schedules start");
    rig_pass(b->rig, 10 * US_PER_MS);
}

static struct bench bench_new(const char *yaml)
{
    struct bench b = { .rig = rig_new() };
    b.rig->clock = (struct clock){ .manual = true, .wall_us = START, .mono_us = US_PER_S };
    bench_open(&b, yaml);
    return b;
}

/* Dies and comes back after `us`. What ran is forgotten by the rig. */
static void bench_restart(struct bench *b, const char *yaml, int64_t us)
{
    rig_pass(b->rig, 10 * US_PER_MS);
    store_close(b->rig->store);
    b->rig->store = NULL;
    triggers_free(b->triggers);
    rig_kill(b->rig);
    rig_forget(b->rig);
    clock_advance(&b->rig->clock, us);
    bench_open(b, yaml);
}

static void bench_free(struct bench *b)
{
    triggers_stop(b->triggers);
    rig_drain(b->rig, 0);
    triggers_free(b->triggers);
    rig_free(b->rig);
}

static void advance(struct bench *b, int64_t us)
{
    clock_advance(&b->rig->clock, us);
    loop_poke(b->rig->loop);
    rig_pass(b->rig, 20 * US_PER_MS);
}

static void reload(struct bench *b, const char *yaml)
{
    struct generation *g = rig_load(yaml);
    engine_swap(b->rig->engine, g);
    triggers_swap(b->triggers);
    generation_unref(g);
    rig_pass(b->rig, 20 * US_PER_MS);
}

struct fires {
    struct store_list list;
    bool done;
};

static void fires_read(struct store_op *op)
{
    container_of(op, struct fires, list.op)->done = true;
}

static bool fires_are_read(struct rig *rig, void *ctx)
{
    (void)rig;
    return ((struct fires *)ctx)->done;
}

/* "outcome[:reason]*count@minute[-minute] …" of the schedule, oldest first; minutes since 22:13. */
static const char *fires(struct bench *b, const char *name)
{
    static char text[1000];
    struct arena *a = arena_new(0);
    struct fires f = {
        .list = { .op = { .arena = a, .done = fires_read }, .schedule = str_of(name), .limit = 100 }
    };
    store_fire_list(b->rig->store, &f.list);
    rig_until(b->rig, fires_are_read, &f, "the fires are read");
    size_t n = 0;
    text[0] = 0;
    for (size_t i = f.list.n; i-- > 0;) {
        const struct fire_row *row = &f.list.fires[i];
        int64_t first = (row->first - (START - 20 * US_PER_S)) / MINUTE,
                last = (row->last - row->first) / MINUTE + first;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", n ? " " : "", row->outcome.p,
                              row->reason.p ? ":" : "", row->reason.p ? row->reason.p : "");
        n += (size_t)snprintf(text + n, sizeof(text) - n, "*%lld@%lld", (long long)row->count,
                              (long long)first);
        if (last != first)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "-%lld", (long long)last);
    }
    arena_free(a);
    return text;
}

#define ECHO(more) \
    "agents:\n  a:\n    type: echo\n    trigger: {type: schedule, cron: '* * * * *', " more "}\n"

TEST(it_fires_once_per_due_time)
{
    struct bench b = bench_new(ECHO("input: ok"));
    advance(&b, 39 * US_PER_S);
    CHECK_INT(b.rig->n_runs, 0);
    advance(&b, US_PER_S);
    CHECK_INT(b.rig->n_runs, 1);
    advance(&b, 0);
    advance(&b, MINUTE);
    CHECK_INT(b.rig->n_runs, 2);
    CHECK_CSTR(fires(&b, "a"), "ran*1@1 ran*1@2");
    advance(&b, -MINUTE); /* the clock is set back */
    advance(&b, MINUTE);
    CHECK_INT(b.rig->n_runs, 2);
    bench_free(&b);
}

TEST(what_was_missed_while_down_follows_the_policy)
{
    static const struct {
        const char *yaml, *fires;
        size_t runs;
    } rows[] = {
        { ECHO("input: ok"), "ran*1@1 coalesced*4@2-5 ran*1@6", 1 },
        { ECHO("input: ok, misfire: skip"), "ran*1@1 skipped:missed*5@2-6", 0 },
        { ECHO("input: ok, misfire: all, misfire_max: 2"),
          "ran*1@1 skipped:limit*3@2-4 ran*1@5 ran*1@6", 2 },
        { ECHO("input: ok, start_deadline: 90s"),
          "ran*1@1 skipped:window*3@2-4 coalesced*1@5 ran*1@6", 1 },
        { ECHO("input: ok, start_deadline: 5s"), "ran*1@1 skipped:window*5@2-6", 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].yaml);
        struct bench b = bench_new(rows[i].yaml);
        advance(&b, 40 * US_PER_S);
        bench_restart(&b, rows[i].yaml, 5 * MINUTE + 30 * US_PER_S);
        rig_pass(b.rig, 50 * US_PER_MS);
        CHECK_INT(b.rig->n_runs, rows[i].runs);
        CHECK_CSTR(fires(&b, "a"), rows[i].fires);
        bench_restart(&b, rows[i].yaml, 0); /* nothing of it again */
        CHECK_INT(b.rig->n_runs, 0);
        bench_free(&b);
    }
}

TEST(a_previous_run_that_goes_on_is_met_by_the_overlap_policy)
{
    static const struct {
        const char *yaml, *before, *after; /* the fires while it runs, and when it has ended */
        size_t runs_before, runs_after;
    } rows[] = {
        { ECHO("input: hold"), "ran*1@1 skipped:overlap*1@2", "ran*1@1 skipped:overlap*1@2", 1, 1 },
        { ECHO("input: hold, overlap: allow"), "ran*1@1 ran*1@2", "ran*1@1 ran*1@2", 2, 2 },
        { ECHO("input: hold, overlap: queue"), "ran*1@1", "ran*1@1 ran*1@2", 1, 2 },
        { ECHO("input: hold, overlap: replace"), "ran*1@1 ran*1@2", "ran*1@1 ran*1@2", 2, 2 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].yaml);
        struct bench b = bench_new(rows[i].yaml);
        advance(&b, 40 * US_PER_S);
        advance(&b, MINUTE);
        rig_pass(b.rig, 30 * US_PER_MS);
        CHECK_CSTR(fires(&b, "a"), rows[i].before);
        CHECK_INT(b.rig->n_runs, rows[i].runs_before);
        if (b.rig->n_runs && !b.rig->runs[0]->heard)
            rig_let_go(b.rig->runs[0]);
        rig_pass(b.rig, 30 * US_PER_MS);
        CHECK_CSTR(fires(&b, "a"), rows[i].after);
        CHECK_INT(b.rig->n_runs, rows[i].runs_after);
        bench_free(&b);
    }
}

TEST(what_makes_up_for_missed_times_waits_for_the_interrupted_run)
{
    struct bench b = bench_new(ECHO("input: '{{ if .missed_count }}ok{{ else }}hold{{ end }}'"));
    advance(&b, 40 * US_PER_S);
    CHECK_INT(b.rig->n_runs, 1);
    bench_restart(&b, ECHO("input: '{{ if .missed_count }}ok{{ else }}hold{{ end }}'"),
                  3 * MINUTE + 5 * US_PER_S);
    rig_pass(b.rig, 30 * US_PER_MS);
    CHECK_INT(b.rig->n_runs, 1); /* the first one again */
    CHECK_CSTR(fires(&b, "a"), "ran*1@1");
    rig_let_go(b.rig->runs[0]);
    rig_pass(b.rig, 50 * US_PER_MS);
    CHECK_INT(b.rig->n_runs, 2);
    CHECK_CSTR(fires(&b, "a"), "ran*1@1 coalesced*2@2-3 ran*1@4");
    bench_free(&b);
}

TEST(a_chain_of_made_up_times_runs_one_after_the_other)
{
    static const char yaml[] = ECHO("input: hold, misfire: all");
    struct bench b = bench_new(yaml);
    bench_restart(&b, yaml, 2 * MINUTE + 45 * US_PER_S);
    for (size_t i = 0; i < 3; i++) {
        rig_pass(b.rig, 30 * US_PER_MS);
        CHECK_INT(b.rig->n_runs, i + 1);
        if (i < b.rig->n_runs)
            rig_let_go(b.rig->runs[i]);
    }
    rig_pass(b.rig, 30 * US_PER_MS);
    CHECK_CSTR(fires(&b, "a"), "ran*1@1 ran*1@2 ran*1@3");
    bench_free(&b);
}

struct soon {
    struct loop_task task;
    struct bench *bench;
    const char *yaml;
};

static void reload_soon(struct loop_task *t)
{
    struct soon *s = container_of(t, struct soon, task);
    struct generation *g = rig_load(s->yaml);
    engine_swap(s->bench->rig->engine, g);
    triggers_swap(s->bench->triggers);
    generation_unref(g);
}

TEST(a_reload_that_meets_a_decision_on_its_way_keeps_it)
{
    static const char yaml[] = ECHO("input: hold");
    struct bench b = bench_new(yaml);
    struct soon soon = { .bench = &b, .yaml = yaml };
    clock_advance(&b.rig->clock, 40 * US_PER_S);
    loop_poke(b.rig->loop);                           /* decides at the end of the turn … */
    loop_later(b.rig->loop, &soon.task, reload_soon); /* … right before this */
    rig_pass(b.rig, 50 * US_PER_MS);
    CHECK_INT(b.rig->n_runs, 1);
    CHECK_CSTR(fires(&b, "a"), "ran*1@1");
    reload(&b, yaml);
    advance(&b, MINUTE); /* the new generation knows that it runs */
    CHECK_CSTR(fires(&b, "a"), "ran*1@1 skipped:overlap*1@2");
    CHECK_INT(b.rig->n_runs, 1);
    rig_let_go(b.rig->runs[0]);
    rig_pass(b.rig, 20 * US_PER_MS);
    advance(&b, MINUTE);
    CHECK_INT(b.rig->n_runs, 2);
    bench_free(&b);
}

TEST(what_came_due_while_disabled_is_put_down_and_not_run)
{
    struct bench b = bench_new(ECHO("input: ok"));
    advance(&b, 40 * US_PER_S);
    reload(&b, ECHO("input: ok, enabled: false"));
    advance(&b, 3 * MINUTE);
    CHECK_INT(b.rig->n_runs, 1);
    reload(&b, ECHO("input: ok"));
    CHECK_CSTR(fires(&b, "a"), "ran*1@1 skipped:disabled*3@2-4");
    advance(&b, MINUTE);
    CHECK_INT(b.rig->n_runs, 2);
    CHECK_CSTR(fires(&b, "a"), "ran*1@1 skipped:disabled*3@2-4 ran*1@5");
    bench_free(&b);
}

TEST(an_edited_schedule_starts_at_now_and_remembers_when_it_fired)
{
    static const char hourly[] =
        "agents:\n  a: {type: echo, trigger: {type: schedule, cron: '20 * * * *', input: ok}}\n";
    struct bench b = bench_new(ECHO("input: ok"));
    struct schedule_view view;
    advance(&b, 40 * US_PER_S);
    bench_restart(&b, hourly,
                  10 * MINUTE); /* 22:24: the 22:20 of the new expression is not made up */
    CHECK_INT(b.rig->n_runs, 0);
    CHECK(schedules_view(triggers_schedules(b.triggers), 0, &view));
    CHECK_INT(view.row->last_fired, START + 40 * US_PER_S);
    CHECK(view.row->last_task_id.n > 0);
    bench_free(&b);
}

TEST(reboot_runs_once_a_start)
{
    static const char yaml[] =
        "agents:\n  a: {type: echo, trigger: {type: schedule, cron: '@reboot', input: ok}}\n";
    struct bench b = bench_new(yaml);
    rig_pass(b.rig, 20 * US_PER_MS);
    CHECK_INT(b.rig->n_runs, 1);
    reload(&b, yaml);
    CHECK_INT(b.rig->n_runs, 1);
    bench_restart(&b, yaml, MINUTE);
    rig_pass(b.rig, 20 * US_PER_MS);
    CHECK_INT(b.rig->n_runs, 1);
    bench_free(&b);
}

TEST(jitter_is_not_lateness)
{
    struct bench b =
        bench_new("agents:\n  a:\n    type: echo\n    trigger: {type: schedule, cron: '0 * * * *', "
                  "misfire: skip, jitter: 10m, input: ok}\n");
    for (unsigned i = 0; i < 60; i++)
        advance(&b, MINUTE);
    CHECK_CSTR(fires(&b, "a"), "ran*1@47");
    CHECK_INT(b.rig->n_runs, 1);
    bench_free(&b);
}
