/* Durable outgoing deliveries: due → attempt → verdict → done, back-off or dead letter. Rows are leased
   from the store in small fair batches; a receiver that is slow or dead holds at most its own
   max_concurrent attempts and OUTBOX_PER_RECEIVER rows, never the others.

   struct outbox owns receivers (by name); a receiver owns its transfers: waiting ones (leased, not
   started) and those under way. A transfer lives from its lease to the commit of its verdict. */
#include "base/id.h"
#include "base/log.h"
#include "base/stats.h"
#include "engine/backoff.h"
#include "engine/engine_inside.h"

#define OUTBOX_MAX_TRANSFERS 512 /* in memory, all receivers */
#define OUTBOX_PER_RECEIVER  8   /* rows that one question takes of a receiver */
#define OUTBOX_RETRY_US      (1 * US_PER_S)

struct receiver {
    char *name;
    struct list waiting; /* struct transfer, leased */
    size_t under_way;    /* attempts, and verdicts being committed */
    unsigned max_concurrent;
    bool ordered;
    bool disabled; /* answered 410; until reload */
};

struct transfer {
    struct list_link link;
    struct outbox *outbox;
    struct receiver *receiver;
    struct arena *arena;
    struct delivery_row row;
    struct generation *generation;
    const struct sender_kind *kind;
    struct send *send;
    struct list_link active; /* on outbox.active or outbox.unstored */
    int64_t started_wall;
    struct attempt_row attempt;
    struct event_batch failed;
    struct store_attempt verdict;
    struct loop_timer again;
};

struct outbox {
    struct engine *engine;
    struct map *receivers;
    struct list active;   /* attempts under way */
    struct list unstored; /* verdicts that the store did not take; tried again by their timers */
    size_t transfers;
    int64_t backlog; /* deliveries in the store that are not final */
    bool asking, again, draining;
    struct loop_task turn;
    struct loop_alarm due;
    struct loop_timer retry;
};

struct outbox_due {
    struct store_due due;
    struct outbox *outbox;
};

static void outbox_turn(struct loop_task *t);

void outbox_kick(struct outbox *o)
{
    loop_later(o->engine->loop, &o->turn, outbox_turn);
}

void outbox_added(struct outbox *o, const struct delivery_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        o->backlog += !delivery_state_final(rows[i].state);
        if (delivery_state_final(rows[i].state)) /* it could not be rendered */
            stats_inc(STATS_DELIVERIES, rows[i].receiver.p, delivery_state_word(rows[i].state),
                      NULL);
    }
    if (n)
        outbox_kick(o);
}

void outbox_redelivered(struct outbox *o, int64_t n)
{
    o->backlog += n;
    outbox_kick(o);
}

static double outbox_backlog(void *ctx)
{
    return (double)((struct outbox *)ctx)->backlog;
}

static struct receiver *outbox_receiver(struct outbox *o, struct str name)
{
    struct receiver *r = map_get(o->receivers, name);
    if (!r) {
        r = xalloc(sizeof(*r));
        r->name = xstrndup(name.p, name.n);
        list_init(&r->waiting);
        map_put(o->receivers, name, r);
    }
    r->max_concurrent = OUTBOX_PER_RECEIVER;
    r->ordered = false;
    const struct notifier_hook *hook = &o->engine->notifier;
    if (hook->receiver)
        hook->receiver(hook->ctx, o->engine->generation, name, &r->max_concurrent, &r->ordered);
    if (r->ordered || r->max_concurrent == 0)
        r->max_concurrent = 1;
    return r;
}

static void receiver_free(struct receiver *r)
{
    free(r->name);
    free(r);
}

static bool receiver_idle(const struct receiver *r)
{
    return r->under_way == 0 && list_empty(&r->waiting) && !r->disabled;
}

/* ---- after the verdict ---- */

static void transfer_free(struct transfer *t)
{
    struct outbox *o = t->outbox;
    struct receiver *r = t->receiver;
    loop_timer_stop(&t->again);
    generation_unref(t->generation);
    arena_free(t->arena);
    o->transfers--;
    if (receiver_idle(r)) {
        map_remove(o->receivers, str_of(r->name));
        receiver_free(r);
    }
    outbox_kick(o);
    engine_drain_progress(o->engine);
}

