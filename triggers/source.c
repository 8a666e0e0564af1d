/* The senders, a row each; what a row's columns cannot say is in a small function beside it. Facts are
   the vendors' webhook pages; identifiers keep the vendor's own words. */
#include "triggers/source.h"

#include "base/crypto.h"
#include "base/jsonpath.h"

#include <assert.h>

#define MAX_EVENT 256 /* a longer name is no event: unknown */
#define MAX_ID    512 /* a longer id stands for itself by its digest */
#define S         US_PER_S

/* One request being read. */
struct reading {
    const struct source *source;
    const struct http_headers *headers;
    const struct json *body; /* may be NULL */
    struct arena *arena;
    struct source_facts *out;
};

struct source {
    const char *name;
    const char *auth_mode; /* NULL: it has none of its own */
    int64_t deadline;
    /* Where a fact stands, first found first: a header's name, or a path in the body with a leading dot. */
    const char *event[9];
    const char *action; /* follows the event's word after a dot */
    const char *strip;  /* prefix of the event's word that says nothing */
    const char *id[8];
    const char *entity_prefix;
    const char *entity[4];
    void (*more)(struct reading *r);
    bool (*handshake)(const struct reading *r, struct source_answer *answer);
};

/* A string or a number of the body, as text; STR_NULL when there is none. A text with a NUL names nothing:
   no store and no log could tell it from its beginning. */
static struct str reading_path(const struct reading *r, const char *path)
{
    struct jsonpath *p = jsonpath_compile(r->arena, str_of(path), NULL);
    const struct json *v = p && r->body ? jsonpath_find(p, r->body) : NULL;
    if (!v || (v->type != JSON_STRING && v->type != JSON_NUMBER))
        return STR_NULL;
    struct str text = json_text(r->arena, v);
    return text.n && memchr(text.p, '\0', text.n) ? STR_NULL : text;
}

static struct str reading_get(const struct reading *r, const char *where)
{
    return where[0] == '.' ? reading_path(r, where)
                           : str_trim(http_header_get(r->headers, str_of(where)));
}

/* The first that is there and not empty of a NULL-ended list. */
static struct str reading_first(const struct reading *r, const char *const *where, size_t n)
{
    for (size_t i = 0; i < n && where[i]; i++) {
        struct str got = reading_get(r, where[i]);
        if (got.n)
            return got;
    }
    return STR_NULL;
}

#define FIRST(r, ...)                                        \
    reading_first((r), (const char *const[]){ __VA_ARGS__ }, \
                  sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static struct str reading_join(const struct reading *r, const char *prefix, struct str s)
{
    return s.n ? arena_printf(r->arena, "%s%" STR_FMT, prefix, STR_ARG(s)) : STR_NULL;
}

/* word, or word.action */
static void reading_event(struct reading *r, struct str word, struct str action)
{
    r->out->event = word;
    if (word.n && action.n)
        r->out->event =
            arena_printf(r->arena, "%" STR_FMT ".%" STR_FMT, STR_ARG(word), STR_ARG(action));
}

/* ---- GitHub and its kin: owner/repo#number; issues and pull requests share their numbers ---- */

static void forge_entity(struct reading *r, const char *forge)
{
    struct str repo = FIRST(r, ".repository.full_name", ".organization.login");
    struct str number =
        FIRST(r, ".pull_request.number", ".issue.number", ".discussion.number",
              ".check_run.pull_requests[0].number", ".check_suite.pull_requests[0].number",
              ".workflow_run.pull_requests[0].number");
    if (repo.n)
        r->out->entity = arena_printf(r->arena, "%s:%" STR_FMT "%s%" STR_FMT, forge, STR_ARG(repo),
                                      number.n ? "#" : "", STR_ARG(number));
}

static void more_forge(struct reading *r)
{
    forge_entity(r, r->source->name);
}

static bool handshake_ok(const struct reading *r, struct source_answer *answer)
{
    (void)r;
    answer->body = STR("{\"status\":\"ok\"}");
    return true;
}

static bool handshake_ping(const struct reading *r, struct source_answer *answer)
{
    struct str event = FIRST(r, "X-GitHub-Event", "X-Gitea-Event", "X-Forgejo-Event");
    return str_eq(event, STR("ping")) && handshake_ok(r, answer);
}

/* ---- GitLab ---- */

/* "Merge Request Hook" → merge_request; instance-wide hooks say what they are in the body only. */
static struct str gitlab_word(const struct reading *r, struct str header)
{
    struct str hook = STR(" Hook");
    if (str_eq_fold(header, STR("System Hook"))) {
        struct str kind = FIRST(r, ".object_kind", ".event_name");
        return kind.n ? kind : STR("system");
    }
    char *p = arena_cstr(r->arena, header);
    size_t n = str_ends(header, hook) ? header.n - hook.n : header.n;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == ' ')
            p[i] = '_';
        else if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
    }
    return str_n(p, n);
}

