#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the man pages from the program's own help, so that the two cannot disagree.

  man.py DEWLINE [OUTDIR]     dewline.1 and dewline-COMMAND.1 for every command the help lists

Without OUTDIR they go where `meson install` is installing to.
"""
import os
import re
import subprocess
import sys


def roff(text):
    """Text as it is: no letter of it is a command."""
    return re.sub(r"(?m)^([.'])", r"\\&\1", text.replace("\\", r"\e").replace("-", r"\-"))


def usage(text):
    """roff, with what is typed in bold and what is put in its place in italics."""
    bold = re.sub(r"(?<![\w\\-])((?:\\-){1,2}[A-Za-z][a-z\\-]*)", r"\\fB\1\\fR", roff(text))
    return re.sub(r"\b([A-Z]{2,}(?:=[A-Z]+)?)\b", r"\\fI\1\\fR", bold)


def options(lines):
    """'  -r, --read CAPTURE   doc, which may go on over lines' -> .TP paragraphs"""
    out = ""
    for m in re.finditer(r"(?m)^  (\S.*?|    --\S.*?)(?:  +|\n {30})(\S.*(?:\n {30}.*)*)", lines):
        out += f".TP\n{usage(m.group(1).strip())}\n{roff(' '.join(m.group(2).split()))}\n"
    return out


def examples(text):
    lines = re.sub(r"(?m)^  ", "", text.rstrip("\n"))
    return f".SH EXAMPLES\n.nf\n{roff(lines)}\n.fi\n"


class Pages:
    def __init__(self, dewline, folder):
        self.dewline, self.folder = dewline, folder
        self.version = self.ask("--version").strip()

    def ask(self, *args):
        return subprocess.run([self.dewline, *args], check=True, capture_output=True, encoding="utf-8").stdout

    def write(self, name, summary, body):
        with open(os.path.join(self.folder, name + ".1"), "w", encoding="utf-8") as f:
            f.write(f'.TH {name.upper()} 1 "" "{self.version}" "dewline manual"\n.ad l\n.nh\n'
                    f".SH NAME\n{roff(name)} \\- {roff(summary[0].lower() + summary[1:].rstrip('.'))}\n{body}")

    def top(self):
        """dewline.1; returns the commands."""
        text = self.ask("--help")
        about = text.split("\n\n")[1]
        commands = re.findall(r"(?m)^  ([a-z]+) +(\S.*)$", text.split("Commands:\n")[1].split("\n\n")[0])
        rows = "".join(f".TP\n.BR dewline\\-{c} (1)\n{roff(doc)}\n" for c, doc in commands)
        shown = text.split("Examples:\n")[1].split("\n\n")[0]
        self.write("dewline", about.split(":")[0].replace("\n", " "),
                   f".SH SYNOPSIS\n\\fBdewline\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH DESCRIPTION\n{roff(about)}\n"
                   f".SH COMMANDS\n{rows}{examples(shown)}.SH EXIT STATUS\n0 done, 1 said no, 2 could not.\n")
        return commands

    def command(self, name, doc):
        text = self.ask(name, "--help")
        head, rest = text.split("\n\n", 1)
        rest, shown = rest.split("Examples:\n")
        rest = rest.replace(doc, "", 1)
        listed = "".join(re.findall(r"(?m)^  (?: {4})?-.*\n(?: {30}.*\n)*", rest))
        more = re.sub(r"(?m)^(Options:|  .*)\n", "", rest).strip()
        exits = [p for p in more.split("\n\n") if p.startswith("Exit ")]
        more = "\n.PP\n".join([roff(doc)] + [roff(p) for p in more.split("\n\n") if p and p not in exits])
        self.write("dewline-" + name, doc,
                   f".SH SYNOPSIS\n{usage(head[len('usage: '):])}\n.SH DESCRIPTION\n{more}\n"
                   f".SH OPTIONS\n{options(listed)}{examples(shown)}"
                   + "".join(f".SH EXIT STATUS\n{roff(p)}\n" for p in exits) + ".SH SEE ALSO\n.BR dewline (1)\n")


def main(dewline, folder=None):
    if folder is None:
        folder = os.path.join(os.environ["MESON_INSTALL_DESTDIR_PREFIX"], "share", "man", "man1")
    os.makedirs(folder, exist_ok=True)
    pages = Pages(os.path.abspath(dewline), folder)
    for name, doc in pages.top():
        pages.command(name, doc)


if not 2 <= len(sys.argv) <= 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
