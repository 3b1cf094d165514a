#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage: report.py REPORT.html SCREENSHOT.png

The report in a real browser: every picture is there and has a size, nothing was
fetched, no error reached the console. Prints what it found.
"""

import json
import re
import subprocess
import sys
import tempfile

BROWSER = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
           "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
           "--disable-background-networking", "--window-size=1100,5200"]
# Put behind a copy: what the browser made of it, in its title.
PROBE = """<script>addEventListener('load', () => {
  const pictures = [...document.images];
  document.title = 'FOUND ' + JSON.stringify({
    pictures: pictures.length,
    missing: pictures.filter(p => !p.complete || !p.naturalWidth || !p.alt).length,
    fetched: performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length,
    heads: document.querySelectorAll('h2').length,
    wide: document.documentElement.scrollWidth > innerWidth });
});</script>"""


def browse(profile, *arguments):
    run = subprocess.run([*BROWSER, f"--user-data-dir={profile}", "--enable-logging=stderr", *arguments],
                         capture_output=True, text=True, timeout=120, check=True)
    return run.stdout, [line for line in run.stderr.splitlines() if ":CONSOLE" in line]


def main(page, screenshot):
    source = open(page, encoding="utf-8").read()
    outside = re.findall(r"<script|<link|<iframe|(?:src|href)=\"(?!data:|#)[^\"]*", source)
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/probe.html", "w", encoding="utf-8") as copy:
            copy.write(source + PROBE)
        content, console = browse(folder + "/profile", "--virtual-time-budget=5000", "--dump-dom",
                                  f"file://{folder}/probe.html")
        browse(folder + "/profile", f"--screenshot={screenshot}", f"file://{page}")
    found = json.loads(re.search(r"<title>FOUND (.*?)</title>", content).group(1))
    print(found, "console:", console, "outside:", outside)
    good = (found["pictures"] >= 5 and not found["missing"] and not found["fetched"]
            and not found["wide"] and found["heads"] >= 4 and not console and not outside)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
