/* Variables for `${NAME}`: the process environment, `.env`, and their expansion in one text. */
#include "config/env.h"

#include "base/crypto.h"
#include "base/map.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct env {
    struct map *file; /* name → NUL-terminated value */
};

struct env *env_new(void)
{
    struct env *env = xalloc(sizeof(*env));
    env->file = map_new(false);
    return env;
}

static void free_value(char *value)
{
    if (value)
        crypto_wipe(value, strlen(value));
    free(value);
}

void env_free(struct env *env)
{
    if (!env)
        return;
    size_t at = 0;
    const struct map_entry *e;
    while ((e = map_next(env->file, &at)) != NULL)
        free_value(e->value);
    map_free(env->file);
    free(env);
}

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (!first && c >= '0' && c <= '9');
}

static size_t name_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_name_char(s.p[n], n == 0))
        n++;
    return n;
}

/* "…" with escapes, up to the closing quote. Returns what is wrong, or NULL. */
static const char *read_double_quoted(struct str s, struct buf *out, struct str *rest)
{
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"') {
            *rest = str_sub(s, i + 1, s.n);
            return NULL;
        }
        if (c != '\\' || i + 1 == s.n) {
            buf_char(out, c);
            continue;
        }
        c = s.p[++i];
        const char *escape = c ? strchr("n\nt\tr\r", c) : NULL;
        if (c == '"' || c == '\\' || c == '$')
            buf_char(out, c);
        else if (escape && isalpha((unsigned char)c))
            buf_char(out, escape[1]);
        else
            buf_str(out, str_sub(s, i - 1, 2));
    }
    return "a quote that is not closed; expected \" at the end of the value";
}

static const char *read_value(struct str s, struct buf *out)
{
    struct str rest = STR_NULL;
    if (s.n && s.p[0] == '"') {
        const char *wrong = read_double_quoted(s, out, &rest);
        if (wrong)
            return wrong;
    } else if (s.n && s.p[0] == '\'') {
        ptrdiff_t end = str_chr(str_sub(s, 1, s.n), '\'');
        if (end < 0)
            return "a quote that is not closed; expected ' at the end of the value";
        buf_str(out, str_sub(s, 1, (size_t)end));
        rest = str_sub(s, (size_t)end + 2, s.n);
    } else {
        for (size_t i = 0; i + 1 < s.n; i++) /* a comment begins after a blank */
            if ((s.p[i] == ' ' || s.p[i] == '\t') && s.p[i + 1] == '#')
                s.n = i;
        buf_str(out, s.n && s.p[0] == '#' ? STR_NULL : str_trim(s));
    }
    rest = str_trim(rest);
    return rest.n && rest.p[0] != '#' ? "text after the closing quote; expected the line's end"
                                      : NULL;
}

static const char *read_line(struct env *env, struct str line)
{
    line = str_trim(line);
    if (!line.n || line.p[0] == '#')
        return NULL;
    if (str_starts(line, STR("export ")) || str_starts(line, STR("export\t")))
        line = str_trim(str_sub(line, 7, line.n));
    struct str name = str_sub(line, 0, name_length(line));
    struct str rest = str_trim(str_sub(line, name.n, line.n));
    if (!name.n || !rest.n || rest.p[0] != '=')
        return "expected NAME=value";
    if (memchr(line.p, 0, line.n))
        return "a NUL character";
    auto_buf value = BUF_INIT(ENV_MAX_FILE);
    const char *wrong = read_value(str_trim(str_sub(rest, 1, rest.n)), &value);
    if (!wrong)
        free_value(map_put(env->file, name, buf_detach(&value)));
    return wrong;
}

void env_read(struct env *env, struct str text, const char *label, struct config_problems *problems)
{
    struct str line;
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.n);
    for (unsigned n = 1; str_split(&text, '\n', &line); n++) {
        const char *wrong = read_line(env, line);
        if (wrong)
            config_problem(problems, false, (struct config_pos){ 0 }, "%s:%u: %s", label, n, wrong);
    }
}

void env_read_file(struct env *env, const char *path, struct config_problems *problems)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            config_problem(problems, false, (struct config_pos){ 0 }, ".env: cannot be read: %s",
                           strerror(errno));
        return;
    }
    auto_buf text = BUF_INIT(ENV_MAX_FILE);
    for (;;) {
        char chunk[4096];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0)
            config_problem(problems, false, (struct config_pos){ 0 }, ".env: cannot be read: %s",
                           strerror(errno));
        if (n <= 0 || text.full)
            break;
        buf_add(&text, chunk, (size_t)n);
    }
    if (!buf_ok(&text))
        config_problem(problems, false, (struct config_pos){ 0 }, ".env: larger than 1 MiB");
    else
        env_read(env, buf_view(&text), ".env", problems);
    if (text.p)
        crypto_wipe(text.p, text.n);
}

