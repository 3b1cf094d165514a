#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage-daemon.py FILE BACK_PID FRONT_PID NAME READ_BYTES WRITE_BYTES REQUESTS...: what daemons
do is their clients'."""

import sys

import snapshots

SERVED = "vdb"
# A guest looks at a new disk's first blocks on its own.
LOOK_BYTES = 65536
LOOK_REQUESTS = 4


def vdisk(tick, name, of=SERVED):
    found = [v for v in snapshots.domain(tick, name)["vdisks"] if v["name"] == of]
    snapshots.require(len(found) == 1, f"{name}: {len(found)} vDISKs are called {of}")
    return found[0]


def service_of(tick, pid):
    found = [s for s in tick["services"] if s["pid"] == pid]
    snapshots.require(len(found) == 1, f"process {pid} is {len(found)} times a service")
    return found[0]


def check_clients(tick, service, names):
    ids = {snapshots.domain(tick, name)["id"] for name in names}
    snapshots.require(set(service["clients"]) == ids,
                      f"clients are {service['clients']}, not {ids}")


def check_tick(tick, back, front):
    check_clients(tick, back, ["lazy"])
    check_clients(tick, front, ["busy", "lazy"])
    for mode in ("idle_w", "active_w"):
        charged = {name: vdisk(tick, name)["service_" + mode] for name in ("busy", "lazy")}
        own = back[mode] + front[mode]
        snapshots.require(abs(sum(charged.values()) - own) <= 1e-3 * max(own, 1e-3),
                          f"{mode}: charged {charged}, the services' own {own}")
        snapshots.require(charged["lazy"] >= back[mode] * (1 - 1e-3),
                          f"{mode}: charged {charged}, though one alone uses {back}")
    for name in ("busy", "lazy"):
        # All files lie in one folder; one is opened by QEMU, the other by a daemon.
        leaves = (vdisk(tick, name)["disk"], vdisk(tick, name, "vda")["disk"])
        snapshots.require(leaves[0] and leaves[0] == leaves[1],
                          f"{name}: the leaves are {leaves}")


def check_moved(ticks, name, expected):
    looks = (LOOK_BYTES, LOOK_BYTES, LOOK_REQUESTS)
    for figure, wanted, look in zip(("read_bytes", "write_bytes", "requests"), expected, looks):
        known = [v[figure] for tick in ticks if (v := vdisk(tick, name))[figure] is not None]
        print(f"{name}: {figure} {sum(known)}, the guest asked for {wanted}")
        snapshots.require(abs(sum(known) - wanted) <= 0.01 * wanted + look,
                          f"{name}: {figure} is {sum(known)}")


def main():
    path, back, front, *rest = sys.argv[1:]
    ticks = snapshots.load(path)
    joules = {"back": 0.0, "front": 0.0, "busy": 0.0, "lazy": 0.0}
    for tick in ticks:
        services = {"back": service_of(tick, int(back)), "front": service_of(tick, int(front))}
        check_tick(tick, **services)
        for name, service in services.items():
            joules[name] += service["active_w"] * tick["interval_s"]
        for name in ("busy", "lazy"):
            joules[name] += vdisk(tick, name)["service_active_w"] * tick["interval_s"]
    print(f"active energy of the daemons, and of the vDISKs there, J: {joules}")
    for name, *expected in zip(*[iter(rest)] * 4):
        check_moved(ticks, name, map(int, expected))
    snapshots.require(joules["busy"] > joules["lazy"] - joules["back"] > 0,
                      "the busy client does not pay most of what both use")


if __name__ == "__main__":
    snapshots.run(main)
