#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""caps.py cpu|disk SECONDS NAME=PID...

Start vmenergyd, set caps through its socket, and judge means over SECONDS.
"""

import json
import os
import sys
import time

from daemon_rig import ON_CPU_W, Daemon, ctl, process_seconds
from snapshots import domain, near, require, run

SETTLE_S = 8
MARGIN = 0.1  # of a host's cap, without a meter and with weights that state no error


def busy_seconds():
    """Of all CPUs, since the boot: everything but idle and iowait; guests are in user."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(word) for word in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


class Means:
    """What each domain used over some seconds: by the account, and by the kernel."""

    def __init__(self, pids, seconds):
        before = {name: process_seconds(pid) for name, pid in pids.items()}
        busy_s = busy_seconds()
        began = time.monotonic()
        text = ctl("watch", "--json", "-n", str(int(seconds * 2)))
        passed = time.monotonic() - began
        self.cpus = {name: (process_seconds(pid) - before[name]) / passed
                     for name, pid in pids.items()}
        # What the rest of this machine leaves to them: it is not always the same.
        rest = (busy_seconds() - busy_s) / passed - sum(self.cpus.values())
        self.part = {name: cpus / (os.cpu_count() - rest) for name, cpus in self.cpus.items()}
        ticks = [json.loads(line) for line in text.splitlines()]
        self.ticks = ticks
        first, last = ticks[0], ticks[-1]
        span = last["time"] - first["time"]
        require(span > seconds / 2, f"only {span:.1f} s were seen")
        self.active_w = {}
        self.disk_w = {}
        self.bytes_s = {}
        for name in pids:
            a, b = domain(first, name), domain(last, name)
            active = {part: (b[part]["active_j"] - a[part]["active_j"]) / span
                      for part in ("cpu", "disk", "service")}
            self.active_w[name] = sum(active.values())
            self.disk_w[name] = active["disk"]
            self.bytes_s[name] = sum(domain(t, name)["vdisks"][0]["read_bytes"] or 0
                                     for t in ticks[1:]) / span

    def show(self, what):
        print(f"{what}: " + ", ".join(
            f"{name} {w:.3f} W, {self.cpus[name]:.3f} CPUs, {self.bytes_s[name] / 1e6:.1f} MB/s"
            for name, w in self.active_w.items()))
        return self


def within(what, got, wanted, below, above):
    error = got / wanted - 1
    print(f"{what}: {got:.4g}, wanted {wanted:.4g}: {100 * error:+.2f} %"
          f" (limits -{100 * below:g}..+{100 * above:g} %)")
    require(-below <= error <= above, f"{what} is {100 * error:+.2f} % off")


def status():
    return json.loads(ctl("status", "--json"))


def settled(pids, seconds, what):
    time.sleep(SETTLE_S)
    return Means(pids, seconds).show(what)


def low(seconds, fraction):
    """How far below a cap: in ten seconds whatever else runs here takes its part, too."""
    return fraction if seconds >= 60 else max(0.1, fraction)


def hold_one(pids, name, free, seconds):
    """A cap of half its active power; the others gain."""
    cap_w = free.active_w[name] / 2
    ctl("cap", name, f"{cap_w:.4f}W")
    time.sleep(SETTLE_S)
    writes = status()["writes"]
    held = Means(pids, seconds).show(f"{name} capped at {cap_w:.3f} W")
    writes = status()["writes"] - writes
    print(f"writes: {writes} in {seconds:g} s (at most 6 in a minute)")
    require(writes <= max(6, seconds / 10), "it is written to all the time")
    below = low(seconds, 0.02)
    within(f"{name} by the account", held.active_w[name], cap_w, below, 0.05)
    within(f"{name} by the kernel", held.cpus[name] * ON_CPU_W, cap_w, below, 0.05)
    others = pids.keys() - {name}
    gains = {o: held.part[o] / free.part[o] for o in others}
    gain = sum(held.part[o] for o in others) / sum(free.part[o] for o in others)
    print(f"the others gain, of what is left to all: {100 * (gain - 1):+.0f} % (at least 10): "
          + ", ".join(f"{o} {100 * (g - 1):+.0f} %" for o, g in gains.items()))
    # One that has a whole CPU already cannot gain, and loses a little by chance.
    require(gain >= 1.1 and min(gains.values()) > (0.97 if seconds >= 60 else 0.85),
            "the others do not gain")
    last = domain(held.ticks[-1], name)
    near(f"{name}'s cap as shown", last["control"]["cap_w"], cap_w, 1e-3)
    require(last["throttle"]["cpu"] > 0.2, "it is not said to be throttled")
    ctl("cap", name, "default")


