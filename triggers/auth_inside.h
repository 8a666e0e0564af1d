/* The schemes as rows and as compiled for one route: what auth_table.c, auth_compile.c, auth.c and
   auth_sign.c share.

   struct auth (one a route) ─ ways[1..2]   one scheme each; two only while GitLab moves from tokens
                                            to signing tokens
                               └─ keys[]    one a live secret, numbered as written */
#ifndef KERYX_TRIGGERS_AUTH_INSIDE_H
#define KERYX_TRIGGERS_AUTH_INSIDE_H

#include "base/crypto.h"
#include "triggers/auth.h"

#define AUTH_MAX_KEYS   16   /* live secrets of a route */
#define AUTH_MAX_CLAIMS 16   /* signatures of one request */
#define AUTH_MAX_PARTS  8    /* pieces of a signed string */
#define AUTH_MAX_URLS   4    /* spellings of the called URL */
#define AUTH_MAX_PAIRS  1000 /* parameters of a signed form */

enum auth_kind { AUTH_STATIC, AUTH_BEARER, AUTH_BASIC, AUTH_SIGNED };

/* How a configured secret becomes a key. */
enum auth_secret {
    AUTH_RAW,        /* its bytes */
    AUTH_STANDARD,   /* base64 after an optional whsec_, or whpk_ and an Ed25519 public key */
    AUTH_HEX_PUBLIC, /* 64 hex digits: an Ed25519 public key */
};

/* How signatures stand in the header's value. */
enum auth_form {
    AUTH_PREFIXED, /* row's prefix, then one signature */
    AUTH_ANY,      /* "<algorithm>=" hex, bare hex, or base64: told apart by length */
    AUTH_FIELDS,   /* "t=…,v1=…,v1=…": prefix names the field */
    AUTH_VERSIONS, /* "v1,… v1,… v1a,…" (v1a is Ed25519) */
};

enum auth_encoding { AUTH_HEX, AUTH_BASE64 };

/* How the signed timestamp is written, and where: the header named, else the field `t`. */
enum auth_clock {
    AUTH_NO_CLOCK,
    AUTH_SECONDS,
    AUTH_ISO_8601,
    AUTH_ANY_CLOCK, /* seconds, milliseconds or ISO 8601 */
    AUTH_BODY_MS,   /* member webhookTimestamp of the JSON body */
};

/* Which keys of `auth:` mean something to a mode; the others are told as unused. */
enum auth_use {
    AUTH_USE_SECRET = 1,
    AUTH_USE_TOKEN = 2,
    AUTH_USE_HEADER = 4,
    AUTH_USE_VALUE = 8,
    AUTH_USE_USER = 16,
    AUTH_USE_SHAPE = 32,
};

struct auth_names {
    const char *signature, *timestamp, *id;
};

struct auth_scheme {
    const char *mode;
    enum auth_kind kind;
    unsigned uses;              /* enum auth_use */
    struct auth_names names[2]; /* the second is asked when the first's signature is absent */
    enum auth_form form;
    const char *prefix;
    enum crypto_hash hash;
    enum auth_encoding encoding;
    enum auth_secret secret;
    const char *text; /* the signed string: {timestamp} {id} {body} {url} {form} {method} */
    enum auth_clock clock;
    int64_t tolerance; /* µs; 0 = the timestamp's age is not asked */
};

extern const struct auth_scheme auth_table[];
extern const size_t auth_table_n;
/* NULL when there is none. */
const struct auth_scheme *auth_table_find(struct str mode);
/* The nearest mode, "none" included, or NULL. */
const char *auth_table_suggest(struct str wrong);
const char *auth_table_hash_word(enum crypto_hash h);

enum auth_part_kind {
    AUTH_LITERAL,
    AUTH_TIMESTAMP,
    AUTH_ID,
    AUTH_BODY,
    AUTH_URL,
    AUTH_FORM,
    AUTH_METHOD,
};

struct auth_part {
    enum auth_part_kind kind;
    struct str literal;
};

struct auth_key {
    unsigned number; /* 1-based, in the order of the file */
    struct hmac_key *hmac;
    bool is_public; /* Ed25519 */
    uint8_t public_key[32];
    char *text; /* token schemes: what must come; wiped */
    size_t text_n;
};

struct auth_way {
    struct auth_scheme scheme; /* a row, with the route's own changes */
    struct auth_part parts[AUTH_MAX_PARTS];
    size_t n_parts;
    struct auth_key keys[AUTH_MAX_KEYS];
    size_t n_keys;
};

struct auth {
    struct arena *arena;
    struct auth_way ways[2];
    size_t n_ways;
};

/* Cuts a signed string ("{timestamp}.{body}") into parts; literals are slices of `text`. Returns their
   number or -1: an unknown {name}, a brace left open, too many parts, no {body}, {url} or {form}. */
int auth_parts(struct str text, struct auth_part parts[AUTH_MAX_PARTS], struct error *e) must_check;
bool auth_has_part(const struct auth_way *way, enum auth_part_kind kind);

/* What a request says about itself, picked from its headers. */
struct auth_claim {
    uint8_t bytes[CRYPTO_MAX_DIGEST];
    size_t n;
    bool is_public; /* Ed25519 */
};

struct auth_message {
    struct auth_claim claims[AUTH_MAX_CLAIMS];
    size_t n_claims;
    struct str timestamp, id;
};

/* Signatures, timestamp and id under a signed scheme. -1: DENIED, what is missing, doubled or malformed. */
int auth_message_read(const struct auth_way *way, const struct http_headers *h,
                      struct auth_message *m, struct error *e) must_check;
/* The one value of a header, trimmed, not empty. -1: DENIED. */
int auth_one_header(const struct http_headers *h, const char *name, struct str *out,
                    struct error *e) must_check;
/* Refuses a timestamp that is garbage or further than the scheme's tolerance from now_us. */
int auth_check_clock(const struct auth_scheme *s, struct str timestamp, int64_t now_us,
                     struct error *e) must_check;
int auth_check_body_clock(const struct auth_scheme *s, struct str body, int64_t now_us,
                          struct error *e) must_check;

/* The pieces under the MAC for one spelling of the URL, in order; returns their number. */
size_t auth_signed_parts(const struct auth_way *way, const struct auth_input *in,
                         const struct auth_message *m, struct str url, struct str form,
                         struct str out[AUTH_MAX_PARTS]);
/* Twilio: parameters sorted and run together, or "" once the URL's bodySHA256 covers the body. */
int auth_form_text(const struct auth_input *in, struct arena *a, struct str *out,
                   struct error *e) must_check;
/* The called URL as given, then as a proxy or Twilio may have spelt it: with and without port, http and
   https. Returns how many. */
size_t auth_url_spellings(struct str url, struct arena *a, struct str out[AUTH_MAX_URLS]);

#endif
