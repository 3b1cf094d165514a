#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""perf-truth.py VMETOP WEIGHTS OUTPUT NAME=PID...

Run vmetop with perf counting context switches at 1 mJ each and, meanwhile, read
the switches of every thread from its status, as the scheduler counts them.
"""

import os
import subprocess
import sys
import time

import snapshots
from truth import Series

TICKS, DELAY_S, POLL_S = 20, 0.5, 0.02
JOULES_PER_SWITCH = 1e-3


def thread_switches(path):
    with open(path) as file:
        return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)


def process_switches(pid, seen):
    """Of all threads; those that ended keep their last figure."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            seen[tid] = thread_switches(f"/proc/{pid}/task/{tid}/status")
        except OSError:
            pass  # gone between the two calls
    return sum(seen.values())


def watch(command, output, vms):
    truth, seen = {name: Series() for name in vms}, {name: {} for name in vms}

    def poll():
        for name, pid in vms.items():
            truth[name].add(process_switches(pid, seen[name]))
        time.sleep(POLL_S)

    poll()
    with open(output, "w") as file:
        child = subprocess.Popen(command, stdout=file)
        while child.poll() is None:
            poll()
    poll()
    snapshots.require(child.returncode == 0, f"vmetop ended with {child.returncode}")
    return truth


def main():
    vmetop, weights, output, *vms = sys.argv[1:]
    vms = {name: int(pid) for name, pid in (vm.rsplit("=", 1) for vm in vms)}
    truth = watch([vmetop, "--json", "-n", str(TICKS), "-d", str(DELAY_S), "--source", "perf",
                   "--weights", weights], output, vms)
    seen = snapshots.load(output)
    begin, end = seen[0]["since"], seen[-1]["time"]
    for tick in seen:
        snapshots.require(tick["source"]["cpu"] == "perf", "perf does not count")
    for name in vms:
        domain = snapshots.domain(seen[-1], name)
        snapshots.require(domain, f"{name} is not among the domains")
        joules = domain["cpu"]["active_j"] + domain["service"]["active_j"]
        snapshots.near(f"{name}: context switches", joules / JOULES_PER_SWITCH,
                       truth[name].between(begin, end), 0.03)
        busy = snapshots.mean(seen, lambda tick: sum(
            vcpu["cpu_percent"] for vcpu in snapshots.domain(tick, name)["vcpus"]))
        print(f"{name}: vCPUs on CPU {busy:.1f} %")
        snapshots.require(busy > 0, "perf's on-CPU time is lost")


if __name__ == "__main__":
    snapshots.run(main)
