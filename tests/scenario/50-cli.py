#!/usr/bin/env python3
"""The command line: what it prints to the byte, where it says that something is wrong, with which exit code it ends
(0 ok, 1 failed, 2 usage or configuration, 3 server not reachable, 4 not found)."""
import contextlib, datetime, json, os, pathlib, re, subprocess, sys, tempfile, zoneinfo

from fixture import KERYX, PATIENCE, ROOT, Daemon, Receiver, Skip, equal, free_port, main

NOWHERE = "http://127.0.0.1:9"  # discard: nobody listens there


class Done:
    def __init__(self, words, process):
        self.words, self.code, self.out, self.err = words, process.returncode, process.stdout, process.stderr.decode()

    def __repr__(self):
        return f"keryx {' '.join(self.words)}\nexit {self.code}\nout {self.out[:2000]!r}\nerr {self.err[:3000]}"


def keryx(*words, cwd=None, stdin=b"", env=None):
    clean = {"PATH": os.environ["PATH"], "HOME": cwd or "/nonexistent", **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}, **(env or {})}
    stdin = stdin.encode() if isinstance(stdin, str) else stdin
    return Done(words, subprocess.run([KERYX, *words], cwd=cwd, env=clean, input=stdin, capture_output=True, timeout=PATIENCE * 2))


def ends(done, code, *words):
    """The exit code, and each word somewhere in what was said."""
    if done.code != code or any(w not in done.err for w in words):
        raise AssertionError(f"want exit {code} and {words}\n{done!r}")
    return done


@contextlib.contextmanager
def folder(**files):
    with tempfile.TemporaryDirectory(prefix="keryx-test-") as path:
        for name, text in files.items():
            (pathlib.Path(path) / name.replace("__", ".")).write_text(text)
        yield path


# ---- check ----

WRONG = """\
server:
  listen: 127.0.0.1:0
  max_body_bytes: 5parsecs
  trusted_proxies: [10.0.0.0/99]
  auth:
    tokens:
      - {name: a, token: "", role: king}
llms:
  default: {provider: opnai, model: x}
agents:
  one:
    type: echo
    descriptoin: misspelt
    trigger:
      type: schedule
      cron: "61 * * * *"
      timezone: Europe/Berln
  two:
    llm: nosuch
    trigger: {type: webhook, path: /same, filter: "{{ if .body.x }}"}
  three:
    type: echo
    trigger: {type: webhook, path: /same, response: {mode: asink, timeout: 30}}
    notifications:
      - {id: a, url: "not a url", events: [task.finished]}
      - {id: a, url: "http://ok.example/", timeout: 1500}
      - {url: "http://ok.example/", payload: {template: '{"text": {{ .Status }'}}
  four:
    type: echo
    type: echo
  five six:
    type: echo
  seven:
    command: true
    env: {A: "${KERYX_TEST_UNSET}"}
"""

EXPECTED = (  # line, words of the complaint
    (3, "max_body_bytes"), (4, "trusted_proxies"), (7, "token"), (7, "role"), (9, "openai"), (13, "did you mean 'description'"), (16, "cron"),
    (17, "Europe/Berlin"), (19, "nosuch"), (20, "filter"), (23, "async"), (23, "/same"), (25, "url"), (25, "task.finished"), (26, "id"), (27, "template"), (30, "type"), (31, "five six"),
    (35, "KERYX_TEST_UNSET"))


def test_check_reports_every_error_of_a_file_at_once():
    with folder(agents__yaml=WRONG) as cwd:
        done = ends(keryx("check", cwd=cwd), 2)
        found = [(int(m[1]), int(m[2]), m[3]) for m in re.finditer(r"^agents\.yaml:(\d+):(\d+): (.*)$", done.err, re.M)]
        missing = [(line, words) for line, words in EXPECTED if not any(line == l and words in text for l, _, text in found)]
        equal(missing, [], f"errors that were not reported\n{done.err}")
        equal([f[:2] for f in found], sorted(f[:2] for f in found), "sorted by position")
        equal(done.out, b"")


