/* What regex.c writes and regex_match.c runs; nobody else includes this. */
#ifndef KERYX_TEMPLATES_REGEX_INSIDE_H
#define KERYX_TEMPLATES_REGEX_INSIDE_H

#include "templates/regex.h"

enum regex_op { OP_RUNE, OP_ANY, OP_CLASS, OP_SPLIT, OP_JUMP, OP_ASSERT, OP_MATCH };
enum regex_assertion {
    AT_TEXT_START,
    AT_TEXT_END,
    AT_LINE_START,
    AT_LINE_END,
    AT_WORD,
    NOT_AT_WORD
};

struct span {
    uint32_t low, high;
};

struct state {
    uint8_t op;
    uint8_t assertion;
    bool fold, negated, newline; /* CLASS: negated; ANY: newline too */
    uint32_t rune;
    uint32_t next, other; /* other: SPLIT only */
    struct span *spans;
    uint32_t n_spans;
};

struct regex {
    struct state *states;
    uint32_t n;
};

/* The character at text[at] and its length; U+FFFD of one byte when it is none. */
static inline uint32_t regex_rune(struct str s, size_t at, size_t *len)
{
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    *len = str_utf8_len(s, at);
    if (*len == 0) {
        *len = 1;
        return 0xFFFD;
    }
    uint32_t rune = (unsigned char)s.p[at] & mask[*len];
    for (size_t k = 1; k < *len; k++)
        rune = rune << 6 | ((unsigned char)s.p[at + k] & 0x3F);
    return rune;
}

#endif
