/* One attempt under way, as every kind of sender embeds it first in its own struct. */
#ifndef KERYX_NOTIFIERS_SEND_H
#define KERYX_NOTIFIERS_SEND_H

#include "notifiers/notifier.h"

struct send {
    struct notifiers_env *env;
    struct arena *arena; /* the attempt's own memory; the struct is in it */
    const struct delivery_row *row;
    void (*done)(void *ctx, const struct attempt_result *r);
    void *ctx;
};

extern const struct sender_kind webhook_sender; /* webhook.c */
extern const struct sender_kind log_sender;     /* log.c */

#endif
