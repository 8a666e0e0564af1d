/* Any text as a mustache template, as its own partial and parent, and as a dot template: refused
   with a place, or rendered within bounds; inside a JSON string literal the JSON stays
   well formed. */
#include "templates/template.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sample[] = "{\"a\":\"x\\\"y\\n\",\"b\":{\"c\":[1,2.50,null,\"\\u00e9\"],\"a\":0},"
                             "\"l\":[{\"n\":1},{\"n\":2}],"
                             "\"t\":true,\"f\":false,\"p\":\"self\",\"e\":\"\"}";

static struct str find(void *ctx, struct str name)
{
    return str_eq(name, STR("self")) ? *(struct str *)ctx : STR_NULL;
}

static bool next(void *ctx, size_t *at, struct str *name)
{
    (void)ctx;
    *name = STR("self");
    return (*at)++ == 0;
}

static void render(enum template_dialect dialect, struct str source, bool json)
{
    struct template_partials p = { find, next, &source };
    struct error e = ERROR_INIT;
    struct template *t = template_compile(dialect, source, json ? NULL : &p, &e);
    struct arena *a = arena_new(0);
    struct buf out = BUF_INIT(4 * MIB);
    struct json *root = json_parse(a, str_of(sample), NULL, NULL);
    struct template_options o = { .max_output = 20000 };
    o.escape = json ? TEMPLATE_ESCAPE_JSON : TEMPLATE_ESCAPE_URL;
    if (!t) {
        assert(e.text[0] && e.line > 0);
    } else if (template_render(t, root, &o, &out, &e) == 0) {
        assert(out.n <= o.max_output);
        assert(str_utf8_valid(buf_view(&out)));
        bool valid = !json || json_parse(a, buf_view(&out), NULL, NULL) != NULL;
        assert(valid);
    } else {
        assert(e.text[0] && e.line > 0);
    }
    template_free(t);
    buf_release(&out);
    arena_free(a);
}

/* {"k":"{{source}}"} and {"k":"{source}"}, unless the source has braces of its own. */
static void as_name(struct str source)
{
    if (str_chr(source, '}') >= 0 || str_chr(source, '{') >= 0 || str_chr(source, '=') >= 0 ||
        str_chr(source, '"') >= 0 || str_chr(source, '\\') >= 0 || str_chr(source, '\n') >= 0)
        return;
    struct buf text = BUF_INIT(MIB);
    buf_cstr(&text, "{\"k\":\"{{");
    buf_str(&text, source);
    buf_cstr(&text, "}}\"}");
    render(TEMPLATE_MUSTACHE, buf_view(&text), true);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str source = str_n((const char *)data, size);
    if (size > 4096 || !str_utf8_valid(source))
        return 0;
    render(TEMPLATE_MUSTACHE, source, false);
    render(TEMPLATE_DOT, source, false);
    struct template *t = template_compile(TEMPLATE_AUTO, source, NULL, NULL);
    template_free(t);
    as_name(source);
    return 0;
}
