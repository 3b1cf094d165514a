#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""service-cap.py group|thread SECONDS ONE TWO: both VMs read; what is capped of one, and how."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from daemon_rig import FOLDER, Daemon, ctl
from snapshots import Failed, domain, require, run

SETTLE_S = 30  # small rises may wait for 20 s
SERVED = "vdb"
MONITOR = f"{FOLDER}/storage.qmp"
FREE_BYTES_S = 12000000  # of the storage daemon's command line
ONE, TWO = NAMES = sys.argv[3:5]
PARTS = ("cpu", "disk", "service")


class Means:
    """What both used over some seconds, by the account."""

    def __init__(self, seconds):
        text = ctl("watch", "--json", "-n", str(int(seconds * 2)))
        self.ticks = [json.loads(line) for line in text.splitlines()]
        first, last = self.ticks[0], self.ticks[-1]
        span = last["time"] - first["time"]
        require(span > seconds / 2, f"only {span:.1f} s were seen")
        self.w = {}
        self.bytes_s = {}
        for name in NAMES:
            a, b = domain(first, name), domain(last, name)
            self.w[name] = {part: (b[part]["active_j"] - a[part]["active_j"]) / span
                            for part in PARTS}
            self.bytes_s[name] = sum(served(t, name)["read_bytes"] for t in self.ticks[1:]) / span

    def show(self, what):
        print(f"{what}: " + "; ".join(
            f"{name} " + ", ".join(f"{part} {w[part]:.3f} W" for part in PARTS)
            + f", {self.bytes_s[name] / 1e6:.2f} MB/s" for name, w in self.w.items()), flush=True)
        return self


class Monitor:
    """The storage daemon's, for as long as a `with` lasts: it serves nobody else meanwhile."""

    def __enter__(self):
        self.socket = self.connect()
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.call("qmp_capabilities")
        return self

    @staticmethod
    def connect():
        """It lets one in at a time: a cap may just be on its way."""
        end = time.monotonic() + 10
        while True:
            found = socket.socket(socket.AF_UNIX)
            found.settimeout(10)
            try:
                found.connect(MONITOR)
                return found
            except BlockingIOError:
                found.close()
                require(time.monotonic() < end, "the monitor is busy all the time")
                time.sleep(0.1)

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def call(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        return json.loads(self.file.readline())["return"]


def served(tick, name):
    return next(v for v in domain(tick, name)["vdisks"] if v["name"] == SERVED)


def limit_of(vm):
    with Monitor() as monitor:
        return monitor.call("qom-get", path=f"/objects/group-{vm}", property="limits")["bps-read"]


def wait_for(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        require(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.5)
    print(what, flush=True)


def within(what, got, wanted, share):
    error = got / wanted - 1
    print(f"{what}: {got:.4g}, wanted {wanted:.4g}: {100 * error:+.2f} %"
          f" (limit {100 * share:g} %)", flush=True)
    require(abs(error) <= share, f"{what} is {100 * error:+.2f} % off")


def status():
    return json.loads(ctl("status", "--json"))


def undisturbed(seconds):
    """Both as fast as they are let be: where the machine is too busy, nothing can be compared."""
    for _ in range(6):
        free = Means(seconds).show("free")
        if min(free.bytes_s.values()) > 0.97 * FREE_BYTES_S:
            return free
    raise Failed(f"this machine is too busy for two VMs that read {FREE_BYTES_S / 1e6:g} MB/s")


def hold(seconds):
    """A cap of half of what one's disk and the driver's work for it take."""
    free = undisturbed(seconds)
    cap_w = (free.w[ONE]["disk"] + free.w[ONE]["service"]) / 2
    ctl("cap", ONE, f"{cap_w:.4f}W")
    time.sleep(max(SETTLE_S, seconds))
    writes = status()["writes"]
    held = Means(seconds).show(f"one capped at {cap_w:.3f} W")
    writes = status()["writes"] - writes
    within("one", sum(held.w[ONE].values()), cap_w, 0.05)
    within("two reads", held.bytes_s[TWO], free.bytes_s[TWO], 0.05)
    require(held.w[ONE]["disk"] + held.w[ONE]["service"] < cap_w, "it is not under the cap")
    # What cannot be held must not be what is held instead: of the CPU nothing is withheld.
    withheld = domain(held.ticks[-1], ONE)["throttle"]
    print(f"writes: {writes}; withheld of one: {withheld}")
    require(writes <= max(6, seconds / 10), "it is written to all the time")
    require(withheld["disk"] is not None, "its disk is not said to be limited")


def outlive(daemon):
    """A limit stays when vmenergyd is killed, and is known as its own by the next."""
    before = limit_of("one")
    daemon.process.kill()
    daemon.process.wait()
    require(limit_of("one") == before < FREE_BYTES_S, "the limit did not outlive vmenergyd")
    daemon.__enter__()
    wait_for("the limit is known again", 10, lambda: status()["decisions"] > 2)
    require(limit_of("one") <= FREE_BYTES_S / 1.5 and status()["foreign_changes"] == 0,
            "the limit was not taken for vmenergyd's own")


def wait_for_monitor():
    """Somebody else uses the monitor: the cap that is set meanwhile is in force afterwards."""
    before = limit_of("one")
    with Monitor():
        ctl("cap", ONE, "0.3W")
        time.sleep(5)
    wait_for("the monitor is used again", 40, lambda: limit_of("one") < before / 1.5)


def restart_storage():
    """A storage daemon that is started again has the limits of its command line, then ours."""
    held = limit_of("one")
    os.kill(int(os.environ["STORAGE"]), signal.SIGKILL)
    os.unlink(MONITOR)
    with open(f"{FOLDER}/storage.arguments", encoding="utf-8") as file:
        arguments = file.read().splitlines()
    for vm in ("one", "two"):
        os.unlink(f"{FOLDER}/{vm}.vhost")
    subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("the storage daemon is there again", 10, lambda: os.path.exists(MONITOR))
    wait_for("it holds the VM again", 40, lambda: limit_of("one") < 2 * held)
    require(limit_of("two") == FREE_BYTES_S, "the other VM is limited, too")


def threads_places():
    """Below which cgroups the storage daemon's threads stand for their I/O."""
    pid = os.environ["STORAGE"]
    places = set()
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/cgroup", encoding="ascii") as file:
            places |= {line.split(":")[2].strip() for line in file if ":blkio:" in line}
    return places


def group(seconds):
    with Daemon("group", f"qmp-socket = {MONITOR}\n") as daemon:
        time.sleep(3)
        hold(seconds)
        require(limit_of("two") == FREE_BYTES_S, "the other VM is limited, too")
        outlive(daemon)
        wait_for_monitor()
        restart_storage()
    require(limit_of("one") == FREE_BYTES_S, "the original is not back")


def thread(seconds):
    before = threads_places()
    with Daemon("thread"):
        time.sleep(3)
        hold(seconds)
        require(len(threads_places()) == len(before) + 1, f"threads stand in {threads_places()}")
        require(limit_of("one") == FREE_BYTES_S, "the monitor was used, and was not to be")
    require(threads_places() == before, f"threads stand in {threads_places()}, not in {before}")


run(lambda: {"group": group, "thread": thread}[sys.argv[1]](float(sys.argv[2])))
