"""A second opinion on verdicts: random clauses and facts, judged by dewline and, as answer set programs, by clingo.

The translation is written from docs/formats/treaty.md, not from the judge: an unknown is an atom that is neither shown
nor excluded, so that nothing follows from its absence, and `not` of the solver stands only where the text says that
what is not shown does not help (default negation would find guilt in ignorance).
"""
import json
import os
import random
import shutil
import subprocess

import tap
from tap import dewline

TERMS, CLAUSES, PARTIES = 9, 200, ["A", "B", "C"]
AT = "2024-06-15"
DATES = ["2019-01-01", "2024-06-14", "2024-06-15", "2024-06-16", "2030-01-01"]
STANDARDS = {"low": 510, "middle": 750, "high": 950}
CONSEQUENCES = ["no_breach", "excused", "shared"]


class Clause:
    def __init__(self, r, number):
        self.name, self.standard = f"x.{number}", r.choice(sorted(STANDARDS))
        self.when = expression(r, 4)
        self.exceptions, self.amendments = [], []
        places = r.sample(range(1, 256), 3)
        several = r.random() < 0.4
        for place in places[:r.choice([0, 0, 1, 2, 3])]:
            kind = r.choice(["unless", "unless", "unless respondent-shows", "permits"])
            consequence = r.choice(CONSEQUENCES) if several and kind != "permits" else CONSEQUENCES[0]
            at = r.choice(sorted(STANDARDS)) if r.random() < 0.4 else None # a standard of its own
            self.exceptions.append((kind, expression(r, 2), consequence, place if several and kind != "permits" else 0, at))
        for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
            since = r.choice(DATES[:-1])
            until = r.choice([d for d in DATES if d > since]) if r.random() < 0.3 else None
            kind = r.choice(["require", "require", "where", "reserve"]) if r.random() < 0.5 else "require"
            self.amendments.append((r.choice(PARTIES), kind, expression(r, 1), since, until))


def expression(r, depth):
    kind = r.choice(["term", "not", "and", "or"]) if depth else "term"
    if kind == "term":
        return r.randrange(TERMS)
    if kind == "not":
        return ("not", expression(r, depth - 1))
    return (kind, *[expression(r, depth - 1) for _ in range(r.choice([2, 2, 3]))])


def text(e):
    if isinstance(e, int):
        return f"t{e}"
    if e[0] == "not":
        return "not " + text(e[1])
    return "(" + f" {e[0]} ".join(map(text, e[1:])) + ")"


def treaty(clauses, objections=()):
    out = ['instrument x "Random"', 'source "none" mark V', "in-force 2020-01-01"]
    out += [f"standard {n} 0.{v}" for n, v in STANDARDS.items()]
    out += [f'consequence {c} "what follows"' for c in CONSEQUENCES[1:]]
    out += [f'term t{i} "a term"' for i in range(TERMS)]
    for c in clauses:
        out += [f'clause {c.name} "a clause"', f"proof {c.standard}", f"when {text(c.when)}"]
        for kind, e, consequence, place, at in c.exceptions:
            own = f" at {at}" if at else ""
            then = f" then {consequence}" if consequence != CONSEQUENCES[0] else ""
            out.append(f"{kind} {text(e)}{own}{then}{f' rank {place}' if place else ''} ; a reason")
    for p in PARTIES:
        out.append(f"party {p}")
        for c in clauses:
            for who, kind, e, since, until in c.amendments:
                if who == p:
                    tail = f"; s, deposited {since}" + (f", until {until}" if until else "")
                    out.append({"require": f"amend {c.name} require {text(e)} {tail}",
                                "where": f"reserve {c.name} where {text(e)} {tail}",
                                "reserve": f"reserve {c.name} {tail}"}[kind])
        out += [f"object {name} of {to}{' excluding' if excluding else ''} ; s, deposited {day}" for who, to, name, excluding, day in objections
                if who == p]
    return "\n".join(out) + "\n"


def objections_of(r, clauses):
    """To what others made of clauses; a party objects to what stands above its block."""
    made = [(who, c.name, since) for c in clauses for who, _, _, since, _ in c.amendments if who != PARTIES[-1]]
    out = []
    for to, name, since in r.sample(made, min(2, len(made))) if r.random() < 0.5 else []:
        day = r.choice([d for d in DATES if d >= since])
        out.append((PARTIES[-1], to, name, r.random() < 0.5, day))
    return out


