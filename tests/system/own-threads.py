#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""own-threads.py SNAPSHOTS RECORDING NAME...: are vDISKs charged what threads spent for them alone?

Of each service, and of the threads that work for one attachment each, the recording
has the counters; a vDISK's energy lies between what its threads alone used of that
of the services, and that with all that no such thread used.
"""

import collections
import json
import sys

import snapshots

SERVED = "vdb"
# Readings of a thread and of its service are made one after the other.
TOLERANCE = 0.02
# at_ns, quality; then the counts
HEAD = 2
EVENTS_MAX = 8


def difference(before, after):
    """Counts of 0 at the end of a reading are left out."""
    counts = [(reading or [])[HEAD:] + [0] * EVENTS_MAX for reading in (before, after)]
    return [now - then for then, now in zip(*counts)]


def load(path):
    """The topology, and the first and the last sample: who serves whom does not change."""
    topology, samples = None, []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] == "topology":
                topology = topology or record
                for what in ("services", "attachments"):
                    snapshots.require(record[what] == topology[what], f"other {what}: {record}")
            elif record["kind"] == "sample":
                samples.append(record)
    snapshots.require(len(samples) > 1, f"{path}: {len(samples)} samples")
    return topology, samples[0], samples[-1]


def parts(of_thread, of_service):
    """Of each event that the service had, the part that was the thread's."""
    found = [part / all for part, all in zip(of_thread, of_service) if all > 0]
    snapshots.require(found, "the service did nothing")
    return found


def bounds(topology, first, last, joules):
    """By vDISK: least and most joules that are due to it."""
    least, most = collections.Counter(), collections.Counter()
    for provider, spent in joules.items():
        mine = [a for a in topology["attachments"] if a["provider"] == provider]
        snapshots.require(mine and all(a.get("own_thread") and a.get("own_alone") for a in mine),
                          f"{mine}: without a thread of their own")
        shares = {}
        for attachment in mine:
            index = attachment["own_thread"] - 1  # counted from 1
            snapshots.require(attachment["client"] == "vdisk", f"{attachment}: of a service")
            shares[topology["domains"][attachment["domain"]]["name"]] = parts(
                difference(*(s["service_threads"][provider][index] for s in (first, last))),
                difference(*(s["services"][provider] for s in (first, last))))
        rest = max(0, 1 - sum(min(s) for s in shares.values()))
        for name, share in shares.items():
            print(f"service {provider}: {name}'s thread did {min(share):.4f}..{max(share):.4f} of it")
            least[name] += spent * min(share)
            most[name] += spent * (max(share) + rest)
    return least, most


def main():
    path, recording, *names = sys.argv[1:]
    ticks = snapshots.load(path)
    topology, first, last = load(recording)
    joules = collections.Counter()
    charged = collections.Counter()
    for tick in ticks:
        for service in tick["services"]:
            index = [s["pid"] for s in topology["services"]].index(service["pid"])
            joules[index] += service["active_w"] * tick["interval_s"]
        for name in names:
            vdisk = [v for v in snapshots.domain(tick, name)["vdisks"] if v["name"] == SERVED][0]
            charged[name] += vdisk["service_active_w"] * tick["interval_s"]
    least, most = bounds(topology, first, last, joules)
    for name in names:
        print(f"{name}: charged {charged[name]:.4f} J, due are {least[name]:.4f}..{most[name]:.4f} J")
        snapshots.require(least[name] * (1 - TOLERANCE) <= charged[name]
                          <= most[name] * (1 + TOLERANCE), f"{name}: not what its threads spent")


if __name__ == "__main__":
    snapshots.run(main)
