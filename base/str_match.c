/* Likeness of strings: "did you mean", globs, and the two hashes. */
#include "base/str.h"

enum {
    STR_NAME_MAX = 64, /* longer ones are no names; bounds the work on strangers' input */
};

static unsigned char str_fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned str_min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = MIN(a, b);
    return MIN(least, c);
}

unsigned str_distance(struct str a, struct str b, unsigned max)
{
    size_t apart = a.n > b.n ? a.n - b.n : b.n - a.n;
    if (apart > max || a.n > STR_NAME_MAX || b.n > STR_NAME_MAX)
        return str_eq_fold(a, b) ? 0 : max + 1;
    /* Three rows of the table (optimal string alignment): the one before the last is needed for
       swapped neighbours. */
    unsigned rows[3][STR_NAME_MAX + 1];
    for (unsigned k = 0; k <= b.n; k++)
        rows[0][k] = k;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned k = 1; k <= b.n; k++) {
            unsigned char ca = str_fold(a.p[i - 1]), cb = str_fold(b.p[k - 1]);
            row[k] = str_min3(row[k - 1] + 1, above[k] + 1, above[k - 1] + (ca != cb));
            if (i > 1 && k > 1 && ca == str_fold(b.p[k - 2]) && str_fold(a.p[i - 2]) == cb)
                row[k] = MIN(row[k], above2[k - 2] + 1);
        }
    }
    return MIN(rows[a.n % 3][b.n], max + 1);
}

const char *str_nearest(struct str wrong, const char *const *names, size_t n_names)
{
    /* One slip in three letters, two in six, three at most: beyond that a guess misleads. */
    unsigned best = (unsigned)MIN((wrong.n + 2) / 4, (size_t)3) + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < n_names; i++) {
        unsigned distance = str_distance(wrong, str_of(names[i]), best - 1);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
        if (best == 0)
            break;
    }
    return nearest;
}

bool str_glob(struct str pattern, struct str s)
{
    /* Greedy with one way back: only the last star ever needs to take more. */
    size_t p = 0, at = 0, star = SIZE_MAX, star_at = 0;
    while (at < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            star_at = at;
        } else if (p < pattern.n && pattern.p[p] == s.p[at]) {
            p++;
            at++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * 0x100000001b3ULL;
    return hash;
}

/* SipHash-2-4: Aumasson, Bernstein, "SipHash: a fast short-input PRF" (2012). */
static uint64_t sip_rotate(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

static void sip_rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[1] = sip_rotate(v[1], 13) ^ v[0];
        v[0] = sip_rotate(v[0], 32);
        v[2] += v[3];
        v[3] = sip_rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = sip_rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = sip_rotate(v[1], 17) ^ v[2];
        v[2] = sip_rotate(v[2], 32);
    }
}

static uint64_t sip_load(const unsigned char *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

uint64_t str_siphash(struct str s, const uint8_t key[16])
{
    uint64_t k0 = sip_load(key, 8), k1 = sip_load(key + 8, 8);
    uint64_t v[4] = { k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
                      k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL };
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 0;
    for (; s.n - at >= 8; at += 8) {
        uint64_t word = sip_load(p + at, 8);
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    uint64_t last = ((uint64_t)s.n << 56) | (at < s.n ? sip_load(p + at, s.n - at) : 0);
    v[3] ^= last;
    sip_rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
