/* triggers: schedule and webhook. */
#include "config/rows.h"

#include "base/when.h"

enum { OF_SCHEDULE = 1, OF_WEBHOOK = 2 };
#define TYPES            "schedule|webhook"
#define AT(member)       .offset = FIELD_AT(config_trigger, member)
#define SCHEDULE(member) .only = OF_SCHEDULE, AT(schedule.member)
#define WEBHOOK(member)  .only = OF_WEBHOOK, AT(webhook.member)

#define SOURCES                                                                              \
    "github|gitlab|gitea|forgejo|stripe|linear|pagerduty|sentry|shopify|slack|jira|zendesk|" \
    "twilio|discord|sendgrid|standard|hermes|generic"
#define AUTH_MODES                                                                                \
    "none|static_header|bearer|basic|gitlab_token|hmac|github_hmac_sha256|stripe_webhook_"        \
    "signature|linear_webhook_signature|pagerduty_v2_signature|sentry_webhook_signature|shopify_" \
    "hmac_sha256|slack_signature|standard_webhooks|gitea_signature|zendesk_signature|twilio_"     \
    "signature|discord_ed25519"

#define AUTH(member) .offset = FIELD_AT(config_auth, member)
static const struct config_field auth_rows[] = {
    CONFIG_ROW("mode", WORD, AUTH(mode), .choices = AUTH_MODES,
               .help = "the scheme; default by signature_header, else the source's own"),
    CONFIG_ROW("type", WORD, .flags = FIELD_ALIAS, AUTH(mode), .choices = AUTH_MODES,
               .help = "as mode"),
    CONFIG_ROW("secret", SECRET, AUTH(secret),
               .help = "the shared secret; discord_ed25519: the public key"),
    CONFIG_ROW("secrets", SECRETS, AUTH(secrets),
               .help = "several at once, while they are rotated"),
    CONFIG_ROW("header", TEXT, AUTH(header), .help = "static_header, hmac: the header's name"),
    CONFIG_ROW("value", SECRET, AUTH(value), .help = "static_header: what it must be"),
    CONFIG_ROW("token", SECRET, AUTH(token), .help = "bearer, gitlab_token: the token"),
    CONFIG_ROW("username", TEXT, AUTH(username), .help = "basic"),
    CONFIG_ROW("password", SECRET, AUTH(password), .help = "basic"),
    CONFIG_ROW("prefix", TEXT, .flags = FIELD_MAY_EMPTY, AUTH(prefix),
               .help = "hmac: before the digest, such as sha256="),
    CONFIG_ROW("algorithm", WORD, AUTH(algorithm), .choices = "sha1|sha256|sha512",
               .help = "hmac: default sha256"),
    CONFIG_ROW("encoding", WORD, AUTH(encoding), .choices = "hex|base64",
               .help = "hmac: default hex"),
    CONFIG_ROW("signed", TEXT, AUTH(signed_string),
               .help = "hmac: what is signed, such as {timestamp}.{body}; default {body}"),
    CONFIG_ROW("timestamp_header", TEXT, AUTH(timestamp_header),
               .help = "hmac: the header that holds {timestamp}"),
    CONFIG_ROW("tolerance", DURATION, AUTH(tolerance),
               .help = "how old or new a timestamp may be; default the scheme's"),
};

static void auth_finish(struct config_reader *r, const struct config_path *path,
                        const struct config_node *node, void *object)
{
    struct config_auth *auth = object;
    (void)r;
    (void)path;
    if (!config_node_get(node, "tolerance"))
        auth->tolerance = -1;
}

static const struct config_section auth_section = {
    .name = "webhook_auth",
    .help = "How the sender proves who it is.",
    FIELD_ROWS(auth_rows),
    .size = sizeof(struct config_auth),
    .pos_at = FIELD_AT(config_auth, pos),
    .scalar = "mode",
    .finish = auth_finish,
};

