/* Method + path pattern → route. Built once per generation and swapped whole; 405 and Allow for free. */
#ifndef KERYX_HTTP_ROUTER_H
#define KERYX_HTTP_ROUTER_H

#include "http/server.h"

struct http_router;

struct http_router *http_router_new(void) must_check;
void http_router_free(struct http_router *r);
/* pattern: "/api/v1/tasks/{id}/events"; `{name}` stands for one segment and lands in r->params;
   a literal segment wins over a variable. methods: "GET", "POST" or comma-separated "GET,POST".
   GET also answers HEAD. route is copied. -1 EXISTS when method+pattern are taken. */
int http_router_add(struct http_router *r, const char *methods, struct str pattern,
                    const struct http_route *route, struct error *e) must_check;
/* NULL with *status 404, or 405 and *allow (in the request's arena). Sets req->params. */
const struct http_route *http_router_find(const struct http_router *r, struct http_request *req,
                                          int *status, struct str *allow);

#endif
