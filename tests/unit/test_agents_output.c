#include "tests/t.h"

#include "agents/command.h"
#include "agents/output.h"
#include "agents/sse.h"

/* ---- keeping the two ends ---- */

static void feed(struct output *o, const char *text, size_t piece)
{
    for (size_t n = strlen(text); n;) {
        size_t k = MIN(piece, n);
        output_add(o, str_n(text, k));
        text += k;
        n -= k;
    }
}

TEST(first_and_last_bytes_are_kept_however_they_come)
{
    static const struct {
        const char *name;
        size_t head, tail;
        const char *in, *want;
        bool cut;
    } rows[] = {
        { "all of it", 4, 4, "abcdefgh", "abcdefgh", false },
        { "one too many", 4, 4, "abcdefghi", "abcdfghi", true },
        { "far too many", 3, 2, "0123456789abcdefghijklmnopqrstuvwxyz", "012yz", true },
        { "only a tail", 0, 3, "abcdefgh", "fgh", true },
        { "only a head", 3, 0, "abcdefgh", "abc", true },
        { "nothing", 3, 3, "", "", false },
        { "no half characters at the gap", 4, 4, "abcäefgäijk", "abcijk", true },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        for (size_t piece = 1; piece < 12; piece++) {
            struct output o;
            struct arena *a = arena_new(0);
            ROW(rows[i].name);
            output_init(&o, rows[i].head, rows[i].tail);
            feed(&o, rows[i].in, piece);
            CHECK_STR(output_take(&o, a), rows[i].want);
            CHECK_INT(output_truncated(&o), rows[i].cut);
            CHECK_INT(o.bytes, strlen(rows[i].in));
            output_release(&o);
            arena_free(a);
        }
    }
}

TEST(a_long_output_is_kept_to_the_byte)
{
    enum { TOTAL = 1000003 };
    struct arena *a = arena_new(0);
    struct output o;
    char line[32];
    char *all = arena_alloc(a, TOTAL + 32);
    size_t n = 0;
    for (int i = 0; n < TOTAL; i++) {
        int k = snprintf(line, sizeof(line), "%d,", i);
        memcpy(all + n, line, (size_t)k);
        n += (size_t)k;
    }
    output_init_limit(&o, 200 * KIB);
    for (size_t at = 0, piece = 1; at < TOTAL; at += piece, piece = piece * 7 % 9973 + 1)
        output_add(&o, str_n(all + at, MIN(piece, TOTAL - at)));
    struct str kept = output_take(&o, a);
    CHECK_INT(kept.n, 200 * KIB);
    CHECK(memcmp(kept.p, all, 64 * KIB) == 0);
    CHECK(memcmp(kept.p + 64 * KIB, all + TOTAL - 136 * KIB, 136 * KIB) == 0);
    CHECK_INT(o.bytes, TOTAL);
    output_release(&o);
    arena_free(a);
}

