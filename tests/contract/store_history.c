/* The promises of the store about lists, retention, settings and dynamic webhooks, on each engine. */
#include "tests/contract/bed.h"

/* ---- lists ---- */

static struct str task_page(struct bed *b, struct store_list l, int64_t *next)
{
    MUST(b, store_task_list, &l);
    if (next)
        *next = l.next_before_seq;
    return ids_of_tasks(b, l.tasks, l.n);
}

static void put_history(struct bed *b)
{
    static const struct {
        const char *id, *agent, *type, *name;
        enum task_state state;
        int64_t at;
    } rows[] = {
        { "t1", "a", "webhook", "hook", TASK_COMPLETED, NOW },
        { "t2", "a", "schedule", "nightly", TASK_FAILED, NOW + 2 * HOUR },
        { "t3", "b", "webhook", "hook", TASK_COMPLETED, NOW + 4 * HOUR },
        { "t4", "b", "api", "api", TASK_FAILED, NOW + 6 * HOUR },
        { "t5", "a", "webhook", "other", TASK_QUEUED, NOW + 8 * HOUR },
        { "t6", "a", "webhook", "hook", TASK_FAILED, NOW + 10 * HOUR },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct task_row t = task_of(rows[i].id, rows[i].agent);
        t.trigger_type = str_of(rows[i].type);
        t.trigger_name = str_of(rows[i].name);
        t.state = rows[i].state;
        t.created_at = rows[i].at;
        put_task(b, t);
    }
}

PROMISE(task_list_filters_combine)
{
    static const struct {
        const char *name, *want;
        struct store_list list;
    } rows[] = {
        { "all", "t6 t5 t4 t3 t2 t1", { .limit = 50 } },
        { "agent", "t6 t5 t2 t1", { .limit = 50, .agent = { "a", 1 } } },
        { "state", "t6 t4 t2", { .limit = 50, .state = { "failed", 6 } } },
        { "the usual state", "t3 t1", { .limit = 50, .state = { "completed", 9 } } },
        { "waiting", "t5", { .limit = 50, .state = { "queued", 6 } } },
        { "trigger type", "t6 t5 t3 t1", { .limit = 50, .trigger = { "webhook", 7 } } },
        { "trigger name", "t6 t3 t1", { .limit = 50, .trigger = { "hook", 4 } } },
        { "agent and state",
          "t6 t2",
          { .limit = 50, .agent = { "a", 1 }, .state = { "failed", 6 } } },
        { "three",
          "t6",
          { .limit = 50,
            .agent = { "a", 1 },
            .state = { "failed", 6 },
            .trigger = { "hook", 4 } } },
        { "since", "t6 t5 t4", { .limit = 50, .since = NOW + 6 * HOUR } },
        { "until", "t2 t1", { .limit = 50, .until = NOW + 2 * HOUR } },
        { "between", "t3 t2", { .limit = 50, .since = NOW + 1, .until = NOW + 4 * HOUR } },
        { "between and agent",
          "t2",
          { .limit = 50, .agent = { "a", 1 }, .since = NOW + 1, .until = NOW + 4 * HOUR } },
        { "after all", "", { .limit = 50, .since = NOW + 99 * HOUR } },
        { "before all", "", { .limit = 50, .until = NOW - 99 * HOUR } },
        { "nobody", "", { .limit = 50, .agent = { "c", 1 } } },
        { "unknown word", "", { .limit = 50, .state = { "odd", 3 } } },
        { "injection", "", { .limit = 50, .agent = { "a' OR 1=1 --", 12 } } },
        { "limit", "t6 t5", { .limit = 2 } },
        { "cursor", "t3 t2 t1", { .limit = 50, .before_seq = 4 } },
        { "cursor and filter", "t2 t1", { .limit = 50, .before_seq = 4, .agent = { "a", 1 } } },
    };
    put_history(b);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].name);
        struct str got = task_page(b, rows[i].list, NULL);
        CHECK_STR(got, rows[i].want);
    }
}

