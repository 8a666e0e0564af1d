#include "tests/t.h"

#include "http/router.h"

#include <stdio.h>

static struct http_router *router;
static int marks[32];

static int add(const char *methods, const char *pattern, int mark, struct error *e)
{
    struct http_route route = { .ctx = &marks[mark] };
    return http_router_add(router, methods, str_of(pattern), &route, e);
}

/* "7 {params}", "404", "405 Allow". */
static const char *find(struct arena *a, const char *method, const char *path)
{
    static char text[512];
    struct http_request r = { .arena = a, .method = str_of(method), .path = str_of(path) };
    struct str allow = STR_NULL;
    int status = 0;
    const struct http_route *route = http_router_find(router, &r, &status, &allow);
    if (!route) {
        snprintf(text, sizeof(text), "%d%s%" STR_FMT, status, allow.n ? " " : "", STR_ARG(allow));
        return text;
    }
    auto_buf params = BUF_INIT(400);
    if (r.params)
        json_write(&params, r.params, JSON_COMPACT);
    snprintf(text, sizeof(text), "%d%s%" STR_FMT, (int)((int *)route->ctx - marks),
             r.params ? " " : "", STR_ARG(buf_view(&params)));
    return text;
}

TEST(routes_are_found_by_method_and_path)
{
    static const struct {
        const char *methods, *pattern;
    } routes[] = {
        { "GET", "/" },
        { "POST", "/webhooks/orders" },
        { "GET,POST", "/api/v1/tasks" },
        { "GET", "/api/v1/tasks/{id}" },
        { "GET", "/api/v1/tasks/{id}/events" },
        { "GET", "/api/v1/tasks/stats" },
        { "DELETE", "/api/v1/tasks/{task}" },
        { "PUT, PATCH", "/a/{x}/b/{y}" },
        { "POST", "/api/v1/tasks/stats/{day}" },
        { "GET", "/slash/" },
        { "HEAD", "/api/v1/tasks" },
    };
    static const struct {
        const char *method, *path, *want;
    } rows[] = {
        { "GET", "/", "0" },
        { "HEAD", "/", "0" },
        { "POST", "/", "405 GET, HEAD" },
        { "POST", "/webhooks/orders", "1" },
        { "post", "/webhooks/orders", "405 POST" },
        { "POST", "/webhooks/orders/", "404" },
        { "POST", "/Webhooks/orders", "404" },
        { "POST", "/webhooks", "404" },
        { "POST", "/webhooks/", "404" },
        { "POST", "//webhooks/orders", "404" },
        { "GET", "/api/v1/tasks", "2" },
        { "HEAD", "/api/v1/tasks", "10" },
        { "PUT", "/api/v1/tasks", "405 GET, POST, HEAD" },
        { "GET", "/api/v1/tasks/7", "3 {\"id\":\"7\"}" },
        { "DELETE", "/api/v1/tasks/7", "6 {\"task\":\"7\"}" },
        { "POST", "/api/v1/tasks/7", "405 GET, HEAD, DELETE" },
        { "GET", "/api/v1/tasks/7/events", "4 {\"id\":\"7\"}" },
        { "GET", "/api/v1/tasks/stats", "5" }, /* a literal wins */
        { "DELETE", "/api/v1/tasks/stats", "405 GET, HEAD" },
        { "GET", "/api/v1/tasks/stats/events", "405 POST" },
        { "GET", "/api/v1/tasks//events", "404" }, /* a variable is never empty */
        { "GET", "/api/v1/tasks/{id}", "3 {\"id\":\"{id}\"}" },
        { "PATCH", "/a/1 2/b/\"", "7 {\"x\":\"1 2\",\"y\":\"\\\"\"}" },
        { "GET", "/slash/", "9" },
        { "GET", "/slash", "404" },
        { "GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v", "404" },
    };
    struct arena *a = arena_new(0);
    router = http_router_new();
    for (size_t i = 0; i < N_ELEMENTS(routes); i++)
        CHECK_INT(add(routes[i].methods, routes[i].pattern, (int)i, NULL), 0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].path);
        CHECK_CSTR(find(a, rows[i].method, rows[i].path), rows[i].want);
    }
    http_router_free(router);
    arena_free(a);
}

TEST(a_variable_is_tried_when_the_literal_leads_nowhere)
{
    struct arena *a = arena_new(0);
    router = http_router_new();
    CHECK_INT(add("GET", "/x/new/edit", 1, NULL), 0);
    CHECK_INT(add("GET", "/x/{id}/show", 2, NULL), 0);
    CHECK_CSTR(find(a, "GET", "/x/new/edit"), "1");
    CHECK_CSTR(find(a, "GET", "/x/new/show"), "2 {\"id\":\"new\"}");
    CHECK_CSTR(find(a, "GET", "/x/old/edit"), "404");
    http_router_free(router);
    arena_free(a);
}

TEST(a_place_is_taken_once)
{
    struct error e = ERROR_INIT;
    router = http_router_new();
    CHECK_INT(add("GET,POST", "/a/{x}", 0, &e), 0);
    CHECK_INT(add("PUT,POST", "/a/{y}", 0, &e), -1);
    CHECK_INT(e.code, ERROR_EXISTS);
    CHECK_CSTR(e.text, "POST /a/{y} is taken");
    CHECK_INT(add("PUT", "/a/{y}", 0, &e), 0);
    CHECK_INT(add("GET", "a", 0, &e), -1);
    CHECK_CSTR(e.text, "the path \"a\" does not start with a slash");
    CHECK_INT(add("GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", 0, &e), -1);
    CHECK_INT(e.code, ERROR_LIMIT);
    http_router_free(router);
    http_router_free(NULL);
}

TEST(ten_thousand_routes_are_no_list)
{
    struct arena *a = arena_new(0);
    router = http_router_new();
    char path[64];
    for (int i = 0; i < 10000; i++) {
        snprintf(path, sizeof(path), "/webhooks/agent-%d", i);
        CHECK_INT(add("POST", path, i % 32, NULL), 0);
    }
    CHECK_CSTR(find(a, "POST", "/webhooks/agent-9999"), "15");
    CHECK_CSTR(find(a, "POST", "/webhooks/agent-10000"), "404");
    http_router_free(router);
    arena_free(a);
}
