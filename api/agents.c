/* Agents of the configuration, and schedules: what they are and what comes next. */
#include "api/call.h"

#include "base/when.h"
#include "triggers/schedule.h"

#define SCHEDULES_NEXT     5 /* due times shown, unless ?n= asks for others */
#define SCHEDULES_NEXT_MAX 100

static const char *const agent_types[] = { [CONFIG_LLM] = "llm",
                                           [CONFIG_COMMAND] = "command",
                                           [CONFIG_HTTP] = "http",
                                           [CONFIG_REMOTE] = "remote",
                                           [CONFIG_ECHO] = "echo" };
static const char *const response_modes[] = {
    [CONFIG_SYNC] = "sync", [CONFIG_ASYNC] = "async", [CONFIG_CALLBACK] = "callback"
};
static const char *const misfires[] = {
    [CONFIG_MISFIRE_ONCE] = "once", [CONFIG_MISFIRE_SKIP] = "skip", [CONFIG_MISFIRE_ALL] = "all"
};
static const char *const overlaps[] = { [CONFIG_OVERLAP_SKIP] = "skip",
                                        [CONFIG_OVERLAP_ALLOW] = "allow",
                                        [CONFIG_OVERLAP_QUEUE] = "queue",
                                        [CONFIG_OVERLAP_REPLACE] = "replace" };

static struct json *view_agent_trigger(struct arena *a, const struct config_trigger *t)
{
    struct json *o = json_object(a);
    json_put_str(a, o, "type", t->type == CONFIG_SCHEDULE ? "schedule" : "webhook");
    view_str(a, o, "name", t->name.s);
    json_put(a, o, STR("enabled"), json_bool(a, t->enabled));
    if (t->type == CONFIG_WEBHOOK) {
        view_str(a, o, "path", t->webhook.path.s);
        view_str(a, o, "source", t->webhook.source.s);
        json_put_str(a, o, "response_mode", response_modes[t->webhook.response.mode]);
    } else {
        view_str(a, o, "cron", t->schedule.cron.s);
        view_str(a, o, "every", t->schedule.every.s);
        view_str(a, o, "at", t->schedule.at.s);
    }
    return o;
}

static struct json *view_agent(struct arena *a, const struct config_agent *agent)
{
    struct json *o = json_object(a), *triggers = json_list(a);
    view_str(a, o, "name", agent->name.s);
    view_str(a, o, "description", agent->description.s);
    json_put_str(a, o, "type", agent_types[agent->type]);
    json_put(a, o, STR("enabled"), json_bool(a, agent->enabled));
    for (size_t i = 0; i < agent->n_triggers; i++)
        json_add(a, triggers, view_agent_trigger(a, &agent->triggers[i]));
    json_put(a, o, STR("triggers"), triggers);
    json_put(a, o, STR("notifications"), json_i64(a, (int64_t)agent->n_notifications));
    return o;
}

void agents_list(struct api_call *call)
{
    const struct config *c = call->generation->config;
    struct json *body = json_object(call->arena), *items = json_list(call->arena);
    for (size_t i = 0; i < c->n_agents; i++)
        json_add(call->arena, items, view_agent(call->arena, &c->agents[i]));
    json_put(call->arena, body, STR("items"), items);
    api_answer(call, 200, body);
}

void agents_get(struct api_call *call)
{
    struct str name = api_param(call, "name");
    const struct config_agent *agent = config_find_agent(call->generation->config, name);
    if (agent)
        api_answer(call, 200, view_agent(call->arena, agent));
    else
        api_refuse(call, 404, "there is no agent '%" STR_FMT "'", STR_ARG(name));
}

/* ---- schedules ---- */

static struct json *view_schedule(struct api_call *call, const struct schedule_view *v, uint64_t n)
{
    struct arena *a = call->arena;
    const struct config_schedule *s = &v->def->trigger->schedule;
    struct json *o = json_object(a), *next = json_list(a);
    view_str(a, o, "name", v->def->trigger->name.s);
    view_str(a, o, "agent", v->def->agent->name.s);
    view_str(a, o, "cron", s->cron.s);
    view_str(a, o, "every", s->every.s);
    view_str(a, o, "at", s->at.s);
    json_put_str(a, o, "timezone", zone_name(v->def->zone));
    bool enabled = v->def->trigger->enabled && v->def->agent->enabled;
    json_put(a, o, STR("enabled"), json_bool(a, enabled));
    json_put(a, o, STR("paused"), json_bool(a, v->row->paused));
    view_time(a, o, "last_fired_at", v->row->last_fired);
    int64_t from = MAX(loop_wall(engine_loop(call->api->o.engine)), v->row->high_water) / US_PER_S;
    for (uint64_t i = 0; enabled && i < n; i++) {
        char text[WHEN_TEXT];
        from = cron_next(v->def->cron, v->def->zone, from, NULL);
        if (from == CRON_NONE || from > v->def->end)
            break;
        json_add(a, next, json_str(a, str_of(when_format_us(from * US_PER_S, text))));
    }
    json_put(a, o, STR("next"), next);
    json_put_str(a, o, "misfire", misfires[s->misfire]);
    json_put_str(a, o, "overlap", overlaps[s->overlap]);
    view_str(a, o, "last_task_id", v->row->last_task_id);
    return o;
}

void schedules_list(struct api_call *call)
{
    const struct schedules *all = triggers_schedules(call->api->o.triggers);
    struct json *body = json_object(call->arena), *items = json_list(call->arena);
    struct schedule_view view;
    for (size_t i = 0; schedules_view(all, i, &view); i++)
        json_add(call->arena, items, view_schedule(call, &view, SCHEDULES_NEXT));
    json_put(call->arena, body, STR("items"), items);
    api_answer(call, 200, body);
}

void schedules_get(struct api_call *call)
{
    const struct schedules *all = triggers_schedules(call->api->o.triggers);
    struct str name = api_param(call, "name");
    struct schedule_view view;
    uint64_t n = SCHEDULES_NEXT;
    struct str wanted = api_query(call, "n");
    if (wanted.n && (str_u64(wanted, &n) != 0 || n > SCHEDULES_NEXT_MAX)) {
        api_refuse(call, 400, "n: expected a number up to %d", SCHEDULES_NEXT_MAX);
        return;
    }
    for (size_t i = 0; schedules_view(all, i, &view); i++) {
        if (str_eq(view.def->trigger->name.s, name)) {
            api_answer(call, 200, view_schedule(call, &view, n));
            return;
        }
    }
    api_refuse(call, 404, "there is no schedule '%" STR_FMT "'", STR_ARG(name));
}
