/* Bytes as text: hex and base64 (RFC 4648), read strictly, so that one value has one spelling. */
#include "base/crypto.h"

static const char crypto_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char crypto_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(struct buf *out, const void *p, size_t n)
{
    const uint8_t *bytes = p;
    char *to = n < SIZE_MAX / 2 ? buf_reserve(out, n * 2) : NULL;
    if (!to)
        return;
    for (size_t i = 0; i < n; i++) {
        *to++ = "0123456789abcdef"[bytes[i] >> 4];
        *to++ = "0123456789abcdef"[bytes[i] & 15];
    }
    out->n += n * 2;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(struct str text, uint8_t *out, size_t n)
{
    if (text.n % 2 != 0 || text.n / 2 != n)
        return -1;
    for (size_t i = 0; i < text.n; i++) {
        if (hex_digit(text.p[i]) < 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned high = (unsigned)hex_digit(text.p[2 * i]);
        out[i] = (uint8_t)(high << 4 | (unsigned)hex_digit(text.p[2 * i + 1]));
    }
    return 0;
}

static void base64_encode_with(struct buf *out, struct str in, const char *alphabet, bool padded)
{
    const uint8_t *bytes = (const uint8_t *)in.p;
    char *start = in.n < SIZE_MAX / 2 ? buf_reserve(out, (in.n + 2) / 3 * 4) : NULL;
    if (!start)
        return;
    char *to = start;
    for (size_t i = 0; i < in.n; i += 3) {
        size_t left = MIN(in.n - i, (size_t)3);
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        for (size_t k = 0; k <= left; k++)
            *to++ = alphabet[group >> (18 - 6 * k) & 63];
        for (size_t k = left; padded && k < 3; k++)
            *to++ = '=';
    }
    out->n += (size_t)(to - start);
}

void base64_encode(struct buf *out, const void *p, size_t n)
{
    base64_encode_with(out, str_n(p, n), crypto_standard, true);
}

void base64url_encode(struct buf *out, const void *p, size_t n)
{
    base64_encode_with(out, str_n(p, n), crypto_url, false);
}

static int base64_value(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == alphabet[62])
        return 62;
    return c == alphabet[63] ? 63 : -1;
}

/* text: without padding. Bits that do not fill a byte must be zero (RFC 4648 section 3.5). */
static int base64_decode_with(struct buf *out, struct str text, const char *alphabet)
{
    if (text.n % 4 == 1)
        return -1;
    size_t n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
    char *to = buf_reserve(out, n);
    if (!to)
        return -1;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        int value = base64_value(text.p[i], alphabet);
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            *to++ = (char)(bits >> n_bits & 0xFF);
        }
    }
    if (bits & ((1U << n_bits) - 1))
        return -1;
    out->n += n;
    return 0;
}

static struct str base64_without_padding(struct str text)
{
    for (unsigned k = 0; k < 2 && text.n && text.p[text.n - 1] == '='; k++)
        text.n--;
    return text;
}

int base64_decode(struct buf *out, struct str text)
{
    if (text.n % 4 != 0)
        return -1;
    return base64_decode_with(out, base64_without_padding(text), crypto_standard);
}

int base64url_decode(struct buf *out, struct str text)
{
    struct str bare = base64_without_padding(text);
    if (bare.n != text.n && text.n % 4 != 0)
        return -1;
    return base64_decode_with(out, bare, crypto_url);
}
