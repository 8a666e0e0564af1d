/* keryx tasks, deliveries, schedule, status, reload: lists and actions of the running daemon. */
#include "cli/client.h"

#include "http/url.h"

#include <stdio.h>

#define ASK_TIMEOUT_US (30 * US_PER_S)

/* What these commands share: where the server is, how to print. */
struct ask {
    struct client client;
    bool json;
    const char *limit, *agent, *status, *since;
    bool failed;
    int words;
};

static int ask_open(struct ask *ask, const struct command *c, int argc, char **argv)
{
    const struct cli_option options[] = {
        { 's', "server", &ask->client.server, NULL },
        { 'c', "config", &ask->client.config, NULL },
        { 0, "json", NULL, &ask->json },
        { 'n', "limit", &ask->limit, NULL },
        { 0, "agent", &ask->agent, NULL },
        { 0, "status", &ask->status, NULL },
        { 0, "since", &ask->since, NULL },
        { 0, "failed", NULL, &ask->failed },
    };
    ask->words = cli_options(c, argc, argv, options, N_ELEMENTS(options));
    if (ask->words < 0)
        return CLI_USAGE;
    return client_open(&ask->client);
}

static const char *ask_list_path(struct ask *ask, const char *path)
{
    auto_buf out = BUF_INIT(16 * KIB);
    const struct {
        const char *key, *value;
    } filters[] = { { "limit", ask->limit },
                    { "agent", ask->agent },
                    { "status", ask->status },
                    { "since", ask->since } };
    char separator = '?';
    buf_cstr(&out, path);
    for (size_t i = 0; i < N_ELEMENTS(filters); i++) {
        if (!filters[i].value)
            continue;
        buf_printf(&out, "%c%s=", separator, filters[i].key);
        url_encode(&out, str_of(filters[i].value));
        separator = '&';
    }
    return arena_cstr(ask->client.arena, buf_view(&out));
}

static const char *ask_item_path(struct ask *ask, const char *collection, const char *id,
                                 const char *action)
{
    auto_buf out = BUF_INIT(16 * KIB);
    buf_printf(&out, "%s/", collection);
    url_encode(&out, str_of(id));
    buf_cstr(&out, action);
    return arena_cstr(ask->client.arena, buf_view(&out));
}

/* A member for a table: of a list only the first item. */
static const char *ask_cell(struct ask *ask, const struct json *item, const char *key)
{
    const struct json *v = json_get(item, str_of(key));
    if (v && v->type == JSON_LIST)
        return v->child ? arena_cstr(ask->client.arena, json_text(ask->client.arena, v->child))
                        : "";
    return client_text(&ask->client, item, key);
}

/* GET a list and print the named members of its items as a table. */
static int ask_table(struct ask *ask, const char *path, const char *const *headings,
                     const char *const *keys, size_t n)
{
    int code = client_ask(&ask->client, "GET", ask_list_path(ask, path), NULL, ASK_TIMEOUT_US);
    if (code != CLI_OK || ask->json)
        return code != CLI_OK ? code : client_print(&ask->client);
    struct table table;
    const char *cells[8];
    table_init(&table, ask->client.arena, n, headings);
    const struct json *items = json_get(ask->client.body, STR("items"));
    for (const struct json *item = items ? items->child : NULL; item; item = item->next) {
        for (size_t k = 0; k < n; k++)
            cells[k] = ask_cell(ask, item, keys[k]);
        table_row(&table, cells);
    }
    table_print(&table);
    if (json_get(ask->client.body, STR("next_cursor")))
        fprintf(stderr, "(there are more; -n N shows up to 500, filters narrow the list)\n");
    return CLI_OK;
}

static int ask_show(struct ask *ask, const char *path)
{
    int code = client_ask(&ask->client, "GET", path, NULL, ASK_TIMEOUT_US);
    if (code != CLI_OK || ask->json || !ask->client.body)
        return code != CLI_OK ? code : client_print(&ask->client);
    for (const struct json *m = ask->client.body->child; m; m = m->next) {
        const char *key = arena_cstr(ask->client.arena, json_key_text(ask->client.arena, m));
        printf("%-18s %s\n", key, client_text(&ask->client, ask->client.body, key));
    }
    return CLI_OK;
}