static void more_gitlab(struct reading *r)
{
    struct str path = FIRST(r, ".project.path_with_namespace", ".project.id", ".project_id");
    struct str kind = reading_path(r, ".object_kind"),
               own = reading_path(r, ".object_attributes.iid");
    /* A comment or a pipeline belongs to the merge request or issue beside it. */
    struct str mr = reading_path(r, ".merge_request.iid"), issue = reading_path(r, ".issue.iid");
    reading_event(r, gitlab_word(r, r->out->event), reading_path(r, ".object_attributes.action"));
    if (str_eq(kind, STR("merge_request")))
        mr = own;
    else if (str_eq(kind, STR("issue")) || str_eq(kind, STR("work_item")))
        issue = own;
    struct str number = mr.n ? mr : issue;
    if (path.n)
        r->out->entity = arena_printf(r->arena, "gitlab:%" STR_FMT "%s%" STR_FMT, STR_ARG(path),
                                      mr.n      ? "!"
                                      : issue.n ? "#"
                                                : "",
                                      STR_ARG(number));
}

/* ---- Stripe: what the object hangs on, so that a subscription's invoices meet ---- */

static void more_stripe(struct reading *r)
{
    struct str type = r->out->event;
    if (str_starts(type, STR("invoice.")))
        r->out->entity = reading_join(r, "stripe:",
                                      FIRST(r, ".data.object.subscription",
                                            ".data.object.parent.subscription_details.subscription",
                                            ".data.object.id"));
    else if (str_starts(type, STR("charge.dispute.")))
        r->out->entity =
            reading_join(r, "stripe:dispute:", FIRST(r, ".data.object.charge", ".data.object.id"));
    else
        r->out->entity =
            reading_join(r, "stripe:", FIRST(r, ".data.object.id", ".related_object.id"));
}

static bool handshake_stripe(const struct reading *r, struct source_answer *answer)
{
    return str_eq(reading_path(r, ".type"), STR("v2.core.event_destination.ping")) &&
           handshake_ok(r, answer);
}

/* ---- PagerDuty ---- */

static void more_pagerduty(struct reading *r)
{
    struct str incident = reading_path(r, ".event.data.incident.id");
    struct str own = reading_path(r, ".event.data.id"),
               kind = reading_path(r, ".event.resource_type");
    if (incident.n)
        r->out->entity = reading_join(r, "pagerduty:incident:", incident);
    else if (own.n)
        r->out->entity = arena_printf(r->arena, "pagerduty:%" STR_FMT ":%" STR_FMT,
                                      STR_ARG(kind.n ? kind : STR("incident")), STR_ARG(own));
}

static bool handshake_pagerduty(const struct reading *r, struct source_answer *answer)
{
    return str_eq(reading_path(r, ".event.event_type"), STR("pagey.ping")) &&
           handshake_ok(r, answer);
}

/* ---- Shopify: "orders/create" of a shop ---- */

static void more_shopify(struct reading *r)
{
    struct str topic = r->out->event,
               shop = FIRST(r, "X-Shopify-Shop-Domain", "Shopify-Shop-Domain");
    struct str id = FIRST(r, "Shopify-Resource-Id", ".id", ".admin_graphql_api_id");
    ptrdiff_t slash = str_rchr(topic, '/');
    struct str kind = slash < 0 ? topic : str_sub(topic, 0, (size_t)slash);
    if (slash >= 0)
        reading_event(r, kind, str_sub(topic, (size_t)slash + 1, topic.n));
    if (kind.n && id.n)
        r->out->entity = arena_printf(r->arena, "shopify:%" STR_FMT ":%" STR_FMT ":%" STR_FMT,
                                      STR_ARG(shop), STR_ARG(kind), STR_ARG(id));
}

/* ---- Slack: events, interactivity (payload), slash commands (form) ---- */

