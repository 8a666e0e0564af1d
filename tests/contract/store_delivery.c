/* The promises of the store about deliveries, on each engine. */
#include "tests/contract/bed.h"

struct due_options {
    unsigned limit, per_receiver;
    const char *skip, *single; /* words */
};

static size_t words(struct str *out, size_t room, const char *text)
{
    size_t n = 0;
    struct str rest = str_of(text), word;
    while (n < room && str_split(&rest, ' ', &word))
        out[n++] = word;
    return n;
}

static struct store_due due_with(struct bed *b, struct due_options o)
{
    struct str *skip = ARENA_ARRAY(b->arena, struct str, 8);
    struct str *single = ARENA_ARRAY(b->arena, struct str, 8);
    struct store_due d = {
        .now = b->clock.wall_us,
        .limit = o.limit ? o.limit : 100,
        .per_receiver = o.per_receiver ? o.per_receiver : 10,
        .skip = skip,
        .n_skip = words(skip, 8, o.skip),
        .single = single,
        .n_single = words(single, 8, o.single),
    };
    MUST(b, store_due, &d);
    return d;
}

#define CHECK_DUE(want, ...)                                                           \
    do {                                                                               \
        struct store_due t_due = due_with(b, (struct due_options){ __VA_ARGS__ });     \
        struct str t_ids = ids_of_deliveries(b, t_due.deliveries, t_due.n_deliveries); \
        CHECK_STR(t_ids, want);                                                        \
    } while (0)

static void put_all(struct bed *b, struct delivery_row *d, size_t n)
{
    struct store_record r = { .deliveries = d, .n_deliveries = n };
    MUST(b, store_record, &r);
}

/* The attempt that is on its way ends with `state`. */
static void attempt(struct bed *b, const char *id, enum delivery_state state, int64_t next_at)
{
    struct delivery_row d = get_delivery(b, id);
    d.attempts++;
    d.state = state;
    d.next_at = next_at;
    d.finished_at = delivery_state_final(state) ? b->clock.wall_us : 0;
    d.last_error = state == DELIVERY_SUCCEEDED ? STR_NULL : STR("refused");
    struct attempt_row row = { .delivery_id = d.id,
                               .n = d.attempts,
                               .at = b->clock.wall_us,
                               .status_code = 500,
                               .error_type = STR("HTTP_ERROR"),
                               .response_excerpt = STR("no") };
    struct store_attempt a = { .attempt = &row, .delivery = &d };
    MUST(b, store_attempt, &a);
}

PROMISE(due_delivery_is_leased_until_its_attempt)
{
    struct delivery_row d[] = { delivery_of("d1", "r"), delivery_of("d2", "r") };
    d[0].headers = STR("{\"X\":\"1\"}");
    d[0].guard = STR("{}");
    d[0].initial_delay = 5;
    d[0].timeout = 30;
    d[1].next_at = NOW + 50;
    put_all(b, d, 2);
    struct store_due due = due_with(b, (struct due_options){ 0 });
    CHECK_INT(due.n_deliveries, 1);
    CHECK_STR(due.deliveries[0].id, "d1");
    CHECK_STR(due.deliveries[0].body, "{\"a\":1}");
    CHECK_STR(due.deliveries[0].headers, "{\"X\":\"1\"}");
    CHECK_STR(due.deliveries[0].guard, "{}");
    CHECK_INT(due.deliveries[0].initial_delay, 5);
    CHECK_INT(due.deliveries[0].timeout, 30);
    CHECK_INT(due.deliveries[0].max_attempts, 3);
    CHECK_INT(due.next_at, NOW + 50);
    CHECK_DUE("", 0);
    attempt(b, "d1", DELIVERY_RETRYING, NOW + 10);
    CHECK_DUE("", 0);
    clock_advance(&b->clock, 10);
    CHECK_DUE("d1", 0);
    attempt(b, "d1", DELIVERY_SUCCEEDED, 0);
    clock_advance(&b->clock, 40);
    CHECK_DUE("d2", 0);
    struct store_delivery_get g = { .id = STR("d1") };
    MUST(b, store_delivery_get, &g);
    CHECK_INT(g.delivery.state, DELIVERY_SUCCEEDED);
    CHECK_INT(g.n_attempts, 2);
    CHECK_INT(g.attempts[1].n, 2);
    CHECK_INT(g.attempts[1].status_code, 500);
    CHECK_STR(g.attempts[1].response_excerpt, "no");
    CHECK_INT(get_delivery(b, "d1").attempts, 2);
}

