/* Which agents have waiting tasks, and how many slots are free for them. Counts are kept in memory;
   the store stays the truth, and one claim at a time is under way.

   A claim asks for at most what is free: per agent `max_concurrent` minus what runs, for command
   agents together `background.max_concurrent` (or cores × 8), for all QUEUE_MAX_RUNNING. Tasks that a
   claim left behind wait for their session or their due time; the next finish, intake or due time
   asks again. */
#include "base/log.h"
#include "base/stats.h"
#include "engine/engine_inside.h"

#define QUEUE_MAX_RUNNING 4096 /* tasks on this node at once, whatever agents allow */
#define QUEUE_CLAIM_BATCH 256  /* tasks taken by one claim */
#define QUEUE_RETRY_US    (1 * US_PER_S)

struct agent_queue {
    struct list_link link; /* on queue.waiting while queued > 0 */
    char *agent;
    size_t queued;
    size_t coming; /* submitted, not yet committed */
    size_t running;
    int64_t oldest; /* created_at of a task that waits; a lower bound */
};

struct queue {
    struct engine *engine;
    struct map *agents;  /* name → struct agent_queue */
    struct list waiting; /* those with queued > 0; who was served last is at the end */
    size_t depth;
    size_t running, running_commands;
    bool claiming, again;
    struct loop_task turn;
    struct loop_alarm due;   /* the next due_at of a task that waits for its time */
    struct loop_timer retry; /* after a claim that failed */
};

struct queue_claim {
    struct store_claim claim;
    struct queue *queue;
};

static double queue_depth_gauge(void *ctx)
{
    return (double)((struct queue *)ctx)->depth;
}

static double queue_oldest_gauge(void *ctx)
{
    struct queue *q = ctx;
    int64_t oldest = 0;
    list_each (&q->waiting, link) {
        struct agent_queue *aq = container_of(link, struct agent_queue, link);
        if (aq->oldest && (!oldest || aq->oldest < oldest))
            oldest = aq->oldest;
    }
    return oldest ? (double)MAX(0, loop_wall(q->engine->loop) - oldest) / US_PER_S : 0;
}

static double queue_running_gauge(void *ctx)
{
    return (double)((struct queue *)ctx)->running;
}

struct queue *queue_new(struct engine *e)
{
    struct queue *q = xalloc(sizeof(*q));
    q->engine = e;
    q->agents = map_new(false);
    list_init(&q->waiting);
    stats_gauge_fn(STATS_QUEUE_DEPTH, queue_depth_gauge, q);
    stats_gauge_fn(STATS_QUEUE_OLDEST, queue_oldest_gauge, q);
    stats_gauge_fn(STATS_TASKS_ACTIVE, queue_running_gauge, q);
    return q;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    stats_gauge_fn(STATS_QUEUE_DEPTH, NULL, NULL);
    stats_gauge_fn(STATS_QUEUE_OLDEST, NULL, NULL);
    stats_gauge_fn(STATS_TASKS_ACTIVE, NULL, NULL);
    loop_later_cancel(q->engine->loop, &q->turn);
    loop_alarm_stop(&q->due);
    loop_timer_stop(&q->retry);
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(q->agents, &at)) != NULL;) {
        struct agent_queue *aq = entry->value;
        free(aq->agent);
        free(aq);
    }
    map_free(q->agents);
    free(q);
}

static struct agent_queue *queue_agent(struct queue *q, struct str agent)
{
    struct agent_queue *aq = map_get(q->agents, agent);
    if (aq)
        return aq;
    aq = xalloc(sizeof(*aq));
    aq->agent = xstrndup(agent.p, agent.n);
    map_put(q->agents, agent, aq);
    return aq;
}

static void queue_count(struct queue *q, struct agent_queue *aq, size_t n, int64_t oldest)
{
    if (n == 0)
        return;
    aq->queued += n;
    q->depth += n;
    if (oldest && (!aq->oldest || oldest < aq->oldest))
        aq->oldest = oldest;
    if (!list_linked(&aq->link))
        list_append(&q->waiting, &aq->link);
}