static void transfer_commit_again(struct loop_timer *timer)
{
    struct transfer *t = container_of(timer, struct transfer, again);
    list_remove(&t->outbox->unstored, &t->active);
    store_attempt(t->outbox->engine->store, &t->verdict);
}

static void transfer_committed(struct store_op *op)
{
    struct transfer *t = container_of(op, struct transfer, verdict.op);
    struct engine *e = t->outbox->engine;
    if (op->rc != 0 && op->error.code != ERROR_NOT_FOUND) {
        log_error("an attempt could not be stored, trying again", "delivery_id", t->row.id.p,
                  "error", op->error.text);
        list_append(&t->outbox->unstored, &t->active);
        loop_timer_set(e->loop, &t->again, OUTBOX_RETRY_US, transfer_commit_again);
        return;
    }
    if (op->rc == 0 && t->verdict.n_events)
        event_publish(e, &t->failed.row, 1, t->verdict.last_event_seq);
    if (op->rc == 0)
        outbox_added(t->outbox, t->verdict.deliveries, t->verdict.n_deliveries);
    t->outbox->backlog -= delivery_state_final(t->row.state);
    if (delivery_state_final(t->row.state))
        stats_inc(STATS_DELIVERIES, t->receiver->name, delivery_state_word(t->row.state), NULL);
    t->receiver->under_way--;
    transfer_free(t);
}

/* A dead letter is an event of its own; one about such an event raises no further. */
static void transfer_dead(struct transfer *t)
{
    struct engine *e = t->outbox->engine;
    log_error("delivery failed for good", "delivery_id", t->row.id.p, "receiver", t->receiver->name,
              "task_id", t->row.task_id.p, "error", t->row.last_error.p);
    if (str_eq(t->row.event, STR("delivery.failed")))
        return;
    struct engine_event event = {
        .type = "delivery.failed",
        .at = t->row.finished_at,
        .generation = e->generation,
        .delivery = &t->row,
    };
    event_make(e, t->arena, &event, &t->failed);
    t->verdict.events = &t->failed.row;
    t->verdict.n_events = 1;
    t->verdict.deliveries = t->failed.deliveries;
    t->verdict.n_deliveries = t->failed.n_deliveries;
}

static void transfer_decide(struct transfer *t, const struct attempt_result *r)
{
    struct engine *e = t->outbox->engine;
    int64_t now = loop_wall(e->loop);
    struct backoff_policy policy = { (enum config_backoff)t->row.backoff, t->row.initial_delay,
                                     t->row.max_delay, t->row.jitter_permille };
    t->row.attempts++;
    if (r->progress.p)
        t->row.progress = arena_str(t->arena, r->progress);
    if (r->verdict == VERDICT_DELIVERED) {
        t->row.state = DELIVERY_SUCCEEDED;
        t->row.finished_at = now;
        t->row.last_error = STR_NULL;
        return;
    }
    t->row.last_error = arena_str(t->arena, r->error);
    if (r->verdict == VERDICT_TRY_AGAIN && t->row.attempts < t->row.max_attempts) {
        t->row.state = DELIVERY_RETRYING;
        t->row.next_at =
            now + backoff_delay_us(&policy, t->row.attempts, r->retry_after_us, id_random_u32());
        return;
    }
    t->row.state = DELIVERY_FAILED;
    t->row.finished_at = now;
    if (r->verdict == VERDICT_GONE) {
        t->receiver->disabled = true;
        log_warn("receiver answered 410 Gone: it is disabled until the next reload", "receiver",
                 t->receiver->name);
    }
    transfer_dead(t);
}

static void transfer_done(void *ctx, const struct attempt_result *r)
{
    struct transfer *t = ctx;
    struct arena *a = t->arena;
    if (list_linked(&t->active))
        list_remove(&t->outbox->active, &t->active);
    t->send = NULL;
    transfer_decide(t, r);
    t->attempt = (struct attempt_row){
        .delivery_id = t->row.id,
        .n = t->row.attempts,
        .at = t->started_wall,
        .status_code = r->status_code,
        .error_type = r->error_type ? str_of(r->error_type) : STR_NULL,
        .error = r->error.p ? arena_str(a, r->error) : STR_NULL,
        .duration_us = r->duration_us,
        .remote_ip = r->remote_ip.p ? arena_str(a, r->remote_ip) : STR_NULL,
        .response_excerpt = r->response_excerpt.p ? arena_str(a, r->response_excerpt) : STR_NULL,
    };
    stats_inc(STATS_DELIVERY_ATTEMPTS, t->receiver->name,
              r->verdict == VERDICT_DELIVERED ? "success"
              : r->error_type                 ? r->error_type
                                              : "HTTP_ERROR",
              NULL);
    stats_add(STATS_DELIVERY_SECONDS, (double)r->duration_us / US_PER_S, NULL, NULL, NULL);
    t->verdict.op.arena = a;
    t->verdict.op.done = transfer_committed;
    t->verdict.attempt = &t->attempt;
    t->verdict.delivery = &t->row;
    store_attempt(t->outbox->engine->store, &t->verdict);
}

