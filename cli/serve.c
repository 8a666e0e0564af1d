/* keryx serve: the daemon. The one place where everything is put together and taken apart.

   struct daemon owns, in the order they are made (and freed backwards): core (loop, store, http client,
   engine), triggers, api, http server. Signals: TERM/INT drain, a second one ends at
   once (the store keeps all that was accepted); HUP reads the file again. */
#include "cli/command.h"
#include "cli/core.h"

#include "api/api.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/zone.h"
#include "http/tls.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SERVE_PROBLEMS_MAX    (4 * MIB)
#define SERVE_LAST_ANSWERS_US (2 * US_PER_S)

struct daemon {
    struct generation *first; /* what it was started with: listeners and store are of this one */
    const char *path; /* the configuration file */ /* the configuration file */
    struct core core;
    struct triggers *triggers;
    struct api *api;
    struct http_server *server;
    struct http_tls *tls;
    int64_t started_us;
    struct loop_signal term, interrupt, hangup;
    unsigned open; /* drains under way: server, engine */
    bool stopping;
    int exit_code;
};

/* ---- systemd ---- */

/* sd_notify(3): one datagram to $NOTIFY_SOCKET; silence when there is none. */
static void serve_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t n = path ? strlen(path) : 0;
    if (n == 0 || n >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = 0; /* abstract */
    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, length) < 0)
        log_warn("systemd could not be told", "state", state);
}

/* ---- requests ---- */

static const struct http_route *serve_find(void *ctx, struct http_request *r, int *status,
                                           struct str *allow)
{
    struct daemon *d = ctx;
    const struct config_server *server = &engine_generation(d->core.engine)->config->server;
    bool split = server->admin_listen.n > 0;
    if (api_owns(d->api, r->path))
        return api_find(d->api, r, split && !r->admin, status, allow);
    if (split && r->admin) {
        *status = 404;
        return NULL;
    }
    return triggers_find(d->triggers, r, status, allow);
}

static void serve_refuse(void *ctx, struct http_request *r, int status, const char *reason,
                         struct str allow)
{
    struct daemon *d = ctx;
    if (api_owns(d->api, r->path)) {
        api_problem(r, status, reason, allow);
        return;
    }
    if (r->route) {
        triggers_refused(d->triggers, r, status, reason);
        return;
    }
    struct json *body = json_object(r->arena);
    json_put_str(r->arena, body, "status", "rejected");
    json_put_str(r->arena, body, "reason", reason);
    json_put_str(r->arena, body, "error",
                 status == 404   ? "there is no webhook at this path"
                 : status == 405 ? "this method is not allowed here; see the Allow header"
                                 : "the request was refused");
    json_put_str(r->arena, body, "request_id", r->id);
    auto_buf text = BUF_INIT(4 * KIB);
    json_write(&text, body, JSON_COMPACT);
    buf_char(&text, '\n');
    struct http_header header = { STR("Allow"), allow };
    struct http_answer answer = {
        .status = status, .body = buf_view(&text), .headers = &header, .n_headers = allow.p ? 1 : 0
    };
    stats_inc(STATS_WEBHOOK_REQUESTS, "", reason, NULL);
    http_reply(r, &answer);
}

static struct http_server_options serve_http_options(struct daemon *d,
                                                     const struct config_server *c)
{
    return (struct http_server_options){
        .max_body = c->max_body_bytes,
        .max_connections = c->max_connections,
        .header_timeout_us = c->header_timeout,
        .body_timeout_us = c->body_timeout,
        .idle_timeout_us = c->idle_timeout,
        .dispatch = { serve_find, serve_refuse, d },
    };
}

/* Problems as records of the log, a line each. */
static void serve_log_problems(const struct buf *problems, enum log_level level)
{
    struct str rest = buf_view(problems), line;
    while (str_split(&rest, '\n', &line)) {
        char text[2048];
        size_t n = MIN(line.n, sizeof(text) - 1);
        memcpy(text, line.p, n);
        text[n] = 0;
        if (n)
            log_write(level, "configuration", "problem", text, NULL);
    }
}

/* ---- reload ---- */

static bool serve_same_texts(const struct config_texts *a, const struct config_texts *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->items[i].s, b->items[i].s);
    return same;
}

static void serve_needs_restart(const struct config *now, const struct config *next,
                                struct buf *out)
{
    const struct config_server *a = &now->server, *b = &next->server;
    if (!serve_same_texts(&a->listen, &b->listen) ||
        !serve_same_texts(&a->admin_listen, &b->admin_listen))
        buf_cstr(out, "server.listen changed: it takes effect after a restart\n");
    if (!str_eq(a->tls_cert_file.s, b->tls_cert_file.s) ||
        !str_eq(a->tls_key_file.s, b->tls_key_file.s))
        buf_cstr(out, "server.tls changed: it takes effect after a restart\n");
    if (!str_eq(now->store.url.s, next->store.url.s))
        buf_cstr(out, "store.url changed: it takes effect after a restart\n");
}

