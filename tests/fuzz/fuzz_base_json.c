/* What is accepted is written, read again and written to the same bytes, in every style; a tree never
   has more values than its limit; decoded text is UTF-8; numbers are ordered. */
#include "base/json.h"

#include <assert.h>

#define MAX_NODES 500
#define MAX_DEPTH 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits limits = { .max_depth = MAX_DEPTH, .max_nodes = MAX_NODES };

/* Checks the subtree and counts its values; the depth is limited, so this may recurse. */
static size_t check_tree(struct arena *a, const struct json *v, unsigned depth)
{
    size_t n = 1;
    uint32_t children = 0;
    assert(depth <= MAX_DEPTH);
    assert(str_utf8_valid(json_text(a, v)));
    if (v->type == JSON_NUMBER) {
        int64_t whole;
        assert(json_number_valid(v->text));
        assert(json_number_cmp(v->text, v->text) == 0);
        if (json_number_i64(v->text, &whole) == 0)
            assert(json_number_cmp(json_i64(a, whole)->text, v->text) == 0);
        double d = json_number_double(v->text);
        const struct json *shown = json_double(a, d);
        if (shown->type == JSON_NUMBER)
            assert(json_number_double(shown->text) == d);
    }
    const struct json *before = NULL;
    for (const struct json *c = v->child; c; c = c->next) {
        if (v->type == JSON_OBJECT) {
            struct str key = json_key_text(a, c);
            assert(str_utf8_valid(key));
            const struct json *found = json_get(v, key);
            assert(found && str_eq(json_key_text(a, found), key));
        } else {
            assert(json_at(v, children) == c);
        }
        if (before && before->type == JSON_NUMBER && c->type == JSON_NUMBER)
            assert(json_number_cmp(before->text, c->text) ==
                   -json_number_cmp(c->text, before->text));
        n += check_tree(a, c, depth + (c->type >= JSON_LIST));
        children++;
        before = c;
    }
    assert(children == v->count);
    return n;
}

static void check_round_trip(struct arena *a, const struct json *v, unsigned style)
{
    auto_buf once = BUF_INIT(64 * MIB);
    auto_buf twice = BUF_INIT(64 * MIB);
    json_write(&once, v, style);
    assert(buf_ok(&once));
    const struct json *again = json_parse(a, buf_view(&once), &limits, NULL);
    assert(again);
    json_write(&twice, again, style);
    assert(str_eq(buf_view(&once), buf_view(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = { (const char *)data, size };
    struct error e = ERROR_INIT;
    const struct json *v = json_parse(a, text, &limits, &e);
    if (v) {
        assert(check_tree(a, v, v->type >= JSON_LIST) <= MAX_NODES);
        for (unsigned style = 0; style <= (JSON_PRETTY | JSON_SORT_KEYS | JSON_HTML_SAFE); style++)
            check_round_trip(a, v, style);
    } else {
        assert(e.code != ERROR_NONE && e.line && e.column && e.text[0]);
    }
    /* any bytes at all can be quoted, and come back as their well-formed part */
    auto_buf quoted = BUF_INIT(64 * MIB);
    json_quote(&quoted, text);
    const struct json *back = json_parse(a, buf_view(&quoted), NULL, NULL);
    assert(back && back->type == JSON_STRING);
    if (str_utf8_valid(text))
        assert(str_eq(json_text(a, back), text));
    arena_free(a);
    return 0;
}
