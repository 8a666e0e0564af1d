/* The request head: found, then read in one pass. The rules are RFC 9112 without its leniencies. */
#include "http/parse.h"

/* tchar of RFC 9110 section 5.6.2. */
static const bool is_token[256] = {
    ['!'] = true,         ['#'] = true,         ['$'] = true,         ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true, ['.'] = true,
    ['^'] = true,         ['_'] = true,         ['`'] = true,         ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true,
};

/* field-vchar, obs-text, SP and HTAB of RFC 9110 section 5.5. */
static const bool is_value[256] = {
    ['\t'] = true,
    [' ' ... '~'] = true,
    [0x80 ... 0xFF] = true,
};

/* uri-host [ ":" port ] of RFC 3986: unreserved, sub-delims, percent-encoding, IP literals. */
static const bool is_host[256] = {
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['-'] = true, ['.'] = true,
    ['_'] = true,         ['~'] = true,         ['!'] = true,         ['$'] = true, ['&'] = true,
    ['\''] = true,        ['('] = true,         [')'] = true,         ['*'] = true, ['+'] = true,
    [';'] = true,         ['='] = true,         ['%'] = true,         ['['] = true, [']'] = true,
    [':'] = true,
};

static bool all_of(const bool table[256], struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!table[(unsigned char)s.p[i]])
            return false;
    }
    return true;
}

static ptrdiff_t scan_error(int status, struct error *e, const char *text)
{
    error_set(e, status == 400 ? ERROR_INVALID : ERROR_LIMIT, "%s", text);
    return -status;
}

ptrdiff_t http_head_scan(struct http_scan *s, struct str bytes, struct error *e)
{
    static const char *const long_line = "the request line is longer than 8 KiB";
    static const char *const long_head = "the head is longer than 32 KiB";
    if (bytes.n && !is_token[(unsigned char)bytes.p[0]])
        return scan_error(400, e, "the request does not start with a method");
    while (s->at < bytes.n) {
        const char *lf = memchr(bytes.p + s->at, '\n', bytes.n - s->at);
        if (!lf)
            break;
        size_t i = (size_t)(lf - bytes.p);
        if (s->line == 0 && i > HTTP_MAX_REQUEST_LINE + 1)
            return scan_error(414, e, long_line);
        if (i >= HTTP_MAX_HEAD)
            return scan_error(431, e, long_head);
        if (lf[-1] != '\r') /* i > 0: the first byte is no LF */
            return scan_error(400, e, "a line ends with a bare LF, expected CRLF");
        if (s->line && i == s->line + 1)
            return (ptrdiff_t)i + 1;
        s->line = s->at = i + 1;
    }
    s->at = bytes.n;
    if (s->line == 0 && bytes.n > HTTP_MAX_REQUEST_LINE + 1)
        return scan_error(414, e, long_line);
    if (bytes.n >= HTTP_MAX_HEAD)
        return scan_error(431, e, long_head);
    return 0;
}

static int refuse(struct http_head *h, int status, struct error *e, const char *text)
{
    h->status = status;
    return error_set(e, status == 431 ? ERROR_LIMIT : ERROR_INVALID, "%s", text);
}

/* "METHOD SP target SP HTTP/1.x CRLF"; *at is left behind it. The loops end at the latest at the CR
   that every head is known to have. */
static int parse_request_line(const char **at, struct http_head *h, struct error *e)
{
    const char *p = *at;
    h->method.p = p;
    while (is_token[(unsigned char)*p])
        p++;
    h->method.n = (size_t)(p - h->method.p);
    if (h->method.n == 0 || h->method.n > HTTP_MAX_METHOD || *p != ' ')
        return refuse(h, 400, e,
                      "the method is not a token of at most 16 characters and one space");
    h->target.p = ++p;
    while (*p > ' ' && *p < 0x7F) /* char may be signed: 8-bit bytes stop here either way */
        p++;
    h->target.n = (size_t)(p - h->target.p);
    if (h->target.n == 0 || *p != ' ')
        return refuse(h, 400, e, "the target is not printable ASCII between single spaces");
    p++;
    if (strncmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' || p[6] != '.' || p[7] < '0' ||
        p[7] > '9' || p[8] != '\r' || p[9] != '\n')
        return refuse(h, 400, e, "the request line does not end with a version such as HTTP/1.1");
    if (p[5] != '1' || p[7] > '1')
        return refuse(h, 505, e, "the version is not HTTP/1.0 or HTTP/1.1");
    h->minor = (unsigned)(p[7] - '0');
    *at = p + 10;
    return 0;
}

