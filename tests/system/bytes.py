#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""bytes.py FILE NAME READ_BYTES WRITE_BYTES...: vmetop's bytes are what the guests moved."""

import sys

import snapshots


def moved(ticks, name, figure):
    values = [vdisk[figure] for tick in ticks
              for vdisk in snapshots.domain(tick, name)["vdisks"]]
    snapshots.require(values and None not in values, f"{name}: {figure} is not known")
    return sum(values)


def main():
    path, *rest = sys.argv[1:]
    ticks = snapshots.load(path)
    for name, read, write in zip(*[iter(rest)] * 3):
        snapshots.near(f"{name}: bytes read", moved(ticks, name, "read_bytes"), int(read), 0.01)
        snapshots.near(f"{name}: bytes written", moved(ticks, name, "write_bytes"), int(write),
                       0.01)


if __name__ == "__main__":
    snapshots.run(main)
