/* Retention: what is finished and older than store.retention is deleted in small steps. */
#include "base/log.h"
#include "engine/engine_inside.h"

#define JANITOR_STEP_ROWS 200
#define JANITOR_REST_US   (60 * US_PER_S)
#define JANITOR_BUSY_US   (250 * US_PER_MS)

struct janitor {
    struct engine *engine;
    struct loop_timer timer;
    struct store_prune *prune; /* under way, or NULL */
};

struct janitor_step {
    struct store_prune prune;
    struct janitor *janitor;
};

static void janitor_step(struct loop_timer *t);

static void janitor_pruned(struct store_op *op)
{
    struct janitor_step *step = container_of(op, struct janitor_step, prune.op);
    struct janitor *j = step->janitor;
    j->prune = NULL;
    if (op->rc != 0)
        log_warn("old rows could not be deleted", "error", op->error.text);
    bool more = op->rc == 0 && step->prune.more;
    loop_timer_set(j->engine->loop, &j->timer, more ? JANITOR_BUSY_US : JANITOR_REST_US,
                   janitor_step);
    free(step);
}

static void janitor_step(struct loop_timer *t)
{
    struct janitor *j = container_of(t, struct janitor, timer);
    struct janitor_step *step = xalloc(sizeof(*step));
    step->janitor = j;
    step->prune.op.done = janitor_pruned;
    const struct config_store *config = &j->engine->generation->config->store;
    step->prune.now = loop_wall(j->engine->loop);
    step->prune.before = step->prune.now - config->retention;
    step->prune.max_receipt_bytes = (int64_t)config->max_receipt_bytes;
    step->prune.limit = JANITOR_STEP_ROWS;
    j->prune = &step->prune;
    store_prune(j->engine->store, &step->prune);
}

struct janitor *janitor_new(struct engine *e)
{
    struct janitor *j = xalloc(sizeof(*j));
    j->engine = e;
    return j;
}

void janitor_start(struct janitor *j)
{
    loop_timer_set(j->engine->loop, &j->timer, JANITOR_REST_US, janitor_step);
}

void janitor_free(struct janitor *j)
{
    if (!j)
        return;
    loop_timer_stop(&j->timer);
    if (j->prune) /* the store was closed under it: its done never comes */
        free(container_of(j->prune, struct janitor_step, prune));
    free(j);
}
