"""Ten cases that the world knows, judged: what each must come to, and what it must not (tests/golden/verdicts)."""
import json
import os

import tap
from tap import dewline

CASES = os.path.join(tap.SOURCE, "tests", "golden", "verdicts")
NAMES = sorted(f for f in os.listdir(CASES) if f.endswith(".json"))
# The clauses that ask whether the act is a state's own.
OF_A_STATE = {"cwlt.4", "cwlt.5", "cwlt.6", "tallinn.4", "tallinn.66", "gge-2015.f", "gge-2015.i", "gge-2015.k", "sco.2-1", "russia-2011.6-4",
              "russia-2011.6-5", "russia-2011.4-2", "russia-2011.6-9", "responsibility.2", "responsibility.16"}
JUDGED = {}


def case(name):
    """The incidents of a case, each with what was found in it, by clause."""
    path = os.path.join(CASES, name + ".json")
    if name not in JUDGED:
        with open(path, encoding="utf-8") as f:
            incidents = json.load(f)["incidents"]
        found = [json.loads(line) for line in dewline("treaty", "judge", "--json", path).expect(0).out.splitlines()]
        for i in incidents:
            i["found"] = {f["clause"]: f for f in found if f["incident"] == i["id"]}
            i["claim"] = {c["atom"]: c for c in i["claims"]}
        assert sum(len(i["found"]) for i in incidents) == len(found), "incidents have different names"
        JUDGED[name] = incidents
    return JUDGED[name]


def test_each_case_comes_to_what_it_says():
    assert len(NAMES) == 10
    seen = set()
    for name in NAMES:
        for i in case(name[:-5]):
            got = {clause: i["found"][clause]["result"] for clause in i["expect"]}
            assert got == i["expect"], (name, i["id"], got)
            seen |= set(got.values())
    assert seen >= {"breach shown", "no breach", "permitted", "undetermined", "not bound", "not in force", "not judged"}, seen


def test_each_claim_says_why_and_each_text_is_read_by_a_clause():
    """A fact that no clause asks about would be there for show."""
    unread = set()
    for name in NAMES:
        read = " ".join(t["text"] for i in case(name[:-5]) for f in i["found"].values() for t in f["trace"]).split()
        for i in case(name[:-5]):
            unread |= {(name, c["atom"]) for c in i["claims"] if c["atom"] not in read or len(c["why"]) < 4}
    assert not unread, unread


def state(i):
    return i["claim"]["attributed_to_state"]["probability"]


def test_a_of_planted_flags_no_state_is_named():
    incidents = case("cloud-atlas-2014")
    assert len(incidents) == 6
    for i in incidents:
        named = [c for c in OF_A_STATE if i["found"][c]["result"] == "breach shown"]
        assert not named and (i["respondent"] == "" or state(i)[1] <= 0.45), i["id"]
        # and no single unknown, were it settled, would name one either
        for c in OF_A_STATE & set(i["found"]):
            assert all("true" not in (x["if-true"], x["if-false"]) for x in i["found"][c]["would-change"]), (i["id"], c)
    nobody = incidents[0]
    assert {f["result"] for f in nobody["found"].values()} <= {"not bound", "not judged", "not for sensors", "not in force"}
    assert "no party can be named that the clause would bind" in nobody["found"]["cwlt.4"]["trace"][0]["text"]


def test_b_a_forged_item_leads_until_it_is_graded_anew_and_never_decides():
    at = {i["id"]: i for i in case("olympic-destroyer-2018")}
    leads = [max((state(at[f"{day} against {who}"]), who) for who in ("KP", "RU"))[1] for day in ("2018-02-12", "2018-02-24", "2018-03-08", "2020-10-19")]
    assert leads == ["KP", "KP", "RU", "RU"], leads
    first, cheap = at["2018-02-12 against KP"], at["2018-02-12 against KP, without what is cheap to forge"]
    assert state(cheap)[0] < 0.1 and state(cheap)[1] < state(first)[0] # on the first day already
    for i in at.values():
        if i["respondent"] == "KP":
            assert all(i["found"][c]["result"] != "breach shown" for c in OF_A_STATE), i["id"]
    assert [c["atom"] for c in first["found"]["cwlt.4"]["would-change"]] == ["attributed_to_state"]
    assert at["2020-10-19 against RU"]["found"]["cwlt.4"]["result"] == "breach shown"


def rises(name, clause):
    order = {"no breach": 0, "undetermined": 1, "breach shown": 2}
    steps = case(name)
    assert [i["known"] for i in steps] == sorted({i["known"] for i in steps}), "evidence has an order"
    for a, b in zip(steps, steps[1:]):
        assert state(a)[0] <= state(b)[0] and state(a)[1] <= state(b)[1] and state(a) != state(b), (a["id"], b["id"])
        x, y = a["found"][clause], b["found"][clause]
        assert x["interval"][0] <= y["interval"][0] and order[x["result"]] <= order[y["result"]], (a["id"], b["id"])
    return steps


