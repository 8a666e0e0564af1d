/* agents.yaml as one typed struct, and the rules of its loader (10-config). A loaded config is
   immutable and shared by reference count: a running task keeps the generation it started with.
   config knows no trigger, runner or notifier: what they must check themselves (cron expressions,
   templates, references into their tables) they add to the same list of problems, with the
   positions kept here.

   struct config ─┬─ server, store, defaults, egress, monitoring, logging
                  ├─ llms[], tools[], connections[], targets[], templates[]   by name, in file order
                  └─ agents[] ─┬─ triggers[]        schedule | webhook
                               └─ notifications[]   (and config.notifications for every agent) */
#ifndef KERYX_CONFIG_CONFIG_H
#define KERYX_CONFIG_CONFIG_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/bucket.h"
#include "base/buf.h"
#include "base/error.h"

struct config_node; /* config/yaml.h: the positioned tree, kept for free-form parts */
struct env;
struct map;

struct config_pos {
    unsigned line, column; /* 1-based; 0 = not from the file (a default) */
};

/* A string value. p == NULL: not set. Always NUL-terminated. pos: of the first character of the
   content (inside the quotes; for a block scalar: of its first content line, column of its
   indentation), so that an error at line l, column c inside it can be told in the file's lines by
   config_text_pos(). */
struct config_text {
    struct str s;
    struct config_pos pos;
    bool secret; /* printed as *** everywhere */
    bool
        rows; /* lines and columns of s are those of the file from pos on; else only pos is known */
};

struct config_pair {
    struct str key;
    struct config_pos key_pos;
    struct config_text value;
};

struct config_pairs {
    struct config_pair *items;
    size_t n;
};

struct config_texts {
    struct config_text *items;
    size_t n;
};

struct config_cidrs {
    struct cidr *items;
    size_t n;
    bool set; /* written in the file, even if empty */
};

struct config_retry {
    unsigned max_attempts;            /* total number of tries */
    int64_t initial_delay, max_delay; /* µs */
    int backoff;                      /* enum config_backoff */
    double jitter;                    /* 0..1 */
    struct config_text preset;        /* "hermon" or unset */
};
enum config_backoff { CONFIG_BACKOFF_EXPONENTIAL, CONFIG_BACKOFF_LINEAR, CONFIG_BACKOFF_FIXED };

struct config_rate {
    struct bucket_rate rate; /* per_minute 0 = no limit */
    struct config_pos pos;
};

struct config_policy { /* tool_policy */
    bool set;
    struct config_texts allow, deny;
};

struct config_token {
    struct config_text name, token;
    int role; /* enum config_role */
};
enum config_role { CONFIG_ROLE_NONE, CONFIG_ROLE_VIEWER, CONFIG_ROLE_OPERATOR, CONFIG_ROLE_ADMIN };

struct config_egress {
    struct config_text proxy, ca_file;
    struct config_texts no_proxy;
};

struct config_server {
    struct config_text host; /* Hector's, folded into listen */
    unsigned port;
    bool port_set;
    struct config_texts listen;       /* normalised addresses, at least one */
    struct config_texts admin_listen; /* may be empty */
    struct config_text public_url;
    struct config_text tls_cert_file, tls_key_file;
    struct config_cidrs trusted_proxies;
    size_t max_body_bytes;
    int64_t header_timeout, body_timeout, idle_timeout, drain_timeout;
    unsigned max_connections;
    struct config_rate rate_limit; /* over all webhook routes */
    unsigned max_dynamic_webhooks;
    struct {
        struct config_token *tokens;
        size_t n_tokens;
        struct config_pos pos;
        bool enabled, enabled_set; /* default: tokens or jwks_url are set */
        struct config_text jwks_url, issuer, audience, role_claim;
        struct config_texts excluded_paths;
    } auth;
};

struct config_store {
    struct config_text url; /* "sqlite:PATH" (PATH made absolute) or "postgres://…" */
    size_t reserve, max_receipt_bytes, max_result_bytes;
    int64_t lease, retention;
};

