#!/usr/bin/env python3
"""What clang-format and the compiler do not say about the text of the sources.   check_source.py ROOT [CC...]

Licence line first, no // comments, at most 1,000 lines a file, TODO only with an issue number, include
order (own header, dewline's, libraries' and the system's; alphabetical in each block); with CC: every header
compiles alone. Silent and 0 when the tree obeys.
"""
import os, re, subprocess, sys

root = sys.argv[1]
bad = []
for top in ("src", "bench", "tests/harness"):
    for d, _, files in os.walk(os.path.join(root, top)):
        for f in sorted(files):
            if not f.endswith((".c", ".h")):
                continue
            path = os.path.relpath(os.path.join(d, f), root)
            lines = open(os.path.join(d, f), encoding="utf-8").read().split("\n")
            if not lines[0].startswith("/* SPDX-License-Identifier: Apache-2.0"):
                bad.append(f"{path}:1: the licence line is missing")
            if len(lines) > 1001:
                bad.append(f"{path}: {len(lines)} lines, at most 1,000")
            block, last = None, ""
            for n, line in enumerate(lines, 1):
                if re.match(r"\s*//", line):
                    bad.append(f"{path}:{n}: a // comment")
                if re.match(r" \*[^ \t/]", line):
                    bad.append(f"{path}:{n}: a comment's line that clang-format broke: make the row before it shorter")
                if re.search(r"\bTODO\b(?!\(#\d+\))", line):
                    bad.append(f"{path}:{n}: TODO without an issue number: TODO(#n)")
                m = re.match(r'#include ([<"])([^>"]+)', line)
                if not m:
                    block = None
                    continue
                own = f'{f[:-2]}.h' == os.path.basename(m.group(2)) and block is None
                if block == m.group(1) and m.group(2).lower() < last.lower() and not f.endswith(".inc.c"):
                    bad.append(f"{path}:{n}: {m.group(2)} out of order")
                block, last = m.group(1), "" if own else m.group(2)
if len(sys.argv) > 2:
    src = os.path.join(root, "src")
    headers = [os.path.relpath(os.path.join(d, f), src) for d, _, fs in os.walk(src) for f in fs if f.endswith(".h")]
    for h in sorted(headers):
        r = subprocess.run([*sys.argv[2:], "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", "-I", src, "-I",
                            os.path.join(root, "tests/harness"), "-"], input=f'#include "{h}"\n', text=True, capture_output=True)
        if r.returncode:
            bad.append(f"src/{h} does not compile alone: {r.stderr.splitlines()[0]}")
for b in bad:
    print(b, file=sys.stderr)
sys.exit(bool(bad))
