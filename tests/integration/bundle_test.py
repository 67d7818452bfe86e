#!/usr/bin/env python3
"""A bundle as a liar would change it: every class of its bytes in turn, the sums written anew, each lie named. And bombs.

Made by the program, cosigned by witnesses that run here, with a station withheld or without."""
import base64
import hashlib
import json
import os
import resource
import subprocess

import tap
import weblog
from tap import dewline

CASE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")
work = tap.folder()
made = {}


def path(name):
    return os.path.join(work.name, name)


def write(name, text):
    with open(path(name), "w", encoding="utf-8") as f:
        f.write(text)
    return path(name)


def read(name):
    with open(name, encoding="utf-8") as f:
        return f.read()


def watch(data, *more):
    return dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--party", made["party"],
                   "--data", path(data), "--no-system-tables", "-q", *more)


def prepare():
    """A party, two witnesses that run, and one that nobody asks; once."""
    if "party" not in made:
        made["party"] = write("us.party", 'party us "Us"\nterritory XA\nnetwork 10.0.0.0/8\n')
        made["witnesses"] = [weblog.Party(work.name, n, True) for n in ("witness.test/a", "witness.test/b", "witness.test/stranger")]


def cosigned(data, need=2):
    """The log of a data folder, cosigned by the first two witnesses; the policy's file."""
    class Log:
        vkey = read(path(data + "/log.vkey")).strip()
    a, b, _ = made["witnesses"]
    dewline("release", "log", "-d", path(data), "--to", "witnesses", "--approve", "us").expect(0)  # they are others, too
    with weblog.witness(path(data + "-wa"), a, Log) as sa, weblog.witness(path(data + "-wb"), b, Log) as sb:
        policy = weblog.policy(path(data + ".policy"), Log, [(a, sa.url), (b, sb.url)], need)
        dewline("log", "cosign", "--signer", path(data + "/keys/log.key"), "--policy", policy, path(data + "/log")).expect(0)
    return policy


def bundle():
    """A bundle of a run with a party and a treaty of its own, cosigned by two witnesses, as parsed; made once."""
    if "bundle" not in made:
        prepare()
        watch("data").expect(0)
        made["policy"] = cosigned("data")
        file = tap.only_file(path("data/bundles"))
        r = dewline("bundle", "-d", path("data"), "--policy", made["policy"]).expect(0)
        assert "cosigned by 2 of 2 witnesses" in r.out, r
        made["file"], made["bundle"] = file, read(file)
        made["vkey"] = read(path("data/log.vkey")).strip()
        dewline("verify", "--key", made["vkey"], "--policy", made["policy"], file).expect(0)
    return json.loads(made["bundle"])


def text_of(b):
    return json.dumps(b, separators=(",", ":"), ensure_ascii=False)


def verify(b, *more, sums=True, key=True):
    """(exit code, names of the checks that failed with what they said)"""
    if sums:
        b["unchanged"] = {n: hashlib.sha256(text_of(b[n]).encode()).hexdigest() for n in b["unchanged"]}
    file = write("changed", b if isinstance(b, str) else text_of(b))
    r = dewline("verify", "--json", *(["--key", made["vkey"]] if key else []), *more, file)
    return r.code, [(c["name"], c["text"]) for c in json.loads(r.out)["checks"] if not c["ok"]]


def b64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def un64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def alert_of(b):
    """The fact that shows an alert."""
    return next(f for f in b["facts"] if any(b'"signature_id"' in b64(d) for d in f["disclosures"]))


def swap(text, at):
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1:]


def jwt_part(n, change):
    def lie(b):
        f = alert_of(b)
        parts = f["jwt"].split(".")
        parts[n] = un64(change(b64(parts[n])))
        f["jwt"] = ".".join(parts)
    return lie


def disclosed(n, value):
    """Member n of the disclosure of signature_id: salt, name or value."""
    def lie(b):
        f = alert_of(b)
        i = next(i for i, d in enumerate(f["disclosures"]) if b'"signature_id"' in b64(d))
        one = json.loads(b64(f["disclosures"][i]))
        one[n] = value
        f["disclosures"][i] = un64(json.dumps(one, separators=(",", ":")).encode())
    return lie


def checkpoint_line(n, change):
    def lie(b):
        lines = b["checkpoint"].split("\n")
        lines[n] = change(lines[n])
        b["checkpoint"] = "\n".join(lines)
    return lie


