/* What the contract tests of the store lie on: every promise runs on every engine's URL, on a real
   loop, each with a fresh store. PROMISE(name) { … } has the bed as `b`. */
#ifndef KERYX_TESTS_CONTRACT_BED_H
#define KERYX_TESTS_CONTRACT_BED_H

#include "store/store.h"
#include "tests/t.h"

#include <dirent.h>

#define HOUR (3600 * US_PER_S)
#define NOW  (1790000000 * US_PER_S) /* of the tests' clock */

struct bed {
    struct clock clock;
    struct loop *loop;
    struct arena *arena;
    struct store *store;
    char dir[256];
    char url[300];
    size_t max_pending;
    unsigned awaited;
    struct loop_timer patience;
};

/* ---- the engines: one row each ---- */

struct engine {
    const char *name;
    void (*make)(struct bed *b); /* fills url with that of an empty store */
    void (*destroy)(struct bed *b);
};

static void sqlite_make(struct bed *b)
{
    const char *base = getenv("TMPDIR");
    snprintf(b->dir, sizeof(b->dir), "%s/keryx-store-XXXXXX", base ? base : P_tmpdir);
    if (!mkdtemp(b->dir))
        abort();
    snprintf(b->url, sizeof(b->url), "sqlite:%s/t.db", b->dir);
}

static void sqlite_destroy(struct bed *b)
{
    DIR *dir = opendir(b->dir);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", b->dir, d->d_name);
        if (d->d_name[0] != '.')
            unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(b->dir);
}

static const struct engine engines[] = {
    { "sqlite", sqlite_make, sqlite_destroy },
};

/* ---- open and close ---- */

static struct store *bed_try_open(struct bed *b, struct error *e)
{
    struct store_options o = { .loop = b->loop, .node = "n1", .max_pending = b->max_pending };
    return store_open(b->url, &o, e);
}

static void bed_open(struct bed *b)
{
    struct error e = ERROR_INIT;
    b->store = bed_try_open(b, &e);
    if (!b->store) {
        printf("cannot open %s: %s\n", b->url, e.text);
        abort();
    }
}

static inline void bed_reopen(struct bed *b)
{
    store_close(b->store);
    bed_open(b);
}

static void bed_run(const struct engine *engine, void (*promise)(struct bed *b))
{
    struct bed b = { .clock = { .manual = true, .wall_us = NOW, .mono_us = HOUR } };
    b.loop = loop_new(&b.clock);
    b.arena = arena_new(0);
    engine->make(&b);
    bed_open(&b);
    promise(&b);
    store_close(b.store);
    engine->destroy(&b);
    arena_free(b.arena);
    loop_free(b.loop);
}

static void bed_run_all(void (*promise)(struct bed *b))
{
    for (size_t i = 0; i < N_ELEMENTS(engines); i++) {
        ROW(engines[i].name);
        bed_run(&engines[i], promise);
    }
}