static void more_slack(struct reading *r)
{
    struct str command = reading_path(r, ".command");
    struct str channel = FIRST(r, ".event.channel", ".event.channel.id", ".event.item.channel",
                               ".channel.id", ".channel_id", ".container.channel_id");
    struct str thread =
        FIRST(r, ".event.thread_ts", ".event.message.thread_ts", ".event.message.ts",
              ".event.item.ts", ".event.ts", ".message.thread_ts", ".message.ts",
              ".container.thread_ts", ".container.message_ts");
    if (str_starts(command, STR("/")))
        reading_event(r, STR("command"), str_sub(command, 1, command.n));
    else if (str_eq(reading_path(r, ".type"), STR("event_callback")))
        reading_event(r, reading_path(r, ".event.type"), reading_path(r, ".event.subtype"));
    if (channel.n)
        r->out->entity = arena_printf(r->arena, "slack:%" STR_FMT "%s%" STR_FMT, STR_ARG(channel),
                                      thread.n ? ":" : "", STR_ARG(thread));
}

static bool handshake_slack(const struct reading *r, struct source_answer *answer)
{
    if (!str_eq(reading_path(r, ".type"), STR("url_verification")))
        return false;
    struct json *object = json_object(r->arena);
    json_put(r->arena, object, STR("challenge"), json_str(r->arena, reading_path(r, ".challenge")));
    auto_buf text = BUF_INIT(64 * KIB);
    json_write(&text, object, JSON_COMPACT);
    answer->body = arena_str(r->arena, buf_view(&text));
    return true;
}

/* ---- Zendesk: subject "zen:ticket:123" ---- */

static void more_zendesk(struct reading *r)
{
    struct str subject = reading_path(r, ".subject"), zen = STR("zen:");
    if (str_starts(subject, zen))
        r->out->entity = reading_join(r, "zendesk:", str_sub(subject, zen.n, subject.n));
}

/* ---- Twilio: a form whose fields say what it is; one id goes through several states ---- */

static void more_twilio(struct reading *r)
{
    struct str call = reading_path(r, ".CallSid");
    struct str sid = call.n ? call : FIRST(r, ".MessageSid", ".SmsSid");
    struct str state =
        call.n ? reading_path(r, ".CallStatus") : FIRST(r, ".MessageStatus", ".SmsStatus");
    const char *kind = call.n ? "call" : "message";
    if (sid.n == 0)
        return;
    reading_event(r, str_of(kind), state);
    r->out->entity = arena_printf(r->arena, "twilio:%s:%" STR_FMT, kind, STR_ARG(sid));
    if (r->out->delivery_id.n == 0)
        r->out->delivery_id =
            arena_printf(r->arena, "%" STR_FMT ":%" STR_FMT, STR_ARG(sid), STR_ARG(state));
}

/* ---- Discord: interactions (type 1 is PING) and webhook events (type 0 is PING, 1 an event) ---- */

static void more_discord(struct reading *r)
{
    static const char *const words[] = { [2] = "application_command",
                                         [3] = "message_component",
                                         [4] = "application_command_autocomplete",
                                         [5] = "modal_submit" };
    int64_t type = 0;
    if (r->out->event.n || json_get_i64(r->body, "type", &type) != 0 || type < 2 || type > 5)
        return;
    reading_event(r, str_of(words[type]), FIRST(r, ".data.name", ".data.custom_id"));
}

static bool handshake_discord(const struct reading *r, struct source_answer *answer)
{
    int64_t type = -1;
    if (json_get_i64(r->body, "type", &type) != 0 || (type != 0 && type != 1) ||
        json_get(r->body, STR("event")))
        return false;
    if (type == 0)
        answer->status = 204;
    else
        answer->body = STR("{\"type\":1}");
    return true;
}

/* ---- Hermes: routes imported from it get whatever its users pointed at them ---- */

static void more_hermes(struct reading *r)
{
    if (http_header_get(r->headers, STR("X-GitHub-Event")).n) {
        reading_event(r, r->out->event, reading_path(r, ".action"));
        forge_entity(r, "github");
    } else if (http_header_get(r->headers, STR("X-Gitlab-Event")).n) {
        more_gitlab(r);
    }
}

