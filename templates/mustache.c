/* Mustache (specification 1.4.2 with inheritance and dynamic names) to the tree.

   Lines: a section, comment, partial … alone on its line takes the line with it. A partial's lines
   get the blanks before its tag, so texts know whether they begin a line (node.line_start) and the
   interpreter puts the indentation there.

   Blocks: the content of a block is stored without its own indentation (`dedent`), and the block
   knows the indentation of the place where it stands; so whatever content ends up there, its
   default or an argument, is printed with the place's indentation. */
#include "templates/dialect.h"
#include "templates/mustache_tag.h"

struct builder {
    struct compiler *c;
    struct template *t;
    struct str source;
    struct mustache_tags tags;
};

/* A part of the source to be built. */
struct part {
    size_t tag, tag_end; /* tags in it */
    size_t from, to;     /* bytes */
    struct str dedent;   /* blanks that are taken off each line */
};

static int build(struct builder *b, const struct part *part, struct node_list *into);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t line_begin(const struct builder *b, size_t at)
{
    while (at > 0 && is_blank(b->source.p[at - 1]))
        at--;
    return at;
}

/* Behind the newline, over blanks. */
static size_t after_line(const struct builder *b, size_t at)
{
    while (at < b->source.n && is_blank(b->source.p[at]))
        at++;
    if (at < b->source.n && b->source.p[at] == '\r')
        at++;
    return at < b->source.n && b->source.p[at] == '\n' ? at + 1 : at;
}

static bool begins_line(const struct builder *b, size_t at)
{
    return at == 0 || b->source.p[at - 1] == '\n';
}

static struct str blanks_before(const struct builder *b, const struct mustache_tag *g)
{
    size_t begin = line_begin(b, g->start);
    return str_sub(b->source, begin, g->start - begin);
}

static size_t common(struct str a, struct str c)
{
    size_t n = 0;
    while (n < a.n && n < c.n && a.p[n] == c.p[n])
        n++;
    return n;
}

/* What `blanks` has beyond what is taken off every line here. */
static struct str beyond(struct str blanks, struct str dedent)
{
    return str_sub(blanks, common(blanks, dedent), blanks.n);
}

/* `text` without `dedent` at the start of its lines; the first line only when it is a line's
   start. */
static struct str dedented(struct builder *b, struct str text, struct str dedent, bool at_start)
{
    if (dedent.n == 0)
        return text;
    char *copy = arena_alloc(b->t->arena, text.n + 1);
    size_t n = 0;
    while (text.n) {
        ptrdiff_t end = str_chr(text, '\n');
        struct str line = end < 0 ? text : str_sub(text, 0, (size_t)end + 1);
        size_t skip = at_start ? common(line, dedent) : 0;
        memcpy(copy + n, line.p + skip, line.n - skip);
        n += line.n - skip;
        text = str_sub(text, line.n, text.n);
        at_start = true;
    }
    return str_n(copy, n);
}

static void add_text(struct builder *b, const struct part *part, size_t from, size_t to,
                     const struct place *place, struct node_list *into)
{
    if (to <= from)
        return;
    bool start = begins_line(b, from);
    struct str text = dedented(b, str_sub(b->source, from, to - from), part->dedent, start);
    program_text(b->t, into, text, place)->line_start = start;
}

/* The indentation that all lines between from and to have that are not empty. `found`: there are
   any. */
static struct str own_indentation(const struct builder *b, size_t from, size_t to, bool *found)
{
    struct str result = STR_NULL, rest = str_sub(b->source, from, to - from), line;
    *found = false;
    while (str_split(&rest, '\n', &line)) {
        size_t n = 0;
        while (n < line.n && is_blank(line.p[n]))
            n++;
        if (n == line.n || line.p[n] == '\r')
            continue;
        struct str blanks = str_sub(line, 0, n);
        result = *found ? str_sub(result, 0, common(result, blanks)) : blanks;
        *found = true;
    }
    return result;
}

static struct expr *name_expr(struct builder *b, const struct mustache_tag *g)
{
    struct expr *x = program_expr(b->t, EXPR_NAME, &g->place);
    x->path = program_path(b->t, g->name);
    program_uses(b->t, x->path.text);
    return x;
}

static struct node *tag_node(struct builder *b, const struct mustache_tag *g, enum node_kind kind,
                             struct node_list *into)
{
    struct node *n = program_node(b->t, into, kind, &g->place);
    n->text = str_sub(b->source, g->start, g->end - g->start);
    return n;
}

