/* IP addresses and networks. */
#include "base/addr.h"
#include "tests/t.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

TEST(addresses_are_read_and_written)
{
    static const struct {
        const char *text;
        bool with_port;
        const char *want; /* NULL: refused */
        uint16_t port;
    } rows[] = {
        { "192.0.2.1", false, "192.0.2.1", 0 },
        { "2001:DB8:0:0::1", false, "2001:db8::1", 0 },
        { "::", false, "::", 0 },
        { "::ffff:192.0.2.1", false, "192.0.2.1", 0 },
        { "::ffff:c000:201", false, "192.0.2.1", 0 },
        { "192.0.2.1:80", false, NULL, 0 },
        { "[::1]", false, NULL, 0 },
        { "192.0.2.1:80", true, "192.0.2.1", 80 },
        { "192.0.2.1", true, "192.0.2.1", 0 },
        { "[2001:db8::1]:65535", true, "2001:db8::1", 65535 },
        { "[::ffff:127.0.0.1]:0", true, "127.0.0.1", 0 },
        { "[::1]", true, "::1", 0 },
        { "::1", true, "::1", 0 },
        { "2001:db8::1:80", true, "2001:db8::1:80", 0 },
        { "[::1]:65536", true, NULL, 0 },
        { "[::1]:", true, NULL, 0 },
        { "[::1]80", true, NULL, 0 },
        { "[::1", true, NULL, 0 },
        { "[192.0.2.1]:80", true, NULL, 0 },
        { "[]:80", true, NULL, 0 },
        { ":80", true, NULL, 0 },
        { "192.0.2.1:", true, NULL, 0 },
        { "192.0.2.1:+1", true, NULL, 0 },
        { "192.0.2.1:000080", true, NULL, 0 },
        { "", false, NULL, 0 },
        { "localhost", false, NULL, 0 },
        { "192.0.2", false, NULL, 0 },
        { "192.0.2.256", false, NULL, 0 },
        { "192.0.2.01", false, NULL, 0 },
        { "0x7f.1", false, NULL, 0 },
        { "2130706433", false, NULL, 0 },
        { "fe80::1%eth0", false, NULL, 0 },
        { ":::", false, NULL, 0 },
        { "1:2:3:4:5:6:7:8:9", false, NULL, 0 },
        { " 192.0.2.1", false, NULL, 0 },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", false, NULL, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct addr a = { 0 };
        struct error e = ERROR_INIT;
        char text[ADDR_TEXT];
        ROW(rows[i].text);
        CHECK_INT(addr_parse(str_of(rows[i].text), rows[i].with_port, &a, &e),
                  rows[i].want ? 0 : -1);
        if (rows[i].want) {
            CHECK_CSTR(addr_format(&a, text), rows[i].want);
            CHECK_INT(a.port, rows[i].port);
        } else {
            CHECK_INT(e.code, ERROR_INVALID);
            CHECK_INT(a.family, 0);
        }
    }
    struct addr a;
    CHECK_INT(addr_parse(STR("192.0.2.1\0x"), false, &a, NULL), -1);
}

TEST(errors_name_what_was_read)
{
    struct addr a;
    struct cidr c;
    struct error e;
    CHECK_INT(addr_parse(STR("host"), false, &a, &e), -1);
    CHECK_CSTR(e.text, "\"host\" is not an IP address (such as 192.0.2.1 or 2001:db8::1)");
    CHECK_INT(addr_parse(STR("1.2.3.4:99999"), true, &a, &e), -1);
    CHECK_CSTR(e.text, "\"99999\" is not a port, expected 0 to 65535");
    CHECK_INT(cidr_parse(STR("10.0.0.0/33"), &c, &e), -1);
    CHECK_CSTR(e.text, "\"33\" is not a prefix length, expected 0 to 32");
    CHECK_INT(cidr_parse(STR("10/8"), &c, &e), -1);
    CHECK_CSTR(e.text, "\"10/8\" is not a network (such as 10.0.0.0/8)");
}

TEST(socket_addresses_are_taken_over)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(8080) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(443) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char text[ADDR_TEXT];
    CHECK_INT(inet_pton(AF_INET, "192.0.2.7", &in.sin_addr), 1);
    struct addr a = addr_from_sockaddr((const struct sockaddr *)&in);
    CHECK_CSTR(addr_format(&a, text), "192.0.2.7");
    CHECK_INT(a.port, 8080);
    CHECK_INT(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
    struct addr mapped = addr_from_sockaddr((const struct sockaddr *)&in6);
    CHECK_INT(mapped.family, 4);
    CHECK_INT(mapped.port, 443);
    CHECK(addr_equal(&a, &mapped));
    CHECK_INT(inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr), 1);
    struct addr six = addr_from_sockaddr((const struct sockaddr *)&in6);
    CHECK_CSTR(addr_format(&six, text), "2001:db8::7");
    CHECK(!addr_equal(&a, &six));
    struct addr none = addr_from_sockaddr((const struct sockaddr *)&un);
    CHECK_INT(none.family, 0);
    CHECK_CSTR(addr_format(&none, text), "local");
    CHECK(!addr_equal(&a, &none));
    CHECK(!addr_is_loopback(&none));
}

