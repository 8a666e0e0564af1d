/* Decoding what was encoded gives the same bytes; forms are bounded and hold well-formed UTF-8. */
#include "http/url.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct arena *a, const struct json *v)
{
    assert(v->type == JSON_STRING && str_utf8_valid(json_text(a, v)));
}

static void check_form(struct arena *a, struct str text, bool keep_all)
{
    struct error e = ERROR_INIT;
    const struct json *form = url_form_json(a, text, keep_all, &e);
    if (!form) {
        assert(e.text[0]);
        return;
    }
    assert(form->count <= 1000);
    for (const struct json *v = form->child; v; v = v->next) {
        assert(str_utf8_valid(v->key));
        if (v->type != JSON_LIST)
            check_text(a, v);
        for (const struct json *item = v->type == JSON_LIST ? v->child : NULL; item;
             item = item->next)
            check_text(a, item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_n((const char *)data, size), out;
    struct arena *a = arena_new(0);
    if (url_decode(a, in, true, &out) == 0)
        assert(out.n <= in.n && str_chr(out, '\0') < 0);
    auto_buf text = BUF_INIT(size * 3 + 1);
    url_encode(&text, in);
    assert(buf_ok(&text));
    if (str_chr(in, '\0') < 0) {
        assert(url_decode(a, buf_view(&text), false, &out) == 0);
        assert(str_eq(out, in));
    }
    check_form(a, in, false);
    check_form(a, in, true);
    url_query_get(a, in, STR("a"));
    arena_free(a);
    return 0;
}
