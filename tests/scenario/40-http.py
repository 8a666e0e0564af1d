#!/usr/bin/env python3
"""The HTTP server against clients that lie, dawdle, flood and cut: every request gets its one defined answer, the
connection ends or goes on as the answer says, and nobody else notices."""
import gzip, os, pathlib, random, re, select, sys, time

from fixture import Daemon, Receiver, Wire, equal, main

MIB = 1 << 20
CONFIG = """
server: {listen: 127.0.0.1:0, %s}
agents:
  root:
    type: echo
    trigger: {type: webhook, path: /r}
  echo:
    type: echo
    trigger: {type: webhook}
  other:
    type: echo
    trigger: {type: webhook, webhook_input: {template: "other {{ .body }}"}}
  signed:
    type: echo
    trigger: {type: webhook, secret: k3y}
  small:
    type: echo
    trigger: {type: webhook, max_body_bytes: 1KiB}
  nap:
    command: sleep 0.3; cat
    trigger: {type: webhook}
"""

DAEMON = Daemon(CONFIG % "max_body_bytes: 1MiB").start()


def wire():
    return Wire(DAEMON.address)


def post(path, body, *fields, method="POST", length=True):
    """The bytes of a request."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {path} HTTP/1.1", "Host: a", *fields] + ([f"Content-Length: {len(body)}"] if length else [])
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


HEALTH = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


def settle(w, answer, what=""):
    """The connection does what the answer said: ends, or serves the next request."""
    if answer.headers.get("connection") == "close":
        equal(w.closed(), True, f"{what}: the answer said close")
        return
    w.send(HEALTH)
    equal(w.answer().status, 200, f"{what}: the next request on a connection that was not closed")


# ---- tests/rows/http.rows, live ----

ROWS = pathlib.Path(__file__).resolve().parent.parent / "rows/http.rows"
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}


def rows():
    for line in ROWS.read_text("latin-1").splitlines():
        if line and not line.startswith("#"):
            name, want, _, text = line.split("\t")
            text = re.sub(r"\\(x[0-9a-f]{2}|.)", lambda m: chr(int(m[1][1:], 16)) if len(m[1]) > 1 else ESCAPES[m[1]], text)
            yield name, want.split(" "), text.replace("POST / HTTP", "POST /r HTTP").encode("latin-1")


def check_request(w, name, word):
    """One request of a row that keryx understands. True when the connection goes on."""
    method, path, body = re.fullmatch(r"([^:]+):(/[^:?]*)[^:]*:(.*)", word).groups()
    body, _, refused = body.partition("!")
    answer = w.answer()
    if path != "/":
        want = (404,)
    elif method != "POST":
        want = (200, 404, 405)
    else:
        want = (int(refused),) if refused else (200,)
    assert answer.status in want, f"{name}: {word} got {answer}, want {want}"
    if answer.status == 200 and method == "POST":
        equal(answer.json["result"], body, name)
    if answer.headers.get("connection") == "close":
        equal(w.closed(), True, name)
        return False
    assert not refused, f"{name}: a body that cannot be framed leaves the connection open"
    return True


def check_row(name, want, pieces):
    with wire() as w:
        for piece in pieces:
            if not w.send(piece):
                break
        for word in want:
            if word == "close":
                equal(w.closed(), True, name)
                return
            if word == "more":
                w.end()
                equal(w.closed(), True, f"{name}: half a request")
                return
            if word.isdigit():
                answer = w.answer()
                equal((answer.status, answer.headers.get("connection"), answer.json["status"]), (int(word), "close", "rejected"), name)
                equal(w.closed(), True, name)
                return
            if not check_request(w, name, word):
                return
        w.send(HEALTH)
        equal(w.answer().status, 200, f"{name}: the connection is good for another request")


def test_every_row_of_the_table_whole():
    for name, want, text in rows():
        check_row(name, want, [text])


def test_every_row_of_the_table_byte_by_byte():
    for name, want, text in rows():
        check_row(name, want, [text[i:i + 1] for i in range(len(text))])


def test_every_row_of_the_table_cut_anywhere():
    chance = random.Random(7)
    for name, want, text in rows():
        cut = sorted(chance.sample(range(len(text) + 1), 2))
        check_row(name, want, [text[:cut[0]], text[cut[0]:cut[1]], text[cut[1]:]])


def test_refused_requests_of_the_table_are_counted_and_no_task_is_made_of_them():
    before = {t["id"] for t in DAEMON.items("/api/v1/tasks?agent=root")}
    count = DAEMON.metric("keryx_http_rejected_total")
    refused = [r for r in rows() if r[1][0].isdigit()]
    for name, want, text in refused:
        check_row(name, want, [text])
    equal(DAEMON.metric("keryx_http_rejected_total") - count, len(refused))
    equal({t["id"] for t in DAEMON.items("/api/v1/tasks?agent=root")}, before)


# ---- heads ----

HEADS = (
    ("a long target", lambda: f"GET /{'x' * 9000} HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("a target without end", lambda: "GET /" + "x" * 40000, 414),
    ("many fields", lambda: "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 200 + "\r\n", 431),
    ("a long field", lambda: f"GET / HTTP/1.1\r\nHost: a\r\nX: {'y' * 40000}\r\n\r\n", 431),
    ("fields without end", lambda: "GET / HTTP/1.1\r\nHost: a\r\n" + "X: yyyyyyyy\r\n" * 5000, 431),
    ("a malformed escape", lambda: "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a NUL in the path", lambda: "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
)


def test_heads_beyond_their_ceilings():
    for what, text, status in HEADS:
        with wire() as w:
            w.send(text())
            answer = w.answer()
            equal(answer.status, status, what)
            settle(w, answer, what)


def test_an_unknown_path_is_404_whatever_it_looks_like():
    for path in ("/..", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/webhooks/echo/", "//webhooks/echo", "/webhooks//echo", "/webhooks/ECHO",
                 "/webhooks/echo%2f", "/webhooks/echo%0d%0aX-Evil:%201", "/webhooks/" + "%61" * 500, "/api/v1", "/api/v2/tasks", "/api"):
        with wire() as w:
            w.send(post(path, "{}"))
            answer = w.answer()
            equal(answer.status, 404, path)
            assert "x-evil" not in answer.headers
            settle(w, answer, path)


def test_a_path_is_compared_decoded():
    equal(DAEMON.post("/webhooks/%65cho", "same").json["result"], "same")


# ---- methods ----

def test_head_is_get_without_a_body():
    with wire() as w:
        w.send("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n" + HEALTH)
        head, get = w.answer(head=True), w.answer()
        equal((head.status, get.status, get.json["status"]), (200, 200, "healthy"))
        equal((head.headers["content-type"], int(head.headers["content-length"]) > 0), (get.headers["content-type"], True))
        w.send("HEAD /webhooks/echo HTTP/1.1\r\nHost: a\r\n\r\n" + HEALTH)
        equal((w.answer(head=True).status, w.answer().status), (405, 200))


def test_405_names_what_is_allowed():
    for path, method, allow in (("/webhooks/echo", "GET", {"POST"}), ("/webhooks/echo", "PUT", {"POST"}), ("/webhooks/echo", "OPTIONS", {"POST"}),
                                ("/health", "POST", {"GET", "HEAD"}), ("/api/v1/tasks", "DELETE", {"GET", "HEAD"}),
                                ("/api/v1/reload", "GET", {"POST"}), ("/webhooks/echo", "post", {"POST"})):
        with wire() as w:
            w.send(post(path, "", method=method))
            answer = w.answer()
            equal((answer.status, set(answer.headers.get("allow", "").split(", "))), (405, allow), f"{method} {path}")
            settle(w, answer, f"{method} {path}")
    equal(DAEMON.request("POST", "/api/v1/tasks").headers["content-type"], "application/problem+json")
    equal(DAEMON.request("GET", "/webhooks/echo").json["reason"], "method")


# ---- bodies ----

def test_a_declared_size_beyond_the_limit_is_413_before_the_body():
    for length in (MIB + 1, 10**12, 10**18 - 1):
        with wire() as w:
            w.send(f"POST /webhooks/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
            answer = w.answer()
            equal((answer.status, answer.json["reason"], answer.headers["connection"]), (413, "too_large", "close"), length)
            equal(w.closed(), True)
    for length in (2**63 - 1, 2**64, 10**40):  # more digits than any length has
        with wire() as w:
            w.send(f"POST /webhooks/echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
            equal((w.answer().status, w.closed()), (400, True), length)


def test_a_body_of_exactly_the_limit_passes():
    equal(len(DAEMON.post("/webhooks/echo", b"x" * MIB, {"Content-Type": "text/plain"}).json["result"]), MIB)
    for more in (1, 100_000, 5 * MIB):  # the refusal is there to read, though the connection closes while the body is sent
        with wire() as w:
            w.send(post("/webhooks/echo", b"x" * (MIB + more)))
            equal((w.answer().status, w.closed()), (413, True), more)


def chunks(body, size):
    return b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size)) + b"0\r\n\r\n"


CHUNKED = "POST /webhooks/%s HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_chunked_bodies_of_any_cut_are_the_same_body():
    body = bytes(random.Random(3).choices(b"abcdefgh\r\n", k=200_000))
    for size in (1, 7, 4096, 65536, 200_000):
        part = body[:3000] if size == 1 else body
        with wire() as w:
            w.send(CHUNKED % "echo")
            w.send(chunks(part, size))
            answer = w.answer()
            equal((answer.status, answer.json["result"].encode()), (200, part), f"chunks of {size}")
            settle(w, answer)


def test_chunks_beyond_the_limit_are_413_while_they_come():
    with wire() as w:
        w.send(CHUNKED % "small")
        for _ in range(2000):
            if not w.send(b"400\r\n" + b"x" * 1024 + b"\r\n"):
                break
        equal(w.answer().status, 413)
        equal(w.closed(), True)
    with wire() as w:  # the size line alone is enough
        w.send(CHUNKED % "small" + "fffffff\r\n")
        equal(w.answer().status, 413)


def test_bytes_behind_the_declared_length_are_another_request():
    with wire() as w:
        w.send(post("/webhooks/echo", "abc", "Content-Type: text/plain")[:-1])  # declares 3, brings 2 …
        w.send(b"cGET /health HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\n")
        equal(w.answer().json["result"], "abc")
        equal(w.answer().json["status"], "healthy")
        equal(w.answer().status, 400)
        equal(w.closed(), True)


def test_a_body_that_never_comes_whole_makes_no_task():
    before = len(DAEMON.items("/api/v1/tasks?agent=echo"))
    for text in (post("/webhooks/echo", "x" * 5000)[:-1], (CHUNKED % "echo").encode() + b"5\r\nabcde\r\n", post("/webhooks/echo", "x" * 300_000)[:-1]):
        with wire() as w:
            w.send(text)
            w.end()
            equal(w.closed(), True)
    equal(len(DAEMON.items("/api/v1/tasks?agent=echo")), before)


def test_100_continue():
    expect = "POST {} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n"
    with wire() as w:
        for _ in range(2):
            w.send(expect.format("/webhooks/echo", 5))
            equal(w.answer(interim=True).status, 100)
            w.send("hello")
            equal(w.answer(interim=True).json["result"], "hello")
    for path, length, status in (("/webhooks/echo", 2 * MIB, 413), ("/webhooks/nosuch", 5, 404), ("/health", 5, 405)):
        with wire() as w:  # the answer comes instead of 100, and the body is not waited for
            w.send(expect.format(path, length))
            equal((w.answer(interim=True).status, w.closed()), (status, True), path)
    with wire() as w:  # a client that does not wait
        w.send(expect.format("/webhooks/echo", 5) + "hello")
        equal(w.answer().json["result"], "hello")
    with wire() as w:  # HTTP/1.0 knows no 100 (RFC 9110, 10.1.1)
        w.send(expect.format("/webhooks/echo", 5).replace("HTTP/1.1", "HTTP/1.0"))
        w.send("hello")
        equal(w.answer(interim=True).status, 200)


# ---- many requests on one connection ----

def test_pipelined_answers_come_in_order():
    with wire() as w:
        n = 60
        w.send(b"".join(post("/webhooks/nap" if i == 0 else "/webhooks/echo", f"n{i}", "Content-Type: text/plain") for i in range(n)))
        equal([w.answer().json["result"] for _ in range(n)], [f"n{i}" for i in range(n)])
        settle(w, w.send(HEALTH) and w.answer())


def test_pipelined_requests_of_every_fate():
    with wire() as w:
        fates = (("/webhooks/echo", "a", 200), ("/webhooks/nosuch", "b", 404), ("/health", "", 405), ("/webhooks/signed", "{}", 401),
                 ("/webhooks/other", "c", 200), ("/webhooks/small", "x" * 1025, 413), ("/webhooks/echo", "z", 200))
        w.send(b"".join(post(path, body, "Content-Type: text/plain") for path, body, _ in fates))
        for path, _, status in fates:
            answer = w.answer()
            equal(answer.status, status, path)
            if answer.headers.get("connection") == "close":
                equal((status, w.closed()), (413, True))
                return


def test_a_connection_goes_on_after_a_refusal():
    with wire() as w:
        for _ in range(5):
            for path, body, fields, status in (("/webhooks/nosuch", "{}", (), 404), ("/health", "{}", (), 405), ("/webhooks/signed", "{}", (), 401),
                                               ("/webhooks/echo", "{", ("Content-Type: application/json",), 400),
                                               ("/webhooks/echo", "x", ("Content-Encoding: br",), 415),
                                               ("/api/v1/agents/echo/run", "x", ("Content-Type: text/plain",), 415), ("/webhooks/echo", "fine", (), 200)):
                w.send(post(path, body, *fields).replace(b"Host: a", b"Host: localhost"))
                answer = w.answer()
                equal((answer.status, answer.headers.get("connection")), (status, None), path)


def test_connection_close_is_obeyed():
    with wire() as w:
        w.send(post("/webhooks/echo", "x", "Connection: close") + HEALTH.encode())
        equal((w.answer().headers["connection"], w.closed()), ("close", True))
    with wire() as w:
        w.send(post("/webhooks/echo", "x").replace(b"HTTP/1.1", b"HTTP/1.0"))
        equal((w.answer().status, w.closed()), (200, True))


def test_a_client_that_ends_its_sending_still_gets_its_answer():
    with wire() as w:
        w.send(post("/webhooks/nap", "patience", "Content-Type: text/plain"))
        w.end()
        equal(w.answer().json["result"], "patience")
        equal(w.closed(), True)


def test_clients_that_cut_at_every_byte_leave_nothing_behind():
    text = post("/webhooks/nap", '{"a":1}', "Content-Type: application/json")
    connections = DAEMON.metric("keryx_http_connections")
    for n in range(0, len(text), 3):
        with wire() as w:
            w.send(text[:n])
            w.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: a reset
    DAEMON.wait(lambda: DAEMON.metric("keryx_http_connections") <= connections, "connections to be given back")


# ---- slow and many ----

def test_two_hundred_half_open_senders_do_not_delay_a_good_one():
    with Daemon(CONFIG % "header_timeout: 60s, body_timeout: 60s") as d:
        half = [b"", b"P", b"POST /webhooks/ec", post("/webhooks/echo", "")[:-4], post("/webhooks/echo", "x" * 100)[:-50], post("/webhooks/echo", "x" * 70000)[:-1],
                (CHUNKED % "echo").encode() + b"5\r\nab", (CHUNKED % "echo").encode() + b"ffff"]
        slow = [Wire(d.address) for _ in range(200)]
        try:
            for n, w in enumerate(slow):
                w.send(half[n % len(half)])
            equal([d.post("/webhooks/echo", f"n{n}").json["result"] for n in range(20)], [f"n{n}" for n in range(20)])
            equal(select.select([w.socket for w in slow], [], [], 0)[0], [], "a slow sender was answered before its time")
            assert d.metric("keryx_http_connections") >= 200
        finally:
            for w in slow:
                w.close()
        d.wait(lambda: d.metric("keryx_http_connections") <= 1, "connections to be given back")


def test_slow_senders_are_ended_by_their_deadlines():
    with Daemon(CONFIG % "header_timeout: 300ms, body_timeout: 400ms, idle_timeout: 300ms") as d:
        for text, status in ((b"POST /webhooks/ec", 408), (post("/webhooks/echo", "")[:-2], 408), (post("/webhooks/echo", "x" * 100)[:-50], 408),
                             ((CHUNKED % "echo").encode() + b"5\r\nab", 408), (b"", None)):
            with Wire(d.address) as w:
                w.send(text)
                if status:
                    answer = w.answer()
                    equal((answer.status, answer.json["reason"], answer.headers["connection"]), (status, "timeout", "close"), text)
                equal(w.closed(), True, text)
        with Wire(d.address) as w:  # idle after an answer: closed without another byte
            w.send(HEALTH)
            equal((w.answer().status, w.closed()), (200, True))
        with Wire(d.address) as w:  # a byte now and then does not move the deadline
            start, sent = time.monotonic(), 0
            while time.monotonic() - start < 20 and not select.select([w.socket], [], [], 0.05)[0]:
                w.send(b"POST /webhooks/echo HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"[sent % 90:][:1])
                sent += 1
            equal(w.answer().status, 408)


def test_connections_beyond_the_ceiling_are_told_so():
    with Daemon(CONFIG % "max_connections: 20") as d:
        held = [Wire(d.address) for _ in range(20)]
        for w in held:
            w.send(HEALTH)
            equal(w.answer().status, 200)
        with Wire(d.address) as w:
            w.send(HEALTH)
            answer = w.answer()
            equal(answer.status, 503)
            assert int(answer.headers["retry-after"]) >= 1
            equal(w.closed(), True)
        held.pop().close()
        d.wait(lambda: d.get("/health").status == 200, "a place to be free again")
        for w in held:
            w.send(HEALTH)
            equal(w.answer().status, 200)
            w.close()


def test_two_thousand_short_connections_leave_no_descriptor():
    count = lambda: len(os.listdir(f"/proc/{DAEMON.process.pid}/fd"))
    DAEMON.get("/health")
    before = count()
    for _ in range(2000):
        wire().close()
    DAEMON.wait(lambda: count() <= before + 2, "descriptors to be given back")


def test_a_client_that_does_not_read_is_not_waited_for():
    with wire() as w:  # pipelines far more answers than any buffer holds, reads none
        w.socket.settimeout(3)
        bulk = post("/webhooks/echo", "x" * 30000, "Content-Type: text/plain") * 20
        memory = DAEMON.memory()
        try:
            for _ in range(200):
                w.socket.sendall(bulk)
        except OSError:
            pass
        equal(DAEMON.post("/webhooks/echo", "others go on").status, 200)
        grown = DAEMON.memory() - memory
        assert grown < 200 * MIB, f"{grown / MIB:.0f} MiB for a client that does not read"


# ---- what stands in bodies ----

DEEP = 10_000
JSON = "application/json"
BODIES = (  # what, content type, body, status, result (None: any)
    ("lists too deep", JSON, b"[" * DEEP + b"]" * DEEP, 400, None),
    ("lists without end", JSON, b"[" * DEEP, 400, None),
    ("objects too deep", JSON, b'{"a":' * DEEP + b"1" + b"}" * DEEP, 400, None),
    ("deep but sound", JSON, b"[" * 150 + b"]" * 150, 200, "[" * 150 + "]" * 150),
    ("deep without a type is text", None, b"[" * DEEP, 200, "[" * DEEP),
    ("deep inside a form", "application/x-www-form-urlencoded", b"payload=" + b"[" * DEEP, 400, None),
    ("invalid UTF-8 in JSON", JSON, b'{"a":"\xff\xfe"}', 400, None),
    ("overlong UTF-8 in JSON", JSON, b'{"a":"\xc0\xaf"}', 400, None),
    ("a surrogate in UTF-8", JSON, b'{"a":"\xed\xa0\x80"}', 400, None),
    ("UTF-16", JSON, '{"a":1}'.encode("utf-16"), 400, None),
    ("a NUL between", JSON, b'{"a":\x001}', 400, None),
    ("an escaped NUL", JSON, b'{"a":"x\\u0000y"}', 200, '{"a":"x\\u0000y"}'),
    ("text with NUL", "text/plain", b"a\x00b", 200, "a\0b"),
    ("text that is no UTF-8", "text/plain", b"caf\xe9", 200, "caf\ufffd"),
    ("no type, no UTF-8", None, b"\xff\xfe\xfd", 200, "\ufffd\ufffd\ufffd"),
    ("a huge exponent", JSON, b'{"n":1e999999999}', 200, '{"n":1e999999999}'),
    ("many digits", JSON, b'{"n":' + b"9" * 10_000 + b"}", 200, '{"n":' + "9" * 10_000 + "}"),
    ("numbers as written", JSON, b"[1.10, 1E5, -0, 0.1e-7, 12345678901234567890]", 200, "[1.10,1E5,-0,0.1e-7,12345678901234567890]"),
    ("a number with a plus", JSON, b"[+1]", 400, None),
    ("a bare word", JSON, b"nul", 400, None),
    ("rubbish behind", JSON, b"{} {}", 400, None),
    ("a comma too many", JSON, b"[1,]", 400, None),
    ("single quotes", JSON, b"{'a':1}", 400, None),
    ("a control character in a string", JSON, b'{"a":"\n"}', 400, None),
    ("half a string", JSON, b'{"a":"', 400, None),
    ("half an escape", JSON, b'"\\u12"', 400, None),
    ("JSON by suffix", "application/vnd.x+json; charset=utf-8", b'{"a": 1}', 200, '{"a":1}'),
    ("a type that says nothing", ";;;", b'{"a": 1}', 200, None),
    ("nothing but blanks", JSON, b" \r\n\t ", 200, ""),
    ("half an escape in a form", "application/x-www-form-urlencoded", b"a=%4", 400, None),
    ("a NUL in a form", "application/x-www-form-urlencoded", b"a=%00", 400, None),
    ("many fields of a form", "application/x-www-form-urlencoded", b"&".join(b"k%d=v" % n for n in range(900)), 200, None),
    ("too many fields of a form", "application/x-www-form-urlencoded", b"&".join(b"k%d=v" % n for n in range(50_000)), 400, None),
    ("many members", JSON, b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(60_000)) + b"}", 200, None),
    ("many elements", JSON, b"[" + b"0," * 400_000 + b"0]", None, None),
    ("the same key often", JSON, b"{" + b'"a":1,' * 50_000 + b'"a":2}', None, None),
    ("a long key", JSON, b'{"' + b"k" * 500_000 + b'":1}', 200, None),
)


def test_bodies_have_a_defined_answer():
    for what, kind, body, status, result in BODIES:
        answer = DAEMON.post("/webhooks/echo", body, {"Content-Type": kind} if kind else {})
        assert answer.status in ((status,) if status else (200, 400, 413)), f"{what}: {answer}"
        if answer.status == 400:
            equal(answer.json["reason"], "malformed", what)
            continue
        got = answer.json
        if result is not None:
            equal(got["result"], result, what)
        task = DAEMON.task(got["task_id"])
        equal((task["status"], task["result"]), ("completed", got["result"]), f"{what}: the kept result")
        equal(task["input"] if "input" in task else None, got["result"], f"{what}: the kept input")


def test_a_lone_surrogate_never_leaves_as_one():
    answer = DAEMON.post("/webhooks/other", b'"x\\ud800y"', {"Content-Type": JSON})
    assert answer.status in (200, 400), answer
    answer.body.decode("utf-8")
    if answer.status == 200:
        answer.json["result"].encode("utf-8")  # raises for a surrogate


def test_gzip():
    equal(DAEMON.post("/webhooks/echo", gzip.compress(b'{"a": 1}'), {"Content-Type": JSON, "Content-Encoding": "gzip"}).json["result"], '{"a":1}')
    memory = DAEMON.memory()
    bomb = gzip.compress(b"\0" * (200 * MIB), 9)
    assert len(bomb) < MIB
    for body, encoding, status in ((bomb, "gzip", 413), (b"no gzip", "gzip", 400), (gzip.compress(b"x" * 1000)[:-5], "gzip", 400),
                                   (gzip.compress(b"{}") + b"more", "gzip", 400), (b"x", "br", 415), (b"x", "gzip, gzip", 415), (b"x", "zstd", 415)):
        equal(DAEMON.post("/webhooks/echo", body, {"Content-Encoding": encoding, "Content-Type": "text/plain"}).status, status, f"{encoding} {body[:9]}")
    grown = DAEMON.memory() - memory
    assert grown < 64 * MIB, f"the bomb took {grown / MIB:.0f} MiB"


# ---- headers that would be more than one ----

def test_what_a_caller_sends_never_becomes_a_header():
    config = """
server: {listen: 127.0.0.1:0}
agents:
  worker:
    type: echo
    trigger: {type: webhook}
    notifications:
      - {id: hook, url: "%s/{{ .Result }}", headers: {X-Result: "{{ .Result }}"}}
"""
    with Receiver() as receiver, Daemon(config % receiver.url) as d:
        evil = ("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /x", "a\0b", "../../up", "caf\u00e9 \u2028")
        for text in evil:
            d.post("/webhooks/worker", text.encode(), {"Content-Type": "text/plain"})
        d.wait(lambda: len([x for x in d.items("/api/v1/deliveries") if x["status"] in ("succeeded", "failed")]) == len(evil), "all to be settled")
        for got in receiver.got:
            assert "x-evil" not in got.headers and got.method == "POST", (got.method, got.path, got.headers)


def test_zz_the_daemon_is_well_and_stops_cleanly():
    equal(DAEMON.get("/health").json["status"], "healthy")
    DAEMON.stop()


main(sys.modules[__name__])