struct config_llm {
    struct config_text name;
    int provider; /* enum config_provider */
    struct config_text model, api_key, base_url;
    bool api_responses; /* openai: api: responses */
    bool has_temperature;
    double temperature;
    unsigned max_tokens;
    size_t max_tool_output_length;
    bool thinking_enabled;
    unsigned thinking_budget_tokens;
    struct config_pairs headers;
    struct config_texts fallback; /* names of llms, checked */
    double price_in, price_out;   /* USD per million tokens; 0 = unknown */
    int64_t timeout;
    struct config_retry retry;
    struct config_egress egress;
    struct config_pos pos;
};
enum config_provider { CONFIG_OPENAI, CONFIG_ANTHROPIC, CONFIG_GEMINI, CONFIG_OLLAMA };

struct config_tool {
    /* mcp command web_fetch read_file write_file webhook schedule run_agent */
    struct config_text name, type;
    bool enabled, require_approval;
    struct config_text description, approval_prompt;
    const struct config_node *node; /* the whole entry */
    const void *kind; /* its typed rest: struct config_tool_mcp … by type, config/kind.h */
    struct config_pos pos;
};

struct config_limits {
    int64_t timeout, grace, cpu;      /* µs; cpu 0 = none */
    size_t output, memory, file_size; /* 0 = none (output has a default) */
    unsigned procs, files;            /* 0 = none */
    unsigned max_tokens_total, max_tool_calls, max_interruptions;
    double max_cost_usd;
};

enum config_trigger_type { CONFIG_SCHEDULE, CONFIG_WEBHOOK };
enum config_misfire { CONFIG_MISFIRE_ONCE, CONFIG_MISFIRE_SKIP, CONFIG_MISFIRE_ALL };
enum config_overlap {
    CONFIG_OVERLAP_SKIP,
    CONFIG_OVERLAP_ALLOW,
    CONFIG_OVERLAP_QUEUE,
    CONFIG_OVERLAP_REPLACE
};
enum config_mode { CONFIG_SYNC, CONFIG_ASYNC, CONFIG_CALLBACK };
enum config_session_mode { CONFIG_PER_DELIVERY, CONFIG_PER_ENTITY, CONFIG_NAMED_SESSION };

struct config_schedule {
    struct config_text cron, every, at; /* exactly one is set */
    struct config_text timezone;        /* default UTC */
    struct config_text input;           /* template */
    int misfire, overlap;
    unsigned misfire_max;
    int64_t start_deadline, jitter;
    struct config_text start, end;
};

struct config_extract {
    struct config_text path, as;
};

struct config_auth {         /* of a webhook trigger or of a notification */
    struct config_text mode; /* or `type`; unset = by the other fields */
    struct config_text secret;
    struct config_texts secrets; /* several may be live */
    struct config_text header, value, token, username, password;
    struct config_text prefix, algorithm, encoding, signed_string, timestamp_header;
    int64_t tolerance; /* -1 = the scheme's */
    bool set;
    struct config_pos pos;
};

struct config_webhook {
    struct config_text path;     /* default /webhooks/{agent}, filled in */
    struct config_texts methods; /* upper case; default POST */
    struct config_text source;   /* default generic */
    struct config_auth auth;
    struct config_text secret, signature_header; /* Hector's short form */
    struct config_cidrs allowed_cidrs;
    size_t max_body_bytes; /* 0 = server's */
    struct config_rate rate_limit;
    struct config_texts events_allow, events_deny; /* events: and event_filter: */
    struct config_text filter;
    struct {
        struct config_text key;
        int64_t ttl, replay;
        bool set;
    } dedup;
    struct {
        int mode;
        struct config_text key;
        unsigned max_messages, max_tokens;
    } session;
    struct config_text written_template, written_prompt, written_input; /* as in the file */
    struct config_text input;      /* the text that wins: webhook_input.template, prompt, input */
    int input_dialect;             /* 0 auto/go, 1 dot (prompt), 2 static (input) */
    struct config_text session_id; /* webhook_input.session_id */
    struct config_extract *extract;
    size_t n_extract;
    struct config_text system_prompt_suffix;
    struct config_policy tool_policy;
    struct config_texts skills;
    struct {
        int mode;
        int64_t timeout;
        struct config_text callback_field, callback_url;
        struct config_cidrs allow_private;
        struct config_texts allow_hosts;
        bool poll; /* Location carries ?key= */
    } response;
    struct config_texts deliver;
    struct config_pairs deliver_extra;
    bool deliver_only;
};

