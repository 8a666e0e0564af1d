/* The promises of the store about intake and tasks, on each engine. */
#include "tests/contract/bed.h"

/* ---- intake ---- */

PROMISE(recorded_row_comes_back_whole)
{
    char large[30000];
    memset(large, 'x', sizeof(large));
    struct task_row t = task_of("webhook-a-1", "a");
    t.trigger_type = STR("webhook");
    t.state = TASK_QUEUED;
    t.input = str_n(large, sizeof(large));
    t.session_id = STR("s");
    t.receipt_id = STR("r1");
    t.callback_url = STR("https://x/");
    t.meta = STR("{\"k\":1}");
    t.scheduled_at = 7;
    t.trace_id = STR("00-1");
    t.retries = 2;
    struct receipt_row r = receipt_of("r1", "hook");
    r.body = t.input;
    r.task_id = t.id;
    r.entity = STR("e");
    struct event_row events[] = {
        { .task_id = t.id, .type = STR("task.queued"), .at = 5, .data = STR("{}") },
        { .task_id = t.id, .type = STR("task.other"), .at = 6 }
    };
    struct delivery_row d = delivery_of("d1", "a/x");
    d.task_id = t.id;
    d.body = str_n(large, 2049);
    struct store_record rec = { .receipt = &r,
                                .task = &t,
                                .events = events,
                                .n_events = 2,
                                .deliveries = &d,
                                .n_deliveries = 1 };
    MUST(b, store_record, &rec);
    CHECK_INT(rec.outcome, RECORD_DONE);
    CHECK_INT(rec.seq, 1);
    CHECK_INT(rec.last_event_seq, 2);

    struct store_task_get g = { .id = t.id };
    MUST(b, store_task_get, &g);
    CHECK_INT(g.task.seq, 1);
    CHECK_STR(g.task.agent, "a");
    CHECK_STR(g.task.meta, "{\"k\":1}");
    CHECK_STR(g.task.session_id, "s");
    CHECK_STR(g.task.callback_url, "https://x/");
    CHECK_INT(g.task.scheduled_at, 7);
    CHECK_INT(g.task.retries, 2);
    CHECK_INT(g.task.tokens_used, -1);
    CHECK(str_eq(g.task.input, t.input));
    CHECK(g.task.result.p == NULL && g.task.error_type.p == NULL && g.task.node.p == NULL);
    CHECK_INT(g.n_delivery_ids, 1);
    CHECK_STR(g.delivery_ids[0], "d1");
    CHECK_INT(get_delivery(b, "d1").body.n, 2049);

    struct store_receipt_get rg = { .id = STR("r1") };
    MUST(b, store_receipt_get, &rg);
    CHECK(rg.found && str_eq(rg.receipt.body, r.body));
    CHECK_STR(rg.receipt.entity, "e");
    CHECK_STR(rg.receipt.task_id, "webhook-a-1");
    CHECK_INT(rg.receipt.http_status, 202);
}

PROMISE(empty_input_is_not_null)
{
    struct task_row t = task_of("t1", "a");
    t.input = STR("");
    put_task(b, t);
    CHECK(get_task(b, "t1").input.p != NULL);
    CHECK_INT(get_task(b, "t1").input.n, 0);
    struct task_row none = task_of("t2", "a");
    none.input = STR_NULL;
    put_task(b, none);
    CHECK(get_task(b, "t2").input.p == NULL);
}

PROMISE(unknown_id_is_not_found)
{
    struct store_task_get g = { .id = STR("nobody") };
    MUST(b, store_task_get, &g);
    CHECK(!g.found);
    struct store_receipt_get r = { .id = STR("nobody") };
    MUST(b, store_receipt_get, &r);
    CHECK(!r.found);
    struct store_delivery_get d = { .id = STR("nobody") };
    MUST(b, store_delivery_get, &d);
    CHECK(!d.found);
}

struct intake {
    struct task_row task;
    struct receipt_row receipt;
    struct store_dedup dedup;
    struct store_record record;
};

