#!/usr/bin/env python3
"""Witnesses, monitors and the web: real processes; and other people's implementations on the other side of each wire.

`tlog_ref.py`, `witness_accept.py` and `tlog_mutants.py` beside the project are written from the specifications by somebody
else: a witness and a log in Python, an acceptance test for witnesses, and logs that are damaged in 28 ways.
"""
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import tap
import weblog
from tap import dewline

work = tempfile.TemporaryDirectory(prefix="dewline-witness-")
made = {}


def path(*names):
    return os.path.join(work.name, *names)


def reference():
    """The reference implementation as a module."""
    if "ref" not in made:
        source = tap.shared("harness", "tlog", "tlog_ref.py")
        if importlib.util.find_spec("cryptography") is None:
            tap.skip("no python3-cryptography")
        spec = importlib.util.spec_from_file_location("tlog_ref", source)
        made["ref"] = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        spec.loader.exec_module(made["ref"])
    return made["ref"]


def party(name, cosigner=False):
    return weblog.Party(work.name, name, cosigner)


def test_a_log_is_made_checked_and_proved():
    log, d = party("log.test/first"), path("first")
    assert os.stat(log.secret).st_mode & 0o77 == 0
    dewline("log", "key", "log.test/first", log.secret).expect(2)
    r = weblog.append(log, d, [f"entry {i}" for i in range(1000)], "--batch", 100, "--json").expect(0)
    said = json.loads(r.out)
    assert (said["first"], said["appended"], said["size"]) == (0, 1000, 1000), said
    old = path("first-old")
    shutil.copy(os.path.join(d, "checkpoint"), old)
    weblog.append(log, d, ["one more", ""]).expect(0)
    r = dewline("log", "check", "--key", log.public, "--old", old, "--json", d).expect(0)
    assert json.loads(r.out) == {"findings": [], "log": d, "size": 1002, "cosigned": 0, "whole": True}, r
    assert dewline("log", "check", "--key", log.vkey, d).expect(0).out == f"{d}: 1002 leaves, whole\n"
    dewline("log", "prove", "--key", log.vkey, "1000", d, "--entry", path("e"), "-o", path("p")).expect(0)
    with open(path("e")) as f:
        assert f.read() == "one more"
    r = dewline("log", "check", "--key", log.vkey, "--proof", path("p"), "--entry", path("e")).expect(0)
    assert "leaf 1000 of log.test/first" in r.out, r
    with open(path("e2"), "w") as f:
        f.write("two more")
    dewline("log", "check", "--key", log.vkey, "--proof", path("p"), "--entry", path("e2")).expect(1)
    r = dewline("log", "prove", "--key", log.vkey, "--from", "1000", d).expect(0)
    assert r.out.startswith("old 1000\n") and "\n\nlog.test/first\n1002\n" in r.out, r
    assert "is not in a tree of 1002" in dewline("log", "prove", "--key", log.vkey, "1002", d).expect(1).err
    other = party("log.test/other")
    assert dewline("log", "check", "--key", other.vkey, d).expect(1).out.startswith("checkpoint: ")
    assert "a witness's key" in weblog.append(party("w.test/x", True), d, ["x"]).expect(2).err
    assert "no key that we know" in weblog.append(other, d, ["x"]).expect(2).err
    with open(os.path.join(d, "tile", "0", "001"), "r+b") as f:
        f.truncate(100)
    r = dewline("log", "check", "--key", log.vkey, d).expect(1)
    assert "tile/0/001: has the wrong length" in r.out and r.out.endswith("damaged\n"), r


def test_files_and_standard_input_are_entries():
    log, d = party("log.test/files"), path("files")
    for name, content in (("a", b"\0\xff" * 1000), ("b", b""), ("c", b"x" * 65535)):
        with open(path(name), "wb") as f:
            f.write(content)
    r = dewline("log", "append", "--signer", log.secret, d, path("a"), path("b"), path("c")).expect(0)
    assert r.out == f"{d}: 3 leaves, new are 0 to 2\n", r
    with open(path("d"), "wb") as f:
        f.write(b"x" * 65536)
    assert "at most 65535 fit" in dewline("log", "append", "--signer", log.secret, d, path("d")).expect(2).err
    tap.Run([tap.DEWLINE, "log", "append", "--signer", log.secret, d], stdin=b"from standard input").expect(0)
    dewline("log", "prove", "--key", log.vkey, "3", d, "--entry", path("e3")).expect(0)
    with open(path("e3"), "rb") as f:
        assert f.read() == b"from standard input"