struct config_trigger {
    enum config_trigger_type type;
    const char *where;       /* "agents.daily.trigger", to begin messages with */
    struct config_text name; /* default the agent's name, -2, -3 … */
    bool enabled;
    struct config_pos pos;
    struct config_schedule schedule; /* when CONFIG_SCHEDULE */
    struct config_webhook webhook;   /* when CONFIG_WEBHOOK */
};

struct config_notification {
    const char *where;           /* "agents.daily.notifications[0]", to begin messages with */
    struct config_text id, type; /* type: webhook or a target's name */
    struct config_text url, method;
    bool enabled;
    struct config_texts events; /* canonical "task.completed" spelling, wildcards kept */
    struct config_text when;
    struct config_pairs headers;
    struct config_text payload_template, payload_content_type;
    struct config_text payload_engine; /* auto go mustache dot */
    bool payload_on_error_default, escape_html;
    const struct config_node *transform; /* object of templates, or NULL */
    struct config_text format;           /* "" hector hermes hermon cloudevents */
    struct config_pairs event_names;
    struct config_auth auth;
    struct config_retry retry;
    int64_t timeout;
    bool ordered;
    unsigned max_concurrent;
    struct config_rate rate_limit;
    struct config_egress egress;
    struct config_pairs extra; /* fields of non-webhook targets: chat_id … */
    struct config_pos pos;
};

enum config_agent_type { CONFIG_LLM, CONFIG_COMMAND, CONFIG_HTTP, CONFIG_REMOTE, CONFIG_ECHO };
enum config_input_via { CONFIG_VIA_STDIN, CONFIG_VIA_ARG, CONFIG_VIA_FILE, CONFIG_VIA_NONE };

struct config_agent {
    struct config_text name, description;
    bool enabled;
    enum config_agent_type type;
    /* llm */
    struct config_text llm, instruction; /* instruction_file is read into instruction */
    struct config_text instruction_file;
    struct config_texts skills, tools;
    struct config_policy tool_policy;
    unsigned max_iterations;
    const struct config_node *structured_output;
    /* command */
    struct config_texts command; /* argv; a string becomes {"/bin/sh", "-c", text} */
    bool command_is_shell;
    int input_via;
    struct config_text output;        /* text json jsonl claude codex gemini opencode pi */
    struct config_texts session_args; /* templates */
    struct config_pairs env;
    struct config_texts pass_env;
    struct config_text working_directory; /* absolute; default the file's directory */
    const struct config_node *sandbox;    /* NULL = none */
    /* http / remote */
    struct {
        struct config_text url, method, body, result;
        struct config_pairs headers;
    } http;
    struct {
        struct config_text url;
        struct config_pairs headers;
    } remote;
    /* every type */
    struct config_limits limits;
    unsigned max_concurrent; /* 0 = none */
    unsigned max_queued;
    struct config_retry retry;
    struct config_trigger *triggers;
    size_t n_triggers;
    struct config_notification *notifications;
    size_t n_notifications;
    struct config_pos pos;
};

struct
    config_named { /* connections, targets: a name and the raw tree for the room that knows them */
    struct config_text name, type;
    struct config_text base_url;
    struct config_text url; /* targets */
    struct config_egress egress;
    const struct config_node *node; /* the whole entry, ${…} expanded */
    struct config_pos pos;
};

struct config_listener_of { /* monitoring.prometheus / monitoring.health */
    bool enabled;
    struct config_text path;
    unsigned port; /* 0 = on the server's listeners */
    struct config_text listen;
    struct config_text names; /* "hermes" or unset */
};

struct config_log_destination {
    struct config_text type, path, address, url;
};

