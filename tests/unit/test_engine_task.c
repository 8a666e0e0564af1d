/* The life of one task: every end it may come to, and what is promised on the way. */
#include "tests/unit/engine_rig.h"

#define CONFIG                                                      \
    "agents:\n"                                                     \
    "  a: {type: echo}\n"                                           \
    "  one: {type: echo, max_concurrent: 1}\n"                      \
    "  quick: {type: echo, limits: {timeout: 50ms, grace: 10ms}}\n" \
    "  again: {type: echo, retry: {max_attempts: 3, initial_delay: 1ms, max_delay: 2ms}}\n"

TEST(a_task_ends_as_its_agent_did)
{
    static const struct {
        const char *agent, *input, *state, *result, *error_type;
        unsigned attempt, retries;
    } rows[] = {
        { "a", "ok", "completed", "did ok", "", 1, 0 },
        { "a", "fail", "failed", "", "exit", 1, 0 },
        { "a", "unstartable", "failed", "", "spawn", 1, 0 },
        { "a", "retry:2", "failed", "", "network", 1, 0 },
        { "again", "retry:1", "completed", "did retry:1", "", 1, 0 },
        { "again", "retry:3", "completed", "did retry:3", "", 3, 2 },
        { "again", "retry:4", "failed", "", "network", 3, 2 },
        { "again", "fail", "failed", "", "exit", 1, 0 },
        { "quick", "hold", "failed", "", "timeout", 1, 0 },
    };
    struct rig *rig = rig_of(CONFIG);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char row[64];
        snprintf(row, sizeof(row), "%s %s", rows[i].agent, rows[i].input);
        ROW(row);
        struct rig_task t = { 0 };
        struct arena *a = arena_new(0);
        rig_run(rig, &t, rows[i].agent, rows[i].input);
        struct task_row task = rig_row(rig, a, t.id);
        CHECK_CSTR(task_state_word(task.state), rows[i].state);
        CHECK_INT(t.state, task.state);
        CHECK_STR(task.result, rows[i].result);
        CHECK_STR(task.error_type, rows[i].error_type);
        CHECK_INT(task.attempt, rows[i].attempt);
        CHECK_INT(task.retries, rows[i].retries);
        CHECK(task.created_at > 0 && task.started_at >= task.created_at &&
              task.finished_at >= task.started_at);
        arena_free(a);
    }
    rig_free(rig);
}

TEST(started_is_told_before_the_agent_starts_and_before_the_end)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    char started[160], completed[160];
    rig_run(rig, &t, "a", "ok");
    snprintf(started, sizeof(started), "task.started %s", t.id);
    snprintf(completed, sizeof(completed), "task.completed %s", t.id);
    CHECK_INT(rig->n_events, 2);
    CHECK_CSTR(rig->events[0], started);
    CHECK_CSTR(rig->events[1], completed);
    CHECK_INT(rig->n_runs, 1);
    CHECK_INT(rig->runs[0]->events_before, 1);
    rig_free(rig);
}

TEST(a_waiting_task_is_cancelled_at_once_and_never_runs)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task first = { 0 }, second = { 0 };
    rig_accept(rig, &first, "one", "hold");
    rig_until(rig, rig_is_running, &first, "the first runs");
    rig_accept(rig, &second, "one", "ok");
    CHECK_INT(rig_cancel(rig, second.id), ACT_DONE);
    CHECK(second.ended);
    CHECK_INT(second.state, TASK_CANCELLED);
    CHECK(rig_saw(rig, "task.cancelled", second.id));
    rig_let_go(rig_run_of(rig, first.id));
    rig_until(rig, rig_has_ended, &first, "the first ends");
    rig_pass(rig, 20 * US_PER_MS);
    CHECK(!rig_run_of(rig, second.id));
    CHECK_INT(rig_cancel(rig, second.id), ACT_WRONG_STATE);
    CHECK_INT(rig_cancel(rig, "api-a-1"), ACT_NOT_FOUND);
    rig_free(rig);
}

TEST(a_running_task_is_cancelled_by_stopping_its_agent)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    rig_accept(rig, &t, "a", "hold");
    rig_until(rig, rig_is_running, &t, "it runs");
    CHECK_INT(rig_cancel(rig, t.id), ACT_DONE);
    rig_until(rig, rig_has_ended, &t, "it ends");
    CHECK_INT(t.state, TASK_CANCELLED);
    CHECK_INT(rig_run_of(rig, t.id)->why, RUN_STOP_CANCEL);
    rig_free(rig);
}

