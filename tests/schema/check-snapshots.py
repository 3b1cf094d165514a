#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check snapshots (JSON Lines): their shape by the schema beside this file, and the arithmetic."""

import argparse
import collections
import json
import math
import os
import sys

import jsonschema

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "snapshot.schema.json")
RESOURCES = ("cpu", "disk", "service", "net")
MODES = ("idle", "active")
HOST_PARTS = ("cpu_idle_w", "cpu_active_w", "disk_idle_w", "disk_active_w", "net_idle_w",
              "net_active_w")

SUM = 1e-6          # relative: figures are printed with 15 digits
GROWTH = 1e-3       # relative: joules against watts times the tick
ROUNDING_J = 1e-6   # absolute: what two printed totals may lose
# With these, a domain's or the host's joules of other ticks may have come in late.
LATE = {"skew", "stale", "wrapped", "missing", "gap"}


class Report:
    """Collects what is wrong, and counts what was compared."""

    def __init__(self):
        self.problems = []
        self.compared = 0
        self.where = ""

    def problem(self, text):
        self.problems.append(f"{self.where}: {text}")

    def close(self, what, got, expected, relative, absolute=0.0):
        self.compared += 1
        bound = relative * max(abs(got), abs(expected)) + absolute
        if not abs(got - expected) <= bound:
            self.problem(f"{what}: {got!r}, but should be {expected!r} (+-{bound:g})")


