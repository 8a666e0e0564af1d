/* Case by ranges: `upper` code points and the distance to their lower case; step 2 = they
   alternate. */
#include "templates/letters.h"

static const struct {
    unsigned first, last, step;
    int distance;
} ranges[] = {
    { 'A', 'Z', 1, 32 },      { 0xC0, 0xD6, 1, 32 },     { 0xD8, 0xDE, 1, 32 },
    { 0x100, 0x12E, 2, 1 },   { 0x132, 0x136, 2, 1 },    { 0x139, 0x147, 2, 1 },
    { 0x14A, 0x176, 2, 1 },   { 0x178, 0x178, 1, -121 }, { 0x179, 0x17D, 2, 1 },
    { 0x218, 0x21A, 2, 1 },   { 0x386, 0x386, 1, 38 },   { 0x388, 0x38A, 1, 37 },
    { 0x38C, 0x38C, 1, 64 },  { 0x38E, 0x38F, 1, 63 },   { 0x391, 0x3A1, 1, 32 },
    { 0x3A3, 0x3AB, 1, 32 },  { 0x400, 0x40F, 1, 80 },   { 0x410, 0x42F, 1, 32 },
    { 0x460, 0x480, 2, 1 },   { 0x48A, 0x4BE, 2, 1 },    { 0x4D0, 0x52E, 2, 1 },
    { 0x1E00, 0x1E94, 2, 1 }, { 0x1EA0, 0x1EFE, 2, 1 },
};

static unsigned to_lower(unsigned rune)
{
    for (size_t i = 0; i < N_ELEMENTS(ranges); i++) {
        if (rune >= ranges[i].first && rune <= ranges[i].last &&
            (rune - ranges[i].first) % ranges[i].step == 0)
            return (unsigned)((int)rune + ranges[i].distance);
    }
    return rune;
}

static unsigned to_upper(unsigned rune)
{
    for (size_t i = 0; i < N_ELEMENTS(ranges); i++) {
        unsigned up = (unsigned)((int)rune - ranges[i].distance);
        if (up >= ranges[i].first && up <= ranges[i].last &&
            (up - ranges[i].first) % ranges[i].step == 0)
            return up;
    }
    return rune;
}

static unsigned decode(struct str s, size_t at, size_t len)
{
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    unsigned rune = (unsigned char)s.p[at] & mask[len];
    for (size_t k = 1; k < len; k++)
        rune = rune << 6 | ((unsigned char)s.p[at + k] & 0x3F);
    return rune;
}

/* All letters of the table are below U+2000. */
static void encode(struct buf *out, unsigned rune)
{
    if (rune < 0x80) {
        buf_char(out, (char)rune);
        return;
    }
    if (rune < 0x800) {
        buf_char(out, (char)(0xC0 | rune >> 6));
    } else {
        buf_char(out, (char)(0xE0 | rune >> 12));
        buf_char(out, (char)(0x80 | (rune >> 6 & 0x3F)));
    }
    buf_char(out, (char)(0x80 | (rune & 0x3F)));
}

static bool is_space(unsigned rune)
{
    return (rune >= 9 && rune <= 13) || rune == ' ' || rune == 0x85 || rune == 0xA0 ||
           rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 ||
           rune == 0x2029 || rune == 0x202F || rune == 0x205F || rune == 0x3000;
}

/* What separates words for strings.Title: in ASCII all but letters, digits and '_', beyond it
   blanks. */
static bool separates(unsigned rune)
{
    if (rune >= 0x80)
        return is_space(rune);
    return !((rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') ||
             (rune >= '0' && rune <= '9') || rune == '_');
}

void letters_map(struct buf *out, struct str s, enum letters_case to)
{
    bool begins = true;
    for (size_t at = 0, len; at < s.n; at += len) {
        len = str_utf8_len(s, at);
        if (len == 0 || len == 4) {
            len = MAX(len, (size_t)1);
            buf_str(out, str_sub(s, at, len));
            begins = false;
            continue;
        }
        unsigned rune = decode(s, at, len), mapped = rune;
        if (to == LETTERS_LOWER)
            mapped = to_lower(rune);
        else if (to == LETTERS_UPPER || begins)
            mapped = to_upper(rune);
        begins = separates(rune);
        if (mapped == rune)
            buf_str(out, str_sub(s, at, len));
        else
            encode(out, mapped);
    }
}

struct str letters_trim(struct str s)
{
    size_t len;
    while ((len = str_utf8_len(s, 0)) > 0 && is_space(decode(s, 0, len)))
        s = str_sub(s, len, s.n);
    for (;;) {
        size_t at = s.n ? s.n - 1 : 0;
        while (at > 0 && s.n - at < 4 && ((unsigned char)s.p[at] & 0xC0) == 0x80)
            at--;
        len = str_utf8_len(s, at);
        if (len == 0 || at + len != s.n || !is_space(decode(s, at, len)))
            return s;
        s.n = at;
    }
}
