/* The triggers of the current generation, and what of them outlives a reload. */
#include "triggers/trigger.h"

#include "base/log.h"
#include "base/stats.h"
#include "http/router.h"
#include "triggers/compile.h"
#include "triggers/schedule.h"
#include "triggers/strikes.h"
#include "triggers/webhook.h"

struct trigger_set {
    struct arena *arena;
    struct webhook_route *routes;
    size_t n_routes;
    struct http_router *router;
    struct schedule_def *schedules;
    size_t n_schedules;
};

struct route_limit {
    struct bucket bucket;
};

struct triggers {
    struct engine *engine;
    struct schedules *schedules;
    struct map *limits; /* route name → struct route_limit */
    struct strikes *strikes;
    struct bucket all; /* server.rate_limit */
    bool all_ready;
    void (*started)(void *ctx, int rc, const struct error *why);
    void *started_ctx;
};

/* ---- one generation's part ---- */

static void trigger_set_route(struct trigger_set *set, struct webhook_route *r,
                              const struct compile *c)
{
    struct error e = ERROR_INIT;
    const struct config_webhook *h = r->hook;
    if (!h->path.s.n)
        return; /* a file with errors */
    auto_buf methods = BUF_INIT(1 * KIB);
    for (size_t i = 0; i < h->methods.n; i++) {
        buf_cstr(&methods, i ? "," : "");
        buf_str(&methods, h->methods.items[i].s);
    }
    buf_char(&methods, 0);
    if (http_router_add(set->router, methods.p, h->path.s, &r->route, &e) != 0)
        compile_problem(c, false, h->path.pos, "path", "%s", e.text);
}

static void *trigger_set_new(const struct config *c, struct config_problems *problems)
{
    struct arena *a = arena_new(0);
    struct trigger_set *set = ARENA_NEW(a, struct trigger_set);
    size_t n = 0;
    set->arena = a;
    set->router = http_router_new();
    for (size_t i = 0; i < c->n_agents; i++)
        n += c->agents[i].n_triggers;
    set->routes = ARENA_ARRAY(a, struct webhook_route, n + 1);
    set->schedules = ARENA_ARRAY(a, struct schedule_def, n + 1);
    for (size_t i = 0; i < c->n_agents; i++) {
        const struct config_agent *agent = &c->agents[i];
        for (size_t k = 0; k < agent->n_triggers; k++) {
            const struct config_trigger *trigger = &agent->triggers[k];
            const struct compile compile = { a, c, agent, trigger, problems };
            if (trigger->type == CONFIG_SCHEDULE) {
                schedule_def_compile(&set->schedules[set->n_schedules++], &compile);
                continue;
            }
            struct webhook_route *r = &set->routes[set->n_routes++];
            webhook_route_compile(r, &compile);
            if (trigger->enabled && agent->enabled)
                trigger_set_route(set, r, &compile);
        }
    }
    return set;
}

static void trigger_set_free(void *part)
{
    struct trigger_set *set = part;
    for (size_t i = 0; i < set->n_routes; i++)
        webhook_route_release(&set->routes[i]);
    for (size_t i = 0; i < set->n_schedules; i++)
        schedule_def_release(&set->schedules[i]);
    http_router_free(set->router);
    arena_free(set->arena);
}

const struct part_maker trigger_part = { .prepare = trigger_set_new, .release = trigger_set_free };

/* ---- life ---- */

static const struct trigger_set *triggers_set(const struct triggers *t)
{
    return engine_generation(t->engine)->parts[PART_TRIGGERS];
}

struct triggers *triggers_new(struct engine *e)
{
    struct triggers *t = xalloc(sizeof(*t));
    t->engine = e;
    t->schedules = schedules_new(e);
    t->limits = map_new(false);
    t->strikes = strikes_new();
    return t;
}

static void triggers_use(struct triggers *t)
{
    const struct trigger_set *set = triggers_set(t);
    schedules_use(t->schedules, engine_generation(t->engine), set->schedules, set->n_schedules);
}

