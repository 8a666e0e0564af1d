/* Parts of agents.yaml whose keys depend on a type. The kinds of tools have their rows here, in the
   config room (rows_tool.c); those of connections and targets belong to the room that sends, which
   describes them with the same rows and hands them in once, at start: then the loader, the schema and
   the reference know their keys, and a misspelt one is an error with its place. */
#ifndef KERYX_CONFIG_KIND_H
#define KERYX_CONFIG_KIND_H

#include "config/field.h"

struct config_kind {
    const char *name;                     /* the word in `type:` */
    const char *help;                     /* one line */
    const struct config_section *section; /* its keys beside `type` and `base_url`; NULL = none */
};

/* The kinds of connections (struct config_named.type). Kept by reference; must live as long as the
   process. Until it was called any type and any key is accepted. Call it before the first load. */
void config_kinds_use(const struct config_kind *kinds, size_t n);
/* The kind of that name, or NULL. */
const struct config_kind *config_kinds_find(struct str name);
/* The k-th kind, or NULL at the end. */
const struct config_kind *config_kinds_at(size_t k);

/* Reads a kept node (struct config_named.node …) by rows into `out`, which is zeroed first. `path`
   begins the messages. Texts live as long as the config. Returns -1 when there were errors. */
int config_kind_read(struct config *config, const struct config_section *section,
                     const struct config_node *node, const char *path, void *out,
                     struct config_problems *problems) must_check;

/* The tools, config_tool.kind by config_tool.type. */
struct config_tool_mcp {
    struct config_text transport; /* stdio or streamable-http; filled in */
    struct config_text command;   /* stdio */
    struct config_texts args;
    struct config_pairs env;
    struct config_texts pass_env;
    struct config_text working_directory; /* absolute; default the file's directory */
    struct config_text url;               /* streamable-http */
    struct config_pairs headers;
    struct config_texts filter; /* the server's tools that are offered; empty = all */
    int64_t timeout;            /* of one call */
};
struct config_tool_command {
    struct config_texts allowed_commands, denied_commands;
    struct config_text working_directory; /* absolute; default the file's directory */
    int64_t max_execution_time;
};
struct config_tool_web_fetch {
    struct config_texts allow_hosts; /* empty = any public host */
    struct config_cidrs allow_private;
    size_t max_bytes;
    int64_t timeout;
};
struct config_tool_file {    /* read_file, write_file */
    struct config_text root; /* absolute */
    size_t max_bytes;
};
struct config_tool_plain {      /* webhook, schedule, run_agent, function */
    struct config_texts agents; /* run_agent: who may be run; empty = any */
};

/* Kept nodes of agents with rows of their own: read them with config_kind_read(). */
extern const struct config_section config_rows_sandbox;
struct config_sandbox { /* agents.NAME.sandbox when it is a map (else the scalar `strict`) */
    struct config_texts write, read; /* absolute */
    struct config_text network;      /* none or host */
};
extern const struct config_section config_rows_structured_output;
struct config_structured_output {
    const struct config_node *schema;
    bool strict;
    struct config_text name;
};

#endif
