/* The notifications of one configuration, compiled, and what they make of an event.

   struct notify_part   of a generation; owns everything below (one arena)
     struct notify      one configured notification = one receiver: templates, signature, limits
       struct body      what it sends */
#ifndef KERYX_NOTIFIERS_NOTIFY_H
#define KERYX_NOTIFIERS_NOTIFY_H

#include "base/map.h"
#include "http/client.h"
#include "notifiers/body.h"
#include "notifiers/sign.h"

struct notify_header {
    struct str name;
    struct str value;          /* when template is NULL */
    struct template *template; /* rendered with the event's data */
    bool secret;               /* not kept in rows: put on at each attempt */
};

struct notify {
    const struct config_notification *config;
    const struct config_agent *agent; /* NULL = every agent's events */
    const char *where;                /* "agents.a.notifications[0]" */
    struct str receiver;              /* "agent/id" or "id" */
    const struct sender_kind *kind;
    struct template *url;  /* NULL: config->url as it is */
    struct template *when; /* NULL: always */
    struct notify_header *headers;
    size_t n_headers;
    struct body body;
    struct sign *sign; /* NULL = none */
    struct http_egress egress;
};

struct notify_part {
    struct arena *arena;
    struct notify *all; /* of the agents in their order, then the global ones */
    size_t n, n_global;
    struct map *receivers; /* name → struct notify */
    struct map *agents;    /* name → first struct notify of that agent */
    struct http_egress egress;
};

/* Never NULL, also when there were problems. */
struct notify_part *notify_compile(const struct config *c,
                                   struct config_problems *problems) must_check;
void notify_free(struct notify_part *p); /* NULL is fine */
/* Of a delivery's receiver, or NULL. part may be NULL. */
const struct notify *notify_find(const struct notify_part *part, struct str receiver);
bool notify_subscribes(const struct notify *n, struct str event_type);
/* The headers that rows do not keep. Strings are borrowed from n. */
void notify_secret_headers(const struct notify *n, struct arena *a, struct http_headers *out);

#endif
