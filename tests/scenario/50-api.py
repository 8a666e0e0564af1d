#!/usr/bin/env python3
"""The HTTP API: who may ask, what is answered, in which shape; reload; the split into a public and an admin listener."""
import concurrent.futures, hashlib, hmac, math, re, signal, socket, subprocess, sys, threading, time

from fixture import KERYX, Daemon, Receiver, Wire, equal, free_port, main, request

CONFIG = """
server:
  listen: 127.0.0.1:0
  public_url: https://hooks.example.com/base
%s
agents:
  echo:
    description: says it again
    type: echo
    trigger: {type: webhook, response: {mode: async}}
  signed:
    type: echo
    trigger: {type: webhook, secret: k3y, response: {mode: async}}
  broken:
    command: echo oops >&2; exit 3
  slow:
    command: ["/bin/sh", "-c", "echo $$$$ > \\"$HOME/pid\\"; exec sleep 60"]
    limits: {grace: 200ms}
  narrow:
    command: sleep 60
    limits: {grace: 200ms}
    max_concurrent: 1
    max_queued: 1
    trigger: {type: webhook, response: {mode: async}}
  later:
    type: echo
    trigger: {type: schedule, cron: "0 0 1 1 *", name: newyear}
  off:
    type: echo
    enabled: false
"""
AUTH = """
  auth:
    tokens:
      - {name: boss, token: "adm1n-token", role: admin}
      - {name: ops, token: "operat0r-token", role: operator}
      - {name: eyes, token: "v1ewer-token", role: viewer}
"""
TOKENS = {"admin": "adm1n-token", "operator": "operat0r-token", "viewer": "v1ewer-token", "wrong": "adm1n-toke", "none": None}

OPEN = Daemon(CONFIG % "").start()
SAFE = Daemon(CONFIG % AUTH).start()


def problem(answer, status, words=""):
    """RFC 9457, as this house writes it."""
    equal(answer.status, status, words)
    equal(answer.headers["content-type"], "application/problem+json")
    body = answer.json
    equal((body["type"], body["status"], body["request_id"]), ("about:blank", status, answer.headers["x-request-id"]))
    assert body["title"] and body["detail"] and words in body["detail"], body
    return body


