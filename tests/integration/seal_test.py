#!/usr/bin/env python3
"""Sealed evidence: committed now, opened by k of n reviewers, who sign what they found. Forged, missing and withdrawn reviews."""
import hashlib
import json
import os

import tap
from tap import dewline

CASE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")
HOUSE = tap.folder()
NAMES = ("ico", "cert-b", "court")


def house():
    """A data folder: what is sealed leaves one."""
    data = os.path.join(HOUSE.name, "data")
    if not os.path.exists(data):
        dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "--data", data, "--no-system-tables", "-q").expect(0)
    return data


def readers(folder):
    for name in NAMES:
        with open(os.path.join(folder, name + ".jwk"), "w", encoding="utf-8") as f:
            f.write(dewline("disclose", "key", "-w", os.path.join(folder, name + ".secret")).expect(0).out)
    return [a for n in NAMES for a in ("--reader", f"{n}={folder}/{n}.jwk")]


def sealed(folder, content, *args):
    plain, item = os.path.join(folder, "plain"), os.path.join(folder, "item.sealed")
    with open(plain, "wb") as f:
        f.write(content)
    r = dewline("seal", "make", "--title", "third sensor", "--needs", 2, *readers(folder), "-w", item,
                *(args or ("-d", house(), "--approve", "us")), plain).expect(0)
    return item, r


def share(folder, item, name):
    path = os.path.join(folder, name + ".share")
    dewline("seal", "share", "--reader-key", os.path.join(folder, name + ".secret"), "-w", path, item).expect(0)
    return path


def review(folder, item, name, finding, *shares):
    path = os.path.join(folder, f"{name}.{finding}")
    r = dewline("seal", "review", "--reader-key", os.path.join(folder, name + ".secret"), "--finding", finding,
                *[a for s in shares for a in ("--share", s)], "-w", path, item)
    return path, r


def test_two_of_three_open_it_and_one_does_not():
    with tap.folder() as d:
        content = os.urandom(100000)
        item, _ = sealed(d, content)
        with open(item, "rb") as f:
            assert content[:16] not in f.read()
        shares = [share(d, item, n) for n in NAMES]
        assert os.stat(shares[0]).st_mode & 0o077 == 0
        for a, b in ((0, 1), (2, 0), (1, 2)):
            out = os.path.join(d, "out")
            dewline("seal", "open", "--share", shares[a], "--share", shares[b], "-w", out, item).expect(0)
            assert open(out, "rb").read() == content
        for some in ((0,), (0, 0), ()):
            r = dewline("seal", "open", *[a for i in some for a in ("--share", shares[i])], item).expect(1)
            assert "no: " in r.err and not r.out, r
        dewline("disclose", "key", "-w", os.path.join(d, "x.secret")).expect(0)
        r = dewline("seal", "share", "--reader-key", os.path.join(d, "x.secret"), item).expect(1)
        assert "none of the item's 3 readers" in r.err, r


def test_a_changed_item_is_caught_by_its_opening_and_by_the_log():
    with tap.folder() as d:
        data = os.path.join(d, "data")
        dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "--data", data, "--no-system-tables", "-q").expect(0)
        item, r = sealed(d, b"all of it", "-d", data, "--approve", "us")
        leaf = int(r.err.rsplit(" ", 1)[1])
        bundle = os.path.join(d, "b")
        dewline("disclose", "open", "-d", data, "--leaf", leaf, "--field", "input", "--to", "all", "--approve", "us", "-w", bundle).expect(0)
        facts = json.loads(dewline("verify", "--json", "--facts", bundle).expect(0).out)["facts"]
        said = next(f["disclosed"]["input"] for f in facts if f["leaf"] == leaf)
        assert said == {"what": "sealed-item", "name": "item.sealed", "sha256": hashlib.sha256(open(item, "rb").read()).hexdigest(),
                        "bytes": os.path.getsize(item)}, said
        shares = [share(d, item, n) for n in NAMES[:2]]
        text = open(item, encoding="utf-8").read()
        for old, new in (("third sensor", "first sensor"), ("opens 2 of 3", "opens 1 of 3"), ("safe ", "safe AAAA")):
            with open(item, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new, 1))
            r = dewline("seal", "open", "--share", shares[0], "--share", shares[1], item)
            assert r.code in (1, 2) and r.err, r
            assert hashlib.sha256(open(item, "rb").read()).hexdigest() != said["sha256"]


