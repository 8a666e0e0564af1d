/* The scanner of the go dialect: text/template's lexical rules, and four things that are errors
   there: hyphens inside a field name, list places (`.items.0`), `\"` around a string, letters
   beyond ASCII taken on trust. */
#include "templates/go_lex.h"

struct lexer {
    struct str source;
    size_t at;
    struct place place;
    struct go_tokens *out;
    size_t cap;
    struct arena *scratch;
    struct error *e;
    size_t action; /* where the current action began */
    int parens;
};

static const char *const keywords[GO_NO_KEYWORD] = {
    [GO_BLOCK] = "block",   [GO_BREAK] = "break", [GO_CONTINUE] = "continue",
    [GO_DEFINE] = "define", [GO_ELSE] = "else",   [GO_ENDS] = "end",
    [GO_IF] = "if",         [GO_RANGE] = "range", [GO_TEMPLATE] = "template",
    [GO_WITH] = "with",
};

enum go_keyword go_lex_keyword(struct str word)
{
    for (unsigned k = 0; k < GO_NO_KEYWORD; k++) {
        if (str_eq_c(word, keywords[k]))
            return (enum go_keyword)k;
    }
    return GO_NO_KEYWORD;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte at l->at + ahead, 0 behind the end. */
static char peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->source.n ? l->source.p[l->at + ahead] : '\0';
}

static bool looking_at(const struct lexer *l, size_t at, const char *what)
{
    return str_starts(str_sub(l->source, at, l->source.n), str_of(what));
}

static int fail(struct lexer *l, size_t at, const char *what)
{
    program_place(l->source, &l->place, at);
    return error_at(l->e, l->place.line, l->place.column, "%s", what);
}

static int fail_char(struct lexer *l, const char *what)
{
    struct str rest = str_sub(l->source, l->at, l->source.n);
    size_t len = str_utf8_len(rest, 0);
    program_place(l->source, &l->place, l->at);
    return error_at(l->e, l->place.line, l->place.column, "%s '%.*s'", what, (int)len, rest.p);
}

static struct go_token *emit(struct lexer *l, enum go_token_kind kind, size_t from, size_t to)
{
    struct go_tokens *o = l->out;
    if (o->n == l->cap) {
        struct go_token *bigger = ARENA_ARRAY(l->scratch, struct go_token, l->cap * 2);
        memcpy(bigger, o->all, o->n * sizeof(*bigger));
        o->all = bigger;
        l->cap *= 2;
    }
    program_place(l->source, &l->place, from);
    struct go_token *t = &o->all[o->n++];
    *t = (struct go_token){
        .kind = kind,
        .keyword = GO_NO_KEYWORD,
        .text = str_sub(l->source, from, to - from),
        .place = l->place,
    };
    l->at = to;
    return t;
}

/* `}}` or ` -}}` here? *length: of the whole, *trim: with the marker. */
static bool at_right(const struct lexer *l, size_t *length, bool *trim)
{
    *trim = is_blank(peek(l, 0)) && looking_at(l, l->at + 1, "-}}");
    *length = *trim ? 4 : 2;
    return *trim || looking_at(l, l->at, "}}");
}

static void skip_blanks(struct lexer *l)
{
    while (l->at < l->source.n && is_blank(l->source.p[l->at]))
        l->at++;
}

static int lex_comment(struct lexer *l)
{
    size_t start = l->at;
    ptrdiff_t end = str_find(str_sub(l->source, l->at + 2, l->source.n), STR("*/"));
    size_t length;
    bool trim;
    if (end < 0)
        return fail(l, start, "the comment is not closed: */ is missing");
    l->at += 2 + (size_t)end + 2;
    /* Go 1.16 and later: blanks between the comment and a trim marker are the marker's only one. */
    if (!at_right(l, &length, &trim))
        return fail(l, l->at, "a comment ends with */}} or */ -}}");
    l->at += length;
    if (trim)
        skip_blanks(l);
    return 0;
}

/* Letters, digits and, inside a field, hyphens between them. */
static void skip_name(struct lexer *l, bool hyphens)
{
    while (is_name(peek(l, 0)) || (hyphens && peek(l, 0) == '-' && is_name(peek(l, 1)) && l->at &&
                                   is_name(l->source.p[l->at - 1])))
        l->at++;
}

/* What may follow a name, a field or a variable. */
static bool at_terminator(const struct lexer *l)
{
    char c = peek(l, 0);
    if (l->at >= l->source.n || is_blank(c))
        return true;
    return c == '.' || c == ',' || c == '|' || c == ':' || c == '=' || c == '(' || c == ')' ||
           looking_at(l, l->at, "}}");
}

