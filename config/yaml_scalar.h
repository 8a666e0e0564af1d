/* Where the lines of a scalar stand in the file, and libyaml's complaints in words that help. */
#ifndef KERYX_CONFIG_YAML_SCALAR_H
#define KERYX_CONFIG_YAML_SCALAR_H

#include "config/yaml.h"

#include <yaml.h>

/* A cursor over the source's lines that only goes forward, as the events do. */
struct yaml_scalar_lines {
    struct str source;
    size_t at;     /* byte offset of the first character of `line` */
    unsigned line; /* 1-based */
};

/* Fills text_pos and rows of a scalar node whose text, style and pos are set. */
void yaml_scalar_place(struct yaml_scalar_lines *lines, struct config_node *node,
                       const yaml_event_t *event);
/* The position of a mark; 1-based. */
struct config_pos yaml_scalar_pos(yaml_mark_t mark);
/* Reports what the parser stopped at. */
void yaml_scalar_problem(const yaml_parser_t *parser, struct str source,
                         struct config_problems *problems);

#endif