static void intake_fill(struct intake *i, const char *task_id, const char *receipt_id,
                        const char *key)
{
    i->task = task_of(task_id, "a");
    i->receipt = receipt_of(receipt_id, "hook");
    i->receipt.task_id = i->task.id;
    i->dedup = (struct store_dedup){ STR("hook"), str_of(key), NOW + HOUR };
    i->record = (struct store_record){
        .task = &i->task, .receipt = &i->receipt, .dedups = &i->dedup, .n_dedups = 1
    };
}

PROMISE(duplicate_names_its_original)
{
    struct intake one, two;
    intake_fill(&one, "t1", "r1", "k");
    intake_fill(&two, "t2", "r2", "k");
    MUST(b, store_record, &one.record);
    MUST(b, store_record, &two.record);
    CHECK_INT(one.record.outcome, RECORD_DONE);
    CHECK_INT(two.record.outcome, RECORD_DUPLICATE);
    CHECK_STR(two.record.original_task_id, "t1");
    CHECK_STR(two.record.original_receipt_id, "r1");
    struct store_task_get g = { .id = STR("t2") };
    MUST(b, store_task_get, &g);
    CHECK(!g.found);
    struct store_receipt_get r = { .id = STR("r2") };
    MUST(b, store_receipt_get, &r);
    CHECK_STR(r.receipt.status, "deduplicated");
    CHECK_STR(r.receipt.task_id, "t1");
    CHECK_STR(r.receipt.body, "body");
}

PROMISE(duplicate_in_the_same_batch_is_one)
{
    struct intake all[64];
    char ids[64][2][16];
    unsigned done = 0;
    for (int i = 0; i < 64; i++) {
        snprintf(ids[i][0], 16, "t%d", i);
        snprintf(ids[i][1], 16, "r%d", i);
        intake_fill(&all[i], ids[i][0], ids[i][1], "k");
        START(b, store_record, &all[i].record);
    }
    bed_wait(b, 64);
    for (int i = 0; i < 64; i++)
        done += all[i].record.outcome == RECORD_DONE;
    CHECK_INT(done, 1);
    CHECK_INT(all[0].record.outcome, RECORD_DONE);
    CHECK_STR(all[63].record.original_task_id, "t0");
}

PROMISE(expired_key_is_no_duplicate)
{
    struct intake one, two;
    intake_fill(&one, "t1", "r1", "k");
    intake_fill(&two, "t2", "r2", "k");
    MUST(b, store_record, &one.record);
    clock_advance(&b->clock, HOUR + 1);
    two.dedup.expires_at = b->clock.wall_us + HOUR;
    loop_poke(b->loop);
    MUST(b, store_record, &two.record);
    CHECK_INT(two.record.outcome, RECORD_DONE);
}

PROMISE(freed_key_is_no_duplicate)
{
    struct intake one, two;
    intake_fill(&one, "t1", "r1", "k");
    intake_fill(&two, "t2", "r2", "k");
    MUST(b, store_record, &one.record);
    struct store_record r = { .dedups = &one.dedup, .n_dedups = 1, .dedup_free = true };
    MUST(b, store_record, &r);
    MUST(b, store_record, &two.record);
    CHECK_INT(two.record.outcome, RECORD_DONE);
}

PROMISE(any_of_several_keys_is_a_duplicate)
{
    struct intake one, two;
    intake_fill(&one, "t1", "r1", "id");
    intake_fill(&two, "t2", "r2", "other id");
    struct store_dedup first[] = { one.dedup, { STR("hook"), STR("sig"), NOW + HOUR } };
    struct store_dedup second[] = { two.dedup, { STR("hook"), STR("sig"), NOW + HOUR } };
    one.record.dedups = first;
    two.record.dedups = second;
    one.record.n_dedups = two.record.n_dedups = 2;
    MUST(b, store_record, &one.record);
    MUST(b, store_record, &two.record);
    CHECK_INT(two.record.outcome, RECORD_DUPLICATE);
    struct intake elsewhere;
    intake_fill(&elsewhere, "t3", "r3", "id");
    elsewhere.dedup.scope = STR("another route");
    MUST(b, store_record, &elsewhere.record);
    CHECK_INT(elsewhere.record.outcome, RECORD_DONE);
}