def set_leaf(b):
    b["facts"][-1]["leaf"] += 1


def drop_proof_hash(b):
    f = max(b["facts"], key=lambda f: len(f["proof"]))
    f["proof"].pop()


def flip_proof(b):
    f = max(b["facts"], key=lambda f: len(f["proof"]))
    f["proof"][0] = swap(f["proof"][0], 3)


def swap_jwts(b):
    x, y = b["facts"][0], b["facts"][-1]
    x["jwt"], y["jwt"], x["disclosures"], y["disclosures"] = y["jwt"], x["jwt"], y["disclosures"], x["disclosures"]


def same_disclosure_twice(b):
    f = alert_of(b)
    f["disclosures"].append(f["disclosures"][0])


def drop_alert(b):
    b["facts"].remove(alert_of(b))


def hide_a_field(b):
    f = alert_of(b)
    f["disclosures"] = [d for d in f["disclosures"] if b'"src_ip"' not in b64(d)]


def bulletin_word(b):
    b["bulletin"] = json.loads(json.dumps(b["bulletin"]).replace('"B1"', '"B2"', 1))


def drop_certificate(b):
    b["facts"] = [f for f in b["facts"] if not any(b'"station-key"' in b64(d) for d in f["disclosures"])]


def other_station_key(b):
    x = os.urandom(32)
    body = {"crv": "Ed25519", "kty": "OKP", "x": un64(x)}
    kid = un64(hashlib.sha256(json.dumps(body, separators=(",", ":")).encode()).digest())
    b["station_keys"]["keys"] = [{"crv": "Ed25519", "kid": kid, "kty": "OKP", "use": "sig", "x": un64(x)}]


def put(*where, value):
    def lie(b):
        for p in where[:-1]:
            b = b[p]
        b[where[-1]] = value(b[where[-1]]) if callable(value) else value
    return lie


def withhold_a_fact(b):
    alert_of(b)["withheld"] = True


def cosignature(change):
    """The line of witness a."""
    def lie(b):
        lines = b["checkpoint"].split("\n")
        i = next(i for i, line in enumerate(lines) if "witness.test/a" in line)
        lines[i:i + 1] = change(lines[i])
        b["checkpoint"] = "\n".join(lines)
    return lie


def stranger_signs(line):
    """A right cosignature, by a key that the policy has not, in the place of one that it has."""
    name = made["witnesses"][2].name
    return [line.replace("witness.test/a", name, 1)]


def by_all_evidence(change):
    def lie(b):
        change(b["bulletin"]["all_evidence"])
    return lie


