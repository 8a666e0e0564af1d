/* The senders as rows: event name, delivery id, entity key, default scheme, handshake, deadline. */
#ifndef KERYX_TRIGGERS_SOURCE_H
#define KERYX_TRIGGERS_SOURCE_H

#include "base/json.h"
#include "http/message.h"

struct source; /* one row of the table */

/* NULL when there is none; source_suggest() then names the nearest. */
const struct source *source_find(struct str name);
const char *source_suggest(struct str wrong);
const char *source_name(const struct source *s);
/* The auth mode its senders use by default ("github_hmac_sha256"), or NULL (generic). */
const char *source_auth_mode(const struct source *s);
/* How long its sender waits for an answer, µs; 0 = unknown. */
int64_t source_deadline(const struct source *s);

struct source_facts {
    struct str event;       /* "issues.opened", "merge_request.open"; n == 0 unknown */
    struct str delivery_id; /* n == 0 none */
    struct str entity;      /* "github:owner/repo#12"; n == 0 none */
};
/* Reads event, delivery id and entity of a request. body may be NULL (not JSON). Strings live in `a`, in the
   headers or in the body's source text. An event of more than 256 bytes is unknown; an id or entity of more
   than 512 is given as "sha256:<hex>" of itself. */
void source_read(const struct source *s, const struct http_headers *h, const struct json *body,
                 struct arena *a, struct source_facts *out);

/* Handshakes that are answered without an agent (Slack url_verification, GitHub ping, Discord PING, …): true
   and the answer (content type may be NULL = application/json; body in `a` or static). */
struct source_answer {
    int status; /* 200, or 204 with an empty body */
    const char *content_type;
    struct str body;
};
bool source_handshake(const struct source *s, const struct http_headers *h, const struct json *body,
                      struct arena *a, struct source_answer *answer);

#endif
