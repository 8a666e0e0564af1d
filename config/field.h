/* The options of agents.yaml as tables: one row a field, one section a struct. From the same rows come
   the parser, its error messages, `keryx schema`, `keryx check --print` and the reference page. A new
   option is one row.

   struct config_section ── rows[] of struct config_field ── .section (nested sections, lists, maps)
   struct config_reader   what one load carries along
   struct config_path     where we are, for messages: "agents.daily.triggers[1].cron" */
#ifndef KERYX_CONFIG_FIELD_H
#define KERYX_CONFIG_FIELD_H

#include "config/env.h"
#include "config/yaml.h"

enum config_field_type {
    FIELD_TEXT,     /* struct config_text */
    FIELD_SECRET,   /* struct config_text; also {file: path} or {env: NAME}; never empty */
    FIELD_WORD,     /* struct config_text, one of choices */
    FIELD_CHOICE,   /* int: index into choices + first */
    FIELD_BOOL,     /* bool; with choices: the second of two words is true */
    FIELD_UINT,     /* unsigned, min..max */
    FIELD_NUMBER,   /* double, min..max */
    FIELD_SIZE,     /* size_t: bytes, 64KiB, 1MiB, 1GiB */
    FIELD_DURATION, /* int64_t, µs; a unit is needed */
    FIELD_TIMEOUT,  /* int64_t, µs; a bare number is seconds */
    FIELD_URL,      /* struct config_text: http(s), or a template */
    FIELD_PATH,     /* struct config_text, made absolute */
    FIELD_TEXTS,    /* struct config_texts; a scalar is a list of one */
    FIELD_SECRETS,  /* struct config_texts of secrets */
    FIELD_COMMAND,  /* struct config_texts; a scalar becomes /bin/sh -c; set_at says which it was */
    FIELD_CIDRS,    /* struct config_cidrs */
    FIELD_PAIRS,    /* struct config_pairs: a map of scalars */
    FIELD_NODE,     /* const struct config_node *; with section: checked by its rows */
    FIELD_SECTION,  /* a struct at offset; offset 0 + same struct = keys of the parent, grouped */
    FIELD_LIST,     /* pointer at offset to an array of section->size, count at count_at */
    FIELD_MAP,      /* the same by name; the struct begins with `struct config_text name` */
    FIELD_IGNORED,  /* a key of Hector's that keryx does not implement: a warning */
    FIELD_REFUSED,  /* a key of another program's file: an error with `help` as its text */
};

enum config_field_flag {
    FIELD_REQUIRED = 1,
    FIELD_TEMPLATE = 2,  /* the value is a template, for schema and reference */
    FIELD_MAY_EMPTY = 4, /* "" is a value */
    FIELD_PRIVATE = 8,   /* pairs: values of telling names or from variables are secrets */
    FIELD_ALIAS = 16,    /* another spelling of a row before it: not printed */
    FIELD_OFF = 32,      /* duration: `off` is 0 */
    FIELD_LONE = 64,     /* list: a single item may stand without the list */
    FIELD_ROLE = 128,    /* text: a name of something configured; look-ups are in check.c */
    FIELD_RESOLVE = 256, /* texts: paths, made absolute */
};

#define CONFIG_MAX_OBJECTS 100000

struct config_section;

struct config_field {
    const char *name;
    enum config_field_type type;
    unsigned flags;
    size_t offset;
    size_t count_at;       /* FIELD_LIST, FIELD_MAP */
    size_t set_at;         /* a bool that says that the key was there; 0 = none */
    unsigned only;         /* bits of the section's variants that know the key; 0 = all */
    const char *otherwise; /* the default as text, lists separated by blanks; NULL = zero */
    double min, max;       /* max 0 = none */
    const char *choices;   /* "a|b|c" */
    int first;             /* FIELD_CHOICE: value of the first choice */
    const char *pattern;   /* text: characters allowed, as in the schema */
    const struct config_section *section;
    const char *help; /* one line */
};

struct config_reader {
    struct arena *arena;
    struct config_problems *problems;
    const struct env *env;
    const char *directory;               /* absolute; NULL = no files */
    struct config *config;               /* being filled */
    size_t n_objects;                    /* items of lists and maps of sections so far */
    const struct config_section *beside; /* whose keys were taken out of the map already */
};

struct config_path {
    const struct config_path *up;
    struct str key; /* empty: `index` counts */
    size_t index;
    struct config_pos pos; /* of the key or item */
};

struct config_section {
    const char *name; /* of the schema's definition and the reference's heading */
    const char *help;
    const struct config_field *rows;
    size_t n;
    size_t size;
    size_t pos_at;            /* struct config_pos of the object; 0 = none */
    const char *variants;     /* "schedule|webhook"; rows' `only` has a bit for each */
    const char *variant_word; /* "trigger": "a key of webhook triggers" */
    /* Which of the variants a node is, or -1 (and a problem) when that cannot be told. Also for NULL. */
    int (*variant)(struct config_reader *r, const struct config_path *path,
                   const struct config_node *node);
    /* Which of them an object is, for printing. */
    int (*variant_of)(const void *object);
    bool others_warn;    /* a key of another variant is a warning instead of an error */
    const char *scalar;  /* the key a bare scalar stands for */
    bool open;           /* unknown keys are left to finish */
    size_t extra_at;     /* struct config_pairs for unknown keys; 0 = they are errors */
    unsigned extra_only; /* … in these variants */
    /* After the rows were read; node is NULL when the section was not there. */
    void (*finish)(struct config_reader *r, const struct config_path *path,
                   const struct config_node *node, void *object);
};

#define FIELD_AT(type, member) offsetof(struct type, member)
#define FIELD_ROWS(table)      .rows = (table), .n = N_ELEMENTS(table)
/* The field of an object. */
#define FIELD_IN(object, field, type) ((type *)(void *)((char *)(object) + (field)->offset))

/* Fills `object` (zeroed by the caller) from a map; node NULL: the defaults alone. */
void config_field_read(struct config_reader *r, const struct config_path *path,
                       const struct config_section *section, const struct config_node *node,
                       void *object);
/* "path: …" problem. pos line 0: the path's own place. */
void config_field_problem(struct config_reader *r, const struct config_path *path, bool warning,
                          struct config_pos pos, const char *fmt, ...) printf_like(5, 6);
/* "agents.daily.triggers[1].cron" in the arena. */
const char *config_path_text(struct arena *arena, const struct config_path *path);
/* What a value of this row looks like: "a duration such as 30s or 5m". In the arena. */
const char *config_field_expects(struct arena *arena, const struct config_field *field);
/* " (did you mean 'x'?)" or "". */
const char *config_field_suggest(struct arena *arena, struct str wrong, const char *const *names,
                                 size_t n);
/* The members of a map that `section` has no row for. */
struct config_node *config_field_rest(struct config_reader *r, const struct config_section *section,
                                      const struct config_node *node);
/* config_value_expand() of all members of a map. */
void config_field_expand(struct config_reader *r, const struct config_path *path,
                         const struct config_node *node);
/* Whether a key is there with something in it; "" (after expansion) counts as left out, what was
   reported already as given. */
bool config_field_given(const struct config_node *node, const char *key);
/* The k-th word of "a|b|c"; false at the end. */
bool config_field_choice(const char *choices, size_t k, struct str *word);
/* Index of word, or -1. */
int config_field_choice_index(const char *choices, struct str word);
/* The row of that name in the variant (-1: in any), or NULL. */
const struct config_field *config_field_find(const struct config_section *section, struct str name,
                                             int variant);

#endif