def test_a_log_on_the_web_is_read_with_the_right_headers():
    log, d = party("log.test/web"), path("web")
    weblog.append(log, d, [f"entry {i}" for i in range(700)]).expect(0)
    with weblog.Server("serve", d) as s:
        number, head, body = s.ask("/checkpoint")
        assert number == 200 and head["Content-Type"] == "text/plain; charset=utf-8", head
        assert head["Cache-Control"] == "no-cache" and body.startswith(b"log.test/web\n700\n")
        number, head, body = s.ask("/tile/0/001")
        assert number == 200 and len(body) == 8192 and head["Content-Type"] == "application/octet-stream"
        assert "immutable" in head["Cache-Control"], head
        number, head, body = s.ask("/tile/0/001", "HEAD")
        assert number == 200 and head["Content-Length"] == "8192" and body == b""
        for bad in ("/", "/lock", "/journal", "/dewline-log", "/tile/0/1", "/tile/0/../../lock", "/tile/64/000",
                    "/tile/00/000", "/tile/0/002.p/256", "/tile/0/002.p/0", "/tile/entries/x000/000", "//checkpoint",
                    "/%2e%2e/log.test-web.key", "/tile/0/001/", "/checkpoint/"):
            assert s.ask(bad)[0] == 404, bad
        number, head, _ = s.ask("/checkpoint", "POST", b"x")
        assert number in (405, 413), number
        dewline("log", "check", "--key", log.vkey, s.url + "/").expect(0)
        dewline("log", "prove", "--key", log.vkey, "650", s.url, "-o", path("web-proof"), "--entry", path("web-e")).expect(0)
        dewline("log", "check", "--key", log.vkey, "--proof", path("web-proof"), "--entry", path("web-e")).expect(0)
        assert s.end() == 0
    assert "cannot ask" in dewline("log", "check", "--key", log.vkey, s.url).expect(2).err


def test_a_log_over_https_is_read_by_who_knows_the_certificate():
    if shutil.which("openssl") is None:
        tap.skip("no openssl")
    log, d = party("log.test/tls"), path("tls")
    weblog.append(log, d, ["one", "two"]).expect(0)
    for name in ("good", "other"):
        tap.Run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=log.test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path(name + ".pem"),
                 "-out", path(name + ".crt")]).expect(0)
    with weblog.Server("serve", d, "--cert", path("good.crt"), "--cert-key", path("good.pem")) as s:
        assert s.url.startswith("https://")
        dewline("log", "check", "--key", log.vkey, "--ca", path("good.crt"), s.url).expect(0)
        assert "cannot ask" in dewline("log", "check", "--key", log.vkey, "--ca", path("other.crt"), s.url).expect(2).err
        dewline("log", "check", "--key", log.vkey, s.url).expect(2)
        dewline("log", "check", "--key", log.vkey, s.url.replace("https", "http")).expect(2)
    r = dewline("log", "serve", d, "--listen", "127.0.0.1:0", "--cert", path("good.crt"), "--cert-key", log.secret).expect(2)
    assert "not with this certificate" in r.err, r


def test_our_witness_passes_the_acceptance_test():
    reference()
    accept = tap.shared("harness", "tlog", "witness_accept.py")
    log, second, w = party("log.test/accept"), party("log.test/accept2"), party("witness.test/w", True)
    with weblog.witness(path("accept-state"), w, log, second) as s:
        r = tap.Run([sys.executable, "-B", accept, "--url", s.url, "--witness", w.vkey, "--log", log.secret,
                     "--log2", second.secret])
        assert r.code == 0 and re.search(r"^44 passed, 0 failed$", r.out, re.M), r
        # the forks that it was shown are evidence now
        name = hashlib.sha256(b"log.test/accept").hexdigest()
        number, _, body = s.ask(f"/{name}/conviction")
        assert number == 200
        with open(path("accepted"), "wb") as f:
            f.write(body)
        dewline("log", "convict", "--key", log.vkey, path("accepted")).expect(0)
        assert s.end() == 0 and "ALARM: log.test/accept has signed two histories" in s.said, s.said


