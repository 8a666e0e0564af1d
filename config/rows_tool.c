/* tools: the common keys, and those of each type. */
#include "config/rows.h"

#define MCP(member)     .offset = FIELD_AT(config_tool_mcp, member)
#define COMMAND(member) .offset = FIELD_AT(config_tool_command, member)
#define FETCH(member)   .offset = FIELD_AT(config_tool_web_fetch, member)
#define ROOT(member)    .offset = FIELD_AT(config_tool_file, member)

static const struct config_field mcp_rows[] = {
    CONFIG_ROW("transport", WORD, MCP(transport), .choices = "stdio|streamable-http",
               .help = "default: by command or url"),
    CONFIG_ROW("command", TEXT, MCP(command), .help = "stdio: the server's program"),
    CONFIG_ROW("args", TEXTS, .flags = FIELD_MAY_EMPTY, MCP(args), .help = "its arguments"),
    CONFIG_ROW("env", PAIRS, .flags = FIELD_PRIVATE, MCP(env), .help = "its variables"),
    CONFIG_ROW("pass_env", TEXTS, MCP(pass_env), .help = "variables of keryx it gets too"),
    CONFIG_ROW("working_directory", PATH, MCP(working_directory), .otherwise = ".",
               .help = "where it starts"),
    CONFIG_ROW("url", URL, MCP(url), .help = "streamable-http: the server's address"),
    CONFIG_ROW("headers", PAIRS, .flags = FIELD_PRIVATE, MCP(headers),
               .help = "streamable-http: further request headers"),
    CONFIG_ROW("filter", TEXTS, MCP(filter),
               .help = "the server's tools that are offered; empty = all"),
    CONFIG_ROW("timeout", TIMEOUT, MCP(timeout), .otherwise = "60s", .min = 1,
               .help = "of one call"),
};

static void mcp_finish(struct config_reader *r, const struct config_path *path,
                       const struct config_node *node, void *object)
{
    struct config_tool_mcp *mcp = object;
    bool url = mcp->url.s.p, command = mcp->command.s.p;
    (void)node;
    if (!mcp->transport.s.p)
        mcp->transport.s = url && !command ? STR("streamable-http") : STR("stdio");
    bool http = str_eq(mcp->transport.s, STR("streamable-http"));
    if (url && command)
        config_field_problem(r, path, false, path->pos,
                             "both command and url; expected one of them");
    else if (http && !url)
        config_field_problem(r, path, false, path->pos,
                             "url is missing; expected the server's URL");
    else if (!http && !command)
        config_field_problem(
            r, path, false, path->pos,
            "command is missing; expected a program, or url for a server on the network");
}

static const struct config_section mcp_section = { .name = "tool_mcp",
                                                   .help =
                                                       "An MCP server: stdio or streamable HTTP.",
                                                   FIELD_ROWS(mcp_rows),
                                                   .size = sizeof(struct config_tool_mcp),
                                                   .finish = mcp_finish };

static const struct config_field command_rows[] = {
    CONFIG_ROW("allowed_commands", TEXTS, COMMAND(allowed_commands),
               .help = "first words that may run; empty = any that is not denied"),
    CONFIG_ROW("denied_commands", TEXTS, COMMAND(denied_commands),
               .help = "first words that never run"),
    CONFIG_ROW("working_directory", PATH, COMMAND(working_directory), .otherwise = ".",
               .help = "where commands start"),
    CONFIG_ROW("max_execution_time", TIMEOUT, COMMAND(max_execution_time), .otherwise = "30s",
               .min = 1, .help = "of one command"),
    CONFIG_IGNORED("deny_by_default"),
};
static const struct config_section command_section = { .name = "tool_command",
                                                       .help =
                                                           "Runs programs, never through a shell.",
                                                       FIELD_ROWS(command_rows),
                                                       .size = sizeof(struct config_tool_command) };

static const struct config_field fetch_rows[] = {
    CONFIG_ROW("allow_hosts", TEXTS, FETCH(allow_hosts),
               .help = "host patterns; empty = any public host"),
    CONFIG_ROW("allow_private", CIDRS, FETCH(allow_private),
               .help = "private networks that may be reached"),
    CONFIG_ROW("max_bytes", SIZE, FETCH(max_bytes), .otherwise = "1MiB", .min = 1,
               .help = "of one page"),
    CONFIG_ROW("timeout", TIMEOUT, FETCH(timeout), .otherwise = "30s", .min = 1,
               .help = "of one fetch"),
};
static const struct config_section fetch_section = { .name = "tool_web_fetch",
                                                     .help = "Fetches a page and gives its text.",
                                                     FIELD_ROWS(fetch_rows),
                                                     .size = sizeof(struct config_tool_web_fetch) };

