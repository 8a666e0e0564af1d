/* Addresses: text and back, prefixes, and which of them are not public. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static size_t addr_size(const struct addr *a)
{
    return a->family == 4 ? 4 : 16;
}

/* ::ffff:a.b.c.d is the same host as a.b.c.d (RFC 4291 section 2.5.5.2). */
static struct addr addr_fold(const struct addr *a)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct addr folded = *a;
    if (a->family != 6 || memcmp(a->bytes, mapped, sizeof(mapped)) != 0)
        return folded;
    folded = (struct addr){ .family = 4, .port = a->port };
    memcpy(folded.bytes, a->bytes + 12, 4);
    return folded;
}

struct addr addr_from_sockaddr(const struct sockaddr *sa)
{
    struct addr a = { 0 };
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        a.family = 4;
        a.port = ntohs(in->sin_port);
        memcpy(a.bytes, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        a.family = 6;
        a.port = ntohs(in6->sin6_port);
        memcpy(a.bytes, &in6->sin6_addr, 16);
    }
    return addr_fold(&a);
}

/* As written: without the folding. */
static int addr_parse_host(struct str text, struct addr *out)
{
    char host[INET6_ADDRSTRLEN];
    if (text.n == 0 || text.n >= sizeof(host) || memchr(text.p, '\0', text.n))
        return -1;
    *(char *)mempcpy(host, text.p, text.n) = '\0';
    struct addr a = { .family = str_chr(text, ':') >= 0 ? 6 : 4 };
    if (inet_pton(a.family == 6 ? AF_INET6 : AF_INET, host, a.bytes) != 1)
        return -1;
    *out = a;
    return 0;
}

/* Takes "[v6]:port", "v4:port" apart; *port stays empty when there is none. */
static int addr_cut_port(struct str text, struct str *host, struct str *port)
{
    *host = text;
    *port = STR_NULL;
    ptrdiff_t colon = str_rchr(text, ':');
    if (str_starts(text, STR("["))) {
        ptrdiff_t close = str_chr(text, ']');
        if (close < 0)
            return -1;
        *host = str_sub(text, 1, (size_t)close - 1);
        struct str rest = str_sub(text, (size_t)close + 1, text.n);
        if (rest.n && rest.p[0] != ':')
            return -1;
        *port = str_sub(rest, 1, rest.n);
        return rest.n != 1 && str_chr(*host, ':') >= 0 ? 0 : -1;
    }
    if (colon >= 0 && colon == str_chr(text, ':')) {
        *host = str_sub(text, 0, (size_t)colon);
        *port = str_sub(text, (size_t)colon + 1, text.n);
        return port->n ? 0 : -1;
    }
    return 0;
}

int addr_parse(struct str text, bool with_port, struct addr *out, struct error *e)
{
    struct str host = text, port = STR_NULL;
    struct addr a;
    uint64_t number = 0;
    if ((with_port && addr_cut_port(text, &host, &port)) || addr_parse_host(host, &a))
        return error_set(e, ERROR_INVALID, "\"%" STR_FMT "\" is not an IP address%s",
                         STR_ARG(str_sub(text, 0, ADDR_TEXT)),
                         with_port ? " (such as 192.0.2.1:80 or [2001:db8::1]:80)"
                                   : " (such as 192.0.2.1 or 2001:db8::1)");
    if (port.n && (port.n > 5 || str_u64(port, &number) || number > UINT16_MAX))
        return error_set(e, ERROR_INVALID, "\"%" STR_FMT "\" is not a port, expected 0 to 65535",
                         STR_ARG(str_sub(port, 0, ADDR_TEXT)));
    a.port = (uint16_t)number;
    *out = addr_fold(&a);
    return 0;
}

const char *addr_format(const struct addr *a, char text[ADDR_TEXT])
{
    if (a->family == 0)
        snprintf(text, ADDR_TEXT, "local");
    else
        inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->bytes, text, ADDR_TEXT);
    return text;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    struct addr x = addr_fold(a), y = addr_fold(b);
    return x.family == y.family && (x.family == 0 || memcmp(x.bytes, y.bytes, addr_size(&x)) == 0);
}

static bool addr_has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(bytes, prefix, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

int cidr_parse(struct str text, struct cidr *out, struct error *e)
{
    ptrdiff_t slash = str_chr(text, '/');
    struct cidr c = { 0 };
    if (addr_parse_host(slash < 0 ? text : str_sub(text, 0, (size_t)slash), &c.base))
        return error_set(e, ERROR_INVALID, "\"%" STR_FMT "\" is not a network (such as 10.0.0.0/8)",
                         STR_ARG(str_sub(text, 0, ADDR_TEXT)));
    uint64_t most = addr_size(&c.base) * 8, bits = most;
    struct str length = slash < 0 ? STR_NULL : str_sub(text, (size_t)slash + 1, text.n);
    if (slash >= 0 && (length.n > 3 || str_u64(length, &bits) || bits > most))
        return error_set(e, ERROR_INVALID,
                         "\"%" STR_FMT "\" is not a prefix length, expected 0 to %d",
                         STR_ARG(str_sub(length, 0, ADDR_TEXT)), (int)most);
    struct addr folded = addr_fold(&c.base);
    if (folded.family != c.base.family && bits >= 96) {
        c.base = folded;
        bits -= 96;
    }
    c.bits = (uint8_t)bits;
    for (size_t i = 0; i < sizeof(c.base.bytes); i++) {
        unsigned keep = bits > i * 8 ? (unsigned)MIN(bits - i * 8, (uint64_t)8) : 0;
        c.base.bytes[i] = (uint8_t)(c.base.bytes[i] & (0xFF00U >> keep));
    }
    *out = c;
    return 0;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
    struct addr folded = addr_fold(a);
    return folded.family != 0 && folded.family == c->base.family &&
           addr_has_prefix(folded.bytes, c->base.bytes, c->bits);
}

bool cidr_list_contains(const struct cidr *list, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++) {
        if (cidr_contains(&list[i], a))
            return true;
    }
    return false;
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t loopback6[16] = { [15] = 1 };
    struct addr folded = addr_fold(a);
    if (folded.family == 4)
        return folded.bytes[0] == 127;
    return folded.family == 6 && memcmp(folded.bytes, loopback6, 16) == 0;
}

