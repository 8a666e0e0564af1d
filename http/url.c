/* Percent-coding and forms. */
#include "http/url.h"

#include "base/map.h"

enum {
    URL_MAX_PAIRS = 1000,
};

static int url_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int url_decode(struct arena *a, struct str in, bool form, struct str *out)
{
    if (str_chr(in, '\0') >= 0)
        return -1;
    if (str_chr(in, '%') < 0 && (!form || str_chr(in, '+') < 0)) {
        *out = in;
        return 0;
    }
    char *text = arena_alloc(a, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            int high = i + 2 < in.n ? url_digit(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? url_digit(in.p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0)
                return -1;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        text[n++] = c;
    }
    *out = str_n(text, n);
    return 0;
}

void url_encode(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            buf_char(out, (char)c);
        } else {
            buf_char(out, '%');
            buf_char(out, "0123456789ABCDEF"[c >> 4]);
            buf_char(out, "0123456789ABCDEF"[c & 15]);
        }
    }
}

/* Well-formed UTF-8: each byte that is not becomes U+FFFD. */
static struct str url_utf8(struct arena *a, struct str s)
{
    if (str_utf8_valid(s))
        return s;
    char *text = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        size_t len = str_utf8_len(s, i);
        memcpy(text + n, len ? s.p + i : "\xEF\xBF\xBD", len ? len : 3);
        n += len ? len : 3;
        i += len ? len : 1;
    }
    return str_n(text, n);
}

/* Cuts the next non-empty pair off *rest and decodes it. 1, 0 at the end, -1 malformed. */
static int url_next_pair(struct arena *a, struct str *rest, struct str *key, struct str *value)
{
    struct str pair;
    do {
        if (!str_split(rest, '&', &pair))
            return 0;
    } while (pair.n == 0);
    ptrdiff_t equals = str_chr(pair, '=');
    struct str raw_key = equals < 0 ? pair : str_sub(pair, 0, (size_t)equals);
    struct str raw_value = equals < 0 ? STR("") : str_sub(pair, (size_t)equals + 1, pair.n);
    if (url_decode(a, raw_key, true, key) || url_decode(a, raw_value, true, value))
        return -1;
    return 1;
}

/* Adds one more value to a key that is there already. */
static void url_form_again(struct arena *a, struct map *seen, struct str key, struct str value)
{
    struct json *old = map_get(seen, key);
    if (old->type != JSON_LIST) {
        /* The member becomes the list in place, so that it keeps its turn. */
        struct json *first = json_str(a, old->text);
        old->type = JSON_LIST;
        old->text = STR_NULL;
        json_add(a, old, first);
    }
    json_add(a, old, json_str(a, value));
}

static int url_form_fill(struct arena *a, struct json *object, struct map *seen, struct str text,
                         bool keep_all, struct error *e)
{
    struct str key, value;
    for (unsigned pairs = 0;; pairs++) {
        int got = url_next_pair(a, &text, &key, &value);
        if (got < 0)
            return error_set(e, ERROR_INVALID, "the form has a malformed %%-escape or a NUL");
        if (got == 0)
            return 0;
        if (pairs == URL_MAX_PAIRS)
            return error_set(e, ERROR_LIMIT, "the form has more than %d fields", URL_MAX_PAIRS);
        key = url_utf8(a, key);
        value = url_utf8(a, value);
        if (!map_get(seen, key))
            map_put(seen, key, json_put(a, object, key, json_str(a, value)));
        else if (keep_all)
            url_form_again(a, seen, key, value);
    }
}

struct json *url_form_json(struct arena *a, struct str text, bool keep_all, struct error *e)
{
    struct json *object = json_object(a);
    struct map *seen = map_new(false);
    int failed = url_form_fill(a, object, seen, text, keep_all, e);
    map_free(seen);
    return failed ? NULL : object;
}

struct str url_query_get(struct arena *a, struct str query, struct str key)
{
    struct str got_key, value;
    int got;
    while ((got = url_next_pair(a, &query, &got_key, &value)) != 0) {
        if (got > 0 && str_eq(got_key, key))
            return value.p ? value : STR("");
    }
    return STR_NULL;
}
