"""Parties' own standards of proof: signed, refused where they are not, and judged by beside the text's."""
import json
import os
import re

import tap
from tap import dewline

CASES = os.path.join(tap.SOURCE, "tests", "golden", "verdicts")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def key(folder, name):
    """A signing key's file and its verifier's."""
    path = os.path.join(folder, name + ".key")
    return path, write(folder, name + ".vkey", dewline("log", "key", name + ".example/standards", path).expect(0).out)


def signed(folder, name, text, signer):
    out = os.path.join(folder, name + ".signed")
    dewline("treaty", "standards", "--signer", signer, write(folder, name, text), "-w", out).expect(0)
    return out


def judge(case, *args):
    r = dewline("treaty", "judge", "--json", os.path.join(CASES, case), *args).expect(0)
    return [json.loads(line) for line in r.out.splitlines()]


def test_a_sheet_is_signed_checked_and_shown():
    with tap.folder() as d:
        secret, public = key(d, "kr")
        path = signed(d, "kr", 'standards KR "Republic of Korea" from 2009-01-01\nstandard balance 0.6 ; a decision\nstandard high 0.9\n', secret)
        r = dewline("treaty", "standards", path, "--key", "KR=" + public).expect(0)
        assert "the standards of KR (Republic of Korea), signed by kr.example/standards, from 2009-01-01" in r.out, r
        assert "0.60  balance" in r.out and "0.90  high" in r.out, r
        with open(public, encoding="utf-8") as f:
            r = dewline("treaty", "standards", path, "--json", "--key", "KR=" + f.read().strip()).expect(0)
        x = json.loads(r.out)
        assert x["standards"] == {"balance": 0.6, "high": 0.9} and x["party"] == "KR" and x["signer"] == "kr.example/standards", x


def test_what_its_party_did_not_sign_is_refused():
    with tap.folder() as d:
        kr, kr_public = key(d, "kr")
        kp, kp_public = key(d, "kp")
        text = "standards KR\nstandard balance 0.6\n"
        good = signed(d, "kr", text, kr)
        with open(good, encoding="utf-8") as f:
            note = f.read()
        keys = ["--key", "KR=" + kr_public, "--key", "KP=" + kp_public]
        other = signed(d, "other", text, kp)
        cases = {"unsigned": text, "changed": note.replace("0.6", "0.7"), "renamed": note.replace("KR", "KP"), "cut": note[:-20],
                 "empty": "", "longer": note.replace("\n\n", "\nstandard high 0.9\n\n")}
        for name, bad in cases.items():
            path = write(d, "bad", bad)
            for args in (["treaty", "standards", path], ["treaty", "judge", os.path.join(CASES, "korea-2009.json"), "--standards", path]):
                r = dewline(*args, *keys).expect(1)
                assert "bad" in r.err and r.out == "", (name, r)
        # another party's key does not do, nor no key at all, nor a key that is for everybody
        assert "other.signed" in dewline("treaty", "standards", other, *keys).expect(1).err
        assert "expected --key KR=KEY" in dewline("treaty", "standards", good, "--key", "KP=" + kp_public).expect(1).err
        assert "expected --key KR=KEY" in dewline("treaty", "standards", good, "--key", kr_public).expect(1).err
        dewline("treaty", "standards", good, *keys).expect(0)
        # a key that is none, and files that are not there, are another matter
        assert dewline("treaty", "standards", good, "--key", "KR=" + write(d, "k", "nonsense\n")).expect(2).out == ""
        dewline("treaty", "standards", os.path.join(d, "nowhere"), *keys).expect(2)
        # nothing is signed that is no sheet
        r = dewline("treaty", "standards", "--signer", kr, write(d, "no", "standards KR\nstandard x 7\n")).expect(1)
        assert "no:2:12: expected a number above 0" in r.err and r.out == "", r
        r = dewline("treaty", "standards", "--signer", kr, write(d, "tab", "standards KR\n\tstandard x 0.7\n")).expect(2)
        assert r.out == "", r


