/* Values while rendering are `const struct json *`: NULL is a missing field, value_nil is a null
   that went through a pipeline (Go's untyped nil), everything else is JSON. */
#ifndef KERYX_TEMPLATES_VALUE_H
#define KERYX_TEMPLATES_VALUE_H

#include "templates/template.h"

/* A number that is a float although its text shows no sign of it (the literal 1e3 prints 1000). A
   bit that enum json_flags leaves free. */
#define VALUE_FLOAT 128

#define VALUE_NUMBER_TEXT 40

extern const struct json value_nil, value_true, value_false, value_empty;

static inline const struct json *value_bool(bool b)
{
    return b ? &value_true : &value_false;
}

/* Missing or null. */
static inline bool value_is_nil(const struct json *v)
{
    return !v || v->type == JSON_NULL;
}

/* Whether a number is a float in Go's eyes. */
bool value_is_float(const struct json *v);
/* Go's truth: false, 0, "", nil, and empty lists and objects are false. */
bool value_truth(const struct json *v);
/* "int", "string", "map[string]interface {}" …, as %T prints it. */
const char *value_type(const struct json *v);

/* As fmt.Print prints it: lists `[1 2]`, objects `map[a:1]` in key order, null `<nil>`; numbers as
   they were written. Scratch in `a`. */
void value_print(struct buf *out, struct arena *a, const struct json *v);
/* Members of an object in byte order of their keys; of duplicate keys only the last. `count` of
   them. In the arena. */
struct value_member {
    struct str key; /* decoded */
    const struct json *value;
};
struct value_member *value_members(struct arena *a, const struct json *object, size_t *count);

/* The value with all of its strings and keys decoded, so that it is written as Go writes it and not
   as its sender escaped it; v itself when there is nothing to decode. */
const struct json *value_decoded(struct arena *a, const struct json *v);

/* Shortest text that reads back, in Go's %v form ("1e+06", "0.1", "+Inf"). json: with
   encoding/json's thresholds. Returns text. */
const char *value_format_double(double d, bool json, char text[VALUE_NUMBER_TEXT]);
/* A float whose text is the %v form. */
const struct json *value_float(struct arena *a, double d);
/* The tree with every number as Go's float64 sees it: json = text of encoding/json, else marked as
   float in %v form. For conformance rendering only. */
const struct json *value_as_go(struct arena *a, const struct json *v, bool json);

#endif
