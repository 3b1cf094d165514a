# SPDX-License-Identifier: GPL-3.0-or-later
"""styles.py: what `tmux capture-pane -pe` prints, with each change of style as "{SGR;...}".

The same cells are printed with different sequences, as they were reached. Here
the numbers of SGR (ECMA-48, 8.3.117) that hold are told whole and in order, "{}" for
none, and only where a cell differs from the one before it in its line; blanks
of no style at the end of a line are cut.
"""

import re
import sys

TOKEN = re.compile(r"\x1b\[([0-9;:]*)m|(.)", re.DOTALL)
OFF = {22: (1, 2), 23: (3,), 24: (4,), 25: (5,), 27: (7,), 28: (8,)}


def apply(state, numbers):
    """state: SGR number -> what is printed for it; colours stand under 30 and 40."""
    parts = [int(part or 0) for part in re.split("[;:]", numbers)]
    while parts:
        number = parts.pop(0)
        if number == 0:
            state.clear()
        elif number in OFF:
            for off in OFF[number]:
                state.pop(off, None)
        elif number in (39, 49):
            state.pop(number - 9, None)
        elif number in (38, 48):
            count = 2 if parts[0] == 5 else 4
            state[number - 8] = ":".join(map(str, [number] + parts[:count]))
            del parts[:count]
        elif 30 <= number <= 37 or 90 <= number <= 97:
            state[30] = str(number)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            state[40] = str(number)
        else:
            state[number] = str(number)


def style_of(state):
    return "{" + ";".join(state[key] for key in sorted(state)) + "}"


def main():
    state = {}
    for line in sys.stdin.buffer.read().decode("utf-8", "replace").split("\n")[:-1]:
        out, last = "", "{}"
        for numbers, character in TOKEN.findall(line):
            if not character:
                apply(state, numbers)
                continue
            style = style_of(state)
            out += (style if style != last else "") + character
            last = style
        print(out.rstrip(" ").removesuffix("{}").rstrip(" ") if last == "{}" else out)


if __name__ == "__main__":
    main()
