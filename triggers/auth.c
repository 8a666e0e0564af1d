/* Who sent this? One request held against the compiled scheme of its route: what came is read, the
   clock is asked, then the MAC of every live secret is compared in constant time. */
#include "triggers/auth_inside.h"

/* ---- tokens ---- */

static int auth_basic_text(struct str encoded, struct buf *out, struct error *e)
{
    if (base64_decode(out, encoded) != 0)
        return error_set(e, ERROR_DENIED,
                         "header Authorization is not Basic base64 of user:password");
    return 0;
}

/* What follows the authentication scheme's word, which any case may spell (RFC 9110 section 11.1). */
static int auth_strip_word(const char *word, struct str *value, struct error *e)
{
    size_t n = strlen(word);
    if (!str_starts_fold(*value, str_of(word)) || value->n == n || value->p[n] != ' ')
        return error_set(e, ERROR_DENIED, "header Authorization is not %s", word);
    *value = str_trim(str_sub(*value, n, value->n));
    return 0;
}

static int auth_verify_token(const struct auth_way *way, const struct auth_input *in,
                             unsigned *which, struct error *e)
{
    const char *name = way->scheme.names[0].signature;
    struct str value;
    auto_buf decoded = BUF_INIT(4 * KIB);
    if (auth_one_header(in->headers, name, &value, e) != 0)
        return -1;
    if (way->scheme.kind == AUTH_BEARER && auth_strip_word("Bearer", &value, e) != 0)
        return -1;
    if (way->scheme.kind == AUTH_BASIC) {
        if (auth_strip_word("Basic", &value, e) != 0 || auth_basic_text(value, &decoded, e) != 0)
            return -1;
        value = buf_view(&decoded);
    }
    unsigned matched = 0;
    for (size_t i = 0; i < way->n_keys; i++) {
        if (crypto_equal_str(str_n(way->keys[i].text, way->keys[i].text_n), value) && !matched)
            matched = way->keys[i].number;
    }
    crypto_wipe(decoded.p, decoded.n);
    if (!matched)
        return error_set(e, ERROR_DENIED, "header %s does not match", name);
    *which = matched;
    return 0;
}

/* ---- signatures ---- */

static bool auth_key_matches(const struct auth_key *key, const struct auth_message *m,
                             const struct str *parts, size_t n_parts)
{
    uint8_t mac[CRYPTO_MAX_DIGEST];
    size_t size = key->is_public ? 0 : hmac_sign(key->hmac, parts, n_parts, mac);
    bool matches = false;
    for (size_t i = 0; i < m->n_claims; i++) {
        const struct auth_claim *c = &m->claims[i];
        if (c->is_public != key->is_public)
            continue;
        if (key->is_public)
            matches |= ed25519_verify(key->public_key, parts, n_parts, c->bytes);
        else
            matches |= c->n == size && crypto_equal(c->bytes, mac, size);
    }
    return matches;
}

static unsigned auth_matching_key(const struct auth_way *way, const struct auth_input *in,
                                  const struct auth_message *m, struct str url, struct str form)
{
    struct str parts[AUTH_MAX_PARTS];
    size_t n_parts = auth_signed_parts(way, in, m, url, form, parts);
    for (size_t i = 0; i < way->n_keys; i++) {
        if (auth_key_matches(&way->keys[i], m, parts, n_parts))
            return way->keys[i].number;
    }
    return 0;
}

/* For schemes that sign the URL: every spelling of it, and Twilio's form. */
static int auth_match_url(const struct auth_way *way, const struct auth_input *in,
                          const struct auth_message *m, unsigned *matched, struct error *e)
{
    struct arena *a = arena_new(0);
    struct str form = STR_NULL, urls[AUTH_MAX_URLS];
    int rc = auth_has_part(way, AUTH_FORM) ? auth_form_text(in, a, &form, e) : 0;
    size_t n = rc == 0 ? auth_url_spellings(in->url, a, urls) : 0;
    for (size_t i = 0; i < n && !*matched; i++)
        *matched = auth_matching_key(way, in, m, urls[i], form);
    arena_free(a);
    return rc;
}

