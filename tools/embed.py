#!/usr/bin/env python3
"""Writes C source that holds text files.   embed.py [--type T] OUT FILE...

Defines `static const T embedded[]`, sorted by name; T is a struct of two slices, name and text: `struct bulletin_file`
unless said otherwise (daemon/builtin.c, assess/prior/builtin.c).
"""
import os
import sys

args, kind = sys.argv[1:], "struct bulletin_file"
if args[0] == "--type":
    kind, args = args[1], args[2:]
out, files = args[0], sorted(args[1:], key=os.path.basename)
with open(out, "w", encoding="ascii") as f:
    for i, path in enumerate(files):
        data = open(path, "rb").read()
        f.write(f"static const uint8_t text_{i}[] = {{")
        for k, b in enumerate(data):
            f.write(("\n\t" if k % 16 == 0 else " ") + f"{b},")
        f.write("\n};\n")
    f.write(f"static const {kind} embedded[] = {{\n")
    for i, path in enumerate(files):
        name = os.path.basename(path)
        f.write(f'\t{{{{(const uint8_t *)"{name}", {len(name)}}}, {{text_{i}, sizeof text_{i}}}}},\n')
    f.write("};\n")
