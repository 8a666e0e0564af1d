/* Who sent this? Every provider's signature scheme as a row of one table; verification over the raw
   body bytes (after de-chunking, before gunzip), constant time, several live secrets. The scheme is
   the route's, never chosen by what the caller sent. Facts: each row names its source page. */
#ifndef KERYX_TRIGGERS_AUTH_H
#define KERYX_TRIGGERS_AUTH_H

#include "config/config.h"
#include "http/message.h"

struct auth; /* compiled scheme of one route: keyed contexts, decoded secrets */

struct auth_input {
    const struct http_headers *headers;
    struct str body; /* raw */
    struct str method;
    struct str url; /* as the sender called it, scheme and host included (Twilio) */
    int64_t now_us; /* wall clock */
};

/* Builds the scheme of a webhook trigger: auth.mode, else signature_header (sha256=<hex>, bare hex in
   any case, or base64 of HMAC-SHA256), else the source's own scheme, else X-Webhook-Signature when a
   secret is set. Adds what is wrong to *problems (unknown mode with suggestion, missing secret, secret
   that does not decode, unused keys as warnings). *out is NULL when the route has no authentication. */
int auth_compile(const struct config_webhook *hook, struct config_problems *problems,
                 struct auth **out) must_check;
void auth_free(struct auth *a); /* wipes; NULL is fine */

/* 0 when genuine; *which is then the 1-based number of the secret that matched. -1: error code DENIED and a
   text for the operator's log that tells neither byte nor secret ("signature does not match",
   "timestamp is 412 s old; 300 s are allowed", "header X-Hub-Signature-256 is missing", "…came twice"). */
int auth_verify(const struct auth *a, const struct auth_input *in, unsigned *which,
                struct error *e) must_check;
/* The header names that carry secrets or signatures under this scheme, for redaction. */
bool auth_is_secret_header(const struct auth *a, struct str name);
/* True when the explicit `mode: none` was written. */
bool auth_is_none_mode(const struct config_webhook *hook);
/* The word of the scheme in force, for the API: "hmac", "github_hmac_sha256", "none" … */
const char *auth_mode_word(const struct auth *a);
/* What a provider would send: the headers of a genuine request over `body` (keryx sign, webhook test).
   The first secret signs. */
int auth_sign(const struct auth *a, const struct auth_input *in, struct arena *arena,
              struct http_headers *out, struct error *e) must_check;

#endif