/* "name:OWS value OWS CRLF"; *at is left behind it. */
static int parse_field(const char **at, struct http_header *f, struct http_head *h, struct error *e)
{
    const char *p = *at;
    f->name.p = p;
    while (is_token[(unsigned char)*p])
        p++;
    f->name.n = (size_t)(p - f->name.p);
    if (f->name.n == 0 || *p != ':')
        return refuse(h, 400, e, "a field has no name directly followed by a colon");
    p++;
    while (*p == ' ' || *p == '\t')
        p++;
    f->value.p = p;
    while (is_value[(unsigned char)*p])
        p++;
    if (p[0] != '\r' || p[1] != '\n')
        return refuse(h, 400, e, "a field's value has a control character");
    const char *end = p;
    while (end > f->value.p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    f->value.n = (size_t)(end - f->value.p);
    *at = p + 2;
    return 0;
}

/* What the fields that decide the framing said; read together at the end. */
struct framing {
    unsigned hosts, lengths, encodings;
    struct str host, length, encoding;
    bool close, keep_alive, bad_expect;
};

static void note_field(struct framing *f, const struct http_header *field, struct http_head *h)
{
    switch (field->name.n) {
    case 4:
        if (str_eq_fold(field->name, STR("host"))) {
            f->hosts++;
            f->host = field->value;
        }
        break;
    case 6:
        if (str_eq_fold(field->name, STR("expect"))) {
            h->expect_continue = str_eq_fold(field->value, STR("100-continue"));
            f->bad_expect |= !h->expect_continue;
        }
        break;
    case 10:
        if (str_eq_fold(field->name, STR("connection"))) {
            f->close |= http_has_token(field->value, STR("close"));
            f->keep_alive |= http_has_token(field->value, STR("keep-alive"));
        }
        break;
    case 14:
        if (str_eq_fold(field->name, STR("content-length"))) {
            f->lengths++;
            f->length = field->value;
        }
        break;
    case 17:
        if (str_eq_fold(field->name, STR("transfer-encoding"))) {
            f->encodings++;
            f->encoding = field->value;
        }
        break;
    default:
        break;
    }
}

/* Node refuses a tab behind these two values, others do not see it. */
static bool tab_follows(struct str value)
{
    const char *p = value.p + value.n;
    while (*p == ' ')
        p++;
    return *p == '\t';
}

/* RFC 9112 section 6: how long the body is, so that nobody can read it differently. */
static int check_body_framing(const struct framing *f, struct http_head *h, struct error *e)
{
    if (f->lengths > 1)
        return refuse(h, 400, e, "there is more than one Content-Length");
    if (f->encodings > 1)
        return refuse(h, 400, e, "there is more than one Transfer-Encoding");
    if (f->lengths && f->encodings)
        return refuse(h, 400, e, "there are both Content-Length and Transfer-Encoding");
    if (f->encodings && h->minor == 0)
        return refuse(h, 400, e, "HTTP/1.0 has no Transfer-Encoding");
    if ((f->lengths && tab_follows(f->length)) || (f->encodings && tab_follows(f->encoding)))
        return refuse(h, 400, e, "a tab follows Content-Length or Transfer-Encoding");
    if (f->encodings && !str_eq_fold(f->encoding, STR("chunked")))
        return refuse(h, 501, e, "the only Transfer-Encoding understood is chunked");
    h->chunked = f->encodings > 0;
    if (!f->lengths)
        return 0;
    uint64_t length;
    if (f->length.n > 18 || str_u64(f->length, &length))
        return refuse(h, 400, e, "Content-Length is not 1 to 18 digits");
    h->content_length = (int64_t)length;
    return 0;
}

/* origin-form, absolute-form of our own Host, "*" for OPTIONS (RFC 9112 section 3.2). */
static int check_target(const struct framing *f, struct http_head *h, struct error *e)
{
    struct str t = h->target;
    if (str_eq_c(h->method, "CONNECT"))
        return refuse(h, 400, e, "CONNECT is for proxies");
    if (str_eq_c(t, "*") && str_eq_c(h->method, "OPTIONS"))
        t = STR("/");
    bool http = str_starts_fold(t, STR("http://"));
    if (http || str_starts_fold(t, STR("https://"))) {
        struct str rest = str_sub(t, http ? 7 : 8, t.n);
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
            n++;
        if (!str_eq_fold(str_sub(rest, 0, n), f->host))
            return refuse(h, 400, e, "the target names another host than Host");
        t = str_sub(rest, n, rest.n);
    } else if (t.p[0] != '/') {
        return refuse(h, 400, e, "the target does not start with a slash");
    }
    ptrdiff_t question = str_chr(t, '?');
    h->path = question < 0 ? t : str_sub(t, 0, (size_t)question);
    h->query = question < 0 ? STR_NULL : str_sub(t, (size_t)question + 1, t.n);
    if (h->path.n == 0)
        h->path = STR("/");
    return 0;
}

static int check_head(const struct framing *f, struct http_head *h, struct error *e)
{
    if (f->hosts > 1)
        return refuse(h, 400, e, "there is more than one Host");
    if (f->hosts == 0 && h->minor == 1)
        return refuse(h, 400, e, "there is no Host");
    if (f->hosts && (f->host.n == 0 || !all_of(is_host, f->host)))
        return refuse(h, 400, e, "Host is not a host with an optional port");
    if (check_body_framing(f, h, e) || check_target(f, h, e))
        return -1;
    if (f->bad_expect)
        return refuse(h, 417, e, "the only Expect understood is 100-continue");
    if (h->minor == 0) /* RFC 9110 section 10.1.1 */
        h->expect_continue = false;
    h->keep_alive = !f->close && (h->minor == 1 || f->keep_alive);
    return 0;
}

int http_head_parse(struct str bytes, struct http_head *h, struct error *e)
{
    memset(h, 0, offsetof(struct http_head, fields));
    h->content_length = -1;
    if (bytes.n < 4 || memcmp(bytes.p + bytes.n - 4, "\r\n\r\n", 4) != 0)
        return refuse(h, 400, e, "the head does not end with an empty line");
    const char *p = bytes.p, *last = bytes.p + bytes.n - 2;
    if (parse_request_line(&p, h, e))
        return -1;
    struct framing f = { 0 };
    while (p < last) {
        if (h->n_fields == HTTP_MAX_FIELDS)
            return refuse(h, 431, e, "the head has more than 100 fields");
        struct http_header *field = &h->fields[h->n_fields];
        if (parse_field(&p, field, h, e))
            return -1;
        h->n_fields++;
        note_field(&f, field, h);
    }
    return check_head(&f, h, e);
}
