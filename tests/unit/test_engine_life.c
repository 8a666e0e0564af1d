/* Start, drain and death: what was accepted is there afterwards, and nothing hangs. */
#include "tests/unit/engine_rig.h"

#define CONFIG  \
    "agents:\n" \
    "  a: {type: echo, limits: {grace: 10ms, max_interruptions: 2}}\n"

TEST(a_drain_lets_running_tasks_finish)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 }, late = { 0 };
    rig_accept(rig, &t, "a", "hold");
    rig_until(rig, rig_is_running, &t, "it runs");
    engine_drain(rig->engine, clock_mono(&clock_real) + 10 * US_PER_S, rig_on_drained, rig);
    rig_submit(rig, &late, "a", "ok");
    rig_until(rig, rig_is_committed, &late, "it is answered");
    CHECK_INT(late.outcome, INTAKE_UNAVAILABLE);
    CHECK(!rig->drained);
    rig_let_go(rig_run_of(rig, t.id));
    rig_until(rig, rig_is_drained, NULL, "it drains");
    CHECK(t.ended);
    CHECK_INT(t.state, TASK_COMPLETED);
    rig_free(rig);
}

TEST(a_drain_puts_back_what_does_not_finish_and_the_next_start_runs_it)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 }, waits = { 0 };
    struct arena *a = arena_new(0);
    rig_accept(rig, &t, "a", "hold");
    rig_until(rig, rig_is_running, &t, "it runs");
    rig_drain(rig, 20 * US_PER_MS);
    CHECK_INT(rig->runs[0]->why, RUN_STOP_SHUTDOWN);
    struct task_row task = rig_row(rig, a, t.id);
    CHECK_INT(task.state, TASK_QUEUED);
    CHECK_INT(task.interruptions, 0);
    rig_kill(rig);
    rig_forget(rig);
    (void)waits;
    rig_start(rig, CONFIG);
    rig_until(rig, rig_is_running, &t, "it runs again");
    CHECK_INT(rig->runs[0]->attempt, 2);
    arena_free(a);
    rig_free(rig);
}

TEST(a_drain_does_not_wait_for_a_deaf_agent)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    struct arena *a = arena_new(0);
    rig_accept(rig, &t, "a", "deaf");
    rig_until(rig, rig_is_running, &t, "it runs");
    rig_drain(rig, 0);
    struct task_row task = rig_row(rig, a, t.id);
    CHECK_INT(task.state, TASK_QUEUED);
    rig_let_go(rig->runs[0]); /* gives its memory back */
    rig_pass(rig, 10 * US_PER_MS);
    arena_free(a);
    rig_free(rig);
}

TEST(a_cancel_outdoes_a_shutdown)
{
    struct rig *rig = rig_of("agents:\n  a: {type: echo, limits: {grace: 100ms}}\n");
    struct rig_task t = { 0 };
    rig_accept(rig, &t, "a", "deaf");
    rig_until(rig, rig_is_running, &t, "it runs");
    engine_drain(rig->engine, 0, rig_on_drained, rig);
    rig_pass(rig, 30 * US_PER_MS);
    CHECK_INT(rig_cancel(rig, t.id), ACT_DONE);
    rig_until(rig, rig_is_drained, NULL, "it drains");
    CHECK(t.ended);
    CHECK_INT(t.state, TASK_CANCELLED);
    rig_let_go(rig->runs[0]);
    rig_pass(rig, 10 * US_PER_MS);
    rig_free(rig);
}

TEST(a_drain_cuts_attempts_and_the_next_start_makes_them)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    rig->notify[0] = (struct rig_notify){ "task.completed", "r", "hang" };
    rig_run(rig, &t, "a", "ok");
    rig_until_sent(rig, "r", 1);
    rig_drain(rig, 10 * US_PER_MS);
    CHECK(!rig->sends[0]->open);
    char *id = xstrndup(rig->sends[0]->id, strlen(rig->sends[0]->id));
    rig_kill(rig);
    rig_forget(rig);
    rig_start(rig, CONFIG);
    rig_until_sent(rig, "r", 1);
    CHECK_CSTR(rig->sends[0]->id, id);
    CHECK_INT(rig->sends[0]->n, 1); /* what was cut does not count */
    free(id);
    rig_free(rig);
}

