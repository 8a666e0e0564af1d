/* JSON Schema (draft 2020-12) of agents.yaml, for editors: every section one definition, every row one
   property. A value may also be a text with ${…} in it, whatever its type. */
#include "config/rows.h"

#include "base/json.h"

#include <stdio.h>

#define MAX_SCHEMA MIB

struct schema {
    struct arena *arena;
    struct json *defs;
};

static struct json *value_schema(struct schema *s, const struct config_field *f);

static struct json *parse(struct schema *s, const char *text)
{
    struct json *v = json_parse(s->arena, str_of(text), NULL, NULL);
    return v ? v : json_object(s->arena);
}

static void put(struct schema *s, struct json *object, const char *key, struct json *value)
{
    json_put(s->arena, object, str_of(key), value);
}

static struct json *reference(struct schema *s, const char *name)
{
    struct json *v = json_object(s->arena);
    put(s, v, "$ref", json_str(s->arena, arena_printf(s->arena, "#/$defs/%s", name)));
    return v;
}

static struct json *either(struct schema *s, struct json *a, struct json *b)
{
    struct json *v = json_object(s->arena), *list = json_list(s->arena);
    json_add(s->arena, list, a);
    json_add(s->arena, list, b);
    put(s, v, "anyOf", list);
    return v;
}

static struct json *list_of(struct schema *s, struct json *items)
{
    struct json *v = json_object(s->arena);
    json_put_str(s->arena, v, "type", "array");
    put(s, v, "items", items);
    return v;
}

static struct json *map_of(struct schema *s, struct json *values)
{
    struct json *v = json_object(s->arena);
    put(s, v, "type", parse(s, "[\"object\",\"null\"]"));
    put(s, v, "additionalProperties", values);
    return v;
}

static struct json *choices_schema(struct schema *s, const char *choices)
{
    struct json *v = json_object(s->arena), *list = json_list(s->arena);
    struct str word;
    for (size_t i = 0; config_field_choice(choices, i, &word); i++)
        json_add(s->arena, list, json_str(s->arena, word));
    put(s, v, "enum", list);
    return v;
}

static struct json *number_schema(struct schema *s, const struct config_field *f)
{
    struct json *v = json_object(s->arena);
    json_put_str(s->arena, v, "type", f->type == FIELD_UINT ? "integer" : "number");
    put(s, v, "minimum", json_double(s->arena, f->min));
    if (f->max > 0)
        put(s, v, "maximum", json_double(s->arena, f->max));
    return v;
}

static struct json *item_schema(struct schema *s, const struct config_field *f)
{
    if (f->type == FIELD_SECRETS)
        return reference(s, "secret");
    if (f->choices && f->type == FIELD_TEXTS)
        return choices_schema(s, f->choices);
    return reference(s, "text");
}

/* Sections that a bare scalar may stand for. */
static struct json *section_schema(struct schema *s, const struct config_section *section);

static struct json *container_schema(struct schema *s, const struct config_field *f)
{
    struct json *inner = f->section ? section_schema(s, f->section) : NULL;
    switch (f->type) {
    case FIELD_NODE:
        if (!inner)
            inner = parse(s, "{\"type\":\"object\"}");
        return f->choices ? either(s, choices_schema(s, f->choices), inner) : inner;
    case FIELD_LIST:
        return (f->flags & FIELD_LONE) ? either(s, inner, list_of(s, inner)) : list_of(s, inner);
    case FIELD_MAP:
        return map_of(s, inner);
    default:
        return inner;
    }
}

static struct json *value_schema(struct schema *s, const struct config_field *f)
{
    switch (f->type) {
    case FIELD_SECRET:
        return reference(s, "secret");
    case FIELD_WORD:
    case FIELD_CHOICE:
        return either(s, choices_schema(s, f->choices), reference(s, "variable"));
    case FIELD_BOOL:
        return either(
            s, f->choices ? choices_schema(s, f->choices) : parse(s, "{\"type\":\"boolean\"}"),
            reference(s, "variable"));
    case FIELD_UINT:
    case FIELD_NUMBER:
        return either(s, number_schema(s, f), reference(s, "variable"));
    case FIELD_SIZE:
        return reference(s, "size");
    case FIELD_DURATION:
        return (f->flags & FIELD_OFF)
                   ? either(s, choices_schema(s, "off"), reference(s, "duration"))
                   : reference(s, "duration");
    case FIELD_TIMEOUT:
        return reference(s, "timeout");
    case FIELD_TEXTS:
    case FIELD_SECRETS:
    case FIELD_COMMAND:
    case FIELD_CIDRS:
        return either(s, item_schema(s, f), list_of(s, item_schema(s, f)));
    case FIELD_PAIRS:
        return map_of(s,
                      (f->flags & FIELD_PRIVATE) ? reference(s, "secret") : reference(s, "text"));
    case FIELD_NODE:
    case FIELD_SECTION:
    case FIELD_LIST:
    case FIELD_MAP:
        return container_schema(s, f);
    case FIELD_IGNORED:
        return parse(s, "{\"deprecated\":true}");
    case FIELD_REFUSED:
        return parse(s, "{\"not\":{}}");
    default:
        return f->choices
                   ? either(s, choices_schema(s, f->choices), parse(s, "{\"type\":\"number\"}"))
                   : reference(s, "text");
    }
}

