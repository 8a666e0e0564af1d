/* Lossless JSON (RFC 8259): strings and numbers stay slices of the source text and are decoded only
   when asked, so numbers print as they were written. One tree serves as the value model of templates,
   paths and API answers. Nodes live in an arena; a parsed tree also needs its source text kept. */
#ifndef KERYX_BASE_JSON_H
#define KERYX_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define JSON_MAX_DEPTH 200
#define JSON_MAX_NODES 1000000

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_LIST,
    JSON_OBJECT
};

enum json_flags {
    JSON_ESCAPED = 1,     /* text is raw source with escapes; read it with json_text() */
    JSON_KEY_ESCAPED = 2, /* the same for key */
    JSON_FOLD = 4,        /* object: look-up ignores ASCII case (HTTP headers) */
    JSON_RAW = 8,         /* string already is JSON text (toJson output): written as it is */
    JSON_PLACED = 16,     /* is a child of something; kept by json_parse, json_add and json_put */
    JSON_TIGHT = 64,      /* root of a parsed text without blanks outside strings: compact as it came */
    JSON_SHARED = 32,     /* an alias: its children are another node's until it is appended to */
};

struct json {
    uint8_t type;    /* enum json_type */
    uint8_t flags;   /* enum json_flags */
    uint32_t count;  /* list, object: number of children */
    struct str text; /* string: its bytes (see JSON_ESCAPED); number: as written; list, object: the
                          source slice when parsed, empty when built */
    struct json *child; /* list, object: first child */
    struct json *last;  /* list, object: last child, for appending */
    struct json *next;  /* next sibling */
    struct str key;     /* when a member of an object */
};

struct json_limits {
    unsigned max_depth; /* 0 = JSON_MAX_DEPTH */
    unsigned max_nodes; /* 0 = JSON_MAX_NODES */
};

/* Parses exactly one value (a leading BOM is skipped). `source` must outlive the tree. Strict: no
   comments, no NaN, no leading zeros, well-formed UTF-8; a lone surrogate escape is accepted.
   Duplicate keys are kept; look-up finds the last. NULL and positioned error on failure (columns
   count characters); ERROR_LIMIT when too deep or too many values, else ERROR_INVALID. */
struct json *json_parse(struct arena *a, struct str source, const struct json_limits *limits,
                        struct error *e) must_check;

/* String contents decoded (lone surrogates become U+FFFD); allocates in `a` only when escaped.
   Other types: their text. */
struct str json_text(struct arena *a, const struct json *v);
struct str json_key_text(struct arena *a, const struct json *member);

/* Member by key (the last of duplicates), or NULL. v may be NULL or no object. */
const struct json *json_get(const struct json *v, struct str key);
const struct json *json_at(const struct json *list, size_t index);
/* Conveniences for reading: the member's decoded string, or `otherwise`. */
struct str json_get_str(struct arena *a, const struct json *v, const char *key,
                        struct str otherwise);
/* 0 and *out when the member is an integer in range. */
int json_get_i64(const struct json *v, const char *key, int64_t *out) must_check;
bool json_get_bool(const struct json *v, const char *key, bool otherwise);

/* Building. Text and keys are copied into the arena. */
struct json *json_null(struct arena *a);
struct json *json_bool(struct arena *a, bool b);
struct json *json_str(struct arena *a, struct str s);
struct json *json_i64(struct arena *a, int64_t n);
struct json *json_double(struct arena *a,
                         double d); /* shortest text that reads back; not finite = null */
struct json *json_number(struct arena *a, struct str text); /* text must be a JSON number */
struct json *json_list(struct arena *a);
struct json *json_object(struct arena *a);
/* Appends and returns `item`; a node that already has a place is copied shallowly first. */
struct json *json_add(struct arena *a, struct json *list, struct json *item);
struct json *json_put(struct arena *a, struct json *object, struct str key, struct json *value);
/* json_put of a C string; NULL value = left out. */
void json_put_str(struct arena *a, struct json *object, const char *key, const char *value);
/* A shallow copy that can be given another place. Appending to the copy leaves `v` alone; do not
   append to `v` afterwards: the copy would see some of it. */
struct json *json_alias(struct arena *a, const struct json *v);

enum json_style {
    JSON_COMPACT = 0,
    JSON_PRETTY = 1,    /* two spaces */
    JSON_SORT_KEYS = 2, /* by bytes, as Go */
    JSON_HTML_SAFE = 4, /* < > & as \u003c …, as Go's encoding/json */
};
/* Writes the value. Raw slices are copied as they came; U+2028/2029 are escaped. */
void json_write(struct buf *out, const struct json *v, unsigned style);
/* Writes s as the inside of a JSON string literal, without quotes; invalid UTF-8 becomes U+FFFD. */
void json_escape(struct buf *out, struct str s);
/* The same with quotes. */
void json_quote(struct buf *out, struct str s);

/* Whether text is exactly one number of RFC 8259 section 6. */
bool json_number_valid(struct str text);
/* Exact numeric comparison of two JSON number texts: <0, 0, >0. Never through double. */
int json_number_cmp(struct str a, struct str b);
/* 0 and *out when the number is a whole int64. "1.0" and "1e3" count as whole. */
int json_number_i64(struct str text, int64_t *out) must_check;
/* The nearest double; out of range gives an infinity or 0 with the sign. */
double json_number_double(struct str text);

#endif
