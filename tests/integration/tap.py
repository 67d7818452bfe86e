"""What the integration tests share: TAP lines, running the built dewline, places.

A test file defines functions named test_* (their names are sentences) and ends with `tap.main(globals())`.
A test fails by assert or any exception; tap.skip("reason") skips it. Standard library only.
"""
import json
import os
import subprocess
import sys
import tempfile
import traceback

SOURCE = os.environ["DEW_SOURCE_ROOT"]
BUILD = os.environ["DEW_BUILD_ROOT"]
DEWLINE = os.path.join(BUILD, "dewline")
SHARED = os.path.join(SOURCE, "..", "shared")


class Skip(Exception):
    pass


def skip(reason):
    raise Skip(reason)


def shared(*path):
    """A file beside the project that its users do not have; skips where it is absent."""
    p = os.path.join(SHARED, *path)
    if not os.path.exists(p):
        skip("no " + os.path.join("../shared", *path))
    return p


class Run:
    """One finished process: .code, .out, .err (text)."""

    def __init__(self, args, stdin=None, timeout=300, cwd=None):
        p = subprocess.run(args, input=stdin, capture_output=True, timeout=timeout, cwd=cwd)
        self.args, self.code = args, p.returncode
        self.out, self.err = p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")

    def __str__(self):
        return f"{' '.join(map(str, self.args))}\nexit {self.code}\n{self.out[-3000:]}\n{self.err[-3000:]}"

    def expect(self, code):
        assert self.code == code, f"expected exit {code}:\n{self}"
        return self


def dewline(*args, **kw):
    return Run([DEWLINE, *map(str, args)], **kw)


def folder():
    return tempfile.TemporaryDirectory(prefix="dewline-test-")


def only_file(path):
    """The path of the one file in a folder."""
    names = sorted(os.listdir(path))
    assert len(names) == 1, f"{path} holds {names}"
    return os.path.join(path, names[0])


def eve(data):
    with open(os.path.join(data, "eve.json"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def main(names):
    tests = [(n, f) for n, f in names.items() if n.startswith("test_")]
    bad = 0
    print(f"1..{len(tests)}")
    for i, (name, f) in enumerate(tests, 1):
        title = name[5:].replace("_", " ")
        try:
            f()
            print(f"ok {i} - {title}")
        except Skip as why:
            print(f"ok {i} - {title} # SKIP {why}")
        except Exception:
            bad += 1
            print("".join("# " + line + "\n" for line in traceback.format_exc().split("\n")), end="")
            print(f"not ok {i} - {title}")
        sys.stdout.flush()
    sys.exit(bad != 0)
