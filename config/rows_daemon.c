/* store, defaults, background, monitoring, logging. */
#include "config/rows.h"

#include "config/value.h"

#define STORE(member) .offset = FIELD_AT(config_store, member)
static const struct config_field store_rows[] = {
    CONFIG_ROW("url", TEXT, STORE(url), .otherwise = "sqlite:keryx.db",
               .help = "sqlite:PATH, or postgres://user:pw@host/db that several nodes share"),
    CONFIG_ROW("reserve", SIZE, STORE(reserve), .otherwise = "16MiB",
               .help = "ballast that is given up when the disk is full"),
    CONFIG_ROW("max_receipt_bytes", SIZE, STORE(max_receipt_bytes), .otherwise = "1GiB",
               .help = "all receipts together"),
    CONFIG_ROW("lease", DURATION, STORE(lease), .otherwise = "15s", .min = 1000000,
               .help = "several nodes: how long a silent one keeps its tasks"),
    CONFIG_ROW("retention", DURATION, STORE(retention), .otherwise = "30d", .min = 1,
               .help = "finished tasks, receipts and deliveries older than this are deleted"),
    CONFIG_ROW("max_result_bytes", SIZE, STORE(max_result_bytes), .otherwise = "1MiB", .min = 1,
               .help = "a longer result is cut, and says so"),
};
#undef STORE

static void store_finish(struct config_reader *r, const struct config_path *path,
                         const struct config_node *node, void *object)
{
    struct config_text *url = &((struct config_store *)object)->url;
    struct config_path at = { .up = path, .key = STR("url"), .pos = url->pos };
    (void)node;
    if (str_starts(url->s, STR("sqlite:")) && url->s.n > 7)
        url->s = arena_printf(r->arena, "sqlite:%.*s",
                              STR_ARG(config_value_path(r, str_sub(url->s, 7, url->s.n))));
    else if (!str_starts(url->s, STR("postgres://")) && !str_starts(url->s, STR("postgresql://")))
        config_field_problem(
            r, &at, false, url->pos,
            "an unknown kind of store; expected sqlite:PATH or postgres://user:pw@host/db");
}

const struct config_section config_rows_store = {
    .name = "store",
    .help = "Where the durable state lives.",
    FIELD_ROWS(store_rows),
    .size = sizeof(struct config_store),
    .finish = store_finish,
};

#define DEFAULTS(member) .offset = (FIELD_AT(config, defaults.member) - FIELD_AT(config, defaults))
static const struct config_field defaults_rows[] = {
    CONFIG_ROW("llm", TEXT, .flags = FIELD_ROLE, DEFAULTS(llm), .otherwise = "default",
               .help = "llm of agents that name none"),
    CONFIG_ROW("agent", TEXT, .flags = FIELD_ROLE, DEFAULTS(agent), .otherwise = "default",
               .help = "agent of prompts that name none"),
    CONFIG_ROW("timeout", TIMEOUT, DEFAULTS(timeout), .otherwise = "3600s", .min = 1,
               .help = "limits.timeout of agents that set none"),
};
#undef DEFAULTS

const struct config_section config_rows_defaults = {
    .name = "defaults",
    .help = "What agents get that do not say.",
    FIELD_ROWS(defaults_rows),
    .size = sizeof(((struct config *)0)->defaults),
};

#define BACKGROUND(member) (FIELD_AT(config, background.member) - FIELD_AT(config, background))
static const struct config_field background_rows[] = {
    CONFIG_ROW(
        "max_concurrent", UINT, .offset = BACKGROUND(max_concurrent),
        .set_at = BACKGROUND(max_concurrent_set), .min = 1, .max = 100000,
        .help = "tasks at once over all agents of this node; default cores × 8 for command agents, "
                "no limit for the others"),
    CONFIG_ROW(
        "persist_on_restart", BOOL, .offset = BACKGROUND(persist_on_restart), .otherwise = "true",
        .help = "false: tasks that were running when keryx died fail instead of running again"),
};
#undef BACKGROUND

const struct config_section config_rows_background = {
    .name = "background",
    .help = "All tasks of this node together.",
    FIELD_ROWS(background_rows),
    .size = sizeof(((struct config *)0)->background),
};

#define LISTENER(member) .offset = FIELD_AT(config_listener_of, member)
#define LISTENER_ROWS(default_path)                                            \
    CONFIG_ROW("enabled", BOOL, LISTENER(enabled), .otherwise = "true",        \
               .help = "false: not served"),                                   \
        CONFIG_ROW("path", TEXT, LISTENER(path), .otherwise = (default_path),  \
                   .help = "where it answers"),                                \
        CONFIG_ROW("port", UINT, LISTENER(port), .max = 65535,                 \
                   .help = "opens a listener of its own"),                     \
        CONFIG_ROW("listen", TEXT, LISTENER(listen), .otherwise = "127.0.0.1", \
                   .help = "address of that listener")
static const struct config_field prometheus_rows[] = {
    LISTENER_ROWS("/metrics"),
    CONFIG_ROW("names", WORD, LISTENER(names), .choices = "hermes",
               .help = "hermes: its metric names too"),
};
static const struct config_field health_rows[] = { LISTENER_ROWS("/health") };

static const struct config_section prometheus_section = { .name = "prometheus",
                                                          .help = "Metrics.",
                                                          FIELD_ROWS(prometheus_rows),
                                                          .size =
                                                              sizeof(struct config_listener_of) };
static const struct config_section health_section = { .name = "health",
                                                      .help = "The health check.",
                                                      FIELD_ROWS(health_rows),
                                                      .size = sizeof(struct config_listener_of) };

