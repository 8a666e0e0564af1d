/* The rooms put together. The tables of the layers above engine are handed in here and nowhere else. */
#include "cli/core.h"

#include "base/zone.h"
#include "triggers/trigger.h"

#include <errno.h>

#define CORE_MAX_CONNECTIONS 600 /* outgoing: all attempts of the outbox, and models beside them */
#define CORE_MAX_PER_HOST    256
#define CORE_NODE            "local" /* one node; several get names of their own */

static const struct part_maker *const core_parts[GENERATION_PARTS] = {
    [PART_AGENTS] = &agents_part,
    [PART_NOTIFIERS] = &notifiers_part,
    [PART_TRIGGERS] = &trigger_part,
};

/* Proxies of the environment are not used: nothing outside of the file changes where requests go. */
static void core_warn_proxy(const struct config *c, struct config_problems *problems)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                         "ALL_PROXY" };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value && !c->egress.proxy.s.p) {
            config_problem(problems, true, (struct config_pos){ 0 },
                           "egress.proxy: %s is set in the environment and is ignored; set "
                           "egress.proxy to use it",
                           names[i]);
            return;
        }
    }
}

/* What the file may say already and this version does not do yet is told, never passed over. */
static void core_warn_not_yet(const struct config *c, struct config_problems *problems)
{
    bool other_sinks = false;
    for (size_t i = 0; i < c->logging.n_destinations; i++)
        other_sinks |= c->logging.stream && !str_eq_c(c->logging.destinations[i].type.s, "file");
    const struct {
        bool set;
        const char *key;
    } keys[] = {
        { c->server.auth.jwks_url.s.n > 0, "server.auth.jwks_url" },
        { c->monitoring.prometheus.port > 0, "monitoring.prometheus.port" },
        { c->monitoring.prometheus.names.s.n > 0, "monitoring.prometheus.names" },
        { c->monitoring.health.port > 0, "monitoring.health.port" },
        { c->monitoring.otlp_endpoint.s.n > 0, "monitoring.otlp" },
        { other_sinks, "logging.stream.destinations of type syslog and http" },
        { c->n_targets > 0, "targets" },
    };
    for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
        if (keys[i].set)
            config_problem(problems, true, (struct config_pos){ 0 },
                           "%s: is not applied in this version", keys[i].key);
    }
}

struct generation *core_load(const char *path, struct buf *out)
{
    struct config_problems problems;
    config_problems_init(&problems);
    struct generation *g = NULL;
    struct config *c =
        config_read(path, &problems); /* also with errors: the rooms tell theirs too */
    if (c) {
        core_warn_proxy(c, &problems);
        core_warn_not_yet(c, &problems);
        g = generation_new(c, core_parts, &problems);
    }
    config_problems_print(&problems, path, out);
    config_problems_release(&problems);
    return g;
}

int core_open(struct core *c, struct generation *g, bool single, struct error *e)
{
    const struct config *config = g->config;
    if (readlink("/proc/self/exe", c->self, sizeof(c->self) - 1) <= 0)
        return error_sys(e, errno,
                         "/proc/self/exe (is /proc mounted? it is needed to start agents)");
    c->loop = loop_new(&clock_real);
    struct store_options store = { .loop = c->loop, .node = CORE_NODE };
    c->store = store_open(config->store.url.s.p, &store, e);
    if (!c->store)
        return -1;
    /* Each receiver has its own limit; a host with many receivers (a chat service) is not held to one's. */
    struct http_client_options client = { .user_agent = "keryx/" KERYX_VERSION,
                                          .max_connections = CORE_MAX_CONNECTIONS,
                                          .max_per_host = CORE_MAX_PER_HOST };
    c->client = http_client_new(c->loop, &client);
    c->agents = (struct agents_env){ c->loop, c->client, c->self };
    c->notifiers = (struct notifiers_env){ c->loop, c->client };
    struct engine_options engine = {
        .loop = c->loop,
        .store = c->store,
        .node = CORE_NODE,
        .generation = g,
        .runners = agents_kinds,
        .runner_env = &c->agents,
        .senders = notifiers_senders,
        .sender_env = &c->notifiers,
        .notifier = notifiers_hook(&c->notifiers),
        .single = single,
    };
    c->engine = engine_new(&engine);
    return 0;
}

void core_close(struct core *c)
{
    store_close(c->store);
    engine_free(c->engine);
    http_client_free(c->client);
    if (c->loop)
        loop_free(c->loop);
    zone_cache_release();
}
