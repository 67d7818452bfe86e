"""Treaties as their readers meet them: checked, explained, judged, compared."""
import json
import os
import resource
import shutil
import subprocess

import tap
import treaty_asp
from tap import dewline

SHIPPED = sorted(f for f in os.listdir(os.path.join(tap.SOURCE, "treaties")) if f.endswith(".treaty"))

# The case of 38 per cent: one act, four clauses.
TREATY = """
instrument s "Sample"
  source "a sample" mark V
  in-force between-parties
term access "entered"
term authorised "with a right to"
term intentional "on purpose"
term disruption "stopped"
term destruction "destroyed"
term data_altered "altered"
term civilian_target "civilian"
term shooting_war_between_them "war"
term prior_cyber_attack_by_victim "the other began"
term attributed_to_state "a state's act"
term origin_in_territory "from its territory"
term feasible_measures_taken "it did what it could"
term intent_obtain_data "for data"
term security_infringed "a measure was overcome"
term networked_system "in a network"

clause s.2 "Illegal access"
  proof beyond-reasonable-doubt 0.95
  when access and not authorised and intentional
clause s.3 "No first use against civilian infrastructure"
  proof clear-and-convincing 0.75
  when attributed_to_state and (disruption or destruction or data_altered) and civilian_target
  unless shooting_war_between_them ; exception (a)
  unless prior_cyber_attack_by_victim ; exception (b)
clause s.4 "Responsible unless it shows that it acted"
  proof balance 0.51
  when origin_in_territory and (disruption or destruction)
  unless respondent-shows feasible_measures_taken ; the burden is the state's

party US
  amend s.2 require intent_obtain_data ; articles 2 and 40, deposited 2006-09-29
party JP
  amend s.2 require security_infringed and networked_system ; articles 2 and 40, deposited 2012-07-03
"""
CLAIMS = {"access": [0.99, 1], "authorised": [0, 0.02], "intentional": [0.96, 1], "disruption": [0.98, 1],
          "civilian_target": [0.95, 1], "shooting_war_between_them": [0, 0.01], "attributed_to_state": [0.38, 0.7],
          "origin_in_territory": [0.8, 0.9], "feasible_measures_taken": [0, 0.3], "intent_obtain_data": [0.2, 0.6],
          "security_infringed": [0.97, 1], "networked_system": [1, 1]}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
    return path


def incident(claims, who="US", **more):
    return {"at": "2026-11-22T00:00:00Z", "claimant": who, "respondent": who, "bound": ["s"],
            "claims": [{"atom": a, "probability": p, "sealed": a == "attributed_to_state"} for a, p in claims.items()], **more}


def judge(folder, claims, **kw):
    r = dewline("treaty", "judge", "--json", write(folder, "i.json", incident(claims, **kw)), "--treaty", write(folder, "s.treaty", TREATY))
    return {f["clause"]: f for f in map(json.loads, r.expect(0).out.splitlines())}


def test_the_agreed_core_of_article_2_is_2_of_16_cases():
    sides = ["US", "DE", "CH", "CZ", "JP"]
    r = dewline("treaty", "compare", "--json", "--clause", "budapest.2", *sides).expect(0)
    x = json.loads(r.out)
    assert x["cases"] == 16 and x["forbids"] == {"US": 8, "DE": 8, "CH": 8, "CZ": 8, "JP": 4} and x["core"] == 2, r
    assert x["core_rules"] == [{"security_infringed": ["yes"], "networked_system": ["yes"], "intent_obtain_data": ["yes"]}]
    assert x["core_fewest"] and {"sides": ["US", "JP"], "both": 2, "either": 10} in x["pairs"], r
    text = dewline("treaty", "compare", "--clause", "budapest.2", *sides).expect(0).out
    assert "What all of them forbid: 2 of 16 cases, in 1 rule, and no fewer would do" in text, text
    assert dewline("treaty", "compare", "--json", "--clause", "budapest.2", "--at", "2005-01-01", "budapest").expect(0)
    r = dewline("treaty", "compare", "--clause", "budapest.2", "--at", "2005-01-01", "US").expect(2)
    assert "no party that is bound" in r.err, r


