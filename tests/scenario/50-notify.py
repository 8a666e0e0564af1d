#!/usr/bin/env python3
"""Notifications: payloads, templates, retries with the same bytes, what a dead receiver costs."""
import hashlib, hmac, json, sys, time

from fixture import Daemon, Receiver, equal, free_port, main, wait


def config(url, more="", agent="{type: echo, trigger: {type: webhook}}", retry="{max_attempts: 5, initial_delay: 50ms, max_delay: 200ms}"):
    return f"""
server: {{listen: 127.0.0.1:0}}
agents:
  worker:
    type: echo
    trigger: {{type: webhook}}
    notifications:
      - id: hook
        url: {url}
        events: [task.started, task.completed, task.failed]
        retry: {retry}
{more}
"""


def test_default_payload_and_headers():
    with Receiver() as receiver, Daemon(config(receiver.url + "/n")) as d:
        answer = d.post("/webhooks/worker", {"a": 1}).json
        started, completed = receiver.wait(2, log=d.log)
        equal(started.json["type"], "task.started")
        body = completed.json
        equal((body["type"], body["agent_name"], body["task_id"], body["status"]), ("task.completed", "worker", answer["task_id"], "completed"))
        equal((body["result"], body["trigger"]), ('{"a":1}', "webhook"))
        assert body["timestamp"].endswith("Z") and body["duration_seconds"] >= 0, body
        headers = completed.headers
        assert headers["user-agent"].startswith("keryx/"), headers
        equal((headers["content-type"], headers["x-keryx-event"], headers["x-keryx-attempt"]), ("application/json", "task.completed", "1"))
        equal(headers["idempotency-key"], headers["x-keryx-delivery-id"])
        assert started.headers["x-keryx-delivery-id"] != headers["x-keryx-delivery-id"]


def test_payload_template_stays_valid_json_whatever_the_result_says():
    more = """        headers: {X-Team: "{{ .AgentName }}", Authorization: "Bearer tok"}
        auth: {type: hmac, secret: k3y}
        payload:
          template: |
            {"text": "Agent {{ .AgentName }} {{ .Status }}: {{ .Result }}",
             "color": "{{ if eq .Status \\"completed\\" }}good{{ else }}danger{{ end }}", "all": {{ toJson . }}}
"""
    with Receiver() as receiver, Daemon(config(receiver.url, more)) as d:
        nasty = 'quote " backslash \\ newline \n and "}, "channel": "#general'
        d.post("/webhooks/worker", nasty.encode(), {"Content-Type": "text/plain"})
        completed = receiver.wait(2, log=d.log)[1]
        equal(completed.json["text"], f"Agent worker completed: {nasty}")
        equal(sorted(completed.json), ["all", "color", "text"])
        equal((completed.json["color"], completed.json["all"]["status"]), ("good", "completed"))
        equal((completed.headers["x-team"], completed.headers["authorization"]), ("worker", "Bearer tok"))
        equal(completed.headers["x-keryx-signature"], "sha256=" + hmac.new(b"k3y", completed.body, hashlib.sha256).hexdigest())


def test_retries_have_the_same_id_and_bytes():
    fails = lambda n, r: (503, {}, b"later") if r.headers["x-keryx-event"] == "task.completed" and int(r.headers["x-keryx-attempt"]) < 4 else (200, {}, b"")
    with Receiver(fails) as receiver, Daemon(config(receiver.url)) as d:
        d.post("/webhooks/worker", {"a": 1})
        tries = wait(lambda: len(t := [r for r in receiver.got if r.headers["x-keryx-event"] == "task.completed"]) == 4 and t, log=d.log)
        equal(len({(t.headers["x-keryx-delivery-id"], t.body) for t in tries}), 1)
        equal([t.headers["x-keryx-attempt"] for t in tries], ["1", "2", "3", "4"])
        item = d.wait(lambda: next((i for i in d.items("/api/v1/deliveries") if i["status"] == "succeeded" and i["event"] == "task.completed"), None))
        attempts = d.get("/api/v1/deliveries/" + item["id"]).json["attempts"]
        equal([a.get("status_code") for a in attempts], [503, 503, 503, 200])
        equal(attempts[0]["response_excerpt"], "later")


