/* triggers/source: event, delivery id, entity and handshake of small bodies as the providers send them. */
#include "tests/t.h"
#include "triggers/source.h"

struct source_row {
    const char *row, *source;
    const char *headers[4][2];
    const char *body; /* NULL: not JSON */
    const char *event, *id, *entity;
};

static const struct source_row rows[] = {
    { "an issue",
      "github",
      { { "X-GitHub-Event", "issues" },
        { "X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958" } },
      "{\"action\":\"opened\",\"issue\":{\"number\":12,\"title\":\"x\"},\"repository\":{\"full_"
      "name\":\"o/r\"}}",
      "issues.opened",
      "72d3162e-cc78-11e3-81ab-4c9367dc0958",
      "github:o/r#12" },
    { "a comment on a pull request meets it",
      "github",
      { { "X-GitHub-Event", "issue_comment" } },
      "{\"action\":\"created\",\"issue\":{\"number\":7,\"pull_request\":{\"url\":\"u\"}},"
      "\"repository\":{\"full_name\":\"o/r\"}}",
      "issue_comment.created",
      "",
      "github:o/r#7" },
    { "a pull request",
      "github",
      { { "X-GitHub-Event", "pull_request" } },
      "{\"action\":\"synchronize\",\"number\":7,\"pull_request\":{\"number\":7},\"repository\":{"
      "\"full_name\":\"o/r\"}}",
      "pull_request.synchronize",
      "",
      "github:o/r#7" },
    { "a push has no action",
      "github",
      { { "X-GitHub-Event", "push" } },
      "{\"ref\":\"refs/heads/main\",\"repository\":{\"full_name\":\"o/r\"}}",
      "push",
      "",
      "github:o/r" },
    { "a check of a pull request",
      "github",
      { { "X-GitHub-Event", "check_run" } },
      "{\"action\":\"completed\",\"check_run\":{\"pull_requests\":[{\"number\":3}]},"
      "\"repository\":{\"full_name\":\"o/r\"}}",
      "check_run.completed",
      "",
      "github:o/r#3" },
    { "an organisation's event",
      "github",
      { { "X-GitHub-Event", "organization" } },
      "{\"action\":\"member_added\",\"organization\":{\"login\":\"acme\"}}",
      "organization.member_added",
      "",
      "github:acme" },
    { "no event header",
      "github",
      { { "X-Other", "push" } },
      "{\"action\":\"opened\"}",
      "",
      "",
      "" },
    { "no JSON", "github", { { "X-GitHub-Event", "push" } }, NULL, "push", "", "" },
    { "a NUL in a name",
      "github",
      { { "X-GitHub-Event", "issues" } },
      "{\"action\":\"op\\u0000x\",\"repository\":{\"full_name\":\"o/r\"}}",
      "issues",
      "",
      "github:o/r" },
    { "wrong types",
      "github",
      { { "X-GitHub-Event", "issues" } },
      "{\"action\":{},\"issue\":[],\"repository\":{\"full_name\":[1]}}",
      "issues",
      "",
      "" },
    { "merge request",
      "gitlab",
      { { "X-Gitlab-Event", "Merge Request Hook" },
        { "X-Gitlab-Event-UUID", "13792a34" },
        { "Idempotency-Key", "f5e5" } },
      "{\"object_kind\":\"merge_request\",\"project\":{\"id\":1,\"path_with_namespace\":\"g/p\"},"
      "\"object_attributes\":{\"iid\":5,\"action\":\"open\"}}",
      "merge_request.open",
      "f5e5",
      "gitlab:g/p!5" },
    { "issue",
      "gitlab",
      { { "X-Gitlab-Event", "Issue Hook" }, { "X-Gitlab-Event-UUID", "u1" } },
      "{\"object_kind\":\"issue\",\"project\":{\"path_with_namespace\":\"g/p\"},"
      "\"object_attributes\":{\"iid\":23,\"action\":\"close\"}}",
      "issue.close",
      "u1",
      "gitlab:g/p#23" },
    { "a comment meets its merge request",
      "gitlab",
      { { "X-Gitlab-Event", "Note Hook" } },
      "{\"object_kind\":\"note\",\"project\":{\"path_with_namespace\":\"g/"
      "p\"},\"merge_request\":{\"iid\":5},"
      "\"object_attributes\":{\"id\":1244,\"iid\":9,\"note\":\"hi\"}}",
      "note",
      "",
      "gitlab:g/p!5" },
    { "pipeline of nothing in particular",
      "gitlab",
      { { "X-Gitlab-Event", "Pipeline Hook" } },
      "{\"object_kind\":\"pipeline\",\"project\":{\"path_with_namespace\":\"g/"
      "p\"},\"object_attributes\":{\"iid\":3}}",
      "pipeline",
      "",
      "gitlab:g/p" },
    { "tag push",
      "gitlab",
      { { "X-Gitlab-Event", "Tag Push Hook" } },
      "{\"object_kind\":\"tag_push\",\"project_id\":1}",
      "tag_push",
      "",
      "gitlab:1" },
    { "system hook",
      "gitlab",
      { { "X-Gitlab-Event", "System Hook" } },
      "{\"event_name\":\"user_create\"}",
      "user_create",
      "",
      "" },
    { "a signing token's id",
      "gitlab",
      { { "X-Gitlab-Event", "Push Hook" }, { "webhook-id", "w1" } },
      "{}",
      "push",
      "w1",
      "" },
    { "gitea",
      "gitea",
      { { "X-Gitea-Event", "issues" }, { "X-Gitea-Delivery", "d1" } },
      "{\"action\":\"opened\",\"issue\":{\"number\":1},\"repository\":{\"full_name\":\"o/r\"}}",
      "issues.opened",
      "d1",
      "gitea:o/r#1" },
    { "forgejo",
      "forgejo",
      { { "X-Forgejo-Event", "push" }, { "X-Forgejo-Delivery", "d2" } },
      "{\"repository\":{\"full_name\":\"o/r\"}}",
      "push",
      "d2",
      "forgejo:o/r" },
    { "a charge",
      "stripe",
      { { NULL } },
      "{\"id\":\"evt_1\",\"type\":\"payment_intent.succeeded\",\"data\":{\"object\":{\"id\":\"pi_"
      "1\"}}}",
      "payment_intent.succeeded",
      "evt_1",
      "stripe:pi_1" },
    { "an invoice meets its subscription",
      "stripe",
      { { NULL } },
      "{\"id\":\"evt_2\",\"type\":\"invoice.paid\",\"data\":{\"object\":{\"id\":\"in_1\","
      "\"subscription\":\"sub_1\"}}}",
      "invoice.paid",
      "evt_2",
      "stripe:sub_1" },
    { "an invoice of the newer API",
      "stripe",
      { { NULL } },
      "{\"id\":\"evt_3\",\"type\":\"invoice.paid\",\"data\":{\"object\":{\"id\":\"in_1\","
      "\"parent\":"
      "{\"subscription_details\":{\"subscription\":\"sub_2\"}}}}}",
      "invoice.paid",
      "evt_3",
      "stripe:sub_2" },
    { "a dispute meets its charge",
      "stripe",
      { { NULL } },
      "{\"id\":\"evt_4\",\"type\":\"charge.dispute.created\",\"data\":{\"object\":{\"id\":\"dp_1\","
      "\"charge\":\"ch_1\"}}}",
      "charge.dispute.created",
      "evt_4",
      "stripe:dispute:ch_1" },
    { "a thin event",
      "stripe",
      { { NULL } },
      "{\"id\":\"evt_5\",\"object\":\"v2.core.event\",\"type\":\"v1.billing.meter.error_report_"
      "triggered\","
      "\"related_object\":{\"id\":\"mtr_1\"}}",
      "v1.billing.meter.error_report_triggered",
      "evt_5",
      "stripe:mtr_1" },
    { "an issue",
      "linear",
      { { "Linear-Event", "Issue" }, { "Linear-Delivery", "234d1a4e" } },
      "{\"action\":\"create\",\"type\":\"Issue\",\"data\":{\"id\":\"u\",\"identifier\":\"ENG-123\"}"
      ",\"webhookTimestamp\":1}",
      "Issue.create",
      "234d1a4e",
      "linear:ENG-123" },
    { "a comment",
      "linear",
      { { NULL } },
      "{\"action\":\"create\",\"type\":\"Comment\",\"data\":{\"id\":\"c\",\"issue\":{"
      "\"identifier\":\"ENG-1\"}}}",
      "Comment.create",
      "",
      "linear:ENG-1" },
    { "an incident",
      "pagerduty",
      { { NULL } },
      "{\"event\":{\"id\":\"01\",\"event_type\":\"incident.triggered\",\"resource_type\":"
      "\"incident\","
      "\"data\":{\"id\":\"PGR0VU2\",\"type\":\"incident\"}}}",
      "incident.triggered",
      "01",
      "pagerduty:incident:PGR0VU2" },
    { "a note meets its incident",
      "pagerduty",
      { { NULL } },
      "{\"event\":{\"id\":\"02\",\"event_type\":\"incident.annotated\",\"resource_type\":"
      "\"incident\","
      "\"data\":{\"id\":\"N1\",\"incident\":{\"id\":\"PGR0VU2\"}}}}",
      "incident.annotated",
      "02",
      "pagerduty:incident:PGR0VU2" },
    { "an issue",
      "sentry",
      { { "Sentry-Hook-Resource", "issue" }, { "Request-ID", "r1" } },
      "{\"action\":\"created\",\"data\":{\"issue\":{\"id\":\"1170820242\"}}}",
      "issue.created",
      "r1",
      "sentry:issue:1170820242" },
    { "an alert",
      "sentry",
      { { "Sentry-Hook-Resource", "event_alert" } },
      "{\"action\":\"triggered\",\"data\":{\"event\":{\"issue_id\":\"11\"}}}",
      "event_alert.triggered",
      "",
      "sentry:issue:11" },
    { "an order",
      "shopify",
      { { "X-Shopify-Topic", "orders/create" },
        { "X-Shopify-Webhook-Id", "w1" },
        { "X-Shopify-Event-Id", "e1" },
        { "X-Shopify-Shop-Domain", "a.example.com" } },
      "{\"id\":820982911946154508,\"admin_graphql_api_id\":\"gid://shopify/Order/"
      "820982911946154508\"}",
      "orders.create",
      "w1",
      "shopify:a.example.com:orders:820982911946154508" },
    { "an event of the preview",
      "shopify",
      { { "Shopify-Topic", "Product" },
        { "Shopify-Webhook-Id", "w2" },
        { "Shopify-Resource-Id", "9" },
        { "Shopify-Shop-Domain", "a.example.com" } },
      "{}",
      "Product",
      "w2",
      "shopify:a.example.com:Product:9" },
    { "a message",
      "slack",
      { { "X-Slack-Retry-Num", "1" } },
      "{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"app_mention\","
      "\"channel\":\"C1\",\"ts\":\"1.5\"}}",
      "app_mention",
      "Ev1",
      "slack:C1:1.5" },
    { "an answer in a thread",
      "slack",
      { { NULL } },
      "{\"type\":\"event_callback\",\"event_id\":\"Ev2\",\"event\":{\"type\":\"message\","
      "\"subtype\":\"bot_message\","
      "\"channel\":\"C1\",\"ts\":\"2.5\",\"thread_ts\":\"1.5\"}}",
      "message.bot_message",
      "Ev2",
      "slack:C1:1.5" },
    { "a reaction",
      "slack",
      { { NULL } },
      "{\"type\":\"event_callback\",\"event_id\":\"Ev3\",\"event\":{\"type\":\"reaction_added\","
      "\"item\":{\"channel\":\"C1\",\"ts\":\"1.5\"}}}",
      "reaction_added",
      "Ev3",
      "slack:C1:1.5" },
    { "a slash command",
      "slack",
      { { NULL } },
      "{\"command\":\"/deploy\",\"text\":\"now\",\"channel_id\":\"C1\",\"trigger_id\":\"t1\"}",
      "command.deploy",
      "t1",
      "slack:C1" },
    { "a button",
      "slack",
      { { NULL } },
      "{\"type\":\"block_actions\",\"trigger_id\":\"t2\",\"channel\":{\"id\":\"C1\"},\"message\":{"
      "\"ts\":\"1.5\"}}",
      "block_actions",
      "t2",
      "slack:C1:1.5" },
    { "an issue",
      "jira",
      { { "X-Atlassian-Webhook-Identifier", "j1" } },
      "{\"webhookEvent\":\"jira:issue_updated\",\"issue\":{\"key\":\"PRJ-1\"}}",
      "issue_updated",
      "j1",
      "jira:PRJ-1" },
    { "a comment",
      "jira",
      { { NULL } },
      "{\"webhookEvent\":\"comment_created\",\"issue\":{\"key\":\"PRJ-1\"}}",
      "comment_created",
      "",
      "jira:PRJ-1" },
    { "a ticket",
      "zendesk",
      { { "X-Zendesk-Webhook-Invocation-Id", "i1" } },
      "{\"id\":\"cbe4\",\"type\":\"zen:event-type:ticket.created\",\"subject\":\"zen:ticket:12\","
      "\"detail\":{\"id\":\"12\"}}",
      "ticket.created",
      "i1",
      "zendesk:ticket:12" },
    { "without subject",
      "zendesk",
      { { NULL } },
      "{\"id\":\"cbe4\",\"type\":\"zen:event-type:user.created\",\"detail\":{\"id\":\"3\"}}",
      "user.created",
      "cbe4",
      "zendesk:3" },
    { "a message's state",
      "twilio",
      { { NULL } },
      "{\"MessageSid\":\"SM1\",\"SmsSid\":\"SM1\",\"SmsStatus\":\"delivered\"}",
      "message.delivered",
      "SM1:delivered",
      "twilio:message:SM1" },
    { "a call",
      "twilio",
      { { "I-Twilio-Idempotency-Token", "tok" } },
      "{\"CallSid\":\"CA1\",\"CallStatus\":\"ringing\"}",
      "call.ringing",
      "tok",
      "twilio:call:CA1" },
    { "neither", "twilio", { { NULL } }, "{\"AccountSid\":\"AC1\"}", "", "", "" },
    { "a command",
      "discord",
      { { NULL } },
      "{\"id\":\"846462639134605312\",\"type\":2,\"data\":{\"name\":\"deploy\"},\"channel_id\":"
      "\"645027906669510667\"}",
      "application_command.deploy",
      "846462639134605312",
      "discord:645027906669510667" },
    { "a webhook event",
      "discord",
      { { NULL } },
      "{\"type\":1,\"event\":{\"type\":\"ENTITLEMENT_CREATE\"}}",
      "ENTITLEMENT_CREATE",
      "",
      "" },
    { "an unknown kind", "discord", { { NULL } }, "{\"type\":99}", "", "", "" },
    { "a batch",
      "sendgrid",
      { { NULL } },
      "[{\"event\":\"delivered\",\"sg_event_id\":\"s1\",\"sg_message_id\":\"m1\"},{\"event\":"
      "\"open\"}]",
      "delivered",
      "s1",
      "sendgrid:m1" },
    { "standard",
      "standard",
      { { "webhook-id", "msg_1" } },
      "{\"type\":\"user.created\",\"data\":{\"id\":\"u1\"}}",
      "user.created",
      "msg_1",
      "standard:u1" },
    { "svix", "standard", { { "svix-id", "msg_2" } }, "{\"type\":\"a\"}", "a", "msg_2", "" },
    { "hermes with GitHub",
      "hermes",
      { { "X-GitHub-Event", "issues" }, { "X-GitHub-Delivery", "d" } },
      "{\"action\":\"opened\",\"issue\":{\"number\":2},\"repository\":{\"full_name\":\"o/r\"}}",
      "issues.opened",
      "d",
      "github:o/r#2" },
    { "hermes with GitLab",
      "hermes",
      { { "X-GitLab-Event", "Push Hook" } },
      "{\"project\":{\"path_with_namespace\":\"g/p\"}}",
      "push",
      "",
      "gitlab:g/p" },
    { "hermes' own",
      "hermes",
      { { "X-Request-ID", "q" } },
      "{\"event_type\":\"deploy\"}",
      "deploy",
      "q",
      "" },
    { "generic header",
      "generic",
      { { "X-Event-Type", "a.b" }, { "Idempotency-Key", "k" } },
      "{\"type\":\"c\"}",
      "a.b",
      "k",
      "" },
    { "generic body",
      "generic",
      { { NULL } },
      "{\"event\":{\"x\":1},\"type\":\"c\"}",
      "c",
      "",
      "" },
    { "keryx to keryx",
      "generic",
      { { "X-Keryx-Event", "task.completed" }, { "X-Keryx-Delivery-Id", "k1" } },
      "{}",
      "task.completed",
      "k1",
      "" },
    { "a list", "generic", { { NULL } }, "[1,2]", "", "", "" },
};

