/* One request to the API, as every handler sees it. Private to the room. */
#ifndef KERYX_API_CALL_H
#define KERYX_API_CALL_H

#include "api/api.h"

struct api {
    struct api_options o;
    struct http_router *router;
    struct http_router *public_router; /* what a public listener beside an admin_listen serves */
};

struct api_call {
    struct api *api;
    struct http_request *request;
    struct arena *arena;           /* the request's */
    struct generation *generation; /* held for the request's life */
    const struct json *body;       /* NULL when there is none */
    enum config_role role;         /* the caller's; ADMIN when no auth is required */
};

enum api_flags {
    API_OPEN = 1,     /* no token: /health */
    API_TASK_KEY = 2, /* ?key= of the task in {id} stands in for a token */
    API_ANY_HOST = 4, /* Host and Origin rules do not apply */
    API_PUBLIC = 8,   /* also on a public listener beside an admin_listen */
};

/* A row of the contents page of the API (routes.c). */
struct api_route {
    const char *methods, *pattern;
    enum config_role role; /* the least that may call it */
    unsigned flags;
    void (*handle)(struct api_call *call);
    const char *summary;
};
extern const struct api_route api_routes[];
extern const size_t api_n_routes;

/* ---- guard.c: Host, Origin, tokens. True when the request may go on; else it has been answered. ---- */
bool guard_request(struct api_call *call, const struct api_route *route);

/* ---- answers (problem.c) ---- */
void api_answer(struct api_call *call, int status, const struct json *body);
void api_answer_at(struct api_call *call, int status, const struct json *body, struct str location);
/* RFC 9457, detail printf-like. */
void api_refuse(struct api_call *call, int status, const char *fmt, ...) printf_like(3, 4);
/* 503 + Retry-After for a store that did not answer. */
void api_store_trouble(struct api_call *call, const struct error *why);

/* ---- reading a request (query.c) ---- */
/* A path variable, "" when absent. */
struct str api_param(const struct api_call *call, const char *name);
/* A query value decoded, STR_NULL when absent. */
struct str api_query(const struct api_call *call, const char *name);
/* limit, cursor, since, until, agent, status, trigger, receiver, task_id, route into *l; false when
   answered 400. op.arena is set to a fresh arena that api_list_done frees. */
bool api_list_begin(struct api_call *call, struct store_list *l);
/* {"items": […], "next_cursor"} and frees the list's arena. */
void api_list_answer(struct api_call *call, struct store_list *l, struct json *items);

/* ---- shapes (view.c): rows as the JSON of 60-interfaces ---- */
struct json *view_task(struct arena *a, const struct task_row *t, const struct row_ids *deliveries,
                       bool cut);
struct json *view_delivery(struct arena *a, const struct delivery_row *d,
                           const struct row_attempts *attempts);
struct json *view_receipt(struct arena *a, const struct receipt_row *r);
struct json *view_event(struct arena *a, const struct event_row *e);
/* A time as RFC 3339 UTC; left out when 0. */
void view_time(struct arena *a, struct json *o, const char *key, int64_t us);
/* A string; left out when NULL. */
void view_str(struct arena *a, struct json *o, const char *key, struct str s);
/* scheme://host/… with user info, query and the last path segment hidden: URLs of chat services are
   secrets. */
struct str view_url(struct arena *a, struct str url);

/* ---- handlers ---- */
void health_get(struct api_call *call);
void ready_get(struct api_call *call);
void metrics_get(struct api_call *call);
void version_get(struct api_call *call);
void agents_list(struct api_call *call);
void agents_get(struct api_call *call);
void run_post(struct api_call *call);
void tasks_list(struct api_call *call);
void tasks_get(struct api_call *call);
void tasks_output(struct api_call *call);
void tasks_events(struct api_call *call);
void tasks_cancel(struct api_call *call);
void tasks_retry(struct api_call *call);
void schedules_list(struct api_call *call);
void schedules_get(struct api_call *call);
void receipts_list(struct api_call *call);
void receipts_get(struct api_call *call);
void deliveries_list(struct api_call *call);
void deliveries_get(struct api_call *call);
void deliveries_retry(struct api_call *call);
void deliveries_retry_many(struct api_call *call);
void reload_post(struct api_call *call);

#endif
