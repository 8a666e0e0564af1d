/* What a request says about itself: the signatures, timestamp and id in its headers, read strictly,
   and whether the timestamp is near enough. Nothing here is believed yet. */
#include "triggers/auth_inside.h"

#include "base/when.h"

#define LATEST_SECOND 99999999999ULL /* year 5138: larger numbers are milliseconds, or garbage */

int auth_one_header(const struct http_headers *h, const char *name, struct str *out,
                    struct error *e)
{
    size_t count = http_header_count(h, str_of(name));
    if (count == 0)
        return error_set(e, ERROR_DENIED, "header %s is missing", name);
    if (count > 1)
        return error_set(e, ERROR_DENIED, "header %s came twice", name);
    struct str value = str_trim(http_header_get(h, str_of(name)));
    if (value.n == 0)
        return error_set(e, ERROR_DENIED, "header %s is empty", name);
    *out = value;
    return 0;
}

/* ---- signatures ---- */

static bool claim_decode(enum auth_encoding encoding, struct str text, size_t size,
                         struct auth_claim *c)
{
    if (encoding == AUTH_HEX) {
        c->n = size;
        return hex_decode(text, c->bytes, size) == 0;
    }
    auto_buf bytes = BUF_INIT(CRYPTO_MAX_DIGEST);
    if (base64_decode(&bytes, text) != 0 || bytes.n != size)
        return false;
    memcpy(c->bytes, bytes.p, size);
    c->n = size;
    return true;
}

/* "sha256=" hex, bare hex, base64: hex and base64 of one digest never have the same length. Another
   algorithm's "sha1=" is none of the three. */
static bool claim_decode_any(const struct auth_scheme *s, struct str text, size_t size,
                             struct auth_claim *c)
{
    const char *word = auth_table_hash_word(s->hash);
    size_t n = strlen(word);
    if (text.n > n && str_starts_fold(text, str_of(word)) && text.p[n] == '=')
        return claim_decode(AUTH_HEX, str_sub(text, n + 1, text.n), size, c);
    return claim_decode(AUTH_HEX, text, size, c) || claim_decode(AUTH_BASE64, text, size, c);
}

static size_t claim_size(const struct auth_scheme *s)
{
    return s->secret == AUTH_HEX_PUBLIC ? 64 : crypto_hash_size(s->hash);
}

static int claim_single(const struct auth_scheme *s, const char *name, struct str value,
                        struct auth_message *m, struct error *e)
{
    struct auth_claim *c = &m->claims[0];
    bool good = false;
    c->is_public = s->secret == AUTH_HEX_PUBLIC;
    if (s->form == AUTH_ANY)
        good = claim_decode_any(s, value, claim_size(s), c);
    else if (str_starts(value, str_of(s->prefix)))
        good =
            claim_decode(s->encoding, str_sub(value, strlen(s->prefix), value.n), claim_size(s), c);
    m->n_claims = good;
    if (good)
        return 0;
    if (s->form == AUTH_ANY)
        return error_set(e, ERROR_DENIED, "header %s is not %s=<hex>, bare hex or base64", name,
                         auth_table_hash_word(s->hash));
    return error_set(e, ERROR_DENIED, "header %s is not %s<%s> of %zu bytes", name, s->prefix,
                     s->encoding == AUTH_HEX ? "hex" : "base64", claim_size(s));
}

/* One piece of a list. What is malformed or of another scheme is passed over: senders put signatures
   of old secrets and of test schemes beside the one that counts. -1: the list is too long. */
static int claim_piece(const struct auth_scheme *s, struct str key, struct str text,
                       struct auth_message *m)
{
    bool is_public = s->form == AUTH_VERSIONS && str_eq_c(key, "v1a");
    if (!is_public && !str_eq_c(key, s->prefix))
        return 0;
    if (m->n_claims == AUTH_MAX_CLAIMS)
        return -1;
    struct auth_claim *c = &m->claims[m->n_claims];
    c->is_public = is_public;
    m->n_claims += claim_decode(s->encoding, text, is_public ? 64 : claim_size(s), c);
    return 0;
}

static int claim_list(const struct auth_scheme *s, const char *name, struct str value,
                      struct auth_message *m, struct error *e)
{
    char separator = s->form == AUTH_FIELDS ? ',' : ' ',
         equals = s->form == AUTH_FIELDS ? '=' : ',';
    struct str piece;
    while (str_split(&value, separator, &piece)) {
        piece = str_trim(piece);
        ptrdiff_t at = str_chr(piece, equals);
        if (at < 0)
            continue;
        struct str key = str_sub(piece, 0, (size_t)at),
                   text = str_sub(piece, (size_t)at + 1, piece.n);
        if (s->form == AUTH_FIELDS && s->clock != AUTH_NO_CLOCK && str_eq_c(key, "t")) {
            if (m->timestamp.p)
                return error_set(e, ERROR_DENIED, "header %s has two timestamps", name);
            m->timestamp = text;
        } else if (claim_piece(s, key, text, m) != 0) {
            return error_set(e, ERROR_DENIED, "header %s has more than %d signatures", name,
                             AUTH_MAX_CLAIMS);
        }
    }
    return 0;
}

