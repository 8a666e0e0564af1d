/* server, egress, rate_limit. */
#include "config/rows.h"

#include "config/value.h"

static const struct config_field rate_rows[] = {
    CONFIG_ROW("per_minute", NUMBER, .flags = FIELD_REQUIRED,
               .offset = FIELD_AT(config_rate, rate.per_minute), .max = 1e9,
               .help = "requests a minute; 0 = no limit"),
    CONFIG_ROW("burst", NUMBER, .offset = FIELD_AT(config_rate, rate.burst), .min = 1, .max = 1e9,
               .help = "requests at once; default per_minute"),
};

static void rate_finish(struct config_reader *r, const struct config_path *path,
                        const struct config_node *node, void *object)
{
    struct config_rate *rate = object;
    (void)r;
    (void)path;
    if (node && rate->rate.burst < 1)
        rate->rate.burst = MAX(rate->rate.per_minute, 1.0);
}

const struct config_section config_rows_rate = {
    .name = "rate_limit",
    .help = "A token bucket. A bare number is per_minute.",
    FIELD_ROWS(rate_rows),
    .size = sizeof(struct config_rate),
    .pos_at = FIELD_AT(config_rate, pos),
    .scalar = "per_minute",
    .finish = rate_finish,
};

static const struct config_field egress_rows[] = {
    CONFIG_ROW("proxy", TEXT, .offset = FIELD_AT(config_egress, proxy),
               .help = "http:// proxy for outgoing requests; environment proxies are ignored"),
    CONFIG_ROW("no_proxy", TEXTS, .offset = FIELD_AT(config_egress, no_proxy),
               .help = "hosts that are reached directly"),
    CONFIG_ROW("ca_file", PATH, .offset = FIELD_AT(config_egress, ca_file),
               .help = "PEM file of the authorities to trust instead of the system's"),
};

const struct config_section config_rows_egress = {
    .name = "egress",
    .help =
        "How requests leave: models, deliveries, JWKS, OTLP. Also per llm, notification, target.",
    FIELD_ROWS(egress_rows),
    .size = sizeof(struct config_egress),
};

static const struct config_field token_rows[] = {
    CONFIG_ROW("name", TEXT, .flags = FIELD_REQUIRED, .offset = FIELD_AT(config_token, name),
               .help = "who it is, for logs"),
    CONFIG_ROW("token", SECRET, .flags = FIELD_REQUIRED, .offset = FIELD_AT(config_token, token),
               .help = "the bearer token"),
    CONFIG_ROW("role", CHOICE, .offset = FIELD_AT(config_token, role), .otherwise = "admin",
               .choices = "viewer|operator|admin", .first = CONFIG_ROLE_VIEWER,
               .help = "viewer reads, operator also runs and redelivers, admin may do everything"),
};

static const struct config_section token_section = {
    .name = "token",
    .help = "A bearer token of the API.",
    FIELD_ROWS(token_rows),
    .size = sizeof(struct config_token),
};

#define AUTH(member) FIELD_AT(config_server, auth.member)
static const struct config_field auth_rows[] = {
    CONFIG_ROW("tokens", LIST, .offset = AUTH(tokens), .count_at = AUTH(n_tokens),
               .section = &token_section, .help = "bearer tokens"),
    CONFIG_ROW("enabled", BOOL, .offset = AUTH(enabled), .set_at = AUTH(enabled_set),
               .help = "default: true once tokens or jwks_url are set"),
    CONFIG_ROW("jwks_url", URL, .offset = AUTH(jwks_url),
               .help = "keys of bearer JWTs (RS, PS, ES 256/384/512)"),
    CONFIG_ROW("issuer", TEXT, .offset = AUTH(issuer), .help = "the iss a JWT must have"),
    CONFIG_ROW("audience", TEXT, .offset = AUTH(audience), .help = "the aud a JWT must have"),
    CONFIG_ROW("role_claim", TEXT, .offset = AUTH(role_claim), .otherwise = "role",
               .help = "the claim that names the role"),
    CONFIG_ROW("excluded_paths", TEXTS, .offset = AUTH(excluded_paths),
               .otherwise = "/health /ready", .help = "paths that need no token"),
    CONFIG_IGNORED("client_id"),
    CONFIG_IGNORED("refresh_interval"),
    CONFIG_IGNORED("require_auth"),
};
#undef AUTH

