#!/usr/bin/env python3
"""The house rules that a script can see: file and function length, banned calls, leftover marks, machine paths. No exception list."""
import pathlib, re, subprocess, sys

root = pathlib.Path(__file__).resolve().parent.parent
ROOMS = "base http store templates config engine triggers agents notifiers api cli".split()
MAX_FILE, MAX_FUNCTION, MAX_COLUMN = 600, 60, 110
BANNED = re.compile(r"(?<![\w>.])(strcpy|strcat|sprintf|vsprintf|atoi|atol|atoll|atof|strtok|gets|localtime|gmtime|"
                    r"rand|srand|system|popen|ev_default_loop)\s*\(")
ROW = re.compile(r"\s*(X|[A-Z][A-Z_]+)?[({]")  # one row of a table is one line
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PATHS = re.compile(r"(?<![\w.])/(root|home)/\w")


def without_comments(text):
    """Comments and string literals blanked out, line structure kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_c(path, say):
    text = path.read_text()
    lines = text.splitlines()
    if len(lines) > MAX_FILE:
        say(path, 1, f"{len(lines)} lines; at most {MAX_FILE}")
    start = None
    for n, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMN and not ROW.match(line):
            say(path, n, f"{len(line)} columns; at most {MAX_COLUMN}")
        if line == "{":
            start = n
        elif line == "}" and start:
            if n - start > MAX_FUNCTION:
                say(path, start, f"a function of {n - start} lines; at most {MAX_FUNCTION}")
            start = None
    for n, line in enumerate(without_comments(text).splitlines(), 1):
        if found := BANNED.search(line):
            say(path, n, f"{found[1]}() is not called in this house")
    if path.suffix == ".h" and "#ifndef KERYX_" not in text and "X(" not in text:
        say(path, 1, "no include guard")


def main():
    bad = []
    say = lambda path, n, what: bad.append(f"{path.relative_to(root)}:{n}: {what}")
    files = [p for room in ROOMS for p in sorted((root / room).glob("*.[ch]"))]
    for path in files:
        check_c(path, say)
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, tracked):
        path = root / name
        if path.suffix in (".jsonl", ".json", ".rows", ".lock") or not path.is_file() or {"corpus", "rows"} & set(path.parts):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for n, line in enumerate(text.splitlines(), 1):
            if path.name != "house.py" and (MARKS.search(line) or PATHS.search(line)):
                say(path, n, "a mark of unfinished work or a path of one machine")
    print("\n".join(bad) or f"house: {len(files)} files hold")
    return bool(bad)


sys.exit(main())