PROMISE(cursor_walks_all_pages_once)
{
    put_history(b);
    struct str all = STR("");
    int64_t next = 0;
    unsigned pages = 0;
    do {
        struct str page =
            task_page(b, (struct store_list){ .limit = 2, .before_seq = next }, &next);
        all = arena_printf(b->arena, "%" STR_FMT "|%" STR_FMT, STR_ARG(all), STR_ARG(page));
    } while (next && ++pages < 10);
    CHECK_STR(all, "|t6 t5|t4 t3|t2 t1");
    task_page(b, (struct store_list){ .limit = 6 }, &next);
    CHECK_INT(next, 0);
    task_page(b, (struct store_list){ .limit = 5 }, &next);
    CHECK_INT(next, 2);
}

PROMISE(list_cuts_input_and_result)
{
    char large[5000];
    memset(large, 'x', sizeof(large));
    struct task_row t = task_of("t1", "a");
    t.input = str_n(large, 2048);
    t.result = str_n(large, 5000);
    t.state = TASK_COMPLETED;
    put_task(b, t);
    struct store_list l = { .limit = 1 };
    MUST(b, store_task_list, &l);
    CHECK_INT(l.tasks[0].input.n, 2048);
    CHECK_INT(l.tasks[0].result.n, 2049);
    CHECK_INT(get_task(b, "t1").result.n, 5000);
}

PROMISE(delivery_list_filters_combine)
{
    put_task(b, task_of("t1", "a"));
    struct delivery_row d[] = { delivery_of("d1", "r1"), delivery_of("d2", "r2"),
                                delivery_of("d3", "r1"), delivery_of("d4", "r1") };
    d[0].task_id = d[1].task_id = STR("t1");
    d[1].state = d[2].state = DELIVERY_FAILED;
    d[0].state = DELIVERY_SUCCEEDED;
    struct store_record r = { .deliveries = d, .n_deliveries = 4 };
    MUST(b, store_record, &r);
    static const struct {
        const char *name, *want;
        struct store_list list;
    } rows[] = {
        { "all", "d4 d3 d2 d1", { .limit = 9 } },
        { "receiver", "d4 d3 d1", { .limit = 9, .receiver = { "r1", 2 } } },
        { "task", "d2 d1", { .limit = 9, .task_id = { "t1", 2 } } },
        { "state", "d3 d2", { .limit = 9, .state = { "failed", 6 } } },
        { "succeeded", "d1", { .limit = 9, .state = { "succeeded", 9 } } },
        { "receiver and state",
          "d3",
          { .limit = 9, .state = { "failed", 6 }, .receiver = { "r1", 2 } } },
        { "task and receiver",
          "d1",
          { .limit = 9, .task_id = { "t1", 2 }, .receiver = { "r1", 2 } } },
        { "agent", "d2 d1", { .limit = 9, .agent = { "a", 1 } } },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].name);
        struct store_list l = rows[i].list;
        MUST(b, store_delivery_list, &l);
        struct str got = ids_of_deliveries(b, l.deliveries, l.n);
        CHECK_STR(got, rows[i].want);
        CHECK(l.n == 0 || l.deliveries[0].body.p == NULL);
    }
}

