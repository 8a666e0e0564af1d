/* Durable deliveries: retried with the same id and bytes, dead-lettered once, never in the way of others. */
#include "tests/unit/engine_rig.h"

#define CONFIG "agents:\n  a: {type: echo}\n"

static struct rig *rig_notified(const char *event, const char *receiver, const char *url)
{
    struct rig *rig = rig_of(CONFIG);
    rig->notify[0] = (struct rig_notify){ event, receiver, url };
    return rig;
}

TEST(a_delivery_is_tried_until_it_is_taken)
{
    struct rig *rig = rig_notified("task.completed", "r", "again again ok");
    struct rig_task t = { 0 };
    rig_run(rig, &t, "a", "ok");
    rig_until_sent(rig, "r", 3);
    rig_pass(rig, 30 * US_PER_MS);
    CHECK_INT(rig->n_sends, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_INT(rig->sends[i]->n, i + 1);
        CHECK_CSTR(rig->sends[i]->id, rig->sends[0]->id);
        CHECK_CSTR(rig->sends[i]->body, rig->sends[0]->body);
    }
    rig_free(rig);
}

TEST(a_dead_letter_is_one_event_that_raises_no_other)
{
    struct rig *rig = rig_notified("*", "r", "no");
    struct rig_task t = { 0 };
    rig_run(
        rig, &t, "a",
        "ok"); /* started, completed: each is refused, each refusal is told, each of these refused */
    rig_until_sent(rig, "r", 4);
    rig_pass(rig, 50 * US_PER_MS);
    CHECK_INT(rig->n_sends, 4);
    size_t failed = 0;
    for (size_t i = 0; i < rig->n_events; i++)
        failed += str_starts(str_of(rig->events[i]), STR("delivery.failed"));
    CHECK_INT(failed, 2);
    rig_free(rig);
}

TEST(tries_are_counted_and_end)
{
    struct rig *rig = rig_notified("task.completed", "r", "again");
    struct rig_task t = { 0 };
    rig_run(rig, &t, "a", "ok");
    rig_until_sent(rig, "r", 3);
    rig_pass(rig, 50 * US_PER_MS);
    CHECK_INT(rig->n_sends, 3);
    CHECK(rig_saw(rig, "delivery.failed", t.id));
    rig_free(rig);
}

TEST(gone_disables_the_receiver_until_a_reload)
{
    struct rig *rig = rig_notified("task.completed", "r", "gone");
    struct rig_task t[6] = { 0 }, more = { 0 };
    rig->max_concurrent = 1;
    for (size_t i = 0; i < N_ELEMENTS(t); i++)
        rig_submit(rig, &t[i], "a",
                   "ok"); /* their rows are leased together: five wait behind the first */
    rig_until_sent(rig, "r", 1);
    rig_run(rig, &more, "a", "ok");
    rig_pass(rig, 50 * US_PER_MS);
    CHECK_INT(rig->n_sends, 1);
    engine_swap(rig->engine, rig->generation);
    rig_until_sent(rig, "r", 2);
    rig_free(rig);
}

TEST(the_end_is_not_told_before_the_start)
{
    struct rig *rig = rig_notified("task.*", "r", "again ok");
    struct rig_task t[4] = { 0 };
    for (size_t i = 0; i < N_ELEMENTS(t); i++)
        rig_submit(rig, &t[i], "a", "ok");
    rig_until_sent(rig, "r", 4 * N_ELEMENTS(t));
    for (size_t i = 0; i < rig->n_sends; i++) {
        if (strcmp(rig->sends[i]->event, "task.completed") != 0)
            continue;
        const char *id = rig->sends[i]->body + strlen("task.completed of ");
        size_t starts = 0;
        for (size_t k = 0; k < i; k++)
            starts +=
                !strcmp(rig->sends[k]->event, "task.started") && strstr(rig->sends[k]->body, id);
        CHECK_INT(starts, 2); /* refused once, then taken: both before */
    }
    rig_free(rig);
}

TEST(a_receiver_gets_as_many_at_once_as_it_allows)
{
    static const unsigned limits[] = { 1, 3, 12 };
    for (size_t i = 0; i < N_ELEMENTS(limits); i++) {
        char row[16];
        snprintf(row, sizeof(row), "%u", limits[i]);
        ROW(row);
        struct rig *rig = rig_notified("task.completed", "r", "hang");
        struct rig_task t[20] = { 0 };
        rig->max_concurrent = limits[i];
        for (size_t k = 0; k < N_ELEMENTS(t); k++)
            rig_submit(rig, &t[k], "a", "ok");
        rig_until_sent(rig, "r", limits[i]);
        rig_pass(rig, 50 * US_PER_MS);
        CHECK_INT(rig->n_sends, limits[i]);
        rig_free(rig);
    }
}

TEST(a_dead_receiver_does_not_hold_up_a_live_one)
{
    struct rig *rig = rig_notified("task.completed", "dead", "hang");
    rig->notify[1] = (struct rig_notify){ "task.completed", "live", "ok" };
    struct rig_task t[40] = { 0 };
    for (size_t i = 0; i < N_ELEMENTS(t); i++)
        rig_submit(rig, &t[i], "a", "ok");
    rig_until_sent(rig, "live", N_ELEMENTS(t));
    CHECK_INT(rig_sent(rig, "dead"), 4);
    rig_free(rig);
}

TEST(an_unknown_target_is_a_dead_letter)
{
    struct rig *rig = rig_notified("delivery.failed", "told", "ok");
    struct intake none = { 0 };
    struct rig_task t = { .rig = rig };
    struct delivery_row row = { .id = STR("d-1"),
                                .receiver = STR("r"),
                                .target = STR("pigeon"),
                                .event = STR("x"),
                                .max_attempts = 3,
                                .created_at = 1,
                                .next_at = 1 };
    t.intake = none;
    t.intake.deliveries = &row;
    t.intake.n_deliveries = 1;
    t.intake.trigger_type = "api";
    t.intake.done = rig_on_committed;
    t.intake.ctx = &t;
    t.watch.ended = rig_on_ended;
    engine_submit(rig->engine, &t.intake);
    rig_until_sent(rig, "told", 1);
    CHECK_INT(rig->n_sends, 1);
    rig_free(rig);
}