static void triggers_started(void *ctx, int rc, const struct error *why)
{
    struct triggers *t = ctx;
    if (rc == 0)
        triggers_use(t);
    t->started(t->started_ctx, rc, why);
}

void triggers_start(struct triggers *t, void (*started)(void *ctx, int rc, const struct error *why),
                    void *ctx)
{
    t->started = started;
    t->started_ctx = ctx;
    schedules_start(t->schedules, triggers_started, t);
}

void triggers_swap(struct triggers *t)
{
    triggers_use(t);
}

void triggers_stop(struct triggers *t)
{
    schedules_stop(t->schedules);
}

void triggers_free(struct triggers *t)
{
    if (!t)
        return;
    schedules_free(t->schedules);
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(t->limits, &at)) != NULL;)
        free(entry->value);
    map_free(t->limits);
    strikes_free(t->strikes);
    free(t);
}

struct engine *triggers_engine(struct triggers *t)
{
    return t->engine;
}

struct strikes *triggers_strikes(struct triggers *t)
{
    return t->strikes;
}

const struct schedules *triggers_schedules(const struct triggers *t)
{
    return t->schedules;
}

/* ---- routes ---- */

static void triggers_release_generation(void *g)
{
    generation_unref(g);
}

const struct http_route *triggers_find(struct triggers *t, struct http_request *r, int *status,
                                       struct str *allow)
{
    struct generation *g = engine_generation(t->engine);
    const struct http_route *route = http_router_find(triggers_set(t)->router, r, status, allow);
    if (route) {
        r->user = t;
        arena_on_free(r->arena, triggers_release_generation, generation_ref(g));
    }
    return route;
}

void triggers_refused(struct triggers *t, struct http_request *r, int status, const char *reason)
{
    struct webhook_call call = { .triggers = t, .route = r->route->ctx, .request = r };
    static const struct {
        const char *reason, *text;
    } texts[] = {
        { "method", "this method is not allowed here; see the Allow header" },
        { "too_large", "the body is larger than max_body_bytes of this route" },
        { "timeout", "the request did not come in time" },
    };
    const char *text = reason;
    for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
        if (!strcmp(texts[i].reason, reason))
            text = texts[i].text;
    }
    reply_refused(&call, status, reason, text, 0);
}

/* ---- rates ---- */

static struct bucket *triggers_bucket(struct triggers *t, const struct webhook_route *r)
{
    struct str name = r->trigger->name.s;
    struct route_limit *limit = map_get(t->limits, name);
    if (!limit) {
        limit = xalloc(sizeof(*limit));
        bucket_init(&limit->bucket, &r->hook->rate_limit.rate, loop_mono(engine_loop(t->engine)));
        map_put(t->limits, name, limit);
    }
    return &limit->bucket;
}

static bool rate_limited(const struct config_rate *rate)
{
    return rate->rate.per_minute > 0;
}

int64_t triggers_rate_take(struct triggers *t, const struct webhook_route *r)
{
    int64_t now = loop_mono(engine_loop(t->engine)), wait = 0;
    const struct config_rate *own = &r->hook->rate_limit, *all = &r->config->server.rate_limit;
    if (rate_limited(all)) {
        if (!t->all_ready)
            bucket_init(&t->all, &all->rate, now);
        t->all_ready = true;
        wait = bucket_take(&t->all, &all->rate, now);
        if (wait)
            return wait;
    }
    if (rate_limited(own))
        wait = bucket_take(triggers_bucket(t, r), &own->rate, now);
    if (wait && rate_limited(all))
        t->all.tokens = MIN(t->all.tokens + 1, all->rate.burst);
    return wait;
}

void triggers_rate_give(struct triggers *t, const struct webhook_route *r)
{
    const struct config_rate *own = &r->hook->rate_limit, *all = &r->config->server.rate_limit;
    if (rate_limited(own)) {
        struct bucket *b = triggers_bucket(t, r);
        b->tokens = MIN(b->tokens + 1, own->rate.burst);
    }
    if (rate_limited(all))
        t->all.tokens = MIN(t->all.tokens + 1, all->rate.burst);
}