static int serve_reload(void *ctx, struct buf *out)
{
    struct daemon *d = ctx;
    if (d->stopping) {
        buf_cstr(out, "the server is stopping\n");
        return -1;
    }
    struct generation *g = core_load(d->path, out);
    stats_inc(STATS_RELOADS, g ? "success" : "failed", NULL, NULL);
    if (!g) {
        serve_log_problems(out, LOG_LEVEL_ERROR);
        log_error("the configuration has errors: the old one stays", "file", d->path);
        return -1;
    }
    struct error e = ERROR_INIT;
    serve_needs_restart(d->first->config, g->config, out);
    if (d->tls && http_tls_reload(d->tls, &e) != 0)
        log_error("certificates could not be read again: the old ones stay", "error", e.text);
    log_setup((enum log_level)g->config->logging.level, (enum log_format)g->config->logging.format);
    engine_swap(d->core.engine, g);
    struct http_server_options o = serve_http_options(d, &g->config->server);
    http_server_set_options(d->server, &o);
    zone_refresh();
    triggers_swap(d->triggers);
    generation_unref(g);
    serve_log_problems(out, LOG_LEVEL_WARN);
    log_info("configuration reloaded", "file", d->path);
    return 0;
}

static void serve_on_hangup(struct loop_signal *s, int signum)
{
    (void)signum;
    struct daemon *d = container_of(s, struct daemon, hangup);
    auto_buf out = BUF_INIT(SERVE_PROBLEMS_MAX);
    log_reopen();
    serve_reload(d, &out);
}

/* ---- the end ---- */

static void serve_drained(void *ctx)
{
    struct daemon *d = ctx;
    if (--d->open == 0)
        loop_stop(d->core.loop);
}

/* Callers that still wait are told by the engine when its time is over; then their answers have some. */
static void serve_drain(struct daemon *d, int64_t patience)
{
    d->stopping = true;
    d->open = 2;
    triggers_stop(d->triggers);
    http_server_drain(d->server, patience + SERVE_LAST_ANSWERS_US, serve_drained, d);
    engine_drain(d->core.engine, loop_mono(d->core.loop) + patience, serve_drained, d);
}

static void serve_stop(struct daemon *d)
{
    if (d->stopping) {
        /* A second signal: what was accepted is in the store; nothing is waited for. */
        log_warn("stopping at once");
        store_close(d->core.store);
        _exit(d->exit_code);
    }
    log_info("draining: running tasks may finish, the rest stays queued");
    serve_notify("STOPPING=1");
    serve_drain(d, engine_generation(d->core.engine)->config->server.drain_timeout);
}

static void serve_on_term(struct loop_signal *s, int signum)
{
    (void)signum;
    serve_stop(container_of(s, struct daemon, term));
}

static void serve_on_interrupt(struct loop_signal *s, int signum)
{
    (void)signum;
    serve_stop(container_of(s, struct daemon, interrupt));
}

static void serve_give_up(struct daemon *d, const char *what, const struct error *why)
{
    cli_fail(CLI_FAILED, "%s: %s", what, why->text);
    d->exit_code = CLI_FAILED;
    serve_drain(d, 0); /* the engine may have begun to work */
}

/* ---- the start ---- */

static int serve_listen(struct daemon *d, const struct config_server *c, struct error *e)
{
    for (size_t i = 0; i < c->listen.n; i++) {
        if (http_server_listen(d->server, c->listen.items[i].s.p, false, d->tls, e) != 0)
            return -1;
    }
    for (size_t i = 0; i < c->admin_listen.n; i++) {
        if (http_server_listen(d->server, c->admin_listen.items[i].s.p, true, d->tls, e) != 0)
            return -1;
    }
    for (size_t i = 0; http_server_address(d->server, i); i++) {
        log_info("listening", "address", http_server_address(d->server, i), "scheme",
                 d->tls ? "https" : "http");
    }
    return 0;
}

static void serve_triggers_started(void *ctx, int rc, const struct error *why)
{
    struct daemon *d = ctx;
    struct error e = ERROR_INIT;
    if (d->stopping)
        return;
    if (rc != 0) {
        serve_give_up(d, "the schedules could not be read", why);
        return;
    }
    const struct config *c = engine_generation(d->core.engine)->config;
    if (serve_listen(d, &c->server, &e) != 0) {
        serve_give_up(d, "listen", &e);
        return;
    }
    log_info("keryx is ready", "version", KERYX_VERSION, "config", d->path, "store",
             c->store.url.s.p);
    serve_notify("READY=1");
}

