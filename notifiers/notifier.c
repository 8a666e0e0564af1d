/* The room's doors: the part of a generation, the hook that makes rows of events, the senders.

   struct notify_part (notify.h)  compiled notifications of one generation
   struct row_event   (row.h)     what the rows of one event share
   struct send        (send.h)    one attempt under way, of kind webhook or log */
#include "notifiers/notifier.h"

#include "base/id.h"
#include "notifiers/row.h"
#include "notifiers/send.h"

const struct sender_kind *const notifiers_senders[] = { &webhook_sender, &log_sender, NULL };

static void *notifier_prepare(const struct config *c, struct config_problems *problems)
{
    return notify_compile(c, problems);
}

static void notifier_release(void *part)
{
    notify_free(part);
}

const struct part_maker notifiers_part = { notifier_prepare, notifier_release };

/* ---- events → rows ---- */

/* "evt_" ids and CloudEvents ids: a UUIDv7 without dashes. */
static struct str notifier_event_id(struct arena *a, const struct clock *clock)
{
    char id[ID_TEXT];
    auto_buf out = BUF_INIT(ID_TEXT);
    id_uuid7(clock, id);
    for (const char *p = id; *p; p++) {
        if (*p != '-')
            buf_char(&out, *p);
    }
    return arena_str(a, buf_view(&out));
}

/* The subscriptions that the event may cause a row for: its agent's and the global ones. */
static size_t notifier_subscribed(const struct notify_part *part, struct arena *a,
                                  const struct engine_event *event, struct str agent,
                                  const struct notify ***out)
{
    struct str type = str_of(event->type);
    const struct notify *global = part->all + (part->n - part->n_global);
    const struct notify *own = map_get(part->agents, agent), *end = own;
    size_t n = 0;
    while (own && end < global && end->agent == own->agent)
        end++;
    *out = ARENA_ARRAY(a, const struct notify *, (size_t)(end - own) + part->n_global + 1);
    for (const struct notify *i = own; i < end; i++) {
        if (notify_subscribes(i, type))
            (*out)[n++] = i;
    }
    for (size_t i = 0; i < part->n_global; i++) {
        if (notify_subscribes(&global[i], type))
            (*out)[n++] = &global[i];
    }
    return n;
}

/* A message about the failure of a message about a failure would never end. */
static bool notifier_loops(const struct engine_event *event)
{
    return str_eq_c(STR("delivery.failed"), event->type) && event->delivery &&
           str_eq(event->delivery->event, STR("delivery.failed"));
}

static size_t notifier_deliveries(void *ctx, const struct engine_event *event, struct arena *a,
                                  struct delivery_row **rows)
{
    struct notifiers_env *env = ctx;
    const struct notify **subscribed;
    struct str agent = payload_agent(a, event);
    bool callback = row_wants_callback(event);
    size_t n = 0;
    *rows = NULL;
    if (notifier_loops(event))
        return 0;
    size_t most =
        notifier_subscribed(event->generation->parts[PART_NOTIFIERS], a, event, agent, &subscribed);
    if (most == 0 && !callback)
        return 0;
    struct row_event ev = { .event = event,
                            .config = event->generation->config,
                            .arena = a,
                            .loop = env->loop,
                            .agent = agent,
                            .event_id = notifier_event_id(a, loop_clock(env->loop)) };
    struct payload_source source = { event, ev.config, ev.agent, ev.event_id, NULL };
    ev.data = payload_data(a, &source);
    *rows = ARENA_ARRAY(a, struct delivery_row, most + 1);
    for (size_t i = 0; i < most; i++)
        n += row_of_notification(&ev, subscribed[i], &(*rows)[n]);
    if (callback)
        row_of_callback(&ev, &(*rows)[n++]);
    return n;
}

/* ---- limits of receivers ---- */

static bool notifier_receiver(void *ctx, const struct generation *g, struct str receiver,
                              unsigned *max_concurrent, bool *ordered)
{
    const struct notify *n = notify_find(g->parts[PART_NOTIFIERS], receiver);
    (void)ctx;
    if (!n)
        return false;
    *max_concurrent = MAX(n->config->max_concurrent, 1u);
    *ordered = n->config->ordered;
    return true;
}

static size_t notifier_ordered(void *ctx, const struct generation *g, struct arena *a,
                               struct str **names)
{
    const struct notify_part *part = g->parts[PART_NOTIFIERS];
    size_t n = 0;
    (void)ctx;
    *names = ARENA_ARRAY(a, struct str, part->n + 1);
    for (size_t i = 0; i < part->n; i++) {
        if (part->all[i].config->ordered)
            (*names)[n++] = arena_str(a, part->all[i].receiver);
    }
    return n;
}

struct notifier_hook notifiers_hook(struct notifiers_env *env)
{
    return (struct notifier_hook){ notifier_deliveries, notifier_receiver, notifier_ordered, env };
}
