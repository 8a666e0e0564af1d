/* A view of bytes somebody else owns. Never NUL-terminated by promise: convert at the border with
   arena_cstr() or `STR_FMT`/`STR_ARG`. An empty view may have p == NULL. */
#ifndef KERYX_BASE_STR_H
#define KERYX_BASE_STR_H

#include "base/base.h"

#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A literal as a view. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_NULL     ((struct str){ NULL, 0 })
/* For printf: `"%" STR_FMT` with `STR_ARG(s)`. */
#define STR_FMT    ".*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *cstr)
{
    return (struct str){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline struct str str_n(const char *p, size_t n)
{
    return (struct str){ p, n };
}

bool str_eq(struct str a, struct str b);
/* Equal when ASCII letters are folded. */
bool str_eq_fold(struct str a, struct str b);
bool str_eq_c(struct str a, const char *b);
/* <0, 0, >0 by bytes, as memcmp, shorter first. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_fold(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first `c` / of `needle`, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
/* The part [from, from + n), cut to what there is. */
struct str str_sub(struct str s, size_t from, size_t n);
/* Without leading and trailing blanks (space, tab, CR, LF). */
struct str str_trim(struct str s);
/* Cuts the next piece up to `sep` off `*rest` into `*piece`; false when nothing is left. "a,,b" gives
   three pieces, "a," two, "" gives none. */
bool str_split(struct str *rest, char sep, struct str *piece);

/* Whole, unsigned/signed decimal, no sign but a leading '-' for i64, no blanks, in range. 0 or -1. */
int str_u64(struct str s, uint64_t *out) must_check;
int str_i64(struct str s, int64_t *out) must_check;
/* A whole decimal floating number ("1", "0.5", "1e3"); locale-free. 0 or -1. */
int str_double(struct str s, double *out) must_check;

/* Length in bytes of the well-formed UTF-8 sequence at s[at], or 0 (RFC 3629: no surrogates, no
   overlong forms). */
size_t str_utf8_len(struct str s, size_t at);
bool str_utf8_valid(struct str s);
/* The largest cut <= n that does not split a UTF-8 sequence. */
size_t str_utf8_cut(struct str s, size_t n);

/* Edit distance (Damerau–Levenshtein, ASCII case folded), for "did you mean". At most `max`+1. */
unsigned str_distance(struct str a, struct str b, unsigned max);
/* The nearest of `names` within a sensible distance for its length, or NULL. */
const char *str_nearest(struct str wrong, const char *const *names, size_t n_names);
/* FNV-1a, for hash tables fed by our own names. */
uint64_t str_hash(struct str s);
/* SipHash-2-4 with a 16-byte key, for tables fed by strangers and for stable cron hashes. */
uint64_t str_siphash(struct str s, const uint8_t key[16]);
/* Matches `pattern` with `*` standing for any run of bytes. */
bool str_glob(struct str pattern, struct str s);

#endif
