/* The other side: the headers a genuine sender would put on a body, for `keryx sign`, `webhook test` and
   the tests of auth.c. */
#include "triggers/auth_inside.h"

#include "base/when.h"

static void sign_encode(enum auth_encoding encoding, const uint8_t *mac, size_t n, struct buf *out)
{
    if (encoding == AUTH_HEX)
        hex_encode(out, mac, n);
    else
        base64_encode(out, mac, n);
}

/* The header's value around one encoded signature. */
static struct str sign_value(const struct auth_scheme *s, struct str timestamp,
                             struct str signature, struct arena *a)
{
    switch (s->form) {
    case AUTH_ANY:
        return arena_printf(a, "%s=%" STR_FMT, auth_table_hash_word(s->hash), STR_ARG(signature));
    case AUTH_VERSIONS:
        return arena_printf(a, "%s,%" STR_FMT, s->prefix, STR_ARG(signature));
    case AUTH_FIELDS:
        if (s->clock != AUTH_NO_CLOCK)
            return arena_printf(a, "t=%" STR_FMT ",%s=%" STR_FMT, STR_ARG(timestamp), s->prefix,
                                STR_ARG(signature));
        return arena_printf(a, "%s=%" STR_FMT, s->prefix, STR_ARG(signature));
    case AUTH_PREFIXED:
        break;
    }
    return arena_printf(a, "%s%" STR_FMT, s->prefix, STR_ARG(signature));
}

static struct str sign_timestamp(const struct auth_scheme *s, int64_t now_us, struct arena *a)
{
    char text[WHEN_TEXT];
    int64_t seconds = now_us / US_PER_S;
    if (s->clock == AUTH_ISO_8601) /* Zendesk writes whole seconds: 2021-03-25T05:09:27Z */
        return arena_printf(a, "%.19sZ", when_format_us(seconds * US_PER_S, text));
    return arena_printf(a, "%lld", (long long)seconds);
}

/* The request's own id, so that a redelivery keeps it; else one that follows from time and body. */
static struct str sign_id(const struct auth_scheme *s, const struct auth_input *in, struct arena *a)
{
    struct str given =
        in->headers ? str_trim(http_header_get(in->headers, str_of(s->names[0].id))) : STR_NULL;
    if (given.n)
        return given;
    uint8_t digest[CRYPTO_MAX_DIGEST];
    auto_buf text = BUF_INIT(in->body.n + 64), hex = BUF_INIT(64);
    buf_printf(&text, "%lld.", (long long)in->now_us);
    buf_str(&text, in->body);
    crypto_digest(CRYPTO_SHA256, buf_view(&text), digest);
    hex_encode(&hex, digest, 12);
    return arena_printf(a, "msg_%" STR_FMT, STR_ARG(buf_view(&hex)));
}

static int sign_signed(const struct auth_way *way, const struct auth_input *in, struct arena *a,
                       struct http_headers *out, struct error *e)
{
    const struct auth_scheme *s = &way->scheme;
    const struct auth_names *names = &s->names[0];
    struct auth_message m = { 0 };
    struct str parts[AUTH_MAX_PARTS], form = STR_NULL;
    uint8_t mac[CRYPTO_MAX_DIGEST];
    if (way->keys[0].is_public)
        return error_set(e, ERROR_INVALID, "mode %s: only the sender holds the private key",
                         s->mode);
    if (auth_has_part(way, AUTH_TIMESTAMP))
        m.timestamp = sign_timestamp(s, in->now_us, a);
    if (auth_has_part(way, AUTH_ID))
        m.id = sign_id(s, in, a);
    if (auth_has_part(way, AUTH_FORM) && auth_form_text(in, a, &form, e) != 0)
        return -1;
    size_t n_parts = auth_signed_parts(way, in, &m, in->url, form, parts);
    size_t n = hmac_sign(way->keys[0].hmac, parts, n_parts, mac);
    auto_buf text = BUF_INIT(KIB);
    sign_encode(s->encoding, mac, n, &text);
    if (names->id)
        http_header_add(a, out, arena_str(a, str_of(names->id)), m.id);
    if (names->timestamp)
        http_header_add(a, out, arena_str(a, str_of(names->timestamp)), m.timestamp);
    http_header_add(a, out, arena_str(a, str_of(names->signature)),
                    sign_value(s, m.timestamp, buf_view(&text), a));
    return 0;
}

static struct str sign_token(const struct auth_way *way, struct arena *a)
{
    struct str text = str_n(way->keys[0].text, way->keys[0].text_n);
    if (way->scheme.kind == AUTH_BEARER)
        return arena_printf(a, "Bearer %" STR_FMT, STR_ARG(text));
    if (way->scheme.kind != AUTH_BASIC)
        return arena_str(a, text);
    auto_buf encoded = BUF_INIT(4 * KIB + 2 * text.n);
    base64_encode(&encoded, text.p, text.n);
    return arena_printf(a, "Basic %" STR_FMT, STR_ARG(buf_view(&encoded)));
}

int auth_sign(const struct auth *a, const struct auth_input *in, struct arena *arena,
              struct http_headers *out, struct error *e)
{
    const struct auth_way *way = &a->ways[0];
    if (way->scheme.kind == AUTH_SIGNED)
        return sign_signed(way, in, arena, out, e);
    struct str name = arena_str(arena, str_of(way->scheme.names[0].signature));
    http_header_add(arena, out, name, sign_token(way, arena));
    return 0;
}