PROMISE(receipt_list_filters_combine)
{
    static const char *const ids[] = { "r1", "r2", "r3", "r4" };
    for (size_t i = 0; i < 4; i++) {
        struct receipt_row r = receipt_of(ids[i], i < 2 ? "one" : "two");
        r.status = i % 2 ? STR("rejected") : STR("accepted");
        r.task_id = i == 2 ? STR("t") : STR_NULL;
        struct store_record rec = { .receipt = &r };
        MUST(b, store_record, &rec);
    }
    static const struct {
        const char *name, *want;
        struct store_list list;
    } rows[] = {
        { "all", "r4 r3 r2 r1 ", { .limit = 9 } },
        { "route", "r2 r1 ", { .limit = 9, .route = { "one", 3 } } },
        { "status", "r4 r2 ", { .limit = 9, .state = { "rejected", 8 } } },
        { "accepted", "r3 r1 ", { .limit = 9, .state = { "accepted", 8 } } },
        { "route and status",
          "r4 ",
          { .limit = 9, .state = { "rejected", 8 }, .route = { "two", 3 } } },
        { "task", "r3 ", { .limit = 9, .task_id = { "t", 1 } } },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].name);
        struct store_list l = rows[i].list;
        MUST(b, store_receipt_list, &l);
        struct str all = STR("");
        for (size_t k = 0; k < l.n; k++)
            all = arena_printf(b->arena, "%" STR_FMT "%" STR_FMT " ", STR_ARG(all),
                               STR_ARG(l.receipts[k].id));
        CHECK_STR(all, rows[i].want);
        CHECK(l.receipts[0].body.p == NULL && l.receipts[0].headers.p == NULL);
    }
}

PROMISE(events_are_read_on_from_a_place)
{
    struct event_row e[] = { { .task_id = STR("t1"), .type = STR("a"), .at = 1 },
                             { .task_id = STR("t2"), .type = STR("b"), .at = 1 },
                             { .task_id = STR("t1"), .type = STR("c"), .at = 1 },
                             { .type = STR("schedule.missed"), .at = 1 } };
    struct store_record r = { .events = e, .n_events = 4 };
    MUST(b, store_record, &r);
    CHECK_INT(r.last_event_seq, 4);
    struct store_events all = { .after_seq = 1, .limit = 2 };
    MUST(b, store_events, &all);
    CHECK_INT(all.n_events, 2);
    CHECK_STR(all.events[0].type, "b");
    CHECK_INT(all.events[1].seq, 3);
    struct store_events one = { .task_id = STR("t1"), .after_seq = 1, .limit = 9 };
    MUST(b, store_events, &one);
    CHECK_INT(one.n_events, 1);
    CHECK_STR(one.events[0].type, "c");
}

/* ---- retention ---- */

static int64_t prune_all(struct bed *b, struct store_prune p)
{
    int64_t deleted = 0;
    p.now = b->clock.wall_us;
    for (int i = 0; i < 1000; i++) {
        MUST(b, store_prune, &p);
        deleted += p.deleted;
        if (!p.more)
            return deleted;
    }
    T_FAIL("retention never ends");
    return deleted;
}

static bool task_is_there(struct bed *b, const char *id)
{
    struct store_task_get g = { .id = str_of(id) };
    MUST(b, store_task_get, &g);
    return g.found;
}

/* A webhook's task that ended at `at`, with receipt, event, delivery and attempt. */
static void put_ended(struct bed *b, const char *id, int64_t at)
{
    struct task_row t = task_of(id, "a");
    t.state = TASK_COMPLETED;
    t.created_at = t.finished_at = at;
    t.result = STR("result");
    struct receipt_row r = receipt_of(id, "hook");
    r.received_at = at;
    r.task_id = t.receipt_id = t.id;
    r.body = t.input;
    struct delivery_row d = delivery_of(id, "r");
    d.task_id = t.id;
    d.created_at = d.finished_at = at;
    d.state = DELIVERY_SUCCEEDED;
    struct event_row ev = { .task_id = t.id, .type = STR("x"), .at = at };
    struct store_record rec = {
        .task = &t, .receipt = &r, .deliveries = &d, .n_deliveries = 1, .events = &ev, .n_events = 1
    };
    MUST(b, store_record, &rec);
    struct attempt_row a = { .delivery_id = d.id, .n = 1, .at = at };
    struct store_attempt att = { .attempt = &a, .delivery = &d };
    MUST(b, store_attempt, &att);
}

