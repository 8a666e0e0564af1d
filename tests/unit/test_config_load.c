/* What the loader makes of a good file: types, defaults, the sections with rules of their own. */
#include "config/yaml.h"
#include "config/kind.h"
#include "tests/unit/config_rig.h"

#include "base/log.h"

#include <sys/stat.h>

static const struct config_trigger *first_trigger(const struct config_rig *rig)
{
    return &rig->config->agents[0].triggers[0];
}

TEST(defaults_are_those_of_the_specification)
{
    struct config_rig rig;
    config_rig_text(
        &rig,
        STR("agents:\n  a:\n    triggers:\n      - {type: webhook, auth: {mode: none}}\n"
            "      - {cron: '0 9 * * *'}\n"
            "    notifications: [{id: n, url: 'http://127.0.0.1/'}]\n"
            "llms: {default: {provider: ollama, model: m}}\n"),
        NULL);
    CHECK_INT(rig.said.n, 0);
    const struct config *c = rig.config;
    CHECK_INT(c->server.listen.n, 1);
    CHECK_STR(c->server.listen.items[0].s, "127.0.0.1:8644");
    CHECK_INT(c->server.admin_listen.n, 0);
    CHECK_INT(c->server.trusted_proxies.n, 0);
    CHECK_INT(c->server.max_body_bytes, 1048576);
    CHECK_INT(c->server.header_timeout, 10 * US_PER_S);
    CHECK_INT(c->server.body_timeout, 30 * US_PER_S);
    CHECK_INT(c->server.idle_timeout, 75 * US_PER_S);
    CHECK_INT(c->server.max_connections, 10000);
    CHECK_INT(c->server.drain_timeout, 30 * US_PER_S);
    CHECK(c->server.rate_limit.rate.per_minute == 0);
    CHECK(!c->server.auth.enabled);
    CHECK_INT(c->server.auth.excluded_paths.n, 2);
    CHECK_STR(c->store.url.s, "sqlite:keryx.db");
    CHECK_INT(c->store.reserve, 16 * MIB);
    CHECK_INT(c->store.retention, 30LL * 86400 * US_PER_S);
    CHECK_INT(c->store.max_result_bytes, MIB);
    CHECK_INT(c->store.max_receipt_bytes, GIB);
    CHECK_INT(c->store.lease, 15 * US_PER_S);
    CHECK_INT(c->llms[0].api_responses, 0);
    CHECK_INT(c->llms[0].max_tokens, 4096);
    CHECK_INT(c->llms[0].max_tool_output_length, 20000);
    CHECK_INT(c->llms[0].timeout, 120 * US_PER_S);
    CHECK(!c->llms[0].has_temperature);
    CHECK_INT(c->llms[0].retry.max_attempts, 3);
    const struct config_agent *a = &c->agents[0];
    CHECK(a->enabled);
    CHECK_INT(a->type, CONFIG_LLM);
    CHECK_STR(a->llm.s, "default");
    CHECK_INT(a->limits.timeout, 3600 * US_PER_S);
    CHECK_INT(a->limits.grace, 10 * US_PER_S);
    CHECK_INT(a->limits.output, MIB);
    CHECK_INT(a->limits.max_interruptions, 10);
    CHECK_INT(a->max_iterations, 20);
    CHECK_INT(a->max_concurrent, 0);
    CHECK_INT(a->max_queued, 10000);
    CHECK_INT(a->retry.max_attempts, 1);
    CHECK_INT(a->retry.max_delay, 60 * US_PER_S);
    const struct config_trigger *t = &a->triggers[0];
    CHECK_INT(t->type, CONFIG_WEBHOOK);
    CHECK_STR(t->name.s, "a");
    CHECK(t->enabled);
    CHECK_STR(t->webhook.path.s, "/webhooks/a");
    CHECK_STR(t->webhook.methods.items[0].s, "POST");
    CHECK_STR(t->webhook.source.s, "generic");
    CHECK_INT(t->webhook.auth.tolerance, -1);
    CHECK_INT(t->webhook.dedup.ttl, 3600 * US_PER_S);
    CHECK_INT(t->webhook.session.mode, CONFIG_PER_DELIVERY);
    CHECK_INT(t->webhook.response.mode, CONFIG_SYNC);
    CHECK_INT(t->webhook.response.timeout, 30 * US_PER_S);
    CHECK_STR(t->webhook.response.callback_field.s, "callback_url");
    CHECK(t->webhook.response.poll);
    t = &a->triggers[1];
    CHECK_INT(t->type, CONFIG_SCHEDULE);
    CHECK_STR(t->name.s, "a-2");
    CHECK_STR(t->schedule.timezone.s, "UTC");
    CHECK_INT(t->schedule.misfire, CONFIG_MISFIRE_ONCE);
    CHECK_INT(t->schedule.misfire_max, 100);
    CHECK_INT(t->schedule.start_deadline, 86400 * US_PER_S);
    CHECK_INT(t->schedule.overlap, CONFIG_OVERLAP_SKIP);
    CHECK_INT(t->schedule.jitter, 0);
    const struct config_notification *n = &a->notifications[0];
    CHECK_STR(n->type.s, "webhook");
    CHECK_STR(n->method.s, "POST");
    CHECK_INT(n->events.n, 1);
    CHECK_STR(n->events.items[0].s, "task.completed");
    CHECK_INT(n->timeout, 30 * US_PER_S);
    CHECK_INT(n->retry.max_attempts, 3);
    CHECK_INT(n->retry.backoff, CONFIG_BACKOFF_EXPONENTIAL);
    CHECK(n->retry.jitter == 0.1);
    CHECK(!n->ordered);
    CHECK_INT(n->max_concurrent, 8);
    CHECK(c->monitoring.prometheus.enabled && c->monitoring.health.enabled);
    CHECK_INT(c->logging.level, LOG_LEVEL_INFO);
    CHECK(c->background.persist_on_restart && !c->background.max_concurrent_set);
    config_rig_release(&rig);
}

