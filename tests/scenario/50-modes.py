#!/usr/bin/env python3
"""Webhooks: every response mode and every answer of the table in the documentation."""
import base64, hashlib, hmac, json, sys

from fixture import Daemon, Receiver, equal, main, request, sign_github, wait

CONFIG = """
server:
  listen: 127.0.0.1:0
agents:
  echo:
    type: echo
    trigger: {type: webhook}
  slow:
    command: sleep 3
    trigger: {type: webhook, response: {mode: sync, timeout: 200ms}}
  broken:
    command: echo oops >&2; exit 3
    trigger: {type: webhook}
  async:
    type: echo
    trigger: {type: webhook, response: {mode: async}}
  github:
    type: echo
    trigger:
      type: webhook
      path: /hooks/github
      methods: [POST, PUT]
      secret: s3cret
      signature_header: X-Hub-Signature-256
      source: github
      events: [issues.opened, "pull_request.*"]
      response: {mode: async}
      webhook_input:
        extract_fields: [{path: .body.issue.number, as: number}]
        template: "{{ .headers.X-GitHub-Event }} #{{ .fields.number }} by {{ .body.sender.login }}"
  filtered:
    type: echo
    trigger:
      type: webhook
      filter: '{{ and (eq .body.action "opened") (not .body.draft) }}'
      webhook_input: {template: "{{ .body.text }}"}
  small:
    type: echo
    trigger: {type: webhook, max_body_bytes: 1KiB}
  limited:
    type: echo
    trigger: {type: webhook, rate_limit: {per_minute: 60, burst: 2}}
  callback:
    type: echo
    trigger:
      type: webhook
      secret: signs-callbacks-too
      response: {mode: callback, callback_field: callback_url, allow_private: [127.0.0.0/8]}
  guarded:
    type: echo
    trigger: {type: webhook, response: {mode: callback, callback_field: reply.url}}
  off:
    type: echo
    trigger: {type: webhook, enabled: false}
"""

DAEMON = Daemon(CONFIG).start()


def test_sync_returns_the_agents_real_output():
    answer = DAEMON.post("/webhooks/echo", {"a": 1, "big": 12345678901234567890})
    equal(answer.status, 200)
    equal(answer.headers["content-type"], "application/json")
    got = answer.json
    equal(got["status"], "completed")
    equal(got["result"], '{"a":1,"big":12345678901234567890}')
    equal(got["agent_name"], "echo")
    assert got["task_id"].startswith("webhook-echo-") and got["receipt_id"], got
    task = DAEMON.task(got["task_id"])
    equal((task["status"], task["attempt"], task["trigger"]), ("completed", 1, {"type": "webhook", "name": "echo"}))


def test_sync_failure_is_500_with_the_reason():
    answer = DAEMON.post("/webhooks/broken", {})
    equal(answer.status, 500)
    equal(answer.json["status"], "failed")
    assert "exit code 3" in answer.json["error"] and "oops" in answer.json["error"], answer


def test_sync_timeout_is_504_and_the_task_goes_on():
    answer = DAEMON.post("/webhooks/slow", {})
    equal(answer.status, 504)
    equal(answer.json["status"], "timeout")
    equal(DAEMON.ended(answer.json["task_id"])["status"], "completed")


def test_async_is_202_with_a_location_that_opens_the_task():
    answer = DAEMON.post("/webhooks/async", {"x": [1, 2]})
    equal(answer.status, 202)
    equal(answer.json["status"], "accepted")
    location = answer.headers["location"]
    assert location.startswith(f"/api/v1/tasks/{answer.json['task_id']}?key="), location
    task = DAEMON.wait(lambda: (t := DAEMON.get(location).json)["status"] == "completed" and t)
    equal(task["result"], '{"x":[1,2]}')
    equal(DAEMON.get("/api/v1/receipts/" + answer.json["receipt_id"]).json["task_id"], task["id"])


def test_prefer_respond_async_turns_sync_into_async():
    answer = DAEMON.post("/webhooks/echo", {}, {"Prefer": "respond-async"})
    equal((answer.status, answer.json["status"]), (202, "accepted"))


