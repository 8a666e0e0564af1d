"""What every scenario uses: a real daemon on a free port, real HTTP, receivers and a model that do as told.

    with Daemon(CONFIG) as d:                      # CONFIG: agents.yaml as text; {port}s of receivers by str.format
        answer = d.post("/webhooks/x", {"a": 1})
        d.wait(lambda: d.task(id)["status"] == "completed")

Nothing sleeps to hope: wait() polls an observable fact until a deadline and fails with the daemon's last log lines.
Ends with `N passed, N failed[, N skipped]`."""
import atexit, contextlib, hashlib, hmac, http.client, http.server, json, os, pathlib, random, shutil, signal, socket, subprocess, sys
import tempfile, threading, time, traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KERYX = os.environ.get("KERYX", str(ROOT / "build/dev/keryx"))
PATIENCE = float(os.environ.get("KERYX_TEST_PATIENCE", "30"))


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"HTTP {self.status} {self.body[:500]!r}"


def request(address, method, path, body=None, headers=None, timeout=PATIENCE):
    """One HTTP request on a connection of its own. dict and list bodies go as JSON."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body, separators=(",", ":")).encode()
        headers.setdefault("Content-Type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read())
    finally:
        connection.close()


def wait(fact, what="the fact", patience=PATIENCE, log=None):
    """Polls until fact() is truthy and returns it."""
    end = time.monotonic() + patience
    while True:
        try:
            got = fact()
            if got:
                return got
        except (OSError, http.client.HTTPException, KeyError):
            if time.monotonic() > end:
                raise
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true in {patience} s" + (f"\n{log()}" if log else ""))
        time.sleep(0.01)


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}\n  got  {got!r}\n  want {want!r}")


def sign_github(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Wire:
    """A bare connection: any bytes out, answers in one at a time. For what no HTTP library would send."""

    def __init__(self, address, timeout=PATIENCE):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        """False when the other side has closed already, which a refusal may do."""
        try:
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def end(self):
        """No more bytes from here."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def answer(self, head=False, interim=False):
        """The next answer; 1xx are skipped unless asked for. EOFError when the connection ends before one."""
        while True:
            try:
                line = self.file.readline()
            except ConnectionResetError:
                line = b""
            if not line:
                raise EOFError("the connection ended without an answer")
            assert line.startswith(b"HTTP/1.1 ") and line.endswith(b"\r\n"), f"no status line: {line!r}"
            status, fields = int(line.split()[1]), {}
            for line in iter(self.file.readline, b"\r\n"):
                assert line.endswith(b"\r\n") and b":" in line, f"no header: {line!r}"
                name, value = line[:-2].decode("latin-1").split(":", 1)
                assert name.lower() not in fields, f"{name} came twice"
                fields[name.lower()] = value.strip()
            if status < 200:
                if interim:
                    return Answer(status, fields, b"")
                continue
            body = b"" if head or status in (204, 304) else self.file.read(int(fields["content-length"]))
            return Answer(status, fields, body)

    def closed(self):
        """True when the other side ends the connection without another byte; else the byte."""
        try:
            return self.file.read(1) or True
        except ConnectionResetError:
            return True