def test_one_act_has_four_honest_answers():
    with tap.folder() as d:
        us, jp = judge(d, CLAIMS), judge(d, CLAIMS, who="JP")
        assert us["s.2"]["result"] == "undetermined" and jp["s.2"]["result"] == "breach shown"
        assert [c["atom"] for c in us["s.2"]["would-change"]] == ["intent_obtain_data"]
        assert us["s.3"]["result"] == "undetermined" and us["s.4"]["result"] == "breach shown"
        assert {c["atom"]: (c["if-true"], c["if-false"]) for c in us["s.3"]["would-change"]} == {
            "attributed_to_state": ("undetermined", "false"), "prior_cyber_attack_by_victim": ("false", "undetermined")}
        assert us["s.2"]["standard"] == {"name": "beyond-reasonable-doubt", "least": 0.95}
        assert "intent_obtain_data 0.20-0.60 is neither shown nor excluded at 0.95" in [t["text"] for t in us["s.2"]["trace"]]
        # without what is sealed, the state is not even suspected
        assert us["s.3"]["interval"] == [0.31, 0.7] and us["s.3"]["public"]["interval"] == [0, 1]
        text = dewline("treaty", "judge", os.path.join(d, "i.json"), "--treaty", os.path.join(d, "s.treaty")).expect(0).out
        assert "would change it: attributed_to_state (if not: no breach)" in text, text


def test_each_listed_unknown_changes_the_verdict_and_no_other_does():
    with tap.folder() as d:
        listed = 0
        for clause, f in judge(d, CLAIMS).items():
            for atom in CLAIMS | {"destruction": 0, "data_altered": 0, "prior_cyber_attack_by_victim": 0}:
                if f["standard"]["least"] <= CLAIMS.get(atom, [0, 1])[0] or CLAIMS.get(atom, [0, 1])[1] <= 1 - f["standard"]["least"]:
                    continue
                values = [judge(d, CLAIMS | {atom: [p, p]})[clause]["value"] for p in (0, 1)]
                change = [c for c in f["would-change"] if c["atom"] == atom]
                assert bool(change) == (values != [f["value"]] * 2), (clause, atom, values)
                assert not change or [change[0]["if-false"], change[0]["if-true"]] == values
                listed += len(change)
        assert listed >= 3


def test_a_bulletin_is_judged_like_an_incident():
    with tap.folder() as d:
        b = {"incidents": [{"number": 1, "first": "2026-11-22T00:00:00.000000Z", "claimant": "US", "respondent": "JP", "claims": [
            {"atom": a, "probability": p, "leaves": [], "why": "so"} for a, p in CLAIMS.items()]}] * 2}
        r = dewline("treaty", "judge", "--json", write(d, "b.json", b)).expect(0)
        found = [json.loads(line) for line in r.out.splitlines()]
        assert [f["incident"] for f in found if f["clause"] == "budapest.2"] == ["1", "2"]
        assert [f["result"] for f in found if f["clause"] == "budapest.2"] == ["undetermined"] * 2
        assert [f["result"] for f in found if f["clause"] == "cwlt.4"] == ["not bound"] * 2


def watch(folder, *more):
    case = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")
    return dewline("watch", "-r", os.path.join(case, "capture.pcap"), "-S", os.path.join(case, "case.rules"), "--no-system-tables",
                   "-d", os.path.join(folder, "data" + str(len(os.listdir(folder)))), *more, cwd=folder)


def judged_by(folder):
    """The instruments of the newest bulletin, and whether its bundle verifies."""
    data = max((os.path.join(folder, f) for f in os.listdir(folder) if f.startswith("data")), key=os.path.getmtime)
    bundles = os.path.join(data, "bundles")
    dewline("verify", os.path.join(bundles, sorted(os.listdir(bundles))[0])).expect(0)
    with open(os.path.join(data, "bulletins", next(f for f in sorted(os.listdir(os.path.join(data, "bulletins"))) if f.endswith(".json"))),
              encoding="utf-8") as f:
        b = json.load(f)
    return list(dict.fromkeys(f["instrument"] for f in b["incidents"][0]["findings"]))