def strict_object(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key stands twice in {keys}")
    return dict(pairs)


def no_constant(word):
    raise ValueError(f"{word} is not JSON")


def total(values):
    """The sum of what is known, or None where nothing is."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


def check_sum(report, what, got, parts, scale=0.0):
    parts = list(parts)
    if got is not None:
        report.close(what, got, total(parts) or 0.0, SUM, SUM * scale)
    elif parts and None not in parts:
        report.problem(f"{what}: null, but all its parts are known ({total(parts)!r})")


def explained(holder):
    return holder["quality"] or holder.get("reason") or holder.get("state") == "ended"


def check_domain(report, domain):
    name = f"domain {domain['id']!r}"
    for unit in ("w", "j"):
        parts = [domain[r][f"{m}_{unit}"] for r in RESOURCES for m in MODES]
        check_sum(report, f"{name}: total_{unit}", domain[f"total_{unit}"], parts)
        # Without weights for network cards nothing is known of them, and nobody is told.
        if None in parts[:-len(MODES)] and not explained(domain):
            report.problem(f"{name}: a part of total_{unit} is null,"
                           " and neither quality nor reason says why")
    for mode in MODES:
        memo = total(v[f"service_{mode}_w"] for v in domain["vdisks"]) or 0.0
        if mode == "active":
            memo += total(v["service_active_w"] for v in domain["vnics"]) or 0.0
        whole = domain["service"][f"{mode}_w"] or 0.0
        if memo > whole * (1 + SUM) + SUM:
            report.problem(f"{name}: its parts' service_{mode}_w are {memo!r},"
                           f" more than the domain's {whole!r}")


def check_host(report, tick):
    host, domains = tick["host"], tick["domains"]
    scale = abs(host["total_w"] or 0.0)
    for figure in ("total_w", "total_j", "kept_w"):
        if host[figure] is None and not explained(host):
            report.problem(f"host: {figure} is null, and no quality says why")
    check_sum(report, "host: total_w by resource", host["total_w"],
              [host[part] for part in HOST_PARTS])
    check_sum(report, "host: total_w as domains and kept", host["total_w"],
              [d["total_w"] for d in domains] + [host["kept_w"]])
    check_sum(report, "host: kept_w as its entries", host["kept_w"],
              [k[f"{m}_w"] for k in host["kept"] for m in MODES], scale)
    charged = total(d["total_j"] for d in domains) or 0.0
    # Kept may fall to -0.5 % of its head before the tick is marked.
    if host["total_j"] is not None and "skew" not in host["quality"]:
        if charged > host["total_j"] * 1.005 + ROUNDING_J:
            report.problem(f"domains: {charged!r} J charged of {host['total_j']!r} J")


def check_names(report, tick):
    ids = [d["id"] for d in tick["domains"]]
    for repeated in [i for i, count in collections.Counter(ids).items() if count > 1]:
        report.problem(f"two domains have the id {repeated!r}")
    for service in tick["services"]:
        for client in service["clients"]:
            if client not in ids:
                report.problem(f"service {service['name']!r}: no domain is its client {client!r}")


def check_growth(report, what, before_j, now_j, watts, seconds, regular):
    if before_j is None or now_j is None:
        return
    if now_j < before_j * (1 - 1e-12) - ROUNDING_J:
        report.problem(f"{what}: total fell from {before_j!r} to {now_j!r} J")
    if regular and watts is not None:
        report.close(f"{what}: growth in J", now_j - before_j, watts * seconds, GROWTH,
                     ROUNDING_J + 1e-12 * abs(now_j))


def on_time(holder, *parts):
    """Did all its joules come in with their tick? The host's words are its domains', too."""
    own = set(holder["quality"]) - {word for part in parts for word in part["quality"]}
    return not own & LATE


def check_step(report, before, tick):
    """What must hold between two ticks that follow each other."""
    if tick["seq"] <= before["seq"]:
        report.problem(f"seq {tick['seq']} follows {before['seq']}")
    if tick["epoch"] != before["epoch"] or tick["since"] != before["since"]:
        return
    seconds = tick["interval_s"]
    follows = tick["seq"] == before["seq"] + 1
    host, domains = tick["host"], tick["domains"]
    check_growth(report, "host", before["host"]["total_j"], host["total_j"], host["total_w"],
                 seconds, follows and on_time(host, *domains))
    known = {d["id"]: d for d in before["domains"]}
    for domain in domains:
        old = known.get(domain["id"])
        if old is None:
            continue
        regular = follows and on_time(domain)
        name = f"domain {domain['id']!r}"
        check_growth(report, name, old["total_j"], domain["total_j"], domain["total_w"],
                     seconds, regular)
        for r in RESOURCES:
            for m in MODES:
                check_growth(report, f"{name}: {r}.{m}", old[r][f"{m}_j"], domain[r][f"{m}_j"],
                             domain[r][f"{m}_w"], seconds, regular)


def read(stream, report, validator):
    """The ticks that have the right shape, each with the line it stands in."""
    for number, line in enumerate(stream, 1):
        report.where = f"line {number}"
        try:
            tick = json.loads(line, object_pairs_hook=strict_object, parse_constant=no_constant)
        except ValueError as error:
            report.problem(f"not JSON: {error}")
            continue
        errors = list(validator.iter_errors(tick))
        for error in errors[:5]:
            path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.path)
            report.problem(f"{path.lstrip('.') or 'snapshot'}: {error.message[:200]}")
        if not errors:
            yield tick


def check(stream, report, ticks_wanted):
    with open(SCHEMA, encoding="utf-8") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    count, before = 0, None
    for tick in read(stream, report, validator):
        count += 1
        for domain in tick["domains"]:
            check_domain(report, domain)
        check_host(report, tick)
        check_names(report, tick)
        if before is not None:
            check_step(report, before, tick)
        before = tick
    report.where = "input"
    if count == 0:
        report.problem("no snapshot in it")
    elif report.compared == 0:
        report.problem("no figure in it that could be compared")
    if ticks_wanted is not None and count != ticks_wanted:
        report.problem(f"{count} good snapshots, but --ticks {ticks_wanted}")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", help="default: standard input")
    parser.add_argument("--ticks", type=int, metavar="N", help="there must be exactly N snapshots")
    arguments = parser.parse_args()
    report = Report()
    try:
        with (open(arguments.file, encoding="utf-8") if arguments.file
              else open(0, encoding="utf-8", closefd=False)) as stream:
            count = check(stream, report, arguments.ticks)
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"check-snapshots.py: {arguments.file or 'standard input'}: {error}")
    if report.problems:
        for problem in report.problems[:20]:
            print(f"check-snapshots.py: {problem}", file=sys.stderr)
        if len(report.problems) > 20:
            print(f"check-snapshots.py: and {len(report.problems) - 20} more", file=sys.stderr)
        sys.exit(1)
    print(f"check-snapshots.py: {count} snapshots, {report.compared} comparisons: good")


if __name__ == "__main__":
    main()