def test_c_july_2009_and_tv5_rise_with_the_evidence():
    july = rises("korea-2009", "cwlt.4")
    # what a service sealed moved its own view, and nobody else's
    sealed = july[1]["found"]["cwlt.4"]
    assert sealed["public"]["interval"][1] < sealed["interval"][1]
    assert sealed["public"]["interval"] == july[0]["found"]["cwlt.4"]["public"]["interval"]
    tv5 = rises("tv5monde-2015", "cwlt.4")
    assert tv5[0]["found"]["cwlt.4"]["result"] == "undetermined" and tv5[-1]["found"]["cwlt.4"]["result"] == "breach shown"


def test_d_a_refusal_is_a_finding_without_a_state_behind_the_keyboard():
    before, after, _ = case("estonia-2007")
    found = after["found"]["cwlt.3"]
    assert state(after)[1] < 0.5 and before["found"]["cwlt.3"]["result"] == "no breach"
    assert found["result"] == "breach shown" and found["unchecked"] and found["applies"]
    assert "attributed_to_state" not in json.dumps(found), "the clause does not ask who acted"
    # the respondent may yet show that it acted; and whether the request was one is contested
    changes = {c["atom"]: (c["if-true"], c["if-false"]) for c in found["would-change"]}
    assert changes.get("help_requested") is None, "0.55 is shown at 0.51"
    with tap.folder() as d:
        i = {k: after[k] for k in ("id", "at", "claimant", "respondent", "bound")}
        for low, want in ((0.509, "undetermined"), (0.51, "breach shown")):
            i["claims"] = [c if c["atom"] != "help_requested" else {**c, "probability": [low, 1]} for c in after["claims"]]
            with open(os.path.join(d, "i.json"), "w", encoding="utf-8") as f:
                json.dump(i, f)
            out = [json.loads(line) for line in dewline("treaty", "judge", "--json", os.path.join(d, "i.json")).expect(0).out.splitlines()]
            assert [x["result"] for x in out if x["clause"] == "cwlt.3"] == [want], low
        i["claims"] = [c if c["atom"] != "feasible_measures_taken" else {**c, "probability": [0.6, 1]} for c in after["claims"]]
        with open(os.path.join(d, "i.json"), "w", encoding="utf-8") as f:
            json.dump(i, f)
        out = [json.loads(line) for line in dewline("treaty", "judge", "--json", os.path.join(d, "i.json")).expect(0).out.splitlines()]
        assert [x["result"] for x in out if x["clause"] == "cwlt.3"] == ["no breach"]


def test_e_spying_ends_in_not_covered_and_cites_why():
    for i in case("ghostnet-2009"):
        found = i["found"]["cwlt.4"]
        assert found["result"] == "permitted" and found["would-change"] == [], i["id"]
        assert any('permission "espionage is not limited (cwlt.7)": applies' in t["text"] for t in found["trace"]), found["trace"]
        assert all(i["found"][c]["result"] != "breach shown" for c in OF_A_STATE), i["id"]
    # were it an organ's act: the same
    organ = case("ghostnet-2009")[1]
    assert state(organ) == [1, 1] and organ["found"]["cwlt.4"]["result"] == "permitted"


def test_f_what_is_public_carries_less_than_all_evidence():
    for i in case("stuxnet-2010"):
        for clause in ("cwlt.4", "tallinn.4"):
            f = i["found"][clause]
            assert f["public"]["interval"][0] < f["interval"][0] or f["interval"][0] == 0, (i["id"], clause)
    civil, both, military = (i["found"]["cwlt.4"] for i in case("stuxnet-2010"))
    assert civil["result"] == "breach shown" and civil["public"]["result"] == "undetermined"
    # one plant, three readings of what it is: the ban itself does not say
    assert [x["result"] for x in (civil, both, military)] == ["breach shown", "undetermined", "no breach"]
    assert [c["atom"] for c in both["would-change"]] == ["civilian_target"]


def test_the_law_is_that_of_the_day_of_the_act():
    for name in NAMES:
        for i in case(name[:-5]):
            if i["at"] < "2004-07-01":
                assert {f["result"] for c, f in i["found"].items() if c.startswith("budapest.")} == {"not in force"}
            if i["at"] < "2011-06-02":
                assert {f["result"] for c, f in i["found"].items() if c.startswith("sco.")} <= {"not in force", "not judged", "not for sensors"}
    july, war = case("georgia-2008")
    assert july["found"]["cwlt.4"]["result"] == "undetermined" and war["found"]["cwlt.4"]["result"] == "no breach"
    assert any("exception (a)" in t["text"] and t["text"].endswith(": applies") for t in war["found"]["cwlt.4"]["trace"])


