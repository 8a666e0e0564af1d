/* The dot dialect: `{a.b.0}` between any other text. What is no path stays text, so JSON may stand
   around it; `{{` is text too. */
#include "templates/dialect.h"

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_@$-", c));
}

/* The length of `{path}` at source[at], 0 when there is none. */
static size_t tag_length(struct str source, size_t at)
{
    size_t i = at + 1, name = i;
    for (; i < source.n && source.p[i] != '}'; i++) {
        if (source.p[i] == '.' && i > name)
            name = i + 1;
        else if (!is_name(source.p[i]))
            return 0;
    }
    return i < source.n && i > name ? i + 1 - at : 0;
}

int dot_compile(struct compiler *c, struct str source, struct body *into)
{
    struct template *t = c->t;
    struct node_list nodes;
    struct place place = PLACE_START;
    size_t kept = 0;
    program_list_init(&nodes);
    for (size_t at = 0; at < source.n;) {
        size_t length = source.p[at] == '{' ? tag_length(source, at) : 0;
        bool doubled = source.p[at] == '{' && at + 1 < source.n && source.p[at + 1] == '{';
        if (length == 0) {
            at += doubled ? 2 : 1;
            continue;
        }
        if (at > kept)
            program_text(t, &nodes, str_sub(source, kept, at - kept), &place);
        program_place(source, &place, at);
        struct str path = str_sub(source, at + 1, length - 2);
        bool whole = str_eq(path, STR("__raw__"));
        struct node *n = program_node(t, &nodes, whole ? NODE_WHOLE : NODE_PRINT, &place);
        n->text = str_sub(source, at, length);
        struct expr *x = program_expr(t, EXPR_FIELD, &place);
        x->path = program_path(t, path);
        n->value = x;
        program_uses(t, whole ? STR("") : x->path.text);
        t->dynamic = true;
        at += length;
        kept = at;
    }
    if (kept < source.n)
        program_text(t, &nodes, str_sub(source, kept, source.n), &place);
    into->first = nodes.first;
    into->defined = true;
    into->source = source;
    return 0;
}