def bearer(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def run(d, agent, headers=None, **body):
    return d.post(f"/api/v1/agents/{agent}/run", body, headers)


# ---- health, ready, version, metrics ----

def test_health():
    got = OPEN.get("/health")
    equal((got.status, got.json["status"], got.headers["content-type"]), (200, "healthy", "application/json"))
    body = got.json
    assert body["uptime"] >= 0 and body["active_tasks"] == 0 and 1 < body["memory_mb"] < 4000 and body["version"], body
    equal(OPEN.get("/health?format=hermes-webhook").json, {"status": "ok", "platform": "webhook"})
    equal((OPEN.get("/ready").json, OPEN.get("/version").json["name"]), ({"status": "ready"}, "keryx"))


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def family_of(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) == "histogram":
            return name[:-len(suffix)]
    return name


def parse_metrics(text):
    """Prometheus text 0.0.4, strictly: families whole and once, HELP and TYPE before samples, no series twice."""
    assert text.endswith("\n") and "\r" not in text
    helps, types, series, order = {}, {}, {}, []
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            assert name not in helps and words, line
            helps[name] = words
            continue
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name in helps and name not in types and kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
            order.append(name)
            continue
        found = SAMPLE.fullmatch(line)
        assert found, f"not a sample: {line!r}"
        name, labels, value = found[1], dict(LABEL.findall(found[2] or "")), float(found[3].replace("Inf", "inf"))
        family = family_of(name, types)
        equal(order[-1:], [family], f"a sample outside its family: {line!r}")
        key = (name, tuple(sorted(labels.items())))
        assert key not in series, f"twice: {line!r}"
        series[key] = value
    return types, series


def check_histograms(types, series):
    for family in (n for n, kind in types.items() if kind == "histogram"):
        heaps = {}
        for (name, labels), value in series.items():
            if name == family + "_bucket":
                rest = tuple(l for l in labels if l[0] != "le")
                heaps.setdefault(rest, []).append((float(dict(labels)["le"].replace("Inf", "inf")), value))
        for labels, buckets in heaps.items():
            bounds, counts = zip(*buckets)
            equal((list(bounds), list(counts)), (sorted(bounds), sorted(counts)), f"{family} {labels}: buckets rise")
            equal((bounds[-1], counts[-1]), (math.inf, series[family + "_count", labels]), f"{family} {labels}")
            assert (family + "_sum", labels) in series


NAMES = """keryx_tasks_total keryx_task_duration_seconds keryx_tokens_used_total keryx_tool_calls_total keryx_tasks_active keryx_queue_depth
 keryx_queue_oldest_seconds keryx_webhook_requests_total keryx_webhook_duration_seconds keryx_deliveries_total keryx_delivery_attempts_total
 keryx_delivery_duration_seconds keryx_delivery_backlog keryx_schedule_fires_total keryx_schedule_lag_seconds keryx_store_commit_seconds
 keryx_store_batch_size keryx_loop_lag_seconds keryx_http_connections process_cpu_seconds_total process_resident_memory_bytes process_open_fds
 process_max_fds process_virtual_memory_bytes process_start_time_seconds""".split()


def test_metrics_are_sound_and_count():
    before = OPEN.metric("keryx_tasks_total", agent="echo", trigger="api", status="completed")
    for n in range(5):
        run(OPEN, "echo", input=f"{n}")
    run(OPEN, "broken")
    OPEN.post("/webhooks/nosuch%22%5c%0a", {})
    OPEN.post("/webhooks/signed", {})
    got = OPEN.get("/metrics")
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4"), got.headers
    types, series = parse_metrics(got.body.decode())
    equal([n for n in NAMES if n not in types], [], "metrics of the documentation that are not there")
    equal([n for n, kind in types.items() if n.endswith("_total") != (kind == "counter")], [], "counters end with _total")
    check_histograms(types, series)
    equal(series["keryx_tasks_total", (("agent", "echo"), ("status", "completed"), ("trigger", "api"))], before + 5)
    assert series["keryx_webhook_requests_total", (("outcome", "signature"), ("route", "signed"))] >= 1
    assert series["process_resident_memory_bytes", ()] > 1e6 and series["process_open_fds", ()] > 3
    assert abs(series["process_start_time_seconds", ()] - time.time()) < 600


def test_metric_paths_and_switches():
    more = "monitoring: {prometheus: {path: /prom}, health: {path: /healthz}}\n"
    with Daemon(CONFIG % "" + more) as d:
        equal((d.get("/prom").status, d.get("/healthz").json["status"]), (200, "healthy"))
    with Daemon(CONFIG % "" + "monitoring: {prometheus: {enabled: false}, health: {enabled: false}}\n") as d:
        equal((d.get("/metrics").status, d.get("/health").status, d.get("/ready").status), (404, 404, 200))


# ---- who may ask ----

LEAST = (  # method, path, the least role, status when allowed
    ("GET", "/version", "viewer", 200), ("GET", "/metrics", "viewer", 200), ("GET", "/api/v1/agents", "viewer", 200),
    ("GET", "/api/v1/agents/echo", "viewer", 200), ("GET", "/api/v1/tasks", "viewer", 200), ("GET", "/api/v1/tasks/nosuch", "viewer", 404),
    ("GET", "/api/v1/schedules", "viewer", 200), ("GET", "/api/v1/schedules/newyear", "viewer", 200), ("GET", "/api/v1/receipts", "viewer", 200),
    ("GET", "/api/v1/receipts/nosuch", "viewer", 404), ("GET", "/api/v1/deliveries", "viewer", 200), ("GET", "/api/v1/deliveries/nosuch", "viewer", 404),
    ("POST", "/api/v1/agents/echo/run", "operator", 200), ("POST", "/api/v1/tasks/nosuch/cancel", "operator", 404),
    ("POST", "/api/v1/tasks/nosuch/retry", "operator", 404), ("POST", "/api/v1/deliveries/nosuch/retry", "operator", 404),
    ("POST", "/api/v1/deliveries/retry", "operator", 202), ("POST", "/api/v1/reload", "admin", 200),
)
RANK = ["viewer", "operator", "admin"]


def test_roles():
    for method, path, least, status in LEAST:
        for who, token in TOKENS.items():
            got = SAFE.request(method, path, {} if method == "POST" else None, bearer(token))
            if who in ("none", "wrong"):
                problem(got, 401)
                assert got.headers["www-authenticate"].lower().startswith("bearer"), got.headers
            elif RANK.index(who) < RANK.index(least):
                problem(got, 403)
            else:
                equal(got.status, status, f"{who} {method} {path}: {got}")
    for path in ("/health", "/ready"):
        equal(SAFE.get(path).status, 200)


def test_a_refused_caller_starts_nothing():
    before = len(SAFE.get("/api/v1/tasks", headers=bearer(TOKENS["admin"])).json["items"])
    for token in (None, "x", TOKENS["viewer"], TOKENS["wrong"]):
        assert run(SAFE, "echo", bearer(token), input="no").status in (401, 403)
    equal(len(SAFE.get("/api/v1/tasks", headers=bearer(TOKENS["admin"])).json["items"]), before)


def test_forms_of_authorization():
    token = TOKENS["viewer"]
    for value, status in ((f"bearer {token}", 200), (f"BEARER   {token}", 200), (f"Bearer {token} ", 200), (f"Bearer {token}x", 401), ("Bearer", 401), ("Bearer ", 401),
                          (f"Token {token}", 401), (f"Basic {token}", 401), (token, 401), (f"Bearer {token},{token}", 401), ("Bearer " + "x" * 10000, 401)):
        equal(SAFE.get("/api/v1/agents", headers={"Authorization": value}).status, status, value[:60])
    equal(SAFE.get(f"/api/v1/agents?token={token}&access_token={token}&key={token}").status, 401)
    with Wire(SAFE.address) as w:
        w.send(f"GET /version HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer x\r\n\r\n")
        assert w.answer().status in (400, 401)


def test_excluded_paths_are_the_configurations():
    with Daemon(CONFIG % AUTH.replace("    tokens:", "    excluded_paths: [/metrics]\n    tokens:")) as d:
        equal((d.get("/metrics").status, d.get("/version").status), (200, 401))


def test_the_key_of_a_location_opens_that_one_task():
    first, second = (SAFE.post("/webhooks/echo", {"n": n}) for n in (1, 2))
    location = first.headers["location"]
    path, key = location.split("?")
    SAFE.wait(lambda: SAFE.get(location).json["status"] == "completed")
    equal(SAFE.get(location).json["result"], '{"n":1}')
    equal(SAFE.get(f"{path}/output?{key}").body, b'{"n":1}')
    for wrong in (path, f"{path}?key=", f"{path}?{key}0", f"{path}?{key[:-1]}", f"{second.headers['location'].split('?')[0]}?{key}", f"{path}/events?{key}",
                  f"/api/v1/tasks?{key}", f"/api/v1/agents?{key}"):
        problem(SAFE.get(wrong), 401)
    problem(SAFE.post(f"{path}/cancel?{key}"), 401)


def test_hosts_that_are_not_ours_are_421():
    port = OPEN.address.rsplit(":", 1)[1]
    for host, status in (("127.0.0.1", 200), (f"127.0.0.1:{port}", 200), ("localhost", 200), (f"LOCALHOST:{port}", 200), ("[::1]", 200), ("[::1]:99", 200),
                         ("10.1.2.3", 200), ("hooks.example.com", 200), ("evil.example", 421), (f"evil.example:{port}", 421), ("127.0.0.1.evil.example", 421),
                         ("localhost.evil.example", 421), ("evil.example.", 421), ("xhooks.example.com", 421), ("example.com", 421)):
        for path in ("/api/v1/tasks", "/metrics", "/version"):
            got = OPEN.get(path, headers={"Host": host})
            equal(got.status, status, f"Host: {host} {path}")
            if status == 421:
                problem(got, 421)
        equal(OPEN.get("/health", headers={"Host": host}).status, 200, host)
        equal(OPEN.post("/webhooks/echo", {}, {"Host": host}).status, 202, host)
    equal(run(OPEN, "echo", {"Host": "evil.example"}, input="x").status, 421)
    equal(SAFE.get("/version", headers={"Host": "evil.example", **bearer(TOKENS["viewer"])}).status, 200, "a token says enough")


def test_foreign_origins_are_403_and_no_answer_invites_them():
    for d, headers in ((OPEN, {}), (SAFE, bearer(TOKENS["admin"]))):
        own = f"http://{d.address}"
        for origin, status in ((own, 200), ("https://hooks.example.com", 200), ("http://evil.example", 403), ("null", 403), ("", 403), ("http://127.0.0.1:1", 403),
                               (own + ".evil.example", 403), (own + "@evil.example", 403), (f"http://evil.example/{d.address}", 403)):
            got = d.post("/api/v1/agents/echo/run", {"input": "x"}, {"Origin": origin, **headers})
            equal(got.status, status, f"Origin: {origin}")
            equal([h for h in got.headers if h.startswith("access-control")], [])
        got = d.request("OPTIONS", "/api/v1/agents/echo/run", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST", **headers})
        assert got.status in (403, 405) and not [h for h in got.headers if h.startswith("access-control")], got
        equal(d.post("/webhooks/echo", {}, {"Origin": "http://evil.example"}).status, 202)


# ---- the form of requests and answers ----

def test_bodies_are_json_objects():
    path = "/api/v1/agents/echo/run"
    for kind, body, status in (("text/plain", '{"input":"x"}', 415), ("application/x-www-form-urlencoded", "input=x", 415), (None, '{"input":"x"}', 415),
                               ("multipart/form-data; boundary=x", "--x", 415), ("application/json", "{", 400), ("application/json", "[]", 400), ("application/json", '"x"', 400),
                               ("application/json", b'{"input":"\xff"}', 400), ("application/json", b"[" * 5000, 400), ("application/json", '{"input":"x"}', 200),
                               ("application/json; charset=utf-8", '{"input":"x"}', 200), ("application/json", "", 200), (None, "", 200)):
        got = OPEN.post(path, body, {"Content-Type": kind} if kind else {})
        equal(got.status, status, f"{kind} {body[:40]!r}")
        if status >= 400:
            problem(got, status)


def test_problems():
    for method, path, status in (("GET", "/api/v1/nosuch", 404), ("GET", "/api/v1/tasks/nosuch", 404), ("GET", "/api/v1/tasks/nosuch/output", 404), ("GET", "/api/v1/agents/nosuch", 404),
                                 ("GET", "/api/v1/schedules/nosuch", 404), ("GET", "/api/v1/receipts/nosuch", 404), ("GET", "/api/v1/deliveries/nosuch", 404),
                                 ("POST", "/api/v1/agents/nosuch/run", 404), ("POST", "/api/v1/tasks/nosuch/cancel", 404), ("POST", "/api/v1/tasks/nosuch/retry", 404),
                                 ("POST", "/api/v1/deliveries/nosuch/retry", 404), ("POST", "/api/v1/agents/off/run", 409), ("PUT", "/api/v1/tasks", 405), ("DELETE", "/api/v1/reload", 405),
                                 ("GET", "/api/v1/tasks/%27%3B%20drop%20table%20tasks--", 404), ("GET", "/api/v1/tasks/" + "x" * 3000, 404), ("GET", "/api/v1/tasks/%ff%fe", 404)):
        body = problem(OPEN.request(method, path), status)
        equal(body["title"] in ("Not Found", "Conflict", "Method Not Allowed"), True)
    assert OPEN.request("PUT", "/api/v1/tasks").headers["allow"]


def test_answers_are_not_kept_by_caches():
    for path in ("/api/v1/tasks", "/api/v1/agents", "/health"):
        got = OPEN.get(path)
        equal((got.headers["cache-control"], got.headers["x-content-type-options"], got.headers["content-type"]), ("no-store", "nosniff", "application/json"), path)


def test_agents():
    items = {a["name"]: a for a in OPEN.get("/api/v1/agents").json["items"]}
    equal(sorted(set(items) - {"default"}), ["broken", "echo", "later", "narrow", "off", "signed", "slow"])
    echo = items["echo"]
    equal((echo["type"], echo["description"], echo["enabled"], items["off"]["enabled"], items["slow"]["type"]), ("echo", "says it again", True, False, "command"))
    equal(echo["triggers"], [{"type": "webhook", "name": "echo", "enabled": True, "path": "/webhooks/echo", "source": "generic", "response_mode": "async"}])
    equal(OPEN.get("/api/v1/agents/echo").json, echo)
    assert "k3y" not in OPEN.get("/api/v1/agents").body.decode()


# ---- lists ----

def test_lists_have_pages_newest_first():
    with Daemon(CONFIG % "") as d:
        ids = [run(d, "echo", input=f"{n}").json["task_id"] for n in range(23)]
        got, cursor, pages = [], "", 0
        while True:
            page = d.get(f"/api/v1/tasks?limit=5{cursor}").json
            got += [t["id"] for t in page["items"]]
            pages += 1
            if "next_cursor" not in page:
                break
            equal(len(page["items"]), 5)
            assert isinstance(page["next_cursor"], str)
            cursor = "&cursor=" + page["next_cursor"]
            if pages == 2:  # what comes meanwhile does not shift the pages
                run(d, "echo", input="late")
        equal((got, pages), (ids[::-1], 5))
        equal(len(d.get("/api/v1/tasks").json["items"]), 24)
        for _ in range(30):
            run(d, "echo", input="more")
        equal((len(d.get("/api/v1/tasks").json["items"]), len(d.get("/api/v1/tasks?limit=500").json["items"])), (50, 54))


def test_values_of_lists_that_make_no_sense_are_400():
    for path in ("tasks", "receipts", "deliveries"):
        for query in ("limit=0", "limit=501", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999", "cursor=x", "cursor=-1", "since=yesterday", "until=x", "since=2026-13-01T00:00:00Z"):
            problem(OPEN.get(f"/api/v1/{path}?{query}"), 400, query.split("=")[0])
    for query in ("tasks?status=done", "deliveries?status=completed"):
        problem(OPEN.get("/api/v1/" + query), 400, "status")
    equal(OPEN.get("/api/v1/tasks?agent=nosuch").json, {"items": []})


def test_filters_of_lists():
    with Daemon(CONFIG % "") as d:
        run(d, "echo", input="1"), run(d, "broken"), run(d, "echo", input="2")
        hook = d.post("/webhooks/echo", {"n": 3}).json["task_id"]
        d.ended(hook)
        names = lambda query: sorted(t["agent_name"] + ":" + t["trigger"]["type"] for t in d.items("/api/v1/tasks?" + query))
        equal(names("agent=echo"), ["echo:api", "echo:api", "echo:webhook"])
        equal(names("status=failed"), ["broken:api"])
        equal(names("trigger=webhook"), ["echo:webhook"])
        equal(names("agent=echo&trigger=api&status=completed"), ["echo:api", "echo:api"])
        equal(names("agent=echo&status=failed"), [])
        made = d.task(hook)["created_at"]
        equal(len(names(f"since={made}")), 1)
        equal(len(names(f"until={made}")) + len(names(f"since={made}")) in (4, 5), True)
        equal((len(names("since=1h")), len(names("until=1h"))), (4, 0))
        equal([r["route"] for r in d.items("/api/v1/receipts?route=echo")], ["echo"])
        equal(d.items("/api/v1/receipts?route=signed"), [])


def test_long_texts_are_cut_in_lists_and_whole_alone():
    text = "é" * 5000
    task = run(OPEN, "echo", input=text).json["task_id"]
    item = next(t for t in OPEN.get("/api/v1/tasks").json["items"] if t["id"] == task)
    equal(item["truncated"], True)
    for key in ("input", "result"):
        assert 2000 <= len(item[key].encode()) <= 2048 and set(item[key]) == {"é"}, len(item[key].encode())
    whole = OPEN.task(task)
    equal((whole["input"], whole["result"], "truncated" in whole), (text, text, False))
    short = run(OPEN, "echo", input="short").json["task_id"]
    assert "truncated" not in next(t for t in OPEN.get("/api/v1/tasks").json["items"] if t["id"] == short)


# ---- run ----

def test_run_sync():
    for given, want in (("text", "text"), ({"a": [1, 2.50]}, '{"a":[1,2.5]}'), (7, "7"), (None, ""), ([], "[]"), (True, "true"), ("", "")):
        got = run(OPEN, "echo", input=given)
        equal((got.status, got.json["status"], got.json["result"], got.json["agent_name"]), (200, "completed", want, "echo"))
        assert got.json["task_id"].startswith("api-echo-")
    task = OPEN.task(got.json["task_id"])
    equal((task["trigger"]["type"], task["attempt"], task["status"], task["task_id"]), ("api", 1, "completed", task["id"]))
    assert task["created_at"] <= task["started_at"] <= task["finished_at"] and task["duration_seconds"] >= 0
    for key in ("created_at", "started_at", "finished_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", task[key]), task[key]
    equal([k for k, v in task.items() if v is None], [], "absent is left out")


def test_run_failed_and_timed_out():
    got = run(OPEN, "broken", input="x")
    equal((got.status, got.json["status"]), (500, "failed"))
    assert "exit code 3" in got.json["error"], got
    equal(OPEN.task(got.json["task_id"])["error"]["message"], got.json["error"])
    got = run(OPEN, "slow", timeout="100ms")
    equal((got.status, got.json["status"]), (504, "timeout"))
    equal(OPEN.task(got.json["task_id"])["status"], "running")
    equal(OPEN.post(f"/api/v1/tasks/{got.json['task_id']}/cancel").status, 202)
    OPEN.ended(got.json["task_id"])


def test_run_async():
    got = run(OPEN, "echo", mode="async", input="x")
    equal((got.status, got.json["status"], got.json["agent_name"]), (202, "accepted", "echo"))
    assert got.headers["location"].startswith("/api/v1/tasks/" + got.json["task_id"]), got.headers
    equal(OPEN.ended(got.json["task_id"])["result"], "x")
    equal(OPEN.get(got.headers["location"] if "?" in got.headers["location"] else got.headers["location"] + "/output").status, 200)


def test_run_callback_needs_a_url():
    for url in ("", "x", "file:///etc/passwd", "ftp://127.0.0.1/", "http://", 7, None, [], {}):
        got = run(OPEN, "echo", mode="callback", input="x", callback_url=url)
        equal(got.status, 400, f"callback_url {url}")
        problem(got, 400, "callback_url")
    problem(run(OPEN, "echo", mode="callback"), 400, "callback_url")


def test_run_posts_a_callback_to_where_its_caller_says():
    """Who may call the API is the operator: its URLs are not restricted like those of a webhook's payload."""
    with Receiver() as receiver:
        got = run(OPEN, "echo", input="x", mode="callback", callback_url=receiver.url + "/done")
        equal(got.status, 202)
        told = receiver.wait(1, log=OPEN.log)[0]
        equal((told.path, told.json["task_id"], told.json["status"], told.json["result"]), ("/done", got.json["task_id"], "completed", "x"))
    for url in ("file:///etc/passwd", "not a url", "http://", ""):
        equal(run(OPEN, "echo", mode="callback", callback_url=url).status, 400, f"callback_url {url!r}")


def test_run_refuses_what_it_does_not_know():
    problem(run(OPEN, "echo", mode="later"), 400, "mode")
    problem(run(OPEN, "echo", mode=5), 400, "mode")
    problem(run(OPEN, "echo", timeout="soon"), 400, "timeout")
    problem(run(OPEN, "nosuch"), 404, "nosuch")


def test_the_same_idempotency_key_runs_once():
    key = {"Idempotency-Key": "6f1c-7"}
    first, second = run(OPEN, "echo", key, input="once"), run(OPEN, "echo", key, input="once")
    equal((first.status, second.json["task_id"]), (200, first.json["task_id"]))
    assert second.status in (200, 202), second
    third = run(OPEN, "echo", {"Idempotency-Key": "6f1c-8"}, input="once")
    assert third.json["task_id"] != first.json["task_id"]
    equal(len([t for t in OPEN.items("/api/v1/tasks?agent=echo") if t["input"] == "once"]), 2)


def test_a_full_queue_is_503_with_a_time_to_come_back():
    tasks = []
    try:
        for _ in range(2):
            tasks.append(run(OPEN, "narrow", mode="async").json["task_id"])
            OPEN.wait(lambda: OPEN.task(tasks[0])["status"] == "running")
        got = run(OPEN, "narrow", mode="async")
        problem(got, 503)
        assert int(got.headers["retry-after"]) >= 1
        got = OPEN.post("/webhooks/narrow", {})
        equal((got.status, got.json["reason"], int(got.headers["retry-after"]) >= 1), (503, "queue_full", True))
    finally:
        for task in reversed(tasks):
            OPEN.post(f"/api/v1/tasks/{task}/cancel")
            OPEN.ended(task)


# ---- acting on tasks and deliveries ----

def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def test_cancel():
    pid_file = OPEN.dir / "pid"
    pid_file.unlink(missing_ok=True)
    task = run(OPEN, "slow", mode="async").json["task_id"]
    pid = int(OPEN.wait(lambda: pid_file.exists() and pid_file.read_text().strip()))
    OPEN.wait(lambda: alive(pid) and OPEN.task(task)["status"] == "running")
    got = OPEN.post(f"/api/v1/tasks/{task}/cancel")
    equal((got.status, got.json), (202, {"task_id": task, "status": "accepted"}))
    equal(OPEN.ended(task)["status"], "cancelled")
    OPEN.wait(lambda: not alive(pid), "the program to be ended")
    problem(OPEN.post(f"/api/v1/tasks/{task}/cancel"), 409)
    events = [e["type"] for e in OPEN.get(f"/api/v1/tasks/{task}/events").json["items"]]
    equal((events[0], events[-1]), ("task.started", "task.cancelled"))
    got = OPEN.post(f"/api/v1/tasks/{task}/retry")
    equal(got.status, 202)
    OPEN.wait(lambda: OPEN.task(task)["status"] == "running" and OPEN.task(task)["attempt"] == 2)
    OPEN.post(f"/api/v1/tasks/{task}/cancel")
    equal(OPEN.ended(task)["status"], "cancelled")


def test_cancel_of_a_task_that_waits():
    first = run(OPEN, "narrow", mode="async").json["task_id"]
    OPEN.wait(lambda: OPEN.task(first)["status"] == "running")
    second = run(OPEN, "narrow", mode="async").json["task_id"]
    equal(OPEN.task(second)["status"], "queued")
    equal(OPEN.post(f"/api/v1/tasks/{second}/cancel").status, 202)
    equal(OPEN.ended(second)["status"], "cancelled")
    assert "started_at" not in OPEN.task(second)
    equal(OPEN.task(first)["status"], "running")
    OPEN.post(f"/api/v1/tasks/{first}/cancel")
    equal(OPEN.ended(first)["status"], "cancelled")


def test_a_caller_who_waits_for_a_cancelled_task_is_told():
    answers, before = [], {t["id"] for t in OPEN.items("/api/v1/tasks?agent=slow")}
    waiter = threading.Thread(target=lambda: answers.append(run(OPEN, "slow")))
    waiter.start()
    task = OPEN.wait(lambda: next((t["id"] for t in OPEN.items("/api/v1/tasks?agent=slow&status=running") if t["id"] not in before), None))
    OPEN.post(f"/api/v1/tasks/{task}/cancel")
    waiter.join()
    equal((answers[0].status, answers[0].json["status"]), (500, "cancelled"))


def test_retry():
    task = run(OPEN, "broken").json["task_id"]
    got = OPEN.post(f"/api/v1/tasks/{task}/retry")
    equal((got.status, got.json["task_id"]), (202, task))
    again = OPEN.wait(lambda: (t := OPEN.task(task))["attempt"] == 2 and t["status"] == "failed" and t)
    assert "oops" in again["error"]["message"]
    problem(OPEN.post(f"/api/v1/tasks/{run(OPEN, 'echo', input='x').json['task_id']}/retry"), 409)


def test_output():
    task = run(OPEN, "echo", input="bytes\nas they are").json["task_id"]
    got = OPEN.get(f"/api/v1/tasks/{task}/output")
    equal((got.body, got.headers["content-type"]), (b"bytes\nas they are", "text/plain; charset=utf-8"))
    task = run(OPEN, "slow", mode="async").json["task_id"]
    problem(OPEN.get(f"/api/v1/tasks/{task}/output"), 409)
    OPEN.post(f"/api/v1/tasks/{task}/cancel")
    OPEN.ended(task)


def test_deliveries_are_sent_again_by_id_and_by_filter():
    ok = {"on": False}
    with Receiver(lambda n, r: (200, {}, b"") if ok["on"] else (400, {}, b"no")) as receiver:
        more = f"notifications: [{{id: hook, url: \"{receiver.url}/x\", events: [task.completed]}}, {{id: two, url: \"{receiver.url}/y\", events: [task.completed]}}]\n"
        with Daemon(CONFIG % "" + more) as d:
            tasks = [run(d, "echo", input=f"{n}").json["task_id"] for n in range(3)]
            failed = lambda: d.items("/api/v1/deliveries?status=failed")
            d.wait(lambda: len(failed()) == 6)
            equal(len(d.items("/api/v1/deliveries?receiver=hook")), 3)
            equal(len(d.items(f"/api/v1/deliveries?task_id={tasks[0]}&receiver=two")), 1)
            equal(sorted(d.task(tasks[0])["delivery_ids"]), sorted(i["id"] for i in d.items(f"/api/v1/deliveries?task_id={tasks[0]}")))
            ok["on"] = True
            one = d.items(f"/api/v1/deliveries?task_id={tasks[0]}&receiver=hook")[0]
            shown = d.get("/api/v1/deliveries/" + one["id"]).json
            equal((shown["event"], shown["status"], [a["status_code"] for a in shown["attempts"]]), ("task.completed", "failed", [400]))
            equal(d.post(f"/api/v1/deliveries/{one['id']}/retry").status, 202)
            d.wait(lambda: d.get("/api/v1/deliveries/" + one["id"]).json["status"] == "succeeded")
            equal(len(failed()), 5)
            equal(d.post("/api/v1/deliveries/retry", {"task_id": tasks[1]}).json, {"count": 2})
            d.wait(lambda: len(failed()) == 3)
            equal(d.post("/api/v1/deliveries/retry", {"receiver": "two"}).json, {"count": 2})
            d.wait(lambda: len(failed()) == 1)
            equal(d.post("/api/v1/deliveries/retry", {"since": "0s"}).json, {"count": 0})
            equal(d.post("/api/v1/deliveries/retry", {"since": "1h"}).json, {"count": 1})
            d.wait(lambda: failed() == [])
            problem(d.post("/api/v1/deliveries/retry", {"since": "soon"}), 400, "since")
            by_id = {}
            for r in receiver.got:
                by_id.setdefault(r.headers["x-keryx-delivery-id"], set()).add(r.body)
            equal((len(by_id), {len(bodies) for bodies in by_id.values()}), (6, {1}), "same id, same bytes")


# ---- receipts ----

def test_receipts_show_what_came_and_hide_secrets():
    body = b'{"order": "7"}'
    signature = hmac.new(b"k3y", body, hashlib.sha256).hexdigest()
    got = OPEN.post("/webhooks/signed", body, {"Content-Type": "application/json", "X-Webhook-Signature": signature, "X-Other": "seen", "Authorization": "Bearer hush"})
    equal(got.status, 202)
    receipt = OPEN.get("/api/v1/receipts/" + got.json["receipt_id"]).json
    equal((receipt["route"], receipt["status"], receipt["http_status"], receipt["task_id"], receipt["body"], receipt["remote_address"]),
          ("signed", "accepted", 202, got.json["task_id"], body.decode(), "127.0.0.1"))
    headers = {k.lower(): v for k, v in receipt["headers"].items()}
    equal((headers["x-other"], headers["x-webhook-signature"], headers["authorization"]), ("seen", "***", "***"))
    item = next(r for r in OPEN.items("/api/v1/receipts?route=signed") if r["id"] == receipt["id"])
    assert "headers" not in item and "body" not in item, item


def test_a_flood_of_forged_signatures_is_429_before_the_hmac():
    with Daemon(CONFIG % "") as d:
        statuses = [d.post("/webhooks/signed", {"n": n}, {"X-Webhook-Signature": "00"}).status for n in range(70)]
        equal(statuses[:60], [401] * 60)
        equal(statuses[-1], 429)


# ---- reload ----

GOOD = (CONFIG % "").replace("  off:\n", "  fresh:\n    type: echo\n    trigger: {type: webhook}\n  off:\n")
BAD = GOOD.replace("description:", "descriptoin:")


def test_reload_by_api():
    with Daemon(CONFIG % "") as d:
        equal(d.post("/webhooks/fresh", {}).status, 404)
        d.config.write_text(BAD)
        body = problem(d.post("/api/v1/reload"), 422)
        assert "descriptoin" in body["detail"] and re.search(r"agents\.yaml:\d+:\d+: ", body["detail"]), body
        equal((d.post("/webhooks/fresh", {}).status, run(d, "echo", input="old stays").status), (404, 200))
        d.config.write_text(GOOD)
        got = d.post("/api/v1/reload")
        equal((got.status, got.json["status"]), (200, "reloaded"))
        equal((d.post("/webhooks/fresh", {}).status, run(d, "fresh", input="x").status), (200, 200))
        d.config.write_text(CONFIG % "")
        equal(d.post("/api/v1/reload").status, 200)
        equal((d.post("/webhooks/fresh", {}).status, run(d, "fresh", input="x").status), (404, 404))
        d.config.unlink()
        problem(d.post("/api/v1/reload"), 422)
        equal(run(d, "echo", input="still").status, 200)


def test_reload_by_signal():
    with Daemon(CONFIG % "") as d:
        d.config.write_text(BAD)
        d.process.send_signal(signal.SIGHUP)
        d.wait(lambda: any("descriptoin" in line for line in d.lines), "the errors in the log")
        equal(d.post("/webhooks/fresh", {}).status, 404)
        d.config.write_text(GOOD)
        d.process.send_signal(signal.SIGHUP)
        d.wait(lambda: d.post("/webhooks/fresh", {}).status == 200, "the new route")


def test_reload_tells_what_needs_a_restart():
    with Daemon(CONFIG % "") as d:
        d.config.write_text(GOOD.replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:1"))
        warnings = d.post("/api/v1/reload").json["warnings"]
        assert any("listen" in w and "restart" in w for w in warnings), warnings
        equal(d.get("/health").status, 200)


def test_a_running_task_ends_under_the_configuration_it_began_with():
    with Daemon((CONFIG % "").replace("exec sleep 60", "sleep 1; echo old")) as d:
        task = run(d, "slow", mode="async").json["task_id"]
        d.wait(lambda: d.task(task)["status"] == "running")
        d.config.write_text("\n".join(line for line in (CONFIG % "").replace("  slow:", "  fast:").splitlines()))
        equal(d.post("/api/v1/reload").status, 200)
        equal((d.ended(task)["result"], run(d, "slow").status), ("old", 404))


def test_tokens_change_with_a_reload():
    with Daemon(CONFIG % AUTH) as d:
        d.config.write_text(CONFIG % AUTH.replace("v1ewer-token", "an0ther-token"))
        equal(d.post("/api/v1/reload", None, bearer(TOKENS["admin"])).status, 200)
        equal((d.get("/version", headers=bearer("v1ewer-token")).status, d.get("/version", headers=bearer("an0ther-token")).status), (401, 200))


def test_a_hundred_reloads_under_load_lose_no_request():
    with Daemon(CONFIG % "") as d:
        stop = threading.Event()

        def load(w):
            seen = []
            while not stop.is_set():
                seen.append(d.post("/webhooks/echo", {"w": w}).status)
            return seen
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(load, w) for w in range(3)]
            for n in range(100):
                d.config.write_text(GOOD if n % 2 else CONFIG % "")
                equal(d.post("/api/v1/reload").status, 200)
            stop.set()
            statuses = [s for job in jobs for s in job.result()]
        equal((set(statuses), len(statuses) > 50), ({202}, True))
        d.wait(lambda: all(t["status"] == "completed" for t in d.items("/api/v1/tasks")))
        equal(len(d.items("/api/v1/tasks")), len(statuses))


# ---- listeners ----

def problems_of(text):
    path = OPEN.dir / "other.yaml"
    path.write_text(text)
    return subprocess.run([KERYX, "serve", "--check-config", "-c", str(path)], capture_output=True, text=True, env=OPEN.env, timeout=30)


def test_a_public_listener_needs_auth():
    for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        for text in (CONFIG % "", CONFIG.replace("127.0.0.1:0", "127.0.0.1:0\n  admin_listen: LISTEN") % ""):
            text = text.replace("LISTEN", f'"{listen}"') if "LISTEN" in text else text.replace("127.0.0.1:0", f'"{listen}"')
            done = problems_of(text.replace("    trigger: {type: webhook, response: {mode: async}}", "    trigger: {type: webhook, auth: {mode: none}}"))
            equal(done.returncode, 2, listen)
            assert re.search(r"other\.yaml:\d+:\d+: server\.(admin_)?listen: .*open to others", done.stderr), done.stderr
    done = problems_of((CONFIG % "").replace("127.0.0.1:0", "0.0.0.0:0\n  admin_listen: 127.0.0.1:0"))
    equal(done.returncode, 2, "webhooks without auth on a public listener")
    assert re.search(r"agents\.echo\.trigger.*auth", done.stderr), done.stderr
    text = (CONFIG % AUTH).replace("127.0.0.1:0", "0.0.0.0:0").replace("    trigger: {type: webhook, response: {mode: async}}", "    trigger: {type: webhook, auth: {mode: none}}")
    done = problems_of(text)
    equal((done.returncode, "open to others" in done.stderr), (0, False), done.stderr)


def test_admin_listen_splits():
    with Daemon(CONFIG % "  admin_listen: 127.0.0.1:0") as d:
        public, admin = d.addresses
        ask = lambda address, method, path: request(address, method, path, {} if method == "POST" else None).status
        for method, path, want_public, want_admin in (
                ("GET", "/health", 200, 200), ("POST", "/webhooks/echo", 202, 404), ("GET", "/api/v1/tasks", 404, 200), ("GET", "/metrics", 404, 200),
                ("GET", "/version", 404, 200), ("POST", "/api/v1/reload", 404, 200), ("POST", "/api/v1/agents/echo/run", 404, 200), ("GET", "/", 404, None)):
            equal(ask(public, method, path), want_public, f"public {method} {path}")
            if want_admin:
                equal(ask(admin, method, path), want_admin, f"admin {method} {path}")


def test_admin_listen_leaves_health_alone_to_the_public():
    with Daemon(CONFIG % "  admin_listen: 127.0.0.1:0") as d:
        equal((request(d.addresses[0], "GET", "/ready").status, request(d.addresses[1], "GET", "/ready").status), (404, 200))


def test_a_unix_socket_and_several_listeners():
    with Daemon((CONFIG % "").replace("listen: 127.0.0.1:0", "listen: [127.0.0.1:0, 127.0.0.1:0, \"unix:k.sock\"]")) as d:
        equal(len(d.addresses), 3)
        equal([request(a, "GET", "/health").status for a in d.addresses[:2]], [200, 200])
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(d.dir / "k.sock"))
            s.sendall(b"GET /api/v1/agents HTTP/1.1\r\nHost: whatever\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: s.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]


def test_a_port_in_use_is_told():
    with Daemon((CONFIG % "").replace("127.0.0.1:0", "127.0.0.1:0")) as d:
        d.stop()
        d.config.write_text((CONFIG % "").replace("127.0.0.1:0", OPEN.address))
        done = d.cli("serve", ok=False)
        equal(done.returncode, 1)
        assert OPEN.address in done.stderr, done.stderr
        d.config.write_text(CONFIG % "")
        d.start()


def test_a_second_daemon_on_the_same_store_is_refused():
    with Daemon(CONFIG % "") as d:
        done = d.cli("serve", ok=False)
        equal((done.returncode, "keryx.db" in done.stderr), (1, True), done.stderr)
        equal(d.get("/health").status, 200)


def test_zz_both_stop_cleanly():
    OPEN.stop()
    SAFE.stop()


main(sys.modules[__name__])