PROMISE(retention_deletes_what_is_old_and_nothing_else)
{
    put_ended(b, "old", NOW - 10);
    put_ended(b, "new", NOW + 10);
    struct task_row waiting = task_of("waiting", "a");
    waiting.created_at = 1;
    put_task(b, waiting);
    struct delivery_row open = delivery_of("open", "r");
    open.task_id = STR("old");
    open.created_at = 1;
    put_delivery(b, open);
    prune_all(b, (struct store_prune){ .before = NOW, .limit = 10 });
    CHECK(!task_is_there(b, "old"));
    CHECK(task_is_there(b, "new"));
    CHECK(task_is_there(b, "waiting"));
    CHECK_STR(get_task(b, "new").input, "input");
    CHECK_STR(get_task(b, "waiting").input, "input");
    CHECK_STR(get_delivery(b, "open").body, "{\"a\":1}");
    struct store_delivery_get d = { .id = STR("old") };
    MUST(b, store_delivery_get, &d);
    CHECK(!d.found);
    struct store_receipt_get r = { .id = STR("old") };
    MUST(b, store_receipt_get, &r);
    CHECK(!r.found);
    r.id = STR("new");
    MUST(b, store_receipt_get, &r);
    CHECK_STR(r.receipt.body, "input");
    struct store_events e = { .limit = 10 };
    MUST(b, store_events, &e);
    CHECK_INT(e.n_events, 1);
    CHECK_INT(prune_all(b, (struct store_prune){ .before = NOW, .limit = 10 }), 0);
    put_task(b, task_of("next", "a"));
    CHECK_INT(get_task(b, "next").seq, 4); /* numbers do not come back */
}

PROMISE(shared_body_lives_as_long_as_one_of_its_rows)
{
    struct task_row t = task_of("t", "a");
    t.receipt_id = STR("r");
    struct receipt_row r = receipt_of("r", "hook");
    r.task_id = t.id;
    r.body = t.input;
    r.received_at = NOW - 10;
    struct store_record rec = { .task = &t, .receipt = &r };
    MUST(b, store_record, &rec);
    prune_all(b, (struct store_prune){ .before = NOW, .limit = 10 });
    struct store_receipt_get g = { .id = STR("r") };
    MUST(b, store_receipt_get, &g);
    CHECK(!g.found);
    CHECK_STR(get_task(b, "t").input, "input");

    struct task_row t2 = task_of("t2", "a");
    t2.state = TASK_COMPLETED;
    t2.finished_at = NOW - 10;
    t2.receipt_id = STR("r2");
    r.id = STR("r2");
    r.task_id = t2.id;
    r.received_at = NOW + 10;
    rec.task = &t2;
    MUST(b, store_record, &rec);
    prune_all(b, (struct store_prune){ .before = NOW, .limit = 10 });
    CHECK(!task_is_there(b, "t2"));
    g.id = STR("r2");
    MUST(b, store_receipt_get, &g);
    CHECK_STR(g.receipt.body, "input");
}

PROMISE(receipts_past_their_ceiling_go_refused_ones_first)
{
    char body[1000];
    memset(body, 'x', sizeof(body));
    for (int i = 0; i < 40; i++) {
        struct receipt_row r = receipt_of(arena_printf(b->arena, "r%d", i).p, "hook");
        r.status = i % 2 ? STR("filtered") : STR("accepted");
        r.body = str_n(body, sizeof(body));
        struct store_record rec = { .receipt = &r };
        MUST(b, store_record, &rec);
    }
    prune_all(b, (struct store_prune){ .before = 1, .limit = 100, .max_receipt_bytes = 25000 });
    struct store_list l = { .state = STR("accepted"), .limit = 100 };
    MUST(b, store_receipt_list, &l);
    CHECK_INT(l.n, 20);
    l.state = STR_NULL;
    MUST(b, store_receipt_list, &l);
    CHECK(l.n <= 24 && l.n > 20);
    prune_all(b, (struct store_prune){ .before = 1, .limit = 100, .max_receipt_bytes = 5000 });
    MUST(b, store_receipt_list, &l);
    CHECK(l.n <= 4);
}

