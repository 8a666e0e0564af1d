/* The config as keryx understood it, as YAML that loads again: every row with its value, defaults
   included, secrets as ***. */
#include "config/rows.h"
#include "config/value.h"

#include "base/when.h"

#include <stdio.h>

struct printer {
    struct buf *out;
    const struct config *c;
};

static void print_section(struct printer *p, const struct config_section *section,
                          const void *object, unsigned indent);

static void spaces(struct buf *out, unsigned n)
{
    buf_printf(out, "%*s", (int)n, "");
}

/* "$${" and "$$$$": what ${…} expansion would change is written so that it comes back. */
static void escape_dollars(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool doubled = s.p[i] == '$' && i + 1 < s.n && (s.p[i + 1] == '{' || s.p[i + 1] == '$');
        buf_str(out, doubled ? STR("$$") : str_n(s.p + i, 1));
    }
}

/* Whether the text means itself without quotes. */
static bool is_plain(struct str s)
{
    if (!s.n || config_node_core_type(s) != CONFIG_SCALAR_STRING)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '/' || c == '_' || c == '.';
        bool inside = i && (c == '-' || c == '+' || c == '@' || (c == ' ' && i + 1 < s.n));
        if (!word && !inside)
            return false;
    }
    return true;
}

/* The code point at s[at] when YAML cannot hold it as it is: control characters, line breaks of
   Unicode, the byte order mark, what is no UTF-8. 0 when it can. *len: its bytes. */
static unsigned special(struct str s, size_t at, size_t *len)
{
    const unsigned char *c = (const unsigned char *)s.p + at;
    *len = str_utf8_len(s, at);
    if (!*len) {
        *len = 1;
        return 0xfffd;
    }
    if (*len == 1)
        return c[0] < ' ' || c[0] == 0x7f ? c[0] : 0;
    if (*len == 2)
        return c[0] == 0xc2 && c[1] < 0xa0 ? c[1] : 0;
    unsigned code = *len == 3 ? (c[0] & 15U) << 12 | (c[1] & 63U) << 6 | (c[2] & 63U) : 0;
    bool breaks = code == 0x2028 || code == 0x2029;
    return breaks || code == 0xfeff || code >= 0xfffe ? code : 0;
}

static bool is_block(struct str s)
{
    if (str_chr(s, '\n') < 0 || s.p[0] == ' ' || s.p[0] == '\n')
        return false;
    size_t len;
    for (size_t i = 0; i < s.n; i += len)
        if (special(s, i, &len) && s.p[i] != '\n')
            return false;
    return true;
}

static void print_block(struct buf *out, struct str s, unsigned indent)
{
    bool newline = str_ends(s, STR("\n")), more = str_ends(s, STR("\n\n"));
    buf_cstr(out, more ? "|+" : newline ? "|" : "|-");
    struct str line;
    if (newline)
        s.n--;
    for (bool last = false; !last;) {
        ptrdiff_t end = str_chr(s, '\n');
        last = end < 0;
        line = last ? s : str_sub(s, 0, (size_t)end);
        s = str_sub(s, line.n + 1, s.n);
        buf_char(out, '\n');
        if (line.n)
            spaces(out, indent);
        buf_str(out, line);
    }
}

/* Double quotes; escapes that YAML 1.2 and JSON share. */
static void print_quoted(struct buf *out, struct str s)
{
    buf_char(out, '"');
    size_t len;
    for (size_t i = 0; i < s.n; i += len) {
        unsigned code = special(s, i, &len);
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_printf(out, "\\%c", s.p[i]);
        else if (code == '\n' || code == '\t')
            buf_cstr(out, code == '\n' ? "\\n" : "\\t");
        else if (code || s.p[i] == 0)
            buf_printf(out, "\\u%04x", code);
        else
            buf_str(out, str_sub(s, i, len));
    }
    buf_char(out, '"');
}

