#!/usr/bin/env python3
"""Measures keryx beside the bare programs of the same kind and the peers that are installed, alternating in one run on one
machine, and prints min / median / max over the rounds, the ratios with their goals, and the commands.

    ./bench [quick] [NAME…]      names: accept refuse open sync command deliver idle start store

The server has one core, the load generator the other. Results also go to build/bench/results.json."""
import json, os, pathlib, shlex, shutil, statistics, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bodies
from stand import (LOAD_CORE, OUT, ROOT, SECRET, SERVER_CORE, Server, Unavailable, build, load, machine, memory_mb, peer, pinned, program,
                   raise_limits, wait, wakeups)

QUICK = "quick" in sys.argv[1:]
ROUNDS = 3
SECONDS = 1 if QUICK else 3
WARM = 0.3 if QUICK else 1
KERYX, RESULTS, RATIOS, COMMANDS = None, [], [], {}



def hook(path, more="response: {mode: async}"):
    return (f"{{type: webhook, path: /hooks/{path}, source: github, secret: {SECRET}, "
            f"signature_header: X-Hub-Signature-256, {more}}}")


CONFIG = f"""
server: {{listen: "127.0.0.1:{{port}}"}}
store: {{url: "sqlite:keryx.db"}}
agents:
  waits:                        # accepted work queues up and never runs
    command: [sleep, "1000000"]
    max_concurrent: 1
    max_queued: 100000000
    trigger: {hook("waits")}
  echo: {{type: echo, max_queued: 100000000, trigger: {hook("echo")}}}
  sync: {{type: echo, trigger: {hook("sync", "response: {mode: sync}")}}}
  filtered: {{type: echo, trigger: {hook("filtered", "events: [push]")}}}
  command: {{command: [/bin/true], max_queued: 100000000, trigger: {hook("command")}}}
"""
HOOKS = json.dumps([{"id": "bench", "execute-command": "/bin/true", "http-methods": ["POST"], "response-message": "ok", "trigger-rule": {
    "match": {"type": "payload-hmac-sha256", "secret": SECRET, "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}}}])


# ---- who is measured ----

def ceiling(name, *options, command=(), **more):
    return lambda: Server(name, [program("ceil_http"), "-p", "{port}", *options, *command], "/hooks/bench", **more)


def keryx(name, path="/", config=CONFIG, **more):
    return lambda: Server(name, [KERYX, "serve", "-c", "agents.yaml"], path, files={"agents.yaml": config}, **more)


def webhook():
    return Server("webhook", [peer("webhook"), "-hooks", "hooks.json", "-ip", "127.0.0.1", "-port", "{port}"], "/hooks/bench",
                  files={"hooks.json": HOOKS})


PLAIN = ceiling("libev")
HMAC = ceiling("libev + HMAC", "-k", SECRET)
ONE_ROW = ceiling("+ one row", "-k", SECRET, "-d", "one.db")
SAME_ROWS = ceiling("+ same rows", "-k", SECRET, "-d", "same.db", "-r")
# Ended without a wait for its one endless run.
WAITS = keryx("keryx, agent waits", "/hooks/waits", how=9)
ECHO = keryx("keryx, echo", "/hooks/echo", how=9)


# ---- rounds and tables ----

def note(row, server, round_, values, command=None):
    RESULTS.append({"row": row, "server": server.name, "round": round_, **values})
    COMMANDS.setdefault((row, server.name), [server.command] + ([command] if command else []))


def rounds(row, starters, measure, n=ROUNDS):
    """Every server once a round, so that a drift of the machine meets them all alike."""
    print(f"\n== {row}", flush=True)
    gone = set()
    for i in range(n):
        for start in starters:
            if start in gone:
                continue
            try:
                with start() as server:
                    values, command = measure(server)
                    note(row, server, i, values, command)
            except Unavailable as why:
                print(f"   left out: {str(why).strip()}")
                gone.add(start)


def series(row, server, key):
    return [r[key] for r in RESULTS if r["row"] == row and r["server"] == server and key in r]


def shown(value):
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(row, columns):
    """columns: key → heading."""
    names = list(dict.fromkeys(r["server"] for r in RESULTS if r["row"] == row))
    lines = [["", *columns.values()]]
    for name in names:
        cells = [name]
        for key in columns:
            values = series(row, name, key)
            cells.append(" / ".join(shown(f(values)) for f in (min, statistics.median, max)) if values else "–")
        lines.append(cells)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("   " + line[0].ljust(widths[0]) + "  " + "  ".join(c.rjust(w) for c, w in zip(line[1:], widths[1:])))
    sys.stdout.flush()


def ratio(row, mine, other, key, goal="", what=None):
    a, b = series(row, mine, key), series(row, other, key)
    if a and b and statistics.median(b):
        value = statistics.median(a) / statistics.median(b)
        RATIOS.append({"row": row, "of": mine, "to": other, "key": key, "value": value, "goal": goal})
        print(f"   {what or key}: {mine} = {value:.2f} × {other}" + (f"   (goal {goal})" if goal else ""), flush=True)


def commands(row):
    for (of, name), words in COMMANDS.items():
        if of == row:
            print(f"   $ {'   and   '.join(words)}")


def body(size):
    path = OUT / f"body-{size}.json"
    path.write_bytes(bodies.small() if size == 300 else bodies.large()[0])
    return path


def saturate(size, accept=None, **options):
    """One run at full speed; answers that are not the expected one are told."""
    def measure(server, accept=accept):
        accept = accept or ((200,) if server.name == "webhook" else (202,))
        load(server, body=body(size), seconds=WARM, accept=accept, **{k: v for k, v in options.items() if k != "secret"})
        got = load(server, body=body(size), seconds=SECONDS, accept=accept, **options)
        if got["odd"]:
            print(f"   {server.name}: {got['odd']} odd answers: {got['status']}, {got['errors']} errors")
        return {**got, **memory_mb(server.pid)}, got["command"]
    return measure


SPEED = {"rate": "req/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "cpu_us": "CPU µs/req", "pss_mb": "Pss MB"}


# ---- the rows ----

def accept():
    """Asynchronous webhooks, HMAC checked, 202 only after the commit; 64 connections."""
    for size in (21, 300):
        row = f"accept, {size} {'KB' if size == 21 else 'B'}, -c 64"
        rounds(row, [PLAIN, HMAC, ONE_ROW, SAME_ROWS, WAITS, ECHO, webhook], saturate(size))
        table(row, SPEED)
        ratio(row, "keryx, agent waits", "+ same rows", "rate", "≥ 0.8")
        ratio(row, "keryx, agent waits", "+ one row", "rate", "≥ 0.4")
        ratio(row, "keryx, echo", "+ same rows", "rate")
        ratio(row, "keryx, agent waits", "webhook", "rate", "≥ 4")
        ratio(row, "keryx, agent waits", "+ same rows", "cpu_us", what="CPU")
        commands(row)


def refuse():
    """Requests that run nothing: a wrong signature (401; past 60 a minute from one address 429), and an event no one asked for."""
    for size in (21, 300):
        row = f"refuse forged, {size} {'KB' if size == 21 else 'B'}, -c 64"
        rounds(row, [HMAC, WAITS, webhook], saturate(size, accept=(200, 202, 401, 403, 429, 500), secret="wrong"))
        table(row, SPEED)
        ratio(row, "keryx, agent waits", "libev + HMAC", "cpu_us", "≤ 1.5", what="CPU")
        row = f"refuse filtered, {size} {'KB' if size == 21 else 'B'}, -c 64"
        rounds(row, [HMAC, SAME_ROWS, keryx("keryx, filtered", "/hooks/filtered")], saturate(size, accept=(200, 202)))
        table(row, SPEED)
        ratio(row, "keryx, filtered", "libev + HMAC", "cpu_us", "≤ 1.5", what="CPU")
        commands(row)


def open_loop():
    """21 KB requests due at a fixed rate; latency from when each was due."""
    seconds = 2 if QUICK else 6
    for rate in (500, 2000):
        def measure(server):
            load(server, body=body(21), seconds=WARM)
            got = load(server, body=body(21), seconds=seconds, rate=rate)
            return got, got["command"]
        row = f"open loop, 21 KB, {rate}/s"
        rounds(row, [HMAC, ONE_ROW, SAME_ROWS, WAITS, ECHO] + ([webhook] if rate == 500 else []), measure)
        table(row, {"rate": "req/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "p999_ms": "p99.9 ms", "max_ms": "max ms", "cpu_us": "CPU µs/req",
                    "missing": "missing"})
        for key in ("p50_ms", "p99_ms"):
            ratio(row, "keryx, agent waits", "+ same rows", key, "≤ 1.0" if rate == 500 and key == "p99_ms" else "", what=key)
        ratio(row, "keryx, agent waits", "+ one row", "p99_ms", what="p99_ms")
        commands(row)


def sync():
    """The whole round trip: accepted, queued, run by echo, recorded, answered with the result."""
    for connections in (1, 64):
        row = f"sync echo, 300 B, -c {connections}"
        rounds(row, [ONE_ROW, SAME_ROWS, keryx("keryx, sync echo", "/hooks/sync")], saturate(300, accept=(200, 202), connections=connections))
        table(row, SPEED)
        ratio(row, "keryx, sync echo", "+ same rows", "rate")
        commands(row)


def spawn_cost(command):
    argv = pinned(SERVER_CORE, [program("ceil_spawn"), 300 if QUICK else 1500, 16, *command])
    return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def command():
    """21 KB webhooks that each run /bin/true to its end: from the first request until nothing runs any more."""
    n = 300 if QUICK else 1500
    row, child = f"command, 21 KB, {n} runs of /bin/true", []

    def measure(server):
        base = spawn_cost(["/bin/true"])
        child.append(base)
        before, began = server.cpu(), time.monotonic()
        got = load(server, body=body(21), requests=n, seconds=60)
        accepted_in = time.monotonic() - began
        if server.name.startswith("keryx"):
            wait(lambda: server.metric("keryx_tasks_total", agent="command") >= n, "the end of all runs", pause=0.1)
        wait(server.is_quiet, "quiet", pause=0.05)
        took, used = time.monotonic() - began - 0.05, server.cpu() - before
        cpu = used / n * 1e6
        return {"rate": n / took, "accept_rate": n / accepted_in, "p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"], "cpu_us": cpu,
                "own_us": cpu - base["child_us"], "child_us": base["child_us"]}, got["command"]
    bare = ceiling("+ one row + posix_spawn", "-k", SECRET, "-d", "one.db", command=["/bin/true"])
    same = ceiling("+ same rows + posix_spawn", "-k", SECRET, "-d", "same.db", "-r", command=["/bin/true"])
    rounds(row, [bare, same, keryx("keryx, command", "/hooks/command"), webhook], measure)
    table(row, {"rate": "commands/s", "accept_rate": "accepted/s", "p99_ms": "p99 ms accept", "cpu_us": "CPU µs/command", "own_us": "own CPU µs"})
    print(f"   bare posix_spawn of /bin/true, 16 at once: {shown(statistics.median(c['rate'] for c in child))}/s, "
          f"parent {shown(statistics.median(c['parent_us'] for c in child))} µs, child {shown(statistics.median(c['child_us'] for c in child))} µs")
    ratio(row, "keryx, command", "+ one row + posix_spawn", "rate", "≥ 0.85")
    ratio(row, "keryx, command", "webhook", "rate")
    ratio(row, "keryx, command", "webhook", "own_us", "≤ 0.35", what="own CPU")
    commands(row)

    flood = "command, 21 KB, flood of -c 256"

    def measure_flood(server):
        got = load(server, body=body(21), connections=256, seconds=3 if QUICK else 6)
        return {**got, **memory_mb(server.pid)}, got["command"]
    rounds(flood, [bare, keryx("keryx, command", "/hooks/command", how=9), webhook], measure_flood)
    table(flood, {"rate": "accepted/s", "worst_second": "worst second", "p99_ms": "p99 ms", "max_ms": "max ms", "pss_mb": "Pss MB"})
    commands(flood)


DELIVER = """
server: {listen: "127.0.0.1:{port}"}
store: {url: "sqlite:keryx.db"}
agents:
  out:
    type: echo
    max_queued: 100000000
    trigger: {type: webhook, path: /hooks/out, secret: SECRET, signature_header: X-Hub-Signature-256, response: {mode: async}}
    notifications:
      - {id: sink, url: "http://127.0.0.1:SINK/", events: [task.completed], max_concurrent: 64, auth: {type: hmac, secret: SECRET}, retry: {max_attempts: 1}}
"""


def deliver():
    """Signed notifications of about 1 KB to a sink on the other core. keryx' were recorded as failed before (the sink refused
    them), so that the measured time holds only: lease, send, record the attempt durably."""
    n = 5000 if QUICK else 20000
    row = f"deliver, {n} signed POSTs of 1 KB"
    text = OUT / "body-out.json"
    text.write_text('"' + "x" * 780 + '"')
    print(f"\n== {row}", flush=True)
    for i in range(ROUNDS):
        for name, more in (("libcurl multi", []), ("libcurl multi + one row", ["one.db"])):
            with Server("sink", [program("ceil_http"), "-p", "{port}"], core=LOAD_CORE) as sink:
                argv = pinned(SERVER_CORE, [program("ceil_curl"), f"http://127.0.0.1:{sink.port}/", n, 64, 1000, SECRET, *more])
                got = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True, cwd=sink.folder).stdout)
                RESULTS.append({"row": row, "server": name, "round": i, **got})
                COMMANDS.setdefault((row, name), [shlex.join(argv).replace(str(ROOT), ".")])
        with Server("sink", [program("ceil_http"), "-p", "{port}", "-f"], core=LOAD_CORE) as sink:
            with keryx("keryx", "/hooks/out", DELIVER.replace("SECRET", SECRET).replace("SINK", str(sink.port)))() as server:
                load(server, body=text, requests=n, seconds=60)
                count = lambda outcome: server.metric("keryx_deliveries_total", outcome=outcome)
                wait(lambda: count("failed") >= n, "all refused", pause=0.1)
                sink.process.send_signal(10)  # from now on it takes them
                wait(server.is_quiet, "quiet")
                before, began = server.cpu(), time.monotonic()
                server.request("POST", "/api/v1/deliveries/retry", '{"receiver": "out/sink"}')
                wait(lambda: count("succeeded") >= n, "all delivered", pause=0.05)
                took = time.monotonic() - began
                note(row, server, i, {"rate": n / took, "cpu_us": (server.cpu() - before) / n * 1e6, **memory_mb(server.pid)},
                     "POST /api/v1/deliveries/retry")
    table(row, {"rate": "deliveries/s", "cpu_us": "CPU µs/delivery"})
    ratio(row, "keryx", "libcurl multi", "cpu_us", "≤ 1.1", what="CPU, keryx' durable record against none")
    ratio(row, "keryx", "libcurl multi + one row", "cpu_us", what="CPU")
    ratio(row, "keryx", "libcurl multi + one row", "rate", what="rate")
    commands(row)


def schedules(n):
    return 'server: {listen: "127.0.0.1:{port}"}\nstore: {url: "sqlite:keryx.db"}\nagents:\n' + "".join(
        f'  a{i}: {{type: echo, trigger: {{type: schedule, cron: "{i % 60} {i // 60 % 24} 1 1 *", input: x}}}}\n' for i in range(n))


def idle():
    """Nothing to do: CPU, wake-ups of any thread, memory."""
    seconds = 5 if QUICK else 20
    row = f"idle, {seconds} s"

    def measure(server):
        time.sleep(3)
        cpu, woken = server.cpu(), wakeups(server.pid)
        time.sleep(seconds)
        return {"cpu_ms": (server.cpu() - cpu) / seconds * 1000, "wakeups": (wakeups(server.pid) - woken) / seconds, **memory_mb(server.pid)}, None
    rounds(row, [SAME_ROWS, keryx("keryx, no agents' work", "/"), keryx("keryx, 1,000 schedules", config=schedules(1000)), webhook], measure, 1 if QUICK else ROUNDS)
    table(row, {"cpu_ms": "CPU ms/s", "wakeups": "wake-ups/s", "rss_mb": "RSS MB", "pss_mb": "Pss MB", "private_mb": "private MB"})
    print("   goals: private < 8 MB, Pss < 14 MB, no wake-ups but the next due time")
    commands(row)


def start():
    """From exec to the first answer; for keryx also over a store that has a history."""
    row, tasks = "start, ms to the first answer", 20000 if QUICK else 100000
    history = OUT / f"history-{os.getpid()}"
    measure = lambda server: ({"ms": server.first_answer_ms, "cpu_ms": server.cpu() * 1000}, None)
    try:
        with keryx("history", "/hooks/echo", folder=history)() as server:
            load(server, body=body(300), requests=tasks, seconds=200)
            wait(lambda: server.metric("keryx_tasks_total", agent="echo") >= tasks, "the end of all tasks", patience=300, pause=0.2)
        rounds(row, [SAME_ROWS, keryx("keryx, new store"), keryx("keryx, 1,000 schedules", config=schedules(1000)),
                     keryx(f"keryx, {tasks:,} finished tasks", folder=history), webhook], measure, 5)
    finally:
        shutil.rmtree(history, ignore_errors=True)
    table(row, {"ms": "ms", "cpu_ms": "CPU ms"})
    ratio(row, "keryx, new store", "+ same rows", "ms", "≤ 2")
    ratio(row, f"keryx, {tasks:,} finished tasks", "+ same rows", "ms", "≤ 2")
    commands(row)


def store():
    """The store room alone beside a bare group commit of the same rows, by batch (tests/bench/bench_store.c)."""
    folder = OUT / f"store-{os.getpid()}"
    folder.mkdir(parents=True)
    argv = pinned(SERVER_CORE, [program("bench_store"), folder, "0.2" if QUICK else "0.5"])
    print(f"\n== store, goal ≥ 0.8\n   $ {shlex.join(argv).replace(str(ROOT), '.')}", flush=True)
    try:
        text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("   " + text.replace("\n", "\n   "))
    RESULTS.append({"row": "store", "server": "store", "text": text})


ROWS = {"accept": accept, "refuse": refuse, "open": open_loop, "sync": sync, "command": command, "deliver": deliver, "idle": idle, "start": start,
        "store": store}


def main():
    global KERYX
    wanted = [a for a in sys.argv[1:] if a != "quick"]
    if unknown := [a for a in wanted if a not in ROWS]:
        sys.exit(f"unknown: {', '.join(unknown)}; there are: {' '.join(ROWS)}")
    KERYX = build()
    raise_limits()
    facts = machine()
    print(f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}; server on core {facts['server_core']}, load on core {facts['load_core']}; "
          f"load average at the start {facts['load'][0]}; 21 KB body: {len(bodies.large()[0])} bytes, {bodies.large()[1]}")
    print("min / median / max; CPU is that of the server's whole process tree")
    try:
        for name in wanted or ROWS:
            ROWS[name]()
    finally:
        facts["load_after"] = [round(x, 2) for x in os.getloadavg()]
        (OUT / "results.json").write_text(json.dumps({"machine": facts, "quick": QUICK, "results": RESULTS, "ratios": RATIOS,
                                                      "commands": {f"{r}: {s}": c for (r, s), c in COMMANDS.items()}}, indent=1))
        print(f"\nload average at the end {facts['load_after'][0]}; all values: {(OUT / 'results.json')}".replace(str(ROOT), "."))


if __name__ == "__main__":
    main()