static void queue_uncount(struct queue *q, struct agent_queue *aq, size_t n)
{
    n = MIN(n, aq->queued);
    aq->queued -= n;
    q->depth -= n;
    if (aq->queued == 0) {
        aq->oldest = 0;
        if (list_linked(&aq->link))
            list_remove(&q->waiting, &aq->link);
    }
}

void queue_load(struct queue *q, const struct agent_count *counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        queue_count(q, queue_agent(q, counts[i].agent), (size_t)counts[i].queued, counts[i].oldest);
}

void queue_added(struct queue *q, struct str agent, int64_t created_at)
{
    queue_count(q, queue_agent(q, agent), 1, created_at);
    queue_kick(q);
}

void queue_removed(struct queue *q, struct str agent)
{
    queue_uncount(q, queue_agent(q, agent), 1);
}

size_t queue_depth(const struct queue *q, struct str agent)
{
    const struct agent_queue *aq = map_get(q->agents, agent);
    return aq ? aq->queued + aq->coming : 0;
}

void queue_announce(struct queue *q, struct str agent)
{
    queue_agent(q, agent)->coming++;
}

void queue_withdraw(struct queue *q, struct str agent)
{
    struct agent_queue *aq = queue_agent(q, agent);
    assert(aq->coming > 0);
    aq->coming--;
}

static bool queue_is_command(const struct config_agent *agent)
{
    return agent && agent->type == CONFIG_COMMAND;
}

void queue_slot_taken(struct queue *q, struct str agent, bool command)
{
    queue_agent(q, agent)->running++;
    q->running++;
    q->running_commands += command;
}

void queue_slot_freed(struct queue *q, struct str agent, bool command)
{
    struct agent_queue *aq = queue_agent(q, agent);
    assert(aq->running > 0 && q->running > 0);
    aq->running--;
    q->running--;
    if (command)
        q->running_commands--;
    queue_kick(q);
}

/* Slots left for all command agents together, and for all agents. */
static size_t queue_free_commands(const struct queue *q)
{
    const struct config *c = q->engine->generation->config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t max =
        c->background.max_concurrent_set ? c->background.max_concurrent : (size_t)MAX(cores, 1) * 8;
    return max > q->running_commands ? max - q->running_commands : 0;
}

static size_t queue_free_all(const struct queue *q)
{
    const struct config *c = q->engine->generation->config;
    size_t max =
        c->background.max_concurrent_set ? c->background.max_concurrent : QUEUE_MAX_RUNNING;
    max = MIN(max, QUEUE_MAX_RUNNING);
    return max > q->running ? max - q->running : 0;
}

/* How many of its waiting tasks the agent itself would let start. */
static unsigned queue_wanted(const struct agent_queue *aq, const struct config_agent *agent)
{
    if (!agent || !agent->enabled)
        return 0; /* a node claims only agents it has */
    size_t wanted = aq->queued;
    if (agent->max_concurrent)
        wanted = MIN(wanted,
                     agent->max_concurrent > aq->running ? agent->max_concurrent - aq->running : 0);
    return (unsigned)MIN(wanted, QUEUE_CLAIM_BATCH);
}

/* Command agents get of their common slots one each, and again, beginning with those that were not served
   last: a flooded one does not starve the others. */
static void queue_share(struct claim_slot *slots, const unsigned *wanted, size_t n, size_t commands)
{
    for (bool gave = true; gave && commands;) {
        gave = false;
        for (size_t i = 0; i < n && commands; i++) {
            if (slots[i].free < wanted[i]) {
                slots[i].free++;
                commands--;
                gave = true;
            }
        }
    }
}

