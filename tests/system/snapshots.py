# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests' checks share: snapshots read from JSON Lines."""

import json
import sys


class Failed(Exception):
    pass


def load(path):
    """All snapshots of a file, which must hold some."""
    with open(path, encoding="utf-8") as file:
        ticks = [json.loads(line) for line in file]
    require(ticks, f"{path}: no snapshots")
    return ticks


def require(condition, text):
    if not condition:
        raise Failed(text)


def near(what, got, expected, share):
    """Print and check got against an independent figure, within a share of it."""
    error = abs(got - expected) / abs(expected) if expected else float("inf")
    print(f"{what}: {got:.6g}, independently {expected:.6g}: {100 * error:.2f} % off"
          f" (limit {100 * share:g} %)")
    require(error <= share, f"{what} is {100 * error:.2f} % off")


def domain(tick, name):
    """The one domain of this name; None where there is none."""
    found = [d for d in tick["domains"] if d["name"] == name]
    require(len(found) < 2, f"{len(found)} domains are named {name!r}")
    return found[0] if found else None


def mean(ticks, figure):
    """The mean of figure(tick), each of which must be known."""
    values = [figure(tick) for tick in ticks]
    require(None not in values, "a figure is null")
    return sum(values) / len(values)


def run(main):
    """main(), as a test: exit status 1 and the reason if it fails."""
    try:
        main()
    except Failed as reason:
        sys.exit(f"FAILED: {reason}")
