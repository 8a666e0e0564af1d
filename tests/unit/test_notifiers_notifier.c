#include "tests/t.h"

#include "notifiers/notifier.h"

/* ---- a generation from YAML, and the hook over it ---- */

static struct clock test_clock = { .manual = true, .wall_us = 1777199445500000LL, .mono_us = 1 };

struct house {
    struct config_problems problems;
    struct generation generation;
    struct notifiers_env env;
    struct notifier_hook hook;
    struct arena *arena;
    struct delivery_row *rows;
    size_t n;
};

static void house_open(struct house *h, const char *yaml)
{
    *h = (struct house){ .arena = arena_new(0) };
    config_problems_init(&h->problems);
    h->generation.config = config_load_text(str_of(yaml), "agents.yaml", "/", &h->problems);
    if (h->generation.config)
        h->generation.parts[PART_NOTIFIERS] =
            notifiers_part.prepare(h->generation.config, &h->problems);
    h->env.loop = loop_new(&test_clock);
    h->hook = notifiers_hook(&h->env);
}

static void house_close(struct house *h)
{
    if (h->generation.config)
        notifiers_part.release(h->generation.parts[PART_NOTIFIERS]);
    config_unref(h->generation.config);
    config_problems_release(&h->problems);
    arena_free(h->arena);
    loop_free(h->env.loop);
}

/* What was found wrong, as it is printed. */
static struct str house_problems(struct house *h)
{
    auto_buf out = BUF_INIT(64 * KIB);
    config_problems_sort(&h->problems);
    config_problems_print(&h->problems, "agents.yaml", &out);
    return arena_str(h->arena, buf_view(&out));
}

static const struct task_row plain_task = {
    .id = { "webhook-orders-17", 17 },
    .agent = { "orders", 6 },
    .trigger_type = { "webhook", 7 },
    .trigger_name = { "orders", 6 },
    .state = TASK_COMPLETED,
    .input = { "order 7", 7 },
    .result = { "say \"done\"", 10 },
    .tokens_used = -1,
    .started_at = 1777199400500000LL,
    .finished_at = 1777199445500000LL,
};

static void house_event(struct house *h, const char *type, const struct task_row *task)
{
    const struct config_agent *agent = config_find_agent(h->generation.config, task->agent);
    struct engine_event event = { .type = type,
                                  .at = test_clock.wall_us,
                                  .generation = &h->generation,
                                  .agent = agent,
                                  .trigger = agent && agent->n_triggers ? agent->triggers : NULL,
                                  .task = task };
    h->n = h->hook.deliveries(h->hook.ctx, &event, h->arena, &h->rows);
}

/* "receiver target event state" of every row. */
static struct str house_rows(struct house *h)
{
    auto_buf out = BUF_INIT(64 * KIB);
    for (size_t i = 0; i < h->n; i++)
        buf_printf(&out, "%s %s %s %s\n", h->rows[i].receiver.p, h->rows[i].target.p,
                   h->rows[i].event.p, delivery_state_word(h->rows[i].state));
    return arena_str(h->arena, buf_view(&out));
}

#define AGENT "agents:\n  orders:\n    type: echo\n"
#define LIST  AGENT "    notifications:\n"

/* ---- who is told ---- */

TEST(an_event_reaches_its_agents_receivers_and_the_global_ones)
{
    static const char yaml[] =
        LIST "      - {id: all, url: 'http://h.example/', events: ['task.*']}\n"
             "      - {id: done, url: 'http://h.example/'}\n"
             "      - {id: off, url: 'http://h.example/', enabled: false}\n"
             "      - {id: hermes, url: 'http://h.example/', events: [task_started]}\n"
             "  other:\n    type: echo\n    notifications:\n"
             "      - {id: mine, url: 'http://h.example/', events: ['*']}\n"
             "notifications:\n"
             "  - {id: line, type: log, events: [task.completed, task.failed]}\n";
    static const struct {
        const char *type, *want;
    } rows[] = {
        { "task.started", "orders/all webhook task.started pending\n"
                          "orders/hermes webhook task.started pending\n" },
        { "task.completed", "orders/all webhook task.completed pending\n"
                            "orders/done webhook task.completed pending\n"
                            "line log task.completed pending\n" },
        { "task.failed", "orders/all webhook task.failed pending\nline log task.failed pending\n" },
        { "tool.called", "" },
    };
    struct house h;
    house_open(&h, yaml);
    CHECK_STR(house_problems(&h), "");
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].type);
        house_event(&h, rows[i].type, &plain_task);
        CHECK_STR(house_rows(&h), rows[i].want);
    }
    house_close(&h);
}