static int ask_act(struct ask *ask, const char *path, const struct json *body)
{
    int code = client_ask(&ask->client, "POST", path, body, ASK_TIMEOUT_US);
    if (code != CLI_OK || ask->json)
        return code != CLI_OK ? code : client_print(&ask->client);
    const char *count = client_text(&ask->client, ask->client.body, "count");
    printf("%s%s\n", *count ? "count: " : "",
           *count ? count : client_text(&ask->client, ask->client.body, "status"));
    return CLI_OK;
}

static int wrong_words(const struct command *c)
{
    cli_print_help(c, true);
    return CLI_USAGE;
}

/* ---- tasks ---- */

static int tasks_do(struct ask *ask, char **argv)
{
    static const char *const headings[] = { "ID", "AGENT", "STATUS", "TRY", "CREATED", "SECONDS" };
    static const char *const keys[] = { "id",      "agent_name", "status",
                                        "attempt", "created_at", "duration_seconds" };
    static const char base[] = "/api/v1/tasks";
    const char *verb = ask->words ? argv[1] : "list", *id = ask->words > 1 ? argv[2] : NULL;
    if (!strcmp(verb, "list") && !id)
        return ask_table(ask, base, headings, keys, N_ELEMENTS(keys));
    if (!id)
        return wrong_words(&cli_tasks);
    if (!strcmp(verb, "status") || !strcmp(verb, "show"))
        return ask_show(ask, ask_item_path(ask, base, id, ""));
    if (!strcmp(verb, "output")) {
        int code = client_ask(&ask->client, "GET", ask_item_path(ask, base, id, "/output"), NULL,
                              ASK_TIMEOUT_US);
        return code != CLI_OK ? code : client_print(&ask->client);
    }
    if (!strcmp(verb, "events"))
        return ask_show(ask, ask_item_path(ask, base, id, "/events"));
    if (!strcmp(verb, "cancel"))
        return ask_act(ask, ask_item_path(ask, base, id, "/cancel"), NULL);
    if (!strcmp(verb, "retry"))
        return ask_act(ask, ask_item_path(ask, base, id, "/retry"), NULL);
    return wrong_words(&cli_tasks);
}

static int with_ask(const struct command *c, int argc, char **argv,
                    int (*act)(struct ask *, char **))
{
    struct ask ask = { 0 };
    int code = ask_open(&ask, c, argc, argv);
    if (code == CLI_OK)
        code = act(&ask, argv);
    client_close(&ask.client);
    return code;
}

static int tasks_run(int argc, char **argv)
{
    return with_ask(&cli_tasks, argc, argv, tasks_do);
}

#define ASK_HELP                                                                            \
    "  -s, --server URL    the server (default $KERYX_URL, else where agents.yaml says it " \
    "listens)\n"                                                                            \
    "  -c, --config FILE   that configuration\n"                                            \
    "  --json              print the answer as it came\n"

const struct command cli_tasks = {
    .name = "tasks",
    .usage = "list | status ID | output ID | events ID | cancel ID | retry ID",
    .summary = "list tasks, look at one, stop it, run it again",
    .help = ASK_HELP "  --agent A, --status S, --since 1h, -n, --limit N   filters of list\n",
    .run = tasks_run,
};

/* ---- deliveries ---- */

static int deliveries_retry(struct ask *ask)
{
    struct arena *a = ask->client.arena;
    struct json *body = json_object(a);
    json_put_str(a, body, "since", ask->since);
    return ask_act(ask, "/api/v1/deliveries/retry", body);
}

