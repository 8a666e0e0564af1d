"""The test stand of ./bench: builds the programs, starts servers on one core and load on the other, and reads from the
kernel what a process tree has cost. Whatever is started here is stopped here, by its process id."""
import contextlib, http.client, json, os, pathlib, platform, re, resource, shlex, shutil, signal, socket, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RELEASE = pathlib.Path(os.environ.get("KERYX_BENCH_RELEASE", ROOT / "build/release"))
OUT = pathlib.Path(os.environ.get("KERYX_BENCH_OUT", ROOT / "build/bench"))
SECRET = "bench-secret"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
PATIENCE = 120
TICK = os.sysconf("SC_CLK_TCK")
FLAGS = re.findall(r"\S+", """-std=gnu17 -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
    -fcf-protection -fPIE -pie -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror -D_GNU_SOURCE -Wl,-z,relro,-z,now,--as-needed""")
LIBRARIES = ["libstore.a", "libbase.a", "-lsqlite3", "-lcurl", "-lcrypto", "-lev", "-lpthread", "-lm"]
PROGRAMS = {"load": ["load"], "ceil_http": ["ceil_http", "mini", "spawner", "group_commit"], "ceil_curl": ["ceil_curl", "group_commit"],
            "ceil_spawn": ["ceil_spawn", "spawner"], "bench_store": ["bench_store"]}


class Unavailable(Exception):
    """A peer or a program is not there: its rows are left out, with the reason."""


# ---- building ----