struct now {
    struct loop_task task;
    struct rig *rig;
};

static void drain_now(struct loop_task *t)
{
    struct rig *rig = container_of(t, struct now, task)->rig;
    engine_drain(rig->engine, clock_mono(&clock_real) + 100 * US_PER_MS, rig_on_drained, rig);
}

TEST(a_drain_that_meets_a_question_for_due_deliveries_ends)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    rig->max_concurrent = 1;
    rig->notify[0] = (struct rig_notify){ "task.*", "r", "hang" };
    rig_run(rig, &t, "a", "ok");
    rig_run(rig, &t, "a", "ok");
    rig_kill(rig); /* leaves rows that are due */
    rig_forget(rig);
    rig_start(rig, CONFIG);
    struct now now = { .rig = rig };
    engine_outbox_kick(rig->engine, 0); /* asks at the end of this turn … */
    loop_later(rig->loop, &now.task, drain_now);
    rig_until(rig, rig_is_drained, NULL, "it drains");
    rig_free(rig);
}

TEST(a_drain_during_the_start_ends_both)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    rig_accept(rig, &t, "a", "hold");
    rig_until(rig, rig_is_running, &t, "it runs");
    rig_kill(rig);
    rig_forget(rig);
    rig_open(rig, CONFIG);
    engine_start(rig->engine, rig_on_started, rig);
    engine_drain(rig->engine, clock_mono(&clock_real) + US_PER_S, rig_on_drained, rig);
    rig_until(rig, rig_is_drained, NULL, "it drains");
    CHECK(rig->started);
    CHECK_INT(rig->start_rc, -1);
    CHECK_INT(rig->start_code, ERROR_CANCELLED);
    CHECK_INT(rig->n_runs, 0);
    rig_free(rig);
}

TEST(what_ran_when_the_process_died_runs_again_up_to_its_ceiling)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    struct arena *a = arena_new(0);
    rig->notify[0] = (struct rig_notify){ "task.failed", "r", "ok" };
    rig_accept(rig, &t, "a", "hold");
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        rig_until(rig, rig_is_running, &t, "it runs");
        CHECK_INT(rig->runs[0]->attempt, attempt);
        rig_kill(rig);
        rig_forget(rig);
        rig_start(rig, CONFIG);
    }
    rig_until_sent(rig, "r", 1);
    struct task_row task = rig_row(rig, a, t.id);
    CHECK_INT(task.state, TASK_FAILED);
    CHECK_STR(task.error_type, "interrupted");
    CHECK_INT(task.interruptions, 3);
    CHECK_INT(rig->n_runs, 0);
    CHECK_INT(rig_retry(rig, t.id), ACT_DONE);
    rig_until(rig, rig_is_running, &t, "by hand it runs");
    arena_free(a);
    rig_free(rig);
}

TEST(what_ran_is_failed_when_nothing_persists)
{
    static const char no[] = "background: {persist_on_restart: false}\n" CONFIG;
    struct rig *rig = rig_of(no);
    struct rig_task runs = { 0 }, ended = { 0 };
    struct arena *a = arena_new(0);
    rig_run(rig, &ended, "a", "ok");
    rig_accept(rig, &runs, "a", "hold");
    rig_until(rig, rig_is_running, &runs, "it runs");
    rig_kill(rig);
    rig_forget(rig);
    rig_start(rig, no);
    CHECK_INT(rig_row(rig, a, runs.id).state, TASK_FAILED);
    CHECK_INT(rig_row(rig, a, ended.id).state,
              TASK_COMPLETED); /* what had finished is not run twice */
    CHECK_INT(rig->n_runs, 0);
    arena_free(a);
    rig_free(rig);
}

