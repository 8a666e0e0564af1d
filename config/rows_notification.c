/* notifications: who is told of which events, and how. */
#include "config/rows.h"

enum { OF_WEBHOOK = 1, OF_OTHER = 2 };
#define AT(member) .offset = FIELD_AT(config_notification, member)

#define AUTH(member) .offset = FIELD_AT(config_auth, member)
#define AUTH_TYPES   "none|bearer|basic|header|hmac|standard_webhooks"
static const struct config_field auth_rows[] = {
    CONFIG_ROW("type", WORD, AUTH(mode), .choices = AUTH_TYPES, .help = "the scheme"),
    CONFIG_ROW("mode", WORD, .flags = FIELD_ALIAS, AUTH(mode), .choices = AUTH_TYPES,
               .help = "as type"),
    CONFIG_ROW("token", SECRET, AUTH(token), .help = "bearer"),
    CONFIG_ROW("username", TEXT, AUTH(username), .help = "basic"),
    CONFIG_ROW("password", SECRET, AUTH(password), .help = "basic"),
    CONFIG_ROW("header", TEXT, AUTH(header),
               .help = "header: its name; hmac: default X-Keryx-Signature"),
    CONFIG_ROW("value", SECRET, AUTH(value), .help = "header: its value"),
    CONFIG_ROW("secret", SECRET, AUTH(secret),
               .help = "hmac, standard_webhooks: the shared secret"),
    CONFIG_ROW("secrets", SECRETS, AUTH(secrets),
               .help = "standard_webhooks: several at once, while they are rotated"),
};

static const struct config_section auth_section = {
    .name = "notification_auth",
    .help = "How the receiver knows that it is us.",
    FIELD_ROWS(auth_rows),
    .size = sizeof(struct config_auth),
    .pos_at = FIELD_AT(config_auth, pos),
};

static const struct config_field payload_rows[] = {
    CONFIG_ROW("template", TEXT, .flags = FIELD_TEMPLATE, AT(payload_template), .help = "the body"),
    CONFIG_ROW("engine", WORD, AT(payload_engine), .otherwise = "auto",
               .choices = "auto|go|mustache|dot", .help = "its dialect"),
    CONFIG_ROW("content_type", TEXT, AT(payload_content_type), .otherwise = "application/json",
               .help = "its type; JSON must parse"),
    CONFIG_ROW("on_error", BOOL, AT(payload_on_error_default), .otherwise = "fail",
               .choices = "fail|default",
               .help = "default: a template that fails sends the default payload"),
    CONFIG_ROW("escape_html", BOOL, AT(escape_html), .help = "toJson writes < > & as Go does"),
};
static const struct config_section payload_section = { .name = "payload",
                                                       .help = "A body of your own.",
                                                       FIELD_ROWS(payload_rows),
                                                       .size = sizeof(struct config_notification),
                                                       .scalar = "template" };

#define RETRY(member) .offset = FIELD_AT(config_retry, member)
static const struct config_field retry_rows[] = {
    CONFIG_RETRY_ROWS("3", "1s", "30s"),
    CONFIG_ROW("preset", WORD, RETRY(preset), .choices = "hermon",
               .help = "hermon: 6 tries, waits of 5, 10, 20, 40, 80 minutes"),
};

static void retry_finish(struct config_reader *r, const struct config_path *path,
                         const struct config_node *node, void *object)
{
    struct config_retry *retry = object;
    (void)r;
    (void)path;
    if (!retry->preset.s.p)
        return;
    if (!config_node_get(node, "max_attempts"))
        retry->max_attempts = 6;
    if (!config_node_get(node, "initial_delay"))
        retry->initial_delay = 300 * US_PER_S;
    if (!config_node_get(node, "max_delay"))
        retry->max_delay = 4800 * US_PER_S;
    if (!config_node_get(node, "jitter"))
        retry->jitter = 0;
}

static const struct config_section retry_section = { .name = "notification_retry",
                                                     .help = "Of one delivery.",
                                                     FIELD_ROWS(retry_rows),
                                                     .size = sizeof(struct config_retry),
                                                     .finish = retry_finish };

