/* Deliveries and receipts: list, show; redelivery by id and by filter. */
#include "api/call.h"

#include "base/when.h"

struct row_list {
    struct store_list list;
    struct api_call *call;
};

static struct json *deliveries_items(struct arena *a, const struct store_list *l)
{
    struct json *items = json_list(a);
    for (size_t i = 0; i < l->n; i++)
        json_add(a, items, view_delivery(a, &l->deliveries[i], &l->attempts[i]));
    return items;
}

static struct json *receipts_items(struct arena *a, const struct store_list *l)
{
    struct json *items = json_list(a);
    for (size_t i = 0; i < l->n; i++)
        json_add(a, items, view_receipt(a, &l->receipts[i]));
    return items;
}

static void rows_answer(struct store_op *op,
                        struct json *(*view)(struct arena *, const struct store_list *))
{
    struct row_list *r = container_of(op, struct row_list, list.op);
    if (op->rc == 0) {
        api_list_answer(r->call, &r->list, view(op->arena, &r->list));
        return;
    }
    api_store_trouble(r->call, &op->error);
    arena_free(op->arena);
}

static void deliveries_listed(struct store_op *op)
{
    rows_answer(op, deliveries_items);
}

static void receipts_listed(struct store_op *op)
{
    rows_answer(op, receipts_items);
}

static void rows_list(struct api_call *call, void (*done)(struct store_op *),
                      void (*read)(struct store *, struct store_list *))
{
    struct row_list *r = ARENA_NEW(call->arena, struct row_list);
    r->call = call;
    r->list.op.done = done;
    if (api_list_begin(call, &r->list))
        read(engine_store(call->api->o.engine), &r->list);
}

void deliveries_list(struct api_call *call)
{
    enum delivery_state state;
    struct str wanted = api_query(call, "status");
    if (wanted.n && delivery_state_parse(wanted, &state) != 0) {
        api_refuse(call, 400, "status: '%" STR_FMT "' is none of pending retrying succeeded failed",
                   STR_ARG(wanted));
        return;
    }
    rows_list(call, deliveries_listed, store_delivery_list);
}

void receipts_list(struct api_call *call)
{
    rows_list(call, receipts_listed, store_receipt_list);
}

struct delivery_get {
    struct store_delivery_get get;
    struct api_call *call;
};

static void deliveries_got(struct store_op *op)
{
    struct delivery_get *g = container_of(op, struct delivery_get, get.op);
    struct arena *a = op->arena;
    if (op->rc != 0) {
        api_store_trouble(g->call, &op->error);
    } else if (!g->get.found) {
        api_refuse(g->call, 404, "there is no delivery '%" STR_FMT "'", STR_ARG(g->get.id));
    } else {
        struct row_attempts attempts = { g->get.attempts, g->get.n_attempts };
        struct json *o = view_delivery(a, &g->get.delivery, &attempts);
        view_str(a, o, "body", g->get.delivery.body);
        api_answer(g->call, 200, o);
    }
    arena_free(a);
}

void deliveries_get(struct api_call *call)
{
    struct delivery_get *g = ARENA_NEW(call->arena, struct delivery_get);
    g->call = call;
    g->get.op.arena = arena_new(64 * KIB);
    g->get.op.done = deliveries_got;
    g->get.id = api_param(call, "id");
    store_delivery_get(engine_store(call->api->o.engine), &g->get);
}

struct receipt_get {
    struct store_receipt_get get;
    struct api_call *call;
};

static void receipts_got(struct store_op *op)
{
    struct receipt_get *g = container_of(op, struct receipt_get, get.op);
    if (op->rc != 0)
        api_store_trouble(g->call, &op->error);
    else if (!g->get.found)
        api_refuse(g->call, 404, "there is no receipt '%" STR_FMT "'", STR_ARG(g->get.id));
    else
        api_answer(g->call, 200, view_receipt(op->arena, &g->get.receipt));
    arena_free(op->arena);
}

void receipts_get(struct api_call *call)
{
    struct receipt_get *g = ARENA_NEW(call->arena, struct receipt_get);
    g->call = call;
    g->get.op.arena = arena_new(64 * KIB);
    g->get.op.done = receipts_got;
    g->get.id = api_param(call, "id");
    store_receipt_get(engine_store(call->api->o.engine), &g->get);
}

/* ---- redelivery ---- */

struct redeliver {
    struct store_redeliver again;
    struct api_call *call;
    struct str id;
};

static void deliveries_redelivered(struct store_op *op)
{
    struct redeliver *r = container_of(op, struct redeliver, again.op);
    struct arena *a = r->call->arena;
    if (op->rc != 0) {
        api_store_trouble(r->call, &op->error);
        return;
    }
    engine_outbox_kick(r->call->api->o.engine, r->again.count);
    if (r->id.p && r->again.count == 0) {
        api_refuse(r->call, 404, "there is no delivery '%" STR_FMT "' that has ended",
                   STR_ARG(r->id));
        return;
    }
    struct json *o = json_object(a);
    json_put(a, o, STR("count"), json_i64(a, r->again.count));
    api_answer(r->call, 202, o);
}

static struct redeliver *redeliver_new(struct api_call *call)
{
    struct redeliver *r = ARENA_NEW(call->arena, struct redeliver);
    r->call = call;
    r->again.op.done = deliveries_redelivered;
    r->again.now = loop_wall(engine_loop(call->api->o.engine));
    return r;
}

void deliveries_retry(struct api_call *call)
{
    struct redeliver *r = redeliver_new(call);
    r->id = api_param(call, "id");
    r->again.ids = &r->id;
    r->again.n_ids = 1;
    store_redeliver(engine_store(call->api->o.engine), &r->again);
}

void deliveries_retry_many(struct api_call *call)
{
    struct redeliver *r = redeliver_new(call);
    struct arena *a = call->arena;
    int64_t back;
    struct error e = ERROR_INIT;
    r->again.receiver = json_get_str(a, call->body, "receiver", STR_NULL);
    r->again.task_id = json_get_str(a, call->body, "task_id", STR_NULL);
    struct str since = json_get_str(a, call->body, "since", STR_NULL);
    if (since.n) {
        if (duration_parse(since, false, &back, NULL) == 0) {
            r->again.since = r->again.now - back;
        } else if (when_parse(since, NULL, &r->again.since, &e) != 0) {
            api_refuse(call, 400, "since: %s", e.text);
            return;
        }
    }
    store_redeliver(engine_store(call->api->o.engine), &r->again);
}
