/* The sections of agents.yaml, one table file a subject, and the small ones that several share. */
#ifndef KERYX_CONFIG_ROWS_H
#define KERYX_CONFIG_ROWS_H

#include "config/kind.h"

extern const struct config_section config_rows_root;
extern const struct config_section config_rows_server;
extern const struct config_section config_rows_egress;
extern const struct config_section config_rows_store;
extern const struct config_section config_rows_defaults;
extern const struct config_section config_rows_background;
extern const struct config_section config_rows_monitoring;
extern const struct config_section config_rows_logging;
extern const struct config_section config_rows_logger;
extern const struct config_section config_rows_llm;
extern const struct config_section config_rows_tool;
extern const struct config_section config_rows_connection;
extern const struct config_section config_rows_target;
extern const struct config_section config_rows_agent;
extern const struct config_section config_rows_policy;
extern const struct config_section config_rows_rate;
extern const struct config_section config_rows_agent_retry;
extern const struct config_section config_rows_trigger;
extern const struct config_section config_rows_notification;

/* The keys of every tool type beside the common ones; NULL at the end. */
const struct config_kind *config_rows_tool_kind(size_t k);

/* One row; further members by name. */
#define CONFIG_ROW(key, kind, ...)                       \
    {                                                    \
        .name = (key), .type = FIELD_##kind, __VA_ARGS__ \
    }
#define CONFIG_IGNORED(key)                  \
    {                                        \
        .name = (key), .type = FIELD_IGNORED \
    }

/* Rows of `retry:`; only the defaults differ. */
#define CONFIG_RETRY(member) .offset = FIELD_AT(config_retry, member)
#define CONFIG_RETRY_ROWS(attempts, initial, longest)                                              \
    CONFIG_ROW("max_attempts", UINT, CONFIG_RETRY(max_attempts), .otherwise = (attempts),          \
               .min = 1, .max = 1000, .help = "total number of tries"),                            \
        CONFIG_ROW("initial_delay", DURATION, CONFIG_RETRY(initial_delay), .otherwise = (initial), \
                   .help = "wait before the second try"),                                          \
        CONFIG_ROW("max_delay", DURATION, CONFIG_RETRY(max_delay), .otherwise = (longest),         \
                   .help = "no wait is longer"),                                                   \
        CONFIG_ROW("backoff", CHOICE, CONFIG_RETRY(backoff), .otherwise = "exponential",           \
                   .choices = "exponential|linear|fixed", .help = "how the wait grows"),           \
        CONFIG_ROW("jitter", NUMBER, CONFIG_RETRY(jitter), .otherwise = "0.1", .max = 1,           \
                   .help = "the wait varies by this part of it")

#endif
