/* Escaping by where a value lands. */
#include "templates/escape.h"

#define REPLACEMENT "\xef\xbf\xbd"

enum escape_place escape_follow(enum escape_place place, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (place == ESCAPE_SLASH)
            place = ESCAPE_STRING;
        else if (text.p[i] == '"')
            place = place == ESCAPE_STRING ? ESCAPE_OUTSIDE : ESCAPE_STRING;
        else if (text.p[i] == '\\' && place == ESCAPE_STRING)
            place = ESCAPE_SLASH;
    }
    return place;
}

enum escape_place escape_json(struct buf *out, enum escape_place place, struct str s)
{
    if (place == ESCAPE_OUTSIDE) {
        escape_none(out, s);
        return escape_follow(place, s);
    }
    if (s.n == 0)
        return place;
    if (place == ESCAPE_SLASH)
        buf_char(out, '\\');
    json_escape(out, s);
    return ESCAPE_STRING;
}

void escape_html(struct buf *out, struct str s, const char *quot)
{
    size_t kept = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *with = NULL;
        switch (s.p[i]) {
        case '\0':
            with = REPLACEMENT;
            break;
        case '"':
            with = quot;
            break;
        case '\'':
            with = "&#39;";
            break;
        case '&':
            with = "&amp;";
            break;
        case '<':
            with = "&lt;";
            break;
        case '>':
            with = "&gt;";
            break;
        default:
            continue;
        }
        escape_none(out, str_sub(s, kept, i - kept));
        buf_cstr(out, with);
        kept = i + 1;
    }
    escape_none(out, str_sub(s, kept, s.n));
}

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void escape_url(struct buf *out, struct str s, bool plus)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved(s.p[i])) {
            buf_char(out, s.p[i]);
        } else if (c == ' ' && plus) {
            buf_char(out, '+');
        } else {
            char coded[3] = { '%', hex[c >> 4], hex[c & 15] };
            buf_add(out, coded, sizeof(coded));
        }
    }
}

/* Code points that Go's unicode.IsPrint refuses and that occur in practice: C1 controls, blanks
   other than ' ', joiners and directional marks, separators, surrogates'
   neighbours and noncharacters. */
static bool unprintable(unsigned rune)
{
    static const struct {
        unsigned low, high;
    } rows[] = {
        { 0x80, 0xA0 },     { 0xAD, 0xAD },        { 0x61C, 0x61C },   { 0x1680, 0x1680 },
        { 0x180E, 0x180E }, { 0x2000, 0x200F },    { 0x2028, 0x202F }, { 0x205F, 0x206F },
        { 0x3000, 0x3000 }, { 0xE000, 0xF8FF },    { 0xFEFF, 0xFEFF }, { 0xFFF0, 0xFFFB },
        { 0xFFFE, 0xFFFF }, { 0xE0000, 0x10FFFF },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        if (rune >= rows[i].low && rune <= rows[i].high)
            return true;
    }
    return false;
}

static unsigned rune_at(struct str s, size_t at, size_t len)
{
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    unsigned rune = (unsigned char)s.p[at] & mask[len];
    for (size_t k = 1; k < len; k++)
        rune = rune << 6 | ((unsigned char)s.p[at + k] & 0x3F);
    return rune;
}

void escape_js(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t len = str_utf8_len(s, i);
        if (len > 1 || len == 0) {
            unsigned rune = len ? rune_at(s, i, len) : 0xFFFD;
            if (len && unprintable(rune))
                buf_printf(out, "\\u%04X", rune);
            else
                escape_none(out, str_sub(s, i, MAX(len, (size_t)1)));
            i += MAX(len, (size_t)1);
            continue;
        }
        i++;
        if (c == '\\' || c == '\'' || c == '"') {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == '=') {
            buf_printf(out, "\\u%04X", c);
        } else {
            buf_char(out, (char)c);
        }
    }
}

void escape_none(struct buf *out, struct str s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s.n;) {
        size_t len = (unsigned char)s.p[i] < 0x80 ? 1 : str_utf8_len(s, i);
        if (len) {
            i += len;
            continue;
        }
        buf_add(out, s.p + kept, i - kept);
        buf_cstr(out, REPLACEMENT);
        kept = ++i;
    }
    if (s.n > kept)
        buf_add(out, s.p + kept, s.n - kept);
}