static void print(struct builder *b, const struct mustache_tag *g, struct node_list *into)
{
    struct node *n = tag_node(b, g, NODE_PRINT, into);
    n->raw = g->kind == '&';
    n->value = name_expr(b, g);
}

static struct part inside(const struct builder *b, const struct mustache_tag *g, size_t from,
                          size_t to, struct str dedent)
{
    size_t tag = (size_t)(g - b->tags.all);
    return (struct part){ tag + 1, g->match, from, MAX(from, to), dedent };
}

static bool alone(const struct mustache_tag *g)
{
    return g->first && g->last;
}

static int section(struct builder *b, const struct mustache_tag *g, const struct part *part,
                   struct node_list *into)
{
    const struct mustache_tag *close = &b->tags.all[g->match];
    struct node *n = tag_node(b, g, g->kind == '#' ? NODE_SECTION : NODE_INVERTED, into);
    struct node_list body;
    struct part own =
        inside(b, g, alone(g) ? after_line(b, g->end) : g->end,
               alone(close) ? line_begin(b, close->start) : close->start, part->dedent);
    n->value = name_expr(b, g);
    if (build(b, &own, &body) < 0)
        return -1;
    if (!alone(close) && begins_line(b, close->start))
        program_node(b->t, &body, NODE_LINE, &close->place);
    n->body = body.first;
    return 0;
}

/* The body of a partial's name, to be compiled later; with a dynamic name all of them. */
static int refer(struct builder *b, const struct mustache_tag *g, struct node *n)
{
    if (!g->dynamic) {
        n->callee = program_body(b->c, g->name);
        return n->callee ? 0 : -1;
    }
    const struct template_partials *p = b->c->partials;
    struct str name;
    n->value = name_expr(b, g);
    for (size_t at = 0; p && p->next && p->next(p->ctx, &at, &name);) {
        if (!program_body(b->c, name))
            return -1;
    }
    return 0;
}

static void partial(struct builder *b, const struct mustache_tag *g, const struct part *part,
                    struct node *n)
{
    n->standalone = alone(g);
    if (n->standalone)
        n->indent = beyond(blanks_before(b, g), part->dedent);
}

/* A block as an argument of a parent: only its content counts, the text around it is dropped. */
static int argument(struct builder *b, const struct mustache_tag *g, struct node_list *into)
{
    const struct mustache_tag *close = &b->tags.all[g->match];
    struct node *n = program_node(b->t, into, NODE_BLOCK, &g->place);
    size_t from = g->last ? after_line(b, g->end) : g->end;
    size_t to = close->first ? line_begin(b, close->start) : close->start;
    bool found;
    struct str dedent = own_indentation(b, from, MAX(from, to), &found);
    struct part own = inside(b, g, from, to, g->last ? dedent : STR_NULL);
    struct node_list body;
    n->text = g->name;
    n->own_lines = g->last;
    if (build(b, &own, &body) < 0)
        return -1;
    n->body = body.first;
    return 0;
}

static int parent(struct builder *b, const struct mustache_tag *g, const struct part *part,
                  struct node *n)
{
    struct node_list blocks;
    program_list_init(&blocks);
    n->standalone = g->first && b->tags.all[g->match].last;
    if (n->standalone)
        n->indent = beyond(blanks_before(b, g), part->dedent);
    for (size_t i = (size_t)(g - b->tags.all) + 1; i < g->match; i++) {
        const struct mustache_tag *inner = &b->tags.all[i];
        if (inner->kind == '$' && argument(b, inner, &blocks) < 0)
            return -1;
        if (inner->match)
            i = inner->match;
    }
    n->body = blocks.first;
    return 0;
}

/* What is taken off the lines of a block's content when the block begins its line: the content's own
   indentation when it has lines of its own, else the blanks in front of the tag. */
static struct str block_dedent(const struct builder *b, const struct mustache_tag *g,
                               bool own_lines, size_t from, size_t to)
{
    bool found = false;
    struct str own = STR_NULL;
    if (own_lines)
        own = own_indentation(b, from, to, &found);
    return found ? own : blanks_before(b, g);
}

