#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""demo.py FILE: each of the demo's VMs is charged for what it does."""

import sys

import snapshots


def main():
    ticks = snapshots.load(sys.argv[1])

    def watts(name, resource, mode="active_w"):
        return snapshots.mean(ticks, lambda tick: snapshots.domain(tick, name)[resource][mode])

    vms = ("demo-compute", "demo-disk", "demo-idle")
    cpu = {name: watts(name, "cpu") for name in vms}
    disk = {name: watts(name, "disk") for name in vms}
    idle = {name: watts(name, "cpu", "idle_w") for name in vms}
    print(f"CPU active W {cpu}\ndisk active W {disk}\nCPU idle W {idle}")
    snapshots.require(max(cpu, key=cpu.get) == "demo-compute", "the computing VM is not first")
    snapshots.require(max(disk, key=disk.get) == "demo-disk", "the disk VM is not first")
    snapshots.require(disk["demo-disk"] > 0, "the disk VM has no disk power")
    snapshots.require(disk["demo-idle"] < 0.01 * disk["demo-disk"], "the idle VM moves its disk")
    # One vCPU each: equal shares of idle power.
    for name in vms:
        snapshots.near(f"{name}: idle share", idle[name], sum(idle.values()) / 3, 0.001)
    snapshots.require(cpu["demo-idle"] < 0.1 * cpu["demo-compute"], "the idle VM computes")
    for tick in ticks:
        for name in vms:
            snapshots.require(snapshots.domain(tick, name)["vdisks"][0]["disk"],
                              f"{name}: no leaf under its disk")


if __name__ == "__main__":
    snapshots.run(main)
