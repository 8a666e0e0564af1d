/* What the json_*.c files share among themselves; nobody else includes this. */
#ifndef KERYX_BASE_JSON_INSIDE_H
#define KERYX_BASE_JSON_INSIDE_H

#include "base/json.h"

#define JSON_BYTES(byte) (0x0101010101010101ULL * (byte))

/* The first byte at or after p that needs a look inside a string: a quote, a backslash, a control
   character or the start of a multi-byte sequence; `end` when there is none. Eight bytes a step:
   each term sets the high bit of the bytes it is about, and its lowest set bit is exact because a
   borrow only travels upwards. */
static inline const char *json_plain_end(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof(w));
        uint64_t quote = w ^ JSON_BYTES('"');
        uint64_t slash = w ^ JSON_BYTES('\\');
        uint64_t hit = ((quote - JSON_BYTES(1)) & ~quote) | ((slash - JSON_BYTES(1)) & ~slash) |
                       (w - JSON_BYTES(0x20)) | w;
        hit &= JSON_BYTES(0x80);
        if (hit)
            return p + (__builtin_ctzll(hit) >> 3);
        p += 8;
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

/* The four hex digits at p as a number, or -1. */
int json_hex4(const char *p, const char *end);
/* One character of raw string text: writes its UTF-8 bytes, moves *p on, returns how many (1..4).
   The text was accepted by json_parse; what else it may be, it is never read past `end`. */
size_t json_unescape(const char **p, const char *end, char out[4]);
/* Whether the member's decoded key is `key`; fold: ASCII case does not matter. */
bool json_key_is(const struct json *member, struct str key, bool fold);
/* The inside of a string literal. `flags`: JSON_ESCAPED when s is raw source; of `style` only
   JSON_HTML_SAFE matters. */
void json_write_inside(struct buf *out, struct str s, unsigned flags, unsigned style);
/* Where the number that starts at p ends; when *ok becomes false, where it goes wrong. */
const char *json_number_end(const char *p, const char *end, bool *ok);

#endif