def test_bulletins_are_judged_by_what_the_configuration_names():
    with tap.folder() as d:
        watch(d).expect(0)
        assert judged_by(d) == ["budapest", "cwlt"]
        write(d, "ours.treaty", TREATY)
        head = "%YAML 1.1\n---\n"
        config = write(d, "c.yaml", head + "treaties: [gge-2015, tallinn, ./ours.treaty]\n")
        watch(d, "-c", config).expect(0)
        assert judged_by(d) == ["gge-2015", "tallinn", "s"]
        watch(d, "-c", config, "--treaty", "cwlt").expect(0) # the command line goes first
        assert judged_by(d) == ["cwlt"]
        all_of_them = [n[:-len(".treaty")] for n in SHIPPED]
        watch(d, "-c", write(d, "all.yaml", head + "treaties: [" + ", ".join(all_of_them) + "]\n")).expect(0)
        assert judged_by(d) == all_of_them
        for bad, why in (("treaties: cwlt", "all.yaml:3: treaties: expected a list"), ("treaties: [atlantis]", "or one that ships: budapest-protocol-2 "),
                         ("treaties: [cwlt, cwlt]", '"cwlt" is there twice'), ("treaties: [[cwlt]]", "expected a name or a file"),
                         ("treaties: [./none.treaty]", "none.treaty"), ("treaties: [./all.yaml]", 'all.yaml:1:1: expected "instrument" first')):
            r = watch(d, "-c", write(d, "all.yaml", head + bad + "\n")).expect(2)
            assert why in r.err, r


def test_bad_incidents_are_refused_with_the_place():
    cases = [("{", "i.json:1:1: no JSON"), ("[]", "incident 1: expected an object"), ("{}", "incident 1: expected the time"),
             ({"at": "yesterday"}, "expected the time of the act"), ({"at": "2026-11-22T00:00:00Z"}, "expected at most 1024 claims"),
             (incident({"a": [0.5, 0.4]}), 'the claim "a": expected [low, high]'), (incident({"a": [0, 1.5]}), "expected [low, high]"),
             (incident({"a": [0.1234, 0.5]}), "at most three decimals"), (incident({"a": [0]}), "expected [low, high]"),
             ({**incident({}), "claims": [{"atom": "a", "probability": [0, 1], "public": [0.5, 0.4]}]}, '"a": expected [low, high] in "public"'),
             ({**incident({}), "claims": [{"atom": "a", "probability": [0, 1], "public": [0, 1], "sealed": True}]}, 'expected "sealed" or "public", not both'),
             ({**incident({}), "claims": [{"atom": "a", "probability": [0, 1], "sealed": 1}]}, 'expected true or false in "sealed"'),
             (incident({"": [0, 1]}), "expected a name"), (incident({"a": [0, 1]}, bound=3), '"bound": expected'),
             ({**incident({}), "claims": [{"atom": "a", "probability": [0, 1]}] * 2}, 'a second claim of "a"'),
             ("[" * 100000, "no JSON")]
    with tap.folder() as d:
        for bad, why in cases:
            r = dewline("treaty", "judge", write(d, "i.json", bad)).expect(2)
            assert why in r.err and r.out == "", (bad, r)
        r = dewline("treaty", "judge", write(d, "i.json", incident({})), "--treaty", write(d, "t", "instrument x\n")).expect(1)
        assert "t:1:13: expected its title" in r.err, r


def test_what_ships_compiles_and_says_what_nobody_can_see():
    for name in SHIPPED:
        r = dewline("treaty", "check", os.path.join(tap.SOURCE, "treaties", name)).expect(0)
        assert f"{name}: compiles: " in r.out, r
        page = dewline("treaty", "explain", os.path.join(tap.SOURCE, "treaties", name)).expect(0).out
        assert page.index("What nobody can verify") < page.index("Articles, in our own words"), page
        assert max(map(len, page.splitlines())) <= 100
        x = json.loads(dewline("treaty", "check", "--json", os.path.join(tap.SOURCE, "treaties", name)).expect(0).out)
        assert x["compiles"] and x["problems"] == [] and all(0 <= v <= 1 for v in x["vagueness"].values()), x


