#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage-daemon.py FILE PID NAME READ_BYTES WRITE_BYTES...: the daemon's work is its clients'."""

import sys

import snapshots

SERVED = "vdb"


def vdisk(tick, name, of=SERVED):
    found = [v for v in snapshots.domain(tick, name)["vdisks"] if v["name"] == of]
    snapshots.require(len(found) == 1, f"{name}: {len(found)} vDISKs are called {of}")
    return found[0]


def check_tick(tick, service, names):
    ids = {snapshots.domain(tick, name)["id"] for name in names}
    snapshots.require(set(service["clients"]) == ids,
                      f"clients are {service['clients']}, not {ids}")
    for mode in ("idle_w", "active_w"):
        charged = sum(vdisk(tick, name)["service_" + mode] for name in names)
        snapshots.require(abs(charged - service[mode]) <= 1e-3 * max(service[mode], 1e-3),
                          f"{mode}: charged {charged}, the service's own {service[mode]}")
    for name in names:
        # Both files lie in one folder; one is opened by QEMU, the other by the daemon.
        leaves = (vdisk(tick, name)["disk"], vdisk(tick, name, "vda")["disk"])
        snapshots.require(leaves[0] and leaves[0] == leaves[1],
                          f"{name}: the leaves are {leaves}")


def main():
    path, pid, *rest = sys.argv[1:]
    ticks = snapshots.load(path)
    names = rest[::3]
    joules = dict.fromkeys(names, 0.0)
    for tick in ticks:
        services = [s for s in tick["services"] if s["pid"] == int(pid)]
        snapshots.require(len(services) == 1, f"the daemon is {len(services)} times a service")
        check_tick(tick, services[0], names)
        for name in names:
            joules[name] += vdisk(tick, name)["service_active_w"] * tick["interval_s"]
    print(f"the daemon's active energy, J: {joules}")
    for name, read, write in zip(*[iter(rest)] * 3):
        for figure, expected in ("read_bytes", int(read)), ("write_bytes", int(write)):
            moved = sum(vdisk(tick, name)[figure] for tick in ticks)
            print(f"{name}: {figure} {moved}, the guest moved {expected}")
            # A guest looks at a new disk's first blocks on its own.
            snapshots.require(abs(moved - expected) <= 0.01 * expected + 65536,
                              f"{name}: {figure} is {moved}")
    snapshots.require(joules["busy"] > joules["lazy"] > 0, "the busy client does not pay most")


if __name__ == "__main__":
    snapshots.run(main)