static const struct config_field filter_rows[] = {
    CONFIG_ROW("allow", TEXTS, AT(webhook.events_allow), .help = "events that run; * wildcards"),
    CONFIG_ROW("deny", TEXTS, AT(webhook.events_deny),
               .help = "events that do not; wins over allow"),
};
static const struct config_section filter_section = { .name = "event_filter",
                                                      .help = "Which events run the agent.",
                                                      FIELD_ROWS(filter_rows),
                                                      .size = sizeof(struct config_trigger) };

static const struct config_field dedup_rows[] = {
    CONFIG_ROW("key", TEXT, .flags = FIELD_TEMPLATE, AT(webhook.dedup.key),
               .help = "what makes two requests the same; default the source's delivery id; body = "
                       "the body's digest"),
    CONFIG_ROW("ttl", DURATION, AT(webhook.dedup.ttl), .otherwise = "1h", .min = 1,
               .help = "how long a key is remembered"),
    CONFIG_ROW("replay", DURATION, .flags = FIELD_OFF, AT(webhook.dedup.replay),
               .help =
                   "so long the same signature and body under another id is a duplicate too; off"),
};
static const struct config_section dedup_section = { .name = "dedup",
                                                     .help = "The same delivery runs once.",
                                                     FIELD_ROWS(dedup_rows),
                                                     .size = sizeof(struct config_trigger) };

static const struct config_field session_rows[] = {
    CONFIG_ROW("mode", CHOICE, AT(webhook.session.mode), .otherwise = "per_delivery",
               .choices = "per_delivery|per_entity|named_session",
               .help = "which conversation a task joins"),
    CONFIG_ROW("key", TEXT, .flags = FIELD_TEMPLATE, AT(webhook.session.key),
               .help = "per_entity: default the source's entity; named_session: its name"),
    CONFIG_ROW("max_messages", UINT, AT(webhook.session.max_messages), .otherwise = "100", .min = 2,
               .help = "oldest turns are dropped beyond it"),
    CONFIG_ROW("max_tokens", UINT, AT(webhook.session.max_tokens), .otherwise = "50000", .min = 1,
               .help = "oldest turns are dropped beyond it"),
};
static const struct config_section session_section = { .name = "session",
                                                       .help = "Conversations.",
                                                       FIELD_ROWS(session_rows),
                                                       .size = sizeof(struct config_trigger),
                                                       .scalar = "mode" };

static const struct config_field extract_rows[] = {
    CONFIG_ROW("path", TEXT, .flags = FIELD_REQUIRED, .offset = FIELD_AT(config_extract, path),
               .help = "where it is, such as .body.order.id"),
    CONFIG_ROW("as", TEXT, .flags = FIELD_REQUIRED, .offset = FIELD_AT(config_extract, as),
               .help = "its name in .fields"),
};
static const struct config_section extract_section = {
    .name = "extract_field",
    .help = "A field of the request under a short name.",
    FIELD_ROWS(extract_rows),
    .size = sizeof(struct config_extract)
};

static const struct config_field input_rows[] = {
    CONFIG_ROW("template", TEXT, .flags = FIELD_TEMPLATE, AT(webhook.written_template),
               .help = "what the agent is told; wins over prompt and input"),
    CONFIG_ROW("extract_fields", LIST, AT(webhook.extract),
               .count_at = FIELD_AT(config_trigger, webhook.n_extract), .section = &extract_section,
               .help = "fields for .fields.NAME"),
    CONFIG_ROW("session_id", TEXT, .flags = FIELD_TEMPLATE, AT(webhook.session_id),
               .help = "the session's key"),
};
static const struct config_section input_section = { .name = "webhook_input",
                                                     .help = "What the agent is told.",
                                                     FIELD_ROWS(input_rows),
                                                     .size = sizeof(struct config_trigger),
                                                     .scalar = "template" };

