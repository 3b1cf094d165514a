#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""fit-json.py CONDITION...: is standard input one JSON object for which these hold?

A condition is `path OPERATOR value` as one word, such as lowo.mape<=1.7,
verdict==good, weights==null or warnings~regex (one of a list, or the text itself).
"""
import json
import operator
import re
import sys

OPERATORS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq, "~": None}


def look_up(root, path):
    for key in path.split("/"):
        root = root[key]
    return root


def parse_value(word):
    try:
        return json.loads(word)
    except ValueError:
        return word


def holds(value, sign, expected):
    if sign == "~":
        texts = value if isinstance(value, list) else [value]
        return any(re.search(expected, text) for text in texts)
    return OPERATORS[sign](value, parse_value(expected))


def check(root, condition):
    path, sign, expected = re.fullmatch(r"(.+?)(<=|>=|==|~)(.*)", condition).groups()
    value = look_up(root, path)
    if holds(value, sign, expected):
        return True
    print(f"{path} is {value!r}, which is not {sign} {expected}")
    return False


def main():
    lines = sys.stdin.read().splitlines()
    if len(lines) != 1:
        print(f"{len(lines)} lines in place of one object")
        return 1
    root = json.loads(lines[0], parse_constant=lambda word: sys.exit(f"{word} is no JSON"))
    return 0 if all([check(root, condition) for condition in sys.argv[1:]]) else 1


if __name__ == "__main__":
    sys.exit(main())