ONE = "agents:\n  echo:\n    type: echo\n    trigger: {type: webhook}\n"


def test_check_one_by_one():
    """Each mistake alone, as its own file: exit 2 and a position."""
    rows = {
        "agents:\n  a:\n    type: echo\n   trigger: {}\n": "agents.yaml:",
        "agents: [": "agents.yaml:2:1:",
        "agents:\n  a: {type: echo, typo: 1}\n": "agents.yaml:2:19: agents.a.typo",
        "agents:\n  a: {type: ecko}\n": "did you mean 'echo'",
        "agents:\n  a: {type: echo, trigger: {type: webhok}}\n": "did you mean 'webhook'",
        "agents:\n  a: {type: echo, trigger: {type: schedule}}\n": "cron",
        "agents:\n  a: {type: echo, trigger: {type: schedule, cron: '* * * *'}}\n": "cron",
        "agents:\n  a: {type: echo, trigger: {type: schedule, cron: '0 0 31 2 *'}}\n": "never",
        "agents:\n  a: {type: echo, trigger: {type: schedule, cron: '0 9 * * *', every: 5m}}\n": "every",
        "agents:\n  a: {type: echo, trigger: {type: webhook, secret: ''}}\n": "secret",
        "agents:\n  a: {type: echo, trigger: {type: webhook, webhook_input: {template: '{{ .body.x | nosuch }}'}}}\n": "nosuch",
        "agents:\n  a: {type: echo, trigger: {type: webhook, rate_limit: {per_minute: many}}}\n": "per_minute",
        "agents:\n  a: {type: echo, trigger: {type: webhook, dedup: {ttl: 3600}}}\n": "ttl",
        "agents:\n  a: &x {type: echo}\n  b: *y\n": "agents.yaml:3:",
        "agents: &a\n  x: *a\n": "agents.yaml:",
        "agents:\n  a: {llm: defult}\nllms:\n  default: {provider: ollama, model: x}\n": "did you mean 'default'",
        "agents:\n  a: {instruction: 'Read {{ .body.text }}', llm: default}\nllms:\n  default: {provider: ollama, model: x}\n": "input",
        "agents:\n  a: {type: echo, trigger: {type: webhook, path: /api/v1/tasks}}\n": "path",
        "agents:\n  a: {type: echo, notifications: [{url: 'http://x.example/', payload: {template: '{\"a\": \"{{ .Status }}}'}}]}\n": "template",
    }
    for text, words in rows.items():
        with folder(agents__yaml=text) as cwd:
            ends(keryx("check", cwd=cwd), 2, words, "agents.yaml:")
            equal(keryx("validate", cwd=cwd).err, keryx("check", "agents.yaml", cwd=cwd).err, "validate is check")
            ends(keryx("serve", cwd=cwd), 2, words)


def test_check_of_a_good_file():
    with folder(agents__yaml=ONE) as cwd:
        done = ends(keryx("check", cwd=cwd), 0)
        assert b"ok" in done.out and done.err == "", done
        ends(keryx("check", "--config", "agents.yaml", cwd=cwd), 0)
        ends(keryx("check", "nosuch.yaml", cwd=cwd), 2, "nosuch.yaml")
        ends(keryx("check", ".", cwd=cwd), 2)
        ends(keryx("check", "agents.yaml", "another", cwd=cwd), 2)
        ends(keryx("serve", "--check-config", cwd=cwd), 0)
        equal(os.listdir(cwd), ["agents.yaml"], "check starts nothing")
    with folder() as cwd:
        for words in (("check",), ("serve",), ("run", "x")):
            ends(keryx(*words, cwd=cwd), 2, "keryx init")


