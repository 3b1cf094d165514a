#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""sources.py VMETOP FOLDER NAME...

Run vmetop with each source at once, with FOLDER/clock.weights, and compare the
active joules of the domains NAME over the seconds that all of them cover.
"""

import itertools
import os
import subprocess
import sys

import snapshots
from truth import Series

SOURCES = ("perf", "cputime", "switch")
TICKS, DELAY_S = 100, 0.2


def start(vmetop, folder, source):
    with open(f"{folder}/{source}.json", "w") as output:
        return subprocess.Popen(
            [vmetop, "--json", "--no-libvirt", "-n", str(TICKS), "-d", str(DELAY_S),
             "--source", source, "--weights", f"{folder}/clock.weights"], stdout=output)


def joules(ticks, name):
    """The domain's active joules as they add up."""
    series = Series()
    for tick in ticks:
        domain = snapshots.domain(tick, name)
        snapshots.require(domain, f"{name} is not among the domains")
        series.times.append(tick["time"])
        series.values.append(domain["cpu"]["active_j"] + domain["service"]["active_j"])
    return series


def main():
    vmetop, folder, *names = sys.argv[1:]
    children = [start(vmetop, folder, source) for source in SOURCES]
    for source, child in zip(SOURCES, children):
        snapshots.require(child.wait() == 0, f"vmetop --source {source} ended badly")
    seen = {source: snapshots.load(os.path.join(folder, f"{source}.json")) for source in SOURCES}
    for source, ticks in seen.items():
        snapshots.require(all(tick["source"]["cpu"] == source for tick in ticks),
                          f"{source} does not count")
    begin = max(ticks[0]["time"] for ticks in seen.values()) + DELAY_S / 2
    end = min(ticks[-1]["time"] for ticks in seen.values()) - DELAY_S / 2
    snapshots.require(end - begin > TICKS * DELAY_S / 2, "they hardly ran together")
    for name in names:
        found = {source: joules(ticks, name).between(begin, end)
                 for source, ticks in seen.items()}
        for one, other in itertools.combinations(SOURCES, 2):
            snapshots.near(f"{name}: {one} and {other}, joules", found[one], found[other], 0.01)


if __name__ == "__main__":
    snapshots.run(main)