PROMISE(released_delivery_has_used_no_attempt)
{
    put_delivery(b, delivery_of("d1", "r"));
    CHECK_DUE("d1", 0);
    struct delivery_row d = get_delivery(b, "d1");
    d.attempts = 99;
    d.next_at = NOW + 7;
    struct store_attempt a = { .delivery = &d };
    MUST(b, store_attempt, &a);
    CHECK_INT(get_delivery(b, "d1").attempts, 0);
    struct store_due due = due_with(b, (struct due_options){ 0 });
    CHECK_INT(due.n_deliveries, 0);
    CHECK_INT(due.next_at, NOW + 7);
    clock_advance(&b->clock, 7);
    CHECK_DUE("d1", 0);
    d.id = STR("gone");
    CHECK_INT(DO(b, store_attempt, &a), -1);
    CHECK_INT(a.op.error.code, ERROR_NOT_FOUND);
}

PROMISE(attempt_writes_events_and_their_deliveries)
{
    put_delivery(b, delivery_of("d1", "r"));
    CHECK_DUE("d1", 0);
    struct delivery_row d = get_delivery(b, "d1"), next = delivery_of("d2", "ops");
    d.state = DELIVERY_FAILED;
    d.attempts = 1;
    d.finished_at = NOW;
    struct attempt_row row = { .delivery_id = d.id, .n = 1, .at = NOW };
    struct event_row ev = { .type = STR("delivery.failed"), .at = NOW };
    struct store_attempt a = { .attempt = &row,
                               .delivery = &d,
                               .events = &ev,
                               .n_events = 1,
                               .deliveries = &next,
                               .n_deliveries = 1 };
    MUST(b, store_attempt, &a);
    CHECK_INT(a.last_event_seq, 1);
    CHECK_DUE("d2", 0);
}

PROMISE(every_receiver_gets_its_turn)
{
    struct delivery_row d[40];
    char ids[40][16];
    for (int i = 0; i < 40; i++) {
        snprintf(ids[i], 16, "%s%d", i < 30 ? "a" : i < 38 ? "b" : "c", i);
        d[i] = delivery_of(ids[i], i < 30 ? "ra" : i < 38 ? "rb" : "rc");
    }
    put_all(b, d, 40);
    CHECK_DUE("a0 a1 b30 b31 c38 c39", .per_receiver = 2);
    CHECK_DUE("a2 a3 b32", .per_receiver = 2, .limit = 3);
    CHECK_DUE("a4 a5 b33", .per_receiver = 2, .limit = 3);
    CHECK_DUE("b34 b35 b36", .skip = "rx ra rc", .limit = 3);
    CHECK_DUE("a6", .limit = 1, .per_receiver = 1);
    CHECK_DUE("b37", .limit = 1, .per_receiver = 1);
    CHECK_DUE("a7", .limit = 1, .per_receiver = 1);
    CHECK_DUE("", .skip = "ra rb rc");
}

/* 1,000 live receivers and a dead one with 100,000 rows: its rows may not be looked at. */
PROMISE(dead_receiver_does_not_slow_the_others)
{
    enum { LIVE = 1000, DEAD = 100000, EACH = 10000 };
    struct delivery_row *d = ARENA_ARRAY(b->arena, struct delivery_row, EACH);
    int64_t began = clock_mono(&clock_real);
    for (int from = 0; from < DEAD; from += EACH) {
        for (int i = 0; i < EACH; i++)
            d[i] = delivery_of(arena_printf(b->arena, "dead%d", from + i).p, "r0500-dead");
        put_all(b, d, EACH);
    }
    int64_t fill = clock_mono(&clock_real) - began;
    for (int i = 0; i < LIVE; i++)
        d[i] = delivery_of(arena_printf(b->arena, "live%d", i).p,
                           arena_printf(b->arena, "r%04d", i).p);
    put_all(b, d, LIVE);
    began = clock_mono(&clock_real);
    struct store_due due =
        due_with(b, (struct due_options){ .limit = 2000, .per_receiver = 8, .skip = "r0500-dead" });
    CHECK_INT(due.n_deliveries, LIVE);
    for (int i = 0; i < 20; i++)
        CHECK_DUE("", .skip = "r0500-dead");
    /* A ratio with slack: 21 looks cost less than the fill by far. */
    CHECK(clock_mono(&clock_real) - began < fill / 2 + 100 * US_PER_MS);
    struct store_due dead = due_with(b, (struct due_options){ .per_receiver = 3 });
    CHECK_STR(ids_of_deliveries(b, dead.deliveries, dead.n_deliveries), "dead0 dead1 dead2");
}