def test_whole_instruments_are_compared_with_their_words():
    assert dewline("list", "treaties").expect(0).out.split() == SHIPPED # all of them are in the program
    x = json.loads(dewline("treaty", "compare", "--json", "russia-2011", "gge-2015").expect(0).out)
    assert x["core"] + x["all_allow"] + x["clash"] + x["undetermined"] == x["cases"]
    assert x["core_undescribed"] == 0 and x["core_rules"] and x["clash_rules"]
    for side, n in x["forbids"].items():
        assert n + x["allows"][side] + x["open"][side] == x["cases"], side
    words = {w["term"]: w["means"] for w in x["words"]}
    assert set(words["origin_in_territory"]) == {"russia-2011", "gge-2015"}, words
    # a draft that nobody adopted speaks for itself, and binds no party
    x = json.loads(dewline("treaty", "compare", "--json", "RU", "US").expect(0).out)
    assert x["forbids"]["US"] > 0 and x["core"] == 0, x
    text = dewline("treaty", "compare", "russia-2011", "gge-2015").expect(0).out
    assert "One word, two meanings:" in text and "What all of them forbid" in text, text
    r = dewline("treaty", "compare", "atlantis").expect(2)
    assert '"atlantis" is no instrument' in r.err, r


def test_questions_that_treaties_answer_differently_are_listed():
    """Twelve of them, and each is one between some of those that ship."""
    x = json.loads(dewline("treaty", "compare", "--json", "budapest", "budapest-rest", "cwlt", "gge-2015", "russia-2011", "sco", "tallinn",
                           "un-2024").expect(0).out)
    says = {c["concept"]: c["says"] for c in x["concepts"]}
    assert list(says) == ["protects", "weapon", "attack", "espionage", "civilian", "actor", "territory", "proof", "refusal", "abroad", "serious",
                          "without-right"]
    assert all(len(set(s.values())) > 1 for s in says.values())
    assert "allowed" in says["espionage"]["cwlt"] and "crime" in says["espionage"]["budapest"]
    assert "reliably identified" in says["proof"]["russia-2011"] and "cwlt" not in says["proof"] # silent
    text = dewline("treaty", "compare", "cwlt", "russia-2011").expect(0).out
    assert "  what a weapon is\n    cwlt: " in text and "    so: " in text, text
    # one treaty binds both of two parties: no other answer is there
    x = json.loads(dewline("treaty", "compare", "--json", "--at", "2020-01-01", "US", "DE").expect(0).out)
    assert len({k for c in x["concepts"] for k in c["says"]}) != 1, x["concepts"]
    page = dewline("treaty", "explain", os.path.join(tap.SOURCE, "treaties", "cwlt.treaty")).expect(0).out
    assert "What it says where treaties differ" in page and "whether to spy is forbidden: allowed" in page, page


def test_every_line_has_a_pair_of_cases():
    r = dewline("treaty", "pairs", "--json", "--clause", "budapest.2", "US", "JP").expect(0)
    pairs = [json.loads(line) for line in r.out.splitlines()]
    assert {p["differs"] for p in pairs} == {"access", "authorised", "intentional", "security_infringed", "networked_system",
                                             "intent_obtain_data"}, r
    for p in pairs:
        assert [k for k in p["breach"] if p["breach"][k] != p["no-breach"][k]] == [p["differs"]], p
    assert "no treaty file has a clause" in dewline("treaty", "pairs", "--clause", "budapest.99").expect(2).err


