/* The top of agents.yaml. */
#include "config/rows.h"

#define AT(member) .offset = FIELD_AT(config, member)
#define FOREIGN(key, program)                                                        \
    CONFIG_ROW(key, REFUSED,                                                         \
               .help = "a key of " program "'s configuration; keryx import " program \
                       " translates that file")

static const struct config_field root_rows[] = {
    CONFIG_ROW("version", TEXT, AT(version), .choices = "1|2", .help = "of the format; 1"),
    CONFIG_ROW("name", TEXT, AT(name), .help = "shown in the UI, the User-Agent and traces"),
    CONFIG_ROW("server", SECTION, AT(server), .section = &config_rows_server,
               .help = "the HTTP side"),
    CONFIG_ROW("egress", SECTION, AT(egress), .section = &config_rows_egress,
               .help = "how requests leave"),
    CONFIG_ROW("store", SECTION, AT(store), .section = &config_rows_store,
               .help = "where the durable state lives"),
    CONFIG_ROW("defaults", SECTION, AT(defaults), .section = &config_rows_defaults,
               .help = "what agents get that do not say"),
    CONFIG_ROW("templates", PAIRS, .flags = FIELD_TEMPLATE, AT(templates),
               .help = "named partials; also files in templates/ beside this file"),
    CONFIG_ROW("targets", MAP, AT(targets), .count_at = FIELD_AT(config, n_targets),
               .section = &config_rows_target, .help = "kinds of receivers of your own"),
    CONFIG_ROW("llms", MAP, AT(llms), .count_at = FIELD_AT(config, n_llms),
               .section = &config_rows_llm, .help = "models"),
    CONFIG_ROW("tools", MAP, AT(tools), .count_at = FIELD_AT(config, n_tools),
               .section = &config_rows_tool, .help = "what llm agents may call"),
    CONFIG_ROW("agents", MAP, AT(agents), .count_at = FIELD_AT(config, n_agents),
               .section = &config_rows_agent, .help = "what is run"),
    CONFIG_ROW("notifications", LIST, AT(notifications),
               .count_at = FIELD_AT(config, n_notifications), .section = &config_rows_notification,
               .help = "who is told of every agent's events"),
    CONFIG_ROW("background", SECTION, AT(background), .section = &config_rows_background,
               .help = "all tasks of this node together"),
    CONFIG_ROW("connections", MAP, AT(connections), .count_at = FIELD_AT(config, n_connections),
               .section = &config_rows_connection, .help = "credentials of services that are told"),
    CONFIG_ROW("monitoring", SECTION, AT(monitoring), .section = &config_rows_monitoring,
               .help = "what can be watched"),
    CONFIG_ROW("logging", SECTION, AT(logging), .section = &config_rows_logging, .help = "the log"),
    CONFIG_ROW("logger", SECTION, .flags = FIELD_ALIAS, AT(logging), .section = &config_rows_logger,
               .help = "Hector's name of logging"),
    CONFIG_IGNORED("description"),
    CONFIG_IGNORED("rag"),
    CONFIG_IGNORED("vector_stores"),
    CONFIG_IGNORED("embedders"),
    CONFIG_IGNORED("document_stores"),
    CONFIG_IGNORED("guardrails"),
    CONFIG_IGNORED("databases"),
    CONFIG_IGNORED("observability"),
    CONFIG_IGNORED("rate_limiting"),
    CONFIG_IGNORED("memory"),
    CONFIG_IGNORED("checkpoint"),
    CONFIG_IGNORED("sessions"),
    CONFIG_IGNORED("session_stores"),
    CONFIG_IGNORED("storage"),
    CONFIG_IGNORED("performance"),
    CONFIG_IGNORED("global"),
    CONFIG_IGNORED("a2a"),
    CONFIG_IGNORED("a2a_server"),
    CONFIG_IGNORED("plugins"),
    CONFIG_IGNORED("workflows"),
    FOREIGN("webhooks", "hermes"),
    FOREIGN("platforms", "hermes"),
};

const struct config_section config_rows_root = {
    .name = "agents.yaml",
    .help = "The whole file.",
    FIELD_ROWS(root_rows),
    .size = sizeof(struct config),
};
