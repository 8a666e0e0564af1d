/* Path variables, query values, and what lists have in common. */
#include "api/call.h"

#include "base/when.h"
#include "http/url.h"

struct str api_param(const struct api_call *call, const char *name)
{
    return json_get_str(call->arena, call->request->params, name, STR(""));
}

struct str api_query(const struct api_call *call, const char *name)
{
    return url_query_get(call->arena, call->request->query, str_of(name));
}

/* An RFC 3339 time, or a duration that lies back: since=1h. */
static bool query_time(struct api_call *call, const char *name, int64_t *out)
{
    struct str text = api_query(call, name);
    int64_t back;
    struct error e = ERROR_INIT;
    if (text.n == 0)
        return true;
    if (duration_parse(text, false, &back, NULL) == 0) {
        *out = loop_wall(engine_loop(call->api->o.engine)) - back;
        return true;
    }
    if (when_parse(text, NULL, out, &e) == 0)
        return true;
    api_refuse(call, 400, "%s: %s; expected an RFC 3339 time or a duration such as 1h", name,
               e.text);
    return false;
}

static bool query_number(struct api_call *call, const char *name, uint64_t min, uint64_t max,
                         uint64_t *out)
{
    struct str text = api_query(call, name);
    if (text.n == 0 || (str_u64(text, out) == 0 && *out >= min && *out <= max))
        return true;
    api_refuse(call, 400, "%s: expected a number from %llu to %llu", name, (unsigned long long)min,
               (unsigned long long)max);
    return false;
}

bool api_list_begin(struct api_call *call, struct store_list *l)
{
    uint64_t limit = 50, cursor = 0;
    if (!query_number(call, "limit", 1, 500, &limit) ||
        !query_number(call, "cursor", 1, INT64_MAX, &cursor) ||
        !query_time(call, "since", &l->since) || !query_time(call, "until", &l->until))
        return false;
    l->limit = (unsigned)limit;
    l->before_seq = (int64_t)cursor;
    l->agent = api_query(call, "agent");
    l->state = api_query(call, "status");
    l->trigger = api_query(call, "trigger");
    l->receiver = api_query(call, "receiver");
    l->task_id = api_query(call, "task_id");
    l->route = api_query(call, "route");
    l->schedule = api_query(call, "schedule");
    l->op.arena = arena_new(64 * KIB);
    return true;
}

void api_list_answer(struct api_call *call, struct store_list *l, struct json *items)
{
    struct arena *a = l->op.arena;
    struct json *body = json_object(a);
    json_put(a, body, STR("items"), items);
    if (l->next_before_seq)
        json_put(a, body, STR("next_cursor"),
                 json_str(a, arena_printf(a, "%lld", (long long)l->next_before_seq)));
    api_answer(call, 200, body);
    arena_free(a);
}
