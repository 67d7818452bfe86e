"""The demo that ships: what `make run` shows, and that nothing in its bundle can be changed unnoticed."""
import hashlib
import json
import os
import random
import shutil

import tap
from tap import dewline


def run_demo(folder):
    """One run of tools/demo; the data folder."""
    data = os.path.join(folder, "data")
    r = tap.Run([os.path.join(tap.SOURCE, "tools", "demo"), tap.DEWLINE, data])
    r.expect(0)
    return data, r.out


def bulletin_of(data):
    names = [n for n in os.listdir(os.path.join(data, "bulletins")) if n.endswith(".json")]
    assert len(names) == 1, names
    with open(os.path.join(data, "bulletins", names[0]), encoding="utf-8") as f:
        return json.load(f)


def test_the_demo_tells_the_story():
    with tap.folder() as d:
        data, out = run_demo(d)
        assert "yes: the verdict follows from the evidence in this bundle" in out, out
        b = bulletin_of(data)
        text = json.dumps(b)
        for word in ("actor-target-30m", "cwlt.", "budapest.", "203.0.113.", "198.51.100.", "192.0.2.", "XA", "XB"):
            assert word in text, word
        acts = set()
        for i in b["incidents"]:
            acts |= {s["act"] for s in i["timeline"]}
        assert {"scan", "beacon", "exfiltration"} <= acts and acts & {"access-attempt", "access"}, acts
        longest = max(b["incidents"], key=lambda i: len(i["chain"]["hops"]))
        hops = [h["machine"] for h in longest["chain"]["hops"]]
        assert hops[0].startswith("198.51.100.") and hops[1].startswith("192.0.2."), hops
        assert hops[1] == "192.0.2.66", f"the operator, not the office that also worked there: {hops}"
        for name in ("eve.json", "log/checkpoint", "log.vkey"):
            assert os.path.getsize(os.path.join(data, name)) > 0, name
        html = [n for n in os.listdir(os.path.join(data, "bulletins")) if n.endswith(".html")]
        with open(os.path.join(data, "bulletins", html[0]), encoding="utf-8") as f:
            page = f.read()
        assert "<svg" in page and "<script" not in page and "http://" not in page.replace("http://www.w3.org/", ""), html


def test_the_same_facts_give_the_same_bulletin_elsewhere():
    with tap.folder() as d:
        data, _ = run_demo(d)
        bundle = tap.only_file(os.path.join(data, "bundles"))
        with tap.folder() as elsewhere:
            alone = shutil.copy(bundle, os.path.join(elsewhere, "b.bundle"))
            shutil.rmtree(data)
            r = tap.Run([tap.DEWLINE, "verify", alone], cwd=elsewhere).expect(0)
            assert r.out.rstrip().endswith("yes: the verdict follows from the evidence in this bundle"), r


def test_a_changed_byte_anywhere_is_found():
    rng = random.Random(7)
    with tap.folder() as d:
        data, _ = run_demo(d)
        with open(tap.only_file(os.path.join(data, "bundles")), "rb") as f:
            whole = f.read()
        key = os.path.join(data, "log.vkey")
        bad = os.path.join(d, "bad.bundle")
        places = [0, len(whole) - 1] + rng.sample(range(len(whole)), 60)
        for n, at in enumerate(places):
            changed = bytearray(whole)
            changed[at] = changed[at] ^ (1 << n % 8) if n % 3 else (changed[at] + 1) % 256
            with open(bad, "wb") as f:
                f.write(changed)
            r = dewline("verify", "--key", key, bad)
            assert r.code == 1 and "no: this bundle does not hold" in r.out, (at, whole[at - 20:at + 20], str(r))
        for cut in (0, 1, len(whole) // 2, len(whole) - 1):
            with open(bad, "wb") as f:
                f.write(whole[:cut])
            assert dewline("verify", bad).code == 1, cut


def lie(whole, member, change):
    """The bundle with one member's value changed and its sum written anew, as a liar would."""
    members = ["bulletin", "checkpoint", "facts", "format"]
    begin = whole.index(f'"{member}":'.encode()) + len(member) + 3
    after = members[members.index(member) + 1]
    end = whole.index(f',"{after}":'.encode(), begin)
    old = whole[begin:end]
    new = change(old)
    assert new != old, member
    sums = [hashlib.sha256(x).hexdigest().encode() for x in (old, new)]
    assert whole.count(sums[0]) == 1
    return (whole[:begin] + new + whole[end:]).replace(sums[0], sums[1])


def test_a_liar_who_writes_the_sums_anew_is_found():
    def milder(b):
        return b.replace(b'"result":"undetermined"', b'"result":"breach shown"', 1)

    def one_less(b):
        facts = json.loads(b)
        texts = b[1:-1].split(b',{"disclosures":')
        assert len(texts) == len(facts)
        del texts[len(texts) // 2]
        return b"[" + b',{"disclosures":'.join(texts) + b"]"

    with tap.folder() as d:
        data, _ = run_demo(d)
        with open(tap.only_file(os.path.join(data, "bundles")), "rb") as f:
            whole = f.read()
        bad = os.path.join(d, "bad.bundle")
        for member, change in (("bulletin", milder), ("facts", one_less)):
            with open(bad, "wb") as f:
                f.write(lie(whole, member, change))
            r = dewline("verify", "--key", os.path.join(data, "log.vkey"), bad)
            assert r.code == 1 and "NO  verdict" in r.out and "NO  file unchanged" not in r.out, (member, str(r))


def test_a_key_from_elsewhere_decides():
    with tap.folder() as d:
        data, _ = run_demo(d)
        bundle = tap.only_file(os.path.join(data, "bundles"))
        dewline("verify", "--key", os.path.join(data, "log.vkey"), bundle).expect(0)
        other = "other.example+5ae17103+AQk3FFAYTHFvZhsyJsY0uYGlaEHJNQTUwqCvmy1Rzr0k"
        r = dewline("verify", "--key", other, bundle)
        assert r.code in (1, 2), r


def test_a_second_run_appends_to_the_same_log():
    with tap.folder() as d:
        data = os.path.join(d, "data")
        capture = os.path.join(tap.SOURCE, "demo", "captures")
        capture = os.path.join(capture, sorted(os.listdir(capture))[0])
        sizes = []
        for _ in range(2):
            dewline("watch", "-q", "-r", capture, "--data", data, "--no-system-tables").expect(0)
            with open(os.path.join(data, "log", "checkpoint"), encoding="utf-8") as f:
                sizes.append(int(f.read().split("\n")[1]))
        assert sizes[1] > sizes[0] > 0, sizes
        dewline("log", "check", os.path.join(data, "log")).expect(0)
        for name in os.listdir(os.path.join(data, "bundles")):
            dewline("verify", "-q", os.path.join(data, "bundles", name)).expect(0)


tap.main(globals())