def test_reviews_concur_differ_are_withdrawn_forged_and_missing():
    with tap.folder() as d:
        item, _ = sealed(d, b"all of it")
        a, b = share(d, item, "ico"), share(d, item, "cert-b")
        _, r = review(d, item, "ico", "concurs", a)
        assert r.code == 1 and "shares given: 1; 2 of 3 readers open it" in r.err, r
        one, r = review(d, item, "ico", "concurs", a, b)
        r.expect(0)
        two, r = review(d, item, "cert-b", "differs", a, b)
        r.expect(0)
        r = dewline("seal", "tally", item, one, two).expect(0)
        assert "1 of 3 reviewers saw it and concur\n" in r.out and "silent     court" in r.out, r
        got = json.loads(dewline("seal", "tally", "--json", "--share", a, "--share", b, item, one, two).expect(0).out)
        assert (got["concurs"], got["differs"], got["silent"], got["refused"]) == (1, 1, 1, 0), got
        # withdrawn: later than what it takes back
        gone, r = review(d, item, "ico", "withdrawn", a, b)
        r.expect(0)
        with open(gone, encoding="utf-8") as f:
            later = "at " + f.read().split("\nat ")[1].split("\n")[0] not in open(one, encoding="utf-8").read()
        got = json.loads(dewline("seal", "tally", "--json", item, one, two, gone).out)
        assert got["concurs"] == 0 and (got["withdrawn"] if later else got["torn"]) == 1, got
        # forged: the other finding under the same signature
        with open(two, encoding="utf-8") as f:
            text = f.read()
        with open(two, "w", encoding="utf-8") as f:
            f.write(text.replace("finding differs", "finding concurs"))
        r = dewline("seal", "tally", item, one, two).expect(1)
        assert "1 of 3 reviewers saw it and concur" in r.out and "1 more files are no review of it" in r.out, r
        assert "expected concurs" in review(d, item, "ico", "likes", a, b)[1].expect(2).err


