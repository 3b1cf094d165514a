#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""changes.py FILE: what happened to the VMs of tests/system/changes is in the figures."""

import sys

import snapshots
from snapshots import domain, require

ODD = "odd 100% of\nlines, <&> "
LONG = "l" * 200


def states(ticks, name):
    return [found["state"] if found else None
            for found in (domain(tick, name) for tick in ticks)]


def counting(ticks, name):
    """Ticks in which the domain was charged active CPU energy."""
    return sum(1 for tick in ticks
               if (found := domain(tick, name)) and (found["cpu"]["active_w"] or 0) > 0)


def check_names(ticks):
    for name in (ODD, LONG):
        require(domain(ticks[0], name), f"{name!r} is missing at the start")
    twins = [d for d in ticks[0]["domains"] if d["name"] == "twin"]
    require(len(twins) == 2 and twins[0]["id"] != twins[1]["id"], f"two twins: {twins}")


def check_killed(ticks):
    seen = states(ticks, ODD)
    require("ended" in seen and seen[-1] in ("ended", None), f"the killed VM's states: {seen}")
    last = domain(ticks[-1], ODD)
    require(last is None or last["total_w"] == 0, "a VM that ended has power")
    # Each other VM counts on: idle guests, but their timers tick.
    for name in ("stays", LONG):
        require(counting(ticks, name) >= len(ticks) - 2, f"{name}: stopped counting")


def check_started(ticks):
    seen = states(ticks, "late")
    require(seen[0] is None and seen[-1] == "running", f"the late VM's states: {seen}")


def check_plugged(ticks):
    first, last = (domain(tick, "stays") for tick in (ticks[0], ticks[-1]))
    require(len(first["vdisks"]) == 1, "starts with one disk")
    require([disk["name"] for disk in last["vdisks"]] == ["vda", "vdb"], "no second disk")
    require(len(first["vcpus"]) == 1 and len(last["vcpus"]) == 2, "no second vCPU")


def check_paused(ticks):
    require("paused" in states(ticks, "stays"), "never paused")
    require(states(ticks, "stays")[-1] == "running", "does not run on")


def check_rebooted(ticks):
    """Same domain, new process: its joules go on."""
    ids = {found["id"] for tick in ticks if (found := domain(tick, "reborn"))}
    require(len(ids) == 1, f"rebooted, it has the ids {ids}")
    joules = [found["total_j"] for tick in ticks if (found := domain(tick, "reborn"))]
    require(all(a <= b for a, b in zip(joules, joules[1:])), f"its joules shrink: {joules}")
    require(states(ticks, "reborn")[-1] == "running", "does not run in the end")


def check_libvirt_lost(ticks):
    """While libvirtd hung or was away, its VMs were shown, with the reason."""
    reasons = {found["reason"] for tick in ticks if (found := domain(tick, "stays"))}
    require(any(reason and "libvirt" in reason for reason in reasons),
            f"nobody was told that libvirt was away: {reasons}")
    require(domain(ticks[-1], "stays")["reason"] is None, "libvirt came back, the reason stays")


def main():
    ticks = snapshots.load(sys.argv[1])
    for check in (check_names, check_killed, check_started, check_plugged, check_paused,
                  check_rebooted, check_libvirt_lost):
        check(ticks)
        print(f"{check.__name__[6:]}: as it happened")


if __name__ == "__main__":
    snapshots.run(main)