/* A list may also be spread over several headers of the name (RFC 9110 section 5.2). */
static int claims_of_lists(const struct auth_scheme *s, const char *name,
                           const struct http_headers *h, struct auth_message *m, struct error *e)
{
    if (http_header_count(h, str_of(name)) == 0)
        return error_set(e, ERROR_DENIED, "header %s is missing", name);
    for (size_t i = 0; i < h->n; i++) {
        if (str_eq_fold(h->items[i].name, str_of(name)) &&
            claim_list(s, name, h->items[i].value, m, e) != 0)
            return -1;
    }
    if (m->n_claims == 0)
        return error_set(e, ERROR_DENIED, "header %s has no %s signature", name, s->prefix);
    return 0;
}

int auth_message_read(const struct auth_way *way, const struct http_headers *h,
                      struct auth_message *m, struct error *e)
{
    const struct auth_scheme *s = &way->scheme;
    const struct auth_names *names = &s->names[0];
    if (s->names[1].signature && http_header_count(h, str_of(names->signature)) == 0 &&
        http_header_count(h, str_of(s->names[1].signature)) > 0)
        names = &s->names[1];
    *m = (struct auth_message){ 0 };
    if (s->form == AUTH_FIELDS || s->form == AUTH_VERSIONS) {
        if (claims_of_lists(s, names->signature, h, m, e) != 0)
            return -1;
    } else {
        struct str value = STR_NULL;
        if (auth_one_header(h, names->signature, &value, e) != 0 ||
            claim_single(s, names->signature, value, m, e) != 0)
            return -1;
    }
    if (names->timestamp && auth_one_header(h, names->timestamp, &m->timestamp, e) != 0)
        return -1;
    if (s->clock != AUTH_NO_CLOCK && s->clock != AUTH_BODY_MS && m->timestamp.n == 0)
        return error_set(e, ERROR_DENIED, "header %s has no timestamp t=", names->signature);
    if (names->id && auth_one_header(h, names->id, &m->id, e) != 0)
        return -1;
    return 0;
}

/* ---- time ---- */

static int clock_refuse(const struct auth_scheme *s, int64_t age_us, struct error *e)
{
    long long age = (age_us < 0 ? -age_us : age_us) / US_PER_S, allowed = s->tolerance / US_PER_S;
    if (age_us > s->tolerance)
        return error_set(e, ERROR_DENIED, "timestamp is %lld s old; %lld s are allowed", age,
                         allowed);
    if (age_us < -s->tolerance)
        return error_set(e, ERROR_DENIED, "timestamp is %lld s in the future; %lld s are allowed",
                         age, allowed);
    return 0;
}

/* The instant in µs, and the grain it was written in. */
static int clock_read(enum auth_clock clock, struct str text, int64_t *us, int64_t *grain)
{
    uint64_t number;
    *grain = US_PER_S;
    if (clock != AUTH_ISO_8601 && str_u64(text, &number) == 0) {
        if (number > LATEST_SECOND && (clock != AUTH_ANY_CLOCK || number > LATEST_SECOND * 1000))
            return -1;
        *grain = number > LATEST_SECOND ? US_PER_MS : US_PER_S;
        *us = (int64_t)number * *grain;
        return 0;
    }
    return clock == AUTH_SECONDS ? -1 : when_parse(text, NULL, us, NULL);
}

int auth_check_clock(const struct auth_scheme *s, struct str timestamp, int64_t now_us,
                     struct error *e)
{
    int64_t us, grain;
    if (s->tolerance == 0 || s->clock == AUTH_NO_CLOCK || s->clock == AUTH_BODY_MS)
        return 0;
    if (clock_read(s->clock, timestamp, &us, &grain) != 0)
        return error_set(e, ERROR_DENIED, "the timestamp is not %s",
                         s->clock == AUTH_ISO_8601 ? "an ISO 8601 instant"
                                                   : "a number of seconds since 1970");
    /* A sender that writes whole seconds has an age in whole seconds. */
    return clock_refuse(s, now_us - now_us % grain - us, e);
}

int auth_check_body_clock(const struct auth_scheme *s, struct str body, int64_t now_us,
                          struct error *e)
{
    int64_t ms = 0;
    if (s->clock != AUTH_BODY_MS)
        return 0;
    struct arena *a = arena_new(0);
    const struct json *v = json_parse(a, body, NULL, NULL);
    int rc = v ? json_get_i64(v, "webhookTimestamp", &ms) : -1;
    arena_free(a);
    if (rc != 0 || ms < 0 || (uint64_t)ms > LATEST_SECOND * 1000)
        return error_set(e, ERROR_DENIED,
                         "the body has no webhookTimestamp in milliseconds since 1970");
    return clock_refuse(s, now_us - ms * US_PER_MS, e);
}
