"""Ledgers of duties as their readers meet them: run, shown, reported; and counted again by other means."""
import json
import math
import os
import random
import shlex
from datetime import datetime, timedelta, timezone

import tap
from tap import dewline

START = datetime(2026, 1, 5, tzinfo=timezone.utc)  # a Monday
LINE = ["--treaty", os.path.join(tap.SOURCE, "treaties", "line.treaty"),
        "--treaty", os.path.join(tap.SOURCE, "treaties", "territory.treaty")]


def at(hours):
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(hours, word, **keys):
    return {"at": at(hours), "entry": word, **{k.rstrip("_"): v for k, v in keys.items()}}


def join(instrument, *parties):
    return [entry(-24, "join", party=p, instrument=instrument) for p in parties]


def write(folder, entries, name="ledger.jsonl"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.writelines((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in entries)
    return path


def lines(*args):
    return [json.loads(x) for x in dewline("duties", *args).expect(0).out.splitlines()]


def cases(entries, *more, treaties=LINE):
    with tap.folder() as d:
        return {(c["request"], c["clause"], c["bearer"]): c for c in lines("run", "--json", *treaties, *more, write(d, entries))}


STOP = entry(0, "request", id="R1", kind="stop", from_="A", to="B", as_=["origin"], suspicion=[0.5, 0.8],
             claims=[{"atom": "origin_in_territory", "probability": [0.6, 0.9]}, {"atom": "disruption", "probability": [0.98, 1]}])


def test_one_refusal_is_a_ground_under_one_clause_and_none_under_another():
    """Estonia, 2007: a word that no clause lists is no ground, whoever was behind the keyboard."""
    with tap.folder() as d:
        own = os.path.join(d, "own.treaty")
        with open(own, "w", encoding="utf-8") as f:
            f.write('instrument own "O"\nsource "s" mark V\nin-force between-parties\nduty own.1 "D"\nbearer requested-party\n'
                    "on request kind stop from party\nmust act within 24h\nmay refuse ground own-law\n")
        all_of = [*join("line", "A", "B"), *join("own", "A", "B"), STOP, entry(2, "refuse", party="B", request="R1", ground="own-law", reasons="statute 9")]
        got = cases(all_of, "--at", "end", treaties=[*LINE, "--treaty", own])
    assert got["R1", "own.1", "B"]["outcome"] == "refused" and got["R1", "own.1", "B"]["will"] == "excused"
    assert got["R1", "line.stop", "B"]["outcome"] == "refused on no ground" and got["R1", "line.stop", "B"]["will"] == "unwilling"
    assert got["R1", "line.stop", "B"]["said"] == "own-law"


def test_silence_is_found_at_the_deadline_by_whoever_looks():
    for hours, outcome in ((23, "open"), (25, "silent")):
        c = cases([*join("line", "A", "B"), STOP], "--at", at(hours))["R1", "line.stop", "B"]
        assert c["outcome"] == outcome, c
        follows = {x["lest"]: x["effect"] for x in c["consequences"]}
        assert follows == {"record": "follows", "presume": "follows", "throttle": "follows"}, c  # since the first hour
        assert c["consequences"][0]["at"].startswith(at(1)[:19])


def test_the_order_of_lines_and_a_line_twice_change_nothing():
    whole = [*join("line", "A", "B", "C"), STOP, entry(0.2, "done", party="B", request="R1", step="acknowledge"),
             entry(0.2, "unable", party="B", request="R1", lacks="people"), entry(0.2, "offer", party="C", request="R1", help="two people"),
             entry(3, "accept", party="B", request="R1"), entry(30, "done", party="B", request="R1", step="act")]
    with tap.folder() as d:
        want = dewline("duties", "run", "--json", *LINE, write(d, whole)).expect(0).out
        for seed in range(5):
            mixed = whole + random.Random(seed).sample(whole, 3)
            random.Random(seed).shuffle(mixed)
            assert dewline("duties", "run", "--json", *LINE, write(d, mixed)).expect(0).out == want, seed


def test_an_order_to_throttle_keeps_to_the_clause_and_ends_by_itself():
    order = dict(request="R1", party="A", target="198.51.100.0/24", bits_per_s=1000000, observed_bits_per_s=10000000, seconds=7200,
                 exempt=["health", "emergency", "humanitarian"], basis="flood")
    base = [*join("line", "A", "B", "C", "D"), STOP]
    rows = [
        ({}, "proposed", ""), ({"bits_per_s": 999999}, "barred", "share"), ({"seconds": 86401}, "barred", "longer"),
        ({"exempt": ["health", "emergency"]}, "barred", "spare"), ({"party": "E"}, "barred", "no clause"),
        ({"party": "B", "exempt": ["health"], "bits_per_s": 1}, "holds", ""),
    ]
    with tap.folder() as d:
        for change, state, why in rows:
            got, = lines("orders", "--json", *LINE, write(d, [*base, entry(26, "order", id="O1", **{**order, **change})]))
            assert got["state"] == state and why in got.get("why", ""), (change, got)
        voted = [*base, entry(26, "order", id="O1", **order), entry(27, "vote", party="B", order="O1", for_=True),
                 entry(28, "vote", party="C", order="O1", for_=True)]
        path = write(d, voted)
        got, = lines("orders", "--json", *LINE, path)
        assert got["state"] == "holds" and got["for"] == 2 and got["electors"] == 3 and got["seconds"] == 7200, got  # B has no vote
        said = dewline("duties", "orders", *LINE, "--at", at(29), path).expect(0).out
        assert "dewline throttle add 198.51.100.0/24 --rate 1000000bit --for 3600s --basis" in said, said
        words = shlex.split(said.splitlines()[1])[1:]  # the other command takes it as it stands, and only lacks a sensor
        r = dewline(*words, "--socket", os.path.join(d, "none")).expect(2)
        assert "no sensor answers at" in r.err, r
        assert lines("orders", "--json", *LINE, "--at", at(30.1), path)[0]["state"] == "expired"
        done = write(d, [*voted, entry(28.5, "done", party="B", request="R1", step=["acknowledge", "act"])])
        assert lines("orders", "--json", *LINE, "--at", at(29), done)[0]["state"] == "lifted"


def test_four_readings_stand_side_by_side():
    def readings(claims, *more):
        with tap.folder() as d:
            whole = [*join("line", "A", "B"), {**STOP, "claims": [{"atom": a, "probability": p} for a, p in claims.items()]}, *more]
            shown = json.loads(dewline("duties", "show", "--json", *LINE, "--at", "end", write(d, whole), "R1").expect(0).out)
            return {k.split(".")[1]: v for k, v in shown["cases"][0]["readings"].items()}

    harm = {"disruption": [0.98, 1]}
    transit = readings({**harm, "origin_in_territory": [0, 0.1], "transit_in_territory": [0.9, 1]})
    assert transit["transit-absolute"] == "breach shown" and transit["origin-absolute"] == "no breach" == transit["origin-burden"], transit
    acted = entry(1, "done", party="B", request="R1", step=["acknowledge", "act"])
    origin = {**harm, "origin_in_territory": [0.9, 1]}
    assert readings(origin, acted)["origin-burden"] == "no breach" and readings(origin, acted)["origin-absolute"] == "breach shown"
    assert readings(origin)["origin-burden"] == "breach shown"  # it was silent
    contested = readings(origin, acted, entry(2, "contest", party="A", request="R1", step="act"))
    assert contested["origin-burden"] == "breach shown", contested  # unknown does not help who has to show it


def test_what_the_ledger_says_can_be_judged():
    with tap.folder() as d:
        out = dewline("duties", "claims", *LINE, write(d, [*join("line", "A", "B"), STOP]), "R1").expect(0).out
        incident = write(d, [out], "incident.json")
        found = [json.loads(x) for x in dewline("treaty", "judge", "--json", incident, *LINE[:2]).expect(0).out.splitlines()]
        by = {f["clause"]: f["result"] for f in found}
        assert by["line.territory"] == "breach shown" and by["line.stop"] == "not judged", by  # the burden is B's


def test_estonia_2007_ends_in_a_finding_about_cooperation_and_none_about_who_it_was():
    """Asked on 10 May, refused on 28 June with a word that no clause lists. Whose act it was is not asked anywhere."""
    def on(day, word, **keys):
        return {**entry(0, word, **keys), "at": day + "T00:00:00Z"}

    with tap.folder() as d:
        path = write(d, [on("2007-01-01", "join", party="EE", instrument="cwlt"), on("2007-01-01", "join", party="RU", instrument="cwlt"),
                         {**STOP, "at": "2007-05-10T00:00:00Z", "id": "EE-1", "from": "EE", "to": "RU", "incident": "estonia-2007"},
                         on("2007-06-28", "refuse", party="RU", request="EE-1", ground="the treaty does not cover search acts")])
        case, = [c for c in lines("run", "--json", path) if c["instrument"] == "cwlt"]
        assert case["outcome"] == "refused on no ground" and case["will"] == "unwilling" and case["ended"].startswith("2007-06-28"), case
        assert case["consequences"][0]["what"] == "no-answer" and case["consequences"][0]["effect"] == "follows", case
        out = dewline("duties", "claims", path, "EE-1").expect(0).out
        assert "attributed_to_state" not in out
        judged = dewline("treaty", "judge", "--json", write(d, [out], "i.json")).expect(0).out.splitlines()
        found = {f["clause"]: f for f in map(json.loads, judged)}
        assert found["cwlt.3"]["result"] == "breach shown" and found["cwlt.4"]["result"] == "undetermined", found["cwlt.3"]


def test_an_assurance_binds_its_author_alone():
    with tap.folder() as d:
        own = write(d, ['instrument word-of-b "B answers"', 'source "B, a declaration" mark V', "in-force assured-by B 2026-01-01",
                        'duty word-of-b.1 "B explains itself"', "bearer each-party", "on request kind clarify from anybody", "must explain within 48h",
                        "lest record silence"], "own.treaty")
        asks = [entry(0, "request", id="R1", kind="clarify", from_="A", to="B"), entry(0, "request", id="R2", kind="clarify", from_="B", to="A")]
        got = cases(asks, "--at", "end", treaties=["--treaty", own])
        assert {k: c["outcome"] for k, c in got.items()} == {("R1", "word-of-b.1", "B"): "silent"}, got
        page = dewline("treaty", "explain", own).expect(0).out
        assert "Binds B alone, who gave it, since 2026-01-01." in page, page
        unverifiable, who = page.split("Who could show a breach")
        assert "word-of-b.1" not in unverifiable and "word-of-b.1: whoever has the requests and answers" in who, page


def test_inspections_go_ahead_in_two_manners():
    ask = entry(0, "request", id="I", kind="inspect", from_="A", to="B", as_=["origin"], suspicion=[0.4, 0.9])
    others = ["C", "D", "E", "F"]
    silent = cases([*join("line", "A", "B", *others), ask], "--at", at(13))
    assert silent["I", "line.inspect", "B"]["vote"]["result"] == "goes ahead"  # nobody stopped it
    assert silent["I", "line.inspect-by-council", "B"]["vote"]["result"] == "open"
    against = [entry(1, "vote", party=p, request="I", for_=False) for p in others]
    assert cases([*join("line", "A", "B", *others), ask, *against[:2]], "--at", at(13))["I", "line.inspect", "B"]["outcome"] == "open"
    stopped = cases([*join("line", "A", "B", *others), ask, *against[:3]], "--at", at(13))["I", "line.inspect", "B"]
    assert stopped["outcome"] == "voted out" and stopped["vote"] == {**stopped["vote"], "electors": 4, "against": 3}, stopped


# Another count of the same ledger, from the entries alone: one duty with one number, and its grounds.
def recount(entries, grounds, limit_h):
    asked = {e["id"]: e for e in entries if e["entry"] == "request"}
    when = {i: datetime.fromisoformat(e["at"].replace("Z", "+00:00")) for i, e in asked.items()}
    cards = {}
    for i, e in asked.items():
        mine = sorted((x for x in entries if x.get("request") == i and x["party"] == e["to"]), key=lambda x: x["at"])
        took = [(datetime.fromisoformat(x["at"].replace("Z", "+00:00")) - when[i]).total_seconds() for x in mine]
        card = cards.setdefault(e["to"], {"cases": 0, "outcomes": {}, "signs": [], "delivered": [], "open": 0})
        card["cases"] += 1
        outcome = "silent"
        for x, s in zip(mine, took):
            if x["entry"] == "done":
                outcome = "met" if s <= limit_h * 3600 else "late"
                card["delivered"].append(s)
            elif s <= limit_h * 3600:
                outcome = "refused" if x["ground"] in grounds else "refused on no ground"
                card["open"] += x["ground"] in ("sovereignty", "security", "ordre-public", "essential-interest") and outcome == "refused"
        card["outcomes"][outcome] = card["outcomes"].get(outcome, 0) + 1
        card["signs"] += took[:1]
    return cards


def test_the_report_of_a_drill_of_eight_parties_is_what_a_recount_gives():
    rng = random.Random(int(os.environ.get("TEST_SEED", "8")))
    parties = "ABCDEFGH"
    grounds = ["security", "own-law", "essential-interest"]
    entries = join("drill", *parties)
    for n in range(300):
        frm, to = rng.sample(parties, 2)
        t = rng.uniform(0, 5000)
        entries.append(entry(t, "request", id=f"R{n}", kind="assist", from_=frm, to=to))
        how = rng.random()
        # H refuses on whatever is widest
        if to == "H" and how < 0.8:
            entries.append(entry(t + rng.uniform(1, 20), "refuse", party=to, request=f"R{n}", ground="essential-interest"))
        elif how < 0.5:
            entries.append(entry(t + rng.uniform(0.1, 60), "done", party=to, request=f"R{n}", step="answer"))
        elif how < 0.8:
            entries.append(entry(t + rng.uniform(0.1, 40), "refuse", party=to, request=f"R{n}", ground=rng.choice(grounds + ["no will", "political-offence"])))
    rng.shuffle(entries)
    with tap.folder() as d:
        treaty = write(d, ['instrument drill "D"', 'source "s" mark V', "in-force between-parties", 'duty drill.1 "D"', "bearer requested-party",
                           "on request kind assist from party", "must answer within 48h", "may refuse ground security, own-law, essential-interest"], "d.treaty")
        got = {c["party"]: c for c in lines("report", "--json", "--treaty", treaty, "--at", "end", write(d, entries)) if "party" in c}
    want = recount(entries, grounds, 48)
    assert set(got) == set(want)
    for p, w in want.items():
        g = got[p]
        assert g["cases"] == w["cases"] and g["outcomes"] == w["outcomes"], (p, g, w)
        assert g["loophole-index"] == math.floor(w["open"] * 1000 / w["cases"]) / 1000, (p, g, w)
        for key, values in (("first-sign-s", w["signs"]), ("delivered-s", w["delivered"])):
            v = sorted(int(x) for x in values)
            ranks = v and {"count": len(v), "median": v[math.ceil(len(v) * 0.5) - 1], "p90": v[math.ceil(len(v) * 9 / 10) - 1], "most": v[-1]}
            assert g.get(key, []) == ranks, (p, key, g, ranks)
    assert got["H"]["loophole-index"] == max(c["loophole-index"] for c in got.values()) > 0.4
    assert got["H"]["ways-out"][0]["name"] == "essential-interest" and got["H"]["ways-out"][0]["open"]


def test_a_pursuit_is_timed_hop_by_hop_and_ends_outside_the_treaty():
    whole = join("line", "A", "B", "C", "D", "E")
    way = ["A", "B", "C", "D", "E", "Z"]
    for n in range(5):
        whole.append(entry(n, "request", id=f"P{n}", kind="next-hop", from_=way[0], to=way[n + 1], as_=["transit"], suspicion=[0.5, 1],
                           **({"after": f"P{n - 1}"} if n else {})))
        if way[n + 1] != "Z":
            whole.append(entry(n + 0.5, "done", party=way[n + 1], request=f"P{n}", step=["acknowledge", "disclose"], next=way[n + 2] if n < 4 else "Z"))
    with tap.folder() as d:
        path = write(d, whole)
        hops = [x for x in lines("report", "--json", *LINE, path) if "pursuit" in x]
        assert [(h["request"], h["hop"], h["after-s"], h["answer-s"]) for h in hops] == [
            ("P1", 1, 3600, 1800), ("P2", 2, 3600, 1800), ("P3", 3, 3600, 1800), ("P4", 4, 3600, None)], hops
        assert "outside every treaty that binds both sides" in dewline("duties", "run", *LINE, path).expect(0).out
        shown = json.loads(dewline("duties", "show", "--json", *LINE, path, "P4").expect(0).out)
        assert shown["outside"] and {c["why"] for c in shown["cases"]} == {"who was asked was not bound"}, shown


def test_what_a_party_says_of_itself_is_held_against_the_ledger():
    whole = [*join("line", "A", "B"), entry(0, "assert", party="B", answered=[0.9, 1]), STOP]
    with tap.folder() as d:
        x, = [x for x in lines("report", "--json", *LINE, "--at", "end", write(d, whole)) if "asserts" in x]
        assert x["contradicted"] and x["ended"] == 1 and x["done"] == 0, x


def test_what_is_wrong_with_a_ledger_is_said_all_at_once():
    bad = ['{"at":"2026-01-01T00:00:00Z","entry":"join","party":"A"}', "[]", '{"at":"x","entry":"join"}', "{",
           '{"at":"2026-01-01T00:00:00Z","entry":"done","party":"A","request":"R","step":"act","colour":"red"}',
           '{"at":"2026-01-01T00:00:00Z","entry":"vote","party":"A","for":true}', "# a comment", ""]
    with tap.folder() as d:
        r = dewline("duties", "check", write(d, bad)).expect(1)
        for n, what in ((1, 'expected the key "instrument"'), (2, "expected one JSON object"), (3, "expected the time"), (4, "no JSON"),
                        (5, 'knows no key "colour"'), (6, 'either "request" or "order"')):
            assert any(line.split("ledger.jsonl")[1].startswith(f":{n}:") and what in line for line in r.err.splitlines()), (n, what, r)
        assert r.out == "" and dewline("duties", "run", write(d, bad)).expect(1).out == ""
        dewline("duties", "run", os.path.join(d, "none")).expect(2)
        dewline("duties", "show", write(d, join("line", "A")), "R").expect(1)
        dewline("duties", "run", "--at", "soon", write(d, join("line", "A"))).expect(2)


def test_every_duty_that_ships_starts_and_ends():
    """Each kind of request, of everybody who is bound by all, in every quality: nothing is left open when all clocks are over."""
    ids = [f[:-7] for f in sorted(os.listdir(os.path.join(tap.SOURCE, "treaties"))) if f.endswith(".treaty")]
    whole = [e for i in ids for e in join(i, "A", "B")]
    for kind in ("preserve", "traffic-data", "next-hop", "stop", "assist", "clarify", "inspect"):
        whole.append(entry(1, "request", id="Q-" + kind, kind=kind, from_="A", to="B", as_=["origin", "transit", "contact", "provider"], suspicion=[1, 1]))
    got = cases(whole, "--at", "end", treaties=[])
    assert "open" not in {c["outcome"] for c in got.values()}
    text = "".join(open(os.path.join(tap.SOURCE, "treaties", i + ".treaty"), encoding="utf-8").read() for i in ids)
    duties = {line.split()[1] for line in text.splitlines() if line.startswith("duty ")}
    assert {c for _, c, _ in got} == duties
    for (_, clause, _), c in got.items():
        steps = {s["number"] for s in c["steps"]}
        assert c["outcome"] in ("silent", "voted out", "not owed"), (clause, c)
        if steps == {False}:
            assert c["no-number"] or c["outcome"] == "not owed", (clause, c)


tap.main(globals())
