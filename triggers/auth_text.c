/* The signed string: its parts from "{timestamp}.{body}", the pieces that go under the MAC, and
   Twilio's two inventions, the sorted form and the URL as the sender spelt it. */
#include "triggers/auth_inside.h"

#include "http/url.h"

/* STR() for static tables. */
#define LITERAL(text)            \
    {                            \
        (text), sizeof(text) - 1 \
    }

static const struct {
    const char *name;
    enum auth_part_kind kind;
} auth_part_names[] = {
    { "{timestamp}", AUTH_TIMESTAMP }, { "{id}", AUTH_ID },
    { "{body}", AUTH_BODY },           { "{url}", AUTH_URL },
    { "{form}", AUTH_FORM },           { "{method}", AUTH_METHOD },
};

/* Cuts the next part off the text: a {name}, or what stands before the next brace. */
static int auth_next_part(struct str *text, struct auth_part *part, struct error *e)
{
    size_t n = 0;
    while (n < text->n && text->p[n] != '{' && text->p[n] != '}')
        n++;
    if (n > 0) {
        *part = (struct auth_part){ AUTH_LITERAL, str_sub(*text, 0, n) };
        *text = str_sub(*text, n, text->n);
        return 0;
    }
    for (size_t i = 0; i < N_ELEMENTS(auth_part_names); i++) {
        struct str name = str_of(auth_part_names[i].name);
        if (!str_starts(*text, name))
            continue;
        *part = (struct auth_part){ auth_part_names[i].kind, STR_NULL };
        *text = str_sub(*text, name.n, text->n);
        return 0;
    }
    return error_set(e, ERROR_INVALID,
                     "unknown part at \"%" STR_FMT
                     "\"; expected text with {timestamp}, {body}, {url}, {form} or {method}",
                     STR_ARG(str_sub(*text, 0, 24)));
}

int auth_parts(struct str text, struct auth_part parts[AUTH_MAX_PARTS], struct error *e)
{
    size_t n = 0;
    bool covers = false;
    while (text.n > 0) {
        if (n == AUTH_MAX_PARTS)
            return error_set(e, ERROR_LIMIT, "more than %d parts", AUTH_MAX_PARTS);
        if (auth_next_part(&text, &parts[n], e) != 0)
            return -1;
        covers |= parts[n].kind == AUTH_BODY || parts[n].kind == AUTH_FORM;
        n++;
    }
    if (!covers)
        return error_set(e, ERROR_INVALID, "the body is not signed; expected {body} in it");
    return (int)n;
}

bool auth_has_part(const struct auth_way *way, enum auth_part_kind kind)
{
    for (size_t i = 0; i < way->n_parts; i++) {
        if (way->parts[i].kind == kind)
            return true;
    }
    return false;
}

size_t auth_signed_parts(const struct auth_way *way, const struct auth_input *in,
                         const struct auth_message *m, struct str url, struct str form,
                         struct str out[AUTH_MAX_PARTS])
{
    const struct str by_kind[] = {
        [AUTH_TIMESTAMP] = m->timestamp, [AUTH_ID] = m->id, [AUTH_BODY] = in->body,
        [AUTH_METHOD] = in->method,      [AUTH_URL] = url,  [AUTH_FORM] = form,
    };
    for (size_t i = 0; i < way->n_parts; i++) {
        const struct auth_part *part = &way->parts[i];
        out[i] = part->kind == AUTH_LITERAL ? part->literal : by_kind[part->kind];
    }
    return way->n_parts;
}

/* ---- a form, sorted ---- */

struct auth_pair {
    struct str key, value;
};

static int auth_pair_cmp(const void *left, const void *right)
{
    const struct auth_pair *a = left, *b = right;
    int by_key = str_cmp(a->key, b->key);
    return by_key ? by_key : str_cmp(a->value, b->value);
}

static int auth_form_pairs(struct str body, struct arena *a, struct auth_pair *pairs, size_t *n,
                           struct error *e)
{
    struct str piece;
    while (str_split(&body, '&', &piece)) {
        if (piece.n == 0)
            continue;
        if (*n == AUTH_MAX_PAIRS)
            return error_set(e, ERROR_DENIED, "the form has more than %d parameters",
                             AUTH_MAX_PAIRS);
        ptrdiff_t at = str_chr(piece, '=');
        struct str key = at < 0 ? piece : str_sub(piece, 0, (size_t)at);
        struct str value = at < 0 ? STR_NULL : str_sub(piece, (size_t)at + 1, piece.n);
        struct auth_pair *pair = &pairs[*n];
        if (url_decode(a, key, true, &pair->key) != 0 ||
            url_decode(a, value, true, &pair->value) != 0)
            return error_set(e, ERROR_DENIED, "the form has a malformed escape");
        (*n)++;
    }
    return 0;
}