class Daemon:
    """keryx serve in a directory of its own. env: added to a clean environment."""

    def __init__(self, config, env=None, files=None, directory=None, wrapper=(), keep=False):
        self.own = directory is None
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="keryx-test-"))
        self.config = self.dir / "agents.yaml"
        self.config.write_text(config)
        for name, text in (files or {}).items():
            (self.dir / name).parent.mkdir(parents=True, exist_ok=True)
            (self.dir / name).write_text(text)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "LANG": "C.UTF-8", **(env or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.wrapper, self.process, self.address, self.lines, self.addresses = list(wrapper), None, None, [], []
        atexit.register(self._clean)

    def _clean(self):
        """Nothing is left behind, whatever ended the script: no daemon, no directory."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            if self.process and self.process.poll() is None:
                self.stop(signal.SIGKILL if kind else signal.SIGTERM)
        finally:
            if kind:
                print(self.log(), file=sys.stderr)
            atexit.unregister(self._clean)
            self._clean()

    def start(self, ready=True):
        self.address, self.addresses = None, []
        self.process = subprocess.Popen([*self.wrapper, KERYX, "serve", "-c", str(self.config)], cwd=self.dir, env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        if ready:
            self.wait(lambda: self.ready or self.process.poll() is not None, "keryx is ready")
            if self.process.poll() is not None:
                raise AssertionError(f"keryx ended with {self.process.returncode}\n{self.log()}")
        return self

    ready = False

    def _read(self, process):
        self.ready = False
        for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip("\n")
            self.lines.append(line)
            try:
                fact = json.loads(line)
            except ValueError:
                continue
            if fact.get("msg") == "listening":
                self.addresses.append(fact["address"])
                self.address = self.address or fact["address"]
            if fact.get("msg") == "keryx is ready":
                self.ready = True

    def stop(self, how=signal.SIGTERM, patience=PATIENCE):
        """Ends the daemon; with SIGTERM its exit status must be 0 (sanitizers report through it)."""
        self.process.send_signal(how)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"keryx did not end within {patience} s\n{self.log()}") from None
        self.reader.join(PATIENCE)
        if how == signal.SIGTERM and status != 0:
            raise AssertionError(f"keryx ended with status {status}\n{self.log(200)}")
        return status

    def memory(self):
        """Resident bytes of the daemon now."""
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def metric(self, name, **labels):
        """The sum of a metric's series that carry these labels."""
        total = 0.0
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith((name + " ", name + "{")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)

    def log(self, n=60):
        return "--- the daemon's last lines\n" + "\n".join(self.lines[-n:])

    def facts(self, message):
        """Log lines with this message, as dicts."""
        found = []
        for line in list(self.lines):
            with contextlib.suppress(ValueError):
                fact = json.loads(line)
                if fact.get("msg") == message:
                    found.append(fact)
        return found

    def wait(self, fact, what="the fact", patience=PATIENCE):
        return wait(fact, what, patience, self.log)

    def request(self, method, path, body=None, headers=None, timeout=PATIENCE):
        return request(self.address, method, path, body, headers, timeout)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, headers=None, **more):
        return self.request("POST", path, body, headers, **more)

    def task(self, task_id):
        return self.get(f"/api/v1/tasks/{task_id}").json

    def ended(self, task_id, patience=PATIENCE):
        """The task once it is final."""
        return self.wait(lambda: (t := self.task(task_id)) and t["status"] in ("completed", "failed", "cancelled") and t,
                         f"the end of {task_id}", patience)

    def items(self, path):
        """All items of a list, following the cursor."""
        items, cursor = [], ""
        while True:
            page = self.get(path + ("&" if "?" in path else "?") + "limit=500" + cursor).json
            items += page["items"]
            if "next_cursor" not in page:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    def cli(self, *words, stdin=None, env=None, ok=True):
        """A client command against this daemon; returns the finished process."""
        where = {"KERYX_URL": f"http://{self.address}"} if self.address else {}
        done = subprocess.run([KERYX, *words], cwd=self.dir, env={**self.env, **where, **(env or {})}, input=stdin, text=True,
                              capture_output=True, timeout=PATIENCE * 2)
        if ok and done.returncode:
            raise AssertionError(f"keryx {' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}\n{self.log()}")
        return done


class Received:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body, self.at = method, path, headers, body, time.time()

    @property
    def json(self):
        return json.loads(self.body)


class Receiver:
    """An HTTP server on a free port that keeps what it got. `answer(n, received)` → (status, headers, body), or an
    exception-like word: "reset" closes the connection without an answer, "hang" answers never (until close)."""

    def __init__(self, answer=None, port=0):
        self.got, self.answer, self.lock = [], answer or (lambda n, r: (200, {}, b"ok")), threading.Lock()
        self.closing = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                received = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()},
                                    self.rfile.read(length))
                with outer.lock:
                    outer.got.append(received)
                    n = len(outer.got)
                what = outer.answer(n, received)
                if what == "hang":
                    outer.closing.wait(PATIENCE)
                    what = "reset"
                if what == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, body = what
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *args):
                pass

            def handle(self):
                with contextlib.suppress(OSError, ValueError):
                    super().handle()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def wait(self, n, what="deliveries", patience=PATIENCE, log=None):
        wait(lambda: len(self.got) >= n, f"{n} {what} (there are {len(self.got)})", patience, log)
        return self.got[:n]


def model(answer=lambda text: f"I read {len(text)} characters."):
    """An OpenAI-compatible server: answer(user message) → the text; an Answer tuple (status, headers, body) goes out as it is."""

    def reply(n, received):
        asked = received.json
        user = next((m["content"] for m in reversed(asked["messages"]) if m["role"] == "user"), "")
        text = answer(user)
        if isinstance(text, tuple):
            return text
        whole = {"id": f"chatcmpl-{n}", "object": "chat.completion", "model": asked["model"],
                 "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}
        return 200, {"Content-Type": "application/json"}, json.dumps(whole)

    return Receiver(reply)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main(module):
    """Runs every function test_* of the module (or those whose name contains an argument)."""
    passed, failed, skipped = 0, 0, 0
    random.seed(20261121)
    for name, test in list(vars(module).items()):
        if not name.startswith("test_") or not callable(test) or (len(sys.argv) > 1 and sys.argv[1] not in name):
            continue
        start = time.monotonic()
        try:
            test()
            passed += 1
            print(f"ok   {name} ({time.monotonic() - start:.1f}s)")
        except Skip as why:
            skipped += 1
            print(f"skip {name}: {why}")
        except Exception:
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)