def test_what_reviewers_found_stands_beside_the_bulletin():
    with tap.folder() as d:
        data = os.path.join(d, "data")
        dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--data", data, "--no-system-tables", "-q").expect(0)
        bundle = tap.only_file(os.path.join(data, "bundles"))
        name = os.path.basename(bundle)[:-len(".bundle")]
        plain, item, other = (os.path.join(d, n) for n in ("plain", "item.sealed", "other.sealed"))
        with open(plain, "wb") as f:
            f.write(b"all of it")
        who = readers(d)
        r = dewline("seal", "make", "--title", name + ": third sensor", "--needs", 2, *who, "-d", data, "--approve", "us", "-w", item, plain).expect(0)
        leaf = int(r.err.rsplit(" ", 1)[1])
        dewline("seal", "make", "--title", "B1-0000000000000000: another", "--needs", 1, *who, "-d", data, "--approve", "us", "-w", other, plain).expect(0)
        a, b = share(d, item, "ico"), share(d, item, "cert-b")
        ask = ("verify", "--text", "--item", item)

        def reviewed(*files):
            r = dewline("verify", "--json", "--item", item, *[x for f in files for x in ("--review", f)], bundle)
            got = json.loads(r.out)
            return r.code, got["reviewed"][0], got["reviews_refused"]

        # missing: nobody said anything, which is an answer
        r = dewline(*ask, bundle).expect(0)
        assert f'sealed evidence "{name}: third sensor": 0 of 3 reviewers saw it and concur, 3 said nothing' in r.out, r
        one, two = review(d, item, "ico", "concurs", a, b)[0], review(d, item, "cert-b", "concurs", a, b)[0]
        r = dewline(*ask, "--review", one, "--review", two, bundle).expect(0)
        assert "2 of 3 reviewers saw it and concur, 1 said nothing" in r.out and "  concurs    ico\n" in r.out and "  silent     court\n" in r.out, r
        assert r.out.index("yes: the verdict follows") < r.out.index("sealed evidence"), r
        code, said, refused = reviewed(one, two)
        assert code == 0 and refused == 0 and said["about"] and said["concurs"] == 2 and said["silent"] == 1, said
        assert [x["finding"] for x in said["readers"]] == ["concurs", "concurs", "silent"], said
        # one does not concur, one takes it back
        no = review(d, item, "court", "differs", a, b)[0]
        assert "2 of 3 reviewers saw it and concur, 1 saw it and does not" in dewline(*ask, "--review", one, "--review", two, "--review", no, bundle).expect(0).out
        with open(one, encoding="utf-8") as f:
            text = f.read()
        # forged: a finding turned round, a signature by a stranger, a review of another item
        forged = os.path.join(d, "forged")
        with open(forged, "w", encoding="utf-8") as f:
            f.write(text.replace("finding concurs", "finding differs"))
        code, said, refused = reviewed(forged, two)
        assert code == 1 and refused == 1 and said["concurs"] == 1 and said["differs"] == 0, said
        r = dewline(*ask, "--review", forged, bundle).expect(1)
        assert "1 review is not counted: " in r.out, r
        stray = os.path.join(d, "stray")
        c = os.path.join(d, "other.share")
        dewline("seal", "share", "--reader-key", os.path.join(d, "ico.secret"), "-w", c, other).expect(0)
        dewline("seal", "review", "--reader-key", os.path.join(d, "ico.secret"), "--finding", "concurs", "--share", c, "-w", stray, other).expect(0)
        code, said, refused = reviewed(stray)
        assert code == 1 and refused == 1 and said["silent"] == 3, said
        # an item about another bulletin is none about this one
        r = dewline("verify", "--item", other, "--review", stray, bundle).expect(1)
        assert "NOT about this bulletin" in r.out and "1 of 3 reviewers saw it and concur" in r.out, r
        # and that the item was there before its reviewers saw it, the log says
        shown = os.path.join(d, "shown")
        dewline("disclose", "open", "-d", data, "--leaf", leaf, "--field", "input", "--to", "all", "--approve", "us", "-w", shown).expect(0)
        r = dewline("verify", "--item", item, "--review", one, shown).expect(0)
        assert f"it is in the log, as leaf {leaf}" in r.out, r
        assert "No such file" in dewline("verify", "--item", item, "--review", os.path.join(d, "nothing"), bundle).expect(2).err
        assert "first line is not dewline-sealed/1" in dewline("verify", "--item", plain, bundle).expect(2).err


def test_what_cannot_be_done_is_said():
    with tap.folder() as d:
        args = readers(d)
        plain = os.path.join(d, "p")
        open(plain, "w", encoding="utf-8").close()
        for more, word in ((["--title", "t", "--needs", 4], "4 of 3 readers"), (["--title", "t", "--needs", 0], "--needs K"),
                           (["--needs", 2, "--title", "a\tb"], "a title is"), (["--needs", 2], "a title is")):
            r = dewline("seal", "make", *args, "-d", house(), "-w", os.path.join(d, "i"), *more, plain).expect(2)
            assert word in r.err, r
        # nothing is sealed but out of a house, by its gate
        r = dewline("seal", "make", *args, "--title", "t", "--needs", 1, "-d", os.path.join(d, "none"), "--approve", "us", "-w", os.path.join(d, "i"), plain).expect(2)
        assert "is no dewline data folder" in r.err and not os.path.exists(os.path.join(d, "i")), r
        assert "is no dewline data folder" in dewline("seal", "make", *args, "--title", "t", "--needs", 1, "-w", os.path.join(d, "i"), plain, cwd=d).expect(2).err
        r = dewline("seal", "make", *args, "--title", "t", "--needs", 1, "-d", house(), "-w", os.path.join(d, "i"), plain).expect(1)
        assert "nothing has left" in r.err and not os.path.exists(os.path.join(d, "i")), r
        assert "NAME=FILE" in dewline("seal", "make", "--needs", 1, "--title", "t", "--reader", "x", "-w", os.path.join(d, "i"), plain).expect(2).err
        assert "first line is not dewline-sealed/1" in dewline("seal", "share", "--reader-key", "x", plain).expect(2).err
        assert "make, share, open, review, tally" in dewline("seal", "break", plain).expect(2).err


if __name__ == "__main__":
    tap.main(globals())
