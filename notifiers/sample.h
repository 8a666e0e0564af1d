/* Every event there is, with an example of each: what templates are tried with at load. */
#ifndef KERYX_NOTIFIERS_SAMPLE_H
#define KERYX_NOTIFIERS_SAMPLE_H

#include "notifiers/payload.h"

/* The i-th event's name, or NULL. */
const char *sample_type(size_t i);
/* Fills `event` with an example of that type; what it points to lives in `a`. agent may be NULL. */
void sample_event(struct arena *a, const char *type, const struct config_agent *agent,
                  struct engine_event *event);

#endif
