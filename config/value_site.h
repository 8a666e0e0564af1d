/* Inside of value*.c: what a reader of one value carries along. */
#ifndef KERYX_CONFIG_VALUE_SITE_H
#define KERYX_CONFIG_VALUE_SITE_H

#include "config/value.h"

struct value_site {
    struct config_reader *r;
    const struct config_path *path;
    const struct config_field *field;
};

/* "path: got …; expected …" */
void value_site_complain(const struct value_site *s, const struct config_node *node,
                         const char *wrong);
/* The same with the node in words. */
void value_site_mismatch(const struct value_site *s, const struct config_node *node);
/* Expands; true for a scalar with a value, else a problem. */
bool value_site_scalar(const struct value_site *s, struct config_node *node);

/* value_scalar.c */
void value_site_text(const struct value_site *s, struct config_node *node, struct config_text *out);
void value_site_choice(const struct value_site *s, struct config_node *node, int *out);
void value_site_bool(const struct value_site *s, struct config_node *node, bool *out);
void value_site_number(const struct value_site *s, struct config_node *node, double *out);
void value_site_uint(const struct value_site *s, struct config_node *node, unsigned *out);
void value_site_size(const struct value_site *s, struct config_node *node, size_t *out);
void value_site_duration(const struct value_site *s, struct config_node *node, int64_t *out);
/* value_secret.c */
void value_site_secret(const struct value_site *s, struct config_node *node,
                       struct config_text *out);

#endif
