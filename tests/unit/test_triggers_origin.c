/* Whose request is this, behind proxies that may or may not be trusted. */
#include "triggers/origin.h"
#include "tests/t.h"

static const struct {
    const char *row, *peer, *forwarded, *second, *real, *want;
} rows[] = {
    { "no proxy: headers are not believed", "203.0.113.9", "1.2.3.4", NULL, "1.2.3.4",
      "203.0.113.9" },
    { "trusted proxy", "127.0.0.1", "198.51.100.7", NULL, NULL, "198.51.100.7" },
    { "rightmost untrusted hop wins over a forged left one", "127.0.0.1", "6.6.6.6, 198.51.100.7",
      NULL, NULL, "198.51.100.7" },
    { "a chain of our own proxies is walked through", "127.0.0.1", "198.51.100.7, 10.0.0.2", NULL,
      NULL, "198.51.100.7" },
    { "two headers are one list", "127.0.0.1", "198.51.100.7", "10.0.0.2", NULL, "198.51.100.7" },
    { "garbage ends the walk", "127.0.0.1", "198.51.100.7, junk", NULL, NULL, "127.0.0.1" },
    { "v4-mapped is folded", "::ffff:127.0.0.1", "::ffff:198.51.100.7", NULL, NULL,
      "198.51.100.7" },
    { "with a port", "127.0.0.1", "198.51.100.7:4711", NULL, NULL, "198.51.100.7" },
    { "X-Real-IP when there is no X-Forwarded-For", "127.0.0.1", NULL, NULL, "198.51.100.8",
      "198.51.100.8" },
    { "all hops are ours", "127.0.0.1", "10.0.0.1, 10.0.0.2", NULL, NULL, "10.0.0.1" },
};

TEST(client_address_behind_proxies)
{
    struct arena *a = arena_new(0);
    struct cidr trusted[2];
    CHECK_INT(cidr_parse(STR("127.0.0.0/8"), &trusted[0], NULL), 0);
    CHECK_INT(cidr_parse(STR("10.0.0.0/8"), &trusted[1], NULL), 0);
    struct config_cidrs list = { trusted, 2, true };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct http_request r = { 0 };
        char text[ADDR_TEXT];
        CHECK_INT(addr_parse(str_of(rows[i].peer), false, &r.peer, NULL), 0);
        if (rows[i].forwarded)
            http_header_add(a, &r.headers, STR("X-Forwarded-For"), str_of(rows[i].forwarded));
        if (rows[i].second)
            http_header_add(a, &r.headers, STR("x-forwarded-for"), str_of(rows[i].second));
        if (rows[i].real)
            http_header_add(a, &r.headers, STR("X-Real-IP"), str_of(rows[i].real));
        struct addr got = origin_address(&r, &list);
        CHECK_CSTR(addr_format(&got, text), rows[i].want);
    }
    arena_free(a);
}