#define MONITORING(member) \
    .offset = (FIELD_AT(config, monitoring.member) - FIELD_AT(config, monitoring))
static const struct config_field otlp_rows[] = {
    CONFIG_ROW("endpoint", URL, MONITORING(otlp_endpoint),
               .help = "OTLP/HTTP collector of traces; off unless set"),
};
static const struct config_section otlp_section = { .name = "otlp",
                                                    .help = "Traces.",
                                                    FIELD_ROWS(otlp_rows),
                                                    .size =
                                                        sizeof(((struct config *)0)->monitoring) };

static const struct config_field monitoring_rows[] = {
    CONFIG_ROW("prometheus", SECTION, MONITORING(prometheus), .section = &prometheus_section,
               .help = "metrics"),
    CONFIG_ROW("health", SECTION, MONITORING(health), .section = &health_section,
               .help = "the health check"),
    CONFIG_ROW("otlp", SECTION, .section = &otlp_section, .help = "traces"),
};
#undef MONITORING

const struct config_section config_rows_monitoring = {
    .name = "monitoring",
    .help = "What can be watched.",
    FIELD_ROWS(monitoring_rows),
    .size = sizeof(((struct config *)0)->monitoring),
};

static const struct config_field destination_rows[] = {
    CONFIG_ROW("type", WORD, .flags = FIELD_REQUIRED,
               .offset = FIELD_AT(config_log_destination, type), .choices = "file|syslog|http",
               .help = "what kind"),
    CONFIG_ROW("path", PATH, .only = 1, .flags = FIELD_REQUIRED,
               .offset = FIELD_AT(config_log_destination, path),
               .help = "file: reopened on SIGHUP"),
    CONFIG_ROW("address", TEXT, .only = 2, .flags = FIELD_REQUIRED,
               .offset = FIELD_AT(config_log_destination, address),
               .help = "syslog: host:port (UDP), tcp://host:port or unix:/path"),
    CONFIG_ROW("url", URL, .only = 4, .flags = FIELD_REQUIRED,
               .offset = FIELD_AT(config_log_destination, url),
               .help = "http: batched NDJSON is posted there"),
};

static int destination_variant(struct config_reader *r, const struct config_path *path,
                               const struct config_node *node)
{
    const struct config_node *type = config_node_get(node, "type");
    (void)r;
    (void)path;
    return type && type->kind == CONFIG_NODE_SCALAR
               ? config_field_choice_index("file|syslog|http", type->text)
               : -1;
}

static int destination_variant_of(const void *object)
{
    return config_field_choice_index("file|syslog|http",
                                     ((const struct config_log_destination *)object)->type.s);
}

static const struct config_section destination_section = {
    .name = "log_destination",
    .help = "A place log lines go to.",
    FIELD_ROWS(destination_rows),
    .size = sizeof(struct config_log_destination),
    .variants = "file|syslog|http",
    .variant_word = "destination",
    .variant = destination_variant,
    .variant_of = destination_variant_of,
};

#define LOGGING(member) (FIELD_AT(config, logging.member) - FIELD_AT(config, logging))
static const struct config_field stream_rows[] = {
    CONFIG_ROW("enabled", BOOL, .offset = LOGGING(stream),
               .help = "default: true once there are destinations", .set_at = LOGGING(stream_set)),
    CONFIG_ROW("format", WORD, .offset = LOGGING(stream_format), .choices = "json",
               .help = "streamed lines are JSON"),
    CONFIG_ROW("destinations", LIST, .offset = LOGGING(destinations),
               .count_at = LOGGING(n_destinations), .section = &destination_section,
               .help = "where to"),
};
static const struct config_section stream_section = { .name = "log_stream",
                                                      .help = "Log lines for other systems.",
                                                      FIELD_ROWS(stream_rows),
                                                      .size =
                                                          sizeof(((struct config *)0)->logging) };

static const struct config_field logging_rows[] = {
    CONFIG_ROW("level", CHOICE, .offset = LOGGING(level), .otherwise = "info",
               .choices = "error|warn|info|debug", .help = "least level that is written"),
    CONFIG_ROW("format", CHOICE, .offset = LOGGING(format), .otherwise = "auto",
               .choices = "auto|text|json", .help = "auto: text on a terminal, else json"),
    CONFIG_ROW("stream", SECTION, .section = &stream_section, .help = "further sinks"),
};

static void logging_finish(struct config_reader *r, const struct config_path *path,
                           const struct config_node *node, void *object)
{
    bool *stream = (bool *)object + LOGGING(stream);
    const size_t *n =
        (const size_t *)(const void *)((const char *)object + LOGGING(n_destinations));
    (void)r;
    (void)path;
    (void)node;
    if (!*((const bool *)object + LOGGING(stream_set)))
        *stream = *n > 0;
}

const struct config_section config_rows_logging = {
    .name = "logging",
    .help = "The log.",
    FIELD_ROWS(logging_rows),
    .size = sizeof(((struct config *)0)->logging),
    .finish = logging_finish,
};

/* Hector's `logger:` block, read after `logging:` into the same place. */
static const struct config_field logger_rows[] = {
    CONFIG_ROW("level", CHOICE, .offset = LOGGING(level), .choices = "error|warn|info|debug",
               .help = "as logging.level"),
    CONFIG_ROW("format", TEXT, .offset = LOGGING(hector_format), .help = "json, else text"),
    CONFIG_ROW("file", PATH, .offset = LOGGING(hector_file),
               .help = "as a destination of type file"),
};
#undef LOGGING

const struct config_section config_rows_logger = {
    .name = "logger",
    .help = "Hector's name of logging.",
    FIELD_ROWS(logger_rows),
    .size = sizeof(((struct config *)0)->logging),
};