TEST(when_decides)
{
    static const struct {
        const char *when;
        size_t want;
    } rows[] = {
        { "{{ eq .Platform \"webhook\" }}", 1 },
        { "{{ eq .Platform \"cli\" }}", 0 },
        { "{{ contains \"7\" .Prompt }}", 1 },
        { "{{metadata.nothing}}", 0 },
        { "false", 0 },
        { "yes", 1 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].when);
        char yaml[1000];
        snprintf(yaml, sizeof yaml, LIST "      - {id: a, url: 'http://h.example/', when: '%s'}\n",
                 rows[i].when);
        struct house h;
        house_open(&h, yaml);
        CHECK_STR(house_problems(&h), "");
        house_event(&h, "task.completed", &plain_task);
        CHECK_INT(h.n, rows[i].want);
        house_close(&h);
    }
}

TEST(a_dead_letter_about_a_dead_letter_is_not_told)
{
    static const char yaml[] = AGENT
        "notifications:\n  - {id: dead, url: 'http://h.example/', events: [delivery.failed]}\n";
    struct house h;
    house_open(&h, yaml);
    struct delivery_row d = { .id = STR("d"),
                              .receiver = STR("orders/a"),
                              .event = STR("task.completed"),
                              .task_id = STR("webhook-orders-17") };
    struct engine_event event = { .type = "delivery.failed",
                                  .at = test_clock.wall_us,
                                  .generation = &h.generation,
                                  .delivery = &d };
    h.n = h.hook.deliveries(h.hook.ctx, &event, h.arena, &h.rows);
    CHECK_STR(house_rows(&h), "dead webhook delivery.failed pending\n");
    d.event = STR("delivery.failed");
    CHECK_INT(h.hook.deliveries(h.hook.ctx, &event, h.arena, &h.rows), 0);
    house_close(&h);
}

/* ---- what is sent ---- */

TEST(a_row_has_all_that_an_attempt_needs)
{
    static const char yaml[] =
        LIST "      - id: a\n"
             "        url: https://h.example/x\n"
             "        method: PUT\n"
             "        headers: {X-Team: ops, X-Task: '{{ .TaskID }}', Authorization: 'Bearer t'}\n"
             "        payload: {template: '{\"text\": \"{{ .AgentName }}: {{ .Result }}\"}'}\n"
             "        retry: {max_attempts: 5, initial_delay: 2s, max_delay: 9s, backoff: linear}\n"
             "        timeout: 7s\n";
    struct house h;
    struct task_row task = plain_task;
    task.trace_id = STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    house_open(&h, yaml);
    CHECK_STR(house_problems(&h), "");
    house_event(&h, "task.completed", &task);
    CHECK_INT(h.n, 1);
    const struct delivery_row *d = h.rows;
    CHECK_INT(d->id.n, 36);
    CHECK_STR(d->task_id, "webhook-orders-17");
    CHECK_STR(d->method, "PUT");
    CHECK_STR(d->url, "https://h.example/x");
    CHECK(d->guard.p == NULL);
    /* the credential is not stored: it is put on at each attempt */
    CHECK_STR(d->headers,
              "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
              "\"X-Team\":\"ops\",\"X-Task\":\"webhook-orders-17\"}");
    CHECK_STR(d->content_type, "application/json");
    CHECK_STR(d->body, "{\"text\": \"orders: say \\\"done\\\"\"}");
    CHECK_INT(d->max_attempts, 5);
    CHECK_INT(d->initial_delay, 2 * US_PER_S);
    CHECK_INT(d->max_delay, 9 * US_PER_S);
    CHECK_INT(d->backoff, CONFIG_BACKOFF_LINEAR);
    CHECK_INT(d->jitter_permille, 100);
    CHECK_INT(d->timeout, 7 * US_PER_S);
    CHECK_INT(d->next_at, test_clock.wall_us);
    house_close(&h);
}