def test_damaged_logs_are_refused_all_of_them():
    """tlog_mutants.py with our reader in the place of the one that it was written for."""
    reference()
    d = path("mutants")
    os.makedirs(os.path.join(d, "tlogverify"))
    for name in ("tlog_mutants.py", "tlog_ref.py"):
        shutil.copy(tap.shared("harness", "tlog", name), d)
    wrapper = os.path.join(d, "tlogverify", "tlogverify")
    with open(wrapper, "w", encoding="utf-8") as f:
        f.write(f'''#!{sys.executable} -B
import os, subprocess, sys, tempfile
sys.path.insert(0, {d!r})
import tlog_ref
args, rest, key, witnesses, need, more, entry = sys.argv[1:], [], None, [], 0, [], None
while args:
    a = args.pop(0)
    if a == "-vkey": key = args.pop(0)
    elif a == "-witness": witnesses.append(args.pop(0))
    elif a == "-quorum": need = int(args.pop(0))
    elif a in ("-old", "-proof", "-entry"): more += ["-" + a, args.pop(0)]
    else: rest.append(a)
while len(witnesses) < need:
    witnesses.append(tlog_ref.Key("nobody.test/%d" % len(witnesses), typ=4).vkey())
with tempfile.NamedTemporaryFile("w", suffix=".policy") as p:
    p.write(f"log {{key}}\\n" + "".join(f"witness w{{i}} {{w}}\\n" for i, w in enumerate(witnesses)))
    p.write(f"group q {{need}} " + " ".join(f"w{{i}}" for i in range(len(witnesses))) + "\\nquorum q\\n" if need
            else "quorum none\\n")
    p.flush()
    r = subprocess.run([{tap.DEWLINE!r}, "log", "check", "--policy", p.name, *more, *rest], capture_output=True, text=True)
print("".join("FAIL " + l + "\\n" for l in (r.stdout + r.stderr).splitlines()) if r.returncode else "")
print(f"{{1 if r.returncode == 0 else 0}} passed, {{r.returncode}} failed")
sys.exit(r.returncode)
''')
    os.chmod(wrapper, 0o755)
    r = tap.Run([sys.executable, "-B", os.path.join(d, "tlog_mutants.py")], timeout=600)
    assert r.code == 0 and re.search(r"^42 passed, 0 failed$", r.out, re.M), r


