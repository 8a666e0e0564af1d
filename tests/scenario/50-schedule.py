#!/usr/bin/env python3
"""Schedules: they fire, once per due time, across restarts."""
import sys, time

from fixture import Daemon, equal, main

CONFIG = """
server: {{listen: 127.0.0.1:0}}
agents:
  tick:
    type: echo
    trigger: {{type: schedule, cron: "{cron}", name: ticker, input: "due {{{{ .scheduled_at }}}} missed {{{{ .missed_count }}}}", {more}}}
  other:
    type: echo
    trigger: {{type: schedule, every: 30d}}
"""


def due_times(d):
    return sorted(t["scheduled_at"] for t in d.items("/api/v1/tasks?agent=tick"))


def test_every_second_fires_once_per_due_time():
    with Daemon(CONFIG.format(cron="* * * * * *", more="overlap: allow")) as d:
        d.wait(lambda: len(due_times(d)) >= 3)
        times = due_times(d)
        equal(len(times), len(set(times)))
        task = d.items("/api/v1/tasks?agent=tick")[-1]
        equal(d.ended(task["id"])["result"], f"due {task['scheduled_at']} missed 0")
        equal((task["trigger"]["type"], task["trigger"]["name"]), ("schedule", "ticker"))
        assert task["id"].startswith("schedule-tick-"), task["id"]


def test_what_was_missed_while_down_runs_once_and_is_told():
    with Daemon(CONFIG.format(cron="* * * * * *", more="misfire: once")) as d:
        d.wait(lambda: len(due_times(d)) >= 1)
        d.kill()
        before = time.time()
        time.sleep(3.2)
        d.start()
        results = d.wait(lambda: [r for t in d.items("/api/v1/tasks?agent=tick") if t["status"] == "completed"
                                  for r in [t.get("result", "")] if not r.endswith("missed 0")])
        assert int(results[0].rsplit(" ", 1)[1]) >= 2, results
        times = due_times(d)
        equal(len(times), len(set(times)), "a due time ran twice")
        assert time.time() - before > 3


def test_misfire_all_runs_the_newest_in_order():
    with Daemon(CONFIG.format(cron="* * * * * *", more="misfire: all, misfire_max: 3")) as d:
        d.wait(lambda: len(due_times(d)) >= 1)
        d.kill()
        time.sleep(6)
        d.start()
        d.wait(lambda: len(due_times(d)) >= 5)
        made = [t for t in reversed(d.items("/api/v1/tasks?agent=tick"))]
        equal([t["scheduled_at"] for t in made], sorted(t["scheduled_at"] for t in made), "oldest first")


def test_schedules_are_listed_with_their_next_times():
    with Daemon(CONFIG.format(cron="0 9 * * 1-5", more="timezone: America/New_York")) as d:
        items = {s["name"]: s for s in d.get("/api/v1/schedules").json["items"]}
        equal((items["ticker"]["cron"], items["ticker"]["timezone"], len(items["ticker"]["next"])), ("0 9 * * 1-5", "America/New_York", 5))
        assert all(t.endswith(("13:00:00.000000Z", "14:00:00.000000Z")) for t in items["ticker"]["next"]), items["ticker"]
        equal(len(items["other"]["next"]), 5)
        assert "ticker" in d.cli("schedule", "list").stdout


def test_a_reload_keeps_what_has_fired():
    with Daemon(CONFIG.format(cron="* * * * * *", more="overlap: allow")) as d:
        d.wait(lambda: len(due_times(d)) >= 2)
        equal(d.post("/api/v1/reload").status, 200)
        n = len(due_times(d))
        d.wait(lambda: len(due_times(d)) >= n + 2)
        times = due_times(d)
        equal(len(times), len(set(times)))


main(sys.modules[__name__])