PROMISE(old_rows_without_a_task_go_too)
{
    struct event_row ev = { .type = STR("schedule.missed"), .at = NOW - 10 };
    struct fire_row f = { .schedule = STR("s"),
                          .first = 1,
                          .last = 1,
                          .count = 1,
                          .outcome = STR("ran"),
                          .at = NOW - 10 };
    struct store_dedup k = { STR("hook"), STR("k"), NOW - 10 };
    struct delivery_row d = delivery_of("d", "r");
    d.state = DELIVERY_FAILED;
    d.finished_at = NOW - 10;
    struct store_record rec = { .events = &ev,
                                .n_events = 1,
                                .fires = &f,
                                .n_fires = 1,
                                .dedups = &k,
                                .n_dedups = 1,
                                .deliveries = &d,
                                .n_deliveries = 1 };
    MUST(b, store_record, &rec);
    CHECK_INT(prune_all(b, (struct store_prune){ .before = NOW, .limit = 10 }), 4);
}

PROMISE(retention_step_keeps_to_its_limit)
{
    for (int i = 0; i < 30; i++)
        put_ended(b, arena_printf(b->arena, "t%d", i).p, NOW - 10);
    struct store_prune p = { .before = NOW, .now = NOW, .limit = 8 };
    MUST(b, store_prune, &p);
    CHECK(p.more);
    CHECK(p.deleted >= 8 && p.deleted <= 11); /* a task goes as a whole */
    prune_all(b, (struct store_prune){ .before = NOW, .limit = 8 });
    struct store_list l = { .limit = 1 };
    MUST(b, store_task_list, &l);
    CHECK_INT(l.n, 0);
}

/* ---- settings and webhooks ---- */

PROMISE(kept_value_is_created_once)
{
    struct store_meta m = { .key = STR("secret") };
    MUST(b, store_meta, &m);
    CHECK(m.value.p == NULL);
    m.put = STR("one");
    m.keep = true;
    MUST(b, store_meta, &m);
    CHECK_STR(m.value, "one");
    m.put = STR("two");
    MUST(b, store_meta, &m);
    CHECK_STR(m.value, "one");
    m.keep = false;
    MUST(b, store_meta, &m);
    CHECK_STR(m.value, "two");
    bed_reopen(b);
    m.put = STR_NULL;
    MUST(b, store_meta, &m);
    CHECK_STR(m.value, "two");
}

PROMISE(webhook_names_are_unique)
{
    struct webhook_row w = { .id = STR("1"),
                             .public_id = STR("wh_1"),
                             .name = STR("n"),
                             .definition = STR("{}"),
                             .enabled = true,
                             .created_at = NOW };
    struct store_webhooks req = { .put = &w };
    MUST(b, store_webhooks, &req);
    CHECK_INT(req.n, 1);
    struct webhook_row other = w;
    other.id = STR("2");
    other.public_id = STR("wh_2");
    req.put = &other;
    CHECK_INT(DO(b, store_webhooks, &req), -1);
    CHECK_INT(req.op.error.code, ERROR_EXISTS);
    other.name = STR("m");
    MUST(b, store_webhooks, &req);
    CHECK_INT(req.n, 2);
    CHECK_STR(req.rows[0].name, "m");
    w.enabled = false;
    w.definition = STR("{\"a\":1}");
    req.put = &w;
    MUST(b, store_webhooks, &req);
    CHECK(!req.rows[1].enabled);
    CHECK_STR(req.rows[1].definition, "{\"a\":1}");
    req.put = NULL;
    req.remove_id = STR("2");
    MUST(b, store_webhooks, &req);
    CHECK_INT(req.n, 1);
    req.remove_id = STR_NULL;
    MUST(b, store_webhooks, &req);
    CHECK_INT(req.n, 1);
}
