#!/usr/bin/env python3
"""Writes the table of letter pairs in src/sensor/anomaly/pairs.inc.   make_pairs.py FILE... >pairs.inc

How many sixteenths of a bit it takes to say the next character of an English word, given the one before:
-16 log2 P(next | before), each different word counted once, half a count added to each pair. 26 stands for
digits and hyphens. The table in the tree is of Debian's /usr/share/common-licenses/*.
"""
import math
import re
import sys

words = set()
for path in sys.argv[1:]:
    with open(path, encoding="utf-8", errors="replace") as f:
        words.update(w for w in re.findall(r"[a-z0-9-]+", f.read().lower()) if len(w) > 2 and re.search("[a-z]", w))
pairs = [[0.5] * 27 for _ in range(27)]
for w in words:
    s = [ord(c) - 97 if c.isalpha() else 26 for c in w]
    for a, b in zip(s, s[1:]):
        pairs[a][b] += 1
print("/* SPDX-License-Identifier: Apache-2.0")
print(f" * Made by tools/make_pairs.py of {len(words)} words. */")
for row in pairs:
    total = sum(row)
    print("\t{" + ", ".join(str(min(255, round(-16 * math.log2(n / total)))) for n in row) + "},")