PROMISE(receipt_of_a_known_id_gets_its_outcome)
{
    struct receipt_row r = receipt_of("r1", "hook");
    r.status = STR("rejected");
    struct store_record rec = { .receipt = &r };
    MUST(b, store_record, &rec);
    r.status = STR("delivered");
    r.http_status = 200;
    r.repeated = 41;
    r.body = STR_NULL;
    MUST(b, store_record, &rec);
    struct store_list l = { .limit = 10 };
    MUST(b, store_receipt_list, &l);
    CHECK_INT(l.n, 1);
    CHECK_STR(l.receipts[0].status, "delivered");
    CHECK_INT(l.receipts[0].repeated, 41);
    struct store_receipt_get g = { .id = STR("r1") };
    MUST(b, store_receipt_get, &g);
    CHECK_STR(g.receipt.body, "body");
}

/* ---- schedules ---- */

static enum record_outcome fire(struct bed *b, const char *task_id, int64_t at)
{
    struct task_row t = task_of(task_id, "a");
    struct fire_row f = { .schedule = STR("s"),
                          .first = at,
                          .last = at,
                          .count = 1,
                          .outcome = STR("ran"),
                          .task_id = t.id,
                          .at = NOW };
    struct schedule_row s = { .name = STR("s"), .definition = STR("x"), .high_water = at };
    struct store_record r = { .task = &t, .fires = &f, .n_fires = 1, .schedule = &s };
    MUST(b, store_record, &r);
    return r.outcome;
}

PROMISE(due_time_fires_once)
{
    CHECK_INT(fire(b, "t1", 100), RECORD_DONE);
    CHECK_INT(fire(b, "t2", 100), RECORD_ALREADY_FIRED);
    CHECK_INT(fire(b, "t3", 200), RECORD_DONE);
    bed_reopen(b);
    CHECK_INT(fire(b, "t4", 200), RECORD_ALREADY_FIRED);
    struct store_task_get g = { .id = STR("t2") };
    MUST(b, store_task_get, &g);
    CHECK(!g.found);
    struct store_schedules l = { .n = 9 };
    MUST(b, store_schedules, &l);
    CHECK_INT(l.n, 1);
    CHECK_INT(l.rows[0].high_water, 200);
    CHECK_STR(l.rows[0].definition, "x");
}

static enum record_outcome skip(struct bed *b, int64_t first, int64_t last, int64_t count,
                                const char *reason)
{
    struct fire_row f = { .schedule = STR("s"),
                          .first = first,
                          .last = last,
                          .count = count,
                          .outcome = STR("skipped"),
                          .reason = str_of(reason),
                          .at = NOW };
    struct store_record r = { .fires = &f, .n_fires = 1 };
    MUST(b, store_record, &r);
    return r.outcome;
}

PROMISE(run_of_skipped_times_grows_in_one_row)
{
    CHECK_INT(skip(b, 100, 100, 1, "paused"), RECORD_DONE);
    CHECK_INT(skip(b, 100, 300, 3, "paused"), RECORD_DONE);
    CHECK_INT(skip(b, 100, 400, 4, "window"), RECORD_ALREADY_FIRED);
    CHECK_INT(skip(b, 100, 300, 3, "paused"), RECORD_ALREADY_FIRED);
    CHECK_INT(fire(b, "t1", 200), RECORD_ALREADY_FIRED);
    CHECK_INT(fire(b, "t1", 400), RECORD_DONE);
    struct store_list l = { .schedule = STR("s"), .limit = 10 };
    MUST(b, store_fire_list, &l);
    CHECK_INT(l.n, 2);
    CHECK_INT(l.fires[1].first, 100);
    CHECK_INT(l.fires[1].last, 300);
    CHECK_INT(l.fires[1].count, 3);
    CHECK_STR(l.fires[0].outcome, "ran");
}

/* ---- claims ---- */

