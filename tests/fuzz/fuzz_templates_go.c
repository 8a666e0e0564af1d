/* Any text as a go template: refused with a place, or rendered within bounds; and whatever stands
   inside an action of a JSON string literal, the JSON around it stays well formed. */
#include "templates/template.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sample[] = "{\"body\":{\"action\":\"op\\\"en\\n\",\"items\":[{\"k\":1},{\"k\":"
                             "\"\\u00e9\"},[null,true]],\"n\":1.50},"
                             "\"headers\":{\"X-Event\":\"push\"},\"s\":\"a\\\\b\",\"n\":7,\"z\":0,"
                             "\"t\":true,\"nul\":null,\"e\":\"\"}";

static void render(struct arena *a, const struct template *t, const struct template_options *o,
                   bool json)
{
    struct error e = ERROR_INIT;
    struct buf out = BUF_INIT(4 * MIB);
    struct json *root = json_parse(a, str_of(sample), NULL, NULL);
    size_t ceiling = o->max_output ? o->max_output : TEMPLATE_MAX_OUTPUT;
    if (template_render(t, root, o, &out, &e) == 0) {
        assert(out.n <= ceiling);
        assert(str_utf8_valid(buf_view(&out)));
        if (json) {
            struct error parse = ERROR_INIT;
            bool valid = json_parse(a, buf_view(&out), NULL, &parse) != NULL;
            assert(valid);
        }
    } else {
        assert(e.text[0] && e.line > 0 && e.column > 0);
    }
    buf_release(&out);
}

static void as_template(struct str source)
{
    static const enum template_missing missing[] = { TEMPLATE_MISSING_EMPTY, TEMPLATE_MISSING_GO,
                                                     TEMPLATE_MISSING_KEEP };
    struct error e = ERROR_INIT;
    struct template *t = template_compile(TEMPLATE_GO, source, NULL, &e);
    struct arena *a = arena_new(0);
    if (!t)
        assert(e.text[0]);
    for (size_t i = 0; t && i < N_ELEMENTS(missing); i++) {
        struct template_options o = { .missing = missing[i], .max_output = 20000 };
        o.go_numbers = i == 1;
        o.escape = i == 2 ? TEMPLATE_ESCAPE_HTML : TEMPLATE_ESCAPE_NONE;
        render(a, t, &o, false);
    }
    template_free(t);
    arena_free(a);
}

/* {"k":"{{ source }}"}, unless the source ends the action or leaves it open. */
static void as_action(struct str source)
{
    if (str_find(source, STR("}}")) >= 0 || str_find(source, STR("{{")) >= 0)
        return;
    struct buf text = BUF_INIT(MIB);
    struct arena *a = arena_new(0);
    buf_cstr(&text, "{\"k\":\"{{");
    buf_str(&text, source);
    buf_cstr(&text, "}}\"}");
    struct template *t = template_compile(TEMPLATE_GO, buf_view(&text), NULL, NULL);
    struct template_options o = { .escape = TEMPLATE_ESCAPE_JSON, .max_output = 20000 };
    for (int i = 0; t && i < 2; i++) {
        o.missing = i ? TEMPLATE_MISSING_KEEP : TEMPLATE_MISSING_EMPTY;
        render(a, t, &o, true);
    }
    template_free(t);
    buf_release(&text);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str source = str_n((const char *)data, size);
    if (size > 4096)
        return 0;
    as_template(source);
    as_action(source);
    return 0;
}