TEST(a_default_agent_is_there_without_being_written)
{
    struct config_rig rig;
    config_rig_text(&rig, STR("agents: {a: {type: echo}}\n"), NULL);
    const struct config_agent *a = config_find_agent(rig.config, STR("default"));
    CHECK(a && a->type == CONFIG_LLM && !a->tools.n && !a->instruction.s.p);
    CHECK_INT(a ? a->limits.max_interruptions : 0, 10);
    CHECK_INT(rig.config->n_agents, 2);
    CHECK(config_find_agent(rig.config, STR("a")) == &rig.config->agents[0]);
    CHECK(!config_find_agent(rig.config, STR("b")));
    config_rig_release(&rig);
}

TEST(a_command_is_a_list_or_a_line_for_the_shell)
{
    struct config_rig rig;
    config_rig_text(&rig,
                    STR("agents:\n  list: {command: [wc, -w]}\n  line: {command: date | wc -c}\n"),
                    "/srv/x");
    const struct config_agent *a = &rig.config->agents[0];
    CHECK_INT(a->type, CONFIG_COMMAND);
    CHECK_INT(a->command.n, 2);
    CHECK(!a->command_is_shell);
    CHECK_STR(a->command.items[1].s, "-w");
    CHECK_STR(a->working_directory.s, "/srv/x");
    CHECK_STR(a->output.s, "text");
    a = &rig.config->agents[1];
    CHECK_INT(a->command.n, 3);
    CHECK(a->command_is_shell);
    CHECK_STR(a->command.items[0].s, "/bin/sh");
    CHECK_STR(a->command.items[2].s, "date | wc -c");
    config_rig_release(&rig);
}

TEST(an_agents_type_follows_from_its_keys)
{
    static const struct {
        const char *yaml;
        enum config_agent_type want;
    } rows[] = {
        { "agents: {a: {}}", CONFIG_LLM },
        { "agents: {a: {command: [x]}}", CONFIG_COMMAND },
        { "agents: {a: {http: {url: 'http://x'}}}", CONFIG_HTTP },
        { "agents: {a: {remote: {url: 'http://x'}}}", CONFIG_REMOTE },
        { "agents: {a: {type: echo}}", CONFIG_ECHO },
        { "agents: {a: {type: Echo}}", CONFIG_ECHO },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct config_rig rig;
        ROW(rows[i].yaml);
        config_rig_text(&rig, str_of(rows[i].yaml), NULL);
        CHECK_INT(rig.problems.n, 0);
        CHECK_INT(rig.config->agents[0].type, rows[i].want);
        config_rig_release(&rig);
    }
}

