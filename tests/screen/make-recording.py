# SPDX-License-Identifier: GPL-3.0-or-later
"""make-recording.py KIND FILE: write a recording that is too large, or too rude, to be kept.

  thousand   1000 domains at steady rates, 2 vCPUs and 2 vDISKs each; 8 ticks
  hostile    names, owners and reasons that try to drive a terminal
  served     two domains whose disks a storage daemon serves: it works for them as 4 to 6, the
             disk as 2 to 3
"""

import importlib.machinery
import importlib.util
import json
import os
import sys

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")


def load_maker():
    loader = importlib.machinery.SourceFileLoader(
        "make_recordings", os.path.join(FIXTURES, "make-recordings"))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


make = load_maker()


def libvirt_domain(number, name, vdisks, vcpus=2, **more):
    uuid = f"00000000-0000-4000-8000-{number:012d}"
    about = {"id": uuid, "uuid": uuid, "name": name, "manager": "libvirt",
             "connection": "qemu:///system", "cgroup": f"machine.slice/vm-{number}.scope", **more}
    return make.Domain(number, make.BOOT_NS - (2000 + number) * make.SECOND // 10, about, vdisks,
                       vcpus)


def run(host, ticks):
    host.put_header()
    for tick in range(ticks):
        host.pass_tick()
        if tick == 0:
            host.put_topology()
        host.put_sample()
    return host.lines


def thousand():
    host = make.Host(make.Dice(3), [make.test_disk(i) for i in range(3)])
    host.domains = [
        libvirt_domain(n, f"guest-{n:04d}", [make.Vdisk("vda", [n % 3]), make.Vdisk("vdb", [0, 1])])
        for n in range(1000)]
    for n, domain in enumerate(host.domains):
        domain.busy = 0.0 if n % 3 == 0 else (n * 7919 % 1000) / 400000
    host.domains[500].reads = 20
    return run(host, 8)


RUDE_NAMES = [
    "\033]0;owned\a title",
    "\033[2J\033[Hcleared",
    "\u009b2Jc1 \u0090q\u009c",
    "bell\a back\b\b\b tab\t del\x7f",
    "two\nlines\r\nthree",
    "漢字の名前がとても長い仮想機械で列が崩れるかもしれないもの",
    "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308 marks",
    "\u0301\u0301 begins with marks",
    "👍🏽 👨\u200d👩\u200d👧 ❤\ufe0f 🇫🇷",
    "\u202eturned round\u202c \u2066x\u2069",
    "%s%n%d %100000d",
    "long-" + "0123456789" * 400,
    " ",
    "*?[]\\",
]


def hostile():
    host = make.Host(make.Dice(4), [make.test_disk(0), make.test_disk(1)])
    rude = "\033]0;owned\a\033[31m"
    host.disks[1]["name"] = "sd" + rude
    host.disks[1]["model"] = "TESTDISK " + rude
    host.domains = [
        libvirt_domain(n, name, [make.Vdisk("vd" + rude, [n % 2], source="/" + rude + name),
                                 make.Vdisk("vdb", [], backing="unknown", reason=rude + name)],
                       owner=rude)
        for n, name in enumerate(RUDE_NAMES)]
    for n, domain in enumerate(host.domains):
        domain.busy, domain.reads = 0.3 - n / 50, n
    host.daemon = make.Clock(make.BOOT_NS)
    lines = [json.loads(line) for line in run(host, 6)]
    for record in lines:
        if record["kind"] == "header":
            record["hostname"] = record["cpu_weights_why"] = "host" + rude
        for service in record.get("services", []) if record["kind"] == "topology" else []:
            service["name"] = "storage" + rude
    return [json.dumps(record, ensure_ascii=False) for record in lines]


def served():
    host = make.Host(make.Dice(5), [make.test_disk(0)])
    host.domains = [
        libvirt_domain(n, name, [make.Vdisk("vda", [0], source="/run/storage")], vcpus=1)
        for n, name in ((1, "vDISK1's"), (2, "vDISK2's"))]
    host.exports = [(domain, 0) for domain in host.domains]
    host.daemon = make.Clock(make.BOOT_NS)
    host.daemon.rate = 1 / 6
    for domain, reads in zip(host.domains, (40, 60)):
        domain.busy, domain.reads = 0.2, reads
    return run(host, 8)


KINDS = {"thousand": thousand, "hostile": hostile, "served": served}


def main():
    kind, path = sys.argv[1:]
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in KINDS[kind]()))


if __name__ == "__main__":
    main()