SECRETS = """\
server:
  listen: 127.0.0.1:0
  auth: {tokens: [{name: ops, token: "hush-token", role: admin}]}
store: {url: "sqlite:hush.db"}
llms:
  default: {provider: openai, model: x, api_key: "${KERYX_TEST_KEY}"}
agents:
  a:
    type: echo
    trigger: {type: webhook, secret: hush-secret}
    notifications:
      - {id: n, url: "https://hooks.example/hush-url", headers: {Authorization: "Bearer hush-header"}, auth: {type: hmac, secret: hush-hmac}}
  b:
    type: echo
    trigger:
      type: webhook
      auth: {mode: basic, username: u, password: {file: password}}
  c:
    type: echo
    trigger: {type: webhook, auth: {mode: bearer, token: {env: KERYX_TEST_TOKEN}}}
"""


def test_print_hides_secrets_and_fills_in_what_holds():
    env = {"KERYX_TEST_KEY": "hush-key", "KERYX_TEST_TOKEN": "hush-env"}
    with folder(agents__yaml=SECRETS, password="hush-password\n") as cwd:
        done = ends(keryx("check", "--print", cwd=cwd, env=env), 0)
        text = done.out.decode()
        for word in ("token", "secret", "header", "hmac", "key", "env", "password"):
            assert "hush-" + word not in text + done.err, f"hush-{word} is printed"
        assert text.count("***") >= 7 and "max_body_bytes: 1MiB" in text and "drain_timeout: 30s" in text, text
        pathlib.Path(cwd, "again.yaml").write_text(text)
        again = ends(keryx("check", "again.yaml", "--print", cwd=cwd), 0)
        equal(again.out.decode(), text, "what is printed says the same when it is read again")


def test_env_files_and_the_environment():
    text = 'agents:\n  a: {type: echo, description: "${ONE} ${TWO:-two} $$x ${{ y }} $z", trigger: {type: webhook}}\n'
    with folder(agents__yaml=text, __env="ONE=from-file\n# comment\nTWO='quoted'\n") as cwd:
        described = lambda done: re.search(r"description: (.*)", done.out.decode())[1].strip('"').replace("$$", "$")
        equal(described(ends(keryx("check", "--print", cwd=cwd), 0)), "from-file quoted $x ${{ y }} $z")
        equal(described(ends(keryx("check", "--print", cwd=cwd, env={"ONE": "real"}), 0)), "real quoted $x ${{ y }} $z")
    with folder(agents__yaml=text) as cwd:
        ends(keryx("check", cwd=cwd), 2, "ONE", "agents.yaml:2:")
        equal(described(ends(keryx("check", "--print", cwd=cwd, env={"ONE": "1"}), 0)), "1 two $x ${{ y }} $z")


# ---- init, schema ----

def test_init_writes_a_file_that_check_accepts_and_serve_runs():
    with folder() as cwd:
        done = ends(keryx("init", "new", cwd=cwd), 0)
        assert b"new/agents.yaml" in done.out and b"keryx serve" in done.out, done
        ends(keryx("init", "new", cwd=cwd), 1, "is there already")
        done = ends(keryx("check", "new/agents.yaml", cwd=cwd), 0)
        equal(done.err, "", "no warnings")
        text = pathlib.Path(cwd, "new/agents.yaml").read_text()
    port = free_port()
    with Daemon(text.replace("127.0.0.1:8644", f"127.0.0.1:{port}")) as d:
        equal(d.address, f"127.0.0.1:{port}")
        curls = re.findall(r"# +(curl .*)", d.config.read_text())  # the lines that its comments say to try
        for command in curls:
            done = subprocess.run(["sh", "-c", command + " -sS"], capture_output=True, text=True, timeout=PATIENCE)
            answer = json.loads(done.stdout)
            assert answer["status"] in ("completed", "accepted"), f"{command}\n{answer}"
            d.ended(answer["task_id"])
        equal(len(curls), 3)
        audits = lambda: d.items("/api/v1/tasks?agent=audit&status=completed")
        d.wait(lambda: len(audits()) == 2, "the notification and the callback to arrive")
        assert b"heartbeat" in ends(keryx("schedule", "next", cwd=str(d.dir)), 0).out
        assert b"wordcount" in ends(keryx("tasks", "list", cwd=str(d.dir)), 0).out