TEST(an_input_template_wins_over_prompt_and_prompt_over_input)
{
    static const struct {
        const char *keys, *want, *said;
        int dialect;
    } rows[] = {
        { "input: c", "c", "", 2 },
        { "prompt: b", "b", "", 1 },
        { "webhook_input: a", "a", "", 0 },
        { "webhook_input: {template: a}", "a", "", 0 },
        { "prompt: b, input: c", "b",
          "agents.yaml:1:68: warning: agents.x.trigger.input: not used, because prompt is there "
          "too "
          "and wins\n",
          1 },
        { "input: c, prompt: b, webhook_input: a", "a",
          "agents.yaml:1:57: warning: agents.x.trigger.input: not used, because "
          "webhook_input.template is there too and wins\n"
          "agents.yaml:1:68: warning: agents.x.trigger.prompt: not used, because "
          "webhook_input.template is there too and wins\n",
          0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct config_rig rig;
        char yaml[300];
        ROW(rows[i].keys);
        snprintf(yaml, sizeof(yaml), "agents: {x: {trigger: {type: webhook, secret: s, %s}}}",
                 rows[i].keys);
        config_rig_text(&rig, str_of(yaml), NULL);
        CHECK_STR(first_trigger(&rig)->webhook.input.s, rows[i].want);
        CHECK_INT(first_trigger(&rig)->webhook.input_dialect, rows[i].dialect);
        CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, rows[i].said);
        config_rig_release(&rig);
    }
}

TEST(listeners_take_host_and_port_too)
{
    static const struct {
        const char *server, *want;
    } rows[] = {
        { "listen: 127.0.0.1:0", "127.0.0.1:0" },
        { "listen: '[::1]:80'", "[::1]:80" },
        { "listen: localhost:80", "localhost:80" },
        { "listen: unix:run.sock", "unix:/srv/x/run.sock" },
        { "host: 127.0.0.1", "127.0.0.1:8644" },
        { "port: 8080", "127.0.0.1:8080" },
        { "host: '::1', port: 81", "[::1]:81" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct config_rig rig;
        char yaml[300];
        ROW(rows[i].server);
        snprintf(yaml, sizeof(yaml), "server: {%s}", rows[i].server);
        config_rig_text(&rig, str_of(yaml), "/srv/x");
        CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, "");
        CHECK_STR(rig.config->server.listen.items[0].s, rows[i].want);
        config_rig_release(&rig);
    }
}

TEST(events_get_their_canonical_names)
{
    struct config_rig rig;
    config_rig_text(&rig,
                    STR("notifications: [{id: a, url: 'http://x', events: [task_started, 'task.*', "
                        "'*', schedule_missed, tool_called]}]\n"),
                    NULL);
    static const char *const want[] = { "task.started", "task.*", "*", "schedule.missed",
                                        "tool.called" };
    const struct config_texts *events = &rig.config->notifications[0].events;
    CHECK_INT(events->n, N_ELEMENTS(want));
    for (size_t i = 0; i < MIN(events->n, N_ELEMENTS(want)); i++)
        CHECK_STR(events->items[i].s, want[i]);
    config_rig_release(&rig);
}

TEST(other_targets_keep_their_own_fields)
{
    struct config_rig rig;
    config_rig_text(&rig,
                    STR("notifications: [{id: a, type: telegram, chat_id: -100, bot_token: t}]\n"
                        "connections: {chat: {type: telegram, bot_token: t}}\n"),
                    NULL);
    CHECK_INT(rig.said.n, 0);
    const struct config_pairs *extra = &rig.config->notifications[0].extra;
    CHECK_INT(extra->n, 2);
    CHECK_STR(extra->items[0].key, "chat_id");
    CHECK_STR(extra->items[0].value.s, "-100");
    CHECK(!extra->items[0].value.secret && extra->items[1].value.secret);
    CHECK_STR(rig.config->connections[0].type.s, "telegram");
    CHECK(config_node_get(rig.config->connections[0].node, "bot_token") != NULL);
    config_rig_release(&rig);
}

