#!/usr/bin/env python3
"""The README's walk-through, command by command, and every complete configuration of the docs."""
import json, re, subprocess, sys, tempfile, pathlib

from fixture import KERYX, PATIENCE, ROOT, Daemon, equal, free_port, main

README = (ROOT / "README.md").read_text()


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.S | re.M)


def matches(got, want):
    """`…` in what the page shows stands for anything."""
    pattern = ".*?".join(map(re.escape, want.strip().split("…")))
    return re.fullmatch(pattern, got.strip(), re.S)


def test_every_command_of_the_readme_works():
    port = free_port()
    place = lambda text: text.replace("127.0.0.1:8644", f"127.0.0.1:{port}").replace("./run ", f"{KERYX} ")
    with Daemon(place((ROOT / "agents.yaml").read_text())) as d:
        shown = iter(blocks(README, "json"))
        ran = 0
        for block in blocks(README, "sh"):
            for command in block.splitlines():
                command = command.split("  #")[0]
                if command.strip() in ("", "./run"):
                    continue
                env = {**d.env, "KERYX_URL": f"http://127.0.0.1:{port}"}
                done = subprocess.run(["sh", "-c", place(command)], cwd=d.dir, env=env, text=True, capture_output=True, timeout=PATIENCE)
                assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}\n{d.log()}"
                ran += 1
                if "greeter" in command:
                    want = next(shown)
                    assert matches(done.stdout, want), f"{command}\n  got  {done.stdout}\n  want {want}"
                if "wordcount" in command:
                    assert "HTTP/1.1 202" in done.stdout and "/api/v1/tasks/webhook-wordcount-" in done.stdout, done.stdout
        assert ran >= 9, f"only {ran} commands were found"
        audits = lambda: sorted(t["result"] for t in d.items("/api/v1/tasks?agent=audit") if t["status"] == "completed")
        d.wait(lambda: len(audits()) == 2, "both reports to audit")
        equal(audits(), ["shout completed: QUIETLY", "wordcount completed: 3"])


def test_every_complete_configuration_of_the_docs_passes_check():
    checked = 0
    for page in sorted((ROOT / "docs").glob("*.md")):
        for block in blocks(page.read_text(), "yaml"):
            if not re.search(r"^(agents|server|llms):", block, re.M):
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "agents.yaml"
                path.write_text(block)
                env = {name: "value" for name in re.findall(r"\$\{(\w+)", block)}
                env.update((n, "http://127.0.0.1:1/x") for n in env if "URL" in n)
                done = subprocess.run([KERYX, "check", str(path)], env={"PATH": "/usr/bin:/bin", **env}, text=True, capture_output=True, timeout=PATIENCE)
                assert done.returncode == 0, f"{page.name}:\n{block}\n{done.stderr}"
                checked += 1
    assert checked >= 5, f"only {checked} configurations were found"


def test_template_example_of_the_docs_prints_what_it_says():
    page = (ROOT / "docs/templates.md").read_text()
    script = next(b for b in blocks(page, "sh") if "hello.tmpl" in b).replace("keryx ", KERYX + " ")
    want = re.search(r"prints `(.*?)`:", page)[1]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["sh", "-c", script], cwd=folder, text=True, capture_output=True, timeout=PATIENCE)
    equal(done.stdout.strip(), want)


def test_the_reference_page_is_what_the_tables_say():
    done = subprocess.run([KERYX, "schema", "--markdown"], text=True, capture_output=True, timeout=PATIENCE)
    equal((ROOT / "docs/config.md").read_text(), done.stdout, "docs/config.md: make it with `keryx schema --markdown > docs/config.md`")


main(sys.modules[__name__])
