"""Our words, those of others, both ways; and numbers, which no word is read back into."""
import json
import os
import re

import tap
from tap import dewline


def rows(*args):
    return [json.loads(line) for line in dewline("treaty", "vocabulary", "--json", *args).expect(0).out.splitlines()]


def text(*path):
    with open(os.path.join(tap.SOURCE, *path), encoding="utf-8") as f:
        return f.read()


def test_each_value_and_each_code_has_a_counterpart_or_says_that_it_has_none():
    every = [r for r in rows() if "class" in r]
    assert all(r["source"] for r in every if r["scheme"])
    lists = {(r["scheme"], r["list"]) for r in every if r["scheme"]}
    assert {s for s, _ in lists} == {"stix", "eurepoc", "veris", "rsit", "nis2", "tlp", "healey", "arsiwa", "dewline"}
    ours_only = {(r["class"], r["value"], r["list"]) for r in every if r["class"] and r["scheme"] and r["code"] is None}
    both = {(r["class"], r["value"], r["scheme"], r["list"], r["code"]) for r in every if r["class"] and r["scheme"] and r["code"]}
    theirs_only = {(r["scheme"], r["list"], r["code"]) for r in every if r["class"] is None}
    assert ours_only and both and theirs_only
    assert not {b[2:] for b in both} & theirs_only and not {(b[0], b[1], b[3]) for b in both} & ours_only
    # and the other way round it is the same: what one direction says, the other does
    back = set()
    for scheme in {s for s, _ in lists}:
        page = dewline("treaty", "vocabulary", scheme).expect(0).out
        for block in page.strip().split("\n\n"):
            head, source, *lines = block.split("\n")
            assert source.startswith("  source: ")
            name = head[len(scheme) + 1:]
            for line in lines:
                code, _, meets = line[2:].rpartition(": ")
                if meets == "no counterpart":
                    assert (scheme, name, code) in theirs_only, line
                    continue
                for m in meets.split("), "):
                    back.add((*m.split(" (")[0].split(" ", 1), scheme, name, code))
    assert back == both, back ^ both


def test_words_of_other_files_are_these():
    values = {}
    for r in rows():
        if r.get("class"):
            values.setdefault(r["class"], set()).add(r["value"])
    party = text("docs", "formats", "party.md")
    sectors = re.search(r"SECTOR, one of: `([^`]*)`", party).group(1).split()
    assert values["sector"] == set(sectors), values["sector"] ^ set(sectors)
    statuses = re.search(r"STATUS, one of: `([^`]*)`", party).group(1).split()
    assert values["status"] == set(statuses)
    ladder = set(re.findall(r'"(state-[a-z-]+)"', text("src", "assess", "attrib", "attrib.c")))
    assert values["relation"] <= ladder, values["relation"] - ladder
    # a term that a class speaks of is claimed by assessments, or a term of a treaty that ships
    terms = set(re.findall(r'^\t\{"([a-z_]+)", TREATY_SEEN', text("src", "assess", "treaty", "vocabulary.c"), re.M))
    assert len(terms) > 20
    for name in os.listdir(os.path.join(tap.SOURCE, "treaties")):
        terms |= set(re.findall(r"^term (\S+)", text("treaties", name), re.M))
    spoken = {r["code"] for r in rows("dewline") + rows() if r.get("scheme") == "dewline" and r["code"]}
    assert spoken and spoken <= terms, spoken - terms


def test_one_number_has_six_words_and_one_name_two_scales():
    (x,) = rows("0.42")
    assert x["icd203"] == "unlikely" and x["stix-dni"].startswith("Roughly Even") and x["stix-low-med-high"] == "Med"
    scales = {s["scale"]: s["bands"] for s in rows("scales")}
    for name, bands in scales.items():
        for i, b in enumerate(bands):
            for number in (b["from"] - 0.001, b["from"], b["from"] + 0.001):
                if not 0 <= number <= 1:
                    continue
                want = [c["word"] for c in bands if c["from"] <= number + 1e-9][-1]
                (x,) = rows(f"{number:.3f}")
                assert x[name] == want, (name, number, x)
    for bad in ("1.001", "2", "0.", ".5", "0.1234", "1e0", "", "likely"):
        r = dewline("treaty", "vocabulary", bad).expect(2)
        assert "expected a number from 0 to 1" in r.err and r.out == "", (bad, r)


def test_no_number_is_read_back_from_a_word():
    with tap.folder() as d:
        path = os.path.join(d, "i.json")
        for probability in ("likely", ["unlikely", "likely"], {"word": "likely"}):
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"at": "2026-01-01T00:00:00Z", "claims": [{"atom": "access", "probability": probability}]}, f)
            r = dewline("treaty", "judge", path).expect(2)
            assert 'expected [low, high] in "probability"' in r.err and r.out == "", r


tap.main(globals())
