/* Sender kind "log": a notification as one line of the log. */
#include "base/log.h"

#include "notifiers/send.h"

struct log_send {
    struct send send;
    struct loop_task later;
};

static void log_sent(struct loop_task *t)
{
    struct log_send *s = container_of(t, struct log_send, later);
    const struct delivery_row *d = s->send.row;
    struct arena *a = s->send.arena;
    struct attempt_result r = { .verdict = VERDICT_DELIVERED, .retry_after_us = -1 };
    log_info("notification", "receiver", arena_cstr(a, d->receiver), "event",
             arena_cstr(a, d->event), "task_id", d->task_id.n ? arena_cstr(a, d->task_id) : NULL,
             "delivery_id", arena_cstr(a, d->id), "payload", arena_cstr(a, d->body));
    s->send.done(s->send.ctx, &r);
    arena_free(a);
}

static struct send *log_start(void *env, const struct send_request *request, struct error *e)
{
    struct notifiers_env *house = env;
    struct arena *a = arena_new(request->delivery->body.n + 1 * KIB);
    struct log_send *s = ARENA_NEW(a, struct log_send);
    (void)e;
    s->send = (struct send){ house, a, request->delivery, request->done, request->ctx };
    loop_later(house->loop, &s->later, log_sent);
    return &s->send;
}

static void log_cancel(struct send *send)
{
    struct log_send *s = container_of(send, struct log_send, send);
    loop_later_cancel(send->env->loop, &s->later);
    arena_free(send->arena);
}

const struct sender_kind log_sender = { "log", log_start, log_cancel };
