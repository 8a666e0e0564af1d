/* What a notification says: the data that templates see, and the ready-made formats as one table. */
#ifndef KERYX_NOTIFIERS_PAYLOAD_H
#define KERYX_NOTIFIERS_PAYLOAD_H

#include "engine/sender.h"

/* Everything a payload is made of. Borrowed during the calls only. */
struct payload_source {
    const struct engine_event *event;
    const struct config *config;
    struct str agent;    /* name, also when the agent is gone from the config; empty = none */
    struct str event_id; /* one an event, the same for all its receivers */
    const struct config_pairs *event_names; /* hermon: other names for events; may be NULL */
};

struct payload_format {
    const char *word; /* `format:` */
    const char *content_type;
    const char *signature_header; /* of auth type hmac unless auth.header says otherwise */
    /* data: what payload_data() gave. */
    struct json *(*make)(struct arena *a, const struct payload_source *from,
                         const struct json *data);
};

/* The agent's name of an event: its task's, or that in the task id of its delivery ("webhook-NAME-NS").
   In the arena; empty when there is none. */
struct str payload_agent(struct arena *a, const struct engine_event *event);
/* The data of templates (50-templates), snake_case; the templates room knows the CamelCase spelling of
   the same names. What is not known of the event is left out. */
struct json *payload_data(struct arena *a, const struct payload_source *from);
/* The format of that name; an empty name is hector's. NULL when there is none. */
const struct payload_format *payload_format_find(struct str word);
/* The event's name in hermon's envelope: event_names' or TASK_COMPLETED. */
struct str payload_hermon_name(struct arena *a, const struct payload_source *from);
/* Compact text in the arena; STR_NULL when it is beyond all bounds. */
struct str payload_text(struct arena *a, const struct json *v);

#endif