def test_each_side_finds_by_its_own_numbers_and_the_text_by_its_own():
    with tap.folder() as d:
        (kr, kr_public), (kp, kp_public) = key(d, "kr"), key(d, "kp")
        lax = signed(d, "kr", "standards KR from 2000-01-01\nstandard clear-and-convincing 0.55\n", kr)
        strict = signed(d, "kp", "standards KP from 2000-01-01\nstandard clear-and-convincing 0.99\n", kp)
        keys = ["--key", "KR=" + kr_public, "--key", "KP=" + kp_public]
        found = judge("korea-2009.json", "--standards", lax, "--standards", strict, *keys)
        plain = judge("korea-2009.json")
        four = {f["incident"]: f for f in found if f["clause"] == "cwlt.4"}
        assert len(found) == len(plain)
        for f, p in zip(found, plain): # what the text itself comes to stays, byte for byte
            by = f.pop("by-standards-of", {})
            assert f == p and set(by) <= {"KR", "KP"}, f
            assert all(x["signer"].endswith(".example/standards") for x in by.values())
        by = {k: f for k, f in ((f["incident"], f) for f in judge("korea-2009.json", "--standards", lax, "--standards", strict, *keys)
                                if f["clause"] == "cwlt.4")}
        # at 0.55 the act is shown as soon as it is likely; at 0.99 never
        results = [(by[i]["by-standards-of"]["KR"]["result"], by[i]["result"], by[i]["by-standards-of"]["KP"]["result"]) for i in four]
        assert results == [("undetermined",) * 3] * 2 + [("breach shown", "undetermined", "undetermined")] * 2, results
        assert by["2011-04-07"]["by-standards-of"]["KR"]["standard"] == {"name": "clear-and-convincing", "least": 0.55}
        text = dewline("treaty", "judge", os.path.join(CASES, "korea-2009.json"), "--standards", lax, "--standards", strict, *keys).expect(0).out
        part = text[text.index("Incident 2011-04-07 under Cyber War"):]
        part = part[part.index("cwlt.4 "):part.index("cwlt.5 ")]
        assert part.startswith("cwlt.4  No first use against civilian infrastructure: undetermined (clear-and-convincing 0.75)"), part
        assert "by KR's own standard (clear-and-convincing 0.55): breach shown" in part, part
        assert "by KP's own standard (clear-and-convincing 0.99): undetermined" in part, part


def test_the_sheet_of_the_day_of_the_act_counts():
    with tap.folder() as d:
        secret, public = key(d, "kr")
        args = ["--key", "KR=" + public]
        old = signed(d, "old", "standards KR until 2009-07-07\nstandard clear-and-convincing 0.51\n", secret)
        new = signed(d, "new", "standards KR from 2009-07-07\nstandard clear-and-convincing 0.52\n", secret)
        found = judge("korea-2009.json", "--standards", old, "--standards", new, *args)
        assert {f["by-standards-of"]["KR"]["standard"]["least"] for f in found if f["clause"] == "cwlt.4"} == {0.52}
        assert all("by-standards-of" not in f for f in judge("korea-2009.json", "--standards", old, *args))
        both = signed(d, "both", "standards KR from 2009-07-06 until 2009-07-08\nstandard clear-and-convincing 0.6\n", secret)
        for other in (old, new):
            r = dewline("treaty", "standards", other, both, *args).expect(1)
            assert re.search(r"two sheets of KR for the same days: expected one", r.err), r


def test_no_breach_is_judged_where_a_fact_and_its_opposite_are_both_shown():
    with tap.folder() as d:
        secret, public = key(d, "kr")
        for number, code in (("0.5", 2), ("0.501", 0)):
            sheet = signed(d, "kr", f"standards KR\nstandard clear-and-convincing {number}\n", secret)
            r = dewline("treaty", "judge", os.path.join(CASES, "korea-2009.json"), "--standards", sheet, "--key", "KR=" + public).expect(code)
            assert code == 0 or 'cwlt.4: at "clear-and-convincing" no breach can be judged' in r.err, r
        # a number for what only begins a duty may be as low as a suspicion
        sheet = signed(d, "kr", "standards KR\nstandard reasonable-suspicion 0.2\n", secret)
        assert judge("korea-2009.json", "--standards", sheet, "--key", "KR=" + public)


tap.main(globals())
