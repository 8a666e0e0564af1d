/* Events as data, and the formats made of it. */
#include "notifiers/payload.h"

#include "base/when.h"
#include "http/url.h"

#define PAYLOAD_MAX_BODY (64 * MIB)

struct str payload_text(struct arena *a, const struct json *v)
{
    auto_buf out = BUF_INIT(PAYLOAD_MAX_BODY);
    json_write(&out, v, JSON_COMPACT);
    return buf_ok(&out) ? arena_str(a, buf_view(&out)) : STR_NULL;
}

/* ---- the data ---- */

static struct str payload_agent_of_id(struct str task_id)
{
    ptrdiff_t from = str_chr(task_id, '-'), to = str_rchr(task_id, '-');
    return from >= 0 && to > from ? str_sub(task_id, (size_t)from + 1, (size_t)(to - from - 1))
                                  : STR("");
}

struct str payload_agent(struct arena *a, const struct engine_event *event)
{
    struct str name = STR("");
    if (event->agent)
        name = event->agent->name.s;
    else if (event->task)
        name = event->task->agent;
    else if (event->delivery)
        name = payload_agent_of_id(event->delivery->task_id);
    return arena_str(a, name);
}

static void payload_put(struct arena *a, struct json *o, const char *key, struct str value)
{
    if (value.n)
        json_put(a, o, str_of(key), json_str(a, value));
}

/* "completed" of "task.completed". */
static struct str payload_status(const char *type)
{
    struct str t = str_of(type);
    return str_sub(t, (size_t)(str_rchr(t, '.') + 1), t.n);
}

static struct json *payload_result(struct arena *a, const struct task_row *task)
{
    struct json *value = NULL;
    if (task->result_json)
        value = json_parse(a, arena_str(a, task->result), NULL, NULL);
    return value ? value : json_str(a, task->result);
}

static void payload_put_outcome(struct arena *a, struct json *o, const struct engine_event *event)
{
    const struct task_row *task = event->task;
    if (task && task->state == TASK_COMPLETED && task->result.p)
        json_put(a, o, STR("result"), payload_result(a, task));
    if (task && task->error_message.p)
        json_put(a, o, STR("error"), json_str(a, task->error_message));
    if (event->delivery && event->delivery->last_error.p)
        json_put(a, o, STR("error"), json_str(a, event->delivery->last_error));
}

static void payload_put_numbers(struct arena *a, struct json *o, const struct task_row *task)
{
    if (!task_state_final(task->state))
        return;
    if (task->started_at && task->finished_at >= task->started_at) {
        int64_t ms = (task->finished_at - task->started_at) / US_PER_MS;
        json_put(a, o, STR("duration_seconds"), json_double(a, (double)ms / 1000));
    }
    if (task->tokens_used >= 0)
        json_put(a, o, STR("tokens_used"), json_i64(a, task->tokens_used));
    json_put(a, o, STR("tools_called"), json_i64(a, task->tools_called));
}

static void payload_put_members(struct arena *a, struct json *o, const struct json *from)
{
    if (!from || from->type != JSON_OBJECT)
        return;
    for (const struct json *m = from->child; m; m = m->next) {
        struct str key = json_key_text(a, m);
        /* Which private addresses a callback may reach is nobody else's business. */
        if (!str_eq(key, STR("guard")))
            json_put(a, o, key, json_alias(a, m));
    }
}

/* What the event itself carries: a tool's name and parameters, a delivery's receiver, … */
static struct json *payload_metadata(struct arena *a, const struct engine_event *event)
{
    struct json *o = json_object(a);
    if (event->task && event->task->meta.n)
        payload_put_members(a, o, json_parse(a, arena_str(a, event->task->meta), NULL, NULL));
    if (event->delivery) {
        payload_put(a, o, "delivery_id", event->delivery->id);
        payload_put(a, o, "receiver", event->delivery->receiver);
        payload_put(a, o, "event", event->delivery->event);
        json_put(a, o, STR("attempts"), json_i64(a, event->delivery->attempts));
    }
    payload_put_members(a, o, event->data);
    return o;
}

struct json *payload_data(struct arena *a, const struct payload_source *from)
{
    const struct engine_event *event = from->event;
    const struct task_row *task = event->task;
    struct json *o = json_object(a);
    char at[WHEN_TEXT];
    payload_put(a, o, "type", str_of(event->type));
    payload_put(a, o, "agent_name", from->agent);
    payload_put(a, o, "task_id",
                task              ? task->id
                : event->delivery ? event->delivery->task_id
                                  : STR_NULL);
    payload_put(a, o, "status", payload_status(event->type));
    payload_put_outcome(a, o, event);
    payload_put(a, o, "timestamp", str_of(when_format_us(event->at, at)));
    if (task) {
        payload_put_numbers(a, o, task);
        payload_put(a, o, "trigger", task->trigger_type);
        payload_put(a, o, "trigger_name", task->trigger_name);
        payload_put(a, o, "session_id", task->session_id);
        payload_put(a, o, "platform", task->trigger_type);
        json_put(a, o, STR("input"), json_str(a, task->input));
        json_put(a, o, STR("prompt"), json_str(a, task->input));
    } else if (event->trigger) {
        struct str type =
            event->trigger->type == CONFIG_SCHEDULE ? STR("schedule") : STR("webhook");
        payload_put(a, o, "trigger", type);
        payload_put(a, o, "trigger_name", event->trigger->name.s);
        payload_put(a, o, "platform", type);
    }
    struct json *metadata = payload_metadata(a, event);
    if (metadata->child)
        json_put(a, o, STR("metadata"), metadata);
    return o;
}

