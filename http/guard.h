/* Where an outgoing request may go (against server-side request forgery). The address that counts
   is the one really connected to: http/client asks guard_allows() when it opens a socket and again
   when it reuses a connection, so that neither DNS rebinding nor a pool helps. */
#ifndef KERYX_HTTP_GUARD_H
#define KERYX_HTTP_GUARD_H

#include "base/addr.h"

#define GUARD_HOST 256 /* a DNS name has at most 253 bytes (RFC 1035) */

/* For URLs that strangers may choose. NULL in place of a policy means: the operator wrote the URL,
   nothing is restricted. The lists live as long as the policy. */
struct guard_policy {
    const struct cidr *allow; /* holes among the special addresses (allow_private) */
    size_t n_allow;
    const struct str *allow_hosts; /* when there are any, only these hosts: "a.example" or
                                      "*.example" (names below it); they open no hole */
    size_t n_allow_hosts;
};

/* What libcurl will make of a URL. */
struct guard_target {
    char host[GUARD_HOST]; /* lower case, no brackets, no trailing dot */
    uint16_t port;
    bool tls;
    bool literal; /* host is an address */
    bool user;    /* the URL carries a user or a password */
    struct addr addr;
};

/* False for special addresses (addr_is_special) outside of the policy's holes. */
bool guard_allows(const struct guard_policy *p, const struct addr *a);
/* Parses with libcurl's own parser, so that checker and connector agree: http or https, a host, a
   port other than 0. -1 with ERROR_INVALID. */
int guard_parse_url(struct str url, struct guard_target *out, struct error *e) must_check;
/* What a policy says before anything is connected: no user or password, an allowed host, and, for a
   literal address in any spelling, an allowed address. -1 with ERROR_DENIED. */
int guard_check_target(const struct guard_policy *p, const struct guard_target *t,
                       struct error *e) must_check;
/* Both in one. out may be NULL. */
int guard_check_url(const struct guard_policy *p, struct str url, struct guard_target *out,
                    struct error *e) must_check;
/* Whether the host is one of the names, case-blind: "name", "*.name", ".name" (both the name and
   what is below), "*". */
bool guard_host_in(const char *host, const struct str *names, size_t n);

#endif
