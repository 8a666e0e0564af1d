/* A YAML 1.2 document as a tree that knows where everything stands. libyaml gives the events; scalars
   are typed by the 1.2 core schema (`on`, `no` and dates stay strings), aliases share the node of
   their anchor. Everything lives in the arena given. */
#ifndef KERYX_CONFIG_YAML_H
#define KERYX_CONFIG_YAML_H

#include "config/config.h"

#define CONFIG_MAX_FILE  (64 * MIB)
#define CONFIG_MAX_DEPTH 64
#define CONFIG_MAX_NODES 4000000

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_LIST, CONFIG_NODE_MAP };
enum config_node_scalar {
    CONFIG_SCALAR_STRING,
    CONFIG_SCALAR_NULL,
    CONFIG_SCALAR_BOOL,
    CONFIG_SCALAR_INT,
    CONFIG_SCALAR_FLOAT
};
enum config_node_style {
    CONFIG_STYLE_PLAIN,
    CONFIG_STYLE_QUOTED,
    CONFIG_STYLE_LITERAL, /* | */
    CONFIG_STYLE_FOLDED   /* > */
};

/* A child of a list (key empty) or of a map. */
struct config_entry {
    struct str key;
    struct config_pos key_pos;
    struct config_node *value;
    struct config_entry *next;
};

struct config_node {
    uint8_t kind;          /* enum config_node_kind */
    uint8_t scalar;        /* enum config_node_scalar */
    uint8_t style;         /* enum config_node_style */
    bool open;             /* while being read: an alias to it would be a cycle */
    bool expanded;         /* ${…} was looked for */
    bool from_env;         /* … and found: the text takes the type of its key, quoted or not */
    bool broken;           /* … in a variable that is not set; reported */
    bool secret;           /* … in a variable whose name says that it is one */
    bool rows;             /* the text's lines and columns are those of the file from text_pos on */
    struct config_pos pos; /* first character, a quote or | included */
    struct config_pos text_pos; /* scalar: first character of its content */
    struct str text;            /* scalar: NUL-terminated */
    uint32_t count;             /* children */
    uint32_t total;             /* nodes in here, aliases counted as copies */
    struct config_entry *first, *last;
};

/* Reads one document. What is wrong goes to `problems`; NULL when there is no usable tree (syntax,
   a limit), else the root, whatever else was reported (duplicate keys, unknown aliases …). The text
   need not outlive the call. */
struct config_node *config_node_parse(struct arena *arena, struct str text,
                                      struct config_problems *problems) must_check;
/* The member of a map, or NULL. node may be NULL or no map. */
const struct config_entry *config_node_member(const struct config_node *node, const char *key);
const struct config_node *config_node_get(const struct config_node *node, const char *key);
/* The type a plain scalar has in the 1.2 core schema. */
enum config_node_scalar config_node_core_type(struct str text);

#endif