static int auth_verify_signed(const struct auth_way *way, const struct auth_input *in,
                              unsigned *which, struct error *e)
{
    struct auth_message m;
    unsigned matched = 0;
    if (auth_message_read(way, in->headers, &m, e) != 0 ||
        auth_check_clock(&way->scheme, m.timestamp, in->now_us, e) != 0)
        return -1;
    if (auth_has_part(way, AUTH_URL) || auth_has_part(way, AUTH_FORM)) {
        if (auth_match_url(way, in, &m, &matched, e) != 0)
            return -1;
    } else {
        matched = auth_matching_key(way, in, &m, STR_NULL, STR_NULL);
    }
    if (!matched)
        return error_set(e, ERROR_DENIED, "signature does not match");
    /* Nothing of a body is parsed before it is known to be genuine. */
    if (auth_check_body_clock(&way->scheme, in->body, in->now_us, e) != 0)
        return -1;
    *which = matched;
    return 0;
}

static int auth_verify_way(const struct auth_way *way, const struct auth_input *in, unsigned *which,
                           struct error *e)
{
    return way->scheme.kind == AUTH_SIGNED ? auth_verify_signed(way, in, which, e)
                                           : auth_verify_token(way, in, which, e);
}

static bool auth_way_is_tried(const struct auth_way *way, const struct http_headers *h)
{
    for (size_t i = 0; i < N_ELEMENTS(way->scheme.names); i++) {
        const char *name = way->scheme.names[i].signature;
        if (name && http_header_count(h, str_of(name)) > 0)
            return true;
    }
    return false;
}

int auth_verify(const struct auth *a, const struct auth_input *in, unsigned *which, struct error *e)
{
    struct error why = ERROR_INIT, other = ERROR_INIT;
    if (auth_verify_way(&a->ways[0], in, which, &why) == 0)
        return 0;
    if (a->n_ways > 1 && auth_way_is_tried(&a->ways[1], in->headers)) {
        if (auth_verify_way(&a->ways[1], in, which, &other) == 0)
            return 0;
        why = auth_way_is_tried(&a->ways[0], in->headers) ? why : other;
    }
    return error_set(e, ERROR_DENIED, "%s", why.text);
}

/* ---- the rest ---- */

static bool auth_contains_fold(struct str text, struct str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++) {
        if (str_eq_fold(str_sub(text, i, word.n), word))
            return true;
    }
    return false;
}

/* Whatever the scheme: a sender that is set up for another one than its route's sends that one's secret
   all the same. */
static bool auth_sounds_secret(struct str name)
{
    static const char *const words[] = { "authorization", "cookie",   "token",   "secret",
                                         "signature",     "password", "api-key", "apikey" };
    for (size_t i = 0; i < N_ELEMENTS(words); i++) {
        if (auth_contains_fold(name, str_of(words[i])))
            return true;
    }
    return false;
}

bool auth_is_secret_header(const struct auth *a, struct str name)
{
    for (size_t i = 0; a && i < a->n_ways; i++) {
        for (size_t k = 0; k < N_ELEMENTS(a->ways[i].scheme.names); k++) {
            const char *mine = a->ways[i].scheme.names[k].signature;
            if (mine && str_eq_fold(name, str_of(mine)))
                return true;
        }
    }
    for (size_t i = 0; i < auth_table_n; i++) {
        for (size_t k = 0; k < N_ELEMENTS(auth_table[i].names); k++) {
            const char *known = auth_table[i].names[k].signature;
            if (known && str_eq_fold(name, str_of(known)))
                return true;
        }
    }
    return auth_sounds_secret(name);
}

const char *auth_mode_word(const struct auth *a)
{
    return a ? a->ways[0].scheme.mode : "none";
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n_ways; i++) {
        for (size_t k = 0; k < a->ways[i].n_keys; k++) {
            struct auth_key *key = &a->ways[i].keys[k];
            hmac_key_free(key->hmac);
            crypto_wipe(key->text, key->text_n);
        }
    }
    arena_free(a->arena);
}
