/* What makes a task: the triggers of the current generation, as one set of routes and schedules.

   struct triggers (one a daemon) owns what outlives a reload: rate limits by route, who failed to prove
   who they are, the schedule runner. struct trigger_set (one a generation, PART_TRIGGERS) owns what
   was compiled from one file: webhook routes with their templates and keys, schedule definitions with
   their expressions. */
#ifndef KERYX_TRIGGERS_TRIGGER_H
#define KERYX_TRIGGERS_TRIGGER_H

#include "engine/engine.h"
#include "http/server.h"

struct triggers;
struct trigger_set;

/* Compiles the triggers of a config: cron expressions, zones, templates, auth schemes, sources, paths. */
extern const struct part_maker trigger_part;

struct triggers *triggers_new(struct engine *e) must_check;
/* Reads the schedules' memory and begins to fire those of the engine's generation. `started` is called
   once, later. */
void triggers_start(struct triggers *t, void (*started)(void *ctx, int rc, const struct error *why),
                    void *ctx);
/* The engine's generation has changed. */
void triggers_swap(struct triggers *t);
/* No schedule fires any more (drain). */
void triggers_stop(struct triggers *t);
void triggers_free(struct triggers *t);

/* The webhook route for a request's path and method under the current generation, as
   http_dispatch.find. Holds the generation until the request's arena is freed. */
const struct http_route *triggers_find(struct triggers *t, struct http_request *r, int *status,
                                       struct str *allow);
/* For lists (api): the schedules in force. */
struct schedules;
const struct schedules *triggers_schedules(const struct triggers *t);
/* A request on a webhook route (r->route is one of ours) was refused by the server itself (413,
   408 …): answers and counts it. */
void triggers_refused(struct triggers *t, struct http_request *r, int status, const char *reason);

#endif