#define PROMISE(title)                          \
    static void promise_##title(struct bed *b); \
    TEST(title)                                 \
    {                                           \
        bed_run_all(promise_##title);           \
    }                                           \
    static void promise_##title(struct bed *b)

/* ---- calling a verb and waiting for it ---- */

static struct bed *bed_waiting;

static void bed_done(struct store_op *op)
{
    (void)op;
    if (bed_waiting->awaited && --bed_waiting->awaited == 0)
        loop_stop(bed_waiting->loop);
}

static void bed_gave_up(struct loop_timer *t)
{
    struct bed *b = container_of(t, struct bed, patience);
    T_FAIL("%u operations were never done", b->awaited);
    b->awaited = 0;
    loop_stop(b->loop);
}

/* Runs the loop until n operations are done. */
static void bed_wait(struct bed *b, unsigned n)
{
    bed_waiting = b;
    b->awaited = n;
    loop_timer_set(b->loop, &b->patience, 60 * US_PER_S, bed_gave_up);
    loop_run(b->loop);
    loop_timer_stop(&b->patience);
}

#define START(b, verb, request) \
    ((request)->op.done = bed_done, (request)->op.arena = (b)->arena, verb((b)->store, (request)))
#define DO(b, verb, request) (START(b, verb, request), bed_wait((b), 1), (request)->op.rc)
#define MUST(b, verb, request)                                 \
    do {                                                       \
        if (DO(b, verb, request))                              \
            T_FAIL("%s: %s", #verb, (request)->op.error.text); \
    } while (0)

/* ---- rows ---- */

static inline struct task_row task_of(const char *id, const char *agent)
{
    return (struct task_row){
        .id = str_of(id),
        .agent = str_of(agent),
        .trigger_type = STR("api"),
        .trigger_name = STR("t"),
        .input = STR("input"),
        .response_mode = STR("async"),
        .created_at = NOW,
        .due_at = NOW,
        .tokens_used = -1,
    };
}

static inline struct delivery_row delivery_of(const char *id, const char *receiver)
{
    return (struct delivery_row){
        .id = str_of(id),
        .receiver = str_of(receiver),
        .target = STR("webhook"),
        .event = STR("task.completed"),
        .state = DELIVERY_PENDING,
        .method = STR("POST"),
        .url = STR("http://127.0.0.1/"),
        .body = STR("{\"a\":1}"),
        .max_attempts = 3,
        .created_at = NOW,
        .next_at = NOW,
    };
}

static inline struct receipt_row receipt_of(const char *id, const char *route)
{
    return (struct receipt_row){
        .id = str_of(id),
        .route = str_of(route),
        .status = STR("accepted"),
        .http_status = 202,
        .headers = STR("{}"),
        .body = STR("body"),
        .received_at = NOW,
    };
}

static inline void put_task(struct bed *b, struct task_row t)
{
    struct store_record r = { .task = &t };
    MUST(b, store_record, &r);
}

static inline void put_delivery(struct bed *b, struct delivery_row d)
{
    struct store_record r = { .deliveries = &d, .n_deliveries = 1 };
    MUST(b, store_record, &r);
}

static inline struct task_row get_task(struct bed *b, const char *id)
{
    struct store_task_get g = { .id = str_of(id) };
    MUST(b, store_task_get, &g);
    CHECK(g.found);
    return g.task;
}

static inline struct delivery_row get_delivery(struct bed *b, const char *id)
{
    struct store_delivery_get g = { .id = str_of(id) };
    MUST(b, store_delivery_get, &g);
    CHECK(g.found);
    return g.delivery;
}

/* The ids as "a b c", for one check. */
static inline struct str ids_of_tasks(struct bed *b, const struct task_row *t, size_t n)
{
    struct str all = STR("");
    for (size_t i = 0; i < n; i++)
        all = arena_printf(b->arena, "%" STR_FMT "%s%" STR_FMT, STR_ARG(all), i ? " " : "",
                           STR_ARG(t[i].id));
    return all;
}

static inline struct str ids_of_deliveries(struct bed *b, const struct delivery_row *d, size_t n)
{
    struct str all = STR("");
    for (size_t i = 0; i < n; i++)
        all = arena_printf(b->arena, "%" STR_FMT "%s%" STR_FMT, STR_ARG(all), i ? " " : "",
                           STR_ARG(d[i].id));
    return all;
}

/* Claims for the agents named, `free` of each, and gives the ids. */
static inline struct str claim(struct bed *b, const char *agents, unsigned each, unsigned limit)
{
    struct claim_slot slots[16];
    size_t n = 0;
    struct str rest = str_of(agents), agent;
    while (n < N_ELEMENTS(slots) && str_split(&rest, ' ', &agent))
        slots[n++] = (struct claim_slot){ agent, each };
    struct store_claim c = {
        .now = b->clock.wall_us, .slots = slots, .n_slots = n, .limit = limit
    };
    MUST(b, store_claim, &c);
    return ids_of_tasks(b, c.tasks, c.n_tasks);
}

/* CHECK_STR names its argument twice, a claim is made once. */
#define CHECK_CLAIM(want, ...)                     \
    do {                                           \
        struct str t_claimed = claim(__VA_ARGS__); \
        CHECK_STR(t_claimed, want);                \
    } while (0)

/* The running task ends as `state`. */
static inline bool finish(struct bed *b, const char *id, enum task_state state)
{
    struct task_row t = get_task(b, id);
    enum task_state was = t.state;
    t.state = state;
    t.finished_at = task_state_final(state) ? b->clock.wall_us : 0;
    struct store_finish f = { .task = &t, .expect = 1U << was };
    MUST(b, store_finish, &f);
    return f.applied;
}

#endif
