#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a byte costs by the size of the requests, from what vmetop said while a VM read.

block-size.py lacking SNAPSHOTS WINDOWS       prints the sizes that want more readings
block-size.py write SNAPSHOTS WINDOWS FOLDER  FOLDER/block-size.csv and block-size.txt

WINDOWS holds a line "ROUND BYTES BEGIN END" for each reading, in UNIX seconds.
"""

import collections
import json
import os
import platform
import statistics
import subprocess
import sys

VDISK = "vdb"
MIB = 1 << 20
ENOUGH_TICKS = 6
# A reading's first and last moments, in which the guest's shell works, too.
MARGIN_S = 0.25
# Of the disk's active energy that is not the vDISK's: as good as nobody else's.
ALONE = 0.005

Tick = collections.namedtuple("Tick", "driver_j disk_j bytes seconds alone")


def figures(snapshot):
    """The tick's joules and bytes of the vDISK that is read; None if they are not known."""
    interval_s = snapshot["interval_s"]
    found = [v for d in snapshot["domains"] for v in d["vdisks"] if v["name"] == VDISK]
    if len(found) != 1 or not found[0]["read_bytes"] or not found[0]["active_w"]:
        return None
    vdisk = found[0]
    others_w = snapshot["host"]["disk_active_w"] - vdisk["active_w"]
    return Tick(vdisk["service_active_w"] * interval_s, vdisk["active_w"] * interval_s,
                vdisk["read_bytes"], interval_s, others_w <= ALONE * vdisk["active_w"])


def load(snapshots, windows):
    """The snapshots, and by size the ticks that lie wholly within a reading."""
    with open(snapshots, encoding="utf-8") as file:
        # vmetop may be writing the last line.
        shown = [json.loads(line) for line in file if line.endswith("\n")]
    ticks = collections.defaultdict(list)
    with open(windows, encoding="utf-8") as file:
        for line in file:
            _, size, begin, end = line.split()
            for snapshot in shown:
                if (snapshot["time"] - snapshot["interval_s"] >= float(begin) + MARGIN_S
                        and snapshot["time"] <= float(end) - MARGIN_S):
                    ticks[int(size)].append(figures(snapshot))
    return shown, {size: [t for t in ticks[size] if t] for size in sorted(ticks)}


def alone(ticks):
    return [t for t in ticks if t.alone]


def lacking(by_size):
    return [size for size, ticks in by_size.items() if len(alone(ticks)) < ENOUGH_TICKS]


def driver(ticks):
    return [t.driver_j / t.bytes * MIB for t in ticks]


def disk(ticks):
    """Of the ticks in which the disk worked for nobody else: model.md 3 takes small
    requests for those that sought, so that others' seeks would look like ours."""
    return [t.disk_j / t.bytes * MIB for t in alone(ticks)]


def write_csv(path, by_size):
    with open(path, "w", encoding="utf-8") as file:
        file.write("block_bytes,driver_j_per_mib,disk_j_per_mib\n")
        for size, ticks in by_size.items():
            file.write(f"{size},{statistics.median(driver(ticks)):.6g},"
                       f"{statistics.median(disk(ticks)):.6g}\n")


def first_line(path, default="not known"):
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip() or default
    except OSError:
        return default


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


def leaf(snapshots):
    """The physical disk under the vDISK, as the kernel describes it."""
    name = next(v["disk"] for s in reversed(snapshots) for d in s["domains"]
                for v in d["vdisks"] if v["name"] == VDISK)
    about = f"/sys/block/{name}/"
    turns = first_line(about + "queue/rotational") == "1"
    return (f"{name}, {first_line(about + 'device/model', 'no model said')}, "
            f"{int(first_line(about + 'size', '0')) * 512 / 1e9:.0f} GB, "
            f"said to be {'rotating' if turns else 'solid state'}")


def program(*command):
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[0]


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:10.6f} ({low:.6f} .. {high:.6f})"


def write_about(path, snapshots, by_size):
    source = snapshots[-1]["source"]
    lines = [
        f"date       {program('date', '-u', '+%Y-%m-%d')}",
        f"processor  {processor()}",
        f"kernel     {platform.release()}",
        f"daemon     {program('qemu-storage-daemon', '--version')}",
        f"disk       {leaf(snapshots)}",
        f"counted    {source['cpu']}, a tick {statistics.median(s['interval_s'] for s in snapshots):.2f} s",
        f"weights    {source['weights']} and what vmetop takes for the disk; {source['standing']},"
        f" scope {source['scope']}",
        "",
        "Joules per MiB: median of the ticks (quartiles); requests of the VM in a second;",
        "ticks, and those of them in which the disk worked for nobody else.",
        "",
        f"{'bytes':>6}  {'driver':>10} {'':24}{'disk':>10} {'':24}{'req/s':>7} {'ticks':>5} {'alone':>5}",
    ]
    for size, ticks in by_size.items():
        rate = sum(t.bytes for t in ticks) / size / sum(t.seconds for t in ticks)
        lines.append(f"{size:6}  {quartiles(driver(ticks)):34} {quartiles(disk(ticks)):34}"
                     f"{rate:7.0f} {len(ticks):5} {len(alone(ticks)):5}")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main():
    action, snapshots, windows, *folder = sys.argv[1:]
    shown, by_size = load(snapshots, windows)
    if action == "lacking":
        print(*lacking(by_size))
    elif lacking(by_size):
        sys.exit("block-size: the disk works for others all the time; of so many ticks it was alone "
                 f"in: { {size: (len(ticks), len(alone(ticks))) for size, ticks in by_size.items()} }")
    else:
        write_csv(folder[0] + "/block-size.csv", by_size)
        write_about(folder[0] + "/block-size.txt", shown, by_size)


if __name__ == "__main__":
    main()