/* ---- attempts ---- */

static const struct sender_kind *outbox_kind(const struct outbox *o, struct str target)
{
    for (const struct sender_kind *const *k = o->engine->senders; *k; k++) {
        if (str_eq_c(target, (*k)->word))
            return *k;
    }
    return NULL;
}

static void transfer_start(struct transfer *t)
{
    struct outbox *o = t->outbox;
    struct engine *e = o->engine;
    struct error error = ERROR_INIT;
    t->receiver->under_way++;
    t->started_wall = loop_wall(e->loop);
    t->generation = generation_ref(e->generation);
    t->kind = outbox_kind(o, t->row.target);
    struct send_request request = { &t->row, t->generation, t->row.attempts + 1, transfer_done, t };
    if (t->kind)
        t->send = t->kind->start(e->sender_env, &request, &error);
    else
        error_set(&error, ERROR_INVALID, "there is no target '%s'", t->row.target.p);
    if (t->send) {
        list_append(&o->active, &t->active);
        return;
    }
    struct attempt_result refused = { .verdict = VERDICT_REFUSED,
                                      .error_type = "RENDER_ERROR",
                                      .error = str_of(error.text),
                                      .retry_after_us = -1 };
    transfer_done(t, &refused);
}

static void receiver_start(struct outbox *o, struct receiver *r)
{
    while (!o->draining && !r->disabled && r->under_way < r->max_concurrent &&
           !list_empty(&r->waiting))
        transfer_start(container_of(list_take(&r->waiting), struct transfer, link));
}

static void outbox_take(struct outbox *o, const struct delivery_row *row)
{
    struct arena *a = arena_new(row->body.n + 2 * KIB);
    struct transfer *t = ARENA_NEW(a, struct transfer);
    t->outbox = o;
    t->arena = a;
    t->row = *row;
    struct str *const strings[] = { &t->row.id,        &t->row.receiver, &t->row.target,
                                    &t->row.event,     &t->row.task_id,  &t->row.method,
                                    &t->row.url,       &t->row.headers,  &t->row.content_type,
                                    &t->row.body,      &t->row.guard,    &t->row.progress,
                                    &t->row.last_error };
    for (size_t i = 0; i < N_ELEMENTS(strings); i++) {
        if (strings[i]->p)
            *strings[i] = arena_str(a, *strings[i]);
    }
    t->receiver = outbox_receiver(o, t->row.receiver);
    o->transfers++;
    list_append(&t->receiver->waiting, &t->link);
}

static void outbox_due_alarm(struct loop_alarm *alarm)
{
    outbox_kick(container_of(alarm, struct outbox, due));
}

static void outbox_retry(struct loop_timer *t)
{
    outbox_kick(container_of(t, struct outbox, retry));
}

static void outbox_due_rows(struct store_op *op)
{
    struct outbox_due *ask = container_of(op, struct outbox_due, due.op);
    struct outbox *o = ask->outbox;
    o->asking = false;
    if (op->rc != 0) {
        log_error("due deliveries could not be read", "error", op->error.text);
        loop_timer_set(o->engine->loop, &o->retry, OUTBOX_RETRY_US, outbox_retry);
        arena_free(op->arena);
        return;
    }
    /* When a drain came meanwhile: their lease ends with this process. */
    for (size_t i = 0; i < ask->due.n_deliveries && !o->draining; i++)
        outbox_take(o, &ask->due.deliveries[i]);
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(o->receivers, &at)) != NULL;)
        receiver_start(o, entry->value);
    if (ask->due.next_at)
        loop_alarm_set(o->engine->loop, &o->due, ask->due.next_at, outbox_due_alarm);
    if (ask->due.n_deliveries || o->again)
        outbox_kick(o);
    o->again = false;
    arena_free(op->arena);
}