TEST(bodies)
{
    static const struct {
        const char *row, *keys, *content_type, *body;
    } rows[] = {
        { "Hector's Slack template, as its page has it",
          "        payload:\n          template: |\n"
          "            {\"text\": \"{{ .Status }}\",\n"
          "             \"color\": \"{{ if eq .Status \\\"completed\\\" }}good{{ else }}danger{{ "
          "end }}\"}\n",
          "application/json", "{\"text\": \"completed\",\n \"color\": \"good\"}\n" },
        { "Hermes' transform",
          "        transform:\n"
          "          text: 'Task completed: {{prompt}} ({{duration_seconds}}s)'\n"
          "          n: 1.50\n          deep: {list: ['{{result}}', true, null]}\n",
          "application/json",
          "{\"text\":\"Task completed: order 7 (45s)\",\"n\":1.50,"
          "\"deep\":{\"list\":[\"say \\\"done\\\"\",true,null]}}" },
        { "plain text", "        payload: {content_type: text/plain, template: '{{ .Result }}!'}\n",
          "text/plain", "say \"done\"!" },
        { "toJson", "        payload: {template: '{\"r\": {{ toJson .Result }}}'}\n",
          "application/json", "{\"r\": \"say \\\"done\\\"\"}" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        char yaml[2000];
        struct house h;
        snprintf(yaml, sizeof yaml, LIST "      - id: a\n        url: http://h.example/\n%s",
                 rows[i].keys);
        house_open(&h, yaml);
        CHECK_STR(house_problems(&h), "");
        house_event(&h, "task.completed", &plain_task);
        CHECK_INT(h.n, 1);
        if (h.n) {
            CHECK_STR(h.rows[0].content_type, rows[i].content_type);
            CHECK_STR(h.rows[0].body, rows[i].body);
        }
        house_close(&h);
    }
}

TEST(hermon_has_its_headers_and_waits)
{
    static const char yaml[] = LIST "      - {id: a, url: 'http://h.example/', format: hermon,\n"
                                    "         retry: {preset: hermon}}\n";
    struct house h;
    house_open(&h, yaml);
    CHECK_STR(house_problems(&h), "");
    house_event(&h, "task.completed", &plain_task);
    CHECK_INT(h.n, 1);
    struct str want = arena_printf(h.arena,
                                   "{\"X-Hermon-Delivery-Id\":\"%s\","
                                   "\"X-Hermon-Event-Type\":\"TASK_COMPLETED\"}",
                                   h.rows[0].id.p);
    CHECK_STR(h.rows[0].headers, want.p);
    CHECK_INT(h.rows[0].max_attempts, 6);
    CHECK_INT(h.rows[0].initial_delay, 300 * US_PER_S);
    CHECK_INT(h.rows[0].max_delay, 4800 * US_PER_S);
    CHECK_INT(h.rows[0].jitter_permille, 0);
    house_close(&h);
}

TEST(a_url_made_of_data_is_guarded_and_escaped)
{
    static const char yaml[] =
        LIST "      - {id: parts, url: 'https://h.example/x?q={{ .Result }}'}\n"
             "      - {id: whole, url: '{{ .Metadata.reply_to }}'}\n";
    struct task_row task = plain_task;
    struct house h;
    task.meta = STR("{\"reply_to\":\"http://r.example/a?b=c\"}");
    house_open(&h, yaml);
    CHECK_STR(house_problems(&h), "");
    house_event(&h, "task.completed", &task);
    CHECK_INT(h.n, 2);
    CHECK_STR(h.rows[0].url, "https://h.example/x?q=say%20%22done%22");
    CHECK_STR(h.rows[0].guard, "{\"allow\":[],\"hosts\":[]}");
    CHECK_STR(h.rows[1].url, "http://r.example/a?b=c");
    CHECK_STR(h.rows[1].guard, "{\"allow\":[],\"hosts\":[]}");
    house_close(&h);
}

/* ---- what cannot be rendered ---- */

TEST(what_fails_to_render_is_a_dead_letter_at_once)
{
    static const struct {
        const char *row, *keys, *error;
    } rows[] = {
        { "no JSON", "payload: {template: '{\"r\": {{ .Metadata.missing | default \"1\" }}}'}",
          "RENDER_ERROR: payload.template: the result is not JSON: line 1, column 7: " },
        { "url", "url: '{{ .Metadata.nowhere }}'", "RENDER_ERROR: url: the URL must have " },
        { "header", "headers: {X-A: '{{ .Metadata.missing }}'}",
          "RENDER_ERROR: headers.X-A: the value is not one line" },
        { "when", "when: '{{ index .Metadata.list 9 }}'", "RENDER_ERROR: when: " },
    };
    struct task_row task = plain_task;
    task.meta = STR("{\"missing\":\"x\\ny\",\"list\":[1]}");
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        char yaml[2000];
        struct house h;
        snprintf(yaml, sizeof yaml, LIST "      - id: a\n%s        %s\n",
                 strstr(rows[i].keys, "url:") ? "" : "        url: http://h.example/\n",
                 rows[i].keys);
        house_open(&h, yaml);
        CHECK_STR(house_problems(&h), "");
        house_event(&h, "task.completed", &task);
        CHECK_STR(house_rows(&h), "orders/a webhook task.completed failed\n");
        if (h.n) {
            CHECK_BYTES(h.rows[0].last_error.p, MIN(h.rows[0].last_error.n, strlen(rows[i].error)),
                        rows[i].error);
            CHECK_INT(h.rows[0].finished_at, test_clock.wall_us);
            CHECK_INT(h.rows[0].attempts, 0);
        }
        house_close(&h);
    }
}