TEST(text_is_utf8_without_nul)
{
    static const struct {
        struct str in;
        const char *want;
    } rows[] = {
        { { "plain", 5 }, "plain" },
        { { "a\0b", 3 }, "ab" },
        { { "a\xff"
            "b",
            3 },
          "a\xef\xbf\xbd"
          "b" },
        { { "\xc3", 1 }, "\xef\xbf\xbd" },
        { { "\xc3\xa4", 2 }, "ä" },
        { { "\xed\xa0\x80", 3 }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct arena *a = arena_new(0);
        CHECK_STR(output_text(a, rows[i].in), rows[i].want);
        arena_free(a);
    }
}

TEST(one_final_newline_goes)
{
    CHECK_STR(output_chomp(STR("a\n")), "a");
    CHECK_STR(output_chomp(STR("a\r\n")), "a");
    CHECK_STR(output_chomp(STR("a\n\n")), "a\n");
    CHECK_STR(output_chomp(STR("a \r")), "a \r");
    CHECK_STR(output_chomp(STR("\n")), "");
    CHECK_STR(output_chomp(STR("")), "");
}

/* ---- what an output: takes from it ---- */

TEST(outputs_read_what_they_promise)
{
    static const struct {
        const char *name, *output, *text;
        bool cut;
        const char *want; /* NULL = an error */
        bool json;
        const char *error;
    } rows[] = {
        { "text", "text", "line\n", false, "line", false, NULL },
        { "text that is json stays text", "text", "42\n", false, "42", false, NULL },
        { "json", "json", " {\"a\": 1.10}\n", false, "{\"a\": 1.10}", true, NULL },
        { "json with more", "json", "{} {}", false, NULL, false, "the output is not JSON" },
        { "no json", "json", "Error", false, NULL, false, "the output is not JSON: line 1" },
        { "empty", "json", "", false, NULL, false, "the output is not JSON" },
        { "cut json", "json", "1", true, NULL, false, "longer than limits.output" },
        { "jsonl", "jsonl", "log\n{\"n\":1}\n{\"n\":2}\nbye\n\n", false, "{\"n\":2}", true, NULL },
        { "jsonl cut", "jsonl", "{\"n\":1}\n{\"n\":2}", true, "{\"n\":2}", true, NULL },
        { "jsonl without", "jsonl", "a\nb\n", false, NULL, false, "no line of the output is JSON" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct command_result r = { 0 };
        struct error e = ERROR_INIT;
        ROW(rows[i].name);
        int rc = command_output(str_of(rows[i].output), str_of(rows[i].text), rows[i].cut, &r, &e);
        CHECK_INT(rc, rows[i].want ? 0 : -1);
        if (rows[i].want) {
            CHECK_STR(r.text, rows[i].want);
            CHECK_INT(r.json, rows[i].json);
        } else {
            CHECK(strstr(e.text, rows[i].error) != NULL);
        }
    }
}

TEST(an_excerpt_is_one_short_line)
{
    struct arena *a = arena_new(0);
    CHECK_STR(output_excerpt(a, STR("  a\nb\x1b[0m \n"), 100), "a b [0m");
    CHECK_STR(output_excerpt(a, STR("abcdef"), 3), "abc…");
    CHECK_STR(output_excerpt(a, STR("abäf"), 3), "ab…");
    CHECK_STR(output_excerpt(a, STR(""), 3), "");
    arena_free(a);
}

/* ---- server-sent events ---- */

static void on_event(void *ctx, struct str name, struct str data)
{
    buf_printf(ctx, "[%" STR_FMT "|%" STR_FMT "]", STR_ARG(name), STR_ARG(data));
}

TEST(events_come_out_the_same_split_at_every_byte)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        { "data: a\n\ndata: b\n\n", "[|a][|b]" },
        { "data: a\r\n\r\ndata: b\r\n\r\n", "[|a][|b]" },
        { "data: a\r\rdata: b\r\r", "[|a][|b]" },
        { "\xef\xbb\xbf"
          "data: a\n\n",
          "[|a]" },
        { "data:a\ndata:  b\ndata\n\n", "[|a\n b\n]" },
        { ": comment\n\nevent: x\nid: 7\nretry: 1\ndata: {}\n\ndata: y\n\n", "[x|{}][|y]" },
        { "event: x\n\ndata: y\n\n", "[|y]" },
        { "data: last", "[|last]" },
        { "data: a\n\n\n\nunknown: z\n\n", "[|a]" },
        { "data: \n\n", "[|]" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        size_t n = strlen(rows[i].in);
        for (size_t at = 0; at <= n; at++) {
            auto_buf out = BUF_INIT(4 * KIB);
            struct sse s;
            ROW(rows[i].in);
            sse_init(&s, KIB, on_event, &out);
            sse_feed(&s, str_n(rows[i].in, at));
            sse_feed(&s, str_n(rows[i].in + at, n - at));
            sse_end(&s);
            CHECK_STR(buf_view(&out), rows[i].want);
            sse_release(&s);
        }
    }
}

TEST(an_event_that_is_too_large_is_dropped_and_the_next_one_is_not)
{
    auto_buf out = BUF_INIT(4 * KIB);
    struct sse s;
    sse_init(&s, 16, on_event, &out);
    sse_feed(
        &s, STR("data: 0123456789abcdefghij\n\ndata: 0123456789\ndata: 0123456789\n\ndata: b\n\n"));
    sse_end(&s);
    CHECK_STR(buf_view(&out), "[|b]");
    sse_release(&s);
}

TEST(an_event_whose_last_line_is_too_large_is_dropped_at_the_end_too)
{
    auto_buf out = BUF_INIT(4 * KIB);
    struct sse s;
    sse_init(&s, 16, on_event, &out);
    sse_feed(&s, STR("data: a\n\ndata: b\ndata: 0123456789abcdefghij"));
    sse_end(&s);
    CHECK_STR(buf_view(&out), "[|a]");
    sse_release(&s);
}
