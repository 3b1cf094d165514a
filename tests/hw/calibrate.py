#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""calibrate.py CONSOLE LOOPS SHIFT

What calibrate printed in the guest, against what must be so there: a loop of known
length, and an instruction in each 2^SHIFT nanoseconds that a CPU is busy.
"""

import csv
import json
import sys

TOLERANCE = 1e-3
PER_LOOP = 2
NS = 1e9
failures = 0


def sections(path):
    """The lines between "BEGIN NAME" and "END"."""
    found, name = {}, None
    with open(path, errors="replace") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["BEGIN"]:
                name = words[1]
                found[name] = []
            elif words == ["END"]:
                name = None
            elif name:
                found[name].append(line.rstrip("\n"))
    return found


def check(what, passed, detail):
    global failures
    print(f"{'ok' if passed else 'FAILED'}  {what}: {detail}")
    failures += not passed


def near(what, expected, got, tolerance=TOLERANCE):
    part = abs(got - expected) / expected
    check(what, part <= tolerance, f"expected {expected:.0f}, got {got:.0f} ({part:.2e} off)")


def check_lists(parts):
    text = "\n".join(parts["events"])
    check("the CPU's events are known", "arm_n1" in text, text.split("\n", 1)[0])
    listed = json.loads(parts["list"][0])
    names = [event["name"] for event in listed["events"] if event["counts"]]
    check("instructions count", "arm_n1::INST_RETIRED" in names, names)
    check("half of the counters serve", listed["usable"] == listed["free"] // 2 > 0,
          f"{listed['usable']} of {listed['free']}")
    check("nothing stands in", not listed["generic"], listed["generic"])


def check_count(parts, loops):
    rows = {row["event"]: row for row in csv.DictReader(parts["count"])}
    instructions = rows["arm_n1::INST_RETIRED:u"]
    near("a known loop, in the program", PER_LOOP * loops, int(instructions["program"]))
    # Our own and the shell's instructions come on top.
    near("a known loop, on all CPUs", PER_LOOP * loops, int(instructions["all_cpus"]))


def rate(row, column):
    return float(row[column]) / float(row["interval_s"])


def check_trace(parts, shift):
    rows = [row for row in csv.DictReader(parts["trace"]) if row["workload"] == "integer"]
    check("a busy workload has rows", len(rows) >= 5, len(rows))
    # Time is read just after the events: its error in a short row is not theirs.
    for column, expected, tolerance in (("arm_n1::INST_RETIRED", NS / 2**shift, TOLERANCE),
                                        ("cputime::ON_CPU_NS", NS, 0.01)):
        worst = max(rows, key=lambda row: abs(rate(row, column) - expected), default=None)
        if worst:
            near(f"{column} in a busy second, the worst row", expected, rate(worst, column),
                 tolerance)
    watts = {row["power_w"] for row in rows}
    check("watts", watts == {"25.5"}, watts)
    about = "\n".join(parts["about"])
    check("it says what counted", "pmu = arm_n1" in about and "probe = perf" in about, "about")


def main():
    parts = sections(sys.argv[1])
    check_lists(parts)
    check_count(parts, int(sys.argv[2]))
    check_trace(parts, int(sys.argv[3]))
    sys.exit(1 if failures else 0)


main()
