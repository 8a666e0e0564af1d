/* Where the lines of a scalar stand in the file, and libyaml's complaints in words that help. */
#include "config/yaml_scalar.h"

struct config_pos yaml_scalar_pos(yaml_mark_t mark)
{
    return (struct config_pos){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

/* Bytes of the line break at p, 0 if there is none. libyaml counts CR, LF, CRLF, NEL, LS and PS. */
static size_t break_len(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    if (n >= 2 && u[0] == '\r' && u[1] == '\n')
        return 2;
    if (n >= 1 && (u[0] == '\r' || u[0] == '\n'))
        return 1;
    if (n >= 2 && u[0] == 0xc2 && u[1] == 0x85)
        return 2;
    if (n >= 3 && u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9))
        return 3;
    return 0;
}

static bool lines_next(struct yaml_scalar_lines *l)
{
    while (l->at < l->source.n) {
        size_t n = break_len(l->source.p + l->at, l->source.n - l->at);
        l->at += n ? n : 1;
        if (n) {
            l->line++;
            return true;
        }
    }
    return false;
}

static struct str lines_current(const struct yaml_scalar_lines *l)
{
    size_t end = l->at;
    while (end < l->source.n && !break_len(l->source.p + end, l->source.n - end))
        end++;
    return str_n(l->source.p + l->at, end - l->at);
}

static size_t leading_spaces(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == ' ')
        n++;
    return n;
}

/* The blanks libyaml took off a block scalar's lines: those of its first line with content in the
   file less those that are left in the text. */
static size_t block_indent(struct yaml_scalar_lines l, struct str text)
{
    struct str piece;
    while (str_split(&text, '\n', &piece)) {
        if (str_trim(piece).n) {
            size_t in_file = leading_spaces(lines_current(&l)), left = leading_spaces(piece);
            return in_file >= left ? in_file - left : 0;
        }
        if (!lines_next(&l))
            break;
    }
    return 0;
}

void yaml_scalar_place(struct yaml_scalar_lines *lines, struct config_node *node,
                       const yaml_event_t *event)
{
    node->text_pos = node->pos;
    if (node->style == CONFIG_STYLE_LITERAL || node->style == CONFIG_STYLE_FOLDED) {
        while (lines->line <= node->pos.line && lines_next(lines))
            ;
        node->text_pos.line = node->pos.line + 1;
        node->text_pos.column = 1;
        if (lines->line == node->text_pos.line)
            node->text_pos.column += (unsigned)block_indent(*lines, node->text);
        node->rows = node->style == CONFIG_STYLE_LITERAL;
        return;
    }
    bool one_line = event->start_mark.line == event->end_mark.line;
    size_t width = event->end_mark.column - event->start_mark.column;
    if (node->style == CONFIG_STYLE_QUOTED) {
        node->text_pos.column++;
        width = width >= 2 ? width - 2 : 0;
    }
    size_t characters = 0;
    for (size_t i = 0; i < node->text.n; i++)
        characters += ((unsigned char)node->text.p[i] & 0xc0) != 0x80;
    node->rows = one_line && characters == width; /* else there were escapes or folds */
}

static struct str source_line(struct str source, unsigned line)
{
    struct yaml_scalar_lines l = { .source = source, .line = 1 };
    while (l.line < line && lines_next(&l))
        ;
    return lines_current(&l);
}

/* What to do about the mistakes that people make. */
static const char *syntax_hint(const char *problem, struct str line, size_t column)
{
    if (strstr(problem, "did not find expected ',' or") && str_find(line, STR("${")) >= 0)
        return "; inside {…} and […] write \"${VAR}\" in quotes";
    if (strstr(problem, "did not find expected ',' or"))
        return "; expected a comma or the closing bracket";
    if (strstr(problem, "cannot start any token")) {
        char c = column < line.n ? line.p[column] : 0;
        return c == '\t' ? "; indent with spaces, not with tabs"
                         : "; put the value in quotes if it begins with @ ` or %";
    }
    if (strstr(problem, "mapping values are not allowed"))
        return "; put a value that contains ': ' in quotes, or check the indentation";
    if (strstr(problem, "could not find expected ':'"))
        return "; expected 'key: value'";
    if (strstr(problem, "did not find expected key") || strstr(problem, "block"))
        return "; check the indentation";
    if (strstr(problem, "unknown escape character"))
        return "; use '…' quotes or write \\\\";
    return "";
}

/* The byte order mark and malformed UTF-8 come with an offset instead of a mark. */
static struct config_pos offset_pos(struct str source, size_t offset)
{
    struct yaml_scalar_lines l = { .source = str_sub(source, 0, offset), .line = 1 };
    size_t start = 0;
    while (lines_next(&l))
        start = l.at;
    unsigned column = 1;
    for (size_t i = start; i < l.source.n; i++)
        column += ((unsigned char)source.p[i] & 0xc0) != 0x80;
    return (struct config_pos){ l.line, column };
}

void yaml_scalar_problem(const yaml_parser_t *parser, struct str source,
                         struct config_problems *problems)
{
    const char *text = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        config_problem(problems, false, offset_pos(source, parser->problem_offset),
                       "%s; expected UTF-8 text", text);
        return;
    }
    struct config_pos at = yaml_scalar_pos(parser->problem_mark);
    if (!parser->context) {
        struct str line = source_line(source, at.line);
        config_problem(problems, false, at, "%s%s", text, syntax_hint(text, line, at.column - 1));
        return;
    }
    struct config_pos context = yaml_scalar_pos(parser->context_mark);
    if (strstr(text, "end of stream")) {
        config_problem(problems, false, context,
                       "%s: never closed; expected its end before the file's end at line %u",
                       parser->context, at.line);
        return;
    }
    struct str line = source_line(source, at.line);
    config_problem(problems, false, at, "%s, %s that began at %u:%u%s", text, parser->context,
                   context.line, context.column, syntax_hint(text, line, at.column - 1));
}
