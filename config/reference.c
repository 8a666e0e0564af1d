/* The reference page of agents.yaml, from the same rows: a heading a section, a line a key. */
#include "config/rows.h"

#include <stdio.h>

#define MAX_SECTIONS 128

struct reference {
    struct buf *out;
    struct arena *arena;
    const struct config_section *seen[MAX_SECTIONS];
    const char *seen_at[MAX_SECTIONS];
    size_t n_seen;
};

static void cell(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '|')
            buf_char(out, '\\');
        buf_char(out, *text);
    }
}

static const char *anchor(const struct reference *r, const struct config_section *section)
{
    for (size_t i = 0; i < r->n_seen; i++)
        if (r->seen[i] == section)
            return r->seen_at[i];
    return NULL;
}

static void type_cell(struct reference *r, const struct config_field *f)
{
    cell(r->out, config_field_expects(r->arena, f));
    if (f->flags & FIELD_TEMPLATE)
        buf_cstr(r->out, ", template");
}

static void variant_words(struct reference *r, const struct config_section *section, unsigned only)
{
    struct str word;
    bool first = true;
    for (size_t i = 0; only && config_field_choice(section->variants, i, &word); i++) {
        if (!(only & 1U << i))
            continue;
        buf_printf(r->out, "%s%.*s", first ? "*" : ", ", STR_ARG(word));
        first = false;
    }
    if (!first)
        buf_cstr(r->out, ":* ");
}

static void row_line(struct reference *r, const struct config_section *section,
                     const struct config_field *f)
{
    buf_printf(r->out, "| `%s` | ", f->name);
    type_cell(r, f);
    buf_cstr(r->out, " | ");
    if (f->flags & FIELD_REQUIRED)
        buf_cstr(r->out, "required");
    else if (f->otherwise)
        buf_printf(r->out, "`%s`", f->otherwise);
    buf_cstr(r->out, " | ");
    variant_words(r, section, f->only);
    cell(r->out, f->help);
    const char *where = f->section ? anchor(r, f->section) : NULL;
    if (where)
        buf_printf(r->out, " (see `%s`)", where);
    buf_cstr(r->out, " |\n");
}

static void table(struct reference *r, const struct config_section *section)
{
    bool any = false;
    for (size_t i = 0; i < section->n; i++)
        any |= section->rows[i].type != FIELD_IGNORED && section->rows[i].type != FIELD_REFUSED;
    if (!any)
        return;
    buf_cstr(r->out, "| key | value | default | what |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < section->n; i++)
        if (section->rows[i].type != FIELD_IGNORED && section->rows[i].type != FIELD_REFUSED)
            row_line(r, section, &section->rows[i]);
    buf_char(r->out, '\n');
    bool first = true;
    for (size_t i = 0; i < section->n; i++) {
        if (section->rows[i].type != FIELD_IGNORED)
            continue;
        buf_printf(r->out, "%s`%s`", first ? "Known from Hector, ignored with a warning: " : ", ",
                   section->rows[i].name);
        first = false;
    }
    if (!first)
        buf_cstr(r->out, "\n\n");
}

static void kind_tables(struct reference *r, const struct config_section *section, const char *path)
{
    const struct config_kind *kind;
    bool tool = section == &config_rows_tool, connection = section == &config_rows_connection;
    for (size_t k = 0; (tool || connection) &&
                       (kind = tool ? config_rows_tool_kind(k) : config_kinds_at(k)) != NULL;
         k++) {
        buf_printf(r->out, "#### %s with `type: %s`\n\n%s\n\n", path, kind->name, kind->help);
        if (kind->section)
            table(r, kind->section);
    }
}

static void section_page(struct reference *r, const struct config_section *section,
                         const char *path)
{
    if (anchor(r, section) || r->n_seen == MAX_SECTIONS)
        return;
    r->seen[r->n_seen] = section;
    r->seen_at[r->n_seen++] = path;
    if (*path)
        buf_printf(r->out, "### %s\n\n", path);
    buf_printf(r->out, "%s\n\n", section->help);
    table(r, section);
    kind_tables(r, section, path);
    for (size_t i = 0; i < section->n; i++) {
        const struct config_field *f = &section->rows[i];
        if (!f->section || (f->flags & FIELD_ALIAS && f->section != &config_rows_logger))
            continue;
        const char *dot = *path ? "." : "";
        const char *suffix = f->type == FIELD_MAP ? ".NAME" : f->type == FIELD_LIST ? "[]" : "";
        section_page(r, f->section,
                     arena_printf(r->arena, "%s%s%s%s", path, dot, f->name, suffix).p);
    }
}

void config_reference(struct buf *out)
{
    struct reference r = { .out = out, .arena = arena_new(64 * KIB) };
    buf_cstr(out,
             "# agents.yaml: every key\n\n"
             "Made from the tables of the loader by `keryx schema --markdown`; do not edit.\n\n"
             "Any value may be `${NAME}` or `${NAME:-default}`; a secret may be `{file: path}` or "
             "`{env: NAME}`. Durations have a unit (`1500ms`, `30s`, `5m`, `1h30m`, `7d`), a "
             "`timeout` may be bare seconds. Sizes are bytes, `64KiB`, `1MiB` or `1GiB`. Paths are "
             "relative to the file.\n\n");
    section_page(&r, &config_rows_root, "");
    arena_free(r.arena);
}