TEST(tools_have_the_struct_of_their_type)
{
    struct config_rig rig;
    config_rig_text(
        &rig,
        STR("tools:\n  files: {command: npx, args: [-y]}\n  web: {url: 'http://x/mcp'}\n"
            "  web_fetch: {max_bytes: 2MiB}\n  sh: {type: command}\n"),
        "/srv/x");
    CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, "");
    const struct config_tool *tools = rig.config->tools;
    const struct config_tool_mcp *mcp = tools[0].kind;
    CHECK_STR(tools[0].type.s, "mcp");
    CHECK_STR(mcp->transport.s, "stdio");
    CHECK_STR(mcp->working_directory.s, "/srv/x");
    mcp = tools[1].kind;
    CHECK_STR(mcp->transport.s, "streamable-http");
    const struct config_tool_web_fetch *fetch = tools[2].kind;
    CHECK_STR(tools[2].type.s, "web_fetch");
    CHECK_INT(fetch->max_bytes, 2 * MIB);
    const struct config_tool_command *command = tools[3].kind;
    CHECK_INT(command->max_execution_time, 30 * US_PER_S);
    config_rig_release(&rig);
}

TEST(kept_nodes_are_read_by_their_rows)
{
    struct config_rig rig;
    config_rig_text(&rig,
                    STR("agents: {a: {command: [x], sandbox: {write: [work], network: none}}, "
                        "b: {command: [x], sandbox: none}, c: {command: [x], sandbox: strict}}\n"),
                    "/srv/x");
    struct config_sandbox sandbox;
    CHECK_INT(config_kind_read(rig.config, &config_rows_sandbox, rig.config->agents[0].sandbox,
                               "agents.a.sandbox", &sandbox, &rig.problems),
              0);
    CHECK_STR(sandbox.write.items[0].s, "/srv/x/work");
    CHECK_STR(sandbox.network.s, "none");
    CHECK(rig.config->agents[1].sandbox == NULL);
    CHECK_STR(rig.config->agents[2].sandbox->text, "strict");
    config_rig_release(&rig);
}

TEST(presets_and_short_forms)
{
    struct config_rig rig;
    config_rig_text(&rig,
                    STR("notifications: [{id: a, url: 'http://x', retry: {preset: hermon}, "
                        "rate_limit: 60}]\n"
                        "agents: {x: {trigger: {type: webhook, secret: INSECURE_NO_AUTH, session: "
                        "per_entity, response: async, dedup: {replay: off}}}}\n"),
                    NULL);
    CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, "");
    const struct config_notification *n = &rig.config->notifications[0];
    CHECK_INT(n->retry.max_attempts, 6);
    CHECK_INT(n->retry.initial_delay, 300 * US_PER_S);
    CHECK_INT(n->retry.max_delay, 4800 * US_PER_S);
    CHECK(n->retry.jitter == 0);
    CHECK(n->rate_limit.rate.per_minute == 60 && n->rate_limit.rate.burst == 60);
    const struct config_webhook *w = &first_trigger(&rig)->webhook;
    CHECK_STR(w->auth.mode.s, "none");
    CHECK(!w->secret.s.p);
    CHECK_INT(w->session.mode, CONFIG_PER_ENTITY);
    CHECK_INT(w->response.mode, CONFIG_ASYNC);
    CHECK(w->dedup.set && w->dedup.replay == 0);
    config_rig_release(&rig);
}

TEST(deliver_makes_a_route_async)
{
    struct config_rig rig;
    config_rig_text(&rig,
                    STR("agents:\n  a: {trigger: {secret: s, deliver: log}}\n"
                        "  b: {trigger: {secret: s, deliver: log, deliver_only: true}}\n"
                        "  c: {trigger: {secret: s, deliver: [log], response: {mode: sync}}}\n"),
                    NULL);
    CHECK_INT(rig.config->agents[0].triggers[0].webhook.response.mode, CONFIG_ASYNC);
    CHECK_INT(rig.config->agents[1].triggers[0].webhook.response.mode, CONFIG_SYNC);
    CHECK_INT(rig.config->agents[2].triggers[0].webhook.response.mode, CONFIG_SYNC);
    config_rig_release(&rig);
}

TEST(template_errors_can_be_told_in_the_files_lines)
{
    struct config_rig rig;
    config_rig_text(
        &rig,
        STR("agents:\n  a:\n    trigger:\n      type: webhook\n      secret: s\n"
            "      webhook_input:\n        template: |\n          one\n          two\n"),
        NULL);
    struct config_pos pos = config_text_pos(&first_trigger(&rig)->webhook.input, 2, 3);
    CHECK_INT(pos.line, 9);
    CHECK_INT(pos.column, 13);
    CHECK_CSTR(first_trigger(&rig)->where, "agents.a.trigger");
    config_rig_release(&rig);
}

