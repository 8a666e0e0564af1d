/* Methods, status words, header lists, case-blind look-up. */
#ifndef KERYX_HTTP_MESSAGE_H
#define KERYX_HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/json.h"

struct http_header {
    struct str name;
    struct str value;
};

struct http_headers {
    struct http_header *items;
    size_t n, cap;
};

/* "Accepted" for 202; "Unknown" for what has no word (RFC 9110 §15). */
const char *http_status_word(int status);
/* The first header of that name, case-blind; STR_NULL (p == NULL) when absent, p != NULL but n == 0
   when present and empty. */
struct str http_header_get(const struct http_headers *h, struct str name);
size_t http_header_count(const struct http_headers *h, struct str name);
/* Appends; name and value must live as long as the arena. */
void http_header_add(struct arena *a, struct http_headers *h, struct str name, struct str value);
/* True when the name is a token and the value has no CR, LF, NUL or other control but tab (RFC 9110 §5.5). */
bool http_header_valid(struct str name, struct str value);
/* True when the comma-separated list `value` has the token, case-blind. */
bool http_has_token(struct str value, struct str token);
/* Media type without parameters, blanks trimmed: "application/json". */
struct str http_media_type(struct str content_type);
/* application/json, or any type ending in +json. */
bool http_is_json(struct str content_type);
/* As an object with JSON_FOLD; several of one name are joined with ", ". */
struct json *http_headers_json(struct arena *a, const struct http_headers *h);

#endif