def test_what_was_feared_falls_away_and_the_territory_state_stays_open():
    fear, known = case("conficker-2008")
    assert [i["found"]["cwlt.4"]["result"] for i in (fear, known)] == ["undetermined", "no breach"]
    open_now = {c["atom"] for c in known["found"]["cwlt.3"]["would-change"]}
    assert known["found"]["cwlt.3"]["result"] == "undetermined" and "help_requested" in open_now, open_now


DOSSIERS = {"cloud-atlas-2014": "cloud-atlas", "conficker-2008": "conficker", "ep3-2001": "p3-ep3", "estonia-2007": "estonia", "georgia-2008": "georgia",
            "ghostnet-2009": "ghostnet", "korea-2009": "july-2009", "olympic-destroyer-2018": "olympic-destroyer", "stuxnet-2010": "stuxnet",
            "tv5monde-2015": "tv5monde"}


def by_dossier(folder, name):
    """The case again, with the state's part as the dossier's ladder has it on that day, where it names the respondent."""
    with open(os.path.join(CASES, name + ".json"), encoding="utf-8") as f:
        file = json.load(f)
    dossier = os.path.join(tap.SOURCE, "tests", "cases", DOSSIERS[name] + ".json")
    with open(dossier, encoding="utf-8") as f:
        ends = json.load(f)["at"]
    kept = []
    for i in file["incidents"]:
        at = ["--at", i["known"]] if i["known"] <= ends[:10] else []
        ladder = json.loads(dewline("attrib", "--items", dossier, "--json", *at).expect(0).out)
        said = {n["evidence"]: {c["what"]: c["probability"] for c in n["state"]["candidates"]} for n in ladder["numbers"]
                if n["items"] == "all" and n["prior"] == "published"}
        state_name = next((w for w in said["all"] if i["respondent"] and i["respondent"] in w.split("-")), None)
        if state_name is None or ", without" in i["id"] or ", were" in i["id"]:
            continue
        for c in i["claims"]:
            if c["atom"] == "attributed_to_state":
                c.update(probability=said["all"][state_name], public=said["public"].get(state_name, [0, 1]))
        kept.append(i)
    path = os.path.join(folder, name + ".json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"incidents": kept}, f)
    found = [json.loads(line) for line in dewline("treaty", "judge", "--json", path).expect(0).out.splitlines()]
    for i in kept:
        i["found"] = {f["clause"]: f for f in found if f["incident"] == i["id"]}
        i["claim"] = {c["atom"]: c for c in i["claims"]}
    return kept


def test_the_criteria_hold_with_the_numbers_of_the_dossiers_too():
    """From items of evidence through the ladder to the clauses: nobody's reading stands between."""
    with tap.folder() as d:
        cases = {name: by_dossier(d, name) for name in DOSSIERS}
    assert all(not any(i["found"][c]["result"] == "breach shown" for c in OF_A_STATE) for i in cases["cloud-atlas-2014"])
    for i in cases["olympic-destroyer-2018"]: # the planted one is never shown, the other in the end
        shown = i["found"]["cwlt.4"]["result"] == "breach shown"
        assert shown == (i["respondent"] == "RU" and i["known"] == "2020-10-19"), i["id"]
    order = {"no breach": 0, "undetermined": 1, "breach shown": 2}
    for name in ("korea-2009", "tv5monde-2015"):
        steps = [order[i["found"]["cwlt.4"]["result"]] for i in cases[name]]
        assert len(steps) == 4 and steps == sorted(steps) and steps[0] < 2 and steps[-1] == 2, (name, steps)
    refused = [i for i in cases["estonia-2007"] if "refusal" in i["id"]]
    assert [i["found"]["cwlt.3"]["result"] for i in refused] == ["breach shown"] and state(refused[0])[1] < 0.5
    assert refused[0]["found"]["cwlt.4"]["result"] != "breach shown"
    assert all(i["found"]["cwlt.4"]["result"] == "permitted" for i in cases["ghostnet-2009"]) and cases["ghostnet-2009"]
    assert len(cases["stuxnet-2010"]) == 3
    for i in cases["stuxnet-2010"]:
        f = i["found"]["tallinn.4"]
        assert f["public"]["interval"][0] < f["interval"][0], i["id"]


def test_what_is_reported_shows_what_was_not_checked():
    """Every verdict that rests on a fact below K1 says so, in the page for people, too."""
    for i in case("estonia-2007"):
        assert i["found"]["cwlt.3"]["unchecked"] and all(f["unchecked"] for c, f in i["found"].items() if c.startswith("sco.")), i["id"]
    text = dewline("treaty", "judge", os.path.join(CASES, "estonia-2007.json")).expect(0).out
    part = text[text.index("cwlt.3 "):text.index("cwlt.4 ")]
    assert "unchecked: its text" in part, part


tap.main(globals())
