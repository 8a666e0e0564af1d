/* The client's address behind trusted proxies. */
#include "triggers/origin.h"

static bool origin_trusted(const struct config_cidrs *trusted, const struct addr *a)
{
    return cidr_list_contains(trusted->items, trusted->n, a);
}

/* One hop to the left per step, as long as the hop we are at is one of ours. */
static struct addr origin_walk(struct addr at, struct str forwarded,
                               const struct config_cidrs *trusted)
{
    while (origin_trusted(trusted, &at) && forwarded.n) {
        ptrdiff_t comma = str_rchr(forwarded, ',');
        struct str hop = str_trim(str_sub(forwarded, (size_t)(comma + 1), forwarded.n));
        struct addr next;
        if (addr_parse(hop, false, &next, NULL) != 0 && addr_parse(hop, true, &next, NULL) != 0)
            return at;
        at = next;
        forwarded.n = comma < 0 ? 0 : (size_t)comma;
    }
    return at;
}

struct addr origin_address(const struct http_request *r, const struct config_cidrs *trusted)
{
    struct addr at = r->peer;
    bool local = at.family == 0; /* a unix socket: whoever may open it is trusted like loopback */
    struct addr loopback = { .family = 4, .bytes = { 127, 0, 0, 1 } };
    if (!origin_trusted(trusted, local ? &loopback : &at))
        return at;
    if (http_header_count(&r->headers, STR("x-forwarded-for")) == 0) {
        struct addr real;
        struct str header = str_trim(http_header_get(&r->headers, STR("x-real-ip")));
        return header.n && addr_parse(header, false, &real, NULL) == 0 ? real : at;
    }
    if (local)
        at = loopback;
    for (size_t i = r->headers.n; i-- > 0;) {
        if (str_eq_fold(r->headers.items[i].name, STR("x-forwarded-for")))
            at = origin_walk(at, r->headers.items[i].value, trusted);
    }
    return at;
}