def test_schema_is_json_schema_and_accepts_what_check_accepts():
    done = ends(keryx("schema"), 0)
    schema = json.loads(done.out)
    equal(schema["$schema"], "https://json-schema.org/draft/2020-12/schema")
    try:
        import jsonschema, yaml
    except ImportError:
        raise Skip("the Python packages jsonschema and yaml are not installed")
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)

    class Plain(yaml.SafeLoader):
        pass
    Plain.yaml_implicit_resolvers = {c: [r for r in rs if "timestamp" not in r[0]] for c, rs in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    for path in [ROOT / "agents.yaml", *sorted((ROOT / "tests/rows/seeds").glob("*.yaml"))]:
        errors = [f"{'.'.join(map(str, e.path))}: {e.message[:200]}" for e in validator.iter_errors(yaml.load(path.read_text(), Plain))]
        equal(errors, [], path.name)
    for text in ("agents: {a: {type: echo, typo: 1}}", "agents: {a: {type: ecko}}", "sever: {}", "agents: {a: {trigger: {type: webhok}}}", "agents: 7"):
        assert not validator.is_valid(yaml.safe_load(text)), f"the schema accepts {text}"


# ---- cron ----

def cron(*words, code=0):
    return ends(keryx("cron", *words), code).out.decode().splitlines()


def test_cron_prints_local_times_with_their_offset():
    rows = (
        (("0 9 * * 1-5", "--tz", "America/New_York", "--from", "2026-03-06T00:00:00Z", "-n", "3"), ["2026-03-06T09:00:00-05:00", "2026-03-09T09:00:00-04:00", "2026-03-10T09:00:00-04:00"]),
        (("*/15 * * * *", "--from", "2026-01-01T00:00:00Z", "-n", "2"), ["2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"]),
        (("30 2 * * *", "--tz", "Europe/Berlin", "--from", "2026-03-28T12:00:00Z", "-n", "2"), ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        (("30 2 * * *", "--tz", "Europe/Berlin", "--from", "2026-10-24T12:00:00Z", "-n", "2"), ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        (("0 0 29 2 *", "--from", "2026-01-01T00:00:00Z", "-n", "2"), ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        (("CRON_TZ=Asia/Tokyo 0 9 * * *", "--from", "2026-01-01T00:00:00Z", "-n", "1"), ["2026-01-02T09:00:00+09:00"]),
        (("@daily", "--from", "2026-06-01T12:00:00", "--tz", "Asia/Kolkata", "-n1"), None),
        (("0 0 L * *", "--from=2026-02-01T00:00:00Z", "-n", "1"), ["2026-02-28T00:00:00Z"]),
        (("0 12 * * MON#2", "--from", "2026-11-01T00:00:00Z", "-n", "1"), ["2026-11-09T12:00:00Z"]),
        (("* * * * * *", "--from", "2026-01-01T00:00:00Z", "-n", "2"), ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]),
        (("0 9 * * *", "-n", "0"), []),
    )
    for words, want in rows:
        if want is not None:
            equal([line.replace("+00:00", "Z") for line in cron(*words)], want, words)


def test_cron_agrees_with_zoneinfo_for_a_year_of_mornings():
    for zone in ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"):
        lines = cron("0 9 * * *", "--tz", zone, "--from", "2026-01-01T00:00:00Z", "-n", "365")
        times = [datetime.datetime.fromisoformat(line) for line in lines]
        z = zoneinfo.ZoneInfo(zone)
        for at, nxt in zip(times, times[1:]):
            local = at.astimezone(z)
            equal((local.hour, local.minute, at.utcoffset()), (9, 0, local.utcoffset()), zone)
            equal((nxt.astimezone(z).date() - local.date()).days, 1, zone)


def test_cron_exit_codes():
    for words, says in ((("61 * * * *",), "minute"), (("* * * *",), "field"), (("",), ""), (("0 0 31 2 *",), "never"), (("0 0 * * FUN",), "day"), (("0 9 * * *", "--tz", "Mars/Base"), "Mars/Base"),
                        (("0 9 * * *", "--from", "soon"), "--from"), (("0 9 * * *", "-n", "-1"), "-n"), (("0 9 * * *", "-n", "many"), "-n"), (("0 9 * * *", "--nosuch"), "--nosuch"), ((), "usage"),
                        (("0", "9", "*", "*", "*"), "usage"), (("0 9 * * *", "-n"), "value")):
        done = ends(keryx("cron", *words), 2, says)
        equal(done.out, b"")
    ends(keryx("cron", "0 9 * * *", "--exlain"), 2, "did you mean '--explain'")


# ---- template render ----

def test_template_render_writes_exactly_the_bytes():
    rows = (
        ("Hello {{ .name }}", '{"name": "Ada"}', (), b"Hello Ada"), ("", "{}", (), b""), ("\n", "{}", (), b"\n"), ("{{ .n }}", '{"n": 1.10}', (), b"1.10"),
        ("{{ .n }} {{ toJson . }}", '{"n": 12345678901234567890}', (), b'12345678901234567890 {"n":12345678901234567890}'),
        ("{{#tools}}{{name}} {{/tools}}", '{"tools":[{"name":"a"},{"name":"b"}]}', (), b"a b "), ("PR #{number}: {pull_request.title}", '{"number": 7}', ("--engine", "dot"), b"PR #7: {pull_request.title}"),
        ('"{{ .e }}"', '{"e": "a\\"b\\n"}', ("--escape", "json"), b'"a\\"b\\n"'), ("{{ .e }}", '{"e": "<b>&"}', ("--escape", "html", "--engine", "go"), b"&lt;b&gt;&amp;"),
        ("{{ .e }}", '{"e": "a b/\\u00e9"}', ("--escape", "url", "--engine", "go"), b"a%20b%2F%C3%A9"), ('{"t": "{{ .e }}"}', '{"e": "\\\\"}', ("--content-type", "application/json"), b'{"t": "\\\\"}'),
        ("{{ .a.b }}|{{ .a }}", "{}", ("--missing", "go"), b"<no value>|<no value>"), ("{{ .a }}|", "{}", (), b"|"), ("{{ now }}", "{}", ("--now", "2026-01-02T03:04:05Z"), b"2026-01-02T03:04:05Z"),
        ("caf\u00e9 \u2603 {{ .x }}", '{"x": "\\ud83d\\ude00"}', (), "caf\u00e9 \u2603 \U0001f600".encode()), ("a\r\nb\t{{ .x }}\0", '{"x": 1}', (), b"a\r\nb\t1\0"),
    )
    with folder() as cwd:
        for template, data, more, want in rows:
            pathlib.Path(cwd, "t").write_bytes(template.encode())
            pathlib.Path(cwd, "d.json").write_text(data)
            equal(ends(keryx("template", "render", "t", "--data", "d.json", *more, cwd=cwd), 0).out, want, template)
            equal(ends(keryx("template", "render", "-", "--data", "d.json", *more, cwd=cwd, stdin=template), 0).out, want, f"{template} by stdin")
            equal(ends(keryx("template", "render", "t", "--data", "-", *more, cwd=cwd, stdin=data), 0).out, want, f"{template}, data by stdin")


def test_template_render_exit_codes():
    with folder(good="{{ .x }}", bad="{{ if .x }}", unclosed="a\nb {{ .x", fails='{{ index .x 5 }}', data__json="{}", broken__json="{", list__json="[1]", loop='{{ range $i, $e := until }}x{{ end }}') as cwd:
        render = lambda *words: keryx("template", "render", *words, cwd=cwd)
        ends(render("bad"), 2, "bad:1:")
        ends(render("unclosed"), 2, "unclosed:2:")
        ends(render("good", "--data", "broken.json"), 2, "broken.json:1:")
        ends(render("good", "--data", "nosuch.json"), 2, "nosuch.json")
        ends(render("nosuch"), 2, "nosuch")
        ends(render("good", "--engine", "jinja"), 2, "--engine")
        ends(render("good", "--missing", "explode"), 2, "--missing")
        ends(render("good", "--escape", "xml"), 2, "--escape")
        ends(render("good", "--now", "later"), 2, "--now")
        ends(render("good", "--missing", "error"), 1, "good:1:")
        equal(ends(render("fails", "--data", "list.json", "--missing", "error"), 1).out, b"", "nothing of a render that fails")
        ends(keryx("template", cwd=cwd), 2, "usage")
        ends(keryx("template", "rendr", "good", cwd=cwd), 2)
        with open("/dev/full", "wb") as full:
            equal(subprocess.run([KERYX, "template", "render", "-"], input=b"x", stdout=full, stderr=subprocess.PIPE).returncode, 1)


# ---- run, with and without a daemon ----

AGENTS = """\
server: {listen: 127.0.0.1:%s}
agents:
  echo:
    type: echo
  shout:
    command: tr a-z A-Z
  broken:
    command: echo oops >&2; exit 3
  slow:
    command: sleep 60
    limits: {grace: 200ms}
  told:
    type: echo
    notifications: [{id: hook, url: "%s", events: [task.completed]}]
  default:
    type: echo
"""


def test_run_without_a_daemon():
    with Receiver() as receiver, folder(agents__yaml=AGENTS % (free_port(), receiver.url)) as cwd:
        done = ends(keryx("run", "echo", "a\nb ", cwd=cwd), 0)
        equal((done.out, done.err), (b"a\nb \n", ""))
        equal(ends(keryx("run", "shout", "hello", cwd=cwd), 0).out, b"HELLO\n")
        equal(ends(keryx("run", "echo", cwd=cwd), 0).out, b"\n")
        equal(ends(keryx("run", "several words for the default", cwd=cwd), 0).out, b"several words for the default\n")
        equal(ends(keryx("run", "broken", cwd=cwd), 1, "exit code 3", "oops").out, b"")
        ends(keryx("run", "shuot", cwd=cwd), 4, "did you mean 'shout'")
        ends(keryx("run", "zzzzzz", cwd=cwd), 4, "zzzzzz")
        ends(keryx("run", "echo", "x", "--background", cwd=cwd), 3, "keryx serve")
        ends(keryx("run", cwd=cwd), 2, "usage")
        ends(keryx("run", "echo", "a", "b", cwd=cwd), 2, "usage")
        ends(keryx("run", "echo", "--wiat", "3s", cwd=cwd), 2, "did you mean '--wait'")
        equal(receiver.got, [])
        ends(keryx("run", "told", "news", cwd=cwd), 0)
        equal([r.json["result"] for r in receiver.got], ["news"], "its deliveries are waited for")
        with Daemon(pathlib.Path(cwd, "agents.yaml").read_text(), directory=cwd) as d:  # the daemon finds it all in the store
            tasks = d.items("/api/v1/tasks")
            equal([(t["agent_name"], t["status"], t["trigger"]["type"]) for t in reversed(tasks)],
                  [("echo", "completed", "cli"), ("shout", "completed", "cli"), ("echo", "completed", "cli"), ("default", "completed", "cli"), ("broken", "failed", "cli"), ("told", "completed", "cli")])
            assert tasks[0]["id"].startswith("cli-told-")


def test_run_without_a_daemon_leaves_undelivered_things_in_the_store():
    port = free_port()
    with folder(agents__yaml=(AGENTS % (free_port(), f"http://127.0.0.1:{port}")).replace("task.completed]", "task.completed], retry: {max_attempts: 50, initial_delay: 200ms, max_delay: 300ms}")) as cwd:
        ends(keryx("run", "told", "later", "--wait", "300ms", cwd=cwd), 0)
        with Receiver(port=port) as receiver, Daemon(pathlib.Path(cwd, "agents.yaml").read_text(), directory=cwd) as d:
            equal(receiver.wait(1, log=d.log)[0].json["result"], "later")


def test_run_with_a_daemon():
    with Daemon(AGENTS % (0, "http://127.0.0.1:9/")) as d:
        ask = lambda *words, **more: keryx(*words, cwd=str(d.dir), env={"KERYX_URL": f"http://{d.address}"}, **more)
        equal(ends(ask("run", "echo", "a\nb "), 0).out, b"a\nb \n")
        equal(ends(ask("run", "shout", "hello"), 0).out, b"HELLO\n")
        equal(ends(ask("run", "several words"), 0).out, b"several words\n")
        ends(ask("run", "broken"), 1, "exit code 3")
        ends(ask("run", "shuot"), 4, "did you mean 'shout'")
        answer = json.loads(ends(ask("run", "echo", "x", "--json"), 0).out)
        equal((answer["status"], answer["result"]), ("completed", "x"))
        equal(json.loads(ends(ask("run", "broken", "--json"), 1).out)["status"], "failed")
        task = ends(ask("run", "slow", "--background"), 0).out.decode().strip()
        assert task.startswith("cli-slow-"), task
        d.wait(lambda: d.task(task)["status"] == "running")

        # The other commands, on what has come to be.
        assert task.encode() in ends(ask("tasks", "list"), 0).out
        listing = ends(ask("tasks", "list", "--agent", "slow", "--status", "running"), 0).out.decode().splitlines()
        equal((len(listing), listing[1].split()[:4]), (2, [task, "slow", "running", "1"]))
        assert b"\x1b" not in ends(ask("tasks", "list"), 0).out, "colours in a pipe"
        equal(json.loads(ends(ask("tasks", "status", task, "--json"), 0).out)["status"], "running")
        ends(ask("tasks", "output", task), 1, "running")
        equal(ends(ask("tasks", "cancel", task), 0).out, b"accepted\n")
        equal(d.ended(task)["status"], "cancelled")
        ends(ask("tasks", "cancel", task), 1, "ended")
        equal(ends(ask("tasks", "retry", task), 0).out, b"accepted\n")
        d.wait(lambda: d.task(task)["status"] == "running")
        ends(ask("tasks", "cancel", task), 0)
        d.ended(task)
        first = next(t["id"] for t in reversed(d.items("/api/v1/tasks")))
        equal(ends(ask("tasks", "output", first), 0).out, b"a\nb ")
        assert b"task.completed" in ends(ask("tasks", "events", first), 0).out
        for words in (("tasks", "status", "nosuch"), ("tasks", "output", "nosuch"), ("tasks", "cancel", "nosuch"), ("tasks", "retry", "nosuch"), ("deliveries", "show", "nosuch"),
                      ("deliveries", "retry", "nosuch"), ("schedule", "next", "nosuch")):
            ends(ask(*words), 4, "nosuch")
        for words in (("tasks", "lits"), ("tasks", "status"), ("deliveries", "retry"), ("schedule", "later"), ("tasks", "list", "--limt", "3")):
            ends(ask(*words), 2)
        ends(ask("tasks", "list", "--limit", "0"), 2, "limit")
        ends(ask("tasks", "list", "--status", "done"), 2, "status")
        assert b"healthy" in ends(ask("status"), 0).out
        equal(ends(ask("reload"), 0).out, b"reloaded\n")
        d.config.write_text("agents: 7\n")
        ends(ask("reload"), 2, "agents.yaml:1:")


def test_the_daemons_lock_is_respected():
    with Daemon(AGENTS % (0, "http://127.0.0.1:9/")) as d:
        done = ends(keryx("run", "echo", "x", cwd=str(d.dir), env={"KERYX_URL": NOWHERE}), 1)
        assert str(d.process.pid) in done.err, done
        equal(d.items("/api/v1/tasks"), [])


def test_without_a_server_clients_end_with_3():
    with folder(agents__yaml=ONE + f"server: {{listen: 127.0.0.1:{free_port()}}}\n") as cwd:
        for words in (("tasks", "list"), ("tasks", "status", "x"), ("tasks", "cancel", "x"), ("deliveries", "list"), ("deliveries", "retry", "--failed"), ("schedule", "list"), ("schedule", "next", "x"),
                      ("status",), ("reload",)):
            for more in ((), ("--server", NOWHERE), ("--server", "http://nosuch.invalid:1")):
                ends(keryx(*words, *more, cwd=cwd), 3, "keryx serve")
        ends(keryx("tasks", "list", "--config", "nosuch.yaml", cwd=cwd), 2, "nosuch.yaml")


def test_tokens():
    text = (AGENTS % (0, "http://127.0.0.1:9/")).replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0, auth: {tokens: [{name: ops, token: t0ken, role: operator}]}")
    with Daemon(text) as d:
        url = {"KERYX_URL": f"http://{d.address}"}
        ends(keryx("tasks", "list", cwd=str(d.dir), env=url), 1, "token")
        ends(keryx("run", "echo", "x", cwd=str(d.dir), env=url), 1, "token")
        ends(keryx("tasks", "list", cwd=str(d.dir), env={**url, "KERYX_TOKEN": "wrong"}), 1, "token")
        equal(ends(keryx("run", "echo", "x", cwd=str(d.dir), env={**url, "KERYX_TOKEN": "t0ken"}), 0).out, b"x\n")
        ends(keryx("reload", cwd=str(d.dir), env={**url, "KERYX_TOKEN": "t0ken"}), 1, "ops")


# ---- help and strangers ----

COMMANDS = "serve init check validate schema run tasks schedule cron deliveries template reload status version help".split()


def test_help_and_unknown_names():
    for words in (("help",), ("--help",), ("-h",)):
        done = ends(keryx(*words), 0)
        for command in COMMANDS:
            assert re.search(rf"^  {command} ", done.out.decode(), re.M), command
    for command in COMMANDS:
        usage = ends(keryx("help", command), 0).out
        assert usage.startswith(f"usage: keryx {command}".encode()), usage
        if command != "help":
            equal(ends(keryx(command, "--help"), 0).out, usage, command)
            ends(keryx(command, "--nosuchoption"), 2, "--nosuchoption")
    ends(keryx(), 2)
    ends(keryx("chekc"), 2, "did you mean 'check'")
    ends(keryx("help", "chekc"), 2, "did you mean 'check'")
    ends(keryx("qqqqqq"), 2, "qqqqqq")
    version = ends(keryx("version"), 0).out
    assert re.fullmatch(rb"keryx \d+\.\d+\.\d+\n", version), version
    equal(ends(keryx("--version"), 0).out, version)


def alone(folder, *words, stdin=None):
    """A command in a folder without a daemon."""
    return subprocess.run([KERYX, *words], cwd=folder, text=True, input=stdin, capture_output=True, timeout=PATIENCE, env={"PATH": "/usr/bin:/bin", "HOME": folder})


def test_run_without_a_daemon_tries_again_and_ends():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "agents.yaml").write_text(
            'agents:\n  busy: {command: "echo try >> tries; exit 75", retry: {max_attempts: 3, initial_delay: 50ms}}\n  echo: {type: echo}\n')
        done = alone(folder, "run", "busy")
        equal((done.returncode, pathlib.Path(folder, "tries").read_text()), (1, "try\n" * 3), done.stderr)
        equal(alone(folder, "run", "echo", "-", stdin="from a pipe").stdout, "from a pipe\n")
        got = json.loads(alone(folder, "run", "echo", "hi", "--json").stdout)
        equal((got["status"], got["result"], got["agent_name"]), ("completed", "hi", "echo"))
        got = alone(folder, "run", "busy", "--json")
        equal((got.returncode, json.loads(got.stdout)["status"]), (1, "failed"))


def test_problems_are_records_of_the_log_and_a_mistake_is_told_once():
    with Daemon("server: {listen: 127.0.0.1:0}\nagents:\n  a: {type: echo, trigger: {type: webhook, source: slack}}\n") as d:
        for line in d.lines:
            json.loads(line)
        assert any("slack" in f["problem"] for f in d.facts("configuration")), d.log()
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "agents.yaml").write_text(
            "agents:\n  a: {type: echo, trigger: {type: schedule, cron: '0 9 * * *', timezone: America/New_Yrok}}\n")
        errors = alone(folder, "check").stderr.strip().splitlines()
        equal(len(errors), 1, errors)


main(sys.modules[__name__])
