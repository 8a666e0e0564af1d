/* Is it alive, does it take work, what does it count. */
#include "api/call.h"

#include "base/log.h"
#include "base/stats.h"

#include <fcntl.h>

/* What this process holds in memory (resident set), for people. */
static double health_memory_mb(void)
{
    char text[128];
    auto_close int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    struct str line = str_n(text, n > 0 ? (size_t)n : 0), word;
    uint64_t pages = 0;
    for (int i = 0; i < 2 && str_split(&line, ' ', &word); i++) {
        if (str_u64(word, &pages) != 0)
            return 0;
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (double)MIB;
}

static void health_hermes_webhook(struct api_call *call)
{
    struct json *o = json_object(call->arena);
    json_put_str(call->arena, o, "status", "ok");
    json_put_str(call->arena, o, "platform", "webhook");
    api_answer(call, 200, o);
}

void health_get(struct api_call *call)
{
    struct arena *a = call->arena;
    struct engine *e = call->api->o.engine;
    struct store *store = engine_store(e);
    bool well = store_writable(store);
    if (well && str_eq(api_query(call, "format"), STR("hermes-webhook"))) {
        health_hermes_webhook(call);
        return;
    }
    int64_t up = loop_wall(engine_loop(e)) - call->api->o.started_us;
    struct json *o = json_object(a);
    json_put_str(a, o, "status", well ? "healthy" : "unhealthy");
    if (!well)
        json_put_str(a, o, "reason", store_trouble(store));
    json_put(a, o, STR("uptime"), json_i64(a, up / US_PER_S));
    json_put(a, o, STR("active_tasks"), json_i64(a, (int64_t)engine_active(e)));
    json_put(a, o, STR("queued_tasks"),
             json_i64(a, (int64_t)stats_get(STATS_QUEUE_DEPTH, NULL, NULL, NULL)));
    json_put(a, o, STR("memory_mb"), json_number(a, arena_printf(a, "%.1f", health_memory_mb())));
    json_put_str(a, o, "version", call->api->o.version);
    api_answer(call, well ? 200 : 503, o);
}

void ready_get(struct api_call *call)
{
    struct engine *e = call->api->o.engine;
    bool ready = !engine_draining(e) && store_writable(engine_store(e));
    struct json *o = json_object(call->arena);
    json_put_str(call->arena, o, "status", ready ? "ready" : "not_ready");
    if (!ready)
        json_put_str(call->arena, o, "reason",
                     engine_draining(e) ? "draining" : store_trouble(engine_store(e)));
    api_answer(call, ready ? 200 : 503, o);
}

void metrics_get(struct api_call *call)
{
    auto_buf text = BUF_INIT(64 * MIB);
    stats_print(&text);
    struct http_answer answer = { .status = 200,
                                  .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                  .body = buf_view(&text) };
    http_reply(call->request, &answer);
}

void version_get(struct api_call *call)
{
    struct json *o = json_object(call->arena);
    json_put_str(call->arena, o, "name", "keryx");
    json_put_str(call->arena, o, "version", call->api->o.version);
    api_answer(call, 200, o);
}

void reload_post(struct api_call *call)
{
    auto_buf text = BUF_INIT(4 * MIB);
    int rc = call->api->o.reload(call->api->o.ctx, &text);
    struct str lines = str_trim(buf_view(&text));
    if (rc != 0) {
        api_refuse(call, 422, "the configuration has errors, the old one stays:\n%" STR_FMT,
                   STR_ARG(lines));
        return;
    }
    struct json *o = json_object(call->arena);
    json_put_str(call->arena, o, "status", "reloaded");
    struct json *warnings = json_list(call->arena);
    for (struct str line; str_split(&lines, '\n', &line);)
        json_add(call->arena, warnings, json_str(call->arena, line));
    json_put(call->arena, o, STR("warnings"), warnings);
    api_answer(call, 200, o);
}
