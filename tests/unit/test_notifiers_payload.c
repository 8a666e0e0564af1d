#include "tests/t.h"

#include "notifiers/payload.h"

#define T(text)                          \
    {                                    \
        .s = {(text), sizeof(text) - 1 } \
    }
#define AT 1777199445500000LL /* 2026-04-26T10:30:45.5Z */

static const struct config config = { .name = T("my automations") };
static struct config_pair event_names[] = { { .key = { "task.completed", 14 },
                                              .value = T("ORDER_DONE") } };
static const struct config_pairs names = { event_names, 1 };

static const struct task_row started = {
    .id = { "webhook-orders-17", 17 },
    .agent = { "orders", 6 },
    .trigger_type = { "webhook", 7 },
    .trigger_name = { "shop", 4 },
    .state = TASK_RUNNING,
    .input = { "order \"7\"", 9 },
    .tokens_used = -1,
    .started_at = AT - 45 * US_PER_S,
};

static struct task_row ended(enum task_state state)
{
    struct task_row t = started;
    t.state = state;
    t.finished_at = AT;
    t.tokens_used = 3500;
    t.tools_called = 12;
    t.session_id = STR("orders:7");
    return t;
}

static struct str show(struct arena *a, const char *format, const struct engine_event *event)
{
    struct payload_source from = { event, &config, payload_agent(a, event),
                                   STR("019d8c2e3f5a7abc8def0123456789ab"), &names };
    const struct json *data = payload_data(a, &from);
    if (!*format)
        return payload_text(a, data);
    return payload_text(a, payload_format_find(str_of(format))->make(a, &from, data));
}

static void check(const char *row, const char *format, const struct engine_event *event,
                  const char *want)
{
    struct arena *a = arena_new(0);
    ROW(row);
    CHECK_STR(show(a, format, event), want);
    arena_free(a);
}

TEST(the_default_payload_is_hectors_with_more)
{
    struct task_row t = ended(TASK_COMPLETED);
    t.result = STR("done");
    struct engine_event e = { .type = "task.completed", .at = AT, .task = &t };
    check(
        "text", "hector", &e,
        "{\"type\":\"task.completed\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
        "\"status\":\"completed\",\"result\":\"done\",\"timestamp\":\"2026-04-26T10:30:45."
        "500000Z\","
        "\"duration_seconds\":45,\"tokens_used\":3500,\"tools_called\":12,\"trigger\":\"webhook\","
        "\"session_id\":\"orders:7\"}");
    t.result = STR("{\"total\": 1.10}");
    t.result_json = true;
    t.session_id = STR_NULL;
    t.tokens_used = -1;
    check(
        "JSON stays JSON, numbers as written, unknown left out", "hector", &e,
        "{\"type\":\"task.completed\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
        "\"status\":\"completed\",\"result\":{\"total\":1.10},"
        "\"timestamp\":\"2026-04-26T10:30:45.500000Z\","
        "\"duration_seconds\":45,\"tools_called\":12,\"trigger\":\"webhook\"}");
    t.result = STR("{\"cut");
    check(
        "a result that only claims to be JSON is text", "hector", &e,
        "{\"type\":\"task.completed\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
        "\"status\":\"completed\",\"result\":\"{\\\"cut\","
        "\"timestamp\":\"2026-04-26T10:30:45.500000Z\","
        "\"duration_seconds\":45,\"tools_called\":12,\"trigger\":\"webhook\"}");
    t = ended(TASK_FAILED);
    t.error_message = STR("exit status 2");
    e.type = "task.failed";
    check(
        "failed", "hector", &e,
        "{\"type\":\"task.failed\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
        "\"status\":\"failed\",\"error\":\"exit status 2\","
        "\"timestamp\":\"2026-04-26T10:30:45.500000Z\","
        "\"duration_seconds\":45,\"tokens_used\":3500,\"tools_called\":12,\"trigger\":\"webhook\","
        "\"session_id\":\"orders:7\"}");
    e = (struct engine_event){ .type = "task.started", .at = AT, .task = &started };
    check("started", "hector", &e,
          "{\"type\":\"task.started\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
          "\"status\":\"started\",\"timestamp\":\"2026-04-26T10:30:45.500000Z\",\"trigger\":"
          "\"webhook\"}");
}

TEST(a_dead_letter_tells_whose_it_was)
{
    const struct delivery_row d = { .id = { "019d", 4 },
                                    .receiver = { "orders/slack", 12 },
                                    .event = { "task.failed", 11 },
                                    .task_id = { "webhook-my-orders-17", 20 },
                                    .attempts = 3,
                                    .last_error = { "no answer in time", 17 } };
    struct engine_event e = { .type = "delivery.failed", .at = AT, .delivery = &d };
    check("", "hector", &e,
          "{\"type\":\"delivery.failed\",\"agent_name\":\"my-orders\","
          "\"task_id\":\"webhook-my-orders-17\",\"status\":\"failed\",\"error\":\"no answer in "
          "time\","
          "\"timestamp\":\"2026-04-26T10:30:45.500000Z\",\"metadata\":{\"delivery_id\":\"019d\","
          "\"receiver\":\"orders/slack\",\"event\":\"task.failed\",\"attempts\":3}}");
}