static const struct config_field notification_rows[] = {
    CONFIG_ROW("id", TEXT, .flags = FIELD_REQUIRED, AT(id), .pattern = "_-.",
               .help = "its name, unique in its list"),
    CONFIG_ROW("type", TEXT, AT(type), .otherwise = "webhook",
               .help = "webhook, or the name of a connection or target"),
    CONFIG_ROW("enabled", BOOL, AT(enabled), .otherwise = "true", .help = "false: nothing is sent"),
    CONFIG_ROW(
        "events", TEXTS, AT(events), .otherwise = "task.completed",
        .help =
            "task.started task.completed task.failed task.cancelled tool.called delivery.failed "
            "schedule.missed schedule.skipped; * wildcards; Hermes' task_started … too"),
    CONFIG_ROW("when", TEXT, .flags = FIELD_TEMPLATE, AT(when),
               .help = "a condition; truthy sends"),
    CONFIG_ROW("url", URL, .flags = FIELD_TEMPLATE, .only = OF_WEBHOOK, AT(url),
               .help = "where it is posted"),
    CONFIG_ROW("method", WORD, .only = OF_WEBHOOK, AT(method), .otherwise = "POST",
               .choices = "POST|PUT|PATCH|GET|DELETE", .help = "how"),
    CONFIG_ROW("headers", PAIRS, .flags = FIELD_PRIVATE | FIELD_TEMPLATE, .only = OF_WEBHOOK,
               AT(headers), .help = "further headers"),
    CONFIG_ROW("payload", SECTION, .section = &payload_section, .help = "a body of your own"),
    CONFIG_ROW("transform", NODE, .flags = FIELD_TEMPLATE, .only = OF_WEBHOOK, AT(transform),
               .help = "a body of your own, as an object of templates"),
    CONFIG_ROW("format", WORD, AT(format), .choices = "hector|hermes|hermon|cloudevents",
               .help = "the default body's shape"),
    CONFIG_ROW("event_names", PAIRS, AT(event_names), .help = "hermon: names of events"),
    CONFIG_ROW("auth", SECTION, .only = OF_WEBHOOK, AT(auth),
               .set_at = FIELD_AT(config_notification, auth.set), .section = &auth_section,
               .help = "how the receiver knows that it is us"),
    CONFIG_ROW("retry", SECTION, AT(retry), .section = &retry_section, .help = "of one delivery"),
    CONFIG_ROW("timeout", TIMEOUT, AT(timeout), .otherwise = "30s", .min = 1, .help = "of one try"),
    CONFIG_ROW("ordered", BOOL, AT(ordered), .otherwise = "false",
               .help = "true: one at a time, in the order of the events"),
    CONFIG_ROW("max_concurrent", UINT, AT(max_concurrent), .otherwise = "8", .min = 1, .max = 1000,
               .help = "tries at once to this receiver"),
    CONFIG_ROW("rate_limit", SECTION, AT(rate_limit), .section = &config_rows_rate,
               .help = "of this receiver"),
    CONFIG_ROW("egress", SECTION, AT(egress), .section = &config_rows_egress,
               .help = "as the global one"),
};

static int notification_variant(struct config_reader *r, const struct config_path *path,
                                const struct config_node *node)
{
    const struct config_node *type = config_node_get(node, "type");
    (void)r;
    (void)path;
    return !type || type->kind != CONFIG_NODE_SCALAR || str_eq(type->text, STR("webhook")) ? 0 : 1;
}

static int notification_variant_of(const void *object)
{
    return str_eq(((const struct config_notification *)object)->type.s, STR("webhook")) ? 0 : 1;
}

static const char *const events[] = { "task.started",    "task.completed",  "task.failed",
                                      "task.cancelled",  "tool.called",     "delivery.failed",
                                      "schedule.missed", "schedule.skipped" };

/* Hermes' task_started is task.started; a pattern must match something. */
static void event_finish(struct config_reader *r, const struct config_path *path,
                         struct config_text *event)
{
    ptrdiff_t under = str_chr(event->s, '_');
    if (under >= 0 && str_chr(event->s, '.') < 0) {
        char *canonical = arena_cstr(r->arena, event->s);
        canonical[under] = '.';
        event->s.p = canonical;
    }
    for (size_t i = 0; i < N_ELEMENTS(events); i++)
        if (str_glob(event->s, str_of(events[i])))
            return;
    config_field_problem(r, path, false, event->pos,
                         "'%.*s' is no event; expected task.started, task.completed, task.failed, "
                         "task.cancelled, tool.called, delivery.failed, schedule.missed, "
                         "schedule.skipped or a pattern such as task.*%s",
                         STR_ARG(str_sub(event->s, 0, 64)),
                         config_field_suggest(r->arena, event->s, events, N_ELEMENTS(events)));
}

static void notification_finish(struct config_reader *r, const struct config_path *path,
                                const struct config_node *node, void *object)
{
    struct config_notification *n = object;
    struct config_path list = { .up = path, .key = STR("events") };
    for (size_t i = 0; i < n->events.n; i++)
        event_finish(
            r, &(struct config_path){ .up = &list, .index = i, .pos = n->events.items[i].pos },
            &n->events.items[i]);
    n->where = config_path_text(r->arena, path);
    if (!node)
        return;
    if (notification_variant_of(n) == 0 && !config_field_given(node, "url"))
        config_field_problem(r, &(struct config_path){ .up = path, .key = STR("url") }, false,
                             path->pos, "missing; expected a URL (http or https)");
    if (n->transform && n->payload_template.s.p)
        config_field_problem(r, &(struct config_path){ .up = path, .key = STR("transform") }, false,
                             n->transform->pos,
                             "payload.template is there too; expected one of the two");
}

const struct config_section config_rows_notification = {
    .name = "notification",
    .help = "A receiver of events.",
    FIELD_ROWS(notification_rows),
    .size = sizeof(struct config_notification),
    .pos_at = FIELD_AT(config_notification, pos),
    .variants = "webhook|other",
    .variant_word = "notification",
    .variant = notification_variant,
    .variant_of = notification_variant_of,
    .extra_at = FIELD_AT(config_notification, extra),
    .extra_only = OF_OTHER,
    .finish = notification_finish,
};