static struct http_headers headers_of(struct arena *a, const char *const headers[4][2])
{
    struct http_headers h = { 0 };
    for (size_t i = 0; i < 4 && headers[i][0]; i++)
        http_header_add(a, &h, str_of(headers[i][0]), str_of(headers[i][1]));
    return h;
}

TEST(each_provider_tells_event_delivery_and_entity)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct arena *a = arena_new(0);
        struct http_headers h = headers_of(a, rows[i].headers);
        struct error e = ERROR_INIT;
        const struct json *body =
            rows[i].body ? json_parse(a, str_of(rows[i].body), NULL, &e) : NULL;
        struct source_facts facts;
        ROW((arena_printf(a, "%s: %s", rows[i].source, rows[i].row).p));
        CHECK(body || !rows[i].body);
        source_read(source_find(str_of(rows[i].source)), &h, body, a, &facts);
        CHECK_STR(facts.event, rows[i].event);
        CHECK_STR(facts.delivery_id, rows[i].id);
        CHECK_STR(facts.entity, rows[i].entity);
        struct source_answer answer;
        CHECK(!source_handshake(source_find(str_of(rows[i].source)), &h, body, a, &answer));
        ROW("");
        arena_free(a);
    }
}

TEST(handshakes_are_answered_without_an_agent)
{
    static const struct {
        const char *source;
        const char *headers[4][2];
        const char *body;
        int status;
        const char *want;
    } shakes[] = {
        { "github",
          { { "X-GitHub-Event", "ping" } },
          "{\"zen\":\"z\"}",
          200,
          "{\"status\":\"ok\"}" },
        { "gitea", { { "X-Gitea-Event", "ping" } }, "{}", 200, "{\"status\":\"ok\"}" },
        { "hermes", { { "X-GitHub-Event", "ping" } }, "{}", 200, "{\"status\":\"ok\"}" },
        { "slack",
          { { NULL } },
          "{\"type\":\"url_verification\",\"challenge\":\"3e\\\"Z\"}",
          200,
          "{\"challenge\":\"3e\\\"Z\"}" },
        { "discord", { { NULL } }, "{\"type\":1}", 200, "{\"type\":1}" },
        { "discord", { { NULL } }, "{\"type\":0,\"application_id\":\"1\"}", 204, "" },
        { "pagerduty",
          { { NULL } },
          "{\"event\":{\"event_type\":\"pagey.ping\"}}",
          200,
          "{\"status\":\"ok\"}" },
        { "stripe",
          { { NULL } },
          "{\"type\":\"v2.core.event_destination.ping\"}",
          200,
          "{\"status\":\"ok\"}" },
    };
    for (size_t i = 0; i < N_ELEMENTS(shakes); i++) {
        struct arena *a = arena_new(0);
        struct http_headers h = headers_of(a, shakes[i].headers);
        const struct json *body = json_parse(a, str_of(shakes[i].body), NULL, NULL);
        struct source_answer answer;
        ROW(shakes[i].source);
        CHECK(source_handshake(source_find(str_of(shakes[i].source)), &h, body, a, &answer));
        CHECK_INT(answer.status, shakes[i].status);
        CHECK(!answer.content_type);
        CHECK_STR(answer.body, shakes[i].want);
        CHECK(!source_handshake(source_find(STR("generic")), &h, body, a, &answer));
        CHECK(!source_handshake(source_find(str_of(shakes[i].source)), &(struct http_headers){ 0 },
                                NULL, a, &answer));
        arena_free(a);
    }
}