static const struct config_field response_rows[] = {
    CONFIG_ROW("mode", CHOICE, AT(webhook.response.mode), .otherwise = "sync",
               .choices = "sync|async|callback",
               .help = "sync waits, async answers 202, callback posts the result later; with "
                       "deliver the default is async"),
    CONFIG_ROW("timeout", TIMEOUT, AT(webhook.response.timeout), .otherwise = "30s", .min = 1,
               .help = "sync: how long the caller waits"),
    CONFIG_ROW("callback_field", TEXT, AT(webhook.response.callback_field),
               .otherwise = "callback_url",
               .help = "callback: field of the body that holds the URL"),
    CONFIG_ROW("callback_url", URL, AT(webhook.response.callback_url),
               .help = "callback: the URL, when it is always the same"),
    CONFIG_ROW("allow_private", CIDRS, AT(webhook.response.allow_private),
               .help = "callback: private networks that may be reached"),
    CONFIG_ROW("allow_hosts", TEXTS, AT(webhook.response.allow_hosts),
               .help = "callback: the only hosts; empty = any public host"),
    CONFIG_ROW("poll", BOOL, AT(webhook.response.poll), .otherwise = "true",
               .help = "Location carries a key that opens this one task"),
};
static const struct config_section response_section = { .name = "response",
                                                        .help = "How the caller learns the result.",
                                                        FIELD_ROWS(response_rows),
                                                        .size = sizeof(struct config_trigger),
                                                        .scalar = "mode" };

