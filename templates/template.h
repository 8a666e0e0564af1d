/* Text from values. A template is compiled once (at load: errors carry line and column) and
   rendered many times; no I/O, no global state; output, steps and nesting are bounded. Three
   dialects over the same struct json data: go (text/template), mustache (spec 1.4.2),
   dot (`{a.b}`). */
#ifndef KERYX_TEMPLATES_TEMPLATE_H
#define KERYX_TEMPLATES_TEMPLATE_H

#include "base/clock.h"
#include "base/json.h"

#define TEMPLATE_MAX_SOURCE  (256 * KIB)
#define TEMPLATE_MAX_OUTPUT  (1 * MIB)
#define TEMPLATE_MAX_STEPS   1000000
#define TEMPLATE_MAX_NESTING 64

enum template_dialect { TEMPLATE_AUTO, TEMPLATE_GO, TEMPLATE_MUSTACHE, TEMPLATE_DOT };
/* What a printed value needs where it lands. JSON: escaped only inside a JSON string literal of the
   output (a three-state automaton over what was written so far); AUTO is none. */
enum template_escape {
    TEMPLATE_ESCAPE_NONE,
    TEMPLATE_ESCAPE_JSON,
    TEMPLATE_ESCAPE_HTML,
    TEMPLATE_ESCAPE_URL
};
/* What a missing field prints: nothing; Go's `<no value>`; an error; the tag as written. */
enum template_missing {
    TEMPLATE_MISSING_EMPTY,
    TEMPLATE_MISSING_GO,
    TEMPLATE_MISSING_ERROR,
    TEMPLATE_MISSING_KEEP
};

struct template; /* immutable after compile */

/* Named partials / shared templates: returns the source text of `name` or STR_NULL. Called at
   compile time only. */
struct template_partials {
    struct str (*find)(void *ctx, struct str name);
    /* Enumerates all names, for partials whose name is data ({{>*kind}}): *at starts at 0; false at
       the end. May be NULL: then only names written out somewhere can be meant. */
    bool (*next)(void *ctx, size_t *at, struct str *name);
    void *ctx;
};

/* TEMPLATE_AUTO decides as 50-templates says (see template_dialect()). partials may be NULL. The
   source is copied. NULL and a positioned error when it does not compile. Free with
   template_free. */
struct template *template_compile(enum template_dialect dialect, struct str source,
                                  const struct template_partials *partials,
                                  struct error *e) must_check;
void template_free(struct template *t); /* NULL is fine */
/* What AUTO chose, or what was given. */
enum template_dialect template_dialect(const struct template *t);
const char *template_dialect_word(enum template_dialect d); /* "go" "mustache" "dot" "auto" */
int template_dialect_parse(struct str word, enum template_dialect *out) must_check;
int template_missing_parse(struct str word,
                           enum template_missing *out) must_check; /* empty go error keep */
int template_escape_parse(struct str word,
                          enum template_escape *out) must_check; /* none json html url */
/* False when rendering can only give the source text itself. */
bool template_is_dynamic(const struct template *t);
/* Calls fn with the dotted path of every data look-up from the root that is written in the template
   ("body.order.id"; "" = the whole root): for load-time rules such as "no payload in instruction".
   What a `define` or a mustache section looks up is told as if from the root. */
void template_each_path(const struct template *t, void (*fn)(void *ctx, struct str path),
                        void *ctx);

struct template_options {
    enum template_escape escape;
    enum template_missing missing;
    int64_t now_us;    /* what `now` gives; one instant a render */
    bool escape_html;  /* toJson escapes < > & as Go does */
    bool go_numbers;   /* print and compare numbers as Go's float64 (conformance vectors) */
    size_t max_output; /* 0 = TEMPLATE_MAX_OUTPUT */
    /* Called for each missing field met, with its path; may be NULL. */
    void (*on_missing)(void *ctx, struct str path);
    void *ctx;
};

/* Appends to `out`. `root` is an object (or any value). Scratch memory comes from an arena of its
   own. -1 and a positioned error when the template fails or a bound is hit; `out` then holds
   a part. */
int template_render(const struct template *t, const struct json *root,
                    const struct template_options *o, struct buf *out, struct error *e) must_check;

/* The truth of a rendered `filter` or `when`: trimmed, it is not empty, false, 0, null, <no
   value>. */
bool template_truthy(struct str rendered);

#endif