struct addr_prefix {
    uint8_t bytes[12];
    uint8_t bits;
};

/* IANA IPv4 Special-Purpose Address Registry: what is not globally reachable, and multicast. */
static const struct addr_prefix addr_special4[] = {
    { { 0 }, 8 },             /* RFC 791: this network */
    { { 10 }, 8 },            /* RFC 1918: private */
    { { 100, 64 }, 10 },      /* RFC 6598: shared address space, carrier-grade NAT */
    { { 127 }, 8 },           /* RFC 1122: loopback */
    { { 169, 254 }, 16 },     /* RFC 3927: link-local, cloud metadata */
    { { 172, 16 }, 12 },      /* RFC 1918: private */
    { { 192, 0, 0 }, 24 },    /* RFC 6890: IETF protocol assignments */
    { { 192, 0, 2 }, 24 },    /* RFC 5737: documentation */
    { { 192, 88, 99 }, 24 },  /* RFC 7526: deprecated 6to4 relay anycast */
    { { 192, 168 }, 16 },     /* RFC 1918: private */
    { { 198, 18 }, 15 },      /* RFC 2544: benchmarking */
    { { 198, 51, 100 }, 24 }, /* RFC 5737: documentation */
    { { 203, 0, 113 }, 24 },  /* RFC 5737: documentation */
    { { 224 }, 4 },           /* RFC 5771: multicast */
    { { 240 }, 4 },           /* RFC 1112: reserved; RFC 919: limited broadcast */
};

/* Within 2000::/3, the only part of IPv6 that is global unicast (RFC 4291 section 2.4 and the IANA
   address space registry); all outside is special: ::, ::1, 64:ff9b:1::/48 (RFC 8215), 100::/64
   (RFC 6666), 5f00::/16 (RFC 9602), fc00::/7 (RFC 4193), fe80::/10, ff00::/8 (RFC 4291). */
static const struct addr_prefix addr_special6[] = {
    { { 0x20, 0x01, 0x00 }, 23 },       /* RFC 2928: IETF protocol assignments */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* RFC 3849: documentation */
    { { 0x3f, 0xff }, 20 },             /* RFC 9637: documentation */
};

/* IPv6 prefixes that carry an IPv4 address: such an address is as public as what it leads to. */
static const struct {
    struct addr_prefix prefix;
    uint8_t at;    /* first byte of the IPv4 address */
    uint8_t flip;  /* its bytes are stored XOR this */
    uint8_t other; /* first byte of a second one, 0 = none */
} addr_carriers[] = {
    { { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12, 0, 0 },    /* RFC 6052: NAT64 */
    { { { 0x20, 0x02 }, 16 }, 2, 0, 0 },                 /* RFC 3056: 6to4 */
    { { { 0x20, 0x01, 0x00, 0x00 }, 32 }, 12, 0xFF, 4 }, /* RFC 4380: Teredo client, server */
};

static bool addr_in_table(const uint8_t *bytes, const struct addr_prefix *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (addr_has_prefix(bytes, table[i].bytes, table[i].bits))
            return true;
    }
    return false;
}

static bool addr_is_special4(const uint8_t bytes[4])
{
    return addr_in_table(bytes, addr_special4, N_ELEMENTS(addr_special4));
}

static bool addr_is_special6(const uint8_t bytes[16])
{
    for (size_t i = 0; i < N_ELEMENTS(addr_carriers); i++) {
        if (!addr_has_prefix(bytes, addr_carriers[i].prefix.bytes, addr_carriers[i].prefix.bits))
            continue;
        uint8_t inner[4];
        for (size_t k = 0; k < 4; k++)
            inner[k] = bytes[addr_carriers[i].at + k] ^ addr_carriers[i].flip;
        return addr_is_special4(inner) ||
               (addr_carriers[i].other && addr_is_special4(bytes + addr_carriers[i].other));
    }
    if (bytes[0] >> 5 != 1)
        return true;
    return addr_in_table(bytes, addr_special6, N_ELEMENTS(addr_special6));
}

bool addr_is_special(const struct addr *a)
{
    struct addr folded = addr_fold(a);
    if (folded.family == 4)
        return addr_is_special4(folded.bytes);
    return folded.family != 6 || addr_is_special6(folded.bytes);
}
