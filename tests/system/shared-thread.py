#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""shared-thread.py clock PID               CPU time of a process, ended threads included, in ns
shared-thread.py judge WINDOWS MADE SNAPSHOTS
                                           are requests counted, and charges as when alone?"""

import collections
import statistics
import sys
import time

import snapshots

NAMES = ("one", "two")
SERVED = "vdb"
LIMIT = 0.05
# A guest looks at a new disk's first blocks on its own, before it is watched.
LOOK_REQUESTS = 4
LOOK_BYTES = 65536
SECTOR_BYTES = 512
# Fields of /sys/block/DISK/stat.
READS, READ_SECTORS, WRITES, WRITE_SECTORS, FLUSHES = 0, 2, 4, 6, 15
# Of clock_getcpuclockid(3): the kernel's CPUCLOCK_SCHED, of a whole process.
CLOCK_SCHED = 2

Window = collections.namedtuple("Window", "begin end used_ns made")


def load_windows(path):
    """By round, then by who read."""
    rounds = collections.defaultdict(dict)
    with open(path, encoding="utf-8") as file:
        for line in file:
            number, who, begin, end, used, *made = line.split()
            rounds[int(number)][who] = Window(
                float(begin), float(end), int(used),
                {name: int(count) for name, count in (word.split("=") for word in made)})
    return rounds


def vdisk(tick, name):
    found, = (v for v in snapshots.domain(tick, name)["vdisks"] if v["name"] == SERVED)
    return found


def check_requests(path, ticks):
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    snapshots.require([name for name, *_ in lines] == list(NAMES), f"{path}: {lines}")
    for name, *fields in lines:
        stat = [int(field) for field in fields]
        made = {"requests": stat[READS] + stat[WRITES] + stat[FLUSHES],
                "read_bytes": stat[READ_SECTORS] * SECTOR_BYTES,
                "write_bytes": stat[WRITE_SECTORS] * SECTOR_BYTES}
        looks = {"requests": LOOK_REQUESTS, "read_bytes": LOOK_BYTES, "write_bytes": 0}
        for figure, wanted in made.items():
            counted = sum(vdisk(tick, name)[figure] or 0 for tick in ticks)
            print(f"{name}: {figure} {counted:.0f}, by its own kernel {wanted}")
            snapshots.require(0 <= wanted - counted <= looks[figure], f"{name}: other {figure}")


def alone_costs(judged):
    """CPU time of each one's request when it is there alone: the mean of the cheaper half of the
    rounds, since what disturbs them only adds to it."""
    costs = {name: sorted(found[name].used_ns / found[name].made[name] for found in judged)
             for name in NAMES}
    for name in NAMES:
        print(f"{name} alone, us of the daemon for a request:",
              *(f"{cost / 1000:.1f}" for cost in costs[name]))
    return {name: statistics.mean(costs[name][:(len(judged) + 1) // 2]) for name in NAMES}


def charged_joules(ticks, window, name):
    return sum(vdisk(tick, name)["service_active_w"] * tick["interval_s"]
               for tick in ticks if window.begin < tick["time"] <= window.end)


def judge(windows, made, path):
    rounds = load_windows(windows)
    ticks = snapshots.load(path)
    check_requests(made, ticks)
    judged = [found for number, found in rounds.items() if number > 0]
    if not judged:
        return
    costs = alone_costs(judged)
    both = [found["one+two"] for found in judged]
    due = {name: sum(window.made[name] for window in both) * costs[name] for name in NAMES}
    joules = {name: sum(charged_joules(ticks, window, name) for window in both) for name in NAMES}
    snapshots.require(sum(joules.values()) > 0, "nothing is charged")
    for name in NAMES:
        snapshots.near(f"{name}'s part of the charge", joules[name] / sum(joules.values()),
                       due[name] / sum(due.values()), LIMIT)


def main():
    action, *arguments = sys.argv[1:]
    if action == "clock":
        print(time.clock_gettime_ns(~int(arguments[0]) << 3 | CLOCK_SCHED))
    else:
        judge(*arguments)


if __name__ == "__main__":
    snapshots.run(main)