static struct json *default_value(struct schema *s, const struct config_field *f)
{
    struct str text = str_of(f->otherwise), piece;
    if (f->type == FIELD_TEXTS) {
        struct json *list = json_list(s->arena);
        while (str_split(&text, ' ', &piece))
            json_add(s->arena, list, json_str(s->arena, piece));
        return list;
    }
    bool typed =
        (f->type == FIELD_BOOL && !f->choices) || f->type == FIELD_UINT || f->type == FIELD_NUMBER;
    return typed ? parse(s, f->otherwise) : json_str(s->arena, text);
}

static void add_properties(struct schema *s, struct json *properties, struct json *required,
                           const struct config_section *section)
{
    for (size_t i = 0; i < section->n; i++) {
        const struct config_field *f = &section->rows[i];
        if (json_get(properties, str_of(f->name)))
            continue; /* `input` of both triggers */
        struct json *v = json_alias(s->arena, value_schema(s, f));
        json_put_str(s->arena, v, "description",
                     f->help ? f->help : "Hector's; keryx does not implement it");
        if (f->otherwise)
            put(s, v, "default", default_value(s, f));
        put(s, properties, f->name, v);
        if ((f->flags & FIELD_REQUIRED) && !f->only && required)
            json_add(s->arena, required, json_str(s->arena, str_of(f->name)));
    }
}

static void add_kinds(struct schema *s, struct json *properties,
                      const struct config_section *section)
{
    const struct config_kind *kind;
    for (size_t k = 0; section == &config_rows_tool && (kind = config_rows_tool_kind(k)); k++)
        add_properties(s, properties, NULL, kind->section);
    for (size_t k = 0; section == &config_rows_connection && (kind = config_kinds_at(k)); k++)
        if (kind->section)
            add_properties(s, properties, NULL, kind->section);
}

static bool takes_any(const struct config_section *section)
{
    return section == &config_rows_target ||
           (section == &config_rows_connection && !config_kinds_at(0));
}

static struct json *object_schema(struct schema *s, const struct config_section *section)
{
    struct json *v = json_object(s->arena);
    struct json *properties = json_object(s->arena), *required = json_list(s->arena);
    put(s, v, "type", parse(s, "[\"object\",\"null\"]"));
    json_put_str(s->arena, v, "description", section->help);
    add_properties(s, properties, required, section);
    add_kinds(s, properties, section);
    put(s, v, "properties", properties);
    if (required->count)
        put(s, v, "required", required);
    put(s, v, "additionalProperties",
        section->extra_at    ? reference(s, "text")
        : takes_any(section) ? json_bool(s->arena, true)
                             : json_bool(s->arena, false));
    return v;
}

/* One definition a section, made when it is first met. */
static struct json *section_schema(struct schema *s, const struct config_section *section)
{
    if (!json_get(s->defs, str_of(section->name))) {
        put(s, s->defs, section->name, json_object(s->arena)); /* its place, and an end to cycles */
        struct json *made = object_schema(s, section);
        for (struct json *d = s->defs->child; d; d = d->next)
            if (str_eq_c(d->key, section->name)) {
                d->child = made->child;
                d->last = made->last;
                d->count = made->count;
            }
    }
    struct json *ref = reference(s, section->name);
    return section->scalar ? either(s, reference(s, "text"), ref) : ref;
}

void config_schema(struct buf *out)
{
    static const struct {
        const char *name, *schema;
    } common[] = {
        { "variable", "{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}" },
        { "text", "{\"type\":[\"string\",\"number\",\"boolean\"]}" },
        { "secret", "{\"anyOf\":[{\"type\":[\"string\",\"number\"]},"
                    "{\"type\":\"object\",\"properties\":{\"file\":{\"type\":\"string\"}},"
                    "\"required\":[\"file\"],\"additionalProperties\":false},"
                    "{\"type\":\"object\",\"properties\":{\"env\":{\"type\":\"string\"}},"
                    "\"required\":[\"env\"],\"additionalProperties\":false}]}" },
        { "size", "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},{\"type\":\"string\","
                  "\"pattern\":\"^[0-9]+ ?([KMG]iB|B)?$|\\\\$\\\\{\"}]}" },
        { "duration", "{\"type\":\"string\",\"pattern\":"
                      "\"^([0-9]+(\\\\.[0-9]+)?(w|d|h|m|s|ms|us|ns|µs))+$|\\\\$\\\\{\"}" },
        { "timeout",
          "{\"anyOf\":[{\"type\":\"number\",\"minimum\":0},{\"$ref\":\"#/$defs/duration\"},"
          "{\"type\":\"string\",\"pattern\":\"^[0-9]+$\"}]}" },
    };
    struct schema s = { .arena = arena_new(256 * KIB) };
    s.defs = json_object(s.arena);
    for (size_t i = 0; i < N_ELEMENTS(common); i++)
        put(&s, s.defs, common[i].name, parse(&s, common[i].schema));
    struct json *root = json_object(s.arena);
    json_put_str(s.arena, root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_str(s.arena, root, "$id", "urn:keryx:agents.yaml");
    json_put_str(s.arena, root, "title", "keryx agents.yaml");
    struct json *top = object_schema(&s, &config_rows_root);
    for (struct json *m = top->child, *next; m; m = next) {
        next = m->next;
        json_put(s.arena, root, m->key, json_alias(s.arena, m));
    }
    put(&s, root, "$defs", s.defs);
    auto_buf text = BUF_INIT(MAX_SCHEMA);
    json_write(&text, root, JSON_PRETTY);
    buf_str(out, buf_view(&text));
    buf_char(out, '\n');
    arena_free(s.arena);
}