def test_final_answers_are_not_retried_and_exhausted_ones_are_dead_letters():
    codes = {"/400": (400, {}, b"no"), "/302": (302, {"Location": "http://127.0.0.1:1/"}, b""), "/410": (410, {}, b"gone"), "/500": (500, {}, b"")}
    with Receiver(lambda n, r: codes[r.path]) as receiver:
        for path, tries in (("/400", 1), ("/302", 1), ("/410", 1), ("/500", 3)):
            with Daemon(config(receiver.url + path, retry="{max_attempts: 3, initial_delay: 20ms}").replace("task.started, ", "")) as d:
                d.post("/webhooks/worker", {})
                item = d.wait(lambda: next((i for i in d.items("/api/v1/deliveries") if i["status"] == "failed"), None))
                equal(len(d.get("/api/v1/deliveries/" + item["id"]).json["attempts"]), tries, path)
                equal(item["last_error"] != "", True)


def test_network_errors_are_retried_until_the_receiver_is_back():
    port = free_port()
    with Daemon(config(f"http://127.0.0.1:{port}/x", retry="{max_attempts: 50, initial_delay: 50ms, max_delay: 100ms}")) as d:
        d.post("/webhooks/worker", {})
        d.wait(lambda: sum(i["attempt_count"] for i in d.items("/api/v1/deliveries")) >= 2)
        with Receiver(port=port) as receiver:
            receiver.wait(2, log=d.log)
            equal([r.headers["x-keryx-event"] for r in receiver.got], ["task.started", "task.completed"])
        attempts = d.get("/api/v1/deliveries/" + d.items("/api/v1/deliveries")[-1]["id"]).json["attempts"]
        equal(attempts[0]["error_type"], "CONNECTION_REFUSED")


def test_a_hanging_receiver_does_not_delay_the_others():
    with Receiver(lambda n, r: "hang") as dead, Receiver() as alive:
        more = f"""        timeout: 20s
      - {{id: other, url: "{alive.url}", events: [task.completed]}}
"""
        with Daemon(config(dead.url, more)) as d:
            for n in range(20):
                d.post("/webhooks/worker", {"n": n})
            alive.wait(20, log=d.log)
            dead.close()


def test_retry_after_kill_happens_when_it_was_due():
    failing = {"on": True}
    with Receiver(lambda n, r: (503, {}, b"") if failing["on"] else (200, {}, b"")) as receiver:
        text = config(receiver.url, retry="{max_attempts: 4, initial_delay: 3s, jitter: 0}").replace("task.started, ", "")
        with Daemon(text) as d:
            d.post("/webhooks/worker", {"a": 1})
            receiver.wait(1, log=d.log)
            due = d.wait(lambda: next((i["next_attempt_at"] for i in d.items("/api/v1/deliveries") if i["status"] == "retrying"), None))
            d.kill()
            failing["on"] = False
            d.start()
            second = receiver.wait(2, log=d.log)[1]
            first = receiver.got[0]
            equal((second.headers["x-keryx-delivery-id"], second.body), (first.headers["x-keryx-delivery-id"], first.body))
            equal(second.headers["x-keryx-attempt"], "2")
            import datetime
            due_at = datetime.datetime.fromisoformat(due.replace("Z", "+00:00")).timestamp()
            assert second.at >= due_at - 0.01, f"too early: {due_at - second.at} s"


def test_redelivery_by_hand():
    ok = {"on": False}
    with Receiver(lambda n, r: (200, {}, b"") if ok["on"] else (400, {}, b"")) as receiver, Daemon(config(receiver.url)) as d:
        d.post("/webhooks/worker", {})
        d.wait(lambda: len([i for i in d.items("/api/v1/deliveries") if i["status"] == "failed"]) == 2)
        ok["on"] = True
        equal(d.cli("deliveries", "retry", "--failed").stdout.strip(), "count: 2")
        d.wait(lambda: len([i for i in d.items("/api/v1/deliveries") if i["status"] == "succeeded"]) == 2)
        equal(len({r.headers["x-keryx-delivery-id"] for r in receiver.got}), 2)


main(sys.modules[__name__])
