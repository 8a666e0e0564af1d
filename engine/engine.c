/* Start, swap, drain, stop: the structure comment is in engine.h. */
#include "base/log.h"
#include "engine/engine_inside.h"

#define ENGINE_DRAIN_POLL_US (10 * US_PER_MS)

struct engine *engine_new(const struct engine_options *o)
{
    struct engine *e = xalloc(sizeof(*e));
    e->loop = o->loop;
    e->store = o->store;
    e->node = xstrndup(o->node, strlen(o->node));
    e->generation = generation_ref(o->generation);
    e->runners = o->runners;
    e->runner_env = o->runner_env;
    e->senders = o->senders;
    e->sender_env = o->sender_env;
    e->notifier = o->notifier;
    e->single = o->single;
    list_init(&e->workers);
    list_init(&e->waits);
    list_init(&e->event_watches);
    e->task_watches = map_new(false);
    e->queue = queue_new(e);
    e->outbox = outbox_new(e);
    e->janitor = janitor_new(e);
    return e;
}

void engine_start(struct engine *e, void (*started)(void *ctx, int rc, const struct error *why),
                  void *ctx)
{
    assert(e->phase == ENGINE_NEW);
    e->started = started;
    e->started_ctx = ctx;
    recovery_start(e);
}

void engine_swap(struct engine *e, struct generation *g)
{
    struct generation *old = e->generation;
    e->generation = generation_ref(g);
    generation_unref(old);
    queue_kick(e->queue);
    outbox_enable_all(e->outbox);
}

static void engine_drained(struct loop_task *t)
{
    struct engine *e = container_of(t, struct engine, drain_check);
    if (e->phase != ENGINE_DRAINING || e->recovery || e->acts || !list_empty(&e->workers) ||
        !outbox_idle(e->outbox) || store_pending(e->store) > 0)
        return;
    watch_end_waits(e, true);
    e->phase = ENGINE_DRAINED;
    loop_timer_stop(&e->drain_timer);
    e->drained(e->drained_ctx);
}

void engine_drain_progress(struct engine *e)
{
    if (e->phase == ENGINE_DRAINING)
        loop_later(e->loop, &e->drain_check, engine_drained);
}

static void engine_drain_tick(struct loop_timer *t)
{
    struct engine *e = container_of(t, struct engine, drain_timer);
    int64_t now = loop_mono(e->loop);
    if (now >= e->drain_deadline) {
        watch_end_waits(e, true);
        worker_stop_all(e);
        outbox_cut(e->outbox);
    }
    loop_timer_set(e->loop, &e->drain_timer, ENGINE_DRAIN_POLL_US, engine_drain_tick);
    engine_drain_progress(e);
}

void engine_drain(struct engine *e, int64_t deadline_us, void (*drained)(void *ctx), void *ctx)
{
    e->drain_deadline = deadline_us;
    e->drained = drained;
    e->drained_ctx = ctx;
    if (e->phase < ENGINE_DRAINING) {
        e->phase = ENGINE_DRAINING;
        outbox_drain(e->outbox);
        watch_end_waits(e, false);
    }
    loop_timer_set(e->loop, &e->drain_timer, 0, engine_drain_tick);
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    loop_timer_stop(&e->drain_timer);
    loop_later_cancel(e->loop, &e->drain_check);
    worker_forget_all(e);
    outbox_free(e->outbox);
    janitor_free(e->janitor);
    queue_free(e->queue);
    recovery_free(e->recovery);
    watch_release(e);
    hmac_key_free(e->task_key);
    generation_unref(e->generation);
    free(e->node);
    free(e);
}

struct generation *engine_generation(const struct engine *e)
{
    return e->generation;
}

struct store *engine_store(const struct engine *e)
{
    return e->store;
}

struct loop *engine_loop(const struct engine *e)
{
    return e->loop;
}

bool engine_draining(const struct engine *e)
{
    return e->phase >= ENGINE_DRAINING;
}

size_t engine_active(const struct engine *e)
{
    return e->workers.count;
}

void engine_task_key(const struct engine *e, struct str task_id, char text[ENGINE_TASK_KEY_TEXT])
{
    uint8_t mac[CRYPTO_MAX_DIGEST];
    auto_buf hex = BUF_INIT(ENGINE_TASK_KEY_TEXT);
    text[0] = 0;
    if (!e->task_key)
        return;
    hex_encode(&hex, mac, hmac_sign(e->task_key, &task_id, 1, mac));
    memcpy(text, hex.p, hex.n);
    text[hex.n] = 0;
}