static int lex_word(struct lexer *l, enum go_token_kind kind)
{
    size_t start = l->at;
    if (kind != GO_NAME)
        l->at++;
    skip_name(l, kind == GO_FIELD);
    if (!at_terminator(l) || (peek(l, 0) == '=' && kind != GO_VARIABLE))
        return fail_char(l, "unexpected character");
    struct str word = str_sub(l->source, start, l->at - start);
    if (kind == GO_FIELD && word.n == 1)
        kind = GO_DOT;
    if (kind == GO_NAME && (str_eq(word, STR("true")) || str_eq(word, STR("false"))))
        kind = GO_BOOL;
    if (kind == GO_NAME && str_eq(word, STR("nil")))
        kind = GO_NIL;
    struct go_token *t = emit(l, kind, start, l->at);
    if (kind == GO_NAME) {
        t->keyword = go_lex_keyword(word);
        if (t->keyword != GO_NO_KEYWORD)
            t->kind = GO_KEYWORD;
    }
    return 0;
}

static void skip_set(struct lexer *l, const char *set)
{
    while (l->at < l->source.n && strchr(set, l->source.p[l->at]) && l->source.p[l->at])
        l->at++;
}

static bool skip_one(struct lexer *l, const char *set)
{
    if (l->at >= l->source.n || !l->source.p[l->at] || !strchr(set, l->source.p[l->at]))
        return false;
    l->at++;
    return true;
}

/* Roughly a number; go_literal.c decides. */
static int lex_number(struct lexer *l)
{
    size_t start = l->at;
    const char *digits = "0123456789_";
    skip_one(l, "+-");
    if (skip_one(l, "0")) {
        if (skip_one(l, "xX"))
            digits = "0123456789abcdefABCDEF_";
        else if (skip_one(l, "oO"))
            digits = "01234567_";
        else if (skip_one(l, "bB"))
            digits = "01_";
    }
    skip_set(l, digits);
    if (skip_one(l, "."))
        skip_set(l, digits);
    if (skip_one(l, strlen(digits) > 20 ? "pP" : "eE")) {
        skip_one(l, "+-");
        skip_set(l, "0123456789_");
    }
    if (is_name(peek(l, 0)) || peek(l, 0) == '+' || peek(l, 0) == '-') {
        if (peek(l, 0) == 'i' || !is_name(peek(l, 0)))
            return fail(l, start, "bad number (complex numbers are not supported)");
        return fail(l, start, "bad number");
    }
    emit(l, GO_NUMBER, start, l->at);
    return 0;
}

/* A constant between `quote`s on one line, with backslash escapes. */
static int lex_quoted(struct lexer *l, enum go_token_kind kind)
{
    size_t start = l->at;
    char quote = l->source.p[l->at++];
    for (;; l->at++) {
        if (l->at >= l->source.n || l->source.p[l->at] == '\n')
            return fail(l, start,
                        kind == GO_CHAR ? "the character constant is not closed"
                                        : "the string is not closed");
        if (l->source.p[l->at] == quote)
            break;
        if (l->source.p[l->at] == '\\' && peek(l, 1) && peek(l, 1) != '\n')
            l->at++;
    }
    emit(l, kind, start, l->at + 1);
    return 0;
}

/* \"…\": a string whose quotes carry the escaping of the JSON text around the action. */
static int lex_escaped_quote(struct lexer *l)
{
    size_t start = l->at;
    l->at += 2;
    while (l->at < l->source.n && l->source.p[l->at] != '\n') {
        if (looking_at(l, l->at, "\\\"")) {
            emit(l, GO_STRING, start, l->at + 2);
            return 0;
        }
        if (l->source.p[l->at] == '"')
            break;
        l->at += peek(l, 0) == '\\' && peek(l, 1) == '\\' ? 2 : 1;
    }
    return fail(l, start, "the string is not closed: \\\" is missing");
}

static int lex_raw(struct lexer *l)
{
    size_t start = l->at;
    ptrdiff_t end = str_chr(str_sub(l->source, start + 1, l->source.n), '`');
    if (end < 0)
        return fail(l, start, "the raw string is not closed: ` is missing");
    emit(l, GO_RAW, start, start + 1 + (size_t)end + 1);
    return 0;
}

static int lex_space(struct lexer *l)
{
    size_t start = l->at, length;
    bool trim = false;
    while (l->at < l->source.n && is_blank(l->source.p[l->at])) {
        if (at_right(l, &length, &trim) && trim)
            break;
        l->at++;
    }
    if (l->at > start)
        emit(l, GO_SPACE, start, l->at);
    return 0;
}

