/* agents. */
#include "config/rows.h"

#include "config/value.h"

#define MAX_INSTRUCTION MIB

enum { AS_LLM = 1, AS_COMMAND = 2, AS_HTTP = 4, AS_REMOTE = 8, AS_ECHO = 16 };
#define TYPES      "llm|command|http|remote|echo"
#define AT(member) .offset = FIELD_AT(config_agent, member)

static const struct config_field policy_rows[] = {
    CONFIG_ROW("allow", TEXTS, .offset = FIELD_AT(config_policy, allow),
               .help = "tools that may be used; * wildcards"),
    CONFIG_ROW("deny", TEXTS, .offset = FIELD_AT(config_policy, deny),
               .help = "tools that may not; wins over allow"),
};
const struct config_section config_rows_policy = { .name = "tool_policy",
                                                   .help = "Which of its tools an agent may use.",
                                                   FIELD_ROWS(policy_rows),
                                                   .size = sizeof(struct config_policy) };

static const struct config_field retry_rows[] = { CONFIG_RETRY_ROWS("1", "1s", "60s") };
const struct config_section config_rows_agent_retry = {
    .name = "agent_retry",
    .help = "Of the task itself, when the runner failed retryably.",
    FIELD_ROWS(retry_rows),
    .size = sizeof(struct config_retry)
};

static const struct config_field reasoning_rows[] = {
    CONFIG_ROW("max_iterations", UINT, AT(max_iterations), .otherwise = "20", .min = 1, .max = 1000,
               .help = "questions to the model in one task"),
    CONFIG_IGNORED("enable_streaming"),
    CONFIG_IGNORED("enable_exit_tool"),
    CONFIG_IGNORED("enable_escalate_tool"),
    CONFIG_IGNORED("termination_conditions"),
    CONFIG_IGNORED("completion_instruction"),
};
static const struct config_section reasoning_section = { .name = "reasoning",
                                                         .help = "The loop of an llm agent.",
                                                         FIELD_ROWS(reasoning_rows),
                                                         .size = sizeof(struct config_agent) };

static const struct config_field structured_rows[] = {
    CONFIG_ROW("schema", NODE, .flags = FIELD_REQUIRED,
               .offset = FIELD_AT(config_structured_output, schema),
               .help = "JSON Schema of the answer"),
    CONFIG_ROW("strict", BOOL, .offset = FIELD_AT(config_structured_output, strict),
               .otherwise = "true", .help = "the provider must hold to it"),
    CONFIG_ROW("name", TEXT, .offset = FIELD_AT(config_structured_output, name),
               .otherwise = "response", .pattern = "_-",
               .help = "what the provider is told it is called"),
};
const struct config_section config_rows_structured_output = {
    .name = "structured_output",
    .help = "The answer is JSON of this schema.",
    FIELD_ROWS(structured_rows),
    .size = sizeof(struct config_structured_output)
};

static const struct config_field sandbox_rows[] = {
    CONFIG_ROW("write", TEXTS, .flags = FIELD_RESOLVE, .offset = FIELD_AT(config_sandbox, write),
               .help = "directories it may write"),
    CONFIG_ROW("read", TEXTS, .flags = FIELD_RESOLVE, .offset = FIELD_AT(config_sandbox, read),
               .help = "directories it may read"),
    CONFIG_ROW("network", WORD, .offset = FIELD_AT(config_sandbox, network), .otherwise = "host",
               .choices = "none|host", .help = "none: no network"),
};
const struct config_section config_rows_sandbox = { .name = "sandbox",
                                                    .help = "Landlock, seccomp, no new privileges.",
                                                    FIELD_ROWS(sandbox_rows),
                                                    .size = sizeof(struct config_sandbox) };

static const struct config_field http_rows[] = {
    CONFIG_ROW("url", URL, .flags = FIELD_REQUIRED | FIELD_TEMPLATE, AT(http.url),
               .help = "where the request goes"),
    CONFIG_ROW("method", WORD, AT(http.method), .otherwise = "POST",
               .choices = "GET|POST|PUT|PATCH|DELETE", .help = "its method"),
    CONFIG_ROW("headers", PAIRS, .flags = FIELD_PRIVATE | FIELD_TEMPLATE, AT(http.headers),
               .help = "its headers"),
    CONFIG_ROW("body", TEXT, .flags = FIELD_TEMPLATE, AT(http.body),
               .help = "its body; default the input"),
    CONFIG_ROW("result", TEXT, AT(http.result),
               .help = "path of the result in the answer, such as .answer; default all of it"),
};
static const struct config_section http_section = { .name = "agent_http",
                                                    .help =
                                                        "One request; 202 with Location is polled.",
                                                    FIELD_ROWS(http_rows),
                                                    .size = sizeof(struct config_agent) };

