/* Any bytes compile or fail with a column inside the text; a compiled path finds a value of the tree
   or nothing, and the same value each time. */
#include "base/jsonpath.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] = "{\"a\":{\"b\":[{\"c\":1},[2,3],{\"\":{\"a\":4}}]},\"0\":[[[5]]],"
                               "\"\\u00e9\":6,\"a\":[{\"b\":[7]}]}";

static bool is_in(const struct json *tree, const struct json *v)
{
    if (tree == v)
        return true;
    for (const struct json *c = tree->child; c; c = c->next)
        if (is_in(c, v))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    const struct json *root = json_parse(a, str_of(document), NULL, NULL);
    struct error e = ERROR_INIT;
    const struct jsonpath *path = jsonpath_compile(a, str_n((const char *)data, size), &e);
    if (path) {
        const struct json *v = jsonpath_find(path, root);
        assert(!v || is_in(root, v));
        assert(jsonpath_find(path, root) == v);
        assert(!jsonpath_find(path, NULL));
    } else {
        assert(e.line == 1 && e.column >= 1 && e.column <= size + 1 && e.text[0]);
    }
    arena_free(a);
    return 0;
}