TEST(hectors_logger_is_honoured)
{
    struct config_rig rig;
    config_rig_text(&rig, STR("logger: {level: debug, format: simple, file: h.log}\n"), "/srv/x");
    CHECK_INT(rig.said.n, 0);
    CHECK_INT(rig.config->logging.level, LOG_LEVEL_DEBUG);
    CHECK_INT(rig.config->logging.format, LOG_FORMAT_TEXT);
    CHECK(rig.config->logging.stream);
    CHECK_STR(rig.config->logging.destinations[0].path.s, "/srv/x/h.log");
    config_rig_release(&rig);
}

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0)
        T_FAIL("cannot write %s", path);
    if (f)
        fclose(f);
}

TEST(files_beside_the_config_are_read)
{
    char directory[] = "/tmp/keryx-test-XXXXXX", path[300];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/templates", directory);
    mkdir(path, 0700);
    unsetenv("FROM_DOTENV");
    write_file(directory, ".env", "FROM_DOTENV=yes\n");
    write_file(directory, "key", "k3y\n");
    write_file(directory, "system.md", "Be kind.\n");
    write_file(directory, "templates/header.txt", "= header =");
    write_file(directory, "templates/own.txt", "not this");
    write_file(directory, "agents.yaml",
               "name: ${FROM_DOTENV}\ntemplates: {own: this}\n"
               "llms: {default: {provider: openai, model: m, api_key: {file: key}}}\n"
               "agents: {a: {instruction_file: ./system.md}}\n");
    snprintf(path, sizeof(path), "%s/agents.yaml", directory);
    struct config_problems p;
    config_problems_init(&p);
    struct config *c = config_load(path, &p);
    CHECK_INT(p.n, 0);
    CHECK(c != NULL);
    if (c) {
        CHECK_STR(c->name.s, "yes");
        CHECK_STR(c->llms[0].api_key.s, "k3y");
        CHECK(c->llms[0].api_key.secret);
        CHECK_STR(c->agents[0].instruction.s, "Be kind.\n");
        CHECK_INT(c->templates.n, 2);
        CHECK_STR(c->templates.items[0].value.s, "this");
        CHECK_STR(c->templates.items[1].key, "header");
        CHECK_CSTR(config_getenv(c, "FROM_DOTENV"), "yes");
        CHECK(str_ends(c->store.url.s, STR("/keryx.db")) &&
              str_starts(c->store.url.s, STR("sqlite:/")));
    }
    config_unref(c);
    config_problems_release(&p);
    zone_cache_release();
    static const char *const files[] = {
        "agents.yaml", ".env", "key", "system.md", "templates/header.txt", "templates/own.txt"
    };
    for (size_t i = 0; i < N_ELEMENTS(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/templates", directory);
    rmdir(path);
    rmdir(directory);
}

TEST(a_missing_file_is_said_so)
{
    struct config_problems p;
    struct buf said = BUF_INIT(4096);
    config_problems_init(&p);
    CHECK(config_load("/nonexistent/agents.yaml", &p) == NULL);
    config_problems_print(&p, "agents.yaml", &said);
    CHECK_STR(buf_view(&said), "agents.yaml: cannot be read: No such file or directory; expected a "
                               "configuration (keryx init writes one that runs)\n");
    config_problems_release(&p);
    buf_release(&said);
}

TEST(references_are_counted)
{
    struct config_rig rig;
    config_rig_text(&rig, STR("name: a\n"), NULL);
    struct config *c = config_ref(rig.config);
    config_rig_release(&rig);
    CHECK_STR(c->name.s, "a");
    config_unref(c);
    config_unref(NULL);
}

TEST(the_example_of_init_runs_without_key_or_network)
{
    struct config_rig rig;
    config_rig_text(&rig, config_example(), NULL);
    CHECK_BYTES(rig.said.p ? rig.said.p : "", rig.said.n, "");
    unsigned modes = 0, schedules = 0;
    for (size_t i = 0; i < rig.config->n_agents; i++) {
        const struct config_agent *a = &rig.config->agents[i];
        CHECK(a->type == CONFIG_ECHO || a->type == CONFIG_COMMAND || !a->pos.line);
        for (size_t j = 0; j < a->n_triggers; j++) {
            if (a->triggers[j].type == CONFIG_SCHEDULE)
                schedules++;
            else
                modes |= 1U << a->triggers[j].webhook.response.mode;
        }
    }
    CHECK_INT(modes, 7);
    CHECK_INT(schedules, 1);
    config_rig_release(&rig);
}