static const struct config_section auth_section = {
    .name = "server_auth",
    .pos_at = FIELD_AT(config_server, auth.pos),
    .help = "Guards /api, /mcp and /metrics; webhooks have their own.",
    FIELD_ROWS(auth_rows),
    .size = sizeof(struct config_server),
};

static const struct config_field tls_rows[] = {
    CONFIG_ROW("cert_file", PATH, .offset = FIELD_AT(config_server, tls_cert_file),
               .help = "PEM certificate chain"),
    CONFIG_ROW("key_file", PATH, .offset = FIELD_AT(config_server, tls_key_file),
               .help = "PEM private key"),
    CONFIG_IGNORED("enabled"),
};

static const struct config_section tls_section = {
    .name = "tls",
    .help = "HTTPS on the listeners; reloaded with the config.",
    FIELD_ROWS(tls_rows),
    .size = sizeof(struct config_server),
};

#define SERVER(member) .offset = FIELD_AT(config_server, member)
static const struct config_field server_rows[] = {
    CONFIG_ROW("listen", TEXTS, SERVER(listen), .otherwise = "127.0.0.1:8644",
               .help = "host:port, [v6]:port or unix:/path; one or a list"),
    CONFIG_ROW("host", TEXT, .flags = FIELD_ALIAS, SERVER(host), .help = "Hector's half of listen"),
    CONFIG_ROW("port", UINT, .flags = FIELD_ALIAS, SERVER(port),
               .set_at = FIELD_AT(config_server, port_set), .max = 65535,
               .help = "Hector's half of listen"),
    CONFIG_ROW("admin_listen", TEXTS, SERVER(admin_listen),
               .help = "when set, /api, /mcp, /metrics and the UI answer only there"),
    CONFIG_ROW("public_url", URL, SERVER(public_url),
               .help = "how the world reaches the webhooks, for printed URLs"),
    CONFIG_ROW("tls", SECTION, .section = &tls_section, .help = "HTTPS"),
    CONFIG_ROW("trusted_proxies", CIDRS, SERVER(trusted_proxies),
               .help = "only from these is X-Forwarded-For or X-Real-IP believed"),
    CONFIG_ROW("max_body_bytes", SIZE, SERVER(max_body_bytes), .otherwise = "1MiB", .min = 1,
               .help = "largest request body; also per trigger"),
    CONFIG_ROW("header_timeout", TIMEOUT, SERVER(header_timeout), .otherwise = "10s", .min = 1,
               .help = "for a request's head"),
    CONFIG_ROW("body_timeout", TIMEOUT, SERVER(body_timeout), .otherwise = "30s", .min = 1,
               .help = "for a request's body"),
    CONFIG_ROW("idle_timeout", TIMEOUT, SERVER(idle_timeout), .otherwise = "75s", .min = 1,
               .help = "between two requests of a connection"),
    CONFIG_ROW("max_connections", UINT, SERVER(max_connections), .otherwise = "10000", .min = 1,
               .max = 1000000, .help = "open connections"),
    CONFIG_ROW("drain_timeout", TIMEOUT, SERVER(drain_timeout), .otherwise = "30s",
               .help = "SIGTERM: how long running tasks may finish"),
    CONFIG_ROW("rate_limit", SECTION, SERVER(rate_limit), .section = &config_rows_rate,
               .help = "over all webhook routes"),
    CONFIG_ROW("max_dynamic_webhooks", UINT, SERVER(max_dynamic_webhooks), .otherwise = "1000",
               .max = 1000000, .help = "webhooks made at run time"),
    CONFIG_ROW("auth", SECTION, .section = &auth_section, .help = "tokens and JWTs of the API"),
    CONFIG_IGNORED("grpc_port"),
    CONFIG_IGNORED("transport"),
    CONFIG_IGNORED("cors"),
    CONFIG_IGNORED("tasks"),
    CONFIG_IGNORED("sessions"),
    CONFIG_IGNORED("memory"),
    CONFIG_IGNORED("observability"),
    CONFIG_IGNORED("checkpoint"),
};
#undef SERVER