PROMISE(oldest_due_task_is_claimed_first)
{
    struct task_row t[] = { task_of("t1", "a"), task_of("t2", "a"), task_of("t3", "a"),
                            task_of("t4", "b") };
    t[0].due_at = NOW + 10;
    t[2].due_at = NOW - 10;
    for (size_t i = 0; i < N_ELEMENTS(t); i++)
        put_task(b, t[i]);
    struct claim_slot slot = { STR("a"), 5 };
    struct store_claim c = { .now = NOW, .slots = &slot, .n_slots = 1, .limit = 5 };
    MUST(b, store_claim, &c);
    CHECK_STR(ids_of_tasks(b, c.tasks, c.n_tasks), "t3 t2");
    CHECK_INT(c.next_due, NOW + 10);
    CHECK_INT(c.tasks[0].state, TASK_RUNNING);
    CHECK_INT(c.tasks[0].attempt, 1);
    CHECK_INT(c.tasks[0].started_at, NOW);
    CHECK_STR(c.tasks[0].node, "n1");
    CHECK_STR(c.tasks[0].input, "input");
    CHECK_CLAIM("", b, "a", 5, 5);
    clock_advance(&b->clock, 10);
    CHECK_CLAIM("t1", b, "a", 5, 5);
}

PROMISE(claims_go_round_over_agents)
{
    char ids[24][16];
    for (int i = 0; i < 24; i++) {
        snprintf(ids[i], 16, "a%d", i);
        put_task(b, task_of(ids[i], "a"));
    }
    put_task(b, task_of("b0", "b"));
    put_task(b, task_of("b1", "b"));
    put_task(b, task_of("c0", "c"));
    CHECK_CLAIM("a0 b0 c0 a1", b, "a b c", 9, 4);
    CHECK_CLAIM("b1", b, "a b c", 9, 1);
    CHECK_CLAIM("a2", b, "a b c", 9, 1);
    put_task(b, task_of("c1", "c"));
    CHECK_CLAIM("c1", b, "a b c", 9, 1);
    CHECK_CLAIM("a3 a4", b, "a b c", 2, 9);
    CHECK_CLAIM("", b, "b", 9, 9);
}

static void put_session(struct bed *b, const char *id, const char *session)
{
    struct task_row t = task_of(id, "a");
    t.session_id = str_of(session);
    put_task(b, t);
}

PROMISE(session_runs_one_at_a_time_in_order)
{
    put_session(b, "s1", "s");
    put_session(b, "s2", "s");
    put_session(b, "o1", "other");
    put_session(b, "s3", "s");
    put_task(b, task_of("free", "a"));
    CHECK_CLAIM("s1 o1 free", b, "a", 9, 9);
    CHECK_CLAIM("", b, "a", 9, 9);
    CHECK(finish(b, "s1", TASK_COMPLETED));
    CHECK_CLAIM("s2", b, "a", 9, 9);
    CHECK_CLAIM("", b, "a", 9, 9);
    CHECK(finish(b, "s2", TASK_INPUT_REQUIRED));
    CHECK_CLAIM("", b, "a", 9, 9);
    CHECK(finish(b, "s2", TASK_FAILED));
    CHECK_CLAIM("s3", b, "a", 9, 9);
}

PROMISE(session_waits_for_a_task_that_retries)
{
    put_session(b, "s1", "s");
    put_session(b, "s2", "s");
    CHECK_CLAIM("s1", b, "a", 9, 9);
    struct task_row t = get_task(b, "s1");
    t.state = TASK_QUEUED;
    t.due_at = NOW + HOUR;
    struct store_finish f = { .task = &t, .expect = 1U << TASK_RUNNING };
    MUST(b, store_finish, &f);
    CHECK_CLAIM("", b, "a", 9, 9);
    clock_advance(&b->clock, HOUR);
    CHECK_CLAIM("s1", b, "a", 9, 9);
    CHECK(finish(b, "s1", TASK_COMPLETED));
    CHECK_CLAIM("s2", b, "a", 9, 9);
}

PROMISE(cancelled_head_lets_the_session_go_on)
{
    put_session(b, "s1", "s");
    put_session(b, "s2", "s");
    put_session(b, "s3", "s");
    CHECK_CLAIM("s1", b, "a", 9, 9);
    CHECK_CLAIM("", b, "a", 9, 9);
    CHECK(finish(b, "s2", TASK_CANCELLED));
    CHECK_CLAIM("", b, "a", 9, 9);
    CHECK(finish(b, "s1", TASK_COMPLETED));
    CHECK_CLAIM("s3", b, "a", 9, 9);
}

