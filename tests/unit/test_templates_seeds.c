/* The templates of the systems keryx takes over, as they are written in their documentation. */
#include "tests/unit/templates.h"

#define GITHUB                                                                                     \
    "{\"headers\":{\"X-Github-Event\":\"pull_request\"},\"query\":{},\"fields\":{\"order_id\":77," \
    "\"email\":\"a@example.org\"},\"body\":{\"action\":\"opened\",\"repository\":{\"full_name\":"  \
    "\"acme/site\"},\"sender\":{\"login\":\"ann\"},\"order\":{\"id\":5500000001},\"customer\":{"   \
    "\"name\":\"Bo\"},\"items\":[{\"sku\":\"x<y\",\"n\":2}]}}"
#define EVENT                                                                                  \
    "{\"type\":\"task.completed\",\"agent_name\":\"order-processor\",\"task_id\":\"abc-123\"," \
    "\"status\":\"completed\",\"result\":\"done\",\"error\":\"boom: "                          \
    "\\\"x\\\"\\n\\tat\",\"prompt\":"                                                          \
    "\"say \\\"hi\\\"\",\"duration_seconds\":45,\"timestamp\":\"2024-12-25T20:00:00Z\"}"

static const struct row input_rows[] = {
    { "github",
      "GitHub event received:\nRepository: {{ .body.repository.full_name }}\nAction: {{ "
      ".body.action }}\n"
      "Sender: {{ .body.sender.login }}\nPayload: {{ toJson .body.items }}\n",
      GITHUB,
      "GitHub event received:\nRepository: acme/site\nAction: opened\nSender: ann\n"
      "Payload: [{\"n\":2,\"sku\":\"x<y\"}]\n" },
    { "order",
      "Process this order:\nOrder ID: {{ .body.order.id }}\nCustomer: {{ .body.customer.name }}\n"
      "Items: {{ toJson .body.items }}",
      GITHUB,
      "Process this order:\nOrder ID: 5500000001\nCustomer: Bo\nItems: "
      "[{\"n\":2,\"sku\":\"x<y\"}]" },
    { "fields", "Order {{ .fields.order_id }} from {{ .fields.email }}", GITHUB,
      "Order 77 from a@example.org" },
    { "headers in any case, pretty JSON",
      "GitHub {{ .headers.X-GitHub-Event }} event:\nRepository: {{ .body.repository.full_name }}\n"
      "{{ toJsonPretty .body.items }}",
      GITHUB,
      "GitHub pull_request event:\nRepository: acme/site\n[\n  {\n    \"n\": 2,\n    \"sku\": "
      "\"x<y\"\n  }\n]" },
    { "capital names",
      "{{ .Body.action }} {{ .Headers.x-github-event }} {{ .Fields.email }}{{ .Query.x }}", GITHUB,
      "opened pull_request a@example.org" },
    { "default", "{{ default \"none\" .query.env }} {{ .body.action | default \"x\" }}", GITHUB,
      "none opened" },
};

static const struct row payload_rows[] = {
    { "slack with escaped quotes",
      "{\n\"text\": \"Agent {{ .AgentName }} {{ .Status }}\",\n\"attachments\": [{\n"
      "\"color\": \"{{ if eq .Status \\\"completed\\\" }}good{{ else }}danger{{ end "
      "}}\",\n\"fields\": [\n"
      "{\"title\": \"Task ID\", \"value\": \"{{ .TaskID }}\", \"short\": true},\n"
      "{\"title\": \"Event\", \"value\": \"{{ .Type }}\", \"short\": true}\n]\n}]\n}",
      EVENT,
      "{\n\"text\": \"Agent order-processor completed\",\n\"attachments\": [{\n\"color\": "
      "\"good\",\n"
      "\"fields\": [\n{\"title\": \"Task ID\", \"value\": \"abc-123\", \"short\": true},\n"
      "{\"title\": \"Event\", \"value\": \"task.completed\", \"short\": true}\n]\n}]\n}" },
    { "custom payload",
      "{\"event\": \"{{ .Type }}\", \"agent\": \"{{ .AgentName }}\",\n"
      "\"success\": {{ if eq .Status \"completed\" }}true{{ else }}false{{ end }},\n"
      "\"details\": {{ toJson . }}}",
      "{\"type\":\"t\",\"agent_name\":\"a\",\"status\":\"completed\"}",
      "{\"event\": \"t\", \"agent\": \"a\",\n\"success\": true,\n"
      "\"details\": {\"agent_name\":\"a\",\"status\":\"completed\",\"type\":\"t\"}}" },
    { "an error text in JSON",
      "{\"text\": \":warning: Agent {{ .AgentName }} failed\", \"attachments\": [{\"color\": "
      "\"danger\", "
      "\"text\": \"Error: {{ .Error }}\"}]}",
      EVENT,
      "{\"text\": \":warning: Agent order-processor failed\", \"attachments\": [{\"color\": "
      "\"danger\", "
      "\"text\": \"Error: boom: \\\"x\\\"\\n\\tat\"}]}" },
    { "transform", "Task completed: {{prompt}} ({{duration_seconds}}s)", EVENT,
      "Task completed: say \"hi\" (45s)" },
    { "transform with a sign", "\xe2\x9a\xa0\xef\xb8\x8f Task failed: {{prompt}}", EVENT,
      "\xe2\x9a\xa0\xef\xb8\x8f Task failed: say \"hi\"" },
};