/* ---- the formats ---- */

static void payload_take(struct arena *a, struct json *o, const struct json *data, const char *name,
                         const char *as)
{
    const struct json *value = json_get(data, str_of(name));
    if (value)
        json_put(a, o, str_of(as), json_alias(a, value));
}

static struct json *payload_hector(struct arena *a, const struct payload_source *from,
                                   const struct json *data)
{
    static const char *const names[] = {
        "type",    "agent_name", "task_id",          "status",      "result",
        "error",   "timestamp",  "duration_seconds", "tokens_used", "tools_called",
        "trigger", "session_id", "metadata",
    };
    struct json *o = json_object(a);
    (void)from;
    for (size_t i = 0; i < N_ELEMENTS(names); i++)
        payload_take(a, o, data, names[i], names[i]);
    return o;
}

/* "2026-04-22T10:30:00" of the event, to be finished by the caller. */
static struct str payload_seconds(int64_t at, char text[WHEN_TEXT])
{
    return str_sub(str_of(when_format_us(at, text)), 0, sizeof "2026-04-22T10:30:00" - 1);
}

static struct json *payload_hermes(struct arena *a, const struct payload_source *from,
                                   const struct json *data)
{
    const struct engine_event *event = from->event;
    struct json *o = json_object(a);
    char at[WHEN_TEXT];
    char *name = arena_cstr(a, str_of(event->type));
    for (char *p = name; *p; p++)
        *p = (char)(*p == '.' ? '_' : *p);
    payload_put(a, o, "event", str_of(name));
    payload_take(a, o, data, "task_id", "task_id");
    if (str_eq_c(str_of(event->type), "tool.called")) {
        const struct json *metadata = json_get(data, STR("metadata"));
        payload_take(a, o, metadata, "tool", "tool");
        payload_take(a, o, metadata, "parameters", "parameters");
    } else {
        static const char *const names[] = { "prompt",       "duration_seconds", "tokens_used",
                                             "tools_called", "result",           "error" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
            payload_take(a, o, data, names[i], names[i]);
        if (!json_get(o, STR("result")) && event->task && event->task->state == TASK_FAILED)
            payload_put(a, o, "result", STR("failed"));
    }
    struct str seconds = payload_seconds(event->at, at);
    payload_put(a, o, "timestamp", arena_printf(a, "%" STR_FMT "Z", STR_ARG(seconds)));
    payload_take(a, o, data, "platform", "platform");
    return o;
}

struct str payload_hermon_name(struct arena *a, const struct payload_source *from)
{
    struct str type = str_of(from->event->type);
    for (size_t i = 0; from->event_names && i < from->event_names->n; i++) {
        if (str_eq(from->event_names->items[i].key, type))
            return arena_str(a, from->event_names->items[i].value.s);
    }
    char *name = arena_cstr(a, type);
    for (char *p = name; *p; p++)
        *p = *p == '.' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    return str_n(name, type.n);
}

static struct json *payload_hermon(struct arena *a, const struct payload_source *from,
                                   const struct json *data)
{
    struct json *o = json_object(a);
    char at[WHEN_TEXT];
    struct str seconds = payload_seconds(from->event->at, at);
    int ms = (int)(from->event->at / US_PER_MS % 1000);
    payload_put(a, o, "event_type", payload_hermon_name(a, from));
    payload_put(a, o, "event_id", arena_printf(a, "evt_%" STR_FMT, STR_ARG(from->event_id)));
    payload_put(a, o, "org_id", from->config->name.s.n ? from->config->name.s : STR("keryx"));
    payload_put(a, o, "created_at", arena_printf(a, "%" STR_FMT ".%03dZ", STR_ARG(seconds), ms));
    json_put(a, o, STR("data"), payload_hector(a, from, data));
    return o;
}

/* CloudEvents 1.0.2, JSON format, structured mode. */
static struct json *payload_cloudevents(struct arena *a, const struct payload_source *from,
                                        const struct json *data)
{
    struct json *o = json_object(a);
    auto_buf source = BUF_INIT(16 * KIB);
    if (from->config->server.public_url.s.n) {
        buf_str(&source, from->config->server.public_url.s);
    } else {
        buf_cstr(&source, "/keryx/");
        url_encode(&source, from->config->name.s);
    }
    payload_put(a, o, "specversion", STR("1.0"));
    payload_put(a, o, "id", from->event_id);
    payload_put(a, o, "source", buf_view(&source));
    payload_put(a, o, "type", arena_printf(a, "keryx.%s", from->event->type));
    payload_take(a, o, data, "task_id", "subject");
    payload_take(a, o, data, "timestamp", "time");
    payload_put(a, o, "datacontenttype", STR("application/json"));
    json_put(a, o, STR("data"), payload_hector(a, from, data));
    return o;
}

#define KERYX_SIGNATURE "X-Keryx-Signature"

static const struct payload_format payload_formats[] = {
    { "hector", "application/json", KERYX_SIGNATURE, payload_hector },
    { "hermes", "application/json", KERYX_SIGNATURE, payload_hermes },
    { "hermon", "application/json", "X-Hermon-Signature", payload_hermon },
    { "cloudevents", "application/cloudevents+json", KERYX_SIGNATURE, payload_cloudevents },
};

const struct payload_format *payload_format_find(struct str word)
{
    for (size_t i = 0; i < N_ELEMENTS(payload_formats); i++) {
        if (word.n == 0 || str_eq_c(word, payload_formats[i].word))
            return &payload_formats[i];
    }
    return NULL;
}
