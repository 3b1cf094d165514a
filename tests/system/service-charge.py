#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""service-charge.py clock PID                 lines "TIME TID=NS..." of CPU time of a process's
                                           threads, until stopped
service-charge.py rounds WINDOWS PAIR      how many rounds can be judged
service-charge.py judge FOLDER SOURCE...   is each VM charged what its thread used?"""

import bisect
import collections
import pathlib
import statistics
import sys
import time

import snapshots

NAMES = ("one", "two")
SERVED = "vdb"
LIMIT = 0.02
# Of the requests that a VM was to make, so many it must have made to be the same load.
MADE = 0.5
# Before and behind a reading the daemon has nothing to do for longer than a tick.
BEHIND_S = 0.4

# made: requests of each VM that read
Reading = collections.namedtuple("Reading", "pair round who begin end made complete")


def thread_times(pid):
    """Of threads that are there; the second field is the time that it waited."""
    for task in pathlib.Path(f"/proc/{pid}/task").glob("[0-9]*"):
        try:
            yield f"{task.name}={(task / 'schedstat').read_text().split()[0]}"
        except OSError:
            continue


def show_clock(pid):
    while times := list(thread_times(pid)):
        print(f"{time.time():.6f}", *times, flush=True)
        time.sleep(0.02)


def load_readings(path):
    readings = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            pair, number, who, begin, end, *said = line.split()
            wanted, made = said[::2], [int(requests) for requests in said[1::2]]
            readings.append(Reading(
                pair, int(number), who, float(begin), float(end) + BEHIND_S,
                dict(zip(who.split("+"), made)),
                all(got >= MADE * int(want) for got, want in zip(made, wanted))))
    return readings


def rounds(readings, pair):
    """Of a pair, those rounds whose three readings went well; the first one warms up."""
    by_round = collections.defaultdict(dict)
    for reading in readings:
        if reading.pair == pair and reading.round > 0 and reading.complete:
            by_round[reading.round][reading.who] = reading
    return [found for found in by_round.values() if len(found) == 3]


class Clock:
    """CPU time of a thread at any moment."""

    def __init__(self, times, ns):
        self.times = times
        self.ns = ns

    def at(self, moment):
        i = bisect.bisect(self.times, moment)
        snapshots.require(0 < i < len(self.times), f"no CPU time is known at {moment}")
        part = (moment - self.times[i - 1]) / (self.times[i] - self.times[i - 1])
        return self.ns[i - 1] + part * (self.ns[i] - self.ns[i - 1])


def load_clocks(path):
    """Of the threads that were there all the time."""
    with open(path, encoding="utf-8") as file:
        rows = [line.split() for line in file if line.endswith("\n")]
    times = [float(row[0]) for row in rows]
    threads = collections.defaultdict(list)
    for row in rows:
        for word in row[1:]:
            tid, ns = word.split("=")
            threads[tid].append(int(ns))
    return [Clock(times, ns) for ns in threads.values() if len(ns) == len(times)]


def used_ns(clock, reading):
    return clock.at(reading.end) - clock.at(reading.begin)


def thread_share(threads, found):
    """The first one's: what its thread used, which is the one that did most when it was alone."""
    ns = {}
    for name in NAMES:
        own = max(threads, key=lambda clock, alone=found[name]: used_ns(clock, alone))
        ns[name] = used_ns(own, found["one+two"])
    return ns["one"] / sum(ns.values())


def charged_joules(ticks, reading):
    joules = dict.fromkeys(NAMES, 0.0)
    for tick in ticks:
        if not reading.begin < tick["time"] <= reading.end:
            continue
        for name in NAMES:
            vdisk, = (v for v in snapshots.domain(tick, name)["vdisks"] if v["name"] == SERVED)
            joules[name] += vdisk["service_active_w"] * tick["interval_s"]
    return joules


def charged_share(ticks, reading):
    joules = charged_joules(ticks, reading)
    snapshots.require(sum(joules.values()) > 0, f"nothing is charged in {reading}")
    return joules["one"] / sum(joules.values())


def judge(folder, sources):
    threads = load_clocks(folder + "/clock")
    readings = load_readings(folder + "/windows")
    errors = []
    for pair in dict.fromkeys(reading.pair for reading in readings):
        found = rounds(readings, pair)
        truths = [thread_share(threads, three) for three in found]
        print(f"{pair}: of both threads' time, one's is", *(f"{100 * truth:.2f} %" for truth in truths))
        for source in sources:
            ticks = snapshots.load(f"{folder}/{source}.json")
            charges = [charged_share(ticks, three["one+two"]) for three in found]
            print(f"{pair}, {source}: one is charged", *(f"{100 * c:.2f} %" for c in charges))
            # Round by round, since a busy machine lets a VM make fewer requests.
            ratios = {"one": [c / t for c, t in zip(charges, truths)],
                      "two": [(1 - c) / (1 - t) for c, t in zip(charges, truths)]}
            for name in NAMES:
                try:
                    snapshots.near(f"{pair}, {source}: {name}'s charge as a part of its due",
                                   statistics.median(ratios[name]), 1, LIMIT)
                except snapshots.Failed as reason:
                    errors.append(str(reason))
    snapshots.require(not errors, "; ".join(errors))


def main():
    action, *arguments = sys.argv[1:]
    if action == "clock":
        show_clock(int(arguments[0]))
    elif action == "rounds":
        print(len(rounds(load_readings(arguments[0]), arguments[1])))
    else:
        judge(arguments[0], arguments[1:])


if __name__ == "__main__":
    snapshots.run(main)