LIES = [
    ("the bulletin", bulletin_word, "verdict"),
    ("a checkpoint's origin", checkpoint_line(0, lambda s: s + "x"), "checkpoint signature"),
    ("its size", checkpoint_line(1, lambda s: str(int(s) + 1)), "checkpoint signature"),
    ("its root", checkpoint_line(2, lambda s: swap(s, 5)), "checkpoint signature"),
    ("its signature", checkpoint_line(4, lambda s: swap(s, len(s) - 20)), "checkpoint signature"),
    ("the log's key", put("log_key", value=lambda s: swap(s, len(s) - 9)), "log key"),
    ("a leaf's index", set_leaf, "leaf inclusion"),
    ("a proof's hash", flip_proof, "leaf inclusion"),
    ("a proof's length", drop_proof_hash, "leaf inclusion"),
    ("a JWT's header", jwt_part(0, lambda b: b.replace(b"EdDSA", b"none!")), "leaf inclusion"),
    ("a JWT's payload", jwt_part(1, lambda b: b.replace(b'"iss":"', b'"iss":"x', 1)), "leaf inclusion"),
    ("a JWT's signature", jwt_part(2, lambda b: bytes([b[0] ^ 1]) + b[1:]), "leaf inclusion"),
    ("two events exchanged", swap_jwts, "leaf inclusion"),
    ("a disclosure's salt", disclosed(0, "A" * 22), "event signatures and fields"),
    ("its name", disclosed(1, "rev"), "event signatures and fields"),
    ("its value", disclosed(2, 4242), "event signatures and fields"),
    ("a disclosure twice", same_disclosure_twice, "event signatures and fields"),
    ("an event left out", drop_alert, "verdict"),
    ("a field left out that the verdict rests on", hide_a_field, "verdict"),
    ("a party's text", put("parties", 0, "text", value=lambda s: s + "# mine\n"), "party files"),
    ("a party's name", put("parties", 0, "name", value="them.party"), "party files"),
    ("a treaty's text", put("treaties", 0, "text", value=lambda s: s + "\n"), "treaty files"),
    ("a treaty left out", lambda b: b["treaties"].pop(), "treaty files"),
    ("a station's key", other_station_key, "event signatures and fields"),
    ("no station's key", put("station_keys", "keys", value=[]), "event signatures and fields"),
    ("the word for a station's key left out", drop_certificate, "station certificates"),
    ("a cosignature", cosignature(lambda s: [swap(s, len(s) - 20)]), "witness policy of the bundle"),
    ("when it was given", cosignature(lambda s: [swap(s, s.rindex(" ") + 8)]), "witness policy of the bundle"),
    ("a cosignature left out", cosignature(lambda s: []), "witness policy of the bundle"),
    ("a cosignature under another name", cosignature(stranger_signs), "witness policy of the bundle"),
    ("a witness's key in the policy", put("policy", value=lambda s: s.replace("+B", "+C", 1).replace("witness w0 witness.test/a", "witness w0 w.test/x", 1)),
     "witness policy of the bundle"),
    ("the policy's group", put("policy", value=lambda s: s.replace("w0 w1\n", "w0 w2\n")), "witness policy of the bundle"),
    ("the policy's word", put("policy", value=lambda s: s.replace("quorum", "quorun")), "witness policy of the bundle"),
    ("the policy's log", put("policy", value=lambda s: s.replace("log dewline", "log other", 1)), "witness policy of the bundle"),
    ("a share of the prior", put("priors", 0, "text", value=lambda s: s.replace("state 0.228", "state 0.328")), "prior"),
    ("how far a table is believed", put("priors", 0, "text", value=lambda s: s.replace("table libloc registry 0.750", "table libloc registry 0.050")),
     "prior"),
    ("the prior's name", put("priors", 0, "name", value="my.prior"), "prior"),
    ("no prior", put("priors", value=[]), "prior"),
    ("a fact said to be withheld", withhold_a_fact, "verdict"),
    ("what all evidence says", by_all_evidence(lambda a: a["incidents"][0]["rungs"][0].__setitem__(0, 0.001)), "verdict"),
    ("how many incidents it counts", by_all_evidence(lambda a: a.__setitem__("counted", 7)), "verdict"),
    ("a result of it", by_all_evidence(lambda a: a["incidents"][0]["clauses"][0].__setitem__("result", "breach shown")), "verdict"),
    ("the public one's summary", put("bulletin", "public_only", "counted", value=9), "verdict"),
    ("the format", put("format", value="dewline-bundle/3"), "form"),
    ("an older format", put("format", value="dewline-bundle/1"), "form"),
]


def test_every_class_of_bytes_changed_by_a_liar_is_caught_and_named():
    for what, lie, check in LIES:
        b = bundle()
        lie(b)
        code, failed = verify(b)
        assert code == 1 and failed, f"{what}: not caught"
        names = [n for n, _ in failed]
        assert check in names, f"{what}: expected {check}, got {failed}"
        if check != "verdict": # computed only where the evidence holds
            assert names[0] == check, f"{what}: {failed}"
        assert dict(failed)[check], what


def test_without_new_sums_the_part_itself_is_named():
    for what, lie, _ in LIES[:-2]:
        b = bundle()
        lie(b)
        code, failed = verify(b, sums=False)
        assert code == 1 and failed[0][0] in ("file unchanged", "form"), f"{what}: {failed}"
        changed = [n for n in b["unchanged"] if text_of(b[n]) != text_of(bundle()[n])]
        if failed[0][0] == "file unchanged":
            assert [t.split('"')[1] for n, t in failed if n == "file unchanged"] == changed, f"{what}: {failed}"


def test_another_key_than_the_trusted_one_is_named():
    b = bundle()
    other = made["vkey"].replace(made["vkey"].split("+")[0], "log.test/other", 1)
    b["log_key"] = other
    code, failed = verify(b)
    assert code == 1 and failed[0][0] == "log key", failed