static int lex_paren(struct lexer *l, char c)
{
    l->parens += c == '(' ? 1 : -1;
    if (l->parens < 0)
        return fail(l, l->at, "unexpected )");
    emit(l, c == '(' ? GO_OPEN : GO_CLOSE, l->at, l->at + 1);
    return 0;
}

/* `.0` belongs to the field, variable or parenthesis it touches; else it is a number. */
static bool list_place(const struct lexer *l)
{
    if (peek(l, 0) != '.' || !is_digit(peek(l, 1)) || l->out->n == 0)
        return false;
    const struct go_token *before = &l->out->all[l->out->n - 1];
    return before->kind == GO_FIELD || before->kind == GO_VARIABLE || before->kind == GO_CLOSE;
}

static int lex_element(struct lexer *l)
{
    char c = peek(l, 0);
    if (is_blank(c))
        return lex_space(l);
    switch (c) {
    case '"':
        return lex_quoted(l, GO_STRING);
    case '\'':
        return lex_quoted(l, GO_CHAR);
    case '`':
        return lex_raw(l);
    case '$':
        return lex_word(l, GO_VARIABLE);
    case '(':
    case ')':
        return lex_paren(l, c);
    case '|':
        emit(l, GO_PIPE, l->at, l->at + 1);
        return 0;
    case ',':
        emit(l, GO_COMMA, l->at, l->at + 1);
        return 0;
    case '=':
        emit(l, GO_ASSIGN, l->at, l->at + 1);
        return 0;
    case ':':
        if (peek(l, 1) != '=')
            return fail(l, l->at, "expected :=");
        emit(l, GO_DECLARE, l->at, l->at + 2);
        return 0;
    case '\\':
        if (peek(l, 1) == '"')
            return lex_escaped_quote(l);
        break;
    default:
        break;
    }
    if (c == '.' && (!is_digit(peek(l, 1)) || list_place(l)))
        return lex_word(l, GO_FIELD);
    if (c == '.' || c == '+' || c == '-' || is_digit(c))
        return lex_number(l);
    if (is_name(c))
        return lex_word(l, GO_NAME);
    return fail_char(l, "unexpected character");
}

/* From behind `{{` to behind `}}`. */
static int lex_action(struct lexer *l)
{
    size_t length;
    bool trim;
    l->parens = 0;
    while (!at_right(l, &length, &trim)) {
        if (l->at >= l->source.n) {
            program_place(l->source, &l->place, l->at);
            struct place from = PLACE_START;
            program_place(l->source, &from, l->action);
            return error_at(
                l->e, l->place.line, l->place.column,
                "the action that began at line %u, column %u is not closed: }} is missing",
                from.line, from.column);
        }
        if (lex_element(l) < 0)
            return -1;
    }
    if (l->parens)
        return fail(l, l->at, "a parenthesis is not closed");
    emit(l, GO_RIGHT, l->at, l->at + length);
    if (trim)
        skip_blanks(l);
    return 0;
}

/* Text up to `{{`, less the blanks that its trim marker takes. `from`: where the text may begin. */
static void lex_text(struct lexer *l)
{
    ptrdiff_t found = str_find(str_sub(l->source, l->at, l->source.n), STR("{{"));
    size_t end = found < 0 ? l->source.n : l->at + (size_t)found, text_end = end;
    if (found >= 0 && looking_at(l, end + 2, "-") && end + 3 < l->source.n &&
        is_blank(l->source.p[end + 3])) {
        while (text_end > l->at && is_blank(l->source.p[text_end - 1]))
            text_end--;
    }
    if (text_end > l->at)
        emit(l, GO_TEXT, l->at, text_end);
    l->at = end;
}

int go_lex(struct arena *scratch, struct str source, struct go_tokens *out, struct error *e)
{
    struct lexer l = {
        .source = source,
        .place = PLACE_START,
        .out = out,
        .cap = 64,
        .scratch = scratch,
        .e = e,
    };
    *out = (struct go_tokens){ .all = ARENA_ARRAY(scratch, struct go_token, l.cap) };
    for (;;) {
        lex_text(&l);
        if (l.at >= source.n)
            break;
        out->tags = true;
        l.action = l.at;
        bool trim = peek(&l, 2) == '-' && l.at + 3 < source.n && is_blank(peek(&l, 3));
        size_t inside = l.at + (trim ? 3 : 2);
        size_t comment = inside;
        while (trim && comment < source.n && is_blank(source.p[comment]))
            comment++;
        if (looking_at(&l, comment, "/*")) {
            l.at = comment;
            if (lex_comment(&l) < 0)
                return -1;
            continue;
        }
        emit(&l, GO_LEFT, l.at, inside);
        if (lex_action(&l) < 0)
            return -1;
    }
    emit(&l, GO_END, source.n, source.n);
    return 0;
}
