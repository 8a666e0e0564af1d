/* `engine: auto`: which dialect a source is written in, from its tags alone (50-templates). */
#include "templates/dialect.h"

#include "templates/func.h"
#include "templates/go_lex.h"

enum verdict { VERDICT_NONE, VERDICT_GO, VERDICT_MUSTACHE };

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A keyword that needs something after it, or a function with something to work on. `end` or
   `title` alone may just as well be the names of fields. */
static enum verdict judge_word(struct str tag)
{
    size_t n = 0;
    while (n < tag.n && is_word(tag.p[n]))
        n++;
    struct str word = str_sub(tag, 0, n), rest = str_trim(str_sub(tag, n, tag.n));
    const struct func *f = func_find(word);
    if (f && f->max_args == 0 && rest.n == 0)
        return VERDICT_GO;
    if (n == 0 || rest.n == 0 || (n < tag.n && !is_blank(tag.p[n]) && !strchr("|(", tag.p[n])))
        return VERDICT_NONE;
    return f || go_lex_keyword(word) != GO_NO_KEYWORD ? VERDICT_GO : VERDICT_NONE;
}

/* tag: what stands between the delimiters. */
static enum verdict judge(struct str tag)
{
    if (str_starts(tag, STR("/*")))
        return VERDICT_GO; /* a comment of go; no mustache section is called that */
    if (str_starts(tag, STR("-")) && tag.n > 1 && is_blank(tag.p[1]))
        return VERDICT_GO;
    tag = str_trim(tag);
    if (tag.n == 0)
        return VERDICT_NONE;
    if (strchr("#^/>&!{<=", tag.p[0]))
        return VERDICT_MUSTACHE;
    /* `$` before a name opens a block in mustache and is a variable in go: go is far likelier. */
    if (strchr(".$\"`(", tag.p[0]) || (tag.n > 1 && str_starts(tag, STR("\\\""))))
        return VERDICT_GO;
    return judge_word(tag);
}

enum template_dialect dialect_guess(struct str source)
{
    bool go = false;
    for (;;) {
        ptrdiff_t open = str_find(source, STR("{{"));
        if (open < 0)
            break;
        source = str_sub(source, (size_t)open + 2, source.n);
        ptrdiff_t close = str_find(source, STR("}}"));
        struct str tag = close < 0 ? source : str_sub(source, 0, (size_t)close);
        enum verdict v = judge(tag);
        if (v == VERDICT_MUSTACHE)
            return TEMPLATE_MUSTACHE;
        go |= v == VERDICT_GO;
        source = str_sub(source, tag.n, source.n);
    }
    return go ? TEMPLATE_GO : TEMPLATE_MUSTACHE;
}
