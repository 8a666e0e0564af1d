/* Who runs next: limits, order inside a session, fairness between agents. */
#include "tests/unit/engine_rig.h"

static bool runs_at_least(struct rig *rig, void *ctx)
{
    return rig->n_runs >= *(size_t *)ctx;
}

static void until_runs(struct rig *rig, size_t n)
{
    rig_until(rig, runs_at_least, &n, "so many runs");
}

TEST(max_queued_holds_for_intakes_of_the_same_moment)
{
    struct rig *rig = rig_of("agents:\n  a: {type: echo, max_concurrent: 1, max_queued: 2}\n");
    struct rig_task running = { 0 }, more[6] = { 0 };
    rig_accept(rig, &running, "a", "hold");
    rig_until(rig, rig_is_running, &running, "the first runs");
    for (size_t i = 0; i < N_ELEMENTS(more); i++)
        rig_submit(rig, &more[i], "a", "ok");
    size_t accepted = 0, full = 0;
    for (size_t i = 0; i < N_ELEMENTS(more); i++) {
        rig_until(rig, rig_is_committed, &more[i], "it is answered");
        accepted += more[i].outcome == INTAKE_ACCEPTED;
        full += more[i].outcome == INTAKE_QUEUE_FULL;
    }
    CHECK_INT(accepted, 2);
    CHECK_INT(full, 4);
    rig_let_go(rig_run_of(rig, running.id));
    rig_until(rig, rig_has_ended, &more[1], "those accepted run");
    rig_accept(rig, &more[5], "a", "ok");
    rig_until(rig, rig_has_ended, &more[5], "there is room again");
    rig_free(rig);
}

TEST(max_concurrent_is_never_exceeded)
{
    struct rig *rig = rig_of("agents:\n  a: {type: echo, max_concurrent: 3}\n");
    struct rig_task t[8] = { 0 };
    for (size_t i = 0; i < N_ELEMENTS(t); i++)
        rig_submit(rig, &t[i], "a", "hold");
    until_runs(rig, 3);
    rig_pass(rig, 30 * US_PER_MS);
    CHECK_INT(rig->n_runs, 3);
    CHECK_INT(engine_active(rig->engine), 3);
    rig_let_go(rig->runs[0]);
    until_runs(rig, 4);
    rig_pass(rig, 30 * US_PER_MS);
    CHECK_INT(rig->n_runs, 4);
    rig_free(rig);
}

TEST(a_session_runs_one_at_a_time_in_the_order_of_acceptance)
{
    struct rig *rig = rig_of("agents:\n  a: {type: echo}\n");
    struct rig_task t[3] = { 0 }, other = { 0 };
    for (size_t i = 0; i < N_ELEMENTS(t); i++) {
        t[i].intake.session_id = STR("talk");
        rig_accept(rig, &t[i], "a", "hold");
    }
    other.intake.session_id = STR("another talk");
    rig_accept(rig, &other, "a", "hold");
    rig_until(rig, rig_is_running, &other, "the other session runs beside it");
    for (size_t i = 0; i < N_ELEMENTS(t); i++) {
        rig_until(rig, rig_is_running, &t[i], "its turn");
        rig_pass(rig, 10 * US_PER_MS);
        for (size_t k = i + 1; k < N_ELEMENTS(t); k++)
            CHECK(!rig_run_of(rig, t[k].id));
        rig_let_go(rig_run_of(rig, t[i].id));
        rig_until(rig, rig_has_ended, &t[i], "it ends");
    }
    rig_free(rig);
}

static size_t started_before(const struct rig *rig, const char *agent, size_t first)
{
    size_t n = 0;
    for (size_t i = 0; i < first && i < rig->n_runs; i++)
        n += !strcmp(rig->runs[i]->agent, agent);
    return n;
}

TEST(a_flooded_agent_does_not_starve_another)
{
    static const char *const configs[] = {
        "background: {max_concurrent: 1}\nagents:\n  flood: {command: [x]}\n  calm: {command: "
        "[x]}\n",
        "background: {max_concurrent: 1}\nagents:\n  flood: {type: echo}\n  calm: {type: echo}\n",
        "background: {max_concurrent: 3}\nagents:\n  flood: {command: [x]}\n  calm: {command: "
        "[x]}\n",
    };
    for (size_t c = 0; c < N_ELEMENTS(configs); c++) {
        ROW(configs[c]);
        struct rig *rig = rig_of(configs[c]);
        struct rig_task flood[24] = { 0 }, calm[2] = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(flood); i++)
            rig_accept(rig, &flood[i], "flood", "hold");
        size_t running = rig->n_runs;
        for (size_t i = 0; i < N_ELEMENTS(calm); i++)
            rig_accept(rig, &calm[i], "calm", "hold");
        for (size_t i = 0; i < 8; i++) {
            until_runs(rig, i + 1);
            rig_let_go(rig->runs[i]);
        }
        until_runs(rig, 8);
        CHECK_INT(started_before(rig, "calm", running + 5), 2);
        rig_free(rig);
    }
}

TEST(a_disabled_or_unknown_agent_is_not_claimed_until_a_reload_brings_it)
{
    struct rig *rig = rig_of("agents:\n  a: {type: echo, enabled: false}\n");
    struct rig_task off = { 0 }, unknown = { 0 };
    rig_accept(rig, &off, "a", "ok");
    rig_accept(rig, &unknown, "b", "ok");
    rig_pass(rig, 30 * US_PER_MS);
    CHECK_INT(rig->n_runs, 0);
    struct generation *g = rig_load("agents:\n  a: {type: echo}\n  b: {type: echo}\n");
    engine_swap(rig->engine, g);
    generation_unref(g);
    rig_until(rig, rig_has_ended, &off, "the first runs");
    rig_until(rig, rig_has_ended, &unknown, "the second runs");
    rig_free(rig);
}

TEST(a_running_task_keeps_the_generation_it_started_with)
{
    struct rig *rig =
        rig_of("agents:\n  a: {type: echo, retry: {max_attempts: 2, initial_delay: 1ms}}\n");
    struct rig_task t = { 0 };
    rig_accept(rig, &t, "a", "hold");
    rig_until(rig, rig_is_running, &t, "it runs");
    struct generation *g = rig_load("agents:\n  b: {type: echo}\n");
    engine_swap(rig->engine, g);
    generation_unref(g);
    rig_let_go(rig_run_of(rig, t.id));
    rig_until(rig, rig_has_ended, &t, "it ends under a configuration that does not know it");
    CHECK_INT(t.state, TASK_COMPLETED);
    rig_free(rig);
}
