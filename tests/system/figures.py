#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""figures.py BASE: are BASE.csv, .svg and .txt the figure of bytes by size of requests?"""

import csv
import re
import statistics
import sys
import xml.etree.ElementTree as tree

import snapshots

COLUMNS = ["block_bytes", "driver_j_per_mib", "disk_j_per_mib"]
SIZES = [512 << i for i in range(7)]
LEAST_FALL = 4
LEVEL = 0.20


def check_figures(path, turns):
    """`turns`: a disk that does not pays its overhead for each request (model.md 3)."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    snapshots.require(header == COLUMNS, f"{path}: columns {header}")
    sizes, driver, disk = zip(*[(int(s), float(a), float(b)) for s, a, b in rows])
    snapshots.require(list(sizes) == SIZES, f"{path}: sizes {sizes}")
    print(f"driver, J/MiB: {driver}\ndisk, J/MiB: {disk}")
    for i in range(1, len(SIZES)):
        snapshots.require(0 < driver[i] < driver[i - 1],
                          f"the driver spends {driver[i]} on a MiB of {sizes[i]} bytes a request,"
                          f" {driver[i - 1]} on one of {sizes[i - 1]}")
    snapshots.require(driver[0] >= LEAST_FALL * driver[-1],
                      f"the driver's falls from {driver[0]} to {driver[-1]} only")
    for size, figure in zip(sizes, disk) if turns else ():
        snapshots.near(f"disk, J/MiB, {size} bytes against the median of all", figure,
                       statistics.median(disk), LEVEL)


def check_picture(path):
    space = "{http://www.w3.org/2000/svg}"
    texts = [node.text for node in tree.parse(path).iter(space + "text") if node.text]
    texts += [node.text for node in tree.parse(path).iter(space + "tspan") if node.text]
    for wanted in ("driver", "disk", "J per MiB", "KiB"):
        snapshots.require(any(wanted in text for text in texts), f"{path}: no {wanted!r} in it")


def check_description(text):
    snapshots.require(re.search(r"^date +\d{4}-\d\d-\d\d$", text, re.M), f"no date: {text}")
    for wanted in ("processor", "kernel", "daemon", "disk", "counted", "weights"):
        snapshots.require(re.search(rf"^{wanted} +\S", text, re.M), f"no {wanted}: {text}")


def main():
    base = sys.argv[1]
    with open(base + ".txt", encoding="utf-8") as file:
        text = file.read()
    check_description(text)
    check_figures(base + ".csv", "said to be rotating" in text)
    check_picture(base + ".svg")


if __name__ == "__main__":
    snapshots.run(main)
