#!/usr/bin/env python3
"""The log on disk, as others read it.

`tlogverify` beside the project is an independent reader (Go, golang.org/x/mod/sumdb): it shares no code and no author's
assumptions with ours. Good logs must pass both readers; damaged ones must fail both, and ours must name the file.
"""
import os
import shutil
import subprocess
import tempfile

import tap

DRIVER = os.path.join(tap.BUILD, "tests", "integration", "log_driver")
SIZES = (0, 1, 2, 255, 256, 257, 65537)
work = tempfile.TemporaryDirectory(prefix="dewline-log-")
built = {}


def driver(*args):
    return tap.Run([DRIVER, *map(str, args)])


def verifier():
    """The path of the Go verifier, built once; skips where Go or its source is absent."""
    if "path" not in built:
        source = tap.shared("harness", "tlog", "tlogverify", "main.go")
        if shutil.which("go") is None:
            tap.skip("no go")
        if not os.path.isdir("/usr/share/gocode/src/golang.org/x/mod/sumdb"):
            tap.skip("no golang-golang-x-mod-dev")
        path = os.path.join(work.name, "tlogverify")
        env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="", GOMAXPROCS="2",
                   GOCACHE=os.path.join(work.name, "cache"), HOME=work.name)
        p = subprocess.run(["go", "build", "-o", path, source], env=env, capture_output=True, text=True)
        assert p.returncode == 0, p.stderr
        built["path"] = path
    return built["path"]


def written(name, size, batch):
    path = os.path.join(work.name, name)
    return path, driver("write", path, size, batch).expect(0).out.split("\n")[0]


def stranger(path, key, *more):
    return tap.Run([verifier(), "-vkey", key, *more, path])


def test_a_stranger_s_reader_accepts_logs_of_every_shape():
    verifier()
    for size in SIZES:
        path, key = written(f"size-{size}", size, 10000)
        r = stranger(path, key, "-proofs", "300").expect(0)
        assert f"size {size}," in r.out and ", 0 failed" in r.out, r
        driver("check", path).expect(0)


def test_a_stranger_s_reader_sees_a_log_that_only_grew():
    verifier()
    path, key = written("grown", 0, 1)
    olds = []
    for size in (1, 2, 200, 256, 300, 1000):
        driver("write", path, size, 97).expect(0)
        old = os.path.join(work.name, f"old-{size}")
        shutil.copy(os.path.join(path, "checkpoint"), old)
        olds += ["-old", old]
    r = stranger(path, key, *olds).expect(0)
    assert "size 1000," in r.out and ", 0 failed" in r.out, r


def test_a_rewritten_history_is_seen():
    verifier()
    path, key = written("first", 300, 1000)
    other = os.path.join(work.name, "other")
    shutil.copytree(path, other)
    os.remove(os.path.join(other, "checkpoint"))
    shutil.rmtree(os.path.join(other, "tile"))
    with open(os.path.join(other, "dewline-log"), "w") as f:
        f.write("dewline log 1\n")
    driver("write", other, 200, 1000).expect(0)
    assert stranger(other, key).code == 0
    assert stranger(other, key, "-old", os.path.join(path, "checkpoint")).code == 1, "a log that went back"


def flip(file, at):
    def change(d):
        with open(os.path.join(d, file), "r+b") as f:
            f.seek(at)
            b = f.read(1)[0]
            f.seek(at)
            f.write(bytes([b ^ 1]))
    return file, change


def gone(file):
    return file, lambda d: os.remove(os.path.join(d, file))


def cut(file, by):
    return file, lambda d: os.truncate(os.path.join(d, file), os.path.getsize(os.path.join(d, file)) - by)


def longer(file):
    def change(d):
        with open(os.path.join(d, file), "ab") as f:
            f.write(b"\0\0")
    return file, change


def rewritten(old, new):
    def change(d):
        p = os.path.join(d, "checkpoint")
        with open(p, "rb") as f:
            b = f.read()
        assert old in b
        with open(p, "wb") as f:
            f.write(b.replace(old, new, 1))
    return "checkpoint", change


DAMAGES = [
    flip("tile/entries/001", 5), flip("tile/entries/000", 0), flip("tile/entries/003.p/232", 700),
    flip("tile/0/000", 0), flip("tile/0/003.p/232", 100), flip("tile/1/000.p/3", 40),
    gone("tile/0/001"), gone("tile/entries/003.p/232"), gone("tile/1/000.p/3"), gone("tile/entries/000"),
    cut("tile/0/000", 1), cut("tile/entries/002", 9), longer("tile/entries/000"), longer("tile/1/000.p/3"),
    rewritten(b"\n1000\n", b"\n1001\n"), rewritten(b"\n1000\n", b"\n999\n"), rewritten(b"\n1000\n", b"\n01000\n"),
    rewritten(b"\n1000\n", b"\n1000\r\n"), rewritten(b"log.test/driver\n", b"log.test/another\n"),
    rewritten(b"\n\n", b"\n"), gone("checkpoint"),
]


def test_every_damage_is_found_and_its_file_named():
    good, key = written("good", 1000, 333)
    driver("check", good).expect(0)
    for i, (file, change) in enumerate(DAMAGES):
        path = os.path.join(work.name, f"bad-{i}")
        shutil.copytree(good, path)
        change(path)
        r = driver("check", path)
        assert r.code in (1, 2), f"damage {i} to {file} was not found"
        assert file in r.out + r.err, f"damage {i}: {file} is not named: {r}"
        if r.code == 1:
            assert len(r.out.strip().split("\n")) == 1, r


def test_a_stranger_s_reader_refuses_the_same_damage():
    verifier()
    good, key = written("good-2", 1000, 333)
    for i, (file, change) in enumerate(DAMAGES):
        path = os.path.join(work.name, f"bad-2-{i}")
        shutil.copytree(good, path)
        change(path)
        assert stranger(path, key).code == 1, f"damage {i} to {file}"


def test_sealing_and_appending_are_fast_enough_to_report():
    path = os.path.join(work.name, "fast")
    r = driver("write", path, 100000, 10000).expect(0)
    print("# " + r.out.strip().split("\n")[-1])
    print("# " + driver("seal", 2000).expect(0).out.strip())
    driver("check", path).expect(0)


if __name__ == "__main__":
    tap.main(globals())