/* Deadlines: GitHub, Linear, PagerDuty, Shopify, Slack, Zendesk as their webhook pages say; GitLab
   docs.gitlab.com "webhook timeout limits"; Gitea [webhook] DELIVER_TIMEOUT; Sentry changelog 2023-10-03;
   Twilio "connection overrides" (read timeout); Discord "interactions". */
static const struct source source_table[] = {
    { .name = "generic",
      .event = { "X-Event-Type", "X-Webhook-Event", "Event-Type", "X-Keryx-Event",
                 "X-Hermon-Event-Type", ".event_type", ".type", ".event" },
      .id = { "X-Delivery-Id", "X-Keryx-Delivery-Id", "X-Hermon-Delivery-Id", "X-Request-ID",
              "X-Webhook-Id", "Idempotency-Key", "webhook-id" } },
    { .name = "github",
      .auth_mode = "github_hmac_sha256",
      .deadline = 10 * S,
      .event = { "X-GitHub-Event" },
      .action = ".action",
      .id = { "X-GitHub-Delivery" },
      .more = more_forge,
      .handshake = handshake_ping },
    { .name = "gitlab",
      .auth_mode = "gitlab_token",
      .deadline = 10 * S,
      .event = { "X-Gitlab-Event" },
      .id = { "Idempotency-Key", "webhook-id", "X-Gitlab-Event-UUID" },
      .more = more_gitlab },
    { .name = "gitea",
      .auth_mode = "gitea_signature",
      .deadline = 5 * S,
      .event = { "X-Gitea-Event", "X-Gogs-Event" },
      .action = ".action",
      .id = { "X-Gitea-Delivery", "X-Gogs-Delivery" },
      .more = more_forge,
      .handshake = handshake_ping },
    { .name = "forgejo",
      .auth_mode = "gitea_signature",
      .deadline = 5 * S,
      .event = { "X-Forgejo-Event", "X-Gitea-Event" },
      .action = ".action",
      .id = { "X-Forgejo-Delivery", "X-Gitea-Delivery" },
      .more = more_forge,
      .handshake = handshake_ping },
    { .name = "stripe",
      .auth_mode = "stripe_webhook_signature",
      .event = { ".type" },
      .id = { ".id" },
      .more = more_stripe,
      .handshake = handshake_stripe },
    { .name = "linear",
      .auth_mode = "linear_webhook_signature",
      .deadline = 5 * S,
      .event = { ".type", "Linear-Event" },
      .action = ".action",
      .id = { "Linear-Delivery" },
      .entity_prefix = "linear:",
      .entity = { ".data.identifier", ".data.issue.identifier", ".data.id" } },
    { .name = "pagerduty",
      .auth_mode = "pagerduty_v2_signature",
      .deadline = 5 * S,
      .event = { ".event.event_type" },
      .id = { ".event.id", "X-Webhook-Id" },
      .more = more_pagerduty,
      .handshake = handshake_pagerduty },
    { .name = "sentry",
      .auth_mode = "sentry_webhook_signature",
      .deadline = 1 * S,
      .event = { "Sentry-Hook-Resource" },
      .action = ".action",
      .id = { "Request-ID" },
      .entity_prefix = "sentry:issue:",
      .entity = { ".data.issue.id", ".data.event.issue_id", ".data.error.issue_id",
                  ".data.issue_id" } },
    { .name = "shopify",
      .auth_mode = "shopify_hmac_sha256",
      .deadline = 5 * S,
      .event = { "X-Shopify-Topic", "Shopify-Topic" },
      .id = { "X-Shopify-Webhook-Id", "Shopify-Webhook-Id", "X-Shopify-Event-Id",
              "Shopify-Event-Id" },
      .more = more_shopify },
    { .name = "slack",
      .auth_mode = "slack_signature",
      .deadline = 3 * S,
      .event = { ".type" },
      .id = { ".event_id", ".trigger_id" },
      .more = more_slack,
      .handshake = handshake_slack },
    { .name = "jira",
      .auth_mode = "jira_hmac_sha256",
      .event = { ".webhookEvent" },
      .strip = "jira:",
      .id = { "X-Atlassian-Webhook-Identifier" },
      .entity_prefix = "jira:",
      .entity = { ".issue.key" } },
    { .name = "zendesk",
      .auth_mode = "zendesk_signature",
      .deadline = 10 * S,
      .event = { ".type" },
      .strip = "zen:event-type:",
      .id = { "X-Zendesk-Webhook-Invocation-Id", ".id" },
      .entity_prefix = "zendesk:",
      .entity = { ".detail.id" },
      .more = more_zendesk },
    { .name = "twilio",
      .auth_mode = "twilio_signature",
      .deadline = 15 * S,
      .id = { "I-Twilio-Idempotency-Token" },
      .more = more_twilio },
    { .name = "discord",
      .auth_mode = "discord_ed25519",
      .deadline = 3 * S,
      .event = { ".event.type" },
      .id = { ".id" },
      .entity_prefix = "discord:",
      .entity = { ".channel_id", ".event.data.channel_id" },
      .more = more_discord,
      .handshake = handshake_discord },
    /* a batch: its first event stands for it; its ECDSA signature is none of our schemes */
    { .name = "sendgrid",
      .event = { ".0.event" },
      .id = { ".0.sg_event_id" },
      .entity_prefix = "sendgrid:",
      .entity = { ".0.sg_message_id" } },
    { .name = "standard",
      .auth_mode = "standard_webhooks",
      .event = { ".type", ".event_type" },
      .id = { "webhook-id", "svix-id" },
      .entity_prefix = "standard:",
      .entity = { ".data.id" } },
    { .name = "hermes",
      .auth_mode = "hermes_hmac_sha256",
      .event = { "X-GitHub-Event", "X-Gitlab-Event", "X-Event-Type", ".event_type", ".type" },
      .id = { "X-GitHub-Delivery", "svix-id", "webhook-id", "X-Request-ID" },
      .more = more_hermes,
      .handshake = handshake_ping },
};

