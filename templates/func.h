/* The functions a template may call: one table. */
#ifndef KERYX_TEMPLATES_FUNC_H
#define KERYX_TEMPLATES_FUNC_H

#include "templates/run.h"

#define FUNC_ANY 255 /* max_args: any number */

/* A call with its arguments evaluated. */
struct call {
    struct run *r;
    const struct expr *at;
    const struct json **args; /* NULL = missing */
    uint32_t n;
};

struct func {
    const char *name;
    uint8_t min_args, max_args;
    bool quiet;   /* its arguments may be missing: no warning */
    bool escapes; /* its result is already fit for HTML or URLs */
    /* 0 and *out (NULL = missing), or -1 and an error. NULL: the interpreter does it (and, or). */
    int (*fn)(const struct call *c, const struct json **out);
};

/* NULL when there is none of that name. */
const struct func *func_find(struct str name);
/* The nearest name, for "did you mean", or NULL. */
const char *func_suggest(struct str name);
/* Calls; checks the scratch ceiling. */
int func_call(const struct call *c, const struct func *f, const struct json **out) must_check;
bool func_is_or(const struct func *f);

/* What functions share. Text of an argument as people expect it: missing and null are "", objects
   and lists compact JSON. */
struct str func_text(const struct call *c, uint32_t i);
/* An integer argument: whole numbers as they are, others cut towards zero, text that is a number is
   read, everything else is 0 (Sprig's toInt64). */
int64_t func_integer(const struct call *c, uint32_t i);
/* A list argument's length and elements; -1 and an error when it is neither list nor nil. */
int func_list(const struct call *c, uint32_t i, const struct json **out) must_check;
/* A string result. */
const struct json *func_string(const struct call *c, struct str s);
int func_fail(const struct call *c, const char *fmt, ...) printf_like(2, 3);

/* The rows, by file. */
#define FUNC(name) int func_##name(const struct call *c, const struct json **out)
/* func_go.c: text/template's own */
FUNC(not );
FUNC(len);
FUNC(index);
FUNC(slice);
FUNC(print);
FUNC(println);
FUNC(printf);
FUNC(html);
FUNC(js);
FUNC(urlquery);
FUNC(call_value);
/* func_compare.c */
FUNC(eq);
FUNC(ne);
FUNC(lt);
FUNC(le);
FUNC(gt);
FUNC(ge);
/* func_json.c */
FUNC(to_json);
FUNC(to_json_pretty);
FUNC(from_json);
FUNC(default);
FUNC(coalesce);
FUNC(empty);
FUNC(ternary);
/* func_text.c */
FUNC(upper);
FUNC(lower);
FUNC(title);
FUNC(trim);
FUNC(trim_all);
FUNC(trim_prefix);
FUNC(trim_suffix);
FUNC(trunc);
FUNC(replace);
FUNC(contains);
FUNC(has_prefix);
FUNC(has_suffix);
FUNC(split);
FUNC(join);
FUNC(quote);
FUNC(squote);
FUNC(repeat);
FUNC(indent);
FUNC(nindent);
FUNC(to_string);
FUNC(cat);
FUNC(regex_match);
/* func_data.c */
FUNC(int);
FUNC(float64);
FUNC(add);
FUNC(sub);
FUNC(mul);
FUNC(div);
FUNC(mod);
FUNC(list_of);
FUNC(dict);
FUNC(get);
FUNC(has_key);
FUNC(dig);
FUNC(keys);
FUNC(first);
FUNC(last);
FUNC(uniq);
FUNC(sha256sum);
FUNC(b64enc);
FUNC(b64dec);
/* func_date.c */
FUNC(now);
FUNC(date);
FUNC(date_in_zone);
#undef FUNC

#endif