/* Receivers that have as much in memory as they may: the store leaves them out. */
static size_t outbox_full_receivers(struct outbox *o, struct arena *a, struct str **names)
{
    size_t n = 0;
    const struct map_entry *entry;
    *names = ARENA_ARRAY(a, struct str, map_count(o->receivers) + 1);
    for (size_t at = 0; (entry = map_next(o->receivers, &at)) != NULL;) {
        const struct receiver *r = entry->value;
        if (r->disabled || r->waiting.count + r->under_way >= r->max_concurrent)
            (*names)[n++] = arena_str(a, str_of(r->name));
    }
    return n;
}

static void outbox_turn(struct loop_task *task)
{
    struct outbox *o = container_of(task, struct outbox, turn);
    if (o->draining || o->engine->phase != ENGINE_RUNNING)
        return;
    if (o->asking) {
        o->again = true;
        return;
    }
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(o->receivers, &at)) != NULL;)
        receiver_start(o, entry->value);
    if (o->transfers >= OUTBOX_MAX_TRANSFERS)
        return;
    struct arena *a = arena_new(16 * KIB);
    struct outbox_due *ask = ARENA_NEW(a, struct outbox_due);
    struct str *skip;
    ask->outbox = o;
    ask->due.n_skip = outbox_full_receivers(o, a, &skip);
    ask->due.skip = skip;
    const struct notifier_hook *hook = &o->engine->notifier;
    struct str *ordered = NULL;
    if (hook->ordered)
        ask->due.n_single = hook->ordered(hook->ctx, o->engine->generation, a, &ordered);
    ask->due.single = ordered;
    ask->due.op.arena = a;
    ask->due.op.done = outbox_due_rows;
    ask->due.now = loop_wall(o->engine->loop);
    ask->due.limit = (unsigned)(OUTBOX_MAX_TRANSFERS - o->transfers);
    ask->due.per_receiver = OUTBOX_PER_RECEIVER;
    o->asking = true;
    store_due(o->engine->store, &ask->due);
}

/* ---- life ---- */

struct outbox *outbox_new(struct engine *e)
{
    struct outbox *o = xalloc(sizeof(*o));
    o->engine = e;
    o->receivers = map_new(false);
    list_init(&o->active);
    list_init(&o->unstored);
    stats_gauge_fn(STATS_DELIVERY_BACKLOG, outbox_backlog, o);
    return o;
}

void outbox_start(struct outbox *o, int64_t open)
{
    o->backlog = open;
    outbox_kick(o);
}

void outbox_enable_all(struct outbox *o)
{
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(o->receivers, &at)) != NULL;) {
        struct receiver *r = entry->value;
        r->disabled = false;
        if (receiver_idle(r)) {
            map_remove(o->receivers, entry->key);
            receiver_free(r);
        }
    }
    outbox_kick(o);
}

void outbox_drain(struct outbox *o)
{
    o->draining = true;
    loop_alarm_stop(&o->due);
    loop_timer_stop(&o->retry);
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(o->receivers, &at)) != NULL;) {
        struct receiver *r = entry->value;
        /* Leased but never started: the lease ends with this process. */
        for (struct list_link *link; (link = list_take(&r->waiting)) != NULL;) {
            arena_free(container_of(link, struct transfer, link)->arena);
            o->transfers--;
        }
    }
}

bool outbox_idle(const struct outbox *o)
{
    return o->transfers == 0 && !o->asking;
}

void outbox_cut(struct outbox *o)
{
    list_each (&o->active, link) {
        struct transfer *t = container_of(link, struct transfer, active);
        list_remove(&o->active, link);
        t->kind->cancel(t->send);
        t->receiver->under_way--;
        transfer_free(t);
    }
    list_each (&o->unstored, link) {
        struct transfer *t = container_of(link, struct transfer, active);
        list_remove(&o->unstored, link);
        t->receiver->under_way--;
        transfer_free(t);
    }
}

void outbox_free(struct outbox *o)
{
    if (!o)
        return;
    stats_gauge_fn(STATS_DELIVERY_BACKLOG, NULL, NULL);
    outbox_drain(o);
    outbox_cut(o);
    loop_later_cancel(o->engine->loop, &o->turn);
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(o->receivers, &at)) != NULL;)
        receiver_free(entry->value);
    map_free(o->receivers);
    free(o);
}
