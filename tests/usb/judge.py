#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage: judge.py FOLDER...

Each folder holds a calibration of an emulated machine whose weights are known:
truth.csv (event,joules; base_w), this.weights and this.csv (what was measured).

A weight's part is that of the dynamic power, on the mean of the trace. Weights
with a tenth and more must be within 5 % in every folder; those with 2..10 %
within 5 % in the median over the folders; and nine in ten of all true weights
within two of the standard errors that the file gives, if they are many.
"""

import csv
import re
import statistics
import sys

UNITS = {"pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "mJ": 1e-3, "J": 1.0}
LARGE, SMALL, WITHIN = 0.10, 0.02, 0.05
ENOUGH = 30  # weights, for their share to mean something


def joules(text):
    number, unit = re.fullmatch(r"([-+0-9.e]+?)\s*([a-zA-Z]+)", text).groups()
    return float(number) * UNITS[unit]


def read_weights(path):
    """event -> (joules, standard error or None)"""
    weights = {}
    for line in open(path, encoding="utf-8"):
        match = re.match(r"weight = (\S+) (?:\+-(\S+) )?(\S+)$", line)
        if match:
            value, error, event = match.groups()
            weights[event] = (joules(value), joules(error) if error else None)
    return weights


def read_truth(path):
    return {row["event"]: float(row["joules"]) for row in csv.DictReader(open(path, encoding="utf-8"))}


def mean_counts(path, events):
    """Mean count of a row, of each event that the trace has."""
    rows = list(csv.DictReader(open(path, encoding="utf-8")))
    return {e: statistics.fmean(float(row[e]) for row in rows) for e in events if e in rows[0]}


def judge(folder):
    """A line for each true weight: (event, part, relative error, covered or None)."""
    truth = read_truth(folder + "/truth.csv")
    truth.pop("base_w")
    weights = read_weights(folder + "/this.weights")
    counts = mean_counts(folder + "/this.csv", truth)
    dynamic = sum(truth[e] * counts[e] for e in counts)
    found = []
    for event, true in truth.items():
        if true == 0:
            continue
        value, error = weights.get(event, (0.0, None))
        part = true * counts[event] / dynamic if event in counts else float("nan")
        covered = abs(value - true) <= 2 * error if error is not None else None
        found.append((event, part, (value - true) / true, covered))
        print(f"{folder}: {event:28} part {100 * part:5.1f} %  error {100 * (value - true) / true:+6.2f} %"
              f"  within two errors: {covered}")
    return found


def main(folders):
    all_found = [line for folder in folders for line in judge(folder)]
    large = [line for line in all_found if line[1] >= LARGE]
    small = {}
    for event, part, error, _ in all_found:
        if SMALL <= part < LARGE:
            small.setdefault(event, []).append(abs(error))
    wrong = [f"{e} is {100 * error:+.2f} % off" for e, _, error, _ in large if abs(error) > WITHIN]
    wrong += [f"{e} is {100 * statistics.median(errors):.2f} % off in the median"
              for e, errors in small.items() if statistics.median(errors) > WITHIN]
    wrong += [f"{e} was not counted" for e, part, _, _ in all_found if part != part]
    covered = [line[3] for line in all_found if line[1] >= SMALL]
    share = sum(c is True for c in covered) / len(covered)
    if share < 0.9 and len(covered) >= ENOUGH:
        wrong.append(f"only {100 * share:.0f} % of {len(covered)} weights lie within two standard errors")
    if not large or not small:
        wrong.append(f"nothing to judge: {len(large)} large weights, {len(small)} small ones")
    print(f"{len(folders)} calibrations, {len(large)} large weights (worst "
          f"{100 * max((abs(line[2]) for line in large), default=0):.2f} %), small ones in the median "
          f"{100 * statistics.median([x for v in small.values() for x in v] or [0]):.2f} %, "
          f"{100 * share:.0f} % within two standard errors")
    for line in wrong:
        print("WRONG:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