TEST(a_network_contains_what_its_prefix_covers)
{
    static const struct {
        const char *cidr, *addr;
        bool want;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.1.2.3/8", "10.9.9.9", true }, /* host bits are masked */
        { "192.0.2.128/25", "192.0.2.127", false },
        { "192.0.2.128/25", "192.0.2.128", true },
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "192.0.2.1", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::1", "::1", true },
        { "::ffff:10.0.0.0/104", "10.2.3.4", true },
        { "::ffff:10.0.0.0/104", "11.2.3.4", false },
        { "10.0.0.0/8", "::ffff:10.2.3.4", true },
        { "::ffff:10.1.2.3", "10.1.2.3", true },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct cidr c;
        struct addr a;
        ROW(rows[i].cidr);
        CHECK_INT(cidr_parse(str_of(rows[i].cidr), &c, NULL), 0);
        CHECK_INT(addr_parse(str_of(rows[i].addr), false, &a, NULL), 0);
        CHECK_INT(cidr_contains(&c, &a), rows[i].want);
        CHECK_INT(cidr_list_contains(&c, 1, &a), rows[i].want);
        CHECK(!cidr_list_contains(&c, 0, &a));
    }
}

TEST(crooked_networks_are_refused)
{
    static const char *const rows[] = { "",
                                        "/8",
                                        "10.0.0.0/",
                                        "10.0.0.0/33",
                                        "::/129",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/8/8",
                                        "10.0.0.0/ 8",
                                        "10.0.0.0/0008",
                                        "10/8",
                                        "10.0.0.0:80/8",
                                        "10.0.0.0/4294967304" };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct cidr c;
        ROW(rows[i]);
        CHECK_INT(cidr_parse(str_of(rows[i]), &c, NULL), -1);
    }
}

TEST(loopback_is_told)
{
    static const struct {
        const char *addr;
        bool want;
    } rows[] = { { "127.0.0.1", true }, { "127.255.0.9", true }, { "128.0.0.1", false },
                 { "::1", true },       { "::", false },         { "::ffff:127.0.0.1", true },
                 { "::2", false } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct addr a;
        ROW(rows[i].addr);
        CHECK_INT(addr_parse(str_of(rows[i].addr), false, &a, NULL), 0);
        CHECK_INT(addr_is_loopback(&a), rows[i].want);
    }
}

/* For each prefix its ends and the neighbours outside. */
static const struct {
    const char *addr;
    bool want;
} special_rows[] = {
    { "0.0.0.0", true },
    { "0.255.255.255", true },
    { "1.0.0.0", false },
    { "9.255.255.255", false },
    { "10.0.0.0", true },
    { "10.255.255.255", true },
    { "11.0.0.0", false },
    { "100.63.255.255", false },
    { "100.64.0.0", true },
    { "100.127.255.255", true },
    { "100.128.0.0", false },
    { "126.255.255.255", false },
    { "127.0.0.1", true },
    { "128.0.0.0", false },
    { "169.253.255.255", false },
    { "169.254.169.254", true },
    { "169.255.0.0", false },
    { "172.15.255.255", false },
    { "172.16.0.0", true },
    { "172.31.255.255", true },
    { "172.32.0.0", false },
    { "191.255.255.255", false },
    { "192.0.0.0", true },
    { "192.0.0.255", true },
    { "192.0.1.0", false },
    { "192.0.2.0", true },
    { "192.0.3.0", false },
    { "192.88.99.1", true },
    { "192.167.255.255", false },
    { "192.168.0.0", true },
    { "192.168.255.255", true },
    { "192.169.0.0", false },
    { "198.17.255.255", false },
    { "198.18.0.0", true },
    { "198.19.255.255", true },
    { "198.20.0.0", false },
    { "198.51.100.7", true },
    { "203.0.113.7", true },
    { "203.0.114.0", false },
    { "223.255.255.255", false },
    { "224.0.0.1", true },
    { "239.255.255.255", true },
    { "240.0.0.0", true },
    { "255.255.255.255", true },
    { "8.8.8.8", false },
    { "::", true },
    { "::1", true },
    { "::7f00:1", true },
    { "::ffff:10.0.0.1", true },
    { "::ffff:8.8.8.8", false },
    { "64:ff9b::10.0.0.1", true },
    { "64:ff9b::8.8.8.8", false },
    { "64:ff9b:1::8.8.8.8", true },
    { "64:ff9b::1:0:808:808", true },
    { "100::1", true },
    { "1fff:ffff::1", true },
    { "2000::1", false },
    { "2001::1", true } /* Teredo: server 0.0.0.0 */,
    { "2001:0:808:808::f7f7:f7f7", false } /* Teredo: 8.8.8.8 by 8.8.8.8 */,
    { "2001:0:808:808::f5ff:fffe", true } /* Teredo: 10.0.0.1 */,
    { "2001:0:a00:1::f7f7:f7f7", true } /* Teredo: server 10.0.0.1 */,
    { "2001:2::1", true },
    { "2001:1ff::1", true },
    { "2001:200::1", false },
    { "2001:db7:ffff::1", false },
    { "2001:db8::1", true },
    { "2001:db9::1", false },
    { "2002:a00:1::1", true },
    { "2002:808:808::1", false },
    { "2002:7f00:1::", true },
    { "2606:4700::1", false },
    { "3ffe:ffff::1", false },
    { "3fff::1", true },
    { "3fff:fff::1", true },
    { "3fff:1000::1", false },
    { "4000::1", true },
    { "5f00::1", true },
    { "fc00::1", true },
    { "fdff::1", true },
    { "fe80::1", true },
    { "fec0::1", true },
    { "ff02::1", true },
};

TEST(only_public_unicast_addresses_are_not_special)
{
    for (size_t i = 0; i < N_ELEMENTS(special_rows); i++) {
        struct addr a;
        ROW(special_rows[i].addr);
        CHECK_INT(addr_parse(str_of(special_rows[i].addr), false, &a, NULL), 0);
        CHECK_INT(addr_is_special(&a), special_rows[i].want);
    }
    struct addr none = { 0 };
    CHECK(addr_is_special(&none));
}