/* The password of scheme://user:password@host is nobody's business. */
static struct str hide_password(struct buf *copy, struct str s)
{
    ptrdiff_t scheme = str_find(s, STR("://"));
    if (scheme < 0)
        return s;
    size_t start = (size_t)scheme + 3;
    struct str rest = str_sub(s, start, s.n);
    ptrdiff_t slash = str_chr(rest, '/');
    struct str authority = slash >= 0 ? str_sub(rest, 0, (size_t)slash) : rest;
    ptrdiff_t at = str_rchr(authority, '@'), colon = str_chr(authority, ':');
    if (at < 0 || colon < 0 || colon > at)
        return s;
    buf_str(copy, str_sub(s, 0, start + (size_t)colon + 1));
    buf_cstr(copy, "***");
    buf_str(copy, str_sub(s, start + (size_t)at, s.n));
    return buf_view(copy);
}

static void print_text(struct buf *out, struct str s, bool secret, unsigned indent)
{
    if (secret) {
        buf_cstr(out, "\"***\"");
        return;
    }
    auto_buf hidden = BUF_INIT(32 * MIB);
    auto_buf text = BUF_INIT(64 * MIB);
    escape_dollars(&text, hide_password(&hidden, s));
    if (is_plain(buf_view(&text)))
        buf_str(out, buf_view(&text));
    else if (text.n && is_block(buf_view(&text)))
        print_block(out, buf_view(&text), indent);
    else
        print_quoted(out, buf_view(&text));
}

/* Of a URL from a secret variable the host may be seen, nothing behind it. */
static void print_url(struct buf *out, const struct config_text *t, unsigned indent)
{
    ptrdiff_t scheme = str_find(t->s, STR("://"));
    auto_buf shown = BUF_INIT(MIB);
    if (!t->secret || scheme < 0) {
        print_text(out, t->s, t->secret, indent);
        return;
    }
    struct str rest = str_sub(t->s, (size_t)scheme + 3, t->s.n);
    size_t host = 0;
    while (host < rest.n && !strchr("/?#@", rest.p[host]))
        host++;
    if (host < rest.n && rest.p[host] == '@') /* it was the user */
        host = 0;
    buf_str(&shown, str_sub(t->s, 0, (size_t)scheme + 3 + host));
    buf_cstr(&shown, host ? "/***" : "***");
    print_text(out, buf_view(&shown), false, indent);
}

static void print_key(struct buf *out, struct str key, unsigned indent)
{
    spaces(out, indent);
    if (is_plain(key))
        buf_str(out, key);
    else
        print_quoted(out, key);
    buf_char(out, ':');
}

static void print_node(struct buf *out, const struct config_node *node, bool secret,
                       unsigned indent)
{
    if (node->kind == CONFIG_NODE_SCALAR) {
        buf_char(out, ' ');
        if (node->scalar == CONFIG_SCALAR_STRING || secret || node->secret)
            print_text(out, node->text, secret || node->secret, indent);
        else
            buf_str(out, node->text.n ? node->text : STR("null"));
        buf_char(out, '\n');
        return;
    }
    if (!node->count) {
        buf_cstr(out, node->kind == CONFIG_NODE_LIST ? " []\n" : " {}\n");
        return;
    }
    buf_char(out, '\n');
    for (const struct config_entry *e = node->first; e; e = e->next) {
        bool hide = secret || (node->kind == CONFIG_NODE_MAP && config_value_is_private(e->key));
        if (node->kind == CONFIG_NODE_MAP) {
            print_key(out, e->key, indent);
        } else {
            spaces(out, indent);
            buf_char(out, '-');
        }
        print_node(out, e->value, hide, indent + 2);
    }
}

static void print_size(struct buf *out, size_t n)
{
    if (n && n % GIB == 0)
        buf_printf(out, "%zuGiB", n / GIB);
    else if (n && n % MIB == 0)
        buf_printf(out, "%zuMiB", n / MIB);
    else if (n && n % KIB == 0)
        buf_printf(out, "%zuKiB", n / KIB);
    else
        buf_printf(out, "%zu", n);
}

/* In the largest unit that says it whole: 30d, 90s, 1500ms. */
static void print_duration(struct buf *out, int64_t us)
{
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = { { 86400 * US_PER_S, "d" },
                  { 3600 * US_PER_S, "h" },
                  { 60 * US_PER_S, "m" },
                  { US_PER_S, "s" },
                  { US_PER_MS, "ms" } };
    char text[WHEN_TEXT];
    for (size_t i = 0; us && i < N_ELEMENTS(units); i++)
        if (us % units[i].us == 0) {
            buf_printf(out, "%lld%s", (long long)(us / units[i].us), units[i].unit);
            return;
        }
    buf_cstr(out, us ? duration_format(us, text) : "0s");
}

