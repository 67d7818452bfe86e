"""The man pages say what the help says."""
import os
import re
import shutil
import subprocess

import tap
from tap import dewline

MAN = os.path.join(tap.SOURCE, "tools", "man.py")


def pages(folder):
    """{name: text} of the pages, hyphens as typed."""
    tap.Run(["python3", MAN, tap.DEWLINE, folder]).expect(0)
    out = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            out[name] = f.read().replace("\\-", "-")
    return out


def commands():
    return re.findall(r"(?m)^  ([a-z]+) ", dewline("--help").expect(0).out.split("Commands:")[1].split("Examples:")[0])


def test_every_command_has_its_page():
    with tap.folder() as d:
        assert sorted(pages(d)) == sorted(["dewline.1"] + [f"dewline-{c}.1" for c in commands()])


def test_every_option_and_example_is_there():
    with tap.folder() as d:
        text = pages(d)
        for c in commands():
            said = dewline(c, "--help").expect(0).out
            page = re.sub(r"\\f[BIR]", "", text[f"dewline-{c}.1"])
            for option in re.findall(r"(?m)^  (?:-., |    )(--[a-z0-9-]+)", said):
                assert re.search(rf"(?m)^\.TP\n(-., )?{option}\b", page), (c, option)
            for line in said.split("Examples:\n")[1].split("\n"):
                assert line.strip() in page, (c, line)


def test_the_formatter_has_nothing_to_say():
    if shutil.which("groff") is None:
        tap.skip("no groff")
    with tap.folder() as d:
        for name in pages(d):
            p = subprocess.run(["groff", "-man", "-ww", "-Tutf8", os.path.join(d, name)], capture_output=True, text=True)
            assert p.returncode == 0 and p.stderr == "", (name, p.stderr)


def test_they_are_installed_beside_the_program():
    with tap.folder() as d:
        env = dict(os.environ, MESON_INSTALL_DESTDIR_PREFIX=d)
        subprocess.run(["python3", MAN, tap.DEWLINE], env=env, check=True)
        assert "dewline.1" in os.listdir(os.path.join(d, "share", "man", "man1"))


tap.main(globals())
