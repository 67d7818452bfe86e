#!/usr/bin/env python3
"""Writes C source that holds text files.   embed.py OUT FILE...

Defines `static const struct bulletin_file embedded[]`, sorted by name; included by daemon/builtin.c.
"""
import os
import sys

out, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
with open(out, "w", encoding="ascii") as f:
    for i, path in enumerate(files):
        data = open(path, "rb").read()
        f.write(f"static const uint8_t text_{i}[] = {{")
        for k, b in enumerate(data):
            f.write(("\n\t" if k % 16 == 0 else " ") + f"{b},")
        f.write("\n};\n")
    f.write("static const struct bulletin_file embedded[] = {\n")
    for i, path in enumerate(files):
        name = os.path.basename(path)
        f.write(f'\t{{{{(const uint8_t *)"{name}", {len(name)}}}, {{text_{i}, sizeof text_{i}}}}},\n')
    f.write("};\n")