/* The slots that a claim may fill, in `a`; returns how many agents have some. */
static size_t queue_slots(const struct queue *q, struct arena *a, struct claim_slot **out)
{
    struct claim_slot *slots = ARENA_ARRAY(a, struct claim_slot, q->waiting.count + 1);
    unsigned *wanted = ARENA_ARRAY(a, unsigned, q->waiting.count + 1);
    size_t n = 0, kept = 0;
    list_each (&q->waiting, link) {
        const struct agent_queue *aq = container_of(link, struct agent_queue, link);
        const struct config_agent *agent =
            config_find_agent(q->engine->generation->config, str_of(aq->agent));
        wanted[n] = queue_wanted(aq, agent);
        slots[n] =
            (struct claim_slot){ str_of(aq->agent), queue_is_command(agent) ? 0 : wanted[n] };
        n += wanted[n] > 0;
    }
    queue_share(slots, wanted, n, queue_free_commands(q));
    for (size_t i = 0; i < n; i++) {
        if (slots[i].free)
            slots[kept++] = slots[i];
    }
    *out = slots;
    return kept;
}

static void queue_claimed(struct store_op *op);

static void queue_turn(struct loop_task *t)
{
    struct queue *q = container_of(t, struct queue, turn);
    if (q->engine->phase != ENGINE_RUNNING || q->engine->single)
        return;
    if (q->claiming) {
        q->again = true;
        return;
    }
    size_t limit = MIN(queue_free_all(q), QUEUE_CLAIM_BATCH);
    if (limit == 0 || list_empty(&q->waiting))
        return;
    struct arena *a = arena_new(16 * KIB);
    struct claim_slot *slots;
    size_t n = queue_slots(q, a, &slots);
    if (n == 0) {
        arena_free(a);
        return;
    }
    struct queue_claim *qc = ARENA_NEW(a, struct queue_claim);
    qc->queue = q;
    qc->claim.op.arena = a;
    qc->claim.op.done = queue_claimed;
    qc->claim.now = loop_wall(q->engine->loop);
    qc->claim.slots = slots;
    qc->claim.n_slots = n;
    qc->claim.limit = (unsigned)limit;
    q->claiming = true;
    store_claim(q->engine->store, &qc->claim);
}

static void queue_due(struct loop_alarm *alarm)
{
    queue_kick(container_of(alarm, struct queue, due));
}

static void queue_retry(struct loop_timer *t)
{
    queue_kick(container_of(t, struct queue, retry));
}

/* Its next turn comes after those of the others. */
static void queue_served(struct queue *q, struct str agent)
{
    struct agent_queue *aq = queue_agent(q, agent);
    queue_uncount(q, aq, 1);
    if (list_linked(&aq->link)) {
        list_remove(&q->waiting, &aq->link);
        list_append(&q->waiting, &aq->link);
    }
}

static void queue_claimed(struct store_op *op)
{
    struct queue_claim *qc = container_of(op, struct queue_claim, claim.op);
    struct queue *q = qc->queue;
    q->claiming = false;
    if (op->rc != 0) {
        log_error("waiting tasks could not be claimed", "error", op->error.text);
        loop_timer_set(q->engine->loop, &q->retry, QUEUE_RETRY_US, queue_retry);
        arena_free(op->arena);
        return;
    }
    for (size_t i = 0; i < qc->claim.n_tasks; i++) {
        const struct task_row *task = &qc->claim.tasks[i];
        const struct config *c = q->engine->generation->config;
        queue_served(q, task->agent);
        queue_slot_taken(q, task->agent, queue_is_command(config_find_agent(c, task->agent)));
        worker_start(q->engine, task);
    }
    if (qc->claim.next_due)
        loop_alarm_set(q->engine->loop, &q->due, qc->claim.next_due, queue_due);
    if (q->again || qc->claim.n_tasks >= qc->claim.limit)
        queue_kick(q);
    q->again = false;
    arena_free(op->arena);
}

void queue_kick(struct queue *q)
{
    loop_later(q->engine->loop, &q->turn, queue_turn);
}
