#include "tests/t.h"

#include "base/buf.h"
#include "http/parse.h"

/* ---- one driver: bytes in pieces → what was understood, as text ---- */

static char message[4 * 1024 * 1024];

enum cut { WHOLE, BYTES, THIRDS };

/* How many bytes are there at the next look. */
static size_t next_look(size_t have, size_t n, enum cut cut)
{
    switch (cut) {
    case WHOLE:
        return n;
    case BYTES:
        return have + 1;
    default:
        return MIN(n, have + n / 3 + 1);
    }
}

struct feed {
    const char *p;
    size_t n, have, at; /* at: first byte not used */
    enum cut cut;
};

static bool feed_more(struct feed *f)
{
    if (f->have >= f->n)
        return false;
    f->have = next_look(f->have, f->n, f->cut);
    return true;
}

/* Length of the head at f->at, 0 when it never ends, -status. */
static ptrdiff_t feed_head(struct feed *f)
{
    struct http_scan scan = { 0 };
    ptrdiff_t n;
    do {
        n = http_head_scan(&scan, str_n(f->p + f->at, f->have - f->at), NULL);
    } while (n == 0 && feed_more(f));
    return n;
}

/* 0 done, -1 never ends, else a status. */
static int feed_chunks(struct feed *f, struct buf *out)
{
    struct http_chunks k = { 0 };
    do {
        struct str in = str_n(f->p + f->at, f->have - f->at), piece;
        int got;
        while ((got = http_chunks_next(&k, &in, &piece, NULL)) > 0)
            buf_str(out, piece);
        f->at = f->have - in.n;
        if (got < 0)
            return k.status;
    } while (!k.done && feed_more(f));
    return k.done ? 0 : -1;
}

static int feed_length(struct feed *f, size_t length, struct buf *out)
{
    while (f->have - f->at < length) {
        if (!feed_more(f))
            return -1;
    }
    buf_add(out, f->p + f->at, length);
    f->at += length;
    return 0;
}

static void feed_all(struct feed *f, struct buf *out)
{
    static struct http_head h;
    bool open = true;
    while (open && (f->at < f->have || feed_more(f))) {
        if (out->n)
            buf_char(out, ' ');
        ptrdiff_t n = feed_head(f);
        if (n <= 0 || http_head_parse(str_n(f->p + f->at, (size_t)n), &h, NULL)) {
            buf_printf(out, n == 0 ? "more" : "%d", n < 0 ? (int)-n : h.status);
            return;
        }
        f->at += (size_t)n;
        buf_printf(out, "%" STR_FMT ":%" STR_FMT "%s%" STR_FMT ":", STR_ARG(h.method),
                   STR_ARG(h.path), h.query.p ? "?" : "", STR_ARG(h.query));
        int bad = h.chunked              ? feed_chunks(f, out)
                  : h.content_length > 0 ? feed_length(f, (size_t)h.content_length, out)
                                         : 0;
        if (bad) {
            buf_printf(out, bad < 0 ? "more" : "!%d", bad);
            return;
        }
        open = h.keep_alive;
    }
    if (!open)
        buf_cstr(out, " close");
}

static const char *understood(struct str bytes, enum cut cut)
{
    static char text[64 * 1024];
    auto_buf out = BUF_INIT(sizeof(text) - 1);
    /* Exactly as large as the input, so that ASan sees a byte too far. */
    auto_free char *exact = xalloc(bytes.n + 1);
    char *tight = exact + 1;
    memcpy(tight, bytes.p, bytes.n);
    struct feed f = { .p = tight, .n = bytes.n, .cut = cut };
    feed_all(&f, &out);
    memcpy(text, out.p ? out.p : "", out.n);
    text[out.n] = '\0';
    return text;
}

#define CHECK_UNDERSTOOD(bytes, want)                  \
    do {                                               \
        CHECK_CSTR(understood((bytes), WHOLE), want);  \
        CHECK_CSTR(understood((bytes), BYTES), want);  \
        CHECK_CSTR(understood((bytes), THIRDS), want); \
    } while (0)

/* ---- tests/rows/http.rows ---- */

