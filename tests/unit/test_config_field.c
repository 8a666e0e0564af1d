/* Values by type, and the messages that come out of the rows. */
#include "config/rows.h"
#include "config/value.h"
#include "tests/unit/config_rig.h"

TEST(every_type_says_what_it_got_and_what_it_expects)
{
    static const struct config_rig_row rows[] = {
        { "bool", "agents: {a: {enabled: yes}}\n",
          "agents.yaml:1:23: agents.a.enabled: got 'yes'; expected true or false\n" },
        { "quoted bool", "agents: {a: {enabled: \"true\"}}\n",
          "agents.yaml:1:23: agents.a.enabled: got 'true'; expected true or false\n" },
        { "uint", "server: {max_connections: -1}\n",
          "agents.yaml:1:27: server.max_connections: got '-1'; expected a whole number from 1 to "
          "1000000\n" },
        { "uint too large", "server: {port: 65536}\n",
          "agents.yaml:1:16: server.port: got '65536'; expected a whole number from 0 to 65535\n" },
        { "uint at least", "llms: {a: {provider: ollama, model: m, max_tokens: 0}}\n",
          "agents.yaml:1:52: llms.a.max_tokens: got '0'; expected a whole number, at least 1\n" },
        { "number", "llms: {a: {provider: ollama, model: m, temperature: 2.5}}\n",
          "agents.yaml:1:53: llms.a.temperature: got '2.5'; expected a number from 0 to 2\n" },
        { "not a number", "llms: {a: {provider: ollama, model: m, temperature: .nan}}\n",
          "agents.yaml:1:53: llms.a.temperature: got '.nan'; expected a number from 0 to 2\n" },
        { "size", "server: {max_body_bytes: 10MB}\n",
          "agents.yaml:1:26: server.max_body_bytes: got '10MB'; expected a size such as 64KiB, "
          "1MiB or bytes\n" },
        { "size zero", "server: {max_body_bytes: 0}\n",
          "agents.yaml:1:26: server.max_body_bytes: got '0'; expected a size such as 64KiB, 1MiB "
          "or bytes\n" },
        { "size overflow", "server: {max_body_bytes: 99999999999999999GiB}\n",
          "agents.yaml:1:26: server.max_body_bytes: got '99999999999999999GiB'; expected a size "
          "such as 64KiB, 1MiB or bytes\n" },
        { "duration without unit", "store: {retention: 1000}\n",
          "agents.yaml:1:20: store.retention: '1000' has no unit; expected 1000ms or 1000s\n" },
        { "duration", "store: {retention: soon}\n",
          "agents.yaml:1:20: store.retention: got 'soon'; expected a duration such as 1500ms, 30s, "
          "5m, 1h30m or 7d\n" },
        { "duration too short", "store: {lease: 1ms}\n",
          "agents.yaml:1:16: store.lease: got '1ms', too short; expected a duration such as "
          "1500ms, 30s, 5m, 1h30m or 7d\n" },
        { "timeout in bare seconds", "defaults: {timeout: 90}\n", "" },
        { "timeout", "defaults: {timeout: [1]}\n",
          "agents.yaml:1:21: defaults.timeout: got a list; expected a duration such as 30s or 5m, "
          "or seconds\n" },
        { "choice", "logging: {level: loud}\n",
          "agents.yaml:1:18: logging.level: got 'loud'; expected one of error, warn, info, "
          "debug\n" },
        { "choice, nearly", "logging: {level: inof}\n",
          "agents.yaml:1:18: logging.level: got 'inof'; expected one of error, warn, info, debug "
          "(did you mean 'info'?)\n" },
        { "choice in another case", "logging: {level: INFO}\n", "" },
        { "URL", "server: {public_url: hooks.example.com}\n",
          "agents.yaml:1:22: server.public_url: got 'hooks.example.com'; expected a URL (http or "
          "https)\n" },
        { "URL without host", "server: {public_url: \"http:///x\"}\n",
          "agents.yaml:1:22: server.public_url: got 'http:///x'; expected a URL (http or "
          "https)\n" },
        { "URL with a blank", "server: {public_url: \"http://a b\"}\n",
          "agents.yaml:1:22: server.public_url: got 'http://a b'; expected a URL (http or "
          "https)\n" },
        { "networks", "server: {trusted_proxies: [10.0.0.0/8, 10.0.0.0/33, x]}\n",
          "agents.yaml:1:40: server.trusted_proxies[1]: '10.0.0.0/33' is not a network; expected "
          "one such as 192.0.2.0/24 or 2001:db8::/32\n"
          "agents.yaml:1:53: server.trusted_proxies[2]: 'x' is not a network; expected one such as "
          "192.0.2.0/24 or 2001:db8::/32\n" },
        { "text", "name: [a]\n", "agents.yaml:1:7: name: got a list; expected text\n" },
        { "nothing", "name:\n", "agents.yaml:1:6: name: got nothing; expected text\n" },
        { "numbers are text", "name: 12\n", "" },
        { "list of text", "agents: {a: {skills: {a: b}}}\n",
          "agents.yaml:1:22: agents.a.skills: got a map; expected a list of text\n" },
        { "text of a pattern", "agents: {a: {skills: [../x]}}\n",
          "agents.yaml:1:23: agents.a.skills[0]: got '../x'; expected 1 to 64 letters, digits or "
          "_-\n" },
        { "section", "server: 3\n", "agents.yaml:1:9: server: got '3'; expected a map of keys\n" },
        { "empty section", "server:\nagents:\n  a:\n", "" },
        { "map of names", "agents: [a]\n",
          "agents.yaml:1:9: agents: got a list; expected a map of names\n" },
        { "list", "notifications: {id: a}\n",
          "agents.yaml:1:16: notifications: got a map; expected a list\n" },
        { "pairs", "templates: [a]\n",
          "agents.yaml:1:12: templates: got a list; expected a map of key: text\n" },
        { "a value of pairs", "templates: {a: [b]}\n",
          "agents.yaml:1:16: templates.a: got a list; expected text\n" },
        { "command", "agents: {a: {command: {x: y}}}\n",
          "agents.yaml:1:23: agents.a.command: got a map; expected a list (program and arguments) "
          "or a line for sh -c\n" },
        { "free part", "agents: {a: {sandbox: strcit, command: x}}\n",
          "agents.yaml:1:23: agents.a.sandbox: got 'strcit'; expected one of none, strict or a map "
          "(did you mean 'strict'?)\n" },
        { "rows of a free part", "agents: {a: {sandbox: {wrtie: [/x]}, command: x}}\n",
          "agents.yaml:1:24: agents.a.sandbox.wrtie: unknown key; expected a key of sandbox (did "
          "you mean 'write'?)\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(secrets_are_text_a_file_or_a_variable_and_never_shown)
{
    setenv("A_SECRET", "s3cret", 1);
    unsetenv("NO_SECRET");
    static const struct config_rig_row rows[] = {
        { "text", "llms: {a: {provider: openai, model: m, api_key: abc}}\n", "" },
        { "a variable", "llms: {a: {provider: openai, model: m, api_key: {env: A_SECRET}}}\n", "" },
        { "empty", "llms: {a: {provider: openai, model: m, api_key: \"\"}}\n",
          "agents.yaml:1:49: llms.a.api_key: an empty secret; expected text, {file: path} or {env: "
          "NAME}\n" },
        { "blank", "llms: {a: {provider: openai, model: m, api_key: \" \"}}\n",
          "agents.yaml:1:49: llms.a.api_key: an empty secret; expected text, {file: path} or {env: "
          "NAME}\n" },
        { "null", "llms: {a: {provider: openai, model: m, api_key: }}\n",
          "agents.yaml:1:49: llms.a.api_key: an empty secret; expected text, {file: path} or {env: "
          "NAME}\n" },
        { "an unset variable",
          "llms: {a: {provider: openai, model: m, api_key: {env: NO_SECRET}}}\n",
          "agents.yaml:1:55: llms.a.api_key: the variable NO_SECRET is not set; set it or put it "
          "into .env\n" },
        { "another map", "llms: {a: {provider: openai, model: m, api_key: {flie: x}}}\n",
          "agents.yaml:1:49: llms.a.api_key: got a map; expected text, {file: path} or {env: "
          "NAME}\n" },
        { "a file where there are none",
          "llms: {a: {provider: openai, model: m, api_key: {file: x}}}\n",
          "agents.yaml:1:56: llms.a.api_key: files cannot be read here; expected a readable "
          "file\n" },
        { "a value from a secret variable is not shown",
          "agents:\n  a:\n    enabled: ${A_SECRET}\n",
          "agents.yaml:3:14: agents.a.enabled: got a value; expected true or false\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(unknown_keys_name_the_nearest_one)
{
    static const struct config_rig_row rows[] = {
        { "nearly", "agents: {a: {trigger: {type: schedule, cron: '* * * * *', timezon: UTC}}}\n",
          "agents.yaml:1:59: agents.a.trigger.timezon: unknown key; expected a key of trigger (did "
          "you mean 'timezone'?)\n" },
        { "nothing near", "egress: {zzzzzzzz: 1}\n",
          "agents.yaml:1:10: egress.zzzzzzzz: unknown key; expected one of proxy, no_proxy, "
          "ca_file\n" },
        { "of another trigger type",
          "agents: {a: {trigger: {type: schedule, cron: '* * * * *', secret: x}}}\n",
          "agents.yaml:1:59: agents.a.trigger.secret: a key of webhook triggers; this trigger "
          "is of type schedule\n" },
        { "of another agent type is a warning", "agents: {a: {type: echo, llm: default}}\n",
          "agents.yaml:1:26: warning: agents.a.llm: a key of llm agents; this agent is of type "
          "echo and does not use it\n" },
        { "merge keys", "server:\n  <<: {listen: x}\n",
          "agents.yaml:2:3: server.<<: merge keys are not YAML 1.2; use an alias for the whole "
          "value\n" },
        { "of another program", "platforms: {webhook: {}}\n",
          "agents.yaml:1:1: platforms: a key of hermes's configuration; keryx import hermes "
          "translates that file\n" },
        { "of Hector, ignored",
          "rag: {x: ${NOT_LOOKED_AT}}\n"
          "agents: {a: {streaming: true}}\n",
          "" },
        { "of a tool", "tools: {read_file: {rooot: /, descripton: x}}\n",
          "agents.yaml:1:9: tools.read_file.root: missing; expected a path\n"
          "agents.yaml:1:21: tools.read_file.rooot: unknown key; expected a key of tool_file (did "
          "you mean 'root'?)\n"
          "agents.yaml:1:31: tools.read_file.descripton: unknown key; expected a key of tool_file "
          "(did you mean 'description'?)\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows) - 2);
    config_rig_rows(&rows[N_ELEMENTS(rows) - 1], 1);
    ROW("of Hector");
    config_rig_expect("rag: {x: \"${NOT_LOOKED_AT}\"}\nagents: {a: {streaming: true}}\n",
                      "agents.yaml:1:1: warning: rag: a key of Hector's that keryx does not "
                      "implement; it is ignored\n"
                      "agents.yaml:2:14: warning: agents.a.streaming: a key of Hector's that keryx "
                      "does not implement; it is ignored\n");
}

TEST(sizes_are_binary_units_or_bytes)
{
    static const struct {
        const char *text;
        long long want; /* -1: refused */
    } rows[] = {
        { "0", 0 },
        { "1", 1 },
        { "64KiB", 65536 },
        { "64 KiB", 65536 },
        { "1MiB", 1048576 },
        { "2GiB", 2147483648LL },
        { "12B", 12 },
        { "1kb", -1 },
        { "1MB", -1 },
        { "-1", -1 },
        { "1.5MiB", -1 },
        { "", -1 },
        { "KiB", -1 },
        { "99999999999999999999", -1 },
        { "9007199254740993MiB", -1 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        size_t n = 0;
        ROW(rows[i].text);
        bool ok = config_value_size(str_of(rows[i].text), &n, NULL) == 0;
        CHECK_INT(ok ? (long long)n : -1, rows[i].want);
    }
}

/* Follows one line of tests/rows/config-keys.rows through the tables. */
static bool find_key(struct str line)
{
    const struct config_section *section = &config_rows_root;
    const struct config_field *f = NULL;
    struct str part;
    while (str_split(&line, '.', &part)) {
        ptrdiff_t colon = str_chr(part, ':');
        if (str_starts(part, STR("*"))) {
            struct str kind = colon >= 0 ? str_sub(part, (size_t)colon + 1, part.n) : STR_NULL;
            const struct config_kind *k;
            for (size_t i = 0; kind.p && (k = config_rows_tool_kind(i)) != NULL; i++)
                if (str_eq_c(kind, k->name))
                    section = k->section;
            continue;
        }
        if (str_ends(part, STR("[]")))
            part.n -= 2;
        f = config_field_find(section, part, -1);
        if (!f || f->type == FIELD_IGNORED)
            return false;
        if (f->section)
            section = f->section;
    }
    return f != NULL;
}

TEST(every_key_of_the_specification_is_a_row)
{
    size_t n, lines = 0;
    char *text = config_rig_file("tests/rows/config-keys.rows", &n);
    struct str rest = str_n(text, n), line;
    while (str_split(&rest, '\n', &line)) {
        if (!line.n || line.p[0] == '#')
            continue;
        lines++;
        if (!find_key(line))
            T_FAIL("no row for %.*s", STR_ARG(line));
    }
    CHECK(lines > 200);
    free(text);
}

static void check_rows(const struct config_section *section, unsigned depth)
{
    CHECK(section->name && section->help);
    for (size_t i = 0; i < section->n; i++) {
        const struct config_field *f = &section->rows[i];
        char name[200];
        snprintf(name, sizeof(name), "%s.%s", section->name, f->name);
        ROW(name);
        CHECK(f->help || f->type == FIELD_IGNORED);
        bool needs_section =
            f->type == FIELD_SECTION || f->type == FIELD_LIST || f->type == FIELD_MAP;
        CHECK(!needs_section || f->section);
        CHECK(f->offset < section->size);
        bool needs_choices = f->type == FIELD_CHOICE || f->type == FIELD_WORD;
        CHECK(!needs_choices || f->choices);
        CHECK(!f->only || section->variant);
        if (f->section && depth < 8)
            check_rows(f->section, depth + 1);
    }
    ROW("");
}

TEST(every_row_is_whole)
{
    const struct config_kind *kind;
    check_rows(&config_rows_root, 0);
    for (size_t i = 0; (kind = config_rows_tool_kind(i)) != NULL; i++)
        check_rows(kind->section, 0);
}