def divide_host(daemon, pids, seconds):
    """1 : 1 : 2 by shares; everything else of the host is known from a tick."""
    tick = json.loads(ctl("watch", "--json", "-n", "1"))
    used = sum(domain(tick, name)[part]["active_w"] for name in pids for part in ("cpu", "service"))
    wanted_w = tick["host"]["total_w"] - used + 1.2 * ON_CPU_W
    cap_w = wanted_w / (1 - MARGIN)
    daemon.reload(f"[host]\ncap = {cap_w:.3f}W\n[domain three]\nshare = 200\n")
    means = settled(pids, seconds, f"host capped at {cap_w:.3f} W")
    parts = [means.cpus["one"], means.cpus["two"], means.cpus["three"] / 2]
    jain = sum(parts) ** 2 / (len(parts) * sum(x * x for x in parts))
    print(f"Jain's index of CPUs / share: {jain:.4f} (at least 0.98)")
    require(jain >= 0.98, "the division is not fair")
    total_w = sum(t["host"]["total_w"] for t in means.ticks) / len(means.ticks)
    within("host", total_w, wanted_w, low(seconds, 0.02), 0.01 if seconds >= 60 else 0.03)
    daemon.reload("")


def cpu(pids, seconds):
    with Daemon("cpu") as daemon:
        free = Means(pids, max(8, seconds / 2)).show("free")
        # Under libvirt; a plain QEMU, which the host's cap below holds in any case.
        for name in ("one", "three") if seconds >= 60 else ("one",):
            hold_one(pids, name, free, seconds)
        again = settled(pids, max(8, seconds / 2), "free again")
        for name in pids:
            within(f"{name} restored", again.part[name], free.part[name],
                   *((0.15, 0.15) if seconds >= 60 else (0.35, 1)))
        divide_host(daemon, pids, seconds)
        counts = status()
        print(", ".join(f"{word} {counts[word]}" for word in
                        ("decisions", "writes", "unchanged_left_out", "refused", "foreign_changes")))
        require(counts["refused"] == 0 and counts["foreign_changes"] == 0,
                "writes were refused, or somebody else wrote")


def disk(pids, seconds):
    with Daemon("disk") as daemon:
        free = Means(pids, max(8, seconds / 2)).show("free")
        cap_w = free.disk_w["reader"] / 2
        daemon.reload(f"[domain reader]\ndisk-cap = {cap_w:.5f}W\n")
        held = settled(pids, seconds, f"reader's disk capped at {cap_w:.4f} W")
        within("reader by bytes", held.bytes_s["reader"], free.bytes_s["reader"] / 2,
               low(seconds, 0.05), 0.05)
        # What a virtual machine's disk gives differs from minute to minute.
        within("other", held.bytes_s["other"], free.bytes_s["other"],
               0.1 if seconds >= 60 else 0.4, 10)


def main():
    kind, seconds = sys.argv[1], float(sys.argv[2])
    pids = {name: int(pid) for name, pid in (word.split("=") for word in sys.argv[3:])}
    {"cpu": cpu, "disk": disk}[kind](pids, seconds)


run(main)