static const struct config_field file_rows[] = {
    CONFIG_ROW("root", PATH, .flags = FIELD_REQUIRED, ROOT(root),
               .help = "only files below it; symlinks are resolved first"),
    CONFIG_ROW("max_bytes", SIZE, ROOT(max_bytes), .otherwise = "1MiB", .min = 1,
               .help = "of one file"),
};
static const struct config_section file_section = { .name = "tool_file",
                                                    .help = "Files below a root.",
                                                    FIELD_ROWS(file_rows),
                                                    .size = sizeof(struct config_tool_file) };

static const struct config_field run_agent_rows[] = {
    CONFIG_ROW("agents", TEXTS, .flags = FIELD_ROLE, .offset = FIELD_AT(config_tool_plain, agents),
               .help = "agents that may be run; empty = any"),
};
static const struct config_section run_agent_section = { .name = "tool_run_agent",
                                                         .help = "Runs another agent.",
                                                         FIELD_ROWS(run_agent_rows),
                                                         .size = sizeof(struct config_tool_plain) };

static const struct config_field function_rows[] = { CONFIG_IGNORED("handler"),
                                                     CONFIG_IGNORED("parameters") };
static const struct config_section function_section = {
    .name = "tool_function",
    .help = "Hector's function tools; known, never offered.",
    FIELD_ROWS(function_rows),
    .size = sizeof(struct config_tool_plain)
};
static const struct config_section plain_section = { .name = "tool_plain",
                                                     .help = "No keys of its own.",
                                                     .size = sizeof(struct config_tool_plain) };

static const struct config_kind kinds[] = {
    { "mcp", "an MCP server", &mcp_section },
    { "command", "exec {command}: runs programs", &command_section },
    { "web_fetch", "web_fetch {url}", &fetch_section },
    { "read_file", "read_file {path, offset?, limit?}", &file_section },
    { "write_file", "write_file {path, content}", &file_section },
    { "webhook", "makes and changes dynamic webhooks", &plain_section },
    { "schedule", "lists and runs schedules", &plain_section },
    { "run_agent", "run_agent {agent, input, session?}", &run_agent_section },
    { "function", "Hector's; a warning", &function_section },
};
#define TOOL_TYPES "mcp|command|web_fetch|read_file|write_file|webhook|schedule|run_agent"
_Static_assert(N_ELEMENTS(kinds) == 9, "TOOL_TYPES names the kinds");

const struct config_kind *config_rows_tool_kind(size_t k)
{
    return k < N_ELEMENTS(kinds) ? &kinds[k] : NULL;
}

#define TOOL(member) .offset = FIELD_AT(config_tool, member)
static const struct config_field tool_rows[] = {
    CONFIG_ROW("type", WORD, TOOL(type), .choices = TOOL_TYPES "|function",
               .help = "default: the entry's name if that is a type, else mcp"),
    CONFIG_ROW("enabled", BOOL, TOOL(enabled), .otherwise = "true", .help = "false: not offered"),
    CONFIG_ROW("description", TEXT, TOOL(description), .help = "what the model is told"),
    CONFIG_ROW("require_approval", BOOL, TOOL(require_approval),
               .help = "a call waits for keryx tasks approve"),
    CONFIG_ROW("approval_prompt", TEXT, TOOL(approval_prompt),
               .help = "what the approver is asked"),
};

static const struct config_kind *find_kind(struct str name)
{
    for (size_t i = 0; i < N_ELEMENTS(kinds); i++)
        if (str_eq_c(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static void tool_finish(struct config_reader *r, const struct config_path *path,
                        const struct config_node *node, void *object)
{
    struct config_tool *tool = object;
    if (!node)
        return;
    if (!tool->type.s.p && config_node_get(node, "type"))
        return; /* a wrong type was reported */
    if (!tool->type.s.p)
        tool->type.s = find_kind(tool->name.s) ? tool->name.s : STR("mcp");
    const struct config_kind *kind = find_kind(tool->type.s);
    if (str_eq(tool->type.s, STR("function"))) {
        config_field_problem(
            r, path, true, tool->type.pos,
            "a function tool of Hector's is never offered; expected one of " TOOL_TYPES);
        tool->enabled = false;
    }
    void *typed = arena_alloc(r->arena, kind->section->size);
    r->beside = &config_rows_tool;
    config_field_read(r, path, kind->section, config_field_rest(r, &config_rows_tool, node), typed);
    r->beside = NULL;
    config_field_expand(r, path, node);
    tool->kind = typed;
    tool->node = node;
}

const struct config_section config_rows_tool = {
    .name = "tool",
    .help = "Something agents of type llm may call. The keys of its type stand beside these.",
    FIELD_ROWS(tool_rows),
    .size = sizeof(struct config_tool),
    .pos_at = FIELD_AT(config_tool, pos),
    .open = true,
    .finish = tool_finish,
};