static const struct config_field remote_rows[] = {
    CONFIG_ROW("url", URL, .flags = FIELD_REQUIRED, AT(remote.url),
               .help = "the A2A agent's base URL"),
    CONFIG_ROW("headers", PAIRS, .flags = FIELD_PRIVATE, AT(remote.headers),
               .help = "further request headers"),
};
static const struct config_section remote_section = { .name = "agent_remote",
                                                      .help = "An A2A agent.",
                                                      FIELD_ROWS(remote_rows),
                                                      .size = sizeof(struct config_agent) };

#define LIMIT(member) .offset = FIELD_AT(config_limits, member)
static const struct config_field limits_rows[] = {
    CONFIG_ROW("timeout", TIMEOUT, LIMIT(timeout), .min = 1,
               .help = "of a task; default defaults.timeout"),
    CONFIG_ROW("grace", DURATION, LIMIT(grace), .otherwise = "10s",
               .help = "between TERM and KILL"),
    CONFIG_ROW("output", SIZE, LIMIT(output), .otherwise = "1MiB", .min = 1,
               .help = "beyond it output is dropped, and says so"),
    CONFIG_ROW("memory", SIZE, LIMIT(memory), .help = "of the task's process tree"),
    CONFIG_ROW("cpu", DURATION, LIMIT(cpu), .help = "CPU time of a process"),
    CONFIG_ROW("procs", UINT, LIMIT(procs), .help = "processes of the tree"),
    CONFIG_ROW("files", UINT, LIMIT(files), .help = "open files of a process"),
    CONFIG_ROW("file_size", SIZE, LIMIT(file_size), .help = "largest file it may write"),
    CONFIG_ROW("max_tokens_total", UINT, LIMIT(max_tokens_total),
               .help = "tokens of a task, all calls together"),
    CONFIG_ROW("max_tool_calls", UINT, LIMIT(max_tool_calls), .help = "tool calls of a task"),
    CONFIG_ROW("max_cost_usd", NUMBER, LIMIT(max_cost_usd),
               .help = "cost of a task; needs the llm's price"),
    CONFIG_ROW("max_interruptions", UINT, LIMIT(max_interruptions), .otherwise = "10",
               .help = "how often a task may be run again because keryx died"),
};
static const struct config_section limits_section = {
    .name = "limits",
    .help = "What one task may use. Unset = no limit.",
    FIELD_ROWS(limits_rows),
    .size = sizeof(struct config_limits)
};

