/* What the outside may ask: the HTTP API under /api/v1, /health, /ready, /metrics, /version. One table of
   routes (api/routes.c) is the contents page. */
#ifndef KERYX_API_API_H
#define KERYX_API_API_H

#include "engine/engine.h"
#include "http/server.h"
#include "triggers/trigger.h"

struct api;

struct api_options {
    struct engine *engine;
    struct triggers *triggers;
    const char *version;
    int64_t started_us; /* wall clock, for uptime */
    /* Re-reads the configuration: 0, or -1 with all problems as printed lines in *out. */
    int (*reload)(void *ctx, struct buf *out);
    void *ctx;
};

struct api *api_new(const struct api_options *o) must_check;
void api_free(struct api *a);

/* As http_dispatch.find, for paths that are the API's: NULL with *status 404 when the path is none of ours.
   `webhooks_only`: a public listener beside an admin_listen serves /health alone. */
const struct http_route *api_find(struct api *a, struct http_request *r, bool webhooks_only,
                                  int *status, struct str *allow);
/* Whether the path belongs to the API. */
bool api_owns(const struct api *a, struct str path);
/* application/problem+json (RFC 9457) with request_id. `allow` may be STR_NULL. */
void api_problem(struct http_request *r, int status, const char *detail, struct str allow);

#endif