const char *env_get(const struct env *env, struct str name)
{
    char key[256];
    if (!name.n || name.n >= sizeof(key))
        return NULL;
    memcpy(key, name.p, name.n);
    key[name.n] = 0;
    const char *value = getenv(key);
    return value || !env ? value : map_get(env->file, name);
}

bool env_name_is_secret(struct str name)
{
    static const char *const words[] = { "SECRET", "TOKEN",      "KEY", "PASS",       "PWD",
                                         "AUTH",   "CREDENTIAL", "DSN", "WEBHOOK_URL" };
    char upper[256];
    struct str s = str_sub(name, 0, sizeof(upper));
    for (size_t i = 0; i < s.n; i++)
        upper[i] = (char)toupper((unsigned char)s.p[i]);
    for (size_t i = 0; i < N_ELEMENTS(words); i++)
        if (str_find(str_n(upper, s.n), str_of(words[i])) >= 0)
            return true;
    return false;
}

struct expander {
    const struct env *env;
    struct env_expansion *out;
    struct buf text;
    unsigned line, column;
};

/* The piece at `s`, which begins with "${": its length, and name and default when it is ours. */
static size_t scan_braces(struct str s, struct str *name, struct str *otherwise)
{
    size_t n = 2 + name_length(str_sub(s, 2, s.n));
    *name = str_sub(s, 2, n - 2);
    *otherwise = STR_NULL;
    if (name->n && n < s.n && s.p[n] == '}')
        return n + 1;
    ptrdiff_t end = str_chr(s, '}');
    if (name->n && str_starts(str_sub(s, n, s.n), STR(":-")) && end >= 0) {
        *otherwise = str_sub(s, n + 2, (size_t)end - n - 2);
        if (str_find(*otherwise, STR("${")) < 0)
            return (size_t)end + 1;
    }
    name->n = 0;
    return 2;
}

static size_t expand_braces(struct expander *x, struct str s)
{
    struct str name, otherwise;
    size_t n = scan_braces(s, &name, &otherwise);
    if (!name.n) {
        ptrdiff_t end = str_chr(s, '}');
        struct str piece = str_sub(s, 0, end >= 0 ? (size_t)end + 1 : s.n);
        x->out->report(x->out->ctx, str_sub(piece, 0, str_utf8_cut(piece, 40)), true, x->line,
                       x->column);
        buf_str(&x->text, STR("${"));
        return n;
    }
    const char *value = env_get(x->env, name);
    if (value && (*value || !otherwise.p))
        buf_cstr(&x->text, value);
    else if (otherwise.p)
        buf_str(&x->text, otherwise);
    else
        x->out->report(x->out->ctx, name, false, x->line, x->column);
    x->out->changed = x->out->variable = true;
    x->out->secret |= env_name_is_secret(name);
    return n;
}

static size_t expand_one(struct expander *x, struct str s)
{
    char next = s.n > 1 ? s.p[1] : 0;
    if (s.p[0] == '$' && next == '{')
        return expand_braces(x, s);
    buf_char(&x->text, s.p[0]);
    if (s.p[0] != '$' || next != '$')
        return 1;
    x->out->changed = true;
    return 2;
}

void env_expand(const struct env *env, struct arena *arena, struct str text,
                struct env_expansion *out)
{
    out->text = text;
    out->changed = out->variable = out->secret = false;
    if (!text.n || !memchr(text.p, '$', text.n))
        return;
    struct expander x = {
        .env = env, .out = out, .text = BUF_INIT(ENV_MAX_TEXT), .line = 1, .column = 1
    };
    for (size_t at = 0; at < text.n;) {
        size_t n = expand_one(&x, str_sub(text, at, text.n));
        for (size_t i = at; i < at + n; i++) {
            bool newline = text.p[i] == '\n';
            x.line += newline;
            x.column = newline ? 1 : x.column + (((unsigned char)text.p[i] & 0xc0) != 0x80);
        }
        at += n;
    }
    if (out->changed)
        out->text = arena_str(arena, buf_view(&x.text));
    if (x.text.p)
        crypto_wipe(x.text.p, x.text.n);
    buf_release(&x.text);
}