def limited(file, megabytes, seconds):
    """verify under a limit of address space; (code, output, seconds of processor)"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([tap.DEWLINE, "verify", file], capture_output=True, text=True, timeout=seconds * 20,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20,) * 2))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert took < seconds, f"{took} s of processor"
    return p.returncode, p.stdout + p.stderr


def test_a_bundle_of_a_gigabyte_is_refused_before_it_is_read():
    huge = path("huge")
    with open(huge, "wb") as f:
        f.truncate(1 << 30)
    code, said = limited(huge, 512, 2)
    assert code == 2 and "has more than 268435456 bytes" in said, said
    os.remove(huge)


def bomb(member, value):
    """The bundle's text with that member's value replaced by other bytes."""
    whole = bundle()
    order = ["bulletin", "checkpoint", "facts", "format", "log_key", "parties", "policy", "priors", "station_keys", "treaties", "unchanged"]
    parts = [json.dumps(n) + ":" + (value if n == member else text_of(whole[n])) for n in order]
    return write("bomb", "{" + ",".join(parts) + "}")


def test_nesting_and_repetition_cost_little_and_are_refused():
    fact = '{"disclosures":[],"jwt":"","leaf":%d,"proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}'
    n, whole = 20 << 20, bundle()
    bombs = [
        ("bulletin", '{"a":' + "[" * n + "]" * n + "}", "compact JSON object"),
        ("bulletin", '{"a":' * 100 + "0" + "}" * 100, "compact JSON object"),
        ("station_keys", '{"keys":' + "[" * n + "]" * n + "}", "compact JSON object"),
        ("bulletin", '{"a":[' + "0," * n + "0]}", None),
        ("facts", "[" + ",".join(fact % i for i in range(300000)) + "]", None),
        ("parties", "[" + ",".join('{"name":"%d","text":""}' % i for i in range(5000)) + "]", "no more files"),
        ("checkpoint", '"' + "\\n" * n + '"', None),
        ("checkpoint", '"' + whole["checkpoint"].replace("\n", "\\n") + ("\u2014 x " + "A" * 96 + "\\n") * 200000 + '"', None),
        ("policy", '"' + "quorum none\\n" * (n // 4) + '"', None),
        ("policy", '"log ' + "x" * n + '"', None),
        ("priors", '[{"name":"a","text":"' + "weigh 3\\n" * n + '"}]', None),
        ("priors", '[{"name":"a","text":""},{"name":"b","text":""}]', "no more files"),
        ("station_keys", '{"keys":[' + ",".join([text_of(whole["station_keys"]["keys"][0])] * 100000) + "]}", None),
    ]
    for member, value, word in bombs:
        file = bomb(member, value)
        size = os.path.getsize(file)
        code, said = limited(file, 256 + 8 * (size >> 20), 20)
        assert code == 1 and (word is None or word in said), f"{member} of {size} bytes: {code} {said[-500:]}"


def test_who_cosigned_is_said_and_only_those_that_the_reader_trusts_decide():
    b = bundle()
    file, (a, other, stranger) = made["file"], made["witnesses"]
    r = dewline("verify", file).expect(0)
    assert "witness policy of the bundle: the maker's own: 2 of its 2 witnesses cosigned" in r.out, r
    r = dewline("verify", "--witness", a.vkey, "--witness", other.public, file).expect(0)
    assert "all 2 that you named cosigned" in r.out, r
    r = dewline("verify", "--witness", a.vkey, "--witness", stranger.vkey, file).expect(1)
    assert "witness.test/stranger has not cosigned" in r.out and "no: this bundle does not hold" in r.out, r
    mine = write("mine.policy", f"witness w0 {a.vkey}\nwitness w1 {stranger.vkey}\ngroup g 1 w0 w1\nquorum g\n")
    r = dewline("verify", "--policy", mine, file).expect(0)
    assert 'yours: 1 of its 2 witnesses cosigned, its quorum "g" is met' in r.out, r
    mine = write("mine.policy", f"log {made['vkey']}\nwitness w0 {a.vkey}\nwitness w1 {stranger.vkey}\ngroup g all w0 w1\nquorum g\n")
    r = dewline("verify", "--policy", mine, file).expect(1)
    assert "one that your policy names" in r.out and "cosigned by 1 of 2 known witnesses" in r.out, r
    # who left the policy out has strangers' signatures
    b["policy"] = ""
    code, failed = verify(b)
    assert code == 0 and not failed, failed
    r = dewline("verify", path("changed")).expect(0)
    assert "signatures by strangers: 2, the first by witness.test/a: passed over" in r.out, r
    # bad keys and policies are no answer about the bundle
    for args, word in ((["--witness", made["vkey"]], "a witness has one of type 4"), (["--witness", "x"], "--witness"),
                       (["--policy", write("bad.policy", "quorum x\n")], "line 1")):
        assert word in dewline("verify", *args, file).expect(2).err


def test_a_line_of_a_type_that_nobody_knows_is_passed_over():
    b = bundle()
    raw = os.urandom(4) + (1795316645).to_bytes(8, "big") + os.urandom(2420) # ML-DSA-44
    b["checkpoint"] += f"\u2014 witness.test/pq {base64.b64encode(raw).decode()}\n"
    code, failed = verify(b, "--policy", made["policy"])
    assert code == 0 and not failed, failed
    r = dewline("verify", path("changed")).expect(0)
    assert "signatures by strangers: 1, the first by witness.test/pq" in r.out, r


def test_a_bundle_that_its_policy_does_not_hold_for_is_not_made():
    bundle()
    stranger = made["witnesses"][2]
    need = write("need.policy", f"log {made['vkey']}\nwitness w {stranger.vkey}\nquorum w\n")
    r = dewline("bundle", "-d", path("data"), "--policy", need).expect(1)
    assert "cosigned by 0 of 1 known witnesses" in r.err and read(made["file"]) == made["bundle"], r
    r = dewline("bundle", "-d", path("data"), "--json").expect(0)
    got = json.loads(r.out)
    assert got["witnesses"] == 0 and got["bundle"] == made["file"], got
    again, first = json.loads(read(made["file"])), bundle()
    write(os.path.relpath(made["file"], work.name), made["bundle"])
    assert again["bulletin"] == first["bulletin"] and again["policy"] == "" and again["checkpoint"] == first["checkpoint"]
    assert "there is no bulletin B1-0" in dewline("bundle", "-d", path("data"), "B1-0").expect(2).err
    assert "there is no bulletin" in dewline("bundle", "-d", path("data"), "../../x").expect(2).err


def test_a_bundle_is_not_made_of_what_was_changed_or_is_gone():
    prepare()
    watch("gone").expect(0)
    eve = path("gone/eve.json")
    kept, leaf = read(eve), next(i for i, e in enumerate(tap.eve(path("gone"))) if e.get("event_type") == "alert")

    def try_with(old, new):
        lines = kept.split("\n")
        lines[leaf] = lines[leaf].replace(old, new, 1) if old else " " * len(lines[leaf])
        write("gone/eve.json", "\n".join(lines))
        return dewline("bundle", "-d", path("gone")).expect(2).err

    assert f"leaf {leaf} is in the log, but its event is not in" in try_with("", "")
    err = try_with('"severity":', '"severity":1')
    assert f'leaf {leaf} is in the log, and its line in' in err and '"severity" is not what was sealed' in err, err
    assert "no line of" in try_with('"timestamp":"2', '"timestamp":"3')
    write("gone/eve.json", kept)
    dewline("bundle", "-d", path("gone")).expect(0)
    texts = path("gone/texts")
    for name in os.listdir(texts):
        text = read(os.path.join(texts, name))
        write("gone/texts/" + name, text + "# mine\n")
        assert "has another SHA-256 than its name" in dewline("bundle", "-d", path("gone")).expect(2).err
        write("gone/texts/" + name, text)
    bulletin = tap.only_file(path("gone/made")).replace("made", "bulletins")
    text = read(bulletin)
    write(os.path.relpath(bulletin, work.name), text.replace("actor-target-30m", "actor-target-31m", 1))
    assert "is not what follows from its facts here" in dewline("bundle", "-d", path("gone")).expect(2).err


def test_the_bundle_s_own_prior_is_used_and_where_it_differs_is_said():
    prepare()
    own = read(os.path.join(tap.SOURCE, "priors", "eurepoc-1.1.prior"))
    prior = write("mine.prior", own.replace("operator state 0.228", "operator state 0.028").replace("prior eurepoc-1.1", "prior mine"))
    watch("prior", "--prior", prior).expect(0)
    file = tap.only_file(path("prior/bundles"))
    r = dewline("verify", file).expect(0)
    assert "prior and tables: mine, the bundle's own, with which it was computed: 2 of its lines are not those of this dewline" in r.out, r
    assert "`operator state 0.028`, ours `operator state 0.228`" in r.out, r
    b = json.loads(read(file))
    rung = b["bulletin"]["incidents"][0]["ladder"]["rungs"][3]["candidates"]
    assert next(c for c in rung if c["what"] == "state")["probability"] == [0, 0.056], rung
    assert "eurepoc-1.1, with the numbers that this dewline has" in dewline("verify", *[tap.only_file(path("data/bundles"))]).out
    bad = write("bad.prior", own.replace("weigh 3", "weigh much"))
    r = watch("bad-prior", "--prior", bad).expect(2)
    assert "bad.prior:" in r.err and 'found "much"' in r.err, r


def withheld(data, *more):
    """The case seen by a second station as well, which is withheld."""
    prepare()
    second = path("secret.pcap")
    if not os.path.exists(second):
        os.symlink(os.path.join(CASE, "capture.pcap"), second)
    return watch(data, "-r", second, "--withhold", "secret", *more)


def test_a_withheld_station_moves_the_numbers_and_shows_nothing_else():
    prepare()
    watch("open").expect(0)
    r = withheld("kept").expect(0)
    assert "for reviewers: see dewline seal" in r.out, r
    public, full = tap.only_file(path("kept/bundles")), tap.only_file(path("kept/withheld"))
    assert os.stat(full).st_mode & 0o077 == 0 and os.stat(os.path.dirname(full)).st_mode & 0o077 == 0
    for name in (public, tap.only_file(path("kept/stix"))):
        assert "secret" not in read(name), name
    one, two = (json.loads(read(tap.only_file(path(d + "/made")).replace("made", "bulletins"))) for d in ("open", "kept"))
    # two runs that differ in a withheld station alone: the same but for what all evidence says, under the same id
    a, b = one.pop("all_evidence"), two.pop("all_evidence")
    assert json.dumps(one) == json.dumps(two) and not a["withheld"] and b["withheld"], (one["id"], two["id"])
    low = lambda e: e["incidents"][0]["rungs"][0][0]
    assert low(b) > low(a), (a, b)
    ours, theirs = json.loads(read(public)), json.loads(read(full))
    assert ours["bulletin"] == theirs["bulletin"]
    assert not any("withheld" in f for f in ours["facts"]) and any("withheld" in f for f in theirs["facts"])
    last = max(f["leaf"] for f in ours["facts"])
    assert all(f["leaf"] > last for f in theirs["facts"] if "withheld" in f)
    assert int(ours["checkpoint"].split("\n")[1]) <= min(f["leaf"] for f in theirs["facts"] if "withheld" in f)
    # and the pages say both
    for name in os.listdir(path("kept/bulletins")):
        if name.endswith(".html"):
            page, plain = read(path("kept/bulletins/" + name)), read(path("open/bulletins/" + name))
            assert "Both verdicts" in page and "cannot be computed from what was released" in page
            assert "Both rest on the same facts" in plain and "secret" not in page


def test_who_has_the_withheld_facts_computes_both_and_who_has_not_is_told():
    if not os.path.exists(path("kept")):
        withheld("kept").expect(0)
    public, full = tap.only_file(path("kept/bundles")), tap.only_file(path("kept/withheld"))
    r = dewline("verify", "--text", public).expect(0)
    assert "verdict by all evidence: not computed: it rests on withheld facts" in r.out, r
    assert "yes: the public verdict follows from the evidence in this bundle; what all evidence says cannot be computed from it" in r.out, r
    assert "all evidence  public only" in r.out, r
    assert json.loads(dewline("verify", "--json", public).expect(0).out)["all_evidence"] == "said"
    r = dewline("verify", full).expect(0)
    assert "verdict by all evidence: computed again with the" in r.out, r
    assert json.loads(dewline("verify", "--json", full).expect(0).out)["all_evidence"] == "computed"
    # the owner may say of withheld evidence what he likes, until somebody has it
    key = read(path("kept/log.vkey")).strip()

    def lie(file, change):
        b = json.loads(read(file))
        change(b)
        b["unchanged"] = {n: hashlib.sha256(text_of(b[n]).encode()).hexdigest() for n in b["unchanged"]}
        r = dewline("verify", "--key", key, "--json", write("lie", text_of(b)))
        return r.code, [c["name"] for c in json.loads(r.out)["checks"] if not c["ok"]]

    def louder(b):
        b["bulletin"]["all_evidence"]["incidents"][0]["rungs"][0] = [0.999, 1]

    def other_commitment(b):
        b["bulletin"]["all_evidence"]["commitment"] = "00" * 32

    def nothing_withheld(b):
        b["bulletin"]["all_evidence"].update(commitment="", withheld=False)

    def one_less(b):
        b["facts"].remove(next(f for f in b["facts"] if "withheld" in f))

    def opened(b):
        for f in b["facts"]:
            f.pop("withheld", None)

    def about_others(b):
        b["bulletin"]["all_evidence"]["incidents"][0]["number"] = 2

    assert lie(public, louder)[0] == 0
    assert lie(full, louder) == (1, ["verdict"])
    assert lie(full, other_commitment) == (1, ["verdict"])
    assert lie(full, one_less) == (1, ["verdict"])
    assert lie(full, opened) == (1, ["verdict"])
    assert lie(public, nothing_withheld) == (1, ["verdict"])
    assert lie(public, about_others) == (1, ["verdict"])


def test_withheld_facts_are_in_the_bundle_that_is_made_again_only_if_asked_for():
    if not os.path.exists(path("kept")):
        withheld("kept").expect(0)
    public, full = tap.only_file(path("kept/bundles")), tap.only_file(path("kept/withheld"))
    os.remove(public)
    os.remove(full)
    dewline("bundle", "-d", path("kept")).expect(0)
    assert "secret" not in read(public) and not os.path.exists(full)
    dewline("bundle", "-d", path("kept"), "--all").expect(0)
    assert os.stat(full).st_mode & 0o077 == 0
    assert json.loads(dewline("verify", "--json", public).expect(0).out)["all_evidence"] == "said"
    assert json.loads(dewline("verify", "--json", full).expect(0).out)["all_evidence"] == "computed"


def test_what_cannot_be_withheld_is_said():
    r = watch("no", "--withhold", "nobody").expect(2)
    assert 'no capture here is of the station "nobody"' in r.err, r
    r = watch("no", "--withhold", "capture").expect(2)
    assert "there would be nothing to show" in r.err, r


def test_a_revoked_key_s_events_stay_good_and_it_seals_nothing_more():
    prepare()
    watch("key").expect(0)
    first = tap.only_file(path("key/bundles"))
    said = json.loads(dewline("station", "show", "-d", path("key"), "--json").expect(0).out)
    assert [(s["current"], s["revoked"]) for s in said["said"]] == [(True, False)], said
    old = read(path("key/keys/station.key"))
    r = dewline("station", "revoke", "-d", path("key")).expect(0)
    assert "revoked" in r.out and r.out.count("certified") == 2, r
    assert read(path("key/keys/station.key")) != old and not os.path.exists(path("key/keys/station.next"))
    assert len(json.loads(read(path("key/station.jwks")))["keys"]) == 2
    # what was sealed before: the old bundle, and a new one that knows of the revocation
    dewline("verify", first).expect(0)
    dewline("bundle", "-d", path("key")).expect(0)
    r = dewline("verify", first).expect(0)
    assert "what was sealed before a revocation stays good" in r.out, r
    opened = dewline("disclose", "open", "-d", path("key"), "--leaf", 2, "--field", "all", "--to", "x", "--approve", "y", "-w", path("o"))
    opened.expect(0)
    # a thief who seals with the old key: he has the log, too, or it would not be in it
    write("key/keys/station.key", old)
    r = watch("key")
    assert r.code == 2 and "the station's key was revoked in leaf" in r.err, r


def test_a_certificate_that_has_ended_certifies_nothing_more():
    prepare()
    watch("end").expect(0)
    dewline("station", "certify", "-d", path("end"), "--until", "2026-01-01T00:00:00Z").expect(0)
    r = watch("end").expect(2)
    assert "the certificate of the station's key ended 2026-01-01T00:00:00" in r.err, r
    dewline("station", "certify", "-d", path("end"), "--until", "2126-01-01T00:00:00Z").expect(0)
    watch("end").expect(0)
    for name in os.listdir(path("end/bundles")):
        dewline("verify", path("end/bundles/" + name)).expect(0)
    for args, word in ((["show", "--until", "2126-01-01T00:00:00Z"], "--until"), (["certify", "--until", "soon"], "--until"), (["burn"], "show, certify, revoke")):
        assert word in dewline("station", *args, "-d", path("end")).expect(2).err


if __name__ == "__main__":
    try:
        tap.main(globals())
    finally:
        work.cleanup()