static_assert(N_ELEMENTS(source_table) == 18, "20-triggers lists the sources");

const struct source *source_find(struct str name)
{
    for (size_t i = 0; i < N_ELEMENTS(source_table); i++) {
        if (str_eq_fold(name, str_of(source_table[i].name)))
            return &source_table[i];
    }
    return NULL;
}

const char *source_suggest(struct str wrong)
{
    const char *names[N_ELEMENTS(source_table)];
    for (size_t i = 0; i < N_ELEMENTS(source_table); i++)
        names[i] = source_table[i].name;
    return str_nearest(wrong, names, N_ELEMENTS(names));
}

const char *source_name(const struct source *s)
{
    return s->name;
}

const char *source_auth_mode(const struct source *s)
{
    return s->auth_mode;
}

int64_t source_deadline(const struct source *s)
{
    return s->deadline;
}

/* Ids are compared and stored: a long one must neither grow the store nor, cut, equal another. */
static struct str source_bounded(struct str id, struct arena *a)
{
    if (id.n <= MAX_ID)
        return id;
    uint8_t digest[CRYPTO_MAX_DIGEST];
    auto_buf hex = BUF_INIT(KIB);
    crypto_digest(CRYPTO_SHA256, id, digest);
    hex_encode(&hex, digest, crypto_hash_size(CRYPTO_SHA256));
    return arena_printf(a, "sha256:%" STR_FMT, STR_ARG(buf_view(&hex)));
}

void source_read(const struct source *s, const struct http_headers *h, const struct json *body,
                 struct arena *a, struct source_facts *out)
{
    struct reading r = { .source = s, .headers = h, .body = body, .arena = a, .out = out };
    *out = (struct source_facts){ 0 };
    struct str word = reading_first(&r, s->event, N_ELEMENTS(s->event));
    if (s->strip && str_starts(word, str_of(s->strip)))
        word = str_sub(word, strlen(s->strip), word.n);
    reading_event(&r, word, s->action ? reading_get(&r, s->action) : STR_NULL);
    out->delivery_id = reading_first(&r, s->id, N_ELEMENTS(s->id));
    if (s->entity_prefix)
        out->entity =
            reading_join(&r, s->entity_prefix, reading_first(&r, s->entity, N_ELEMENTS(s->entity)));
    if (s->more)
        s->more(&r);
    if (out->event.n > MAX_EVENT)
        out->event = STR_NULL;
    out->delivery_id = source_bounded(out->delivery_id, a);
    out->entity = source_bounded(out->entity, a);
}

bool source_handshake(const struct source *s, const struct http_headers *h, const struct json *body,
                      struct arena *a, struct source_answer *answer)
{
    const struct reading r = { .source = s, .headers = h, .body = body, .arena = a };
    *answer = (struct source_answer){ .status = 200 };
    return s->handshake && s->handshake(&r, answer);
}
