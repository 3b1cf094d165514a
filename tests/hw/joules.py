# SPDX-License-Identifier: GPL-3.0-or-later
"""joules.py CONSOLE NJ {DOMAIN VCPU HELPER}...: vmetop's JSON among a guest's output.

Each domain's vCPU and helper executed once, after the first tick, so many million
loops of two instructions, at NJ each: their energies are known.
"""

import json
import math
import sys

TICKS = 6
BASE_W = 10.0
EXACT = 1e-5
INSTRUCTIONS_PER_UNIT = 2e6
failures = 0


def check(what, passed, expected, got):
    global failures
    failures += not passed
    print(f"{'ok    ' if passed else 'FAILED'} {what}: expected {expected} got {got}")


def check_equal(what, expected, got):
    check(what, expected == got, expected, got)


def check_near(what, expected, got, tolerance):
    check(what, math.isclose(expected, got, rel_tol=tolerance), expected, got)


def read_ticks(path):
    with open(path, encoding="utf-8", errors="replace") as console:
        return [json.loads(line) for line in console if line.startswith('{"format"')]


def check_host(tick):
    host, source = tick["host"], tick["source"]
    domains_w = sum(domain["total_w"] for domain in tick["domains"])

    check_equal("source", "perf", source["cpu"])
    check_equal("standing", "modelled", source["standing"])
    check_equal("weights", "exact.weights", source["weights"])
    check_near("base", BASE_W, host["cpu_idle_w"], 1e-9)
    check_near("domains and kept", host["total_w"], domains_w + host["kept_w"], 1e-9)


def check_domain(name, ticks, expected_j):
    rows = [next(row for row in tick["domains"] if row["name"] == name) for tick in ticks]

    for row in rows:
        check_equal(f"{name}, quality", [], row["quality"])
    for part, joules in expected_j.items():
        charged_j = sum(row[part]["active_w"] * tick["interval_s"] for row, tick in zip(rows, ticks))
        check_equal(f"{name}, {part} before the order", 0.0, rows[0][part]["active_j"])
        check_near(f"{name}, {part}", joules, rows[-1][part]["active_j"], EXACT)
        check_near(f"{name}, {part}, watts times time", joules, charged_j, EXACT)


def main(path, nj, *domains):
    ticks = read_ticks(path)
    check_equal("ticks", TICKS, len(ticks))
    check_host(ticks[-1])
    for name, vcpu, helper in zip(domains[0::3], domains[1::3], domains[2::3]):
        joules = INSTRUCTIONS_PER_UNIT * float(nj) * 1e-9
        check_domain(name, ticks, {"cpu": int(vcpu) * joules, "service": int(helper) * joules})
    return failures > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
