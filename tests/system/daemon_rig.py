# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of vmenergyd with real VMs share: the daemon, its ctl, the kernel's figures.

The environment names the daemon's program, a folder for its files, and its socket.
"""

import os
import signal
import subprocess
import time

from snapshots import Failed, require

DAEMON = os.environ["VMENERGYD"]
FOLDER = os.environ["RIG_DIR"]
SOCKET = os.environ["VMENERGY_SOCKET"]
ON_CPU_W = 6.0  # of the test weights
HERTZ = os.sysconf("SC_CLK_TCK")


def ctl(*words):
    return subprocess.run([DAEMON, "ctl", *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class Daemon:
    """vmenergyd with rules of ours, until the end of a `with`."""

    def __init__(self, name, keys=""):
        self.keys = keys  # of [daemon]
        self.config = f"{FOLDER}/{name}.conf"
        self.state = f"{FOLDER}/{name}.state"

    def rules(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("[daemon]\ninterval = 500ms\nweights = test.weights\n" + self.keys + text)

    def reload(self, text):
        self.rules(text)
        ctl("reload")

    def __enter__(self):
        self.rules("")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", DAEMON, "--config", self.config,
             "--socket", SOCKET, "--state-directory", self.state])
        for _ in range(200):
            if subprocess.run([DAEMON, "ctl", "status"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return self
            require(self.process.poll() is None, "the daemon has ended")
            time.sleep(0.1)
        raise Failed("the daemon does not answer")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        require(status == 0, f"the daemon ended with {status}")


def process_seconds(pid):
    """CPU time of all threads, ended ones too, as the kernel says."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ
