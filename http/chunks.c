/* The chunked decoder (RFC 9112 section 7.1), a byte machine that only stops for data. */
#include "http/parse.h"

enum chunk_state {
    CHUNK_SIZE_FIRST,
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_NAME_FIRST,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
};

static int chunk_refuse(struct http_chunks *k, int status, struct error *e, const char *text)
{
    k->status = status;
    return error_set(e, status == 400 ? ERROR_INVALID : ERROR_LIMIT, "%s", text);
}

static int chunk_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int chunk_size(struct http_chunks *k, char c, struct error *e)
{
    int digit = chunk_digit(c);
    if (digit >= 0) {
        if (k->digits == HTTP_MAX_CHUNK_DIGITS)
            return chunk_refuse(k, 413, e, "a chunk's size has more than 15 digits");
        k->left = k->left * 16 + (uint64_t)digit;
        k->digits++;
        k->state = CHUNK_SIZE;
        return 0;
    }
    if (k->state == CHUNK_SIZE_FIRST || (c != ';' && c != '\r'))
        return chunk_refuse(k, 400, e, "a chunk's size is not hexadecimal digits and CRLF");
    k->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
    return 0;
}

/* The CR or LF that must come now. */
static int chunk_expect(struct http_chunks *k, char got, char want, enum chunk_state next,
                        struct error *e)
{
    if (got != want)
        return chunk_refuse(k, 400, e, "a line of the chunked body does not end with CRLF");
    k->state = (uint8_t)next;
    return 0;
}

/* Text up to CR within a ceiling; value characters only. */
static int chunk_text(struct http_chunks *k, char c, struct error *e)
{
    bool extension = k->state == CHUNK_EXTENSION;
    uint32_t *count = extension ? &k->extensions : &k->trailers;
    if (c == '\r') {
        k->state = extension ? CHUNK_SIZE_LF : CHUNK_TRAILER_LF;
        return 0;
    }
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7F)
        return chunk_refuse(k, 400, e, "the chunked body has a control character");
    if (++*count > (extension ? HTTP_MAX_CHUNK_EXTENSIONS : HTTP_MAX_TRAILERS))
        return chunk_refuse(k, extension ? 400 : 431, e,
                            extension ? "chunk extensions are longer than 4 KiB"
                                      : "trailers are longer than 8 KiB");
    return 0;
}

/* RFC 9110 section 6.5.1: what frames the message cannot come behind it. */
static bool chunk_is_framing(struct str name)
{
    return str_eq_fold(name, STR("content-length")) || str_eq_fold(name, STR("transfer-encoding"));
}

static int chunk_trailer_name(struct http_chunks *k, char c, struct error *e)
{
    bool first = k->state == CHUNK_TRAILER_NAME_FIRST;
    if (first && c == '\r') {
        k->state = CHUNK_END_LF;
        return 0;
    }
    if (++k->trailers > HTTP_MAX_TRAILERS)
        return chunk_refuse(k, 431, e, "trailers are longer than 8 KiB");
    if (!first && c == ':') {
        if (chunk_is_framing(str_n(k->name, k->name_n)))
            return chunk_refuse(k, 400, e, "a trailer sets the length of the body");
        k->state = CHUNK_TRAILER_VALUE;
        return 0;
    }
    if (!http_header_valid(str_n(&c, 1), STR_NULL))
        return chunk_refuse(k, 400, e, "a trailer has no name directly followed by a colon");
    k->state = CHUNK_TRAILER_NAME;
    if (first)
        k->name_n = 0;
    if (k->name_n < sizeof(k->name))
        k->name[k->name_n++] = c;
    return 0;
}

static int chunk_byte(struct http_chunks *k, char c, struct error *e)
{
    switch ((enum chunk_state)k->state) {
    case CHUNK_SIZE_FIRST:
    case CHUNK_SIZE:
        return chunk_size(k, c, e);
    case CHUNK_EXTENSION:
    case CHUNK_TRAILER_VALUE:
        return chunk_text(k, c, e);
    case CHUNK_SIZE_LF:
        return chunk_expect(k, c, '\n', k->left ? CHUNK_DATA : CHUNK_TRAILER_NAME_FIRST, e);
    case CHUNK_DATA_CR:
        return chunk_expect(k, c, '\r', CHUNK_DATA_LF, e);
    case CHUNK_DATA_LF:
        k->digits = 0;
        return chunk_expect(k, c, '\n', CHUNK_SIZE_FIRST, e);
    case CHUNK_TRAILER_NAME_FIRST:
    case CHUNK_TRAILER_NAME:
        return chunk_trailer_name(k, c, e);
    case CHUNK_TRAILER_LF:
        return chunk_expect(k, c, '\n', CHUNK_TRAILER_NAME_FIRST, e);
    case CHUNK_END_LF:
        k->done = c == '\n';
        return chunk_expect(k, c, '\n', CHUNK_END_LF, e);
    case CHUNK_DATA:
        break;
    }
    return 0;
}

int http_chunks_next(struct http_chunks *k, struct str *in, struct str *piece, struct error *e)
{
    if (k->status)
        return chunk_refuse(k, k->status, e, "the chunked body was refused before");
    while (in->n && !k->done) {
        if (k->state == CHUNK_DATA) {
            *piece = str_sub(*in, 0, (size_t)MIN(k->left, (uint64_t)in->n));
            *in = str_sub(*in, piece->n, in->n);
            k->left -= piece->n;
            if (k->left == 0)
                k->state = CHUNK_DATA_CR;
            return 1;
        }
        if (chunk_byte(k, in->p[0], e))
            return -1;
        *in = str_sub(*in, 1, in->n);
    }
    return 0;
}
