#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage: kept.py SOURCE SNAPSHOTS

Whose the active energy was that no domain was charged with: prints the heads of kept, and
fails where 3 % of the host's active energy or more has no name.
"""
import json
import sys

MOST_NAMELESS = 0.03


def main(source, path):
    heads, active_j = {}, 0
    with open(path, encoding="utf-8") as lines:
        for tick in map(json.loads, lines):
            host, seconds = tick["host"], tick["interval_s"]
            if tick["source"]["cpu"] != source:
                sys.exit(f"counted by {tick['source']['cpu']}, not by {source}")
            active_j += seconds * ((host["cpu_active_w"] or 0) + (host["disk_active_w"] or 0))
            for head in host["kept"]:
                name = head["name"]
                heads[name] = heads.get(name, 0) + seconds * (head["active_w"] or 0)
    nameless = heads["other"] / active_j
    kept_j = sum(heads.values())
    print(f"{source}: {active_j:.1f} J active, {kept_j:.1f} J kept, "
          f"{100 * nameless:.2f} % of all without a name")
    for name, joules in sorted(heads.items(), key=lambda head: -head[1]):
        print(f"    {name:31} {joules:8.3f} J {100 * joules / active_j:6.2f} %")
    if len(heads) < 4:
        sys.exit("there are hardly any names")
    if not abs(nameless) < MOST_NAMELESS:
        sys.exit(f"{100 * nameless:.2f} %: must be below {100 * MOST_NAMELESS:.0f} %")


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
