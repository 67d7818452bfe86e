#!/usr/bin/env python3
"""Writes the man pages from the program's own help, so that the two cannot disagree.

  man.py DEWLINE OUTDIR [--list]     writes dewline.1 and dewline-COMMAND.1 for every command
"""
import os
import re
import subprocess
import sys

dewline, outdir = sys.argv[1:3]


def ask(*args):
    return subprocess.run([dewline, *args], check=True, capture_output=True, text=True).stdout


def roff(text):
    return re.sub(r"(?m)^([.'])", r"\\&\1", text.replace("\\", r"\e").replace("-", r"\-"))


def page(name, summary, body):
    with open(os.path.join(outdir, name + ".1"), "w", encoding="utf-8") as f:
        f.write(f'.TH {name.upper()} 1 "" "{version}" "dewline"\n.SH NAME\n{roff(name)} \\- {roff(summary)}\n{body}')


def options(text):
    """'  -r, --read CAPTURE   doc, which may go on over lines' -> .TP paragraphs"""
    out = ""
    for m in re.finditer(r"(?m)^  (\S.*?|    --\S.*?)(?:  +|\n {30})(\S.*(?:\n {30}.*)*)", text):
        out += f".TP\n.B {roff(m.group(1).strip())}\n{roff(' '.join(m.group(2).split()))}\n"
    return out


version = ask("--version").strip()
top = ask("--help")
commands = re.findall(r"(?m)^  ([a-z]+) +(\S.*)$", top.split("Commands:\n")[1].split("\n\n")[0])
lines = "".join(f".TP\n.BR dewline\\-{c} (1)\n{roff(doc)}\n" for c, doc in commands)
page("dewline", "the early-warning line for networks whose owners do not trust each other",
     f".SH SYNOPSIS\n.B dewline\nCOMMAND [OPTION]...\n.SH COMMANDS\n{lines}.SH EXAMPLES\n.nf\n"
     f"{roff(top.split('Examples:' + chr(10))[1].split(chr(10) * 2)[0])}\n.fi\n"
     ".SH EXIT STATUS\n0 done, 1 said no, 2 could not.\n")
for c, doc in commands:
    text = ask(c, "--help")
    usage, rest = text.split("\n\n", 1)
    opts = rest.split("Options:\n")[1].split("\n\n", 1) if "Options:\n" in rest else ["", rest.split("\n\n", 1)[1]]
    more, examples = opts[1].split("Examples:\n")
    page("dewline-" + c, doc.rstrip("."),
         f".SH SYNOPSIS\n.B {roff(usage[len('usage: '):])}\n.SH DESCRIPTION\n{roff(doc)}\n.PP\n{roff(more.strip())}\n"
         f".SH OPTIONS\n{options(opts[0])}.SH EXAMPLES\n.nf\n{roff(examples.rstrip())}\n.fi\n.SH SEE ALSO\n.BR dewline (1)\n")