TEST(templates_see_input_platform_and_metadata)
{
    struct task_row t = started;
    t.meta = STR("{\"guard\":{\"allow\":[\"10.0.0.0/8\"]},\"missed_count\":2}");
    struct engine_event e = { .type = "task.started", .at = AT, .task = &t };
    check("", "", &e,
          "{\"type\":\"task.started\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
          "\"status\":\"started\",\"timestamp\":\"2026-04-26T10:30:45.500000Z\",\"trigger\":"
          "\"webhook\","
          "\"trigger_name\":\"shop\",\"platform\":\"webhook\",\"input\":\"order "
          "\\\"7\\\"\",\"prompt\":\"order \\\"7\\\"\","
          "\"metadata\":{\"missed_count\":2}}");
}

TEST(hermes_payloads_are_those_of_its_page)
{
    struct task_row t = ended(TASK_COMPLETED);
    struct engine_event e = { .type = "task.started", .at = AT, .task = &started };
    check("started", "hermes", &e,
          "{\"event\":\"task_started\",\"task_id\":\"webhook-orders-17\",\"prompt\":\"order "
          "\\\"7\\\"\","
          "\"timestamp\":\"2026-04-26T10:30:45Z\",\"platform\":\"webhook\"}");
    t.result = STR("success");
    e.task = &t;
    e.type = "task.completed";
    check("completed", "hermes", &e,
          "{\"event\":\"task_completed\",\"task_id\":\"webhook-orders-17\","
          "\"prompt\":\"order \\\"7\\\"\",\"duration_seconds\":45,\"tokens_used\":3500,"
          "\"tools_called\":12,\"result\":\"success\",\"timestamp\":\"2026-04-26T10:30:45Z\","
          "\"platform\":\"webhook\"}");
    t.state = TASK_FAILED;
    t.result = STR_NULL;
    t.error_message = STR("no");
    e.type = "task.failed";
    check("failed", "hermes", &e,
          "{\"event\":\"task_failed\",\"task_id\":\"webhook-orders-17\","
          "\"prompt\":\"order \\\"7\\\"\",\"duration_seconds\":45,\"tokens_used\":3500,"
          "\"tools_called\":12,\"error\":\"no\",\"result\":\"failed\","
          "\"timestamp\":\"2026-04-26T10:30:45Z\",\"platform\":\"webhook\"}");
    struct arena *a = arena_new(0);
    e = (struct engine_event){ .type = "tool.called", .at = AT, .task = &started };
    e.data =
        json_parse(a, STR("{\"tool\":\"file_read\",\"parameters\":{\"path\":\"/x\"},\"ok\":true}"),
                   NULL, NULL);
    check("tool", "hermes", &e,
          "{\"event\":\"tool_called\",\"task_id\":\"webhook-orders-17\",\"tool\":\"file_read\","
          "\"parameters\":{\"path\":\"/x\"},\"timestamp\":\"2026-04-26T10:30:45Z\","
          "\"platform\":\"webhook\"}");
    arena_free(a);
}

TEST(hermon_and_cloudevents_wrap_the_default_payload)
{
    struct engine_event e = { .type = "task.started", .at = AT, .task = &started };
    check("hermon", "hermon", &e,
          "{\"event_type\":\"TASK_STARTED\",\"event_id\":\"evt_019d8c2e3f5a7abc8def0123456789ab\","
          "\"org_id\":\"my automations\",\"created_at\":\"2026-04-26T10:30:45.500Z\",\"data\":{"
          "\"type\":\"task.started\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
          "\"status\":\"started\",\"timestamp\":\"2026-04-26T10:30:45.500000Z\","
          "\"trigger\":\"webhook\"}}");
    check("cloudevents", "cloudevents", &e,
          "{\"specversion\":\"1.0\",\"id\":\"019d8c2e3f5a7abc8def0123456789ab\","
          "\"source\":\"/keryx/my%20automations\",\"type\":\"keryx.task.started\","
          "\"subject\":\"webhook-orders-17\",\"time\":\"2026-04-26T10:30:45.500000Z\","
          "\"datacontenttype\":\"application/json\",\"data\":{"
          "\"type\":\"task.started\",\"agent_name\":\"orders\",\"task_id\":\"webhook-orders-17\","
          "\"status\":\"started\",\"timestamp\":\"2026-04-26T10:30:45.500000Z\","
          "\"trigger\":\"webhook\"}}");
}

TEST(hermon_events_may_have_other_names)
{
    struct arena *a = arena_new(0);
    struct engine_event e = { .type = "task.completed", .at = AT };
    struct payload_source from = { &e, &config, STR(""), STR("x"), &names };
    CHECK_STR(payload_hermon_name(a, &from), "ORDER_DONE");
    e.type = "delivery.failed";
    CHECK_STR(payload_hermon_name(a, &from), "DELIVERY_FAILED");
    arena_free(a);
}

TEST(a_format_has_a_name)
{
    CHECK(payload_format_find(STR("hermon")) != NULL);
    CHECK_CSTR(payload_format_find(STR(""))->word, "hector");
    CHECK(payload_format_find(STR("xml")) == NULL);
}