static const struct config_field agent_rows[] = {
    CONFIG_ROW("type", CHOICE, AT(type), .choices = TYPES,
               .help = "how it runs; default by the keys command, http, remote, else llm"),
    CONFIG_ROW("description", TEXT, AT(description),
               .help = "for people and for agents that may run it"),
    CONFIG_ROW("enabled", BOOL, AT(enabled), .otherwise = "true",
               .help = "false: nothing starts it"),
    CONFIG_ROW("llm", TEXT, .flags = FIELD_ROLE, .only = AS_LLM, AT(llm),
               .help = "name of an entry of llms; default defaults.llm"),
    CONFIG_ROW("instruction", TEXT, .flags = FIELD_TEMPLATE, .only = AS_LLM, AT(instruction),
               .help = "the system prompt; a template over trusted data only (.agent .trigger .now "
                       ".scheduled_at .session_id)"),
    CONFIG_ROW("instruction_file", PATH, .flags = FIELD_ALIAS, .only = AS_LLM, AT(instruction_file),
               .help = "a file that holds it"),
    CONFIG_ROW("skills", TEXTS, .only = AS_LLM, AT(skills), .pattern = "_-",
               .help = "skills/NAME.md beside this file, appended to the instruction"),
    CONFIG_ROW("tools", TEXTS, .flags = FIELD_ROLE, .only = AS_LLM, AT(tools),
               .help = "names of entries of tools, or SERVER.TOOL"),
    CONFIG_ROW("tool_policy", SECTION, .only = AS_LLM, AT(tool_policy),
               .set_at = FIELD_AT(config_agent, tool_policy.set), .section = &config_rows_policy,
               .help = "which tools it may use"),
    CONFIG_ROW("reasoning", SECTION, .only = AS_LLM, .section = &reasoning_section,
               .help = "the loop"),
    CONFIG_ROW("structured_output", NODE, .only = AS_LLM, AT(structured_output),
               .section = &config_rows_structured_output, .help = "the answer is JSON"),
    CONFIG_ROW("command", COMMAND, .flags = FIELD_MAY_EMPTY, .only = AS_COMMAND, AT(command),
               .set_at = FIELD_AT(config_agent, command_is_shell),
               .help = "a list is a program and its arguments, text is a line for sh -c"),
    CONFIG_ROW("input_via", CHOICE, .only = AS_COMMAND, AT(input_via), .otherwise = "stdin",
               .choices = "stdin|arg|file|none", .help = "how the program gets the input"),
    CONFIG_ROW("output", WORD, .only = AS_COMMAND, AT(output), .otherwise = "text",
               .choices = "text|json|jsonl|claude|codex|gemini|opencode|pi",
               .help = "what the program prints"),
    CONFIG_ROW("session_args", TEXTS, .flags = FIELD_TEMPLATE | FIELD_MAY_EMPTY, .only = AS_COMMAND,
               AT(session_args), .help = "arguments added when a session goes on"),
    CONFIG_ROW("env", PAIRS, .flags = FIELD_PRIVATE, .only = AS_COMMAND, AT(env),
               .help = "variables of the child"),
    CONFIG_ROW("pass_env", TEXTS, .only = AS_COMMAND, AT(pass_env),
               .help = "variables of keryx the child gets too"),
    CONFIG_ROW("working_directory", PATH, .only = AS_COMMAND, AT(working_directory),
               .otherwise = ".", .help = "where it starts; default this file's directory"),
    CONFIG_ROW("sandbox", NODE, .only = AS_COMMAND, AT(sandbox), .choices = "none|strict",
               .section = &config_rows_sandbox,
               .help = "none, strict, or what it may read, write and reach"),
    CONFIG_ROW("http", SECTION, .only = AS_HTTP, .section = &http_section, .help = "the request"),
    CONFIG_ROW("remote", SECTION, .only = AS_REMOTE, .section = &remote_section,
               .help = "the A2A agent"),
    CONFIG_ROW("limits", SECTION, AT(limits), .section = &limits_section,
               .help = "what one task may use"),
    CONFIG_ROW("max_concurrent", UINT, AT(max_concurrent),
               .help = "tasks of this agent at once; unset = no limit"),
    CONFIG_ROW("max_queued", UINT, AT(max_queued), .otherwise = "10000", .min = 1,
               .help = "beyond it webhooks get 503 and Retry-After"),
    CONFIG_ROW("retry", SECTION, AT(retry), .section = &config_rows_agent_retry,
               .help = "of the task itself"),
    CONFIG_ROW("triggers", LIST, AT(triggers), .count_at = FIELD_AT(config_agent, n_triggers),
               .section = &config_rows_trigger, .help = "what starts it"),
    CONFIG_ROW("trigger", LIST, .flags = FIELD_ALIAS | FIELD_LONE, AT(triggers),
               .count_at = FIELD_AT(config_agent, n_triggers), .section = &config_rows_trigger,
               .help = "one trigger, as Hector writes it"),
    CONFIG_ROW("notifications", LIST, AT(notifications),
               .count_at = FIELD_AT(config_agent, n_notifications),
               .section = &config_rows_notification, .help = "who is told"),
    CONFIG_IGNORED("name"),
    CONFIG_IGNORED("visibility"),
    CONFIG_IGNORED("sub_agents"),
    CONFIG_IGNORED("agent_tools"),
    CONFIG_IGNORED("global_instruction"),
    CONFIG_IGNORED("context"),
    CONFIG_IGNORED("memory"),
    CONFIG_IGNORED("guardrails"),
    CONFIG_IGNORED("disable_safety_protocols"),
    CONFIG_IGNORED("prompt"),
    CONFIG_IGNORED("input_modes"),
    CONFIG_IGNORED("output_modes"),
    CONFIG_IGNORED("streaming"),
    CONFIG_IGNORED("rag"),
    CONFIG_IGNORED("document_stores"),
    CONFIG_IGNORED("include_context"),
    CONFIG_IGNORED("include_context_limit"),
    CONFIG_IGNORED("include_context_max_length"),
    CONFIG_IGNORED("max_iterations"),
    CONFIG_IGNORED("security"),
    CONFIG_IGNORED("metadata"),
};

