#!/usr/bin/env python3
"""Runs every kind of test and sums them up: house rules, unit and contract tests (gcc and clang with sanitizers, the
cross-thread parts under TSan), scenarios against the real daemon, fuzzers for a bounded time."""
import argparse, concurrent.futures, os, pathlib, re, shutil, subprocess, sys, time

root = pathlib.Path(__file__).resolve().parent.parent
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
FUZZ_SECONDS = 8
THREADED = ("contract_store", "test_base_loop", "test_base_log", "test_base_stats", "test_base_id")


class Total:
    passed = failed = skipped = 0
    log = []


def note(name, passed, failed, skipped, seconds, output=""):
    Total.passed += passed
    Total.failed += failed
    Total.skipped += skipped
    print(f"{'FAIL' if failed else 'ok':4} {name:44} {passed:6} passed {failed:4} failed {skipped:3} skipped  {seconds:6.1f}s",
          flush=True)
    if failed:
        print("  | " + "\n  | ".join(output.rstrip().splitlines()[-80:]), flush=True)


def run(name, command, timeout=300, env=None, cwd=root):
    """One program whose output ends with a summary line, or whose exit status is the verdict of one test."""
    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, timeout=timeout, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = f"{late.stdout or ''}\nno end after {timeout} s", -1
    found = SUMMARY.findall(output)
    passed, failed, skipped = (int(n or 0) for n in found[-1]) if found else (int(status == 0), 0, 0)
    if status != 0 and failed == 0:
        failed = 1
    return name, passed, failed, skipped, time.monotonic() - start, output


def run_all(jobs, workers):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, *args, **options) for args, options in jobs]):
            note(*future.result())


def build(preset, targets=()):
    configured = root / "build" / preset / "build.ninja"
    commands = [] if configured.exists() else [["cmake", "--preset", preset]]
    commands.append(["cmake", "--build", "--preset", preset, *(["--target", *targets] if targets else [])])
    for command in commands:
        result = run(f"build {preset}", command, timeout=1800)
        if result[2] or command is commands[-1]:
            note(*result)
            if result[2]:
                return False
    return True


def programs(preset, wanted, *prefixes):
    folder = root / "build" / preset
    return [p for prefix in prefixes for p in sorted(folder.glob(prefix + "*"))
            if p.is_file() and os.access(p, os.X_OK) and wanted(p.name)]


def unit_jobs(preset, wanted, only=None):
    env = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:allocator_may_return_null=0", "UBSAN_OPTIONS": "print_stacktrace=1",
           "TSAN_OPTIONS": "halt_on_error=1"}
    return [((f"{preset}/{p.name}", [str(p)]), {"env": env}) for p in programs(preset, wanted, "test_", "contract_")
            if not only or p.name in only]


def scenario_jobs(wanted):
    env = {"KERYX": str(root / "build/dev/keryx"), "ASAN_OPTIONS": "detect_leaks=1:log_path=stderr", "PYTHONUNBUFFERED": "1"}
    return [((f"scenario/{p.stem}", [sys.executable, str(p)]), {"env": env, "timeout": 600})
            for p in sorted((root / "tests/scenario").glob("[0-9]*.py")) if wanted(p.stem)]


def fuzz_jobs(wanted):
    jobs = []
    for p in programs("fuzz", wanted, "fuzz_"):
        what = p.name.split("_", 2)[2]
        kept = root / "tests/fuzz/corpus" / what
        work = root / "build/fuzz/work" / what
        work.mkdir(parents=True, exist_ok=True)
        command = [str(p), f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=8192",
                   "-print_final_stats=0", f"-artifact_prefix={work}/crash-", str(work), *([str(kept)] if kept.is_dir() else [])]
        jobs.append(((f"fuzz/{p.name}", command), {"timeout": FUZZ_SECONDS * 10 + 60}))
    return jobs


def peers():
    """The independent judges from npm, for scenarios that ask for them; without a registry those are skipped."""
    folder = root / "tests/peers"
    if not (folder / "package-lock.json").exists() or (folder / "node_modules/.package-lock.json").exists():
        return
    result = run("npm ci (peers)", ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], timeout=600, cwd=folder)
    if result[2]:
        print("note: npm peers could not be installed; scenarios that need them are skipped", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--coverage", action="store_true")
    options.add_argument("names", nargs="*")
    options = options.parse_args()
    wanted = lambda name: not options.names or any(word in name for word in options.names)
    start = time.monotonic()
    workers = max(2, os.cpu_count() or 2)
    if options.coverage:
        return coverage()
    for script in ("layers", "house"):
        if wanted(script):
            note(*run(script, [sys.executable, f"tests/{script}.py"]))
    if build("dev"):
        run_all(unit_jobs("dev", wanted), workers)
        peers()
        for job in scenario_jobs(wanted):
            run_all([job], 1)
    if not options.quick and not options.names:
        if build("clang"):
            run_all(unit_jobs("clang", wanted), workers)
        if build("thread", THREADED):
            run_all(unit_jobs("thread", wanted, THREADED), workers)
    if not options.quick and (not options.names or wanted("fuzz")) and build("fuzz"):
        run_all(fuzz_jobs(lambda name: True), workers)
    print(f"\n{time.monotonic() - start:.0f} s")
    print(f"{Total.passed} passed, {Total.failed} failed" + (f", {Total.skipped} skipped" if Total.skipped else ""))
    return 1 if Total.failed or not Total.passed else 0


def coverage():
    if not shutil.which("gcovr"):
        print("gcovr is not installed: apt-get install gcovr")
        return 1
    if not build("coverage"):
        return 1
    everything = lambda name: True
    run_all(unit_jobs("coverage", everything), 2)
    for (args, more) in scenario_jobs(everything):
        more["env"]["KERYX"] = str(root / "build/coverage/keryx")
        run_all([(args, more)], 1)
    subprocess.run(["gcovr", "-r", str(root), "--object-directory", str(root / "build/coverage"), "-e", "tests/", "--print-summary"])
    return 1 if Total.failed else 0


sys.exit(main())