static void print_texts(struct buf *out, const struct config_texts *list, unsigned indent)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        buf_cstr(out, i ? ", " : "");
        if (is_block(list->items[i].s) && !list->items[i].secret) {
            auto_buf text = BUF_INIT(64 * MIB); /* no blocks inside […] */
            escape_dollars(&text, list->items[i].s);
            print_quoted(out, buf_view(&text));
        } else {
            print_text(out, list->items[i].s, list->items[i].secret, indent);
        }
    }
    buf_char(out, ']');
}

static void print_cidrs(struct buf *out, const struct config_cidrs *list)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        char text[ADDR_TEXT];
        buf_printf(out, "%s\"%s/%u\"", i ? ", " : "", addr_format(&list->items[i].base, text),
                   list->items[i].bits);
    }
    buf_char(out, ']');
}

/* Whether there is anything to say: set, or a default that is not nothing. */
static bool is_set(const struct config_field *f, const void *object)
{
    const void *at = (const char *)object + f->offset;
    if (f->set_at && f->type != FIELD_COMMAND && !*((const bool *)object + f->set_at) &&
        !f->otherwise)
        return false;
    switch (f->type) {
    case FIELD_UINT:
        return f->otherwise || f->set_at || *(const unsigned *)at;
    case FIELD_NUMBER:
        return f->otherwise || f->set_at || *(const double *)at != 0;
    case FIELD_SIZE:
        return f->otherwise || *(const size_t *)at;
    case FIELD_DURATION:
    case FIELD_TIMEOUT:
        return *(const int64_t *)at > 0 || (f->otherwise && *(const int64_t *)at == 0);
    case FIELD_BOOL:
    case FIELD_CHOICE:
        return true;
    case FIELD_TEXTS:
    case FIELD_SECRETS:
        return f->otherwise || ((const struct config_texts *)at)->n;
    case FIELD_COMMAND:
        return ((const struct config_texts *)at)->n > 0;
    case FIELD_CIDRS:
        return ((const struct config_cidrs *)at)->set;
    case FIELD_PAIRS:
        return ((const struct config_pairs *)at)->n > 0;
    case FIELD_NODE:
        return *(const struct config_node *const *)at != NULL;
    default: {
        const struct config_text *t = at;
        return t->s.p && ((f->flags & FIELD_ROLE) == 0 || t->pos.line);
    }
    }
}

static void print_word(struct buf *out, const struct config_field *f, int index)
{
    struct str word;
    if (config_field_choice(f->choices, (size_t)MAX(index, 0), &word))
        print_text(out, word, false, 0);
}

static void print_value(struct buf *out, const struct config_field *f, const void *object,
                        unsigned indent)
{
    const void *at = (const char *)object + f->offset;
    switch (f->type) {
    case FIELD_CHOICE:
        print_word(out, f, *(const int *)at - f->first);
        break;
    case FIELD_BOOL:
        if (f->choices)
            print_word(out, f, *(const bool *)at);
        else
            buf_cstr(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_UINT:
        buf_printf(out, "%u", *(const unsigned *)at);
        break;
    case FIELD_NUMBER:
        buf_printf(out, "%.15g", *(const double *)at);
        break;
    case FIELD_SIZE:
        print_size(out, *(const size_t *)at);
        break;
    case FIELD_DURATION:
    case FIELD_TIMEOUT:
        print_duration(out, *(const int64_t *)at);
        break;
    case FIELD_TEXTS:
    case FIELD_SECRETS:
        print_texts(out, at, indent);
        break;
    case FIELD_COMMAND:
        if (*((const bool *)object + f->set_at))
            print_text(out, ((const struct config_texts *)at)->items[2].s, false, indent);
        else
            print_texts(out, at, indent);
        break;
    case FIELD_CIDRS:
        print_cidrs(out, at);
        break;
    case FIELD_URL:
        print_url(out, at, indent);
        break;
    default: {
        const struct config_text *t = at;
        print_text(out, t->s, t->secret, indent);
        break;
    }
    }
}

static void print_pairs(struct buf *out, const struct config_pairs *pairs, unsigned indent)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const struct config_text *t = &pairs->items[i].value;
        print_key(out, pairs->items[i].key, indent);
        buf_char(out, ' ');
        print_text(out, t->s, t->secret, indent + 2);
        buf_char(out, '\n');
    }
}