def test_signed_pairs_hold_a_text_to_what_was_signed():
    with tap.folder() as d:
        budapest, cwlt = (os.path.join(tap.SOURCE, "treaties", n + ".treaty") for n in ("budapest", "cwlt"))
        r = dewline("treaty", "pairs", "--json", "US", "JP", "--treaty", budapest, "--treaty", cwlt).expect(0)
        signed = write(d, "signed.jsonl", r.out)
        r = dewline("treaty", "pairs", "--expect", signed, "US", "JP").expect(0)
        assert "all cases are as they were signed" in r.out, r
        # between others the law is another one: without the requirement of the United States the line has moved
        r = dewline("treaty", "pairs", "--expect", signed, "DE", "JP").expect(1)
        assert "budapest.2: signed as no breach, and now it is a breach" in r.out, r
        with open(budapest, encoding="utf-8") as f:
            text = f.read()
        changed = write(d, "b.treaty", text.replace("when access and not authorised and intentional", "when access and not authorised"))
        r = dewline("treaty", "pairs", "--expect", signed, "US", "JP", "--treaty", changed, "--treaty", cwlt).expect(1)
        assert r.out.count("\n") == 1 and "signed.jsonl:3: budapest.2: signed as no breach, and now it is a breach" in r.out, r
        for bad, why in [("{", "no JSON"), ("{}", "expected a clause"), ('{"clause": "budapest.2"}', 'expected facts in "breach"'),
                         ('{"clause": "budapest.2", "breach": {"mood": true}}', "expected each fact to be a term"),
                         ('{"clause": "budapest.2", "breach": {"access": 1}}', "expected each fact to be a term")]:
            r = dewline("treaty", "pairs", "--expect", write(d, "bad", "\n" + bad + "\n")).expect(2)
            assert f"bad:2: {why}" in r.err and r.out == "", r


def test_a_hostile_file_of_100_megabytes_is_refused_at_once():
    with tap.folder() as d:
        path = os.path.join(d, "big.treaty")
        with open(path, "wb") as f:
            f.truncate(100 << 20)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        r = subprocess.run([tap.DEWLINE, "treaty", "check", path], capture_output=True, timeout=60, check=False,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20)))
        assert r.returncode == 1 and b"at most 1048576 bytes" in r.stdout, r
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 10


def test_no_way_leads_from_a_clause_to_a_sensor():
    """What a clause is judged and compared with is linked without anything of src/sensor."""
    if shutil.which("nm") is None:
        tap.skip("no nm")
    sensor = set()
    for folder, _, files in os.walk(os.path.join(tap.BUILD)):
        for f in files:
            if f.startswith("libsensor_") and f.endswith(".a") and "metered" not in f:
                sensor |= symbols(os.path.join(folder, f), "TDBRC")
    if not sensor:
        tap.skip("the modules are not built as libraries here")
    for module in ("assess_treaty", "assess_accord", "assess_claim"):
        wanted = symbols(os.path.join(tap.BUILD, f"lib{module}.a"), "U")
        assert wanted and not wanted & sensor, (module, wanted & sensor)
    # and a program that judges is complete without it
    has = symbols(os.path.join(tap.BUILD, "assess_accord_compare_test"), "TtDdBbRr")
    assert "treaty_clause_eval" in has and not has & sensor, has & sensor


def symbols(path, kinds):
    out = subprocess.run(["nm", path], capture_output=True, encoding="utf-8", check=True).stdout
    found = (line.split() for line in out.splitlines())
    return {w[-1] for w in found if len(w) >= 2 and w[-2] in kinds}


def test_certainty_that_nobody_has_is_never_printed():
    with open(tap.DEWLINE, "rb") as f:
        program = f.read().lower()
    for words in (b"high confidence verif", b"high-confidence verif", b"verified with high confidence"):
        assert words not in program, words
    for name in SHIPPED:
        page = dewline("treaty", "explain", os.path.join(tap.SOURCE, "treaties", name)).expect(0).out
        assert "high confidence" not in page.lower(), name


def test_what_is_listed_changes_random_verdicts_and_nothing_else_does():
    print("#", treaty_asp.changes(2), "changes seen")


def test_clingo_agrees_on_random_cases():
    treaty_asp.agree(600)


tap.main(globals())
