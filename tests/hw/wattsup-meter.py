#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage: wattsup-meter.py SOCKET SEED COMMAND [ARGUMENT...]

A Watts up? at the other end of QEMU's USB-to-serial chip. COMMAND is the QEMU;
its guest's console goes to our output, save for lines "PLANT n watts": what an
emulated machine in the guest draws in each tenth of a second. Once the guest
has asked for external logging it gets a record for each second of its own
time: the mean of a second that ended 0.8 s before, with 1 % of noise, and one
in fifty far off. Commands and records are those of the Watts up?
communications protocol of 2009-08-24.
"""

import os
import random
import socket
import subprocess
import sys
import threading

STEPS_PER_RECORD, LAG_STEPS = 10, 8
NOISE, OUTLIERS = 0.01, 0.02


class Meter:
    def __init__(self, link, seed):
        self.link, self.random = link, random.Random(seed)
        self.is_logging = False
        self.steps = []

    def listen(self):
        """Commands of the guest, until it hangs up."""
        pending = b""
        while received := self.link.recv(4096):
            pending += received
            while b";" in pending:
                command, pending = pending.split(b";", 1)
                command = command[command.find(b"#"):]
                if command.startswith(b"#L,W,3,E"):
                    self.is_logging = True
                elif command.startswith(b"#L,W,0"):
                    self.is_logging = False
                elif command.startswith(b"#V,R"):
                    self.link.sendall(b"#v,-,8,1,65206,5,2,3,14,200612211910,0;\r\n")

    def step(self, watts):
        self.steps.append(watts)
        if not self.is_logging or len(self.steps) % STEPS_PER_RECORD:
            return
        window = self.steps[:-LAG_STEPS][-STEPS_PER_RECORD:]
        if len(window) == STEPS_PER_RECORD:
            self.send(sum(window) / len(window))

    def send(self, watts):
        watts *= 1 + self.random.gauss(0, NOISE)
        if self.random.random() < OUTLIERS:
            watts *= 1 + self.random.choice((-1, 1)) * self.random.uniform(0.2, 0.6)
        volts = 120.1
        amperes = watts / volts / 0.98
        self.link.sendall(
            b"#d,-,18,%d,%d,%d,0,_,_,_,_,_,_,_,_,_,98,100,0,600,%d;\r\n"
            % (round(watts * 10), round(volts * 10), round(amperes * 1000), round(watts / 0.98 * 10)))


def main(path, seed, command):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    link, _ = server.accept()
    os.unlink(path)
    meter = Meter(link, seed)
    threading.Thread(target=meter.listen, daemon=True).start()
    for line in guest.stdout:
        if line.startswith(b"PLANT "):
            meter.step(float(line.split()[2]))
        else:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    return guest.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