RULES = """
shown(S,T) :- lo(T,L), standard(S,M), L >= M.
excluded(S,T) :- hi(T,H), standard(S,M), H <= 1000-M.
t(N) :- atom(N,S,T), shown(S,T).       f(N) :- atom(N,S,T), excluded(S,T).
t(N) :- not_of(N,K), f(K).             f(N) :- not_of(N,K), t(K).
f(N) :- and_of(N,K), f(K).             open_and(N) :- and_of(N,K), not t(K).   t(N) :- is_and(N), not open_and(N).
t(N) :- or_of(N,K), t(K).              open_or(N) :- or_of(N,K), not f(K).     f(N) :- is_or(N), not open_or(N).
ended(M) :- until(M,D), at(A), A >= D.
applies(M) :- since(M,D), at(A), A >= D, not ended(M), of_party(M,P), side(P).
reserved(C) :- reserves(C,M), applies(M).
timely(O) :- objects(O,P,Q,C,D), first(Q,C,X), D <= X + 10000.
opposed :- objects(O,P,Q,C,D), excluding(O), timely(O), at(A), A >= D, side(P), side(Q).
reserved(C) :- clause(C), opposed.
condition(C,N) :- when(C,N).           condition(C,N) :- requires(C,M,N), applies(M).
unmet(C) :- condition(C,N), f(N).      unmet(C) :- where(C,M,N), applies(M), t(N).
unsure(C) :- condition(C,N), not t(N). unsure(C) :- where(C,M,N), applies(M), not f(N).
helps(C,N) :- exception(C,N,_,_,_), t(N).
could_help(C,N) :- exception(C,N,claimant,_,_), not f(N).
could_help(C,N) :- exception(C,N,respondent,_,_), t(N).
unsure(C) :- could_help(C,N).
breach(C) :- clause(C), not unsure(C), not reserved(C).
none(C) :- unmet(C), not reserved(C).  none(C) :- helps(C,N), not reserved(C).
above(C,N) :- exception(C,N,_,_,R), exception(C,K,_,_,Q), Q < R, t(K).
may(C,X) :- several(C), none(C), not unmet(C), could_help(C,N), exception(C,N,_,X,_), not above(C,N).
#show breach/1. #show none/1. #show reserved/1. #show may/2.
"""


class Program:
    """Facts of clauses and claims."""

    def __init__(self):
        self.lines, self.nodes = [RULES], 0

    def add(self, fact):
        self.lines.append(fact + ".")

    def node(self, e, standard):
        self.nodes += 1
        n = self.nodes
        if isinstance(e, int):
            self.add(f"atom({n},{standard},{e})")
        elif e[0] == "not":
            self.add(f"not_of({n},{self.node(e[1], standard)})")
        else:
            self.add(f"is_{e[0]}({n})")
            for part in e[1:]:
                self.add(f"{e[0]}_of({n},{self.node(part, standard)})")
        return n

    def clause(self, c, number):
        self.add(f"clause({number})")
        self.add(f"when({number},{self.node(c.when, c.standard)})")
        if any(x != CONSEQUENCES[0] for _, _, x, *_ in c.exceptions):
            self.add(f"several({number})")
        for kind, e, consequence, place, at in c.exceptions:
            burden = "respondent" if "shows" in kind else "claimant"
            rank = 0 if kind == "permits" else place or 1000
            self.add(f"exception({number},{self.node(e, at or c.standard)},{burden},{consequence},{rank})")
        for k, (who, kind, e, since, until) in enumerate(c.amendments):
            m = number * 10 + k
            self.add(f"of_party({m},{who.lower()})")
            self.add(f"since({m},{since.replace('-', '')})")
            if until:
                self.add(f"until({m},{until.replace('-', '')})")
            if kind == "reserve":
                self.add(f"reserves({number},{m})")
            else:
                self.add(f"{'requires' if kind == 'require' else 'where'}({number},{m},{self.node(e, c.standard)})")


def solve(lines):
    p = subprocess.run(["clingo", "--outf=2", "-"], input="\n".join(lines), capture_output=True, encoding="utf-8", timeout=300)
    models = json.loads(p.stdout)["Call"][0]["Witnesses"]
    assert len(models) == 1, "the program has one answer"
    return set(models[0]["Value"])


def round_of(r, folder):
    """One treaty of CLAUSES clauses, one incident; how many cases came out each way."""
    clauses = [Clause(r, i) for i in range(CLAUSES)]
    claims = {}
    for i in range(TERMS):
        if r.random() < 0.85:
            a, b = sorted(r.choice([0, 40, 49, 50, 51, 250, 251, 490, 500, 510, 749, 750, 949, 950, 1000]) for _ in range(2))
            claims[i] = (a, b) if r.random() < 0.4 else r.choice([(0, 30), (960, 1000)])
    sides = [r.choice(PARTIES), r.choice(PARTIES)]
    path = os.path.join(folder, "x.treaty")
    objections = objections_of(r, clauses)
    with open(path, "w", encoding="utf-8") as f:
        f.write(treaty(clauses, objections))
    ours = judge_claims(folder, path, claims, sides)
    p = Program()
    for n, v in STANDARDS.items():
        p.add(f"standard({n},{v})")
    for i, (a, b) in claims.items():
        p.add(f"lo({i},{a})")
        p.add(f"hi({i},{b})")
    p.add(f"at({AT.replace('-', '')})")
    for s in set(sides):
        p.add(f"side({s.lower()})")
    for i, c in enumerate(clauses):
        p.clause(c, i)
    for n, (who, to, name, excluding, day) in enumerate(objections):
        number = [c.name for c in clauses].index(name)
        p.add(f"objects({n},{who.lower()},{to.lower()},{number},{day.replace('-', '')})")
        first = next(since for party, _, _, since, _ in clauses[number].amendments if party == to)
        p.add(f"first({to.lower()},{number},{first.replace('-', '')})")
        if excluding:
            p.add(f"excluding({n})")
    theirs = solve(p.lines)
    counts = {}
    assert len(ours) == CLAUSES
    for i, (c, f) in enumerate(zip(clauses, ours)):
        may = [x for x in CONSEQUENCES if f"may({i},{x})" in theirs]
        if f"reserved({i})" in theirs:
            want = ("undetermined", None, False)
        elif f"breach({i})" in theirs:
            want = ("true", None, True)
        elif f"none({i})" in theirs:
            want = ("false", may[0].replace("no_breach", "no-breach") if len(may) == 1 else None, True)
        else:
            want = ("undetermined", None, True)
        got = (f["value"], f.get("consequence"), f["applies"])
        assert got == want, f"{c.name}: ours {got}, clingo's {want}\n{treaty([c])}\n{claims} {sides}\n{f}"
        counts[want] = counts.get(want, 0) + 1
    return counts


def changes(rounds):
    """Sets each term that is not settled to true and to false, and judges again: what is listed as changing a verdict, or
    the consequence of an excuse, does, and nothing else does. The number of listed ones that were seen to."""
    seed, listed = int(os.environ.get("TEST_SEED", random.randrange(1 << 32))), 0
    r = random.Random(seed)
    print(f"# TEST_SEED={seed}")
    for _ in range(rounds):
        claims = {i: r.choice([(0, 30), (970, 1000)]) for i in range(TERMS)} | {i: (200, 800) for i in r.sample(range(TERMS), 5)}
        sides = [r.choice(PARTIES), r.choice(PARTIES)]
        with tap.folder() as d:
            path = os.path.join(d, "x.treaty")
            with open(path, "w", encoding="utf-8") as f:
                f.write(treaty([Clause(r, i) for i in range(CLAUSES)]))
            before = judge_claims(d, path, claims, sides)
            for i in [i for i, p in claims.items() if p == (200, 800)]:
                yes, no = (judge_claims(d, path, claims | {i: (v, v)}, sides) for v in (1000, 0))
                for f, y, n in zip(before, yes, no):
                    if not f["applies"]:
                        continue
                    now, then = verdict(f), [verdict(y), verdict(n)]
                    change = [c for c in f["would-change"] if c["atom"] == f"t{i}"]
                    assert bool(change) == (then != [now] * 2), (i, f, then)
                    listed += len(change)
                    if change:
                        c = change[0]
                        assert [(c["if-true"], c.get("then-if-true")), (c["if-false"], c.get("then-if-false"))] == then, (c, then)
    assert listed > 50 * rounds
    return listed


def verdict(f):
    return f["value"], f.get("consequence")


def judge_claims(folder, treaty_file, claims, sides):
    path = os.path.join(folder, "incident.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"at": AT + "T00:00:00Z", "claimant": sides[0], "respondent": sides[1], "claims": [
            {"atom": f"t{i}", "probability": [a / 1000, b / 1000]} for i, (a, b) in claims.items()]}, f)
    return [json.loads(line) for line in dewline("treaty", "judge", "--json", path, "--treaty", treaty_file).expect(0).out.splitlines()]


def agree(cases):
    """Raises where the two opinions differ in one of so many cases, or of more: until every kind of answer was among them, or
    the agreement would be worth little."""
    if shutil.which("clingo") is None:
        tap.skip("no clingo (Debian's package gringo)")
    seed, counts = int(os.environ.get("TEST_SEED", random.randrange(1 << 32))), {}
    r = random.Random(seed)
    print(f"# TEST_SEED={seed}")
    for _ in range(100 * cases // CLAUSES):
        with tap.folder() as d:
            for k, n in round_of(r, d).items():
                counts[k] = counts.get(k, 0) + n
        if sum(counts.values()) >= cases and every_kind(counts):
            break
    print(f"# {sum(counts.values())} cases: {counts}")
    assert every_kind(counts), counts


def every_kind(counts):
    return ({v for v, _, applies in counts if applies} == {"true", "false", "undetermined"} and
            any(not applies for _, _, applies in counts) and any(c == "excused" for _, c, _ in counts))