static int deliveries_do(struct ask *ask, char **argv)
{
    static const char *const headings[] = { "ID",    "RECEIVER", "EVENT",     "STATUS",
                                            "TRIES", "CREATED",  "LAST ERROR" };
    static const char *const keys[] = { "id",        "receiver",      "event",
                                        "status",    "attempt_count", "created_at",
                                        "last_error" };
    static const char base[] = "/api/v1/deliveries";
    const char *verb = ask->words ? argv[1] : "list", *id = ask->words > 1 ? argv[2] : NULL;
    if (!strcmp(verb, "list") && !id)
        return ask_table(ask, base, headings, keys, N_ELEMENTS(keys));
    if (!strcmp(verb, "retry") && !id && ask->failed)
        return deliveries_retry(ask);
    if (id && !strcmp(verb, "show"))
        return ask_show(ask, ask_item_path(ask, base, id, ""));
    if (id && !strcmp(verb, "retry"))
        return ask_act(ask, ask_item_path(ask, base, id, "/retry"), NULL);
    return wrong_words(&cli_deliveries);
}

static int deliveries_run(int argc, char **argv)
{
    return with_ask(&cli_deliveries, argc, argv, deliveries_do);
}

const struct command cli_deliveries = {
    .name = "deliveries",
    .usage = "list | show ID | retry ID | retry --failed [--since D]",
    .summary = "list outgoing messages, look at their attempts, send them again",
    .help = ASK_HELP "  --status S, --since 1h, -n, --limit N   filters of list\n",
    .run = deliveries_run,
};

/* ---- schedule ---- */

static int schedule_next(struct ask *ask, const char *name)
{
    const char *count = ask->limit ? arena_printf(ask->client.arena, "?n=%s", ask->limit).p : "";
    int code = client_ask(&ask->client, "GET", ask_item_path(ask, "/api/v1/schedules", name, count),
                          NULL, ASK_TIMEOUT_US);
    if (code != CLI_OK || ask->json)
        return code != CLI_OK ? code : client_print(&ask->client);
    const struct json *next = json_get(ask->client.body, STR("next"));
    for (const struct json *t = next ? next->child : NULL; t; t = t->next)
        printf("%s\n", arena_cstr(ask->client.arena, json_text(ask->client.arena, t)));
    return CLI_OK;
}

static int schedule_do(struct ask *ask, char **argv)
{
    static const char *const headings[] = {
        "NAME", "AGENT", "CRON", "EVERY", "ZONE", "LAST", "NEXT"
    };
    static const char *const keys[] = { "name",     "agent",         "cron", "every",
                                        "timezone", "last_fired_at", "next" };
    const char *verb = ask->words ? argv[1] : "list", *name = ask->words > 1 ? argv[2] : NULL;
    if (!strcmp(verb, "list") || (!strcmp(verb, "next") && !name))
        return ask_table(ask, "/api/v1/schedules", headings, keys, N_ELEMENTS(keys));
    if (!strcmp(verb, "next"))
        return schedule_next(ask, name);
    return wrong_words(&cli_schedule);
}

static int schedule_run(int argc, char **argv)
{
    return with_ask(&cli_schedule, argc, argv, schedule_do);
}

const struct command cli_schedule = {
    .name = "schedule",
    .usage = "list | next [NAME] [-n 5]",
    .summary = "list schedules and when they come next",
    .help = ASK_HELP "  -n N                how many times of one schedule (up to 100)\n",
    .run = schedule_run,
};

/* ---- status, reload ---- */

static int status_do(struct ask *ask, char **argv)
{
    (void)argv;
    return ask_show(ask, "/health");
}

static int status_run(int argc, char **argv)
{
    return with_ask(&cli_status, argc, argv, status_do);
}

const struct command cli_status = {
    .name = "status",
    .usage = "",
    .summary = "tell how the running daemon is",
    .help = ASK_HELP,
    .run = status_run,
};

static int reload_do(struct ask *ask, char **argv)
{
    (void)argv;
    int code = ask_act(ask, "/api/v1/reload", NULL);
    const struct json *warnings = json_get(ask->client.body, STR("warnings"));
    for (const struct json *w = warnings && !ask->json ? warnings->child : NULL; w; w = w->next)
        fprintf(stderr, "%s\n", arena_cstr(ask->client.arena, json_text(ask->client.arena, w)));
    return code;
}

static int reload_run(int argc, char **argv)
{
    return with_ask(&cli_reload, argc, argv, reload_do);
}

const struct command cli_reload = {
    .name = "reload",
    .usage = "",
    .summary = "let the daemon read its configuration again; with errors the old one stays",
    .help = ASK_HELP,
    .run = reload_run,
};