TEST(on_error_default_sends_the_default_payload_instead)
{
    static const char yaml[] =
        LIST "      - id: a\n        url: http://h.example/\n        payload:\n"
             "          on_error: default\n          content_type: application/vnd.x+json\n"
             "          template: '{\"r\": {{ .Metadata.x | default \"1\" }}}'\n";
    struct task_row task = plain_task;
    struct house h;
    task.meta = STR("{\"x\":\"no JSON\"}");
    house_open(&h, yaml);
    CHECK_STR(house_problems(&h), "");
    house_event(&h, "task.completed", &task);
    CHECK_STR(house_rows(&h), "orders/a webhook task.completed pending\n");
    CHECK_STR(h.rows[0].content_type, "application/json");
    CHECK_BYTES(h.rows[0].body.p, 25, "{\"type\":\"task.completed\",");
    house_close(&h);
}

TEST(what_is_wrong_is_told_at_load_with_its_place)
{
    static const struct {
        const char *row, *keys, *want;
    } rows[] = {
        { "a target to come", "{id: a, type: slack, chat_id: x}",
          "agents.yaml:5:23: agents.orders.notifications[0].type: target 'slack' is not available "
          "in this version\n" },
        { "no such target", "{id: a, type: webhok}",
          "agents.yaml:5:23: agents.orders.notifications[0].type: there is no target 'webhok' (did "
          "you mean 'webhook'?); known are webhook, log\n" },
        { "a reserved header", "{id: a, url: 'http://h.example/', headers: {x-keryx-event: y}}",
          "agents.yaml:5:53: agents.orders.notifications[0].headers.x-keryx-event: is set by keryx "
          "itself\n" },
        { "a template that does not compile",
          "{id: a, url: 'http://h.example/', when: '{{ if .X }}y'}", "agents.yaml:5:" },
        { "JSON that breaks with a sample",
          "{id: a, url: 'http://h.example/', payload: {template: '{\"r\": {{ .Result }}}'}}",
          "agents.yaml:5:64: agents.orders.notifications[0].payload.template: the result is not "
          "JSON: line 1, column 7: " },
        { "JSON that breaks for one of the events only",
          "{id: a, url: 'http://h.example/', events: [task.started],"
          " payload: {template: '{\"s\": {{ .DurationSeconds }}}'}}",
          "agents.yaml:5:88: agents.orders.notifications[0].payload.template: the result is not "
          "JSON: line 1, column 7: " },
        { "auth",
          "{id: a, url: 'http://h.example/', auth: {type: standard_webhooks, secret: '%%'}}",
          "agents.yaml:5:84: agents.orders.notifications[0].auth.secret: a standard_webhooks "
          "secret is "
          "whsec_ and base64\n" },
        { "a limit that is not kept",
          "{id: a, url: 'http://h.example/', rate_limit: {per_minute: 60}}",
          "agents.yaml:5:43: warning: agents.orders.notifications[0].rate_limit: is not applied in "
          "this version; max_concurrent is\n" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        char yaml[1000];
        struct house h;
        snprintf(yaml, sizeof yaml, LIST "      - %s\n", rows[i].keys);
        house_open(&h, yaml);
        struct str got = house_problems(&h);
        CHECK_INT(h.problems.n, 1);
        bool whole = strchr(rows[i].want, '\n') != NULL;
        CHECK_BYTES(got.p, whole ? got.n : MIN(got.n, strlen(rows[i].want)), rows[i].want);
        house_close(&h);
    }
}

/* ---- callbacks ---- */

#define HOOK AGENT "    trigger: {type: webhook, secret: s3cret}\n"

TEST(a_task_in_callback_mode_calls_back_when_it_ends)
{
    struct task_row task = plain_task;
    struct house h;
    task.response_mode = STR("callback");
    task.callback_url = STR("https://Caller.example/done?x=1");
    task.meta = STR("{\"guard\":{\"allow\":[\"10.1.0.0/16\"],\"hosts\":[\"caller.example\"]}}");
    house_open(&h, HOOK);
    CHECK_STR(house_problems(&h), "");
    house_event(&h, "task.completed", &task);
    CHECK_STR(house_rows(&h), "callback:https://caller.example:443 webhook callback pending\n");
    const struct delivery_row *d = h.rows;
    CHECK_STR(d->url, "https://Caller.example/done?x=1");
    CHECK_STR(d->method, "POST");
    CHECK_STR(d->guard, "{\"allow\":[\"10.1.0.0/16\"],\"hosts\":[\"caller.example\"]}");
    CHECK_STR(d->body, "{\"task_id\":\"webhook-orders-17\",\"status\":\"completed\","
                       "\"result\":\"say \\\"done\\\"\",\"agent_name\":\"orders\"}");
    /* printf '%s' BODY | openssl dgst -sha256 -hmac s3cret */
    CHECK_STR(d->headers,
              "{\"X-Keryx-Signature\":"
              "\"sha256=9c716b8a317091b836411eadbfbb8c7641ac70ea7e87360af0a109bb891f285e\"}");
    house_event(&h, "task.started", &task);
    house_close(&h);
}

TEST(callback_bodies_and_guards)
{
    static const struct {
        const char *row;
        enum task_state state;
        const char *type, *error, *meta, *body, *guard;
    } rows[] = {
        { "failed", TASK_FAILED, "task.failed", "exit status 2", NULL,
          "{\"task_id\":\"webhook-orders-17\",\"status\":\"failed\",\"error\":\"exit status 2\","
          "\"agent_name\":\"orders\"}",
          NULL },
        { "cancelled", TASK_CANCELLED, "task.cancelled", NULL, "{\"missed_count\":1}",
          "{\"task_id\":\"webhook-orders-17\",\"status\":\"cancelled\","
          "\"error\":\"the task was cancelled\",\"agent_name\":\"orders\"}",
          NULL },
        { "meta that cannot be read opens nothing", TASK_FAILED, "task.failed", "x", "{oops",
          "{\"task_id\":\"webhook-orders-17\",\"status\":\"failed\",\"error\":\"x\","
          "\"agent_name\":\"orders\"}",
          "{}" },
    };
    struct house h;
    house_open(&h, AGENT);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct task_row task = plain_task;
        task.response_mode = STR("callback");
        task.callback_url = STR("http://[2001:db8::1]:81/");
        task.state = rows[i].state;
        task.error_message = str_of(rows[i].error);
        task.meta = str_of(rows[i].meta);
        house_event(&h, rows[i].type, &task);
        CHECK_INT(h.n, 1);
        CHECK_STR(h.rows[0].receiver, "callback:http://[2001:db8::1]:81");
        CHECK_STR(h.rows[0].body, rows[i].body);
        CHECK_STR(h.rows[0].headers, "{}");
        CHECK_CSTR(h.rows[0].guard.p ? h.rows[0].guard.p : "-",
                   rows[i].guard ? rows[i].guard : "-");
    }
    struct task_row running = plain_task;
    running.response_mode = STR("callback");
    running.callback_url = STR("http://a.example/");
    running.state = TASK_RUNNING;
    ROW("not ended");
    house_event(&h, "tool.called", &running);
    CHECK_INT(h.n, 0);
    house_close(&h);
}

