/* String literals: from raw source text to characters, and from characters to source text. */
#include "base/json.h"

#include "base/json_inside.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int json_hex4(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t utf8_put(char out[4], unsigned c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The character of a \u escape whose digits are at *p; a lone surrogate is U+FFFD. */
static unsigned unescape_u(const char **p, const char *end)
{
    int high = json_hex4(*p, end);
    if (high < 0)
        return 0xfffd;
    *p += 4;
    if (high < 0xd800 || high > 0xdfff)
        return (unsigned)high;
    if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return 0xfffd;
    int low = json_hex4(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *p += 6;
    return 0x10000 + ((unsigned)(high - 0xd800) << 10) + (unsigned)(low - 0xdc00);
}

size_t json_unescape(const char **p, const char *end, char out[4])
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (**p != '\\' || end - *p < 2) {
        out[0] = *(*p)++;
        return 1;
    }
    char c = (*p)[1];
    *p += 2;
    if (c == 'u')
        return utf8_put(out, unescape_u(p, end));
    const char *known = c ? strchr(plain, c) : NULL;
    out[0] = known ? meant[known - plain] : c;
    return 1;
}

/* No escape is shorter than the character it stands for, so the raw length is room enough. */
static struct str decode(struct arena *a, struct str raw)
{
    char *text = arena_alloc(a, raw.n + 4);
    size_t n = 0;
    const char *p = raw.p, *end = raw.p + raw.n;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);
        memcpy(text + n, p, run);
        n += run;
        p += run;
        if (p < end)
            n += json_unescape(&p, end, text + n);
    }
    return (struct str){ text, n };
}

struct str json_text(struct arena *a, const struct json *v)
{
    return v->flags & JSON_ESCAPED ? decode(a, v->text) : v->text;
}

struct str json_key_text(struct arena *a, const struct json *member)
{
    return member->flags & JSON_KEY_ESCAPED ? decode(a, member->key) : member->key;
}

bool json_key_is(const struct json *member, struct str key, bool fold)
{
    if (!(member->flags & JSON_KEY_ESCAPED))
        return fold ? str_eq_fold(member->key, key) : str_eq(member->key, key);
    const char *p = member->key.p, *end = p + member->key.n;
    char c[4];
    while (p < end) {
        size_t n = json_unescape(&p, end, c);
        struct str got = { c, n }, want = str_sub(key, 0, n);
        if (!(fold ? str_eq_fold(got, want) : str_eq(got, want)))
            return false;
        key = str_sub(key, n, key.n);
    }
    return key.n == 0;
}

/* json_plain_end, and with JSON_HTML_SAFE also before < > and &. */
static const char *run_end(const char *p, const char *end, unsigned style)
{
    end = json_plain_end(p, end);
    if (style & JSON_HTML_SAFE) {
        while (p < end && *p != '<' && *p != '>' && *p != '&')
            p++;
        return p;
    }
    return end;
}

/* What has to stand for the character at s[0], into `out`; empty when it may stay. *used: how many
   bytes of s that is about. U+2028 and U+2029 end a line in old JavaScript, so they never stay. */
static struct str replacement(struct str s, unsigned flags, char out[8], size_t *used)
{
    static const char short_from[] = "\"\\\b\f\n\r\t", short_to[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s.p[0];
    *used = 1;
    if (c >= 0x80) {
        *used = str_utf8_len(s, 0);
        if (*used == 0) {
            *used = 1;
            return STR(REPLACEMENT);
        }
        if (*used == 3 && memcmp(s.p, "\xe2\x80", 2) == 0 && (s.p[2] & ~1) == (char)0xa8)
            return s.p[2] & 1 ? STR("\\u2029") : STR("\\u2028");
        return STR_NULL;
    }
    if (flags & JSON_ESCAPED && c == '\\') {
        *used = MIN((size_t)2, s.n);
        return STR_NULL;
    }
    const char *known = c ? strchr(short_from, c) : NULL;
    out[0] = '\\';
    if (known) {
        out[1] = short_to[known - short_from];
        return (struct str){ out, 2 };
    }
    out[1] = 'u';
    out[2] = out[3] = '0';
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return (struct str){ out, 6 };
}

void json_write_inside(struct buf *out, struct str s, unsigned flags, unsigned style)
{
    if (!s.n)
        return;
    const char *p = s.p, *end = s.p + s.n, *kept = p;
    while ((p = run_end(p, end, style)) < end) {
        char scratch[8];
        size_t used;
        struct str with = replacement((struct str){ p, (size_t)(end - p) }, flags, scratch, &used);
        if (with.n) {
            buf_add(out, kept, (size_t)(p - kept));
            buf_str(out, with);
            kept = p + used;
        }
        p += used;
    }
    buf_add(out, kept, (size_t)(end - kept));
}

void json_escape(struct buf *out, struct str s)
{
    json_write_inside(out, s, 0, JSON_COMPACT);
}

void json_quote(struct buf *out, struct str s)
{
    buf_char(out, '"');
    json_escape(out, s);
    buf_char(out, '"');
}