def build():
    """The release and the ceilings, with the release's flags. Returns the path of keryx, or None when it cannot be built."""
    OUT.mkdir(parents=True, exist_ok=True)
    if "KERYX_BENCH_RELEASE" not in os.environ:
        for command in ([["cmake", "--preset", "release"]] if not (RELEASE / "build.ninja").exists() else []) + [["cmake", "--build", "--preset", "release"]]:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{shlex.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    libraries = [str(RELEASE / l) if l.endswith(".a") else l for l in LIBRARIES]
    for name, sources in PROGRAMS.items():
        files = [str(ROOT / "tests/bench" / f"{s}.c") for s in sources]
        if not all(map(os.path.exists, files)):
            continue
        inputs = files + [str(p) for p in (ROOT / "tests/bench").glob("*.h")] + [l for l in libraries if l.endswith(".a")]
        target = OUT / name
        if not target.exists() or target.stat().st_mtime < max(os.stat(p).st_mtime for p in inputs):
            subprocess.run(["gcc", *FLAGS, "-I", str(ROOT), "-o", str(target), *files, *libraries], check=True)
    return RELEASE / "keryx"


def program(name):
    if not (OUT / name).exists():
        raise Unavailable(f"{name} is not built")
    return str(OUT / name)


def peer(name):
    found = shutil.which(name)
    if not found:
        raise Unavailable(f"{name} is not installed")
    return found


# ---- what the kernel knows of a process tree ----

def stat(pid):
    """Fields of /proc/PID/stat from the third on; None when it is gone."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return None


def tree(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat(entry)):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """CPU time of the tree: of the living by their clocks, of those already waited for as their parents were told."""
    total = 0.0
    for member in tree(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~member << 3) | 2) + sum(map(int, (stat(member) or [])[13:15])) / TICK
    return total


def memory_mb(pid):
    """Pss, private and resident memory of the tree."""
    sums = {"Pss": 0, "Private_Clean": 0, "Private_Dirty": 0, "Rss": 0}
    for member in tree(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                key, _, value = line.partition(":")
                if key in sums:
                    sums[key] += int(value.split()[0])
    return {"pss_mb": sums["Pss"] / 1024, "private_mb": (sums["Private_Clean"] + sums["Private_Dirty"]) / 1024,
            "rss_mb": sums["Rss"] / 1024}


def wakeups(pid):
    """Voluntary context switches of all threads so far: how often one of them had slept."""
    total = 0
    for member in tree(pid):
        for task in os.listdir(f"/proc/{member}/task"):
            text = pathlib.Path(f"/proc/{member}/task/{task}/status").read_text()
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
    return total


# ---- servers and load ----

def pinned(core, argv):
    return ["taskset", "-c", str(core), *map(str, argv)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(fact, what, patience=PATIENCE, pause=0.01):
    end = time.monotonic() + patience
    while not (got := fact()):
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not come true in {patience} s")
        time.sleep(pause)
    return got


class Server:
    """One process tree on the server's core, in a folder of its own that is empty at the start."""
    count = 0

    def __init__(self, name, argv, path="/", port=None, files=None, probe="/health", folder=None, core=None, how=signal.SIGTERM):
        Server.count += 1
        self.name, self.argv, self.path, self.port, self.probe, self.how = name, argv, path, port or free_port(), probe, how
        self.own, self.core = folder is None, SERVER_CORE if core is None else core
        self.folder = folder or OUT / f"run-{os.getpid()}-{Server.count}"
        self.files, self.process = files or {}, None

    @property
    def command(self):
        return shlex.join(pinned(self.core, [a.format(port=self.port) for a in map(str, self.argv)])).replace(str(ROOT), ".")

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (self.folder / name).write_text(text.replace("{port}", str(self.port)))
        self.log = open(self.folder / "server.log", "ab")
        argv = pinned(self.core, [a.format(port=self.port) for a in map(str, self.argv)])
        self.began = time.monotonic()
        self.process = subprocess.Popen(argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            self.first_answer_ms = self._first_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(self.how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _first_answer(self):
        request = f"GET {self.probe} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as s:
                s.sendall(request)
                if s.recv(1):
                    return (time.monotonic() - self.began) * 1000
            if self.process.poll() is not None or time.monotonic() > self.began + PATIENCE:
                raise Unavailable(f"{self.name} does not start: {(self.folder / 'server.log').read_text()[-600:]}")
            time.sleep(0.0003)

    @property
    def pid(self):
        return self.process.pid

    def cpu(self):
        return cpu_seconds(self.pid)

    def is_quiet(self):
        """Nothing runs any more: no children, and no CPU used for a moment."""
        if len(tree(self.pid)) > 1:
            return False
        before = self.cpu()
        time.sleep(0.05)
        return len(tree(self.pid)) == 1 and self.cpu() - before < 0.002

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status >= 400:
                raise RuntimeError(f"{self.name}: {method} {path}: {answer.status} {text[:300]}")
            return text
        finally:
            connection.close()

    def metric(self, name, **labels):
        """Sum of a metric of keryx over all its label values that match."""
        total = 0.0
        for line in self.request("GET", "/metrics").splitlines():
            if (found := re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)) and found[1] == name:
                have = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                if all(have.get(k) == v for k, v in labels.items()):
                    total += float(found[3])
        return total


def load_argv(server, body=None, connections=64, seconds=None, requests=None, rate=None, secret=SECRET, path=None):
    argv = [program("load"), "-p", server.port, "-u", path or server.path, "-c", connections]
    for flag, value in (("-b", body), ("-k", secret if body else None), ("-t", seconds), ("-n", requests), ("-r", rate)):
        if value is not None:
            argv += [flag, value]
    return pinned(LOAD_CORE, argv)


def load(server, accept=(200, 202), **options):
    """One run of the generator, with what it has cost the server: rate, latencies, CPU µs per request."""
    argv = load_argv(server, **options)
    before, wall = server.cpu(), time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE + 3 * (options.get("seconds") or 0))
    if done.returncode:
        raise RuntimeError(f"{server.name}: load: {done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    used = server.cpu() - before
    odd = sum(n for status, n in result["status"].items() if int(status) not in accept) + result["errors"]
    result.update(cpu_us=used / result["requests"] * 1e6, cores=used / (time.monotonic() - wall), odd=odd,
                  command=shlex.join(argv).replace(str(ROOT), "."))
    return result


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cpu": cpu[1] if cpu else "?", "cores": len(CORES), "kernel": platform.release(),
            "load": [round(x, 2) for x in os.getloadavg()], "server_core": SERVER_CORE, "load_core": LOAD_CORE}


def raise_limits():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CORE})
