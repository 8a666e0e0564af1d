/* How an outgoing request shows who sent it: one row a type of `auth:`. */
#ifndef KERYX_NOTIFIERS_SIGN_H
#define KERYX_NOTIFIERS_SIGN_H

#include "config/config.h"
#include "http/message.h"

struct sign; /* compiled; lives in the arena given */

struct sign_message {
    struct str id; /* of the delivery */
    struct str body;
    int64_t at; /* of the attempt, seconds since 1970 */
};

/* hmac_header: where type hmac puts the signature unless auth.header says otherwise. Problems are told
   as "WHERE.auth…". NULL when no auth is configured, or after a problem. */
struct sign *sign_compile(struct arena *a, const struct config_auth *auth, const char *hmac_header,
                          struct config_problems *problems, const char *where);
/* Sets the headers of one attempt, in place of any of the same name. */
void sign_headers(const struct sign *s, const struct sign_message *m, struct arena *a,
                  struct http_headers *out);
/* "sha256=<hex>" of the body under the secret. */
struct str sign_body(struct arena *a, struct str secret, struct str body);
/* The header, in place of any of the same name. Strings are borrowed. */
void sign_set_header(struct arena *a, struct http_headers *out, struct str name, struct str value);

#endif