def github(event, body, secret="s3cret", delivery=None, method="POST", **headers):
    raw = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-GitHub-Event": event, "X-Hub-Signature-256": sign_github(secret, raw),
               "X-GitHub-Delivery": delivery or hashlib.sha1(raw).hexdigest(), **headers}
    return DAEMON.request(method, "/hooks/github", raw, headers)


ISSUE = {"action": "opened", "issue": {"number": 7}, "sender": {"login": "ada"}}


def test_github_signature_template_and_fields():
    answer = github("issues", ISSUE)
    equal(answer.status, 202)
    equal(DAEMON.ended(answer.json["task_id"])["result"], "issues #7 by ada")


def test_forged_signature_is_401_and_tells_nothing():
    for headers in ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, {"X-Hub-Signature-256": "sha1=00"}, {"X-Hub-Signature-256": ""}):
        answer = github("issues", ISSUE, **headers)
        equal((answer.status, answer.json["status"], answer.json["reason"]), (401, "rejected", "signature"))
        assert answer.json["request_id"] and "s3cret" not in answer.body.decode()
    equal(github("issues", ISSUE, secret="other").status, 401)


def test_signature_forms_of_the_short_form():
    raw = json.dumps({**ISSUE, "form": "base64"}).encode()
    mac = hmac.new(b"s3cret", raw, hashlib.sha256)
    for n, value in enumerate((mac.hexdigest(), mac.hexdigest().upper(), base64.b64encode(mac.digest()).decode())):
        headers = {"Content-Type": "application/json", "X-GitHub-Event": "issues", "X-Hub-Signature-256": value, "X-GitHub-Delivery": f"form-{n}"}
        equal(DAEMON.post("/hooks/github", raw, headers).status, 202, value)


def test_event_filter_fails_closed():
    equal(github("issues", {**ISSUE, "action": "closed"}).json["status"], "filtered")
    equal(github("push", {"ref": "main"}).json["status"], "filtered")
    equal(github("pull_request", {"action": "labeled", "sender": {"login": "x"}}).status, 202)


def test_the_same_delivery_id_runs_once():
    first = github("issues", {**ISSUE, "n": 1}, delivery="same-id")
    second = github("issues", {**ISSUE, "n": 1}, delivery="same-id")
    equal((second.status, second.json["status"], second.json["task_id"]), (200, "deduplicated", first.json["task_id"]))


def test_github_ping_is_answered_without_a_task():
    equal(github("ping", {"zen": "x", "hook_id": 1}).status, 200)


def test_methods_and_paths():
    answer = DAEMON.request("DELETE", "/hooks/github")
    equal((answer.status, answer.json["reason"]), (405, "method"))
    equal(sorted(m.strip() for m in answer.headers["allow"].split(",")), ["POST", "PUT"])
    equal(github("issues", {**ISSUE, "via": "PUT"}, method="PUT").status, 202)
    answer = DAEMON.post("/webhooks/nosuch", {})
    equal((answer.status, answer.json["reason"]), (404, "not_found"))
    equal(DAEMON.post("/webhooks/off", {}).status, 404)


def test_filter_template_and_empty_input():
    post = lambda body: DAEMON.post("/webhooks/filtered", body)
    equal(post({"action": "opened", "text": "hi"}).json["result"], "hi")
    equal(post({"action": "opened", "draft": True, "text": "hi"}).json["status"], "filtered")
    equal(post({"action": "opened", "text": "  "}).json["status"], "filtered")
    equal(post({"nothing": 1}).json["status"], "filtered")


def test_sizes():
    equal(DAEMON.post("/webhooks/small", b"x" * 1024, {"Content-Type": "text/plain"}).status, 200)
    answer = DAEMON.post("/webhooks/small", b"x" * 1025, {"Content-Type": "text/plain"})
    equal((answer.status, answer.json["reason"]), (413, "too_large"))


