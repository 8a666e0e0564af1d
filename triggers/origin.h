/* Whose request is this? The client's address behind trusted proxies. Pure. */
#ifndef KERYX_TRIGGERS_ORIGIN_H
#define KERYX_TRIGGERS_ORIGIN_H

#include "config/config.h"
#include "http/server.h"

/* The socket's peer, or, when that is a trusted proxy, the rightmost address of X-Forwarded-For that is
   not one (X-Real-IP when there is no such header). A header that does not parse ends the walk at the
   last good hop. v4-mapped addresses are folded. */
struct addr origin_address(const struct http_request *r, const struct config_cidrs *trusted);

#endif
