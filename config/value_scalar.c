/* Scalars by type: text and words, booleans, numbers, sizes, durations. */
#include "config/value_site.h"

#include "base/when.h"

#include <ctype.h>
#include <math.h>

/* Whether the text may be taken as a number, bool …: plain, or it came from a variable. */
static bool is_typed(const struct config_node *node)
{
    return node->style == CONFIG_STYLE_PLAIN || node->from_env;
}

static void check_url(const struct value_site *s, const struct config_node *node)
{
    struct str u = node->text, rest;
    if (str_find(u, STR("{{")) >= 0)
        return;
    size_t scheme = str_starts_fold(u, STR("https://"))  ? 8
                    : str_starts_fold(u, STR("http://")) ? 7
                                                         : 0;
    rest = str_sub(u, scheme, u.n);
    bool blank = false;
    for (size_t i = 0; i < u.n; i++)
        blank |= (unsigned char)u.p[i] <= ' ' || u.p[i] == 0x7f;
    if (!scheme || !rest.n || strchr("/:?#@", rest.p[0]) || blank)
        value_site_mismatch(s, node);
}

static bool matches_pattern(const struct config_field *f, struct str text)
{
    if (!f->pattern)
        return true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!isalnum((unsigned char)c) && (!c || !strchr(f->pattern, c)))
            return false;
    }
    return text.n <= 64;
}

void value_site_text(const struct value_site *s, struct config_node *node, struct config_text *out)
{
    const struct config_field *f = s->field;
    if (!value_site_scalar(s, node))
        return;
    if (!node->text.n && !(f->flags & FIELD_MAY_EMPTY)) {
        if (f->flags & FIELD_REQUIRED)
            value_site_complain(s, node, "an empty text");
        return; /* as if the key were not there: base_url: ${BASE_URL:-} */
    }
    if (f->choices && config_field_choice_index(f->choices, node->text) < 0) {
        const char *names[64];
        size_t n = 0;
        struct str word;
        while (n < N_ELEMENTS(names) && config_field_choice(f->choices, n, &word))
            names[n++] = arena_cstr(s->r->arena, word);
        config_field_problem(s->r, s->path, false, node->pos, "got %s; expected %s%s",
                             config_value_words(s->r->arena, node, false),
                             config_field_expects(s->r->arena, f),
                             config_field_suggest(s->r->arena, node->text, names, n));
        return;
    }
    if (!matches_pattern(f, node->text))
        config_field_problem(s->r, s->path, false, node->pos,
                             "got %s; expected 1 to 64 letters, digits or %s",
                             config_value_words(s->r->arena, node, false), f->pattern);
    if (f->type == FIELD_URL)
        check_url(s, node);
    *out = config_value_text(node, false);
    struct str word;
    if (f->choices &&
        config_field_choice(f->choices, (size_t)config_field_choice_index(f->choices, node->text),
                            &word))
        out->s = arena_str(s->r->arena, word); /* the table's spelling */
    if (f->type == FIELD_PATH || (f->flags & FIELD_RESOLVE))
        out->s = config_value_path(s->r, node->text);
}

void value_site_choice(const struct value_site *s, struct config_node *node, int *out)
{
    struct config_text word = { 0 };
    value_site_text(s, node, &word);
    if (word.s.p)
        *out = s->field->first + config_field_choice_index(s->field->choices, word.s);
}

void value_site_bool(const struct value_site *s, struct config_node *node, bool *out)
{
    int choice = -1;
    if (s->field->choices) {
        value_site_choice(s, node, &choice);
        if (choice >= 0)
            *out = choice == 1;
        return;
    }
    if (!value_site_scalar(s, node))
        return;
    bool typed = is_typed(node) && config_node_core_type(node->text) == CONFIG_SCALAR_BOOL;
    if (typed)
        *out = node->text.p[0] == 't' || node->text.p[0] == 'T';
    else
        value_site_mismatch(s, node);
}

void value_site_number(const struct value_site *s, struct config_node *node, double *out)
{
    const struct config_field *f = s->field;
    if (!value_site_scalar(s, node))
        return;
    struct str text = node->text;
    if (text.n && text.p[0] == '+')
        text = str_sub(text, 1, text.n);
    double value;
    if (!is_typed(node) || str_double(text, &value) || !isfinite(value) || value < f->min ||
        (f->max > 0 && value > f->max)) {
        value_site_mismatch(s, node);
        return;
    }
    *out = value;
}

void value_site_uint(const struct value_site *s, struct config_node *node, unsigned *out)
{
    const struct config_field *f = s->field;
    uint64_t value, max = f->max > 0 ? (uint64_t)f->max : UINT32_MAX;
    if (!value_site_scalar(s, node))
        return;
    if (!is_typed(node) || str_u64(node->text, &value) || value < (uint64_t)f->min || value > max) {
        value_site_mismatch(s, node);
        return;
    }
    *out = (unsigned)value;
}

int config_value_size(struct str text, size_t *out, struct error *e)
{
    static const struct {
        const char *unit;
        size_t bytes;
    } units[] = { { "KiB", KIB }, { "MiB", MIB }, { "GiB", GIB }, { "B", 1 }, { "", 1 } };
    for (size_t i = 0; i < N_ELEMENTS(units); i++) {
        if (!str_ends(text, str_of(units[i].unit)))
            continue;
        uint64_t n;
        struct str digits = str_trim(str_sub(text, 0, text.n - strlen(units[i].unit)));
        if (str_u64(digits, &n))
            break;
        if (n > (uint64_t)INT64_MAX / units[i].bytes)
            return error_set(e, ERROR_LIMIT, "too large");
        *out = (size_t)n * units[i].bytes;
        return 0;
    }
    return error_set(e, ERROR_INVALID, "not a size; expected bytes, KiB, MiB or GiB");
}

void value_site_size(const struct value_site *s, struct config_node *node, size_t *out)
{
    size_t value = 0;
    if (!value_site_scalar(s, node))
        return;
    if (config_value_size(node->text, &value, NULL) || value < (size_t)s->field->min)
        value_site_mismatch(s, node);
    else
        *out = value;
}

void value_site_duration(const struct value_site *s, struct config_node *node, int64_t *out)
{
    bool bare_seconds = s->field->type == FIELD_TIMEOUT;
    int64_t value;
    if (!value_site_scalar(s, node))
        return;
    if ((s->field->flags & FIELD_OFF) && str_eq(node->text, STR("off"))) {
        *out = 0;
        return;
    }
    uint64_t number;
    if (!bare_seconds && !str_u64(node->text, &number)) {
        config_field_problem(s->r, s->path, false, node->pos,
                             "'%.*s' has no unit; expected %.*sms or %.*ss", STR_ARG(node->text),
                             STR_ARG(node->text), STR_ARG(node->text));
        return;
    }
    struct error error = ERROR_INIT;
    if (duration_parse(node->text, bare_seconds, &value, &error))
        value_site_mismatch(s, node);
    else if (value < 0 || (double)value < s->field->min)
        value_site_complain(s, node,
                            arena_printf(s->r->arena, "'%.*s', too short", STR_ARG(node->text)).p);
    else
        *out = value;
}
