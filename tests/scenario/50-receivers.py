#!/usr/bin/env python3
"""Receivers and models that hang, cut, drip, flood and lie: each costs its own deadline and bounded memory, nobody else
notices, and what became of every attempt is told."""
import contextlib, datetime, json, os, socket, ssl, struct, subprocess, sys, tempfile, threading, time

from fixture import PATIENCE, Daemon, Receiver, Skip, equal, free_port, main, wait

MIB = 1 << 20
TIMEOUT = 1.0  # of each delivery below, in seconds


class Hostile:
    """A TCP server that does `behave(socket)` with every connection, after it has read a whole request if `listens`."""

    def __init__(self, behave, listens=True, tls=None):
        self.behave, self.listens, self.tls, self.seen, self.sent = behave, listens, tls, 0, 0
        self.closing = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/x"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.closing.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        while not self.closing.is_set():
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        with contextlib.suppress(OSError, ValueError), s:
            s.settimeout(PATIENCE)
            if self.tls:
                s = self.tls.wrap_socket(s, server_side=True)
            if self.listens:
                read_request(s)
            self.behave(self, s)

    def flood(self, s, piece, total=1 << 30):
        """Sends the piece again and again, up to total bytes, until the other side has enough."""
        while self.sent < total and not self.closing.is_set():
            s.sendall(piece)
            self.sent += len(piece)


