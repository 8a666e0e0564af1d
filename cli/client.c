/* One request at a time to the running daemon. */
#include "cli/client.h"

#include "config/config.h"
#include "http/client.h"

#include <stdio.h>

#define CLIENT_KEEP (64 * MIB)

/* ":8644" and "0.0.0.0:8644" are asked on loopback. */
static struct str client_of_listen(struct arena *a, const struct config *c)
{
    const struct config_texts *all =
        c->server.admin_listen.n ? &c->server.admin_listen : &c->server.listen;
    struct str listen = all->items[0].s;
    const char *scheme = c->server.tls_cert_file.s.p ? "https" : "http";
    ptrdiff_t colon = str_rchr(listen, ':');
    struct str host = str_sub(listen, 0, (size_t)MAX(colon, 0));
    struct str port = str_sub(listen, (size_t)(colon + 1), listen.n);
    if (host.n == 0 || str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("[::]")))
        host = STR("127.0.0.1");
    return arena_printf(a, "%s://%" STR_FMT ":%" STR_FMT, scheme, STR_ARG(host), STR_ARG(port));
}

int client_open(struct client *c)
{
    c->arena = arena_new(64 * KIB);
    if (!c->server)
        c->server = getenv("KERYX_URL");
    if (c->server && *c->server)
        return CLI_OK;
    c->server = "http://127.0.0.1:8644";
    const char *path = c->config ? c->config : "agents.yaml";
    if (!c->config && access(path, R_OK) != 0)
        return CLI_OK;
    struct config_problems problems;
    config_problems_init(&problems);
    struct config *config = config_load(path, &problems);
    int code = CLI_OK;
    if (config) {
        c->server = client_of_listen(c->arena, config).p;
    } else {
        auto_buf text = BUF_INIT(1 * MIB);
        config_problems_print(&problems, path, &text);
        fwrite(text.p ? text.p : "", 1, text.n, stderr);
        code = cli_fail(
            CLI_USAGE,
            "the configuration tells where the server is, and has errors; or use --server URL");
    }
    config_problems_release(&problems);
    config_unref(config);
    return code;
}

void client_close(struct client *c)
{
    arena_free(c->arena);
    c->arena = NULL;
}

struct client_wait {
    struct client *client;
    struct loop *loop;
    enum http_failure failure;
    const char *why;
};

static void client_done(void *ctx, const struct http_result *r)
{
    struct client_wait *w = ctx;
    struct client *c = w->client;
    w->failure = r->failure;
    w->why = arena_cstr(c->arena, str_of(r->text));
    c->status = r->status;
    c->text = arena_str(c->arena, r->body);
    c->body = json_parse(c->arena, c->text, NULL, NULL);
    loop_stop(w->loop);
}

/* One call on a loop of its own; what came of it is in c and the result. */
static struct client_wait client_call(struct client *c, const char *method, const char *path,
                                      const struct json *body, int64_t timeout_us)
{
    struct loop *loop = loop_new(&clock_real);
    struct http_client_options options = { .user_agent = "keryx-cli/" KERYX_VERSION };
    struct http_client *http = http_client_new(loop, &options);
    struct client_wait wait = { .client = c, .loop = loop };
    auto_buf text = BUF_INIT(CLIENT_KEEP);
    if (body)
        json_write(&text, body, JSON_COMPACT);
    const char *token = getenv("KERYX_TOKEN");
    struct http_header headers[2];
    size_t n = 0;
    if (body)
        headers[n++] = (struct http_header){ STR("Content-Type"), STR("application/json") };
    if (token && *token)
        headers[n++] = (struct http_header){ STR("Authorization"),
                                             arena_printf(c->arena, "Bearer %s", token) };
    struct http_call_options call = {
        .method = method,
        .url = arena_printf(c->arena, "%s%s", c->server, path),
        .headers = headers,
        .n_headers = n,
        .body = buf_view(&text),
        .timeout_us = timeout_us,
        .keep = CLIENT_KEEP,
        .done = client_done,
        .ctx = &wait,
    };
    struct http_call *started = http_call_start(http, &call);
    (void)started;
    loop_run(loop);
    http_client_free(http);
    loop_free(loop);
    return wait;
}