static void print_entry(struct printer *p, const struct config_section *section, const void *item,
                        unsigned indent)
{
    if (section == &config_rows_connection || section == &config_rows_target) {
        const struct config_node *node = ((const struct config_named *)item)->node;
        if (node)
            print_node(p->out, node, false, indent);
        return;
    }
    buf_char(p->out, '\n');
    print_section(p, section, item, indent);
    if (section == &config_rows_tool) {
        const struct config_tool *tool = item;
        const struct config_kind *kind;
        for (size_t k = 0; tool->kind && (kind = config_rows_tool_kind(k)) != NULL; k++)
            if (str_eq_c(tool->type.s, kind->name))
                print_section(p, kind->section, tool->kind, indent);
    }
}

static void print_list(struct printer *p, const struct config_field *f, const void *object,
                       unsigned indent)
{
    const char *array = *(char *const *)(const void *)((const char *)object + f->offset);
    size_t n = *(const size_t *)(const void *)((const char *)object + f->count_at);
    for (size_t i = 0; i < n; i++) {
        const char *item = array + i * f->section->size;
        if (f->type == FIELD_MAP) {
            const struct config_text *name = (const void *)item;
            bool built_in =
                f->section == &config_rows_agent && !((const struct config_agent *)item)->pos.line;
            if (built_in)
                continue;
            print_key(p->out, name->s, indent);
            print_entry(p, f->section, item, indent + 2);
            continue;
        }
        size_t start = p->out->n;
        print_section(p, f->section, item, indent + 2);
        if (p->out->n > start + indent) /* the dash goes where the first line is indented */
            p->out->p[start + indent] = '-';
    }
}

/* "key:" and what belongs to it; taken back when there is nothing. */
static void print_children(struct printer *p, const struct config_field *f, const void *object,
                           unsigned indent)
{
    size_t before = p->out->n;
    print_key(p->out, str_of(f->name), indent);
    buf_char(p->out, '\n');
    size_t start = p->out->n;
    const void *at = (const char *)object + f->offset;
    if (f->type == FIELD_SECTION)
        print_section(p, f->section, at, indent + 2);
    else if (f->type == FIELD_PAIRS)
        print_pairs(p->out, at, indent + 2);
    else
        print_list(p, f, object, indent + 2);
    if (p->out->n == start)
        p->out->n = before;
}

static void print_field(struct printer *p, const struct config_field *f, const void *object,
                        unsigned indent)
{
    bool absent = f->set_at && !*((const bool *)object + f->set_at);
    switch (f->type) {
    case FIELD_IGNORED:
    case FIELD_REFUSED:
        return;
    case FIELD_SECTION:
        if (absent)
            return;
        print_children(p, f, object, indent);
        return;
    case FIELD_LIST:
    case FIELD_MAP:
    case FIELD_PAIRS:
        print_children(p, f, object, indent);
        return;
    default:
        break;
    }
    if (!is_set(f, object))
        return;
    print_key(p->out, str_of(f->name), indent);
    if (f->type == FIELD_NODE) {
        print_node(
            p->out,
            *(const struct config_node *const *)(const void *)((const char *)object + f->offset),
            false, indent + 2);
        return;
    }
    buf_char(p->out, ' ');
    print_value(p->out, f, object, indent + 2);
    buf_char(p->out, '\n');
}

static void print_section(struct printer *p, const struct config_section *section,
                          const void *object, unsigned indent)
{
    int variant = section->variant_of ? section->variant_of(object) : -1;
    for (size_t i = 0; i < section->n; i++) {
        const struct config_field *f = &section->rows[i];
        bool other = variant >= 0 && f->only && !(f->only & 1U << variant);
        if (!other && !(f->flags & FIELD_ALIAS))
            print_field(p, f, object, indent);
    }
    if (section->extra_at)
        print_pairs(p->out, (const void *)((const char *)object + section->extra_at), indent);
}

void config_print(const struct config *c, struct buf *out)
{
    struct printer p = { .out = out, .c = c };
    print_section(&p, &config_rows_root, c, 0);
}
