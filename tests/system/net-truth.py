#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""net-truth.py card|between FILE (NAME "RX TX" "RX TX")...: vNICs against what guests counted.

The numbers are the guests' own counters before and after. The card's constants
are those of tests/system/net-truth: 3 W idle, 20 nJ per byte received, 50 sent.
"""

import sys

import snapshots

IDLE_W, RECEIVE_J, SEND_J = 3, 20e-9, 50e-9


def vnic(tick, name):
    vnics = snapshots.domain(tick, name)["vnics"]
    snapshots.require(len(vnics) == 1, f"{name}: {len(vnics)} vNICs")
    return vnics[0]


def moved(ticks, name, figure):
    """The first tick may stand before the vNIC's second reading."""
    values = [vnic(tick, name)[figure] for tick in ticks]
    snapshots.require(None not in values, f"{name}: {figure} is not known")
    return sum(values)


def guests(arguments):
    for name, before, after in zip(*[iter(arguments)] * 3):
        (rx0, tx0), (rx1, tx1) = ([int(word) for word in text.split()] for text in (before, after))
        yield name, rx1 - rx0, tx1 - tx0


def check_idle(ticks, names):
    for name in names:
        watts = snapshots.mean(ticks, lambda tick, name=name:
                               snapshots.domain(tick, name)["net"]["idle_w"])
        snapshots.near(f"{name}: idle power of the card", watts, IDLE_W / len(names), 1e-6)


def check_books(ticks):
    for tick in ticks:
        charged = sum(d["net"]["active_w"] for d in tick["domains"] if d["net"]["active_w"])
        kept = sum(k["active_w"] for k in tick["host"]["kept"] if k["name"] == "nic wire0")
        whole = tick["host"]["net_active_w"]
        snapshots.require(abs(charged + kept - whole) <= 1e-3 * max(whole, 1e-6),
                          f"tick {tick['seq']}: {charged} + {kept} W of {whole} W")


def main():
    kind, path, *rest = sys.argv[1:]
    ticks = snapshots.load(path)
    seen = list(guests(rest))
    check_idle(ticks, [name for name, _, _ in seen])
    check_books(ticks)
    for name, received, sent in seen:
        snapshots.require(received > 0 and sent > 0, f"{name}: moved nothing")
        snapshots.require(vnic(ticks[-1], name)["nic"] == "wire0", f"{name}: not on the card")
        snapshots.near(f"{name}: bytes received", moved(ticks, name, "rx_bytes"), received, 0.02)
        snapshots.near(f"{name}: bytes sent", moved(ticks, name, "tx_bytes"), sent, 0.02)
        joules = snapshots.domain(ticks[-1], name)["net"]["active_j"]
        bytes_j = received * RECEIVE_J + sent * SEND_J
        if kind == "card":
            snapshots.near(f"{name}: active energy of the card", joules, bytes_j, 0.02)
        else:
            print(f"{name}: {joules:.3g} J of the card, over it they were {bytes_j:.3g} J")
            snapshots.require(joules < 0.02 * bytes_j, "they never reached the card")


if __name__ == "__main__":
    snapshots.run(main)