TEST(a_challenge_that_is_no_text_gives_an_empty_one)
{
    struct arena *a = arena_new(0);
    struct source_answer answer;
    const struct json *body = json_parse(a, STR("{\"type\":\"url_verification\"}"), NULL, NULL);
    CHECK(
        source_handshake(source_find(STR("slack")), &(struct http_headers){ 0 }, body, a, &answer));
    CHECK_STR(answer.body, "{\"challenge\":\"\"}");
    arena_free(a);
}

TEST(facts_are_bounded)
{
    struct arena *a = arena_new(0);
    struct str padding = str_n(arena_alloc(a, 2000), 2000);
    char *p = arena_cstr(a, padding);
    memset(p, 'x', padding.n);
    struct http_headers h = { 0 };
    http_header_add(a, &h, STR("X-Event-Type"), str_n(p, 257));
    http_header_add(a, &h, STR("X-Delivery-Id"), str_n(p, 513));
    struct source_facts facts;
    source_read(source_find(STR("generic")), &h, NULL, a, &facts);
    CHECK_STR(facts.event, "");
    /* of 513 x, by sha256sum */
    CHECK_STR(facts.delivery_id,
              "sha256:35ade0090e64e74d6ad04204009c23a4e34b82bdf0f4f317fbcc5f26f9b10241");
    h.items[0].value.n = 256;
    h.items[1].value.n = 512;
    source_read(source_find(STR("generic")), &h, NULL, a, &facts);
    CHECK_INT(facts.event.n, 256);
    CHECK_INT(facts.delivery_id.n, 512);
    arena_free(a);
}

TEST(sources_are_found_by_name_and_have_their_senders_deadline)
{
    CHECK(!source_find(STR("githib")));
    CHECK(!source_find(STR("")));
    CHECK_CSTR(source_suggest(STR("githib")), "github");
    CHECK(!source_suggest(STR("something-else-entirely")));
    CHECK_CSTR(source_name(source_find(STR("GitHub"))), "github");
    CHECK_CSTR(source_auth_mode(source_find(STR("jira"))), "jira_hmac_sha256");
    CHECK(!source_auth_mode(source_find(STR("generic"))));
    CHECK_INT(source_deadline(source_find(STR("slack"))), 3 * US_PER_S);
    CHECK_INT(source_deadline(source_find(STR("generic"))), 0);
}