/* \r \n \t \\ \xNN in place. */
static size_t unescape(char *text)
{
    char *out = text;
    for (const char *p = text; *p; p++) {
        if (*p != '\\') {
            *out++ = *p;
            continue;
        }
        p++;
        unsigned byte = 0;
        if (*p == 'x' && sscanf(p + 1, "%2x", &byte) == 1)
            p += 2;
        else
            byte = (unsigned)(*p == 'r' ? '\r' : *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
        *out++ = (char)byte;
    }
    return (size_t)(out - text);
}

/* Requests a verdict lets through: "METHOD:path:body" words that are not cut by a refusal. */
static int let_through(const char *verdict)
{
    int n = 0;
    for (const char *p = verdict; *p;) {
        const char *end = strchrnul(p, ' ');
        bool whole = memchr(p, ':', (size_t)(end - p)) && !memchr(p, '!', (size_t)(end - p));
        n += whole && !str_ends(str_n(p, (size_t)(end - p)), STR("more"));
        p = *end ? end + 1 : end;
    }
    return n;
}

TEST(every_row_is_understood_as_written_however_the_bytes_are_cut)
{
    FILE *f = fopen(SOURCE_DIR "/tests/rows/http.rows", "re");
    CHECK(f);
    auto_free char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    unsigned rows = 0;
    while (f && (n = getline(&line, &cap, f)) > 0) {
        if (line[0] == '#')
            continue;
        line[n - 1] = '\0';
        char *want = strchr(line, '\t'), *node = want ? strchr(want + 1, '\t') : NULL;
        char *bytes = node ? strchr(node + 1, '\t') : NULL;
        ROW(line);
        CHECK(bytes);
        if (!bytes)
            continue;
        *want++ = *node++ = *bytes++ = '\0';
        size_t n_bytes = unescape(bytes);
        CHECK_UNDERSTOOD(str_n(bytes, n_bytes), want);
        /* Never more lenient than Node 20's parser; "!" marks methods that Node does not know: here
           they are tokens and the router's business. */
        if (!strchr(node, '!'))
            CHECK(let_through(want) <= node[0] - '0');
        rows++;
    }
    if (f)
        fclose(f);
    CHECK_INT(rows, 183);
}

/* ---- limits ---- */

static struct str request_with(size_t target, const char *rest)
{
    char *p = mempcpy(message, "GET /", 5);
    p = mempcpy(memset(p, 'a', target - 1), "", 0);
    p = stpcpy(p + target - 1, " HTTP/1.1\r\nHost: a\r\n");
    p = stpcpy(p, rest);
    return str_n(message, (size_t)(p - message));
}

TEST(a_request_line_has_at_most_8_KiB)
{
    size_t most = HTTP_MAX_REQUEST_LINE - strlen("GET  HTTP/1.1");
    struct str s = request_with(most, "\r\n");
    CHECK_INT(str_chr(s, '\r'), HTTP_MAX_REQUEST_LINE);
    CHECK_BYTES(understood(s, WHOLE), 5, "GET:/");
    CHECK_BYTES(understood(s, BYTES), 5, "GET:/");
    CHECK_UNDERSTOOD(request_with(most + 1, "\r\n"), "414");
    CHECK_UNDERSTOOD(request_with(most + 5000, "\r\n"), "414");
    CHECK_UNDERSTOOD(str_sub(request_with(20000, "\r\n"), 0, 9000), "414");
}

TEST(a_head_has_at_most_32_KiB)
{
    const char *start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    for (int more = -1; more <= 1; more++) {
        size_t n = (size_t)(HTTP_MAX_HEAD + more) - strlen(start) - 4;
        char *p = stpcpy(message, start);
        p = stpcpy(memset(p, 'v', n) + n, "\r\n\r\n");
        CHECK_UNDERSTOOD(str_n(message, (size_t)(p - message)), more <= 0 ? "GET:/:" : "431");
    }
    memset(message, 'v', 100000);
    memcpy(message, start, strlen(start));
    CHECK_UNDERSTOOD(str_n(message, HTTP_MAX_HEAD), "431");
    CHECK_UNDERSTOOD(str_n(message, HTTP_MAX_HEAD - 1), "more");
}

TEST(a_head_has_at_most_100_fields)
{
    for (int extra = -1; extra <= 1; extra++) {
        char *p = stpcpy(message, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < HTTP_MAX_FIELDS - 1 + extra; i++)
            p = stpcpy(p, "X: y\r\n");
        p = stpcpy(p, "\r\n");
        CHECK_UNDERSTOOD(str_n(message, (size_t)(p - message)), extra <= 0 ? "GET:/:" : "431");
    }
}

/* A chunked body with `n` bytes of `c` between two texts. */
static struct str chunked_with(const char *before, size_t n, const char *after)
{
    char *p = stpcpy(message, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    p = stpcpy(p, before);
    p = stpcpy((char *)memset(p, 'x', n) + n, after);
    return str_n(message, (size_t)(p - message));
}

TEST(chunk_extensions_have_at_most_4_KiB_together)
{
    CHECK_UNDERSTOOD(chunked_with("1;", HTTP_MAX_CHUNK_EXTENSIONS, "\r\na\r\n0\r\n\r\n"),
                     "POST:/:a");
    CHECK_UNDERSTOOD(chunked_with("1;", HTTP_MAX_CHUNK_EXTENSIONS + 1, "\r\na\r\n0\r\n\r\n"),
                     "POST:/:!400");
    CHECK_UNDERSTOOD(
        chunked_with("1;y\r\na\r\n1;", HTTP_MAX_CHUNK_EXTENSIONS, "\r\na\r\n0\r\n\r\n"),
        "POST:/:a!400");
}

TEST(trailers_have_at_most_8_KiB_together)
{
    CHECK_UNDERSTOOD(chunked_with("1\r\na\r\n0\r\nX:", HTTP_MAX_TRAILERS - 2, "\r\n\r\n"),
                     "POST:/:a");
    CHECK_UNDERSTOOD(chunked_with("1\r\na\r\n0\r\nX:", HTTP_MAX_TRAILERS - 1, "\r\n\r\n"),
                     "POST:/:a!431");
    CHECK_UNDERSTOOD(chunked_with("1\r\na\r\n0\r\nY:1\r\n", HTTP_MAX_TRAILERS - 3, ":\r\n\r\n"),
                     "POST:/:a!431");
}

TEST(a_chunk_size_has_at_most_15_digits)
{
    struct http_chunks k = { 0 };
    struct str in = STR("fffffffffffffff\r\n"), piece;
    CHECK_INT(http_chunks_next(&k, &in, &piece, NULL), 0);
    CHECK(k.left == 0xfffffffffffffffULL);
    k = (struct http_chunks){ 0 };
    in = STR("0fffffffffffffff\r\n");
    CHECK_INT(http_chunks_next(&k, &in, &piece, NULL), -1);
    CHECK_INT(k.status, 413);
    CHECK_INT(http_chunks_next(&k, &in, &piece, NULL), -1); /* stays refused */
}

/* ---- what a head says ---- */

static struct http_head head;

static int parsed(const char *text)
{
    struct error e = ERROR_INIT;
    return http_head_parse(str_of(text), &head, &e) ? head.status : 0;
}

TEST(parts_of_a_head_are_views_of_it)
{
    const char *text = "POST /a%20b?x=1?2 HTTP/1.1\r\nHost: h:1\r\nX-A:  v w \t\r\nE:\r\n\r\n";
    CHECK_INT(parsed(text), 0);
    CHECK_STR(head.method, "POST");
    CHECK_STR(head.target, "/a%20b?x=1?2");
    CHECK_STR(head.path, "/a%20b");
    CHECK_STR(head.query, "x=1?2");
    CHECK_INT(head.n_fields, 3);
    CHECK_STR(head.fields[1].name, "X-A");
    CHECK_STR(head.fields[1].value, "v w");
    CHECK_STR(head.fields[2].value, "");
    CHECK(head.fields[2].value.p);
    CHECK_INT(head.content_length, -1);
    CHECK(head.keep_alive);
    CHECK(!head.expect_continue);
    CHECK(head.query.p > text && head.query.p < text + strlen(text));
}

TEST(connection_and_version_say_whether_the_connection_stays)
{
    static const struct {
        const char *version, *fields;
        bool keep;
    } rows[] = {
        { "1.1", "", true },
        { "1.1", "Connection: close\r\n", false },
        { "1.1", "Connection: Keep-Alive, CLOSE\r\n", false },
        { "1.1", "Connection: x\r\nConnection: y, close\r\n", false },
        { "1.1", "Connection: closed\r\n", true },
        { "1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", true },
        { "1.0", "", false },
        { "1.0", "Connection: keep-alive\r\n", true },
        { "1.0", "Connection: keep-alive, close\r\n", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].fields);
        snprintf(message, sizeof(message), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", rows[i].version,
                 rows[i].fields);
        CHECK_INT(parsed(message), 0);
        CHECK_INT(head.keep_alive, rows[i].keep);
    }
}

TEST(expect_counts_only_for_http_1_1)
{
    CHECK_INT(parsed("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-CONTINUE\r\n\r\n"), 0);
    CHECK(head.expect_continue);
    CHECK_INT(parsed("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"), 0);
    CHECK(!head.expect_continue);
}

TEST(a_refusal_says_why)
{
    struct error e = ERROR_INIT;
    CHECK_INT(http_head_parse(STR("GET / HTTP/1.1\r\n\r\n"), &head, &e), -1);
    CHECK_CSTR(e.text, "there is no Host");
    struct http_scan scan = { 0 };
    CHECK_INT(http_head_scan(&scan, STR("GET / HTTP/1.1\nHost: a\n\n"), &e), -400);
    CHECK_CSTR(e.text, "a line ends with a bare LF, expected CRLF");
    CHECK_INT(http_head_parse(STR("GET / HTTP/1.1\r\nHost: a\r\n"), &head, &e), -1);
    CHECK_INT(head.status, 400);
}
