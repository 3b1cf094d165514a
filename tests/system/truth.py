#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""truth.py VMETOP WEIGHTS ON_CPU_W TICKS DELAY NAME=PID...

Run vmetop and, meanwhile, read on our own what it should have seen: each VM's
cgroup and every task of the host that belongs to none. WEIGHTS makes a second on
a CPU cost ON_CPU_W joules, so that joules can be read as CPU seconds.
"""

import bisect
import os
import subprocess
import sys
import time

import snapshots

POLL_S = 0.02


def mount_of_v2():
    with open("/proc/self/mounts") as file:
        mounts = [line.split() for line in file]
    return [mount[1] for mount in mounts if mount[2] == "cgroup2"][0]


def cgroup_of(pid):
    """The cpu.stat of the VM's cgroup (v2); libvirt nests its threads in it."""
    with open(f"/proc/{pid}/cgroup") as file:
        path = [line.rstrip("\n")[3:] for line in file if line.startswith("0::")][0]
    path = path.split("/libvirt/")[0].removesuffix("/emulator")
    snapshots.require(path != "/", f"process {pid} has no cgroup of its own")
    return f"{mount_of_v2()}{path}/cpu.stat"


def cgroup_seconds(path):
    with open(path) as file:
        return int(file.read().split()[1]) / 1e6


def is_vm(pid):
    """Also one of somebody else, on a host that is not ours alone."""
    with open(f"/proc/{pid}/comm") as file:
        return file.read().startswith(("qemu-system", "qemu-kvm", "kvm\n"))


def task_seconds(seen):
    """Seconds of all tasks outside VMs; those that ended keep their last figure."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if is_vm(pid):
                continue
            for tid in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{tid}/schedstat") as file:
                    seen[int(tid)] = int(file.read().split()[0]) / 1e9
        except OSError:
            pass  # gone between the two calls
    return sum(seen.values())


class Series:
    """A counter that was read now and then."""

    def __init__(self):
        self.times, self.values = [], []

    def add(self, value):
        self.times.append(time.time())
        self.values.append(value)

    def at(self, when):
        i = bisect.bisect(self.times, when)
        snapshots.require(0 < i < len(self.times), "the truth does not cover vmetop's time")
        (t0, t1), (v0, v1) = self.times[i - 1:i + 1], self.values[i - 1:i + 1]
        return v0 + (v1 - v0) * (when - t0) / (t1 - t0)

    def between(self, begin, end):
        return self.at(end) - self.at(begin)


def watch(command, output, vms):
    """Run command while polling; the truth covers it on both sides."""
    groups = {name: cgroup_of(pid) for name, pid in vms.items()}
    truth = {name: Series() for name in vms}
    tasks, seen = Series(), {}

    def poll():
        for name, group in groups.items():
            truth[name].add(cgroup_seconds(group))
        tasks.add(task_seconds(seen))
        time.sleep(POLL_S)

    poll()
    with open(output, "w") as file:
        child = subprocess.Popen(command, stdout=file)
        while child.poll() is None:
            poll()
    poll()
    snapshots.require(child.returncode == 0, f"vmetop ended with {child.returncode}")
    return truth, tasks


def main():
    vmetop, weights, on_cpu_w, ticks, delay, *vms = sys.argv[1:]
    vms = {name: int(pid) for name, pid in (vm.rsplit("=", 1) for vm in vms)}
    output = os.environ.get("TRUTH_JSON", "/dev/shm/truth.json")
    command = [vmetop, "--json", "-n", ticks, "-d", delay, "--weights", weights]
    truth, tasks = watch(command, output, vms)
    seen = snapshots.load(output)
    begin, end = seen[0]["since"], seen[-1]["time"]
    for name in vms:
        domain = snapshots.domain(seen[-1], name)
        snapshots.require(domain, f"{name} is not among the domains")
        joules = domain["cpu"]["active_j"] + domain["service"]["active_j"]
        snapshots.near(f"{name}: CPU seconds", joules / float(on_cpu_w),
                       truth[name].between(begin, end), 0.01)
    kept_j = sum(kept["active_w"] * tick["interval_s"] for tick in seen
                 for kept in tick["host"]["kept"] if not kept["name"].startswith(("disk ", "nic ")))
    snapshots.near("kept CPU seconds", kept_j / float(on_cpu_w), tasks.between(begin, end), 0.05)


if __name__ == "__main__":
    snapshots.run(main)