static const struct row prompt_rows[] = {
    { "hermes pull request",
      "Review this pull request:\nRepository: {repository.full_name}\nPR #{number}: "
      "{pull_request.title}\n"
      "Author: {pull_request.user.login}\nURL: {pull_request.html_url}\nAction: {action}\n",
      "{\"repository\":{\"full_name\":\"acme/"
      "site\"},\"number\":42,\"pull_request\":{\"title\":\"Fix <it>\","
      "\"user\":{\"login\":\"ann\"}},\"action\":\"opened\"}",
      "Review this pull request:\nRepository: acme/site\nPR #42: Fix <it>\nAuthor: ann\n"
      "URL: {pull_request.html_url}\nAction: opened\n" },
    { "hermes push", "New push to {repository.full_name} branch {ref}: {head_commit.message}",
      "{\"repository\":{\"full_name\":\"a/b\"},\"ref\":\"refs/heads/"
      "main\",\"head_commit\":{\"message\":\"m\"}}",
      "New push to a/b branch refs/heads/main: m" },
    { "hermes raw", "Alert: {__raw__}", "{\"a\":1}", "Alert: {\n  \"a\": 1\n}" },
    { "gitlab", "MR !{object_attributes.iid}: {object_attributes.title}",
      "{\"object_attributes\":{\"iid\":3,\"title\":\"t\"}}", "MR !3: t" },
    { "deliver_extra", "{number}", "{\"number\":5}", "5" },
    { "moltis issue", "#{issue.number} {issue.title} ({action} by {sender.login})",
      "{\"issue\":{\"number\":1,\"title\":\"T\"},\"action\":\"opened\",\"sender\":{\"login\":\"l\"}"
      "}",
      "#1 T (opened by l)" },
    { "moltis payment",
      "Payment: {data.object.amount} {data.object.currency} \xe2\x80\x94 {data.object.status}",
      "{\"data\":{\"object\":{\"amount\":100,\"currency\":\"eur\",\"status\":\"ok\"}}}",
      "Payment: 100 eur \xe2\x80\x94 ok" },
};

TEST(webhook_inputs)
{
    CHECK_ROWS(TEMPLATE_GO, input_rows, NULL);
    CHECK_ROWS(TEMPLATE_AUTO, input_rows, NULL);
}

TEST(notification_payloads)
{
    struct template_options o = { .escape = TEMPLATE_ESCAPE_JSON };
    CHECK_ROWS(TEMPLATE_AUTO, payload_rows, &o);
}

TEST(prompts)
{
    CHECK_ROWS(TEMPLATE_DOT, prompt_rows, NULL);
}

TEST(transform_values_inside_json_strings)
{
    struct template_options o = { .escape = TEMPLATE_ESCAPE_JSON };
    static const struct row row = { "quotes", "{\"text\":\"{{prompt}}\"}", EVENT,
                                    "{\"text\":\"say \\\"hi\\\"\"}" };
    check_row(TEMPLATE_AUTO, &row, &o);
}
