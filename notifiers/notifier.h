/* Who is told: which events, which conditions, rendered into delivery rows; and the senders. */
#ifndef KERYX_NOTIFIERS_NOTIFIER_H
#define KERYX_NOTIFIERS_NOTIFIER_H

#include "engine/sender.h"
#include "http/client.h"

/* NULL-terminated: webhook, log. */
extern const struct sender_kind *const notifiers_senders[];

/* What sender_kind.start is given as env. */
struct notifiers_env {
    struct loop *loop;
    struct http_client *client;
};

/* Compiles the notifications of a config: templates, signing keys; checks them with sample data. */
extern const struct part_maker notifiers_part;
/* The hook for engine_options.notifier; ctx is a struct notifiers_env, which must outlive the engine. */
struct notifier_hook notifiers_hook(struct notifiers_env *env);

#endif