bool client_reaches(struct client *c)
{
    return client_call(c, "GET", "/health", NULL, US_PER_S).failure == HTTP_FAILURE_NONE;
}

int client_try(struct client *c, const char *method, const char *path, const struct json *body,
               int64_t timeout_us)
{
    struct client_wait wait = client_call(c, method, path, body, timeout_us);
    if (wait.failure == HTTP_FAILURE_NONE)
        return CLI_OK;
    return cli_fail(CLI_UNREACHABLE, "no answer from %s: %s; is the server running (keryx serve)?",
                    c->server, wait.why);
}

int client_ask(struct client *c, const char *method, const char *path, const struct json *body,
               int64_t timeout_us)
{
    int code = client_try(c, method, path, body, timeout_us);
    if (code != CLI_OK || (c->status >= 200 && c->status < 300))
        return code;
    const char *detail = client_text(c, c->body, "detail");
    if (!*detail)
        detail = client_text(c, c->body, "error");
    int exit_code = c->status == 404                       ? CLI_NOT_FOUND
                    : c->status == 400 || c->status == 422 ? CLI_USAGE
                                                           : CLI_FAILED;
    return cli_fail(exit_code, "%s (HTTP %d)", *detail ? detail : "the server refused", c->status);
}

int client_print(const struct client *c)
{
    return cli_write(c->text) ? CLI_OK : CLI_FAILED;
}

const char *client_text(struct client *c, const struct json *object, const char *key)
{
    const struct json *v = json_get(object, str_of(key));
    if (!v || v->type == JSON_NULL)
        return "";
    if (v->type == JSON_STRING)
        return arena_cstr(c->arena, json_text(c->arena, v));
    auto_buf out = BUF_INIT(CLIENT_KEEP);
    json_write(&out, v, JSON_COMPACT);
    return arena_cstr(c->arena, buf_view(&out));
}

/* ---- tables ---- */

void table_init(struct table *t, struct arena *a, size_t columns, const char *const *headings)
{
    *t = (struct table){ .arena = a, .columns = columns };
    table_row(t, headings);
}

void table_row(struct table *t, const char *const *cells)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 32;
        const char **more = ARENA_ARRAY(t->arena, const char *, cap * t->columns);
        if (t->n)
            memcpy(more, t->cells, t->n * t->columns * sizeof(*more));
        t->cells = more;
        t->cap = cap;
    }
    memcpy(t->cells + t->n++ * t->columns, cells, t->columns * sizeof(*cells));
}

/* Columns a text takes: code points, as terminals show them, near enough for tables. */
static size_t table_width(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static const char *table_colour(const char *cell)
{
    static const struct {
        const char *word, *code;
    } colours[] = { { "completed", "\033[32m" }, { "succeeded", "\033[32m" },
                    { "failed", "\033[31m" },    { "running", "\033[36m" },
                    { "retrying", "\033[33m" },  { "cancelled", "\033[33m" } };
    for (size_t i = 0; i < N_ELEMENTS(colours); i++) {
        if (!strcmp(colours[i].word, cell))
            return colours[i].code;
    }
    return "";
}

void table_print(const struct table *t)
{
    bool colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    size_t *widths = ARENA_ARRAY(t->arena, size_t, t->columns);
    for (size_t i = 0; i < t->n * t->columns; i++)
        widths[i % t->columns] = MAX(widths[i % t->columns], table_width(t->cells[i]));
    for (size_t row = 0; row < t->n; row++) {
        for (size_t k = 0; k < t->columns; k++) {
            const char *cell = t->cells[row * t->columns + k];
            const char *colour = !colours ? "" : row == 0 ? "\033[1m" : table_colour(cell);
            size_t pad = k + 1 < t->columns ? widths[k] + 2 - table_width(cell) : 0;
            printf("%s%s%s%*s", colour, cell, *colour ? "\033[0m" : "", (int)pad, "");
        }
        putchar('\n');
    }
}