TEST(the_key_of_a_task_survives_a_restart)
{
    struct rig *rig = rig_of(CONFIG);
    char one[ENGINE_TASK_KEY_TEXT], two[ENGINE_TASK_KEY_TEXT], other[ENGINE_TASK_KEY_TEXT];
    engine_task_key(rig->engine, STR("api-a-1"), one);
    engine_task_key(rig->engine, STR("api-a-2"), other);
    rig_drain(rig, 0);
    rig_kill(rig);
    rig_forget(rig);
    rig_start(rig, CONFIG);
    engine_task_key(rig->engine, STR("api-a-1"), two);
    CHECK_INT(strlen(one), 64);
    CHECK_CSTR(two, one);
    CHECK(strcmp(one, other) != 0);
    rig_free(rig);
}

/* ---- callers that wait ---- */

struct caller {
    struct rig_task task;
    struct task_wait wait;
    int64_t timeout;
    bool over, ended; /* ended: was told the task's end */
};

static void caller_over(struct task_wait *w, const struct task_row *task)
{
    struct caller *c = container_of(w, struct caller, wait);
    CHECK(!c->over);
    c->over = true;
    c->ended = task != NULL;
}

static void caller_committed(struct intake *i)
{
    struct caller *c = i->ctx;
    snprintf(c->task.id, sizeof(c->task.id), "%s", i->task_id.p);
    c->wait.over = caller_over;
    engine_wait_task(c->task.rig->engine, &c->wait, i->task_id, c->timeout);
}

static bool caller_is_over(struct rig *rig, void *ctx)
{
    (void)rig;
    return ((struct caller *)ctx)->over;
}

static void call(struct rig *rig, struct caller *c, const char *input, int64_t timeout)
{
    *c = (struct caller){ .timeout = timeout };
    c->task.rig = rig;
    c->task.intake = (struct intake){ .agent = STR("a"),
                                      .trigger_type = "api",
                                      .trigger_name = STR("api"),
                                      .input = str_of(input),
                                      .done = caller_committed,
                                      .ctx = c };
    engine_submit(rig->engine, &c->task.intake);
}

TEST(a_caller_is_told_the_end_or_that_its_time_is_over)
{
    struct rig *rig = rig_of(CONFIG);
    struct caller quick, slow;
    call(rig, &quick, "ok", 10 * US_PER_S);
    call(rig, &slow, "hold", 20 * US_PER_MS);
    rig_until(rig, caller_is_over, &quick, "the first is told");
    rig_until(rig, caller_is_over, &slow, "the second is told");
    CHECK(quick.ended && !slow.ended);
    rig_let_go(rig_run_of(rig, slow.task.id)); /* runs on, and nobody is told twice */
    rig_pass(rig, 20 * US_PER_MS);
    rig_free(rig);
}

TEST(a_drain_lets_callers_go)
{
    struct rig *rig =
        rig_of("agents:\n  a: {type: echo, max_concurrent: 1, limits: {grace: 10ms}}\n");
    struct caller runs, waits;
    call(rig, &runs, "hold", 100 * US_PER_S);
    rig_until(rig, rig_is_running, &runs.task, "the first runs");
    call(rig, &waits, "hold", 100 * US_PER_S);
    rig_pass(rig, 20 * US_PER_MS);
    engine_drain(rig->engine, clock_mono(&clock_real) + 100 * US_PER_MS, rig_on_drained, rig);
    rig_pass(rig, 20 * US_PER_MS);
    CHECK(waits.over && !waits.ended); /* it will not start any more */
    CHECK(!runs.over);
    rig_until(rig, rig_is_drained, NULL, "it drains");
    CHECK(runs.over && !runs.ended);
    rig_free(rig);
}
