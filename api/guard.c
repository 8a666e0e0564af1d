/* Who may ask: Host and Origin against DNS rebinding and cross-site requests, bearer tokens with roles.
   Rules of 60-interfaces: without a token requirement Host must be an address, localhost, a listen name
   or public_url's host (421); a present Origin must be our own (403). */
#include "api/call.h"

#include "base/crypto.h"
#include "base/log.h"

/* host[:port] or [v6][:port] without the port and brackets. */
static struct str guard_host_name(struct str host)
{
    if (host.n && host.p[0] == '[') {
        ptrdiff_t end = str_chr(host, ']');
        return end < 0 ? host : str_sub(host, 1, (size_t)end - 1);
    }
    ptrdiff_t colon = str_rchr(host, ':');
    return colon < 0 ? host : str_sub(host, 0, (size_t)colon);
}

/* The authority of a URL: what stands between "//" and the next '/'. */
static struct str guard_authority(struct str url)
{
    ptrdiff_t slashes = str_find(url, STR("//"));
    if (slashes < 0)
        return STR_NULL;
    struct str rest = str_sub(url, (size_t)slashes + 2, url.n);
    ptrdiff_t end = str_chr(rest, '/');
    return end < 0 ? rest : str_sub(rest, 0, (size_t)end);
}

static bool guard_host_is_ours(const struct config_server *c, struct str host)
{
    struct str name = guard_host_name(host);
    struct addr literal;
    if (addr_parse(name, false, &literal, NULL) == 0 || str_eq_fold(name, STR("localhost")))
        return true;
    if (c->public_url.s.n && str_eq_fold(name, guard_host_name(guard_authority(c->public_url.s))))
        return true;
    const struct config_texts *lists[] = { &c->listen, &c->admin_listen };
    for (size_t k = 0; k < N_ELEMENTS(lists); k++) {
        for (size_t i = 0; i < lists[k]->n; i++) {
            if (str_eq_fold(name, guard_host_name(lists[k]->items[i].s)))
                return true;
        }
    }
    return false;
}

static bool guard_origin_is_ours(const struct config_server *c, struct str origin, struct str host)
{
    struct str authority = guard_authority(origin);
    return authority.n &&
           (str_eq_fold(authority, host) ||
            (c->public_url.s.n && str_eq_fold(authority, guard_authority(c->public_url.s))));
}

/* The role a bearer token has, NONE when it is nobody's. Every token is compared, so that time tells
   nothing. */
static enum config_role guard_token_role(const struct config_server *c, struct str token,
                                         const char **name)
{
    enum config_role role = CONFIG_ROLE_NONE;
    for (size_t i = 0; i < c->auth.n_tokens; i++) {
        const struct config_token *t = &c->auth.tokens[i];
        if (crypto_equal_str(t->token.s, token)) {
            role = (enum config_role)t->role;
            *name = t->name.s.p;
        }
    }
    return role;
}

static bool guard_excluded(const struct config_server *c, struct str path)
{
    for (size_t i = 0; i < c->auth.excluded_paths.n; i++) {
        if (str_eq(c->auth.excluded_paths.items[i].s, path))
            return true;
    }
    return false;
}

static bool guard_task_key(struct api_call *call)
{
    struct str key = api_query(call, "key");
    char right[ENGINE_TASK_KEY_TEXT];
    engine_task_key(call->api->o.engine, api_param(call, "id"), right);
    return key.n && right[0] && crypto_equal_str(key, str_of(right));
}

static bool guard_token(struct api_call *call, const struct api_route *route)
{
    const struct config_server *c = &call->generation->config->server;
    struct str header = http_header_get(&call->request->headers, STR("authorization"));
    const char *name = "";
    if (http_header_count(&call->request->headers, STR("authorization")) > 1) {
        api_refuse(call, 400, "the Authorization header came twice");
        return false;
    }
    if (!str_starts_fold(header, STR("bearer "))) {
        api_refuse(call, 401, "a bearer token is required: Authorization: Bearer …");
        return false;
    }
    call->role = guard_token_role(c, str_trim(str_sub(header, 7, header.n)), &name);
    if (call->role == CONFIG_ROLE_NONE) {
        log_warn("a request with a wrong token was refused", "request_id", call->request->id,
                 "path", arena_cstr(call->arena, call->request->path));
        api_refuse(call, 401, "the bearer token is not known");
        return false;
    }
    if (call->role < route->role) {
        api_refuse(call, 403, "the token '%s' may not do this", name);
        return false;
    }
    return true;
}

static bool guard_host(struct api_call *call, bool tokens)
{
    const struct http_request *r = call->request;
    const struct config_server *c = &call->generation->config->server;
    struct str host = http_header_get(&r->headers, STR("host"));
    struct str origin = http_header_get(&r->headers, STR("origin"));
    if (!tokens && r->peer.family && !guard_host_is_ours(c, host)) {
        api_refuse(call, 421,
                   "this server does not answer for the host '%" STR_FMT
                   "'; set server.public_url or ask by address",
                   STR_ARG(host));
        return false;
    }
    if (origin.p && !guard_origin_is_ours(c, origin, host)) {
        api_refuse(call, 403, "requests from another origin are not accepted");
        return false;
    }
    return true;
}

bool guard_request(struct api_call *call, const struct api_route *route)
{
    const struct config_server *c = &call->generation->config->server;
    bool tokens =
        c->auth.enabled && !(route->flags & API_OPEN) && !guard_excluded(c, call->request->path);
    if (!(route->flags & API_ANY_HOST) && !guard_host(call, tokens))
        return false;
    call->role = CONFIG_ROLE_ADMIN;
    if (!tokens || ((route->flags & API_TASK_KEY) && guard_task_key(call)))
        return true;
    return guard_token(call, route);
}