static const struct config_field trigger_rows[] = {
    CONFIG_ROW("type", CHOICE, AT(type), .choices = TYPES, .help = "default by the other keys"),
    CONFIG_ROW("name", TEXT, AT(name), .pattern = "_-.",
               .help = "default the agent's name, -2, -3 … for further ones"),
    CONFIG_ROW("enabled", BOOL, AT(enabled), .otherwise = "true",
               .help = "false: a schedule never fires, a webhook answers 404"),
    CONFIG_ROW("cron", TEXT, SCHEDULE(cron),
               .help = "when: 5 to 7 fields, or @daily …; one of cron, every, at"),
    CONFIG_ROW("every", TEXT, SCHEDULE(every), .help = "when: each such duration"),
    CONFIG_ROW("at", TEXT, SCHEDULE(at), .help = "when: once, at this time"),
    CONFIG_ROW("timezone", TEXT, SCHEDULE(timezone), .otherwise = "UTC",
               .help = "IANA name of the zone the times are in"),
    CONFIG_ROW("input", TEXT, .flags = FIELD_TEMPLATE, SCHEDULE(input),
               .help = "what the agent is told (.scheduled_at .fired_at .late_by .previous)"),
    CONFIG_ROW("misfire", CHOICE, SCHEDULE(misfire), .otherwise = "once",
               .choices = "once|skip|all", .help = "due times missed while down"),
    CONFIG_ROW("misfire_max", UINT, SCHEDULE(misfire_max), .otherwise = "100", .min = 1,
               .max = 100000, .help = "all: the newest so many"),
    CONFIG_ROW("start_deadline", DURATION, SCHEDULE(start_deadline), .otherwise = "24h",
               .help = "a due time later than this is recorded as missed"),
    CONFIG_ROW("overlap", CHOICE, SCHEDULE(overlap), .otherwise = "skip",
               .choices = "skip|allow|queue|replace", .help = "the previous run still goes on"),
    CONFIG_ROW("jitter", DURATION, SCHEDULE(jitter), .otherwise = "0s",
               .help = "spreads starts; the same on every node"),
    CONFIG_ROW("start", TEXT, SCHEDULE(start), .help = "no due time before"),
    CONFIG_ROW("end", TEXT, SCHEDULE(end), .help = "no due time after"),
    CONFIG_ROW("path", TEXT, WEBHOOK(path), .help = "default /webhooks/{agent}"),
    CONFIG_ROW("methods", TEXTS, WEBHOOK(methods), .otherwise = "POST",
               .choices = "POST|PUT|PATCH|GET|DELETE", .help = "others get 405"),
    CONFIG_ROW("source", WORD, WEBHOOK(source), .otherwise = "generic", .choices = SOURCES,
               .help = "who sends: event names, delivery ids, signatures"),
    CONFIG_ROW("auth", SECTION, WEBHOOK(auth), .set_at = FIELD_AT(config_trigger, webhook.auth.set),
               .section = &auth_section, .help = "how the sender proves who it is"),
    CONFIG_ROW("secret", SECRET, WEBHOOK(secret),
               .help = "short for auth: HMAC-SHA256 in signature_header"),
    CONFIG_ROW("signature_header", TEXT, WEBHOOK(signature_header),
               .help = "header of the signature; default X-Webhook-Signature"),
    CONFIG_ROW("allowed_cidrs", CIDRS, WEBHOOK(allowed_cidrs), .help = "networks that may send"),
    CONFIG_ROW("max_body_bytes", SIZE, WEBHOOK(max_body_bytes), .min = 1,
               .help = "default server.max_body_bytes"),
    CONFIG_ROW("rate_limit", SECTION, WEBHOOK(rate_limit), .section = &config_rows_rate,
               .help = "of this route"),
    CONFIG_ROW("event_filter", SECTION, .only = OF_WEBHOOK, .section = &filter_section,
               .help = "events that run, and that do not"),
    CONFIG_ROW("events", TEXTS, .flags = FIELD_ALIAS, WEBHOOK(events_allow),
               .help = "as event_filter.allow"),
    CONFIG_ROW("filter", TEXT, .flags = FIELD_TEMPLATE, WEBHOOK(filter),
               .help = "a condition; truthy runs"),
    CONFIG_ROW("dedup", SECTION, .only = OF_WEBHOOK,
               .set_at = FIELD_AT(config_trigger, webhook.dedup.set), .section = &dedup_section,
               .help = "the same delivery runs once"),
    CONFIG_ROW("session", SECTION, .only = OF_WEBHOOK, .section = &session_section,
               .help = "which conversation a task joins"),
    CONFIG_ROW("webhook_input", SECTION, .only = OF_WEBHOOK, .section = &input_section,
               .help = "what the agent is told"),
    CONFIG_ROW("prompt", TEXT, .flags = FIELD_TEMPLATE, WEBHOOK(written_prompt),
               .help = "the same in {dot.path} form"),
    CONFIG_ROW("input", TEXT, WEBHOOK(written_input), .help = "the same as fixed text"),
    CONFIG_ROW("system_prompt_suffix", TEXT, .flags = FIELD_TEMPLATE, WEBHOOK(system_prompt_suffix),
               .help = "appended to the agent's instruction"),
    CONFIG_ROW("tool_policy", SECTION, WEBHOOK(tool_policy),
               .set_at = FIELD_AT(config_trigger, webhook.tool_policy.set),
               .section = &config_rows_policy, .help = "narrows the agent's own"),
    CONFIG_ROW("skills", TEXTS, WEBHOOK(skills), .pattern = "_-",
               .help = "skills/NAME.md beside this file, appended to the instruction"),
    CONFIG_ROW("response", SECTION, .only = OF_WEBHOOK, .section = &response_section,
               .help = "how the caller learns the result"),
    CONFIG_ROW("deliver", TEXTS, .flags = FIELD_ROLE, WEBHOOK(deliver),
               .help = "where the result goes: names of connections or targets"),
    CONFIG_ROW("deliver_extra", PAIRS, .flags = FIELD_TEMPLATE, WEBHOOK(deliver_extra),
               .help = "fields of that message, in {dot.path} form"),
    CONFIG_ROW("deliver_only", BOOL, WEBHOOK(deliver_only),
               .help = "no agent: the input goes straight to the target"),
};

/* By `type`, else by the keys that only one of the two has; -1 when nothing tells. */
static int trigger_type(const struct config_node *node)
{
    const struct config_node *type = config_node_get(node, "type");
    if (type)
        return type->kind == CONFIG_NODE_SCALAR ? config_field_choice_index(TYPES, type->text) : -1;
    if (config_node_get(node, "cron") || config_node_get(node, "every") ||
        config_node_get(node, "at"))
        return CONFIG_SCHEDULE;
    if (!node)
        return -1;
    for (const struct config_entry *e = node->first; e; e = e->next) {
        const struct config_field *f =
            config_field_find(&config_rows_trigger, e->key, CONFIG_WEBHOOK);
        if (f && f->only == OF_WEBHOOK && strcmp(f->name, "input") != 0)
            return CONFIG_WEBHOOK;
    }
    return -1;
}