def test_a_quorum_is_gathered_from_ours_and_theirs():
    ref = reference()
    log, d, pol = party("log.test/quorum"), path("quorum"), path("quorum.policy")
    a, b = party("witness.test/a", True), party("witness.test/b", True)
    theirs = ref.Key("witness.test/python", typ=4)
    w = ref.Witness(path("python-state"), theirs, [ref.VKey(log.vkey)])
    server = w.serve(0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    python = type("", (), {"vkey": theirs.vkey()})
    with weblog.witness(path("qa"), a, log) as sa, weblog.witness(path("qb"), b, log) as sb:
        all3 = [(a, sa.url), (b, sb.url + "/"), (python, f"http://127.0.0.1:{server.server_address[1]}")]
        weblog.policy(pol, log, all3, 3)
        for n in (1, 300, 2):
            r = weblog.append(log, d, [f"entry {i}" for i in range(n)], "--policy", pol).expect(0)
            assert "cosigned by 3" in r.out, r
        sb.end()
        # one is gone: three are not to be had, two are
        r = weblog.append(log, d, ["x"], "--policy", pol).expect(1)
        assert "cosigned by 2" in r.out and "witness witness.test/b: cannot ask" in r.err and "not the quorum" in r.err, r
        dewline("log", "check", "--policy", pol, d).expect(1)
        weblog.policy(pol, log, all3, 2)
        r = dewline("log", "cosign", "--signer", log.secret, "--policy", pol, d).expect(0)
        assert "cosigned by 2" in r.out, r
        dewline("log", "check", "--policy", pol, d).expect(0)
        dewline("log", "prove", "--policy", pol, "3", d, "-o", path("q-proof"), "--entry", path("q-e")).expect(0)
    server.shutdown()
    dewline("log", "check", "--policy", pol, "--proof", path("q-proof"), "--entry", path("q-e")).expect(0)
    with open(path("q-proof"), "rb") as f, open(path("q-e"), "rb") as e:
        known = [ref.VKey(x) for x in (log.vkey, a.vkey, theirs.vkey())]
        assert ref.check_proof(f.read(), e.read(), known, 2) == ("log.test/quorum", 3, 304)


def test_a_witness_that_was_killed_stands_where_it_answered():
    log, w, d = party("log.test/killed"), party("witness.test/killed", True), path("killed")
    pol = path("killed.policy")
    for i in range(10):
        s = weblog.witness(path("killed-state"), w, log)
        weblog.policy(pol, log, [(w, s.url)], 1)
        weblog.append(log, d, [f"round {i}"], "--policy", pol).expect(0)
        if i % 2:  # once more while it dies
            t = threading.Thread(target=lambda: weblog.append(log, d, ["more"], "--policy", pol))
            t.start()
            s.end(signal.SIGKILL)
            t.join()
        else:
            s.end(signal.SIGKILL)
    with weblog.witness(path("killed-state"), w, log) as s:
        weblog.policy(pol, log, [(w, s.url)], 1)
        dewline("log", "cosign", "--signer", log.secret, "--policy", pol, d).expect(0)
        # a log that was set back is not cosigned, and is told why
        os.remove(os.path.join(d, "checkpoint"))
        shutil.rmtree(os.path.join(d, "tile"))
        r = weblog.append(log, d, ["a new beginning"], "--policy", pol).expect(1)
        assert "the log was set back" in r.err, r


def test_a_monitor_follows_prints_and_catches_a_lie():
    log, d, state = party("log.test/followed"), path("followed"), path("followed-state")
    w = party("witness.test/f", True)
    weblog.append(log, d, [f"entry {i}" for i in range(300)]).expect(0)
    shutil.copytree(d, path("forked"))
    with weblog.Server("serve", d) as s, weblog.witness(path("fw"), w, log) as sw:
        follow = ("log", "follow", "--key", log.vkey, "--state", state, "--once", "--entries")
        r = dewline(*follow, s.url).expect(0)
        assert r.out.split("\n") == [f"entry {i}" for i in range(300)] + [""] and "300 of them new" in r.err, r
        assert dewline(*follow, s.url).expect(0).out == ""
        weblog.append(log, d, ["next", "and next"]).expect(0)
        r = dewline(*follow, "--json", s.url).expect(0)
        lines = [json.loads(x) for x in r.out.splitlines()]
        assert lines[:2] == [{"leaf": 300, "entry": "next"}, {"leaf": 301, "entry": "and next"}], r
        assert lines[2] == {"found": "grew", "from": 300, "size": 302, "cosigned": 0}, r
        # the owner shows the witness another history of the same length
        pol = weblog.policy(path("f.policy"), log, [(w, sw.url)], 1)
        weblog.append(log, path("forked"), ["next", "something else"], "--policy", pol).expect(0)
        r = dewline(*follow, "--peer", sw.url, s.url).expect(1)
        assert f"ALARM: against {sw.url}: the log has signed two histories" in r.err, r
        r = dewline("log", "convict", "--key", log.vkey, os.path.join(state, "conviction")).expect(0)
        assert "log.test/followed has signed two histories" in r.out and r.out.count("302 leaves") == 2, r
        dewline("log", "convict", "--key", w.vkey, os.path.join(state, "conviction")).expect(1)
    # and one that shows the other history itself, longer
    weblog.append(log, path("forked"), [f"and on {i}" for i in range(50)]).expect(0)
    state2 = path("followed-state-2")
    follow = ("log", "follow", "--key", log.vkey, "--state", state2, "--once")
    dewline(*follow, d).expect(0)
    r = dewline(*follow, "--json", path("forked")).expect(1)
    found = json.loads(r.out)
    assert found["found"] == "split" and found["conviction"] == os.path.join(state2, "conviction"), r
    dewline("log", "convict", found["conviction"]).expect(0)
    with open(found["conviction"], "r+b") as f:
        f.seek(-20, os.SEEK_END)
        b = f.read(1)
        f.seek(-20, os.SEEK_END)
        f.write(b"A" if b != b"A" else b"B")
    dewline("log", "convict", found["conviction"]).expect(1)


def test_a_monitor_goes_on_until_it_is_told():
    log, d = party("log.test/on"), path("on")
    weblog.append(log, d, ["one"]).expect(0)
    p = subprocess.Popen([tap.DEWLINE, "log", "follow", "--key", log.vkey, "--state", path("on-state"), "--interval", "1",
                          "--json", d], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert json.loads(p.stdout.readline())["found"] == "grew"
    weblog.append(log, d, ["two"]).expect(0)
    while (said := json.loads(p.stdout.readline()))["found"] == "same":
        pass
    assert said["found"] == "grew" and said["size"] == 2, said
    p.send_signal(signal.SIGTERM)
    assert p.wait(60) == 0
    p.communicate()


def test_what_makes_no_sense_is_said():
    log = party("log.test/sense")
    for args, says in (((), "usage"), (("look",), "not known"), (("append", path("x")), "--signer"), (("check",), "check what"),
                       (("check", "https://x.test/"), "--key or --policy"), (("witness",), "--signer"),
                       (("witness", "--signer", log.secret, "--state", path("y"), "--log", log.vkey, "--listen", "x"), "type 1"),
                       (("serve", path("nowhere"), "--listen", "127.0.0.1:0"), "not there"),
                       (("serve", work.name, "--listen", "here"), "no place to listen"),
                       (("follow", path("x")), "--state"), (("prove", "x", path("x")), "no number"),
                       (("cosign", "--signer", log.secret, path("x")), "--policy"), (("convict", path("nothing")), "No such file"),
                       (("append", "--signer", log.public, path("x")), "not a signing key"),
                       (("append", "--batch", "0", path("x")), "expected 1 to")):
        r = dewline("log", *args).expect(2)
        assert says in r.err, (args, says, r.err)


if __name__ == "__main__":
    tap.main(globals())