PROMISE(started_is_never_overtaken_by_completed)
{
    struct delivery_row d[] = { delivery_of("started", "r"), delivery_of("completed", "r"),
                                delivery_of("elsewhere", "r2"), delivery_of("other task", "r") };
    d[0].task_id = d[1].task_id = d[2].task_id = STR("t1");
    d[3].task_id = STR("t2");
    put_all(b, d, 4);
    CHECK_DUE("started other task elsewhere", 0);
    attempt(b, "started", DELIVERY_RETRYING, NOW + HOUR);
    CHECK_DUE("", 0);
    clock_advance(&b->clock, HOUR);
    CHECK_DUE("started", 0);
    attempt(b, "started", DELIVERY_FAILED, 0);
    CHECK_DUE("completed", 0);
}

PROMISE(later_one_waits_over_a_restart)
{
    struct delivery_row d[] = { delivery_of("started", "r"), delivery_of("completed", "r") };
    d[0].task_id = d[1].task_id = STR("t1");
    put_all(b, d, 2);
    CHECK_DUE("started", 0);
    CHECK_DUE("", 0);
    bed_reopen(b);
    struct store_recover r = { .now = NOW };
    MUST(b, store_recover, &r);
    CHECK_DUE("started", 0);
    CHECK_DUE("", 0);
    attempt(b, "started", DELIVERY_SUCCEEDED, 0);
    CHECK_DUE("completed", 0);
}

PROMISE(ordered_receiver_gets_one_at_a_time_in_order)
{
    struct delivery_row d[] = { delivery_of("d1", "r"), delivery_of("d2", "r"),
                                delivery_of("d3", "r"), delivery_of("x1", "rx"),
                                delivery_of("x2", "rx") };
    d[1].next_at = NOW - 10; /* earlier due does not mean earlier */
    put_all(b, d, 5);
    CHECK_DUE("d1 x1 x2", .single = "r");
    CHECK_DUE("", .single = "r");
    attempt(b, "d1", DELIVERY_RETRYING, NOW + HOUR);
    CHECK_DUE("", .single = "r");
    clock_advance(&b->clock, HOUR);
    CHECK_DUE("d1", .single = "r");
    attempt(b, "d1", DELIVERY_SUCCEEDED, 0);
    CHECK_DUE("d2", .single = "r");
    attempt(b, "d2", DELIVERY_FAILED, 0);
    CHECK_DUE("d3", .single = "r");
}

static int64_t redeliver(struct bed *b, struct store_redeliver r)
{
    r.now = b->clock.wall_us;
    MUST(b, store_redeliver, &r);
    return r.count;
}

PROMISE(failed_delivery_is_redelivered)
{
    struct delivery_row d[] = { delivery_of("d1", "r"), delivery_of("d2", "r"),
                                delivery_of("d3", "r2"), delivery_of("ok", "r") };
    d[2].task_id = STR("t");
    put_all(b, d, 4);
    CHECK_DUE("d1 d2 ok d3", 0);
    for (int i = 0; i < 3; i++)
        attempt(b, d[i].id.p, DELIVERY_FAILED, 0);
    attempt(b, "ok", DELIVERY_SUCCEEDED, 0);
    clock_advance(&b->clock, 1000);

    struct str ids[] = { STR("ok"), STR("nobody"), STR("d1") };
    CHECK_INT(redeliver(b, (struct store_redeliver){ .ids = ids, .n_ids = 3 }), 2);
    struct delivery_row now = get_delivery(b, "d1");
    CHECK_INT(now.state, DELIVERY_PENDING);
    CHECK_INT(now.attempts, 1);
    CHECK_INT(now.max_attempts, 6);
    CHECK_INT(now.finished_at, 0);
    CHECK_DUE("d1 ok", 0);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .ids = ids, .n_ids = 3 }), 0);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .receiver = STR("r3") }), 0);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .since = NOW + 1 }), 0);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .until = NOW - 1 }), 0);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .task_id = STR("t"), .since = NOW }), 1);
    CHECK_DUE("d3", 0);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .receiver = STR("r") }), 1);
    CHECK_DUE("d2", 0);
}

PROMISE(many_failed_ones_are_redelivered_in_steps)
{
    enum { MANY = 1700 };
    struct delivery_row *d = ARENA_ARRAY(b->arena, struct delivery_row, MANY);
    for (int i = 0; i < MANY; i++) {
        d[i] = delivery_of(arena_printf(b->arena, "d%d", i).p, "r");
        d[i].state = DELIVERY_FAILED;
        d[i].finished_at = NOW;
    }
    put_all(b, d, MANY);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .receiver = STR("r") }), MANY);
    CHECK_INT(redeliver(b, (struct store_redeliver){ .receiver = STR("r") }), 0);
    struct store_counts c = { 0 };
    MUST(b, store_counts, &c);
    CHECK_INT(c.deliveries_open, MANY);
}
