/* Request targets, queries and percent-coding (RFC 3986), forms (WHATWG urlencoded). Outgoing URLs
   are parsed by libcurl itself (http/guard.h), so that checker and connector agree. */
#ifndef KERYX_HTTP_URL_H
#define KERYX_HTTP_URL_H

#include "base/buf.h"
#include "base/json.h"

/* Decodes %XX; '+' too when form. -1 on a malformed escape or NUL. Allocates only when needed. */
int url_decode(struct arena *a, struct str in, bool form, struct str *out) must_check;
/* Appends with everything but unreserved characters escaped. */
void url_encode(struct buf *out, struct str s);
/* a=1&b=2 as an object of strings in order. A repeated key: keep_all → a list of its values, else the
   first value. At most 1000 pairs. Invalid UTF-8 becomes U+FFFD. NULL and error when malformed. */
struct json *url_form_json(struct arena *a, struct str text, bool keep_all,
                           struct error *e) must_check;
/* The first value of `key` in a query string, decoded, or STR_NULL. */
struct str url_query_get(struct arena *a, struct str query, struct str key);

#endif