PROMISE(task_retried_by_hand_waits_for_its_running_session)
{
    put_session(b, "s1", "s");
    put_session(b, "s2", "s");
    put_session(b, "s3", "s");
    CHECK_CLAIM("s1", b, "a", 9, 9);
    CHECK(finish(b, "s1", TASK_FAILED));
    CHECK_CLAIM("s2", b, "a", 9, 9);
    CHECK(finish(b, "s1", TASK_QUEUED));
    CHECK_CLAIM("", b, "a", 9, 9);
    CHECK(finish(b, "s2", TASK_COMPLETED));
    CHECK_CLAIM("s1", b, "a", 9, 9);
    CHECK(finish(b, "s1", TASK_COMPLETED));
    CHECK_CLAIM("s3", b, "a", 9, 9);
}

PROMISE(long_waiting_session_does_not_slow_claims)
{
    enum { MANY = 3000 };
    struct task_row *t = ARENA_ARRAY(b->arena, struct task_row, MANY);
    struct store_record *r = ARENA_ARRAY(b->arena, struct store_record, MANY);
    for (int i = 0; i < MANY; i++) {
        t[i] = task_of(arena_printf(b->arena, "s%d", i).p, "a");
        t[i].session_id = STR("s");
        r[i].task = &t[i];
        START(b, store_record, &r[i]);
    }
    bed_wait(b, MANY);
    put_task(b, task_of("late", "a"));
    CHECK_CLAIM("s0", b, "a", 1, 1);
    struct str got = STR("");
    for (int turns = 0; turns < 5 && !got.n; turns++)
        got = claim(b, "a", 1, 1);
    CHECK_STR(got, "late");
}

/* ---- finish ---- */

PROMISE(finish_writes_result_events_deliveries_and_messages)
{
    put_session(b, "t1", "s");
    CHECK_CLAIM("t1", b, "a", 1, 1);
    struct task_row t = get_task(b, "t1");
    t.state = TASK_COMPLETED;
    t.result = STR("{\"r\":1}");
    t.result_json = true;
    t.usage = STR("{\"in\":1}");
    t.tokens_used = 12;
    t.tools_called = 3;
    t.finished_at = NOW + 5;
    struct event_row ev = {
        .task_id = t.id, .type = STR("task.completed"), .at = 1, .data = STR("{}")
    };
    struct delivery_row d = delivery_of("d1", "a/x");
    d.task_id = t.id;
    struct message_row m[] = {
        { .session_id = STR("s"), .role = STR("user"), .content = STR("1") },
        { .session_id = STR("s"), .role = STR("assistant"), .content = STR("2") }
    };
    struct store_finish f = { .task = &t,
                              .expect = 1U << TASK_RUNNING,
                              .events = &ev,
                              .n_events = 1,
                              .deliveries = &d,
                              .n_deliveries = 1,
                              .messages = m,
                              .n_messages = 2 };
    MUST(b, store_finish, &f);
    CHECK(f.applied && f.last_event_seq == 1);
    struct task_row now = get_task(b, "t1");
    CHECK_INT(now.state, TASK_COMPLETED);
    CHECK_STR(now.result, "{\"r\":1}");
    CHECK(now.result_json);
    CHECK_INT(now.tokens_used, 12);
    CHECK_INT(now.tools_called, 3);
    CHECK_INT(now.finished_at, NOW + 5);
    CHECK(now.node.p == NULL);
    CHECK_INT(get_delivery(b, "d1").state, DELIVERY_PENDING);
    struct store_events e = { .task_id = t.id, .limit = 10 };
    MUST(b, store_events, &e);
    CHECK_INT(e.n_events, 1);
    CHECK_STR(e.events[0].type, "task.completed");
    struct store_session s = { .session_id = STR("s"), .limit = 1 };
    MUST(b, store_session, &s);
    CHECK_INT(s.n_messages, 1);
    CHECK_STR(s.messages[0].content, "2");
    s.limit = 10;
    MUST(b, store_session, &s);
    CHECK_STR(s.messages[0].content, "1");
    s.clear = true;
    MUST(b, store_session, &s);
    s.clear = false;
    MUST(b, store_session, &s);
    CHECK_INT(s.n_messages, 0);
}

