#!/usr/bin/env python3
"""Holds every `#include "room/…"` to the table in ARCHITECTURE.md; prints file:line for each arrow that runs outward."""
import pathlib, re, sys

root = pathlib.Path(__file__).resolve().parent.parent
table = dict(re.findall(r"^\| (\w+) \| ([\w –-]+) \|$", (root / "ARCHITECTURE.md").read_text(), re.M))
rooms = {room: set(may.split()) - {"–"} | {room} for room, may in table.items() if room != "room"}
for room in rooms:
    if "all" in rooms[room]:
        rooms[room] = set(rooms)
bad = [f"{path.relative_to(root)}:{n}: {room} may not include {got}"
       for room in rooms for path in sorted((root / room).glob("*.[ch]"))
       for n, line in enumerate(path.read_text().splitlines(), 1)
       for got in re.findall(r'^\s*#\s*include\s+"(\w+)/', line) if got not in rooms[room]]
if len(rooms) < 11:
    bad.append("ARCHITECTURE.md: the layer table has fewer than 11 rooms")
print("\n".join(bad) or f"layers: {len(rooms)} rooms hold", file=sys.stderr if bad else sys.stdout)
sys.exit(bool(bad))