def test_bodies_of_every_shape():
    post = lambda body, kind: DAEMON.post("/webhooks/echo", body, {"Content-Type": kind} if kind else {})
    for body, kind, want in (
            (b'[1, 2]', "application/json", "[1,2]"),
            (b'"text"', "application/json", "text"),
            (b'7', "application/json", "7"),
            (b'a=1&b=two+words&a=2', "application/x-www-form-urlencoded", '{"a":["1","2"],"b":"two words"}'),
            (b'{"curl": "-d"}', "application/x-www-form-urlencoded", '{"curl":"-d"}'),
            (b'payload=%7B%22zen%22%3A1%7D', "application/x-www-form-urlencoded", '{"zen":1}'),
            (b'plain  text\n', "text/plain", "plain  text\n"),
            (b'', None, ""),
    ):
        answer = post(body, kind)
        equal((answer.status, answer.json["result"]), (200, want), f"{kind} {body}")
    answer = post(b'{"broken":', "application/json")
    equal((answer.status, answer.json["reason"]), (400, "malformed"))
    equal(post(b"--x\r\n", "multipart/form-data; boundary=x").status, 415)
    equal(DAEMON.post("/webhooks/echo", b"zz", {"Content-Encoding": "br", "Content-Type": "application/json"}).status, 415)


def test_rate_limit_with_retry_after():
    statuses = [DAEMON.post("/webhooks/limited", {}).status for _ in range(4)]
    equal(statuses[:2], [200, 200])
    answer = DAEMON.post("/webhooks/limited", {})
    equal((answer.status, answer.json["reason"]), (429, "rate"))
    assert int(answer.headers["retry-after"]) >= 1


def callback_post(body):
    raw = json.dumps(body).encode()
    signature = hmac.new(b"signs-callbacks-too", raw, hashlib.sha256).hexdigest()
    return DAEMON.post("/webhooks/callback", raw, {"Content-Type": "application/json", "X-Webhook-Signature": signature})


def test_callback_is_a_signed_durable_delivery():
    with Receiver() as receiver:
        answer = callback_post({"callback_url": receiver.url + "/done", "n": 5})
        equal((answer.status, answer.json["status"]), (202, "accepted"))
        got = receiver.wait(1, log=DAEMON.log)[0]
        equal(got.path, "/done")
        equal(got.json["task_id"], answer.json["task_id"])
        equal((got.json["status"], got.json["agent_name"]), ("completed", "callback"))
        equal(json.loads(got.json["result"])["n"], 5)
        want = "sha256=" + hmac.new(b"signs-callbacks-too", got.body, hashlib.sha256).hexdigest()
        equal(got.headers["x-keryx-signature"], want)
        task = DAEMON.wait(lambda: (t := DAEMON.task(answer.json["task_id"]))["delivery_ids"] and t)
        DAEMON.wait(lambda: DAEMON.get("/api/v1/deliveries/" + task["delivery_ids"][0]).json["status"] == "succeeded")


def test_callback_urls_of_a_payload_are_guarded():
    for url in ("http://127.0.0.1:1/", "http://localhost:1/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest",
                "file:///etc/passwd", "not a url", None):
        answer = DAEMON.post("/webhooks/guarded", {"reply": {"url": url}})
        if url == "http://localhost:1/":  # a name is judged when it is connected to
            equal(answer.status, 202)
            delivery = DAEMON.wait(lambda: (d := DAEMON.items("/api/v1/deliveries?task_id=" + answer.json["task_id"])) and
                                   d[0]["status"] == "failed" and d[0])
            attempts = DAEMON.get("/api/v1/deliveries/" + delivery["id"]).json["attempts"]
            equal(attempts[0]["error_type"], "BLOCKED_ADDRESS")
        else:
            equal((answer.status, answer.json["reason"]), (400, "malformed"), url)


def test_a_caller_that_hangs_up_kills_nothing():
    import socket
    host, port = DAEMON.address.split(":")
    before = {t["id"] for t in DAEMON.items("/api/v1/tasks?agent=slow")}
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b"POST /webhooks/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    new = DAEMON.wait(lambda: [t for t in DAEMON.items("/api/v1/tasks?agent=slow") if t["id"] not in before])
    equal(DAEMON.ended(new[0]["id"])["status"], "completed")


def test_zz_stops_cleanly():
    DAEMON.stop()


main(sys.modules[__name__])
