/* Examples: with line breaks and quotes, so that what breaks JSON breaks at load. */
#include "notifiers/sample.h"

#define SAMPLE_AT 1795242600000000LL /* 2026-11-21T06:30:00Z */

static const char *const sample_types[] = {
    "task.started", "task.completed",  "task.failed",     "task.cancelled",
    "tool.called",  "delivery.failed", "schedule.missed", "schedule.skipped",
};

const char *sample_type(size_t i)
{
    return i < N_ELEMENTS(sample_types) ? sample_types[i] : NULL;
}

static struct task_row *sample_task(struct arena *a, struct str agent)
{
    struct task_row *t = ARENA_NEW(a, struct task_row);
    t->id = arena_printf(a, "webhook-%" STR_FMT "-1795242600000000001", STR_ARG(agent));
    t->agent = agent;
    t->trigger_type = STR("webhook");
    t->trigger_name = agent;
    t->state = TASK_RUNNING;
    t->attempt = 1;
    t->input = STR("a sample \"input\"\nof two lines");
    t->session_id = STR("sample-session");
    t->created_at = t->started_at = SAMPLE_AT - 45 * US_PER_S;
    t->tokens_used = 3500;
    t->tools_called = 12;
    return t;
}

static void sample_end(struct task_row *t, const char *type)
{
    t->finished_at = SAMPLE_AT;
    if (str_eq_c(str_of(type), "task.completed")) {
        t->state = TASK_COMPLETED;
        t->result = STR("a sample \"result\"\nof two lines");
    } else if (str_eq_c(str_of(type), "task.failed")) {
        t->state = TASK_FAILED;
        t->error_type = STR("exit");
        t->error_message = STR("a sample \"error\"\nof two lines");
    } else {
        t->state = TASK_CANCELLED;
    }
}

static struct delivery_row *sample_delivery(struct arena *a, struct str task_id)
{
    struct delivery_row *d = ARENA_NEW(a, struct delivery_row);
    d->id = STR("019d8c2e-0000-7000-8000-000000000000");
    d->receiver = STR("sample");
    d->event = STR("task.completed");
    d->task_id = task_id;
    d->attempts = 3;
    d->last_error = STR("the server answered 500 Internal Server Error");
    return d;
}

void sample_event(struct arena *a, const char *type, const struct config_agent *agent,
                  struct engine_event *event)
{
    struct str name = agent ? agent->name.s : STR("sample");
    struct task_row *task = sample_task(a, name);
    struct str t = str_of(type);
    *event = (struct engine_event){ .type = type, .at = SAMPLE_AT, .agent = agent };
    if (str_starts(t, STR("delivery."))) {
        event->delivery = sample_delivery(a, task->id);
        event->agent = NULL;
    } else if (str_starts(t, STR("schedule."))) {
        struct json *data = json_object(a);
        json_put_str(a, data, "schedule", name.p);
        json_put_str(a, data, "reason", "missed");
        json_put(a, data, STR("missed_count"), json_i64(a, 1));
        event->data = data;
    } else {
        event->task = task;
        if (str_eq_c(t, "tool.called")) {
            struct json *data = json_object(a);
            json_put_str(a, data, "tool", "read_file");
            json_put(a, data, STR("parameters"), json_object(a));
            event->data = data;
        } else if (!str_eq_c(t, "task.started")) {
            sample_end(task, type);
        }
    }
}
