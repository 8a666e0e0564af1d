/* An event and a subscription → the row of one delivery. */
#ifndef KERYX_NOTIFIERS_ROW_H
#define KERYX_NOTIFIERS_ROW_H

#include "notifiers/notify.h"

/* What all rows of one event share. */
struct row_event {
    const struct engine_event *event;
    const struct config *config;
    struct arena *arena;
    struct loop *loop; /* clock of ids and times */
    struct str agent, event_id;
    const struct json *data; /* payload_data() */
};

/* Fills `out`; false when `when` says no. What cannot be rendered becomes a row that has failed
   already, with last_error "RENDER_ERROR: …". */
bool row_of_notification(const struct row_event *ev, const struct notify *n,
                         struct delivery_row *out);
/* The answer to a caller who asked to be called back: the task of the event has ended in callback
   mode. */
bool row_wants_callback(const struct engine_event *event);
void row_of_callback(const struct row_event *ev, struct delivery_row *out);

#endif