PROMISE(late_result_of_an_old_attempt_is_fenced)
{
    put_task(b, task_of("t1", "a"));
    CHECK_CLAIM("t1", b, "a", 1, 1);
    struct task_row first = get_task(b, "t1");
    CHECK(finish(b, "t1", TASK_QUEUED));
    CHECK_CLAIM("t1", b, "a", 1, 1);
    struct event_row ev = { .task_id = STR("t1"), .type = STR("task.completed"), .at = 1 };
    first.state = TASK_COMPLETED;
    struct store_finish f = {
        .task = &first, .expect = 1U << TASK_RUNNING, .events = &ev, .n_events = 1
    };
    MUST(b, store_finish, &f);
    CHECK(!f.applied);
    CHECK_INT(f.was, TASK_RUNNING);
    CHECK_INT(f.last_event_seq, 0);
    struct task_row other = get_task(b, "t1");
    other.state = TASK_COMPLETED;
    other.node = STR("n2");
    f.task = &other;
    MUST(b, store_finish, &f);
    CHECK(!f.applied);
    other.node = STR_NULL;
    MUST(b, store_finish, &f);
    CHECK(f.applied);
    MUST(b, store_finish, &f);
    CHECK(!f.applied);
    CHECK_INT(f.was, TASK_COMPLETED);
    other.id = STR("gone");
    CHECK_INT(DO(b, store_finish, &f), -1);
    CHECK_INT(f.op.error.code, ERROR_NOT_FOUND);
}

PROMISE(recover_puts_interrupted_tasks_back)
{
    put_task(b, task_of("webhook-a-1700000000000000001", "a"));
    put_task(b, task_of("webhook-a-1700000000000000009", "a"));
    put_session(b, "schedule-a-1700000000000000005", "s");
    put_session(b, "x", "s");
    put_delivery(b, delivery_of("d1", "r"));
    CHECK_INT(claim(b, "a", 2, 2).n, 59);
    struct store_due due = { .now = NOW, .limit = 1, .per_receiver = 1 };
    MUST(b, store_due, &due);
    CHECK_INT(due.n_deliveries, 1);
    bed_reopen(b);
    struct store_recover r = { .now = NOW };
    MUST(b, store_recover, &r);
    CHECK_STR(ids_of_tasks(b, r.tasks, r.n_tasks),
              "webhook-a-1700000000000000001 webhook-a-1700000000000000009");
    CHECK_INT(r.last_ns, 1700000000000000009);
    CHECK_INT(r.tasks[0].interruptions, 1);
    CHECK_INT(get_task(b, "webhook-a-1700000000000000001").state, TASK_QUEUED);
    CHECK_INT(get_task(b, "webhook-a-1700000000000000001").attempt, 1);
    MUST(b, store_due, &due);
    CHECK_INT(due.n_deliveries, 1);
    CHECK_INT(claim(b, "a", 9, 9).n, 59 + 31);
    CHECK_INT(get_task(b, "webhook-a-1700000000000000001").attempt, 2);
}

PROMISE(counts_say_what_waits)
{
    struct task_row t = task_of("a1", "a");
    t.created_at = NOW - 5;
    put_task(b, t);
    put_task(b, task_of("a2", "a"));
    put_task(b, task_of("b1", "b"));
    put_delivery(b, delivery_of("d1", "r"));
    CHECK_CLAIM("b1", b, "b", 1, 1);
    struct store_counts c = { 0 };
    MUST(b, store_counts, &c);
    CHECK_INT(c.n_agents, 1);
    CHECK_STR(c.agents[0].agent, "a");
    CHECK_INT(c.agents[0].queued, 2);
    CHECK_INT(c.agents[0].oldest, NOW - 5);
    CHECK_INT(c.deliveries_open, 1);
}