static int trigger_variant(struct config_reader *r, const struct config_path *path,
                           const struct config_node *node)
{
    int type = trigger_type(node);
    if (type < 0 && node && !config_node_get(node, "type"))
        config_field_problem(r, &(struct config_path){ .up = path, .key = STR("type") }, false,
                             path->pos, "missing; expected schedule or webhook");
    return type;
}

static int trigger_variant_of(const void *object)
{
    return (int)((const struct config_trigger *)object)->type;
}

static void problem_at(struct config_reader *r, const struct config_path *path, const char *key,
                       struct config_pos pos, const char *text)
{
    config_field_problem(r, &(struct config_path){ .up = path, .key = str_of(key), .pos = pos },
                         false, pos, "%s", text);
}

static void check_time(struct config_reader *r, const struct config_path *path, const char *key,
                       const struct config_text *t, const struct zone *zone)
{
    int64_t us;
    struct error error = ERROR_INIT;
    if (t->s.p && when_parse(t->s, zone ? zone : zone_utc, &us, &error))
        problem_at(
            r, path, key, t->pos,
            arena_printf(r->arena, "%s; expected a time such as 2026-12-24T18:00:00", error.text)
                .p);
}

static void schedule_finish(struct config_reader *r, const struct config_path *path,
                            const struct config_node *node, struct config_schedule *s)
{
    struct error error = ERROR_INIT;
    int64_t us;
    int given = config_field_given(node, "cron") + config_field_given(node, "every") +
                config_field_given(node, "at");
    if (given != 1)
        problem_at(r, path, "cron", path->pos,
                   given ? "more than one of cron, every and at; expected exactly one"
                         : "missing; expected exactly one of cron, every and at");
    const struct zone *zone = zone_get(s->timezone.s, &error);
    if (!zone) {
        const char *near = zone_suggest(s->timezone.s);
        problem_at(r, path, "timezone", s->timezone.pos,
                   arena_printf(
                       r->arena,
                       "'%.*s' is no time zone; expected an IANA name such as Europe/Berlin%s%s%s",
                       STR_ARG(str_sub(s->timezone.s, 0, 64)), near ? " (did you mean '" : "",
                       near ? near : "", near ? "'?)" : "")
                       .p);
    }
    if (s->every.s.p && (duration_parse(s->every.s, false, &us, &error) || us < US_PER_S))
        problem_at(
            r, path, "every", s->every.pos,
            arena_printf(
                r->arena,
                "'%.*s' is not a duration of a second or more; expected one such as 15m or 90s",
                STR_ARG(str_sub(s->every.s, 0, 64)))
                .p);
    check_time(r, path, "at", &s->at, zone);
    check_time(r, path, "start", &s->start, zone);
    check_time(r, path, "end", &s->end, zone);
}

/* webhook_input.template wins over prompt, prompt over input. */
static void pick_input(struct config_reader *r, const struct config_path *path,
                       struct config_webhook *w)
{
    const struct config_text *texts[] = { &w->written_template, &w->written_prompt,
                                          &w->written_input };
    static const char *const keys[] = { "webhook_input.template", "prompt", "input" };
    int winner = -1;
    for (int i = 0; i < 3; i++) {
        if (!texts[i]->s.p)
            continue;
        if (winner < 0) {
            winner = i;
            w->input = *texts[i];
            w->input_dialect = i;
            continue;
        }
        struct config_path at = { .up = path, .key = str_of(keys[i]), .pos = texts[i]->pos };
        config_field_problem(r, &at, true, at.pos, "not used, because %s is there too and wins",
                             keys[winner]);
    }
}

static bool path_ok(struct str p)
{
    bool ok = p.n && p.p[0] == '/' && p.n <= 1024;
    for (size_t i = 0; ok && i < p.n; i++)
        ok = (unsigned char)p.p[i] > ' ' && p.p[i] != 0x7f && !strchr("?#\\", p.p[i]);
    return ok && str_find(p, STR("//")) < 0 && str_find(p, STR("/../")) < 0;
}

