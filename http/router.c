/* A tree of path segments. Each node has its literal children in a map and at most one child for a
   variable; a route hangs on the node where its pattern ends, one entry a method. */
#include "http/router.h"

#include "base/map.h"

enum {
    ROUTER_MAX_SEGMENTS = 16,
};

struct router_entry {
    struct router_entry *next; /* same pattern, another method; in order of adding */
    struct str method;
    struct http_route route;
    size_t n_names;
    struct str names[ROUTER_MAX_SEGMENTS]; /* of the pattern's variables, left to right */
};

struct router_node {
    struct map *literals;         /* segment → node; NULL while there is none */
    struct router_node *variable; /* any one segment that is not empty */
    struct router_entry *entries;
};

struct http_router {
    struct arena *arena; /* everything but the maps */
    struct router_node *root;
};

static void router_free_map(void *map)
{
    map_free(map);
}

struct http_router *http_router_new(void)
{
    struct arena *a = arena_new(0);
    struct http_router *r = ARENA_NEW(a, struct http_router);
    r->arena = a;
    r->root = ARENA_NEW(a, struct router_node);
    return r;
}

void http_router_free(struct http_router *r)
{
    if (r)
        arena_free(r->arena);
}

/* Cuts the leading "/segment" off *rest; false when nothing is left. */
static bool router_segment(struct str *rest, struct str *segment)
{
    if (rest->n == 0)
        return false;
    struct str s = str_sub(*rest, 1, rest->n); /* the slash */
    ptrdiff_t slash = str_chr(s, '/');
    *segment = slash < 0 ? s : str_sub(s, 0, (size_t)slash);
    *rest = str_sub(s, segment->n, s.n);
    return true;
}

static bool router_is_variable(struct str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

static struct router_node *router_child(struct http_router *r, struct router_node *node,
                                        struct str segment)
{
    if (router_is_variable(segment)) {
        if (!node->variable)
            node->variable = ARENA_NEW(r->arena, struct router_node);
        return node->variable;
    }
    if (!node->literals) {
        node->literals = map_new(false);
        arena_on_free(r->arena, router_free_map, node->literals);
    }
    struct router_node *child = map_get(node->literals, segment);
    if (!child) {
        child = ARENA_NEW(r->arena, struct router_node);
        map_put(node->literals, segment, child);
    }
    return child;
}

static struct router_entry *router_entry_of(const struct router_node *node, struct str method)
{
    for (struct router_entry *entry = node->entries; entry; entry = entry->next) {
        if (str_eq(entry->method, method))
            return entry;
    }
    return NULL;
}

static void router_hang(struct router_node *node, struct router_entry *entry)
{
    struct router_entry **at = &node->entries;
    while (*at)
        at = &(*at)->next;
    *at = entry;
}

int http_router_add(struct http_router *r, const char *methods, struct str pattern,
                    const struct http_route *route, struct error *e)
{
    struct router_entry proto = { .route = *route };
    struct router_node *node = r->root;
    struct str segment, method, rest = pattern;
    if (!str_starts(pattern, STR("/")))
        return error_set(e, ERROR_INVALID, "the path \"%" STR_FMT "\" does not start with a slash",
                         STR_ARG(pattern));
    for (size_t n = 0; router_segment(&rest, &segment); n++) {
        if (n == ROUTER_MAX_SEGMENTS)
            return error_set(e, ERROR_LIMIT, "the path \"%" STR_FMT "\" has more than %d parts",
                             STR_ARG(pattern), ROUTER_MAX_SEGMENTS);
        if (router_is_variable(segment))
            proto.names[proto.n_names++] = arena_str(r->arena, str_sub(segment, 1, segment.n - 2));
        node = router_child(r, node, segment);
    }
    rest = str_of(methods);
    while (str_split(&rest, ',', &method)) {
        if (router_entry_of(node, str_trim(method)))
            return error_set(e, ERROR_EXISTS, "%" STR_FMT " %" STR_FMT " is taken",
                             STR_ARG(str_trim(method)), STR_ARG(pattern));
    }
    rest = str_of(methods);
    while (str_split(&rest, ',', &method)) {
        struct router_entry *entry = ARENA_NEW(r->arena, struct router_entry);
        *entry = proto;
        entry->method = arena_str(r->arena, str_trim(method));
        router_hang(node, entry);
    }
    return 0;
}

struct router_match {
    struct str values[ROUTER_MAX_SEGMENTS];
    size_t n_values;
};

/* The node with routes that the path leads to; a literal is tried before the variable. Depth is the
   pattern's, at most ROUTER_MAX_SEGMENTS. */
static const struct router_node *router_walk(const struct router_node *node, struct str path,
                                             struct router_match *m)
{
    struct str segment, rest = path;
    if (!router_segment(&rest, &segment))
        return node->entries ? node : NULL;
    const struct router_node *child = node->literals ? map_get(node->literals, segment) : NULL;
    const struct router_node *found = child ? router_walk(child, rest, m) : NULL;
    if (found || !node->variable || segment.n == 0)
        return found;
    m->values[m->n_values++] = segment;
    found = router_walk(node->variable, rest, m);
    if (!found)
        m->n_values--;
    return found;
}

static struct str router_allow(struct arena *a, const struct router_node *node)
{
    struct str allow = STR_NULL;
    for (const struct router_entry *entry = node->entries; entry; entry = entry->next) {
        bool head = str_eq_c(entry->method, "GET") && !router_entry_of(node, STR("HEAD"));
        allow = arena_printf(a, "%" STR_FMT "%s%" STR_FMT "%s", STR_ARG(allow), allow.n ? ", " : "",
                             STR_ARG(entry->method), head ? ", HEAD" : "");
    }
    return allow;
}

const struct http_route *http_router_find(const struct http_router *r, struct http_request *req,
                                          int *status, struct str *allow)
{
    struct router_match m = { .n_values = 0 };
    const struct router_node *node = router_walk(r->root, req->path, &m);
    if (!node) {
        *status = 404;
        return NULL;
    }
    const struct router_entry *entry = router_entry_of(node, req->method);
    if (!entry && str_eq_c(req->method, "HEAD"))
        entry = router_entry_of(node, STR("GET"));
    if (!entry) {
        *status = 405;
        *allow = router_allow(req->arena, node);
        return NULL;
    }
    req->params = m.n_values ? json_object(req->arena) : NULL;
    for (size_t i = 0; i < m.n_values; i++)
        json_put(req->arena, req->params, entry->names[i], json_str(req->arena, m.values[i]));
    return &entry->route;
}