/* ---- limits ---- */

TEST(limits_come_from_the_generation)
{
    static const char yaml[] = LIST "      - {id: a, url: 'http://h.example/', max_concurrent: 3}\n"
                                    "      - {id: b, url: 'http://h.example/', ordered: true}\n"
                                    "notifications:\n"
                                    "  - {id: c, url: 'http://h.example/', ordered: true}\n";
    struct house h;
    unsigned most = 8;
    bool ordered = false;
    struct str *names;
    house_open(&h, yaml);
    CHECK(h.hook.receiver(h.hook.ctx, &h.generation, STR("orders/a"), &most, &ordered));
    CHECK_INT(most, 3);
    CHECK(!ordered);
    CHECK(h.hook.receiver(h.hook.ctx, &h.generation, STR("orders/b"), &most, &ordered));
    CHECK(ordered);
    CHECK(!h.hook.receiver(h.hook.ctx, &h.generation, STR("orders/gone"), &most, &ordered));
    CHECK_INT(h.hook.ordered(h.hook.ctx, &h.generation, h.arena, &names), 2);
    CHECK_STR(names[0], "orders/b");
    CHECK_STR(names[1], "c");
    house_close(&h);
}

/* ---- the page ---- */

TEST(every_example_of_the_page_loads)
{
    static char page[64 * 1024];
    FILE *f = fopen(SOURCE_DIR "/docs/notifications.md", "rb");
    CHECK(f != NULL);
    if (!f)
        return;
    size_t n = fread(page, 1, sizeof page - 1, f), examples = 0;
    fclose(f);
    page[n] = 0;
    setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.example/services/T/B/X", 1);
    setenv("DISCORD_WEBHOOK_URL", "https://discord.example/api/webhooks/X/Y", 1);
    setenv("HOOK_SECRET", "s3cret", 1);
    setenv("TEAM_TOKEN", "t", 1);
    for (char *at = page; (at = strstr(at, "\n```yaml\n")) != NULL; examples++) {
        char *from = at + strlen("\n```yaml\n"), *to = strstr(from, "\n```\n");
        struct house h;
        if (!to)
            break;
        *to = 0;
        ROW(from);
        house_open(&h, from);
        CHECK_STR(house_problems(&h), "");
        if (h.generation.config) {
            struct task_row task = plain_task;
            task.agent = STR("order-processor");
            house_event(&h, "task.completed", &task);
            for (size_t i = 0; i < h.n; i++)
                CHECK_INT(h.rows[i].state, DELIVERY_PENDING);
        }
        house_close(&h);
        at = to + 1;
    }
    CHECK(examples >= 8);
}