def read_request(s):
    data = b""
    while b"\r\n\r\n" not in data:
        got = s.recv(65536)
        if not got:
            raise ValueError("no request")
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(next((l.split(b":")[1] for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:")), 0))
    while len(body) < length:
        body += s.recv(65536)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def says(text, then=None):
    """Sends bytes, then resets, hangs, or just closes."""
    def behave(h, s):
        s.sendall(text.encode("latin-1") if isinstance(text, str) else text)
        if then == "reset":
            time.sleep(0.05)  # lets the bytes arrive before the reset drops them
            reset(s)
        elif then == "hang":
            h.closing.wait(PATIENCE)
    return behave


def drips(text, again):
    """One byte every 50 ms: `text`, then `again` without end."""
    def behave(h, s):
        while not h.closing.is_set():
            for byte in text:
                s.sendall(bytes([byte]))
                if h.closing.wait(0.05):
                    return
            text_ = again
            for byte in iter(lambda: text_, None):
                for b in byte:
                    s.sendall(bytes([b]))
                    if h.closing.wait(0.05):
                        return
    return behave


OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GARBAGE = bytes(range(256)) * 4
NETWORK = {"CONNECTION_RESET", "HTTP_ERROR", "TIMEOUT"}

BEHAVIOURS = {  # name: (behave, listens, error types that are right; None: a success)
    "reset when it connects": (lambda h, s: reset(s), False, {"CONNECTION_RESET", "CONNECTION_REFUSED"}),
    "reset when it has asked": (lambda h, s: reset(s), True, {"CONNECTION_RESET"}),
    "closes without a word": (says(""), True, {"CONNECTION_RESET"}),
    "half a status line, reset": (says("HTTP/1.1 2", "reset"), True, NETWORK),
    "half a status line, closed": (says("HTTP/1.1 2"), True, NETWORK),
    "half the headers, reset": (says("HTTP/1.1 200 OK\r\nX-A: b\r\nX-", "reset"), True, NETWORK),
    "never reads": (says("", "hang"), False, {"TIMEOUT"}),
    "never answers": (says("", "hang"), True, {"TIMEOUT"}),
    "half a status line, hangs": (says("HTTP/1.1 200", "hang"), True, {"TIMEOUT"}),
    "half the headers, hangs": (says("HTTP/1.1 200 OK\r\nContent-Le", "hang"), True, {"TIMEOUT"}),
    "only 100 Continue": (says("HTTP/1.1 100 Continue\r\n\r\n", "hang"), True, {"TIMEOUT"}),
    "drips its headers": (drips(b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n"), True, {"TIMEOUT"}),
    "headers without end": (lambda h, s: (s.sendall(b"HTTP/1.1 200 OK\r\n"), h.flood(s, b"X-Header: value of no use\r\n" * 1000)), True, NETWORK),
    "a header without end": (lambda h, s: (s.sendall(b"HTTP/1.1 200 OK\r\nX: "), h.flood(s, b"y" * 65536)), True, NETWORK),
    "a status line without end": (lambda h, s: (s.sendall(b"HTTP/1.1 200 "), h.flood(s, b"y" * 65536)), True, NETWORK),
    "100 Continue without end": (lambda h, s: h.flood(s, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), True, NETWORK),
    "garbage": (says(GARBAGE), True, NETWORK),
    "garbage before it is asked": (says(GARBAGE, "hang"), False, NETWORK),
    "another protocol": (says("SSH-2.0-OpenSSH_9.2\r\n", "hang"), True, NETWORK),
    "HTTP/0.9": (says("<html>hello</html>"), True, NETWORK),
    "a status that is none": (says("HTTP/1.1 abc OK\r\n\r\n"), True, NETWORK),
    "status 99": (says("HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"), True, NETWORK),
    "status 999": (says("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), True, {"HTTP_ERROR"}),
    "a negative length": (says("HTTP/1.1 500 No\r\nContent-Length: -5\r\n\r\n"), True, NETWORK),
    "an error cut off": (says("HTTP/1.1 503 Busy\r\nContent-Length: 500\r\n\r\nab"), True, NETWORK),
    "an error that drips": (drips(b"HTTP/1.1 503 Busy\r\nContent-Length: 999999\r\n\r\n", b"x"), True, {"HTTP_ERROR", "TIMEOUT"}),
    "moved": (says("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), True, {"HTTP_ERROR"}),
    "moved to itself": (says("HTTP/1.1 307 Again\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), True, {"HTTP_ERROR"}),
    "a gigabyte": (lambda h, s: (s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"), h.flood(s, b"x" * 65536)), True, None),
    "a gigabyte of error": (lambda h, s: (s.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n"), h.flood(s, b"x" * 65536)), True, {"HTTP_ERROR", "TIMEOUT"}),
    "chunks without end": (lambda h, s: (s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), h.flood(s, b"8000\r\n" + b"x" * 32768 + b"\r\n")), True, None),
    "chunk extensions without end": (lambda h, s: (s.sendall(b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n5;"), h.flood(s, b"e" * 65536)), True, NETWORK),
    "closes its success early": (says("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nab"), True, None),
    "bytes behind its answer": (says(OK + OK + "rubbish"), True, None),
    "no length at all": (says("HTTP/1.1 200 OK\r\n\r\nuntil the end"), True, None),
    "HTTP/1.0": (says("HTTP/1.0 200 OK\r\n\r\n"), True, None),
    "202 and a body of NULs": (says(b"HTTP/1.1 202 Fine\r\nContent-Length: 5\r\n\r\n\0\xff\x80\r\n"), True, None),
    "gzip that is none": (says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"), True, None),
}


def config(receivers, more="", server="listen: 127.0.0.1:0"):
    """receivers: name → url and further keys."""
    lines = [f"server: {{{server}}}", "agents:", "  worker:", "    type: echo", "    trigger: {type: webhook}", "    notifications:"]
    for name, (url, keys) in receivers.items():
        keys = keys or f"timeout: {int(TIMEOUT * 1000)}ms, retry: {{max_attempts: 2, initial_delay: 30ms, jitter: 0}}"
        lines.append(f"      - {{id: {name}, url: \"{url}\", events: [task.completed], {keys}}}")
    return "\n".join(lines) + "\n" + more


def settled(d, n, patience=PATIENCE * 2):
    """All deliveries once all n are final."""
    def final():
        items = d.items("/api/v1/deliveries")
        return len(items) == n and all(i["status"] in ("succeeded", "failed") for i in items) and items
    return d.wait(final, f"{n} deliveries to be settled", patience)


def frugal(config):
    """A daemon whose sanitizer, if it has one, does not keep what was freed."""
    d = Daemon(config)
    d.env["ASAN_OPTIONS"] = ":".join(filter(None, (d.env.get("ASAN_OPTIONS"), "quarantine_size_mb=4")))
    return d


def memory_bound(d):
    """What a flood may cost. A sanitizer's shadow and redzones cost as much again, and more."""
    with open(f"/proc/{d.process.pid}/status") as f:
        virtual = int(next(l for l in f if l.startswith("VmSize:")).split()[1]) * 1024
    return 300 * MIB if virtual > 1 << 40 else 64 * MIB


def peak(d):
    with open(f"/proc/{d.process.pid}/status") as f:
        return int(next(l for l in f if l.startswith("VmHWM:")).split()[1]) * 1024


def descriptors(d):
    return len(os.listdir(f"/proc/{d.process.pid}/fd"))


def test_every_behaviour_ends_as_told_and_the_live_one_gets_everything():
    with contextlib.ExitStack() as stack:
        hostile = {name: stack.enter_context(Hostile(behave, listens)) for name, (behave, listens, _) in BEHAVIOURS.items()}
        alive = stack.enter_context(Receiver())
        ids = {f"h{n}": name for n, name in enumerate(hostile)}
        receivers = {i: (hostile[name].url, None) for i, name in ids.items()} | {"refused": (f"http://127.0.0.1:{free_port()}/x", None), "alive": (alive.url, None)}
        d = stack.enter_context(frugal(config(receivers)))
        fds, before, tasks = descriptors(d), peak(d), 4
        for n in range(tasks):
            equal(d.post("/webhooks/worker", {"n": n}).status, 200)
        items = settled(d, tasks * len(receivers))
        equal(sorted(r.json["result"] for r in alive.got), [f'{{"n":{n}}}' for n in range(tasks)])
        wrong = []
        for item in items:
            name = item["receiver"].split("/")[-1]
            what = ids.get(name, name)
            allowed = BEHAVIOURS[what][2] if what in BEHAVIOURS else {"refused": {"CONNECTION_REFUSED"}, "alive": None}[what]
            attempts = d.get("/api/v1/deliveries/" + item["id"]).json["attempts"]
            got = [a.get("error_type", a.get("status_code")) for a in attempts]
            if (item["status"] == "succeeded") != (allowed is None) or (allowed and not set(got) <= allowed):
                wrong.append(f"{what}: {item['status']} {got}, expected {allowed or 'a success'}")
            late = [a["duration_ms"] for a in attempts if a["duration_ms"] > TIMEOUT * 5000]
            if late:
                wrong.append(f"{what}: attempts of {late} ms with a timeout of {TIMEOUT} s")
            if "moved" in what and len(attempts) != 1:
                wrong.append(f"{what}: {len(attempts)} attempts; a redirect is final")
        equal(sorted(set(wrong)), [])
        grown, bound = peak(d) - before, memory_bound(d)
        sent = sum(h.sent for h in hostile.values())
        assert grown < bound, f"{grown / MIB:.0f} MiB after {sent / MIB:.0f} MiB of answers"
        print(f"     {len(items)} deliveries, {sent / MIB:.0f} MiB were thrown at it, the peak grew by {grown / MIB:.1f} MiB")
        d.wait(lambda: descriptors(d) <= fds + 12, "descriptors to be given back")
        equal(d.get("/health").json["status"], "healthy")


def test_forty_dead_receivers_do_not_hold_up_a_live_one():
    with contextlib.ExitStack() as stack:
        dead = [stack.enter_context(Hostile(says("", "hang"))) for _ in range(40)]
        alive = stack.enter_context(Receiver())
        slow = "timeout: 25s, max_concurrent: 8, retry: {max_attempts: 1}"
        receivers = {f"dead{n}": (h.url, slow) for n, h in enumerate(dead)} | {"alive": (alive.url, None)}
        d = stack.enter_context(Daemon(config(receivers, server="listen: 127.0.0.1:0, drain_timeout: 200ms")))
        start = time.monotonic()
        for n in range(20):
            d.post("/webhooks/worker", {"n": n})
        alive.wait(20, "deliveries to the live receiver", 20, log=d.log)
        assert time.monotonic() - start < 20, "it had to wait for deadlines of others"
        equal([i for i in d.items("/api/v1/deliveries?status=failed")], [], "the dead ones still hang")


def test_a_dead_path_of_a_host_does_not_hold_up_another_path_of_it():
    with Receiver(lambda n, r: "hang" if r.path == "/dead" else (200, {}, b"")) as host:
        receivers = {"dead": (host.url + "/dead", "timeout: 25s, max_concurrent: 8, retry: {max_attempts: 1}"), "alive": (host.url + "/alive", None)}
        with Daemon(config(receivers, server="listen: 127.0.0.1:0, drain_timeout: 200ms")) as d:
            for n in range(20):
                d.post("/webhooks/worker", {"n": n})
            alive = lambda: [r for r in host.got if r.path == "/alive"]
            wait(lambda: len(alive()) == 20, f"deliveries to the live path", 20, d.log)
            equal(d.items("/api/v1/deliveries?status=failed"), [])
            host.close()


def test_a_dead_receiver_holds_no_more_than_its_share():
    with Hostile(says("", "hang")) as dead:
        with Daemon(config({"dead": (dead.url, "timeout: 20s, max_concurrent: 3, retry: {max_attempts: 1}")}, server="listen: 127.0.0.1:0, drain_timeout: 100ms")) as d:
            for n in range(30):
                d.post("/webhooks/worker", {"n": n})
            d.wait(lambda: dead.seen >= 3)
            equal(d.post("/webhooks/worker", {"n": "last"}).status, 200)
            time.sleep(0.3)  # that more does not come can only be watched for a while
            equal(dead.seen, 3)


def test_statuses_that_are_final_and_those_that_are_not():
    final = (301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 409, 413, 418, 422, 451)
    again = (408, 425, 429, 500, 501, 502, 503, 504, 507, 599)
    good = (200, 201, 202, 204, 206, 226, 299)
    with Receiver(lambda n, r: (int(r.path[1:]), {}, b"") if int(r.path[1:]) not in (204, 304) else (int(r.path[1:]), {}, b"")) as receiver:
        keys = "retry: {max_attempts: 3, initial_delay: 10ms, jitter: 0}"
        with Daemon(config({f"s{s}": (f"{receiver.url}/{s}", keys) for s in final + again + good})) as d:
            d.post("/webhooks/worker", {})
            for item in settled(d, len(final + again + good)):
                status = int(item["receiver"].split("/s")[-1].lstrip("s"))
                want = ("succeeded", 1) if status in good else ("failed", 3 if status in again else 1)
                equal((item["status"], item["attempt_count"]), want, f"{status}: {item}")


def test_retry_after_is_never_shortened_and_never_longer_than_an_hour():
    later = lambda s: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=s)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    values = {"two": "2", "date": later(3), "past": later(-1000), "huge": "99999999999", "tomorrow": later(86400), "rubbish": "soon", "negative": "-5", "empty": "", "fraction": "1.5"}
    with Receiver(lambda n, r: (429, {"Retry-After": values[r.path[1:]]}, b"")) as receiver:
        keys = "retry: {max_attempts: 2, initial_delay: 50ms, jitter: 0}"
        with Daemon(config({name: (f"{receiver.url}/{name}", keys) for name in values})) as d:
            d.post("/webhooks/worker", {})
            short = [n for n in values if n not in ("huge", "tomorrow")]
            d.wait(lambda: len([i for i in d.items("/api/v1/deliveries") if i["status"] == "failed"]) == len(short))
            at = lambda t: datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp()
            for item in d.items("/api/v1/deliveries"):
                name = item["receiver"].split("/")[-1]
                attempts = d.get("/api/v1/deliveries/" + item["id"]).json["attempts"]
                if name in ("huge", "tomorrow"):
                    waits = at(item["next_attempt_at"]) - at(attempts[0]["at"])
                    assert 3590 < waits < 3700, f"{name}: {waits} s"
                    continue
                waited = at(attempts[1]["at"]) - at(attempts[0]["at"])
                least = {"two": 2, "date": 1.9}.get(name, 0.05)
                assert waited >= least - 0.01, f"{name}: waited {waited} s"


# ---- TLS ----

def certificate(folder, *more):
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=test", *more],
                          capture_output=True)
    if done.returncode:
        raise Skip("openssl cannot make a certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def test_wrong_tls_is_an_error_of_tls():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        tls, _ = certificate(folder, "-addext", "subjectAltName=IP:127.0.0.1")
        unknown = stack.enter_context(Hostile(says(OK), tls=tls))
        plain = stack.enter_context(Hostile(says(OK, "hang")))
        mute = stack.enter_context(Hostile(says("", "hang"), listens=False))
        cut = stack.enter_context(Hostile(says(b"\x16\x03\x03\x00", "reset"), listens=False))
        receivers = {"unknown": (unknown.url, None), "plain": (plain.url.replace("http:", "https:"), None), "mute": (mute.url.replace("http:", "https:"), None),
                     "cut": (cut.url.replace("http:", "https:"), None), "other": (unknown.url.replace("https:", "http:"), None)}
        d = stack.enter_context(Daemon(config(receivers)))
        d.post("/webhooks/worker", {})
        got = {}
        for item in settled(d, len(receivers)):
            attempts = d.get("/api/v1/deliveries/" + item["id"]).json["attempts"]
            got[item["receiver"].split("/")[-1]] = (item["status"], {a["error_type"] for a in attempts}, len(attempts))
        equal(got["unknown"], ("failed", {"TLS_ERROR"}, 2), "an unknown authority")
        equal(got["plain"][0], "failed")
        assert got["plain"][1] <= {"TLS_ERROR", "TIMEOUT"} and got["mute"][1] == {"TIMEOUT"} and got["cut"][1] <= {"TLS_ERROR", "CONNECTION_RESET", "CONNECTION_REFUSED"}, got
        equal(got["other"][0], "failed")


def test_a_private_authority_can_be_named():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        tls, cert = certificate(folder, "-addext", "subjectAltName=IP:127.0.0.1")
        good = stack.enter_context(Hostile(says(OK), tls=tls))
        other_folder = stack.enter_context(tempfile.TemporaryDirectory())
        wrong_name, wrong_cert = certificate(other_folder, "-addext", "subjectAltName=DNS:elsewhere.example")
        wrong = stack.enter_context(Hostile(says(OK), tls=wrong_name))
        both = os.path.join(folder, "both.pem")
        with open(both, "w") as f:
            f.write(open(cert).read() + open(wrong_cert).read())
        d = stack.enter_context(Daemon(config({"good": (good.url, None), "wrong": (wrong.url, None)}, f"egress: {{ca_file: {both}}}\n")))
        d.post("/webhooks/worker", {})
        equal({i["receiver"].split("/")[-1]: i["status"] for i in settled(d, 2)}, {"good": "succeeded", "wrong": "failed"})


# ---- models ----

EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
STREAM = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(text):
    return f"{len(text):x}\r\n{text}\r\n"


MODELS = {
    "never answers": says("", "hang"),
    "resets": lambda h, s: reset(s),
    "garbage": says(GARBAGE),
    "not JSON": says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{oops"),
    "JSON of another shape": says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"choices\": 7}"),
    "no choices": says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"choices\": []}"),
    "deep JSON": says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n" + "[" * 20000),
    "a gigabyte": lambda h, s: (s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n\""), h.flood(s, b"x" * 65536)),
    "a line without end": lambda h, s: (s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "), h.flood(s, b"x" * 65536)),
    "a stream without end": lambda h, s: (s.sendall(STREAM.encode()), h.flood(s, chunk(EVENT * 500).encode())),
    "a stream that is cut": says(STREAM + chunk(EVENT)),
    "a stream that stalls": says(STREAM + chunk(EVENT), "hang"),
    "a stream that drips": drips((STREAM + chunk(EVENT)).encode(), chunk(": comment\n\n").encode()),
    "a stream of rubbish": says(STREAM + chunk("data: {oops\n\n") + "0\r\n\r\n"),
    "an error in the stream": says(STREAM + chunk('data: {"error":{"message":"out of paper"}}\n\n') + "0\r\n\r\n"),
    "quota": says('HTTP/1.1 429 No\r\nContent-Length: 0\r\nRetry-After: 3600\r\n\r\n'),
    "wrong key": says('HTTP/1.1 401 No\r\nContent-Length: 44\r\n\r\n{"error": {"message": "Incorrect API key"}} '),
}


def test_models_that_misbehave_fail_their_task_and_nothing_else():
    with contextlib.ExitStack() as stack:
        hostile = {name: stack.enter_context(Hostile(behave)) for name, behave in MODELS.items()}
        text = ["server: {listen: 127.0.0.1:0}", "llms:"]
        for n, h in enumerate(hostile.values()):
            text.append(f"  m{n}: {{provider: openai, model: x, api_key: sk-hush, base_url: \"http://127.0.0.1:{h.port}/v1\", timeout: 2s, retry: {{max_attempts: 1}}}}")
        text += ["agents:", "  echo: {type: echo}"] + [f"  a{n}: {{llm: m{n}, limits: {{timeout: 15s}}}}" for n in range(len(hostile))]
        d = stack.enter_context(frugal("\n".join(text) + "\n"))
        before = peak(d)
        tasks = {name: d.post(f"/api/v1/agents/a{n}/run", {"input": "hi", "mode": "async"}).json["task_id"] for n, name in enumerate(hostile)}
        equal(d.post("/api/v1/agents/echo/run", {"input": "others"}).json["result"], "others")
        for name, task in tasks.items():
            got = d.ended(task, 60)
            equal(got["status"], "failed", f"{name}: {got}")
            assert got["error"]["message"] and "sk-hush" not in json.dumps(got), f"{name}: {got}"
        grown, sent = peak(d) - before, sum(h.sent for h in hostile.values())
        print(f"     {sent / MIB:.0f} MiB of answers were thrown at it, the peak grew by {grown / MIB:.1f} MiB")
        assert grown < memory_bound(d), f"{grown / MIB:.0f} MiB after {sent / MIB:.0f} MiB of answers"
        assert "out of paper" in d.task(tasks["an error in the stream"])["error"]["message"]
        assert "Incorrect API key" in d.task(tasks["wrong key"])["error"]["message"]
        equal(d.get("/health").json["active_tasks"], 0)
        assert "sk-hush" not in "\n".join(d.lines), "the key is in the log"


def test_twenty_tasks_ask_one_model_at_once():
    """Nothing limits agents that wait for others unless the configuration does (10-config, background)."""
    together, inside, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def answer(h, s):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] == 20:
                together.set()
        together.wait(10)
        with lock:
            inside[0] -= 1
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]})
        s.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    with Hostile(answer) as ai:
        text = f"""
server: {{listen: 127.0.0.1:0}}
llms:
  default: {{provider: openai, model: x, api_key: k, base_url: "http://127.0.0.1:{ai.port}/v1"}}
agents:
  thinker: {{llm: default}}
"""
        with Daemon(text) as d:
            tasks = [d.post("/api/v1/agents/thinker/run", {"input": f"{n}", "mode": "async"}).json["task_id"] for n in range(20)]
            for task in tasks:
                equal(d.ended(task)["status"], "completed")
            equal(most[0], 20, "questions under way at once")


def test_a_stop_does_not_wait_for_a_hanging_receiver():
    with Hostile(says("", "hang")) as dead, Daemon(config({"dead": (dead.url, "timeout: 300s")}, server="listen: 127.0.0.1:0, drain_timeout: 500ms")) as d:
        d.post("/webhooks/worker", {})
        d.wait(lambda: dead.seen == 1)
        d.stop(patience=20)
        d.start()
        d.wait(lambda: dead.seen == 2, "the delivery to be tried again")


main(sys.modules[__name__])