static void serve_engine_started(void *ctx, int rc, const struct error *why)
{
    struct daemon *d = ctx;
    if (d->stopping)
        return; /* a signal came during the start */
    if (rc != 0)
        serve_give_up(d, "the store could not be read", why);
    else
        triggers_start(d->triggers, serve_triggers_started, d);
}

static int serve_logging(const struct config *c, struct error *e)
{
    log_setup((enum log_level)c->logging.level, (enum log_format)c->logging.format);
    for (size_t i = 0; c->logging.stream && i < c->logging.n_destinations; i++) {
        const struct config_log_destination *to = &c->logging.destinations[i];
        if (str_eq_c(to->type.s, "file") && log_add_file(to->path.s.p, e) != 0)
            return -1;
    }
    return 0;
}

static int serve_open(struct daemon *d, struct generation *g, struct error *e)
{
    const struct config *c = g->config;
    if (serve_logging(c, e) != 0)
        return -1;
    if (core_open(&d->core, g, false, e) != 0)
        return -1;
    d->started_us = loop_wall(d->core.loop);
    if (c->server.tls_cert_file.s.p) {
        d->tls = http_tls_open(c->server.tls_cert_file.s.p, c->server.tls_key_file.s.p, e);
        if (!d->tls)
            return -1;
    }
    d->triggers = triggers_new(d->core.engine);
    struct api_options api = { d->core.engine, d->triggers,  KERYX_VERSION,
                               d->started_us,  serve_reload, d };
    d->api = api_new(&api);
    struct http_server_options o = serve_http_options(d, &c->server);
    d->server = http_server_new(d->core.loop, &o);
    return 0;
}

static void serve_close(struct daemon *d)
{
    if (d->core.loop) {
        loop_signal_stop(&d->term);
        loop_signal_stop(&d->interrupt);
        loop_signal_stop(&d->hangup);
    }
    http_server_free(d->server);
    store_close(d->core.store); /* before what its threads may still write to */
    d->core.store = NULL;
    api_free(d->api);
    triggers_free(d->triggers);
    core_close(&d->core);
    http_tls_close(d->tls);
    log_close_sinks();
}

static double serve_log_lost(void *ctx)
{
    (void)ctx;
    return (double)log_lost();
}

static int serve_go(struct daemon *d, struct generation *g, const struct buf *warnings)
{
    struct error e = ERROR_INIT;
    d->first = g;
    if (serve_open(d, g, &e) != 0) {
        d->exit_code = cli_fail(CLI_FAILED, "%s", e.text);
    } else {
        loop_signal_set(d->core.loop, &d->term, SIGTERM, serve_on_term);
        loop_signal_set(d->core.loop, &d->interrupt, SIGINT, serve_on_interrupt);
        loop_signal_set(d->core.loop, &d->hangup, SIGHUP, serve_on_hangup);
        stats_gauge_fn(STATS_LOG_LOST, serve_log_lost, NULL);
        serve_log_problems(warnings, LOG_LEVEL_WARN);
        if (agents_sweep() > 0)
            log_warn("processes of an earlier run were ended");
        engine_start(d->core.engine, serve_engine_started, d);
        loop_run(d->core.loop);
        log_info("keryx has stopped");
    }
    serve_close(d);
    generation_unref(g);
    return d->exit_code;
}

static int serve_run(int argc, char **argv)
{
    const char *file = NULL;
    bool check_only = false;
    const struct cli_option options[] = {
        { 'c', "config", &file, NULL },
        { 0, "check-config", NULL, &check_only },
    };
    int words = cli_options(&cli_serve, argc, argv, options, N_ELEMENTS(options));
    if (words < 0 || words > 1)
        return CLI_USAGE;
    struct daemon d = { .path = cli_config_path(words ? argv[1] : file) };
    if (!d.path)
        return CLI_USAGE;
    auto_buf problems = BUF_INIT(SERVE_PROBLEMS_MAX);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct generation *g = core_load(d.path, &problems);
    if (!g || check_only)
        fwrite(problems.p ? problems.p : "", 1, problems.n, stderr);
    if (!g)
        return CLI_USAGE;
    if (check_only) {
        generation_unref(g);
        return CLI_OK;
    }
    int code = serve_go(&d, g, &problems);
    curl_global_cleanup();
    return code;
}

const struct command cli_serve = {
    .name = "serve",
    .usage = "[-c FILE] [--check-config]",
    .summary = "run the daemon in the foreground",
    .help = "  -c, --config FILE   the configuration (default agents.yaml)\n"
            "  --check-config      check it and exit\n\n"
            "SIGHUP reads the file again; SIGTERM lets running tasks finish within "
            "server.drain_timeout,\n"
            "a second one ends at once. Accepted work stays in the store either way.\n",
    .run = serve_run,
};
