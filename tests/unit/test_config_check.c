/* What only shows when the whole file is known. */
#include "config/check.h"
#include "config/kind.h"
#include "tests/unit/config_rig.h"

#define OPEN  "server: {listen: 0.0.0.0:80, admin_listen: 127.0.0.1:81}\n"
#define HOOK  "agents: {a: {trigger: {type: webhook, "
#define NOTE  "notifications: [{id: n, url: 'http://x', "
#define MODEL "llms: {default: {provider: ollama, model: m}, other: {provider: ollama, model: m}}\n"

TEST(names_must_exist)
{
    static const struct config_rig_row rows[] = {
        { "llm", MODEL "agents: {a: {llm: othr}}\n",
          "agents.yaml:2:19: agents.a.llm: 'othr' is no llm; expected a name of llms (did you mean "
          "'other'?)\n" },
        { "default llm without llms", "agents: {a: {llm: default}}\n", "" },
        { "no default llm", "llms: {x: {provider: ollama, model: m}}\nagents: {a: {}}\n",
          "agents.yaml:2:10: agents.a.llm: missing, and there is no llm 'default'; expected a name "
          "of llms\n" },
        { "deliver_only needs no llm",
          "llms: {x: {provider: ollama, model: m}}\n"
          "agents: {a: {trigger: {secret: s, deliver: log, deliver_only: true}}}\n",
          "" },
        { "defaults", MODEL "defaults: {llm: x, agent: y}\n",
          "agents.yaml:2:17: defaults.llm: 'x' is no llm; expected a name of llms\n"
          "agents.yaml:2:27: defaults.agent: 'y' is no agent; expected a name of agents\n" },
        { "fallback",
          "llms: {a: {provider: ollama, model: m, fallback: [b, a]}}\n"
          "defaults: {llm: a}\n",
          "agents.yaml:1:51: llms.a.fallback[0]: 'b' is no llm; expected a name of llms\n"
          "agents.yaml:1:54: llms.a.fallback[1]: it is itself; expected another llm\n" },
        { "tool", "tools: {exec: {type: command}}\nagents: {a: {tools: [exec, exce, files.x]}}\n",
          "agents.yaml:2:28: agents.a.tools[1]: 'exce' is no tool; expected a name of tools, or "
          "SERVER.TOOL of an mcp one (did you mean 'exec'?)\n"
          "agents.yaml:2:34: agents.a.tools[2]: 'files.x' is no tool; expected a name of tools, or "
          "SERVER.TOOL of an mcp one\n" },
        { "tools of an mcp server are only known when it runs",
          "tools: {files: {command: x}}\n"
          "agents: {a: {tools: [files, files.read, 'files.*', read_file, mcp__files__read]}}\n",
          "" },
        { "agents of run_agent", "tools: {run_agent: {agents: [default, nobody]}}\n",
          "agents.yaml:1:39: tools.run_agent.agents[1]: 'nobody' is no agent; expected a name of "
          "agents\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(names_and_routes_are_unique)
{
    static const struct config_rig_row rows[] = {
        { "method and path",
          "agents:\n  a: {trigger: {secret: s, path: /x}}\n"
          "  b: {trigger: {secret: s, path: /x, methods: [PUT, POST]}}\n",
          "agents.yaml:3:34: agents.b.trigger.path: POST /x is taken by a trigger of agent 'a' at "
          "2:7; expected another path or method\n" },
        { "other methods",
          "agents:\n  a: {trigger: {secret: s, path: /x}}\n"
          "  b: {trigger: {secret: s, path: /x, methods: [PUT]}}\n",
          "" },
        { "default paths of one agent", "agents: {a: {triggers: [{secret: s}, {secret: s}]}}\n",
          "agents.yaml:1:38: agents.a.triggers[1].path: POST /webhooks/a is taken by a trigger of "
          "agent 'a' at 1:25; expected another path or method\n" },
        { "trigger names",
          "agents:\n  a: {trigger: {cron: '* * * * *', name: x}}\n"
          "  b: {trigger: {cron: '* * * * *', name: x}}\n",
          "agents.yaml:3:42: agents.b.trigger.name: 'x' is the name of the trigger at 2:7 too; "
          "expected a name of its own\n" },
        { "notification ids",
          "notifications: [{id: n, url: 'http://x'}, {id: n, url: 'http://y'}]\n"
          "agents: {a: {notifications: [{id: n, url: 'http://x'}]}}\n",
          "agents.yaml:1:48: notifications[1].id: another notification of this list is 'n' too; "
          "expected another name\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(what_others_reach_needs_proof)
{
    static const struct config_rig_row rows[] = {
        { "the API", "server: {listen: 0.0.0.0:80}\n",
          "agents.yaml:1:18: server.listen: 0.0.0.0:80 is open to others and the API has no auth; "
          "expected a loopback address, server.admin_listen or server.auth.tokens\n" },
        { "with a token", "server: {listen: 0.0.0.0:80, auth: {tokens: [{name: a, token: b}]}}\n",
          "" },
        { "with a token, but switched off",
          "server: {listen: '[::]:80', auth: {enabled: false, tokens: [{name: a, token: b}]}}\n",
          "agents.yaml:1:19: server.listen: [::]:80 is open to others and the API has no auth; "
          "expected a loopback address, server.admin_listen or server.auth.tokens\n" },
        { "one of several", "server: {listen: [127.0.0.1:80, 'host.example:80']}\n",
          "agents.yaml:1:34: server.listen: host.example:80 is open to others and the API has no "
          "auth; expected a loopback address, server.admin_listen or server.auth.tokens\n" },
        { "the API elsewhere", OPEN, "" },
        { "the API elsewhere, open too",
          "server: {listen: 127.0.0.1:80, admin_listen: 0.0.0.0:81}\n",
          "agents.yaml:1:46: server.admin_listen: 0.0.0.0:81 is open to others and the API has no "
          "auth; expected a loopback address or server.auth.tokens\n" },
        { "auth without tokens", "server: {auth: {enabled: true}}\n",
          "agents.yaml:1:10: server.auth.enabled: true, but there are no tokens and no jwks_url; "
          "expected one of them\n" },
        { "a webhook", OPEN HOOK "}}}\n",
          "agents.yaml:2:14: agents.a.trigger.auth: missing, and server.listen 0.0.0.0:80 is open "
          "to others; expected a secret, or auth: {mode: none} to let anyone in\n" },
        { "a webhook with a secret", OPEN HOOK "secret: s}}}\n", "" },
        { "a webhook for anyone, written out", OPEN HOOK "auth: {mode: none}}}}\n", "" },
        { "a webhook for anyone, in Hermes' words", OPEN HOOK "secret: INSECURE_NO_AUTH}}}\n", "" },
        { "a webhook with a token", OPEN HOOK "auth: {mode: bearer, token: t}}}}\n", "" },
        { "a webhook on loopback", HOOK "}}}\n", "" },
        { "tools for anyone",
          "tools: {exec: {type: command}}\n"
          "agents: {a: {tools: [exec], trigger: {type: webhook}}}\n",
          "agents.yaml:2:29: warning: agents.a.trigger: anyone may send here, so its tasks get no "
          "tools; write tool_policy.allow to give them some\n" },
        { "half of tls", "server: {tls: {cert_file: a}}\n",
          "agents.yaml:1:27: server.tls: key_file is missing; expected cert_file and key_file\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(every_scheme_has_its_fields)
{
    static const struct config_rig_row rows[] = {
        { "bearer", HOOK "auth: {mode: bearer}}}}\n",
          "agents.yaml:1:39: agents.a.trigger.auth.token: missing; expected token by mode "
          "bearer\n" },
        { "basic", HOOK "auth: {mode: basic, username: u}}}}\n",
          "agents.yaml:1:39: agents.a.trigger.auth.password: missing; expected password by mode "
          "basic\n" },
        { "static_header", HOOK "auth: {mode: static_header, value: u}}}}\n",
          "agents.yaml:1:39: agents.a.trigger.auth.header: missing; expected header by mode "
          "static_header\n" },
        { "a profile", HOOK "auth: {mode: github_hmac_sha256}}}}\n",
          "agents.yaml:1:39: agents.a.trigger.auth.secret: missing; expected secret or secrets by "
          "mode github_hmac_sha256\n" },
        { "a profile, secret beside", HOOK "secret: s, auth: {mode: github_hmac_sha256}}}}\n", "" },
        { "gitlab", HOOK "auth: {mode: gitlab_token}}}}\n",
          "agents.yaml:1:39: agents.a.trigger.auth.token: missing; expected token by mode "
          "gitlab_token\n" },
        { "two secrets", HOOK "secret: s, auth: {secret: t}}}}\n",
          "agents.yaml:1:47: agents.a.trigger.secret: auth has a secret too; expected one of the "
          "two\n" },
        { "an unknown mode", HOOK "auth: {mode: github}}}}\n",
          "agents.yaml:1:52: agents.a.trigger.auth.mode: got 'github'; expected one of none, "
          "static_header, bearer, basic, gitlab_token, hmac, github_hmac_sha256, "
          "stripe_webhook_signature, linear_webhook_signature, pagerduty_v2_signature, "
          "sentry_webhook_signature, shopify_hmac_sha256, slack_signature, standard_webhooks, "
          "gitea_signature, zendesk_signature, twilio_signature, discord_ed25519\n" },
        { "notification without type", NOTE "auth: {token: t}}]\n",
          "agents.yaml:1:42: notifications[0].auth.type: missing; expected one of bearer, basic, "
          "header, hmac, standard_webhooks\n" },
        { "notification hmac", NOTE "auth: {type: hmac}}]\n",
          "agents.yaml:1:42: notifications[0].auth.secret: missing; expected secret or secrets by "
          "mode hmac\n" },
        { "notification header", NOTE "auth: {type: header, header: X, value: y}}]\n", "" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(triggers_say_what_is_missing)
{
    static const struct config_rig_row rows[] = {
        { "no type", "agents: {a: {trigger: {}}}\n",
          "agents.yaml:1:14: agents.a.trigger.type: missing; expected schedule or webhook\n" },
        { "only an input", "agents: {a: {trigger: {input: x}}}\n",
          "agents.yaml:1:14: agents.a.trigger.type: missing; expected schedule or webhook\n" },
        { "wrong type", "agents: {a: {trigger: {type: webhok}}}\n",
          "agents.yaml:1:30: agents.a.trigger.type: got 'webhok'; expected one of schedule, "
          "webhook (did you mean 'webhook'?)\n" },
        { "no time", "agents: {a: {trigger: {type: schedule}}}\n",
          "agents.yaml:1:14: agents.a.trigger.cron: missing; expected exactly one of cron, every "
          "and at\n" },
        { "two times", "agents: {a: {trigger: {cron: '* * * * *', every: 5m}}}\n",
          "agents.yaml:1:14: agents.a.trigger.cron: more than one of cron, every and at; expected "
          "exactly one\n" },
        { "zone", "agents: {a: {trigger: {every: 5m, timezone: Europe/Belrin}}}\n",
          "agents.yaml:1:45: agents.a.trigger.timezone: 'Europe/Belrin' is no time zone; expected "
          "an IANA name such as Europe/Berlin (did you mean 'Europe/Berlin'?)\n" },
        { "every", "agents: {a: {trigger: {every: 10}}}\n",
          "agents.yaml:1:31: agents.a.trigger.every: '10' is not a duration of a second or more; "
          "expected one such as 15m or 90s\n" },
        { "both spellings",
          "agents: {a: {trigger: {every: 5m}, triggers: [{every: 5m, name: x}]}}\n",
          "agents.yaml:1:36: agents.a.triggers: both trigger and triggers; expected one of the "
          "two\n" },
        { "path", HOOK "path: hooks}}}\n",
          "agents.yaml:1:45: agents.a.trigger.path: not a path; expected one that begins with / "
          "and has no blank, ? or #\n" },
        { "path of keryx", HOOK "path: /health}}}\n",
          "agents.yaml:1:45: agents.a.trigger.path: keryx answers there itself; expected another "
          "path\n" },
        { "events twice", HOOK "events: [a], event_filter: {allow: [b]}}}}\n",
          "agents.yaml:1:39: agents.a.trigger.events: event_filter.allow is there too; expected "
          "one of the two\n" },
        { "deliver_only to nobody", HOOK "deliver_only: true}}}\n",
          "agents.yaml:1:14: agents.a.trigger.deliver: missing; expected by deliver_only\n" },
        { "a named session without a name", HOOK "session: named_session}}}\n",
          "agents.yaml:1:14: agents.a.trigger.session.key: missing; expected the session's name by "
          "mode: named_session\n" },
        { "type and its part", "agents: {a: {type: command}, b: {type: http}, c: {type: remote}}\n",
          "agents.yaml:1:10: agents.a.command: missing; expected by type: command\n"
          "agents.yaml:1:30: agents.b.http: missing; expected by type: http\n"
          "agents.yaml:1:47: agents.c.remote: missing; expected by type: remote\n" },
        { "a command of nothing",
          "agents: {a: {command: \"\"}, b: {command: []}, c: {command: ['', x]}}\n",
          "agents.yaml:1:23: agents.a.command: no program; expected one, and its arguments\n"
          "agents.yaml:1:41: agents.b.command: no program; expected one, and its arguments\n"
          "agents.yaml:1:59: agents.c.command: no program; expected one, and its arguments\n" },
        { "an empty cron", "agents: {a: {trigger: {type: schedule, cron: ''}}}\n",
          "agents.yaml:1:14: agents.a.trigger.cron: missing; expected exactly one of cron, every "
          "and at\n" },
        { "an empty url", "notifications: [{id: a, url: \"${NOPE:-}\"}]\n",
          "agents.yaml:1:17: notifications[0].url: missing; expected a URL (http or https)\n" },
        { "listen", "server: {listen: [8644, 'a b:1', '::1:80', ':80', 'x:99999']}\n",
          "agents.yaml:1:19: server.listen: '8644': no port from 0 to 65535 at the end; expected "
          "host:port, [v6]:port or unix:/path\n"
          "agents.yaml:1:26: server.listen: 'a b:1': not a host name or address; expected "
          "host:port, [v6]:port or unix:/path\n"
          "agents.yaml:1:35: server.listen: '::1:80': an IPv6 address needs brackets; expected "
          "host:port, [v6]:port or unix:/path\n"
          "agents.yaml:1:45: server.listen: ':80': no host; write 0.0.0.0 for every address; "
          "expected host:port, [v6]:port or unix:/path\n"
          "agents.yaml:1:52: server.listen: 'x:99999': no port from 0 to 65535 at the end; "
          "expected host:port, [v6]:port or unix:/path\n" },
        { "store", "store: {url: mysql://x}\n",
          "agents.yaml:1:14: store.url: an unknown kind of store; expected sqlite:PATH or "
          "postgres://user:pw@host/db\n" },
    };
    config_rig_rows(rows, N_ELEMENTS(rows));
}

TEST(all_errors_come_in_one_run_sorted_by_place)
{
    config_rig_expect("server:\n  max_connections: x\nagents:\n  a:\n    llm: y\n    enabled: 3\n"
                      "naem: z\n",
                      "agents.yaml:2:20: server.max_connections: got 'x'; expected a whole number "
                      "from 1 to 1000000\n"
                      "agents.yaml:5:10: agents.a.llm: 'y' is no llm; expected a name of llms\n"
                      "agents.yaml:6:14: agents.a.enabled: got '3'; expected true or false\n"
                      "agents.yaml:7:1: naem: unknown key; expected a key of agents.yaml (did you "
                      "mean 'name'?)\n");
}

TEST(loopback_is_this_machine_only)
{
    static const struct {
        const char *listen;
        bool want;
    } rows[] = {
        { "127.0.0.1:1", true },
        { "127.9.9.9:1", true },
        { "[::1]:1", true },
        { "localhost:1", true },
        { "LOCALHOST:1", true },
        { "unix:/x", true },
        { "0.0.0.0:1", false },
        { "[::]:1", false },
        { "192.168.1.1:1", false },
        { "example.com:1", false },
        { "[::ffff:127.0.0.1]:1", true },
        { "localhost.evil.com:1", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].listen);
        CHECK_INT(config_check_is_loopback(str_of(rows[i].listen)), rows[i].want);
    }
}

struct chat {
    struct config_text bot_token;
};

static const struct config_field chat_rows[] = {
    { .name = "bot_token", .type = FIELD_SECRET, .offset = FIELD_AT(chat, bot_token), .help = "x" },
};
static const struct config_section chat_section = {
    .name = "chat", .help = "x", FIELD_ROWS(chat_rows), .size = sizeof(struct chat)
};
static const struct config_kind chat_kinds[] = { { "telegram", "a chat", &chat_section },
                                                 { "log", "the log", NULL } };

TEST(known_kinds_of_connections_are_checked)
{
    static const struct config_rig_row rows[] = {
        { "good", "connections: {telegram: {bot_token: t}, two: {type: telegram, bot_token: t}}\n",
          "" },
        { "key", "connections: {telegram: {bot_tokn: t}}\n",
          "agents.yaml:1:26: connections.telegram.bot_tokn: unknown key; expected a key of chat "
          "(did you mean 'bot_token'?)\n" },
        { "kind", "connections: {telegarm: {bot_token: t}}\n",
          "agents.yaml:1:15: connections.telegarm: 'telegarm' is no kind of connection; expected a "
          "service's name as type (did you mean 'telegram'?)\n" },
        { "deliver", HOOK "secret: s, deliver: [log, telegrm]}}}\n",
          "agents.yaml:1:65: agents.a.trigger.deliver: 'telegrm' is no target; expected a name of "
          "connections or targets, or a service (did you mean 'telegram'?)\n" },
        { "own target",
          "targets: {pager: {url: 'http://x', body: b}}\n" HOOK "secret: s, deliver: pager}}}\n",
          "" },
        { "notification", "notifications: [{id: a, type: lgo}]\n",
          "agents.yaml:1:31: notifications[0].type: 'lgo' is no target; expected a name of "
          "connections or targets, or a service (did you mean 'log'?)\n" },
    };
    config_kinds_use(chat_kinds, N_ELEMENTS(chat_kinds));
    config_rig_rows(rows, N_ELEMENTS(rows));
    config_kinds_use(NULL, 0);
}