/* "127.0.0.1:8644", "[::1]:8644", "localhost:8644", "unix:/run/x": what is wrong, or NULL. */
static const char *listen_wrong(struct str text)
{
    struct addr a;
    uint64_t port;
    if (str_starts(text, STR("unix:")))
        return text.n > 5 && text.n < 5 + 108 ? NULL
                                              : "a socket path of at most 107 bytes is needed";
    ptrdiff_t colon = str_rchr(text, ':');
    if (colon < 0 || str_u64(str_sub(text, (size_t)colon + 1, text.n), &port) || port > 65535)
        return "no port from 0 to 65535 at the end";
    struct str host = str_sub(text, 0, (size_t)colon);
    if (host.n && host.p[0] == '[')
        return addr_parse(text, true, &a, NULL) ? "not an IPv6 address in brackets" : NULL;
    if (str_chr(host, ':') >= 0)
        return "an IPv6 address needs brackets";
    for (size_t i = 0; i < host.n; i++)
        if ((unsigned char)host.p[i] <= ' ' || strchr("/?#@[]", host.p[i]))
            return "not a host name or address";
    return host.n ? NULL : "no host; write 0.0.0.0 for every address";
}

/* Bad ones are left out, so that they are not judged a second time. */
static void listen_finish(struct config_reader *r, const struct config_path *path, const char *key,
                          struct config_texts *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct config_text *t = &list->items[i];
        const char *wrong = listen_wrong(t->s);
        struct config_path at = { .up = path, .key = str_of(key), .pos = t->pos };
        if (wrong) {
            config_field_problem(r, &at, false, t->pos,
                                 "'%.*s': %s; expected host:port, [v6]:port or unix:/path",
                                 STR_ARG(str_sub(t->s, 0, 100)), wrong);
            continue;
        }
        if (str_starts(t->s, STR("unix:")))
            t->s = arena_printf(r->arena, "unix:%.*s",
                                STR_ARG(config_value_path(r, str_sub(t->s, 5, t->s.n))));
        list->items[kept++] = *t;
    }
    list->n = kept;
}

static void server_finish(struct config_reader *r, const struct config_path *path,
                          const struct config_node *node, void *object)
{
    struct config_server *s = object;
    if (s->host.s.p || s->port_set) {
        const char *key = s->host.s.p ? "host" : "port";
        struct config_text *listen = ARENA_NEW(r->arena, struct config_text);
        struct config_path at = { .up = path,
                                  .key = str_of(key),
                                  .pos = config_node_member(node, key)->key_pos };
        if (config_node_get(node, "listen"))
            config_field_problem(r, &at, false, at.pos,
                                 "listen is there too; expected one of the two");
        struct str host = s->host.s.p ? s->host.s : STR("127.0.0.1");
        bool v6 = str_chr(host, ':') >= 0 && host.p[0] != '[';
        listen->s = arena_printf(r->arena, v6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(host),
                                 s->port_set ? s->port : 8644);
        listen->pos = at.pos;
        s->listen = (struct config_texts){ listen, 1 };
    }
    listen_finish(r, path, "listen", &s->listen);
    listen_finish(r, path, "admin_listen", &s->admin_listen);
    if (!s->auth.enabled_set)
        s->auth.enabled = s->auth.n_tokens > 0 || s->auth.jwks_url.s.p;
}

const struct config_section config_rows_server = {
    .name = "server",
    .help = "The HTTP side.",
    FIELD_ROWS(server_rows),
    .size = sizeof(struct config_server),
    .finish = server_finish,
};