/* Key and value of every parameter, sorted, repeats of one key with one value once. */
static int auth_form_joined(struct str body, struct arena *a, struct str *out, struct error *e)
{
    struct auth_pair *pairs = ARENA_ARRAY(a, struct auth_pair, AUTH_MAX_PAIRS);
    size_t n = 0;
    if (auth_form_pairs(body, a, pairs, &n, e) != 0)
        return -1;
    if (n > 1)
        qsort(pairs, n, sizeof(*pairs), auth_pair_cmp);
    auto_buf text = BUF_INIT(body.n + 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && auth_pair_cmp(&pairs[i - 1], &pairs[i]) == 0)
            continue;
        buf_str(&text, pairs[i].key);
        buf_str(&text, pairs[i].value);
    }
    *out = arena_str(a, buf_view(&text));
    return 0;
}

static int auth_body_digest(struct str body, struct str claimed, struct error *e)
{
    uint8_t want[32], got[CRYPTO_MAX_DIGEST];
    crypto_digest(CRYPTO_SHA256, body, got);
    if (hex_decode(claimed, want, sizeof(want)) != 0 || !crypto_equal(want, got, sizeof(want)))
        return error_set(e, ERROR_DENIED, "the body does not match bodySHA256 of the URL");
    return 0;
}

int auth_form_text(const struct auth_input *in, struct arena *a, struct str *out, struct error *e)
{
    ptrdiff_t question = str_chr(in->url, '?');
    struct str query = question < 0 ? STR_NULL : str_sub(in->url, (size_t)question + 1, in->url.n);
    struct str digest = url_query_get(a, query, STR("bodySHA256"));
    *out = STR_NULL;
    if (digest.p)
        return auth_body_digest(in->body, digest, e);
    if (in->body.n == 0)
        return 0;
    struct str type = http_media_type(http_header_get(in->headers, STR("content-type")));
    if (!str_eq_fold(type, STR("application/x-www-form-urlencoded")))
        return error_set(e, ERROR_DENIED,
                         "the body is no form and the URL has no bodySHA256: it is not signed");
    return auth_form_joined(in->body, a, out, e);
}

/* ---- the URL ---- */

/* "host:8443" → host and ":8443"; the colons of "[::1]" are the host's. */
static void auth_split_port(struct str authority, struct str *host, struct str *port)
{
    ptrdiff_t colon = str_rchr(authority, ':'), bracket = str_rchr(authority, ']');
    size_t at = colon > bracket ? (size_t)colon : authority.n;
    *host = str_sub(authority, 0, at);
    *port = str_sub(authority, at, authority.n);
}

static struct str auth_url_join(struct arena *a, const struct str *pieces, size_t n)
{
    auto_buf text = BUF_INIT(SIZE_MAX / 2);
    for (size_t i = 0; i < n; i++)
        buf_str(&text, pieces[i]);
    return arena_str(a, buf_view(&text));
}

size_t auth_url_spellings(struct str url, struct arena *a, struct str out[AUTH_MAX_URLS])
{
    static const struct str scheme[] = { LITERAL("http://"), LITERAL("https://") };
    static const struct str standard[] = { LITERAL(":80"), LITERAL(":443") };
    bool tls = str_starts_fold(url, scheme[1]);
    out[0] = url;
    if (!tls && !str_starts_fold(url, scheme[0]))
        return 1;
    size_t start = scheme[tls].n, end = start;
    while (end < url.n && !strchr("/?#", url.p[end]))
        end++;
    struct str host, port, rest = str_sub(url, end, url.n);
    auth_split_port(str_sub(url, start, end - start), &host, &port);
    for (unsigned i = 1; i < AUTH_MAX_URLS; i++) {
        bool https = (i < 2) == tls, with_port = (i & 1) == (port.n == 0);
        struct str shown = !with_port ? STR_NULL : port.n ? port : standard[https];
        const struct str pieces[] = { scheme[https], host, shown, rest };
        out[i] = auth_url_join(a, pieces, N_ELEMENTS(pieces));
    }
    return AUTH_MAX_URLS;
}