static int agent_variant(struct config_reader *r, const struct config_path *path,
                         const struct config_node *node)
{
    const struct config_node *type = config_node_get(node, "type");
    (void)r;
    (void)path;
    if (type && type->kind == CONFIG_NODE_SCALAR)
        return config_field_choice_index(TYPES, type->text);
    if (type)
        return -1;
    return config_node_get(node, "command")  ? CONFIG_COMMAND
           : config_node_get(node, "http")   ? CONFIG_HTTP
           : config_node_get(node, "remote") ? CONFIG_REMOTE
                                             : CONFIG_LLM;
}

static int agent_variant_of(const void *object)
{
    return (int)((const struct config_agent *)object)->type;
}

static bool agent_name_ok(struct str name)
{
    bool ok = name.n >= 1 && name.n <= 64;
    for (size_t i = 0; ok && i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        ok = letter || (i && ((c >= '0' && c <= '9') || c == '_' || c == '-'));
    }
    return ok;
}

static void read_instruction_file(struct config_reader *r, const struct config_path *path,
                                  struct config_agent *a)
{
    struct config_path at = { .up = path,
                              .key = STR("instruction_file"),
                              .pos = a->instruction_file.pos };
    struct error error = ERROR_INIT;
    struct str text;
    if (a->instruction.s.p)
        config_field_problem(r, &at, false, at.pos,
                             "instruction is there too; expected one of the two");
    else if (!r->directory)
        config_field_problem(r, &at, false, at.pos,
                             "files cannot be read here; expected instruction");
    else if (config_value_file(r->arena, a->instruction_file.s.p, MAX_INSTRUCTION, &text, &error))
        config_field_problem(r, &at, false, at.pos, "%s; expected a readable file", error.text);
    else
        a->instruction = (struct config_text){ .s = text, .pos = at.pos };
}

/* [], "" and ["", …] name nothing that could be run. */
static void check_program(struct config_reader *r, const struct config_path *path,
                          const struct config_node *node, const struct config_texts *argv)
{
    if (!node || node->broken)
        return;
    bool shell = argv->n && node->kind == CONFIG_NODE_SCALAR;
    bool none = node->kind == CONFIG_NODE_LIST && !node->count;
    if (none || (argv->n && !str_trim(argv->items[shell ? 2 : 0].s).n))
        config_field_problem(r, &(struct config_path){ .up = path, .key = STR("command") }, false,
                             node->pos, "no program; expected one, and its arguments");
}

/* What the type cannot do without. */
static void check_type(struct config_reader *r, const struct config_path *path,
                       const struct config_node *node, const struct config_agent *a)
{
    const char *missing = NULL;
    if (a->type == CONFIG_COMMAND && !a->command.n)
        missing = "command";
    if (a->type == CONFIG_HTTP && !a->http.url.s.p)
        missing = "http";
    if (a->type == CONFIG_REMOTE && !a->remote.url.s.p)
        missing = "remote";
    if (missing && !config_field_given(node, missing))
        config_field_problem(r, &(struct config_path){ .up = path, .key = str_of(missing) }, false,
                             path->pos, "missing; expected by type: %s", missing);
    if (a->type == CONFIG_COMMAND)
        check_program(r, path, config_node_get(node, "command"), &a->command);
}

static void agent_finish(struct config_reader *r, const struct config_path *path,
                         const struct config_node *node, void *object)
{
    struct config_agent *a = object;
    int type = agent_variant(r, path, node);
    if (!node)
        return;
    if (type >= 0)
        a->type = (enum config_agent_type)type;
    if (!agent_name_ok(a->name.s))
        config_field_problem(
            r, path, false, path->pos,
            "not an agent's name; expected a letter, then up to 63 letters, digits, _ or -");
    if (config_node_get(node, "trigger") && config_node_get(node, "triggers"))
        config_field_problem(r, &(struct config_path){ .up = path, .key = STR("triggers") }, false,
                             config_node_member(node, "triggers")->key_pos,
                             "both trigger and triggers; expected one of the two");
    if (a->instruction_file.s.p)
        read_instruction_file(r, path, a);
    const struct config_node *sandbox = a->sandbox;
    if (sandbox && sandbox->kind == CONFIG_NODE_SCALAR && str_eq(sandbox->text, STR("none")))
        a->sandbox = NULL;
    check_type(r, path, node, a);
}

const struct config_section config_rows_agent = {
    .name = "agent",
    .help = "What is run.",
    FIELD_ROWS(agent_rows),
    .size = sizeof(struct config_agent),
    .pos_at = FIELD_AT(config_agent, pos),
    .variants = TYPES,
    .variant_word = "agent",
    .variant = agent_variant,
    .variant_of = agent_variant_of,
    .others_warn = true,
    .finish = agent_finish,
};
