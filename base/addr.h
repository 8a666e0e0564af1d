/* IP addresses and CIDR. v4-mapped IPv6 is folded to IPv4 before any comparison. */
#ifndef KERYX_BASE_ADDR_H
#define KERYX_BASE_ADDR_H

#include "base/error.h"

#include <sys/socket.h>

#define ADDR_TEXT 64

struct addr {
    uint8_t family; /* 4, 6; 0 = none (unix socket) */
    uint8_t bytes[16];
    uint16_t port;
};

struct cidr {
    struct addr base;
    uint8_t bits;
};

struct addr addr_from_sockaddr(const struct sockaddr *sa);
/* "192.0.2.1", "2001:db8::1", also with [v6]:port / v4:port when with_port. */
int addr_parse(struct str text, bool with_port, struct addr *out, struct error *e) must_check;
/* Without port. */
const char *addr_format(const struct addr *a, char text[ADDR_TEXT]);
bool addr_equal(const struct addr *a, const struct addr *b); /* port ignored */
/* "10.0.0.0/8", "::1/128", a bare address = full length. Host bits are masked. */
int cidr_parse(struct str text, struct cidr *out, struct error *e) must_check;
bool cidr_contains(const struct cidr *c, const struct addr *a);
bool cidr_list_contains(const struct cidr *list, size_t n, const struct addr *a);
/* Loopback only. */
bool addr_is_loopback(const struct addr *a);
/* Not a public unicast address: private, loopback, link-local, CGNAT, multicast, documentation,
   benchmark, reserved, v4-in-v6 (mapped, NAT64, 6to4, Teredo) of any of these … (IANA special-purpose
   registries, RFC 6890). */
bool addr_is_special(const struct addr *a);

#endif