struct config {
    unsigned refs;       /* config_ref / config_unref; loop thread only */
    uint64_t generation; /* counted by the loader's owner */
    struct arena *arena;
    struct env *env;                    /* config/env.h: for config_getenv() */
    struct map *agent_index;            /* for config_find_agent() */
    struct config_text file, directory; /* absolute */
    struct config_text version, name;
    struct config_server server;
    struct config_egress egress;
    struct config_store store;
    struct {
        struct config_text llm, agent;
        int64_t timeout;
    } defaults;
    struct config_pairs templates; /* name → text, files of templates/ beside the file included */
    struct config_llm *llms;
    size_t n_llms;
    struct config_tool *tools;
    size_t n_tools;
    struct config_agent *agents; /* the built-in `default` included when nothing else is named so */
    size_t n_agents;
    struct config_notification *notifications;
    size_t n_notifications;
    struct {
        unsigned max_concurrent;
        bool max_concurrent_set, persist_on_restart;
    } background;
    struct config_named *connections, *targets;
    size_t n_connections, n_targets;
    struct {
        struct config_listener_of prometheus, health;
        struct config_text otlp_endpoint;
    } monitoring;
    struct {
        int level;  /* enum log_level */
        int format; /* enum log_format */
        bool stream, stream_set;
        struct config_text stream_format, hector_format, hector_file; /* as written; folded in */
        struct config_log_destination *destinations;
        size_t n_destinations;
    } logging;
};

/* What is wrong with a file, all of it at once, sorted by position. */
struct config_problem {
    struct config_pos pos;
    bool warning;
    const char *text; /* "agents.daily.trigger.cron: …; …" */
};

struct config_problems {
    struct arena *arena;
    struct config_problem *items;
    size_t n, cap, n_errors;
};

void config_problems_init(struct config_problems *p);
void config_problems_release(struct config_problems *p);
void config_problem(struct config_problems *p, bool warning, struct config_pos pos, const char *fmt,
                    ...) printf_like(4, 5);
/* Sorts by position, keeps the order of telling for equal ones. Of several errors at one place the first
   stays: the others follow from it or say it again. Exact repeats of warnings are dropped. */
void config_problems_sort(struct config_problems *p);
/* "agents.yaml:12:5: path: text" lines, "warning: " before a warning's text. */
void config_problems_print(const struct config_problems *p, const char *file, struct buf *out);
/* The file position of line/column (1-based) inside a text value. */
struct config_pos config_text_pos(const struct config_text *t, unsigned line, unsigned column);

/* Reads, expands and checks a file. Returns NULL when there is at least one error (all are in
   *problems); warnings may be there either way. The result has one reference. */
struct config *config_load(const char *path, struct config_problems *problems) must_check;
/* The same from memory; `directory` for relative paths; `label` is the file's name in messages. */
struct config *config_load_text(struct str text, const char *label, const char *directory,
                                struct config_problems *problems) must_check;
/* The same two, but with errors the half-read config is returned too, so that the other rooms can
   add theirs to the same list (`keryx check`). It must not be run: ask problems->n_errors. NULL when
   there is no tree at all. */
struct config *config_read(const char *path, struct config_problems *problems) must_check;
struct config *config_read_text(struct str text, const char *label, const char *directory,
                                struct config_problems *problems) must_check;
struct config *config_ref(struct config *c);
void config_unref(struct config *c); /* NULL is fine */

const struct config_agent *config_find_agent(const struct config *c, struct str name);
const struct config_llm *config_find_llm(const struct config *c, struct str name);
/* A variable of the process, else of the `.env` beside the file; NULL when unset. */
const char *config_getenv(const struct config *c, const char *name);

/* The file as keryx understood it, defaults filled in, secrets as *** (keryx check --print). YAML. */
void config_print(const struct config *c, struct buf *out);
/* JSON Schema (draft 2020-12) of agents.yaml, from the field tables. */
void config_schema(struct buf *out);
/* The reference page for docs/, from the same tables. Markdown. */
void config_reference(struct buf *out);
/* The commented agents.yaml that keryx init writes. */
struct str config_example(void);

#endif