/* Paths that keryx answers itself. */
static bool path_taken(struct str p)
{
    static const char *const own[] = { "/",        "/health", "/ready",  "/metrics",
                                       "/version", "/mcp",    "/api/rpc" };
    for (size_t i = 0; i < N_ELEMENTS(own); i++)
        if (str_eq_c(p, own[i]))
            return true;
    return str_starts(p, STR("/api/v1/")) || str_starts(p, STR("/api/webhooks/"));
}

static void webhook_auth_finish(struct config_reader *r, const struct config_path *path,
                                struct config_webhook *w)
{
    if (str_eq(w->secret.s, STR("INSECURE_NO_AUTH"))) { /* Hermes' word for it */
        w->auth.mode = (struct config_text){ .s = STR("none"), .pos = w->secret.pos };
        w->auth.set = true;
        w->secret = (struct config_text){ 0 };
    }
    if (w->auth.set && !w->auth.mode.s.p) {
        bool gitlab = str_eq(w->source.s, STR("gitlab"));
        if (w->auth.token.s.p)
            w->auth.mode.s = gitlab ? STR("gitlab_token") : STR("bearer");
        else if (w->auth.value.s.p)
            w->auth.mode.s = STR("static_header");
        else if (w->auth.password.s.p)
            w->auth.mode.s = STR("basic");
    }
    bool both = w->secret.s.p && (w->auth.secret.s.p || w->auth.secrets.n);
    if (both)
        problem_at(r, path, "secret", w->secret.pos,
                   "auth has a secret too; expected one of the two");
}

static void webhook_finish(struct config_reader *r, const struct config_path *path,
                           const struct config_node *node, struct config_webhook *w)
{
    const struct config_node *filter = config_node_get(node, "event_filter");
    if (config_node_get(node, "events") && config_node_get(filter, "allow"))
        problem_at(r, path, "events", config_node_member(node, "events")->key_pos,
                   "event_filter.allow is there too; expected one of the two");
    if (w->path.s.p && !path_ok(w->path.s))
        problem_at(r, path, "path", w->path.pos,
                   "not a path; expected one that begins with / and has no blank, ? or #");
    else if (w->path.s.p && path_taken(w->path.s))
        problem_at(r, path, "path", w->path.pos,
                   "keryx answers there itself; expected another path");
    pick_input(r, path, w);
    webhook_auth_finish(r, path, w);
    if (w->deliver.n && !config_node_get(config_node_get(node, "response"), "mode"))
        w->response.mode = w->deliver_only ? CONFIG_SYNC : CONFIG_ASYNC;
    if (w->deliver_only && !w->deliver.n)
        problem_at(r, path, "deliver", path->pos, "missing; expected by deliver_only");
    if (w->session.mode == CONFIG_NAMED_SESSION && !w->session.key.s.p && !w->session_id.s.p)
        problem_at(r, path, "session.key", path->pos,
                   "missing; expected the session's name by mode: named_session");
}

static void trigger_finish(struct config_reader *r, const struct config_path *path,
                           const struct config_node *node, void *object)
{
    struct config_trigger *t = object;
    int type = trigger_type(node);
    t->where = config_path_text(r->arena, path);
    if (type < 0)
        return;
    t->type = (enum config_trigger_type)type;
    if (t->type == CONFIG_SCHEDULE)
        schedule_finish(r, path, node, &t->schedule);
    else
        webhook_finish(r, path, node, &t->webhook);
}

const struct config_section config_rows_trigger = {
    .name = "trigger",
    .help = "What starts an agent.",
    FIELD_ROWS(trigger_rows),
    .size = sizeof(struct config_trigger),
    .pos_at = FIELD_AT(config_trigger, pos),
    .variants = TYPES,
    .variant_word = "trigger",
    .variant = trigger_variant,
    .variant_of = trigger_variant_of,
    .finish = trigger_finish,
};