TEST(a_cancel_that_meets_the_claim_is_not_lost)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    rig_submit(rig, &t, "a", "hold");
    rig_until(rig, rig_is_committed, &t,
              "it is committed"); /* the claim follows in this very turn */
    CHECK_INT(rig_cancel(rig, t.id), ACT_DONE);
    rig_until(rig, rig_has_ended, &t, "it ends");
    CHECK_INT(t.state, TASK_CANCELLED);
    rig_free(rig);
}

TEST(an_agent_that_does_not_hear_stop_is_given_up_and_may_end_later)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    rig_accept(rig, &t, "quick", "deaf");
    rig_until(rig, rig_has_ended, &t, "it is given up");
    CHECK_INT(t.state, TASK_FAILED);
    CHECK_INT(engine_active(rig->engine), 0);
    size_t events = rig->n_events;
    struct run *r = rig_run_of(rig, t.id);
    struct arena *a = arena_new(0);
    r->events.progress(r->events.ctx, "tool.called", json_object(a));
    arena_free(a);
    rig_let_go(r);
    rig_pass(rig, 20 * US_PER_MS);
    CHECK(r->heard);
    CHECK_INT(rig->n_events, events);
    rig_free(rig);
}

TEST(a_failed_task_is_retried_by_hand_under_its_id)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    struct arena *a = arena_new(0);
    rig_run(rig, &t, "a", "retry:2");
    CHECK_INT(t.state, TASK_FAILED);
    t.ended = false;
    engine_watch_task(rig->engine, &t.watch, str_of(t.id));
    CHECK_INT(rig_retry(rig, t.id), ACT_DONE);
    rig_until(rig, rig_has_ended, &t, "it ends again");
    struct task_row task = rig_row(rig, a, t.id);
    CHECK_INT(task.state, TASK_COMPLETED);
    CHECK_INT(task.attempt, 2);
    CHECK(task.error_message.p == NULL);
    CHECK_INT(rig_retry(rig, t.id), ACT_WRONG_STATE);
    CHECK_INT(rig_retry(rig, "api-a-1"), ACT_NOT_FOUND);
    arena_free(a);
    rig_free(rig);
}

TEST(a_task_may_be_born_failed_and_its_watchers_are_told)
{
    struct rig *rig = rig_of(CONFIG);
    rig->notify[0] = (struct rig_notify){ "task.failed", "r", "ok" };
    struct rig_task t = { .rig = rig };
    char *why = xstrndup("no such field", 13); /* not the caller's any more once done has run */
    t.watch.ended = rig_on_ended;
    t.intake = (struct intake){ .agent = STR("a"),
                                .trigger_type = "webhook",
                                .trigger_name = STR("a"),
                                .failed_type = STR("template"),
                                .failed_message = str_of(why),
                                .done = rig_on_committed,
                                .ctx = &t };
    engine_submit(rig->engine, &t.intake);
    rig_until(rig, rig_has_ended, &t, "it has ended");
    free(why);
    CHECK_INT(t.state, TASK_FAILED);
    CHECK_INT(rig->n_runs, 0);
    rig_until_sent(rig, "r", 1);
    CHECK_CSTR(rig->sends[0]->event, "task.failed");
    rig_free(rig);
}

static void not_called(struct task_watch *w, const struct task_row *task)
{
    (void)w;
    (void)task;
    T_FAIL("a cancelled watch was told");
}

TEST(a_watch_that_was_cancelled_is_not_told)
{
    struct rig *rig = rig_of(CONFIG);
    struct rig_task t = { 0 };
    struct task_watch other = { .ended = not_called }, left = { .ended = not_called };
    rig_accept(rig, &t, "a", "hold");
    engine_watch_task(rig->engine, &other, str_of(t.id));
    engine_watch_cancel(rig->engine, &other);
    engine_watch_cancel(rig->engine, &other);
    rig_until(rig, rig_is_running, &t, "it runs");
    rig_let_go(rig_run_of(rig, t.id));
    rig_until(rig, rig_has_ended, &t, "it ends");
    CHECK_INT(t.state, TASK_COMPLETED);
    engine_watch_task(rig->engine, &left,
                      STR("nothing-of-that-name-1")); /* engine_free lets it go */
    rig_free(rig);
}
