/* One parser a value type: a node of the tree → a typed value, or a problem made from the row. */
#ifndef KERYX_CONFIG_VALUE_H
#define KERYX_CONFIG_VALUE_H

#include "config/field.h"

/* Reads the value of a row that is no section, list or map. node is never NULL. */
void config_value_read(struct config_reader *r, const struct config_path *path,
                       const struct config_field *field, struct config_node *node, void *object);
/* Gives the row's default. */
void config_value_default(struct config_reader *r, const struct config_field *field, void *object);
/* ${…} in a scalar, once a node; in a list or map in all of them. */
void config_value_expand(struct config_reader *r, const struct config_path *path,
                         struct config_node *node);
/* "1MiB" → bytes. */
int config_value_size(struct str text, size_t *out, struct error *e) must_check;
/* A node in words for messages: "a list", "'maybe'", "nothing". Secrets are not shown. */
const char *config_value_words(struct arena *arena, const struct config_node *node, bool secret);
/* The text of a scalar as a config_text. */
struct config_text config_value_text(const struct config_node *node, bool secret);
/* path as it is, ~/ or made absolute by the reader's directory. In the arena. */
struct str config_value_path(const struct config_reader *r, struct str path);
/* Whether a name such as Authorization or bot_token says that its value is a secret. */
bool config_value_is_private(struct str name);
/* Up to `limit` bytes of a file. NULL text and error otherwise. In the arena. */
int config_value_file(struct arena *arena, const char *path, size_t limit, struct str *out,
                      struct error *e) must_check;

#endif