static int block(struct builder *b, const struct mustache_tag *g, const struct part *part,
                 struct node_list *into)
{
    const struct mustache_tag *close = &b->tags.all[g->match];
    struct node *n = program_node(b->t, into, NODE_BLOCK, &g->place);
    size_t from = alone(g) ? after_line(b, g->end) : g->end;
    size_t to = alone(close) ? line_begin(b, close->start) : close->start;
    struct str dedent = part->dedent;
    n->text = g->name;
    n->line_start = g->first;
    n->own_lines = alone(g);
    if (g->first) {
        dedent = block_dedent(b, g, n->own_lines, from, MAX(from, to));
        n->indent = beyond(dedent, part->dedent);
    }
    struct part content = inside(b, g, from, to, dedent);
    struct node_list body;
    if (build(b, &content, &body) < 0)
        return -1;
    n->body = body.first;
    return 0;
}

/* Whether the tag takes its line with it, and where the text goes on behind it. */
static bool takes_line(const struct builder *b, const struct mustache_tag *g, size_t *after)
{
    const struct mustache_tag *close = g->match ? &b->tags.all[g->match] : g;
    bool before = false;
    switch (g->kind) {
    case 'v':
    case '&':
        *after = g->end;
        return false;
    case '<':
        before = g->first && close->last;
        *after = before ? after_line(b, close->end) : close->end;
        return before;
    case '#':
    case '^':
    case '$':
        *after = alone(close) ? after_line(b, close->end) : close->end;
        return g->kind == '$' ? g->first : alone(g);
    default:
        *after = alone(g) ? after_line(b, g->end) : g->end;
        return alone(g);
    }
}

static int one(struct builder *b, const struct mustache_tag *g, const struct part *part,
               struct node_list *into)
{
    struct node *n;
    switch (g->kind) {
    case 'v':
    case '&':
        print(b, g, into);
        return 0;
    case '#':
    case '^':
        return section(b, g, part, into);
    case '>':
        n = tag_node(b, g, NODE_PARTIAL, into);
        partial(b, g, part, n);
        return refer(b, g, n);
    case '<':
        n = tag_node(b, g, NODE_PARENT, into);
        return parent(b, g, part, n) < 0 ? -1 : refer(b, g, n);
    case '$':
        return block(b, g, part, into);
    default:
        return 0;
    }
}

static int build(struct builder *b, const struct part *part, struct node_list *into)
{
    size_t at = part->from;
    struct place place = PLACE_START; /* of texts: only tags can fail */
    program_list_init(into);
    for (size_t i = part->tag; i < part->tag_end; i++) {
        const struct mustache_tag *g = &b->tags.all[i];
        size_t after;
        bool taken = takes_line(b, g, &after);
        size_t text_end = taken ? MAX(at, line_begin(b, g->start)) : g->start;
        add_text(b, part, at, text_end, &place, into);
        place = g->place;
        if (!taken && begins_line(b, g->start))
            program_node(b->t, into, NODE_LINE, &g->place);
        if (one(b, g, part, into) < 0)
            return -1;
        at = MIN(after, MAX(part->to, g->end));
        if (g->match)
            i = g->match;
    }
    add_text(b, part, at, part->to, &place, into);
    return 0;
}

static int compile_one(struct compiler *c, struct str source, struct body *into)
{
    struct builder b = { .c = c, .t = c->t, .source = source };
    if (mustache_tag_scan(c->scratch, source, &b.tags, c->e) < 0)
        return -1;
    struct part whole = { 0, b.tags.n, 0, source.n, STR_NULL };
    struct node_list nodes;
    if (build(&b, &whole, &nodes) < 0)
        return -1;
    c->t->dynamic |= b.tags.n > 0;
    into->first = nodes.first;
    into->defined = true;
    into->source = source;
    return 0;
}

/* Partials are compiled as they are met, each once; one that is not found prints nothing. */
int mustache_compile(struct compiler *c, struct str source, struct body *into)
{
    if (compile_one(c, source, into) < 0)
        return -1;
    for (struct body *b = c->t->first_body; b; b = b->next) {
        struct str text = STR_NULL;
        if (c->partials)
            text = c->partials->find(c->partials->ctx, b->name);
        if (!text.p)
            continue;
        if (program_check(text, c->e) < 0 || compile_one(c, arena_str(c->t->arena, text), b) < 0)
            return error_wrap(c->e, "partial \"%" STR_FMT "\"", STR_ARG(b->name));
    }
    return 0;
}
