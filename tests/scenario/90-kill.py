#!/usr/bin/env python3
"""kill -9 under load: no acknowledged task is lost, none that had finished runs again, due times fire once."""
import concurrent.futures, random, sys, threading, time

from fixture import Daemon, Receiver, equal, main, wait

CONFIG = """
server: {listen: 127.0.0.1:0}
agents:
  worker:
    command: ["/bin/sh", "-c", "cat >> \\"$HOME/ran\\"; echo >> \\"$HOME/ran\\""]
    max_concurrent: 4
    trigger: {type: webhook, response: {mode: async}, dedup: {key: "{{ .body.id }}"}}
    notifications: [{id: hook, url: "%s", events: [task.completed], retry: {max_attempts: 20, initial_delay: 50ms, max_delay: 500ms}}]
  echo:
    type: echo
    trigger: {type: webhook, response: {mode: async}, input: ticked}
"""


def test_no_acknowledged_task_is_lost_over_eight_kills():
    acknowledged, lock, stop = {}, threading.Lock(), threading.Event()
    with Receiver() as receiver, Daemon(CONFIG % receiver.url) as d:
        def load(worker):
            n = 0
            while not stop.is_set() and n < 400:
                n += 1
                agent = "worker" if n % 4 == 0 else "echo"
                try:
                    answer = d.post(f"/webhooks/{agent}", {"id": f"{worker}-{n}"}, timeout=5)
                except Exception:
                    time.sleep(0.02)
                    continue
                if answer.status == 202:
                    with lock:
                        acknowledged[answer.json["task_id"]] = agent
        chance = random.Random(8)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(load, w) for w in range(4)]
            for _ in range(8):
                time.sleep(chance.uniform(0.15, 0.7))
                d.kill()
                d.start()
            stop.set()
            for job in jobs:
                job.result()
        assert len(acknowledged) > 50, f"only {len(acknowledged)} were accepted: no load"
        d.wait(lambda: all(t["status"] == "completed" for t in d.items("/api/v1/tasks")), "all tasks to be completed", 120)
        tasks = {t["id"]: t for t in d.items("/api/v1/tasks")}
        equal([i for i in acknowledged if i not in tasks], [], "acknowledged tasks that are gone")
        workers = [i for i, t in tasks.items() if t["agent_name"] == "worker"]
        told = lambda: {r.json["task_id"] for r in receiver.got}
        d.wait(lambda: set(workers) <= told(), "every completion to be told", 60)
        # A finished task is not run again: one completion a task, however often it was sent.
        deliveries = d.items("/api/v1/deliveries")
        equal(len({x["task_id"] for x in deliveries}), len(deliveries), "tasks that completed twice")
        print(f"     {len(acknowledged)} acknowledged, {len(tasks)} kept, {sum(t['attempt'] - 1 for t in tasks.values())} interrupted runs, "
              f"{len(receiver.got)} deliveries for {len(workers)} completions")


def test_a_task_that_ran_when_keryx_died_runs_again_once():
    config = """
server: {listen: 127.0.0.1:0}
agents:
  slow:
    command: ["/bin/sh", "-c", "echo start >> $HOME/ran; sleep 1; echo end >> $HOME/ran"]
    trigger: {type: webhook, response: {mode: async}}
"""
    with Daemon(config) as d:
        task = d.post("/webhooks/slow", {}).json["task_id"]
        ran = d.dir / "ran"
        d.wait(lambda: ran.exists() and ran.read_text().count("start") == 1)
        d.kill()
        d.start()
        got = d.ended(task)
        equal((got["status"], got["attempt"]), ("completed", 2))
        equal(ran.read_text().split(), ["start", "start", "end"], "the first run's tree was left running")


def test_sigterm_gives_running_tasks_back_and_a_restart_finishes_them():
    config = """
server: {listen: 127.0.0.1:0, drain_timeout: 300ms}
agents:
  slow:
    command: ["/bin/sh", "-c", "sleep 2; echo done"]
    limits: {grace: 200ms}
    trigger: {type: webhook, response: {mode: async}}
"""
    with Daemon(config) as d:
        task = d.post("/webhooks/slow", {}).json["task_id"]
        d.wait(lambda: d.task(task)["status"] == "running")
        d.stop()
        d.start()
        got = d.ended(task)
        equal((got["status"], got["result"]), ("completed", "done"))


main(sys.modules[__name__])
