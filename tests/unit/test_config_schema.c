/* The schema and the reference page come from the same rows as the parser. */
#include "base/json.h"
#include "config/rows.h"
#include "tests/unit/config_rig.h"

static const struct json *definition(const struct json *root, const char *name)
{
    return json_get(json_get(root, STR("$defs")), str_of(name));
}

static void check_refs(const struct json *root, const struct json *v, unsigned depth)
{
    const struct json *ref = json_get(v, STR("$ref"));
    if (ref) {
        struct str name = str_sub(ref->text, strlen("#/$defs/"), ref->text.n);
        if (!json_get(json_get(root, STR("$defs")), name))
            T_FAIL("no definition for %.*s", STR_ARG(ref->text));
    }
    for (const struct json *c = v->child; c && depth < 40; c = c->next)
        check_refs(root, c, depth + 1);
}

TEST(the_schema_is_json_with_every_reference_defined)
{
    struct buf out = BUF_INIT(4 * MIB);
    struct arena *a = arena_new(0);
    struct error e = ERROR_INIT;
    config_schema(&out);
    const struct json *root = json_parse(a, buf_view(&out), NULL, &e);
    CHECK_CSTR(e.text, "");
    CHECK(root != NULL);
    CHECK_STR(json_get_str(a, root, "$schema", STR_NULL),
              "https://json-schema.org/draft/2020-12/schema");
    check_refs(root, root, 0);
    static const char *const sections[] = { "server",   "llm",          "tool",  "agent", "trigger",
                                            "response", "notification", "store", "limits" };
    for (size_t i = 0; i < N_ELEMENTS(sections); i++) {
        ROW(sections[i]);
        const struct json *d = definition(root, sections[i]);
        CHECK(d && json_get(d, STR("properties")));
        const struct json *more = json_get(d, STR("additionalProperties"));
        CHECK(more && (more->type == JSON_FALSE || more->type == JSON_OBJECT));
    }
    ROW("");
    const struct json *tool = json_get(definition(root, "tool"), STR("properties"));
    CHECK(json_get(tool, STR("allowed_commands")) && json_get(tool, STR("filter")));
    const struct json *count =
        json_get(json_get(definition(root, "server"), STR("properties")), STR("max_connections"));
    CHECK_STR(json_get(count, STR("default"))->text, "10000");
    arena_free(a);
    buf_release(&out);
}

static void check_reference(struct str page, const struct config_section *section, unsigned depth)
{
    for (size_t i = 0; i < section->n; i++) {
        const struct config_field *f = &section->rows[i];
        char cell[100];
        snprintf(cell, sizeof(cell), "`%s`", f->name);
        if (f->type != FIELD_REFUSED && str_find(page, str_of(cell)) < 0)
            T_FAIL("%s.%s is not on the page", section->name, f->name);
        if (f->section && depth < 8)
            check_reference(page, f->section, depth + 1);
    }
}

TEST(the_reference_names_every_key)
{
    struct buf out = BUF_INIT(4 * MIB);
    config_reference(&out);
    check_reference(buf_view(&out), &config_rows_root, 0);
    CHECK(str_find(buf_view(&out), STR("### agents.NAME.triggers[]\n")) >= 0);
    CHECK(str_find(buf_view(&out), STR("#### tools.NAME with `type: mcp`\n")) >= 0);
    buf_release(&out);
}
