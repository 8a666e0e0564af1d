/* Routes to handlers: every request passes the same guard, then the one function of its row. */
#include "api/call.h"

#include "base/log.h"
#include "http/router.h"

#include <assert.h>

/* What a path of the API looks like, besides those set by monitoring.*.path. */
static const char *const api_roots[] = { "/health", "/ready", "/metrics", "/version", "/api/v1" };

static const struct config *api_config(const struct api *a)
{
    return engine_generation(a->o.engine)->config;
}

static void api_release_generation(void *g)
{
    generation_unref(g);
}

static bool api_read_body(struct api_call *call)
{
    struct http_request *r = call->request;
    struct error e = ERROR_INIT;
    struct str type = http_header_get(&r->headers, STR("content-type"));
    if (str_trim(r->body).n == 0)
        return true;
    if (!http_is_json(type)) {
        api_refuse(call, 415, "the body must be application/json");
        return false;
    }
    call->body = json_parse(r->arena, r->body, NULL, &e);
    if (!call->body) {
        api_refuse(call, 400, "the body is not JSON: line %u, column %u: %s", e.line, e.column,
                   e.text);
        return false;
    }
    if (call->body->type != JSON_OBJECT) {
        api_refuse(call, 400, "the body must be a JSON object");
        return false;
    }
    return true;
}

static struct api_call *api_call_new(struct http_request *r)
{
    struct api_call *call = ARENA_NEW(r->arena, struct api_call);
    call->api = r->user;
    call->request = r;
    call->arena = r->arena;
    call->generation = generation_ref(engine_generation(call->api->o.engine));
    arena_on_free(r->arena, api_release_generation, call->generation);
    r->user = call;
    return call;
}

static const struct api_route *api_route_of(const struct http_request *r)
{
    return r->route->ctx;
}

static int api_on_head(struct http_request *r)
{
    struct api_call *call = api_call_new(r);
    return guard_request(call, api_route_of(r)) ? 0 : 403;
}

static void api_on_request(struct http_request *r)
{
    struct api_call *call = r->user;
    if (api_read_body(call))
        api_route_of(r)->handle(call);
}

struct api *api_new(const struct api_options *o)
{
    struct api *a = xalloc(sizeof(*a));
    a->o = *o;
    a->router = http_router_new();
    a->public_router = http_router_new();
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct api_route *route = &api_routes[i];
        union {
            const struct api_route *row;
            void *ctx;
        } of = { .row = route }; /* handlers read their row only */
        struct http_route http = { api_on_head, api_on_request, of.ctx };
        struct error e = ERROR_INIT;
        bool open = route->flags & API_PUBLIC;
        if (http_router_add(a->router, route->methods, str_of(route->pattern), &http, &e) != 0 ||
            (open && http_router_add(a->public_router, route->methods, str_of(route->pattern),
                                     &http, &e) != 0)) {
            log_error("two API routes clash", "pattern", route->pattern, "error", e.text);
            abort();
        }
    }
    return a;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    http_router_free(a->router);
    http_router_free(a->public_router);
    free(a);
}

/* monitoring.health.path and .prometheus.path are other names of two routes. */
static struct str api_alias(const struct api *a, struct str path)
{
    const struct config *c = api_config(a);
    if (c->monitoring.health.enabled && str_eq(path, c->monitoring.health.path.s))
        return STR("/health");
    if (c->monitoring.prometheus.enabled && str_eq(path, c->monitoring.prometheus.path.s))
        return STR("/metrics");
    return path;
}

bool api_owns(const struct api *a, struct str path)
{
    struct str known = api_alias(a, path);
    for (size_t i = 0; i < N_ELEMENTS(api_roots); i++) {
        struct str root = str_of(api_roots[i]);
        if (str_eq(known, root) || (str_starts(known, root) && known.p[root.n] == '/'))
            return true;
    }
    return false;
}

static bool api_disabled(const struct api *a, struct str path)
{
    const struct config *c = api_config(a);
    return (!c->monitoring.health.enabled && str_eq(path, STR("/health"))) ||
           (!c->monitoring.prometheus.enabled && str_eq(path, STR("/metrics")));
}

const struct http_route *api_find(struct api *a, struct http_request *r, bool webhooks_only,
                                  int *status, struct str *allow)
{
    struct str asked = r->path;
    *status = 404;
    if (api_disabled(a, asked))
        return NULL;
    r->path = api_alias(a, asked);
    const struct http_route *route =
        http_router_find(webhooks_only ? a->public_router : a->router, r, status, allow);
    r->path = asked;
    if (route)
        r->user = a;
    return route;
}
