#!/usr/bin/env python3
"""What leaves the house: listed, approved, only then written; and a sealed sensor that changes nothing but the band."""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess

import tap
import weblog
from tap import dewline

CASE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")
DEMO = os.path.join(tap.SOURCE, "demo")
EDGES = [0, 0.05, 0.2, 0.45, 0.55, 0.8, 0.95, 1]
work = tap.folder()
made = {}


def path(*names):
    return os.path.join(work.name, *names)


def read(name, mode="r"):
    with open(name, mode, **({} if "b" in mode else {"encoding": "utf-8"})) as f:
        return f.read()


def write(name, text):
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)
    return name


def watched(name):
    """A data folder of its own, from one small run that was made once."""
    if "data" not in made:
        made["data"] = path("made")
        dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--data", made["data"],
                "--no-system-tables", "-q").expect(0)
    return shutil.copytree(made["data"], path(name))


def size_of(data):
    return int(read(os.path.join(data, "log", "checkpoint")).split("\n")[1])


def released(data):
    return [e["release"] for e in tap.eve(data) if e.get("event_type") == "release"]


def files_in(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def officers(name, n):
    os.makedirs(path(name))
    return [weblog.Party(path(name), f"officer.test/{i}") for i in range(n)]


def policy(data, keys, needs):
    write(os.path.join(data, "release.policy"), f"dewline-release-policy/1\nneeds {needs}\n" + "".join(f"key {k.vkey}\n" for k in keys))


# --- the gate ---

def test_without_an_approval_what_it_tells_is_listed_and_nothing_leaves():
    data = watched("listed")
    before, out = size_of(data), path("listed-out")
    for args in (["list"], ["write", "-w", out]):
        r = dewline("release", *args, "-d", data, "--to", "everybody").expect(1)
        assert "Nothing has left: nobody approved it." in r.out, r
    lines = r.out.split("\n")
    assert lines[0] == "dewline-release/1" and lines[2] == "to everybody", r
    kinds = {x.split(" ")[1] for x in lines if x.startswith("thing ")}
    assert kinds == {"band", "bulletin", "bundle", "page", "stix"}, kinds
    told = {x.split(" ")[3]: x.split(" ")[1] for x in lines if x.startswith("field ")}
    assert told["bulletin/incidents[].timeline[].at"] == "place" and told["bulletin/incidents[].title"] == "rule", told
    assert told["alert.signature_id"] == "rule" and told["bulletin/id"] == "nothing" and told["station"] == "place", told
    # every member of every document was thought about, and the sum is the sum
    assert "nobody has said" not in r.out, [x for x in lines if "nobody has said" in x]
    count = {}
    for x in lines:
        if x.startswith("field "):
            count[x.split(" ")[1]] = count.get(x.split(" ")[1], 0) + int(x.split(" ")[2])
    total = next(x for x in lines if x.startswith("sum "))
    assert total == "sum " + ", ".join(f"{k} {count.get(k, 0)}" for k in ("nothing", "place", "rule", "method")) + \
        f", addresses {sum(x.startswith('address ') for x in lines)}", (total, count)
    assert size_of(data) == before and not os.path.exists(out) and not files_in(os.path.join(data, "releases"))


def test_every_address_that_leaves_is_on_the_list():
    data = watched("addresses")
    out = path("addresses-out")
    r = dewline("release", "write", "-d", data, "--to", "B", "--approve", "me", "-w", out).expect(0)
    listed = {x[8:] for x in r.out.split("\n") if x.startswith("address ")}
    seen = set()
    for name in files_in(out):
        text = read(os.path.join(out, name))
        if name.endswith(".bundle"):
            text = dewline("verify", "--json", "--facts", os.path.join(out, name)).expect(0).out
        seen |= set(re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b(?!/\d)", text))
    mine = {a for e in tap.eve(data) for a in (e.get("src_ip"), e.get("dest_ip")) if a}
    assert seen & mine and (seen & mine) <= listed, (seen, listed)


def test_what_was_approved_leaves_and_the_log_says_so():
    data, out = watched("approved"), path("approved-out")
    before = size_of(data)
    r = dewline("release", "write", "-d", data, "--to", "CERT B", "--ground", "weekly", "--approve", "duty officer", "-w", out, "--json").expect(0)
    said = json.loads(r.out)
    assert said["done"] and said["approved_by"] == "duty officer" and len(said["written"]) == 5, said
    name = files_in(os.path.join(data, "bundles"))[0][:-len(".bundle")]
    assert files_in(out) == sorted(name + e for e in (".json", ".html", ".stix.json", ".band.json", ".bundle"))
    for ending, draft in ((".json", "bulletins"), (".html", "bulletins"), (".bundle", "bundles")):
        assert read(os.path.join(out, name + ending)) == read(os.path.join(data, draft, name + ending)), ending
    dewline("verify", os.path.join(out, name + ".bundle")).expect(0)
    # list and approval are kept, and the log has both by their hashes, as the leaf that was said
    kept = [n[:-5] for n in files_in(os.path.join(data, "releases")) if n.endswith(".list")]
    text = read(os.path.join(data, "releases", kept[0] + ".list"), "rb")
    approval = read(os.path.join(data, "releases", kept[0] + ".approval"), "rb")
    assert kept == [hashlib.sha256(text).hexdigest()] and text.decode().split("\n")[:-1] == said["list"]
    record = released(data)
    assert len(record) == 1 and size_of(data) == before + 1 == said["leaf"] + 1, record
    assert record[0]["list"] == kept[0] and record[0]["approval"] == hashlib.sha256(approval).hexdigest(), record
    assert record[0]["to"] == "CERT B" and record[0]["ground"] == "weekly" and record[0]["name"] == "duty officer", record
    for x in said["list"]:
        if x.startswith("thing "):
            _, kind, digest, file = x.split(" ")
            assert hashlib.sha256(read(os.path.join(out, file), "rb")).hexdigest() == digest, kind
    dewline("log", "check", os.path.join(data, "log")).expect(0)
    assert "approved by duty officer" in dewline("release", "check", "-d", data).expect(0).out


def test_k_of_n_officers_approve_exactly_one_list():
    data, (a, b, c) = watched("officers"), officers("officers-keys", 3)
    policy(data, [a, b], 2)
    out, ask = path("officers-out"), ("-d", data, "--to", "CERT B", "--form", "stix")
    r = dewline("release", "write", *ask, "--approve", "me", "-w", out).expect(1)
    assert "here nobody approves with a name" in r.err and not os.path.exists(out), r
    the_list, one, both = (path("officers-" + x) for x in ("list", "one", "both"))
    r = dewline("release", "list", *ask, "-w", the_list).expect(1)
    assert "dewline release approve" in r.out and r.out.startswith(read(the_list)), r
    r = dewline("release", "approve", "--signer", a.secret, "--by", "A. Officer", the_list, "-w", one).expect(0)
    assert "you approve that this leaves to CERT B: nothing " in r.err, r
    r = dewline("release", "write", *ask, "--approval", one, "-w", out).expect(1)
    assert "1 of the keys have signed it, 2 must" in r.err, r
    for secret, word in ((a.secret, "has signed it already"), (b.public, "not a signing key")):
        assert word in dewline("release", "approve", "--signer", secret, "--by", "A. Officer", "--so-far", one, the_list).expect(2).err
    # a stranger is nobody
    dewline("release", "approve", "--signer", c.secret, "--by", "A. Officer", "--so-far", one, the_list, "-w", both).expect(0)
    assert "1 of the keys" in dewline("release", "write", *ask, "--approval", both, "-w", out).expect(1).err
    dewline("release", "approve", "--signer", b.secret, "--by", "A. Officer", "--so-far", one, the_list, "-w", both).expect(0)
    # it is for these forms and this reader
    for other in (["-d", data, "--to", "CERT C", "--form", "stix"], ["-d", data, "--to", "CERT B", "--form", "page"], [*ask, "--ground", "x"]):
        r = dewline("release", "write", *other, "--approval", both, "-w", out).expect(1)
        assert "it approves another list" in r.err and not os.path.exists(out), r
    assert released(data) == [] and not files_in(os.path.join(data, "releases"))
    # and for these bytes
    stix = tap.only_file(os.path.join(data, "stix"))
    text = read(stix)
    write(stix, text.replace('"type"', ' "type"', 1))
    dewline("release", "write", *ask, "--approval", both, "-w", out).expect(1)
    write(stix, text)
    dewline("release", "write", *ask, "--approval", both, "-w", out).expect(0)
    assert released(data)[0]["approved_by"] == [a.name, b.name], released(data)
    assert len(files_in(out)) == 1 and read(tap.only_file(out)) == text
    # whoever was interrupted between the record and the file does it again: the approval is of the same list
    shutil.rmtree(out)
    dewline("release", "write", *ask, "--approval", both, "-w", out).expect(0)
    assert len(released(data)) == 2 and read(tap.only_file(out)) == text
    # a folder that cannot be written is said, and the log has said before that it was to be
    r = dewline("release", "write", *ask, "--approval", both, "-w", "/proc/nowhere").expect(2)
    assert "/proc" in r.err and len(released(data)) == 3, r


def test_the_same_gate_is_before_opened_fields():
    data, (a,) = watched("fields"), officers("fields-keys", 1)
    policy(data, [a], 1)
    leaf = next(i for i, e in enumerate(tap.eve(data)) if e.get("event_type") == "alert")
    bundle, grant, the_list, yes = (path("fields-" + x) for x in ("bundle", "grant", "list", "yes"))
    reader = write(path("reader.jwk"), dewline("disclose", "key", "-w", path("reader-secret.jwk")).expect(0).out)
    ask = ("disclose", "open", "-d", data, "--leaf", leaf, "--field", "src_ip", "--to", "B", "-w", bundle, "--reader", reader, "--grant", grant)
    before = size_of(data)
    r = dewline(*ask, "--approve", "me").expect(1)
    assert "here nobody approves with a name" in r.err, r
    dewline(*ask, "--list", the_list).expect(1)
    text = read(the_list)
    assert f"field place 1 src_ip {leaf} " in text and f"address {tap.eve(data)[leaf]['src_ip']}\n" in text and "thing grant - for key " in text, text
    dewline("release", "approve", "--signer", a.secret, the_list, "-w", yes).expect(0)
    more = list(ask)
    more[more.index("src_ip")] = "dest_ip"
    assert "it approves another list" in dewline(*more, "--approval", yes).expect(1).err
    assert size_of(data) == before and not os.path.exists(bundle) and not os.path.exists(grant)
    dewline(*ask, "--approval", yes).expect(0)
    facts = json.loads(dewline("verify", "--json", "--facts", bundle).expect(0).out)["facts"]
    opened = next(f["disclosed"]["disclosure"] for f in facts if "disclosure" in f["disclosed"])
    assert opened["approved_by"] == a.name and tap.eve(data)[opened["release"]]["release"]["list"] == hashlib.sha256(text.encode()).hexdigest(), opened


def test_the_same_gate_is_before_sealed_items():
    data, (a,) = watched("items"), officers("items-keys", 1)
    policy(data, [a], 1)
    reader = write(path("items.jwk"), dewline("disclose", "key", "-w", path("items-secret.jwk")).expect(0).out)
    bundle, item, the_list, yes = tap.only_file(os.path.join(data, "bundles")), path("items.sealed"), path("items.list"), path("items.yes")
    ask = ("seal", "make", "--title", "all of it", "--needs", 1, "--reader", "court=" + reader, "-d", data, "-w", item)
    before = size_of(data)
    r = dewline(*ask, "--list", the_list, bundle).expect(1)
    assert "nobody approved it" in r.err and r.out == read(the_list), r
    assert "to 1 of court\n" in r.out and "thing sealed - all of it\n" in r.out and "field rule 2 alert.signature_id " in r.out, r
    assert "bulletin/incidents[].actor" in r.out and "nobody has said" not in r.out, r
    assert "here nobody approves with a name" in dewline(*ask, "--approve", "me", bundle).expect(1).err
    dewline("release", "approve", "--signer", a.secret, the_list, "-w", yes).expect(0)
    # for this content, and these readers
    other = write(path("items-other"), "something else")
    assert "it approves another list" in dewline(*ask, "--approval", yes, other).expect(1).err
    more = list(ask)
    more[more.index("all of it")] = "more of it"
    assert "it approves another list" in dewline(*more, "--approval", yes, bundle).expect(1).err
    assert size_of(data) == before and not os.path.exists(item)
    r = dewline(*ask, "--approval", yes, bundle).expect(0)
    leaf = int(r.err.rsplit(" ", 1)[1])
    assert tap.eve(data)[leaf]["input"]["sha256"] == hashlib.sha256(read(item, "rb")).hexdigest(), r
    assert released(data)[0]["things"] == ["sealed", "content"] and released(data)[0]["to"] == "1 of court", released(data)
    # what is no bundle is not harmless
    r = dewline(*ask, other).expect(1)
    assert "field method 1 sealed/content - what is in it is no bundle" in r.out, r
    # what cannot be made is not asked about
    more = list(ask)
    more[more.index(1)] = 2
    assert "2 of 1 readers" in dewline(*more, bundle).expect(2).err


def test_the_log_of_a_data_folder_is_served_when_that_was_approved():
    data = watched("served")
    log = os.path.join(data, "log")
    for to in ("B", "C"):
        r = dewline("log", "serve", log, "--listen", "127.0.0.1:0", timeout=60).expect(1)
        assert "nobody approved that the log" in r.err, r
        # another release does not let it out
        dewline("release", "write", "-d", data, "--to", to, "--form", "page", "--approve", "me", "-w", path("served-out")).expect(0)
    # nor are witnesses asked
    nobody = write(path("served.policy"), f"log {read(os.path.join(data, 'log.vkey')).strip()}\nquorum none\n")
    ask = ("log", "cosign", "--signer", os.path.join(data, "keys", "log.key"), "--policy", nobody, log)
    assert "nobody approved that the log" in dewline(*ask).expect(1).err
    r = dewline("release", "log", "-d", data, "--to", "everybody").expect(1)
    assert "field place 1 log/jwt.iat - " in r.out, r
    dewline("release", "log", "-d", data, "--to", "everybody", "--approve", "duty officer").expect(0)
    dewline(*ask).expect(0)
    with weblog.Server("serve", log) as s:
        assert s.ask("/checkpoint")[0] == 200
        for name in ("/../keys/log.key", "/../eve.json", "/../releases", "/journal"):
            assert s.ask(name)[0] == 404, name
        assert s.end() == 0
    # who is no officer any more has let nothing out
    policy(data, officers("served-keys", 1), 1)
    assert "nobody approved" in dewline("log", "serve", log, "--listen", "127.0.0.1:0", timeout=60).expect(1).err
    r = dewline("release", "check", "-d", data).expect(1)
    assert r.out.count("NOT approved") == 3, r


def test_kept_lists_and_approvals_are_asked_again():
    data = watched("kept")
    dewline("release", "write", "-d", data, "--to", "B", "--form", "page", "--approve", "me", "-w", path("kept-out")).expect(0)
    name = next(n for n in files_in(os.path.join(data, "releases")) if n.endswith(".list"))
    at = os.path.join(data, "releases", name)
    text = read(at)
    write(at, text.replace("to B\n", "to C\n"))
    said = json.loads(dewline("release", "check", "-d", data, "--json").expect(1).out)
    assert said[0]["list"] == name[:-5] and "not the one that its name says" in said[0]["wrong"], said
    write(at, text)
    # one that was put there by hand, with a good approval, and is in no log
    with open(os.path.join(data, "eve.json"), encoding="utf-8") as f:
        events = f.read()
    write(os.path.join(data, "eve.json"), events.replace('"event_type":"release"', '"event_type":"rehearse"'))
    assert "NOT approved: no record of it was committed" in dewline("release", "check", "-d", data).expect(1).out
    write(os.path.join(data, "eve.json"), events)
    dewline("release", "check", "-d", data).expect(0)
    os.remove(at[:-5] + ".approval")
    assert "NOT approved" in dewline("release", "check", "-d", data).expect(1).out
    assert dewline("release", "check", "-d", watched("kept-nothing")).expect(0).out == "Nothing has left.\n"


def test_a_draft_that_was_changed_does_not_leave():
    data = watched("changed")
    bundle = tap.only_file(os.path.join(data, "bundles"))
    text = read(bundle)
    at = text.index('"title":"') + 9
    write(bundle, text[:at] + ("X" if text[at] != "X" else "Y") + text[at + 1:])
    r = dewline("release", "write", "-d", data, "--to", "B", "--approve", "me", "-w", path("changed-out")).expect(1)
    assert "does not hold" in r.err and not os.path.exists(path("changed-out")), r


def test_what_makes_no_sense_is_said():
    data = watched("sense")
    for args, word in ((["list", "-d", data], "--to NAME"), (["list", "-d", data, "--to", "B", "--form", "fax"], "bulletin, page, stix, band and bundle"),
                       (["list", "-d", data, "--to", "B", "--bulletin", "B1-0"], "there is no bulletin B1-0"), (["write", "-d", data, "--to", "B"], "-w FOLDER"),
                       (["write", "-d", data, "--to", "B", "-w", path("x"), "--approve", ""], "--approve wants"),
                       (["list", "-d", data, "--to", "a\nb"], "control characters"), (["approve", path("nothing")], "--signer"),
                       (["approve", "--signer", path("k"), path("nothing")], "No such file"), (["approve"], "something is missing"), (["list", "x"], "too much"),
                       (["let", "x"], "list, write, log, approve, check"), (["list", "-d", path("nowhere"), "--to", "B"], "no dewline data folder")):
        assert word in dewline("release", *args).expect(2).err, (args, word)


# --- there is no other way ---

def test_every_writer_in_the_sources_is_known_and_only_the_gate_writes_for_others():
    doc = read(os.path.join(tap.SOURCE, "docs", "formats", "release.md"))
    rows = re.findall(r"(?m)^\| (`[^|]*\.c`) \| [^|]* \| ([^|]*) \|$", doc)
    known = {name: whom.strip() for names, whom in rows for name in re.findall(r"`([^`]*)`", names)}
    writers, makers = set(), {}
    for top in ("daemon", "console"):
        for d, _, names in os.walk(os.path.join(tap.SOURCE, "src", top)):
            for n in names:
                if not n.endswith(".c") or n.endswith(("_test.c", "_fuzz.c", "_bench.c")):
                    continue
                text, name = read(os.path.join(d, n)), os.path.relpath(os.path.join(d, n), os.path.join(tap.SOURCE, "src"))
                if re.search(r"\b(os_(file_(replace|replace_private|swap|put)|out_open|out_over)|cli_put)\(", text):
                    writers.add(name)
                for maker in ("bundle_encode", "stix_write_bundle", "bulletin_write_html", "disclose_grant", "bulletin_write_json"):
                    if re.search(rf"\b{maker}\(", text):
                        makers.setdefault(maker, set()).add(name)
    assert writers == set(known), f"not in docs/formats/release.md: {writers - set(known)}; no writer any more: {set(known) - writers}"
    assert [n for n, whom in known.items() if whom == "others"] == ["daemon/gate.c"], known
    # what makes something for others is a draft in the house, or goes through the gate in the same file
    for maker, files in makers.items():
        for f in files - {"daemon/watch_assess.c", "daemon/bundle.c", "daemon/verify.c"}:
            text = read(os.path.join(tap.SOURCE, "src", f))
            assert "gate_write(" in text or (f.startswith("console/") and f not in writers), (maker, f)


def test_no_command_lets_out_what_nobody_approved():
    """Under a policy of keys that are not here, every command that reads a data folder, with everything it can be asked."""
    data, out = watched("shut"), path("shut-out")
    os.makedirs(out)
    policy(data, officers("shut-keys", 1), 1)
    event = next(e for e in tap.eve(data) if e.get("event_type") == "alert")
    canaries = [event["alert"]["signature"].encode(), event["src_ip"].encode(), b'"station"', b"B1-", b"eyJhbGciOiJFZERTQSIs"]
    leaf = next(i for i, e in enumerate(tap.eve(data)) if e.get("event_type") == "alert")
    reader = write(path("shut.jwk"), dewline("disclose", "key", "-w", path("shut-secret.jwk")).expect(0).out)
    shown = path("shut-shown")
    before, bundle = size_of(data), tap.only_file(os.path.join(data, "bundles"))
    # which pseudonym there is, a folder that may open says
    other = shutil.copytree(data, path("shut-open"))
    os.unlink(os.path.join(other, "release.policy"))
    dewline("disclose", "open", "-d", other, "--leaf", leaf, "--field", "src_pseudonym", "--to", "B", "--approve", "me", "-w", shown).expect(0)
    pseudonym = next(f["disclosed"]["src_pseudonym"] for f in json.loads(dewline("verify", "--facts", "--json", shown).expect(0).out)["facts"]
                     if "src_pseudonym" in f["disclosed"])
    for args in (["release", "list", "--to", "B"], ["release", "write", "--to", "B", "-w", out], ["release", "write", "--to", "B", "-w", out, "--approve", "me"],
                 ["release", "log", "--to", "B", "--approve", "me"], ["release", "check"],
                 ["disclose", "open", "--leaf", leaf, "--field", "all", "--to", "B", "-w", out + "/b", "--approve", "me"],
                 ["disclose", "open", "--leaf", leaf, "--field", "all", "--to", "B", "-w", out + "/b", "--reader", reader, "--grant", out + "/g"],
                 ["seal", "make", "--title", "t", "--needs", 1, "--reader", "r=" + reader, "-w", out + "/s", bundle, "--approve", "me"],
                 ["seal", "make", "--title", "t", "--needs", 1, "--reader", "r=" + reader, "-w", out + "/s", bundle],
                 ["disclose", "open", "--leaf", leaf, "--field", "src_ip", "-w", out + "/b"],
                 ["disclose", "open", "--pseudonym", pseudonym, "--to", "B", "-w", out + "/b", "--approve", "me"],
                 ["disclose", "open", "--pseudonym", pseudonym, "--to", "B", "-w", out + "/b"]):
        r = dewline(*args, "-d", data)
        assert r.code in (0, 1) and (r.code == 1 or args[1] == "check"), r
    r = dewline("log", "serve", os.path.join(data, "log"), "--listen", "127.0.0.1:0", timeout=60).expect(1)
    left = [os.path.join(d, n) for d, _, names in os.walk(out) for n in names]
    assert not left and size_of(data) == before and not files_in(os.path.join(data, "releases")), left
    # the canaries are in the house: had anything leaked, it would have been seen
    inside = b"".join(read(os.path.join(d, n), "rb") for d, _, names in os.walk(data) for n in names)
    assert all(c in inside for c in canaries), [c for c in canaries if c not in inside]
    for name in ("bulletins", "stix", "bundles", "bands", "releases", "keys"):
        assert os.stat(os.path.join(data, name)).st_mode & 0o077 == 0, name


# Every subcommand that reads a data folder or writes files, and how what it writes comes to others.
WAYS = {
    "release": "gate", "disclose": "gate", "seal": "gate",  # tried, shut and open, above and below
    "log": "gate",  # serve and cosign ask for an approval of the whole log; the rest is about logs that others show
    "watch": "house", "bundle": "house", "station": "house", "expire": "house",  # into the data folder
    "sensor": "house", "collect": "house", "cut": "house", "rules": "house",  # events, packets, rules of this machine
    "treaty": "key",  # a party's own standards of proof, signed by who has its key; nothing out of a data folder
}


def test_every_subcommand_is_known_and_each_way_out_asks_for_an_approval():
    said = dewline("--help").expect(0).out
    commands = re.findall(r"(?m)^  ([a-z]+) {2,}[A-Z]", said.split("Commands:")[1].split("Examples:")[0])
    assert set(WAYS) <= set(commands), f"no command any more: {set(WAYS) - set(commands)}"
    for name in commands:
        text = dewline(name, "--help").expect(0).out
        assert name in WAYS or not re.search(r"(?m)^ +(-\w, )?--(write|data)\b", text), f"{name}: which way has what it writes?"
        asks = re.search(r"(?m)^ +(-\w, )?--approve NAME", text) is not None
        assert asks == (name in ("release", "disclose", "seal", "expire")), (name, asks)
    data, out = watched("ways"), path("ways-out")
    os.makedirs(out)
    plain, reader = write(path("ways-plain"), "all of it"), write(path("ways.jwk"), dewline("disclose", "key", "-w", path("ways-secret.jwk")).expect(0).out)
    leaf = next(i for i, e in enumerate(tap.eve(data)) if e.get("event_type") == "alert")
    for n, args in enumerate((["release", "write", "--to", "B"], ["disclose", "open", "--leaf", leaf, "--field", "alert", "--to", "B"],
                              ["seal", "make", "--title", "t", "--needs", 1, "--reader", "r=" + reader, plain])):
        target, before = os.path.join(out, str(n)), size_of(data)
        dewline(*args, "-d", data, "-w", target).expect(1)
        assert not os.path.exists(target) and size_of(data) == before, args
        dewline(*args, "-d", data, "-w", target, "--approve", "duty officer").expect(0)
        assert os.path.exists(target) and size_of(data) > before and len(released(data)) == n + 1, args
        assert released(data)[-1]["name"] == "duty officer", released(data)[-1]
        # not out of what is no house: from there, nobody could say who approved
        r = dewline(*args, "-d", path("no-house"), "-w", target + "x", "--approve", "me").expect(2)
        assert "no dewline data folder" in r.err and not os.path.exists(target + "x"), r
    served = dewline("log", "serve", os.path.join(data, "log"), "--listen", "127.0.0.1:0", timeout=60).expect(1)
    assert "nobody approved" in served.err, served


# --- sealed sensors ---

CLOCK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
	if (id != CLOCK_REALTIME)
		return (int)syscall(SYS_clock_gettime, id, t);
	t->tv_sec = 1795400000;
	t->tv_nsec = 123456789;
	return 0;
}
"""


def clock():
    """An environment in which the wall clock stands still: two runs of one moment."""
    if "clock" not in made:
        cc = shutil.which("cc") or tap.skip("no C compiler for a clock that stands still")
        made["clock"] = path("clock.so")
        subprocess.run([cc, "-shared", "-fPIC", "-o", made["clock"], write(path("clock.c"), CLOCK)], check=True)
    env = dict(os.environ, LD_PRELOAD=made["clock"])
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return env


def still(*args):
    p = subprocess.run([tap.DEWLINE, *map(str, args)], capture_output=True, text=True, env=clock(), timeout=300)
    assert p.returncode == 0, (args, p.stdout[-2000:], p.stderr[-2000:])
    return p


def demo_run(name, sealed):
    """Party C judges its bank's capture; or with a sensor of its own, sealed, at B's edge."""
    data = path(name)
    os.makedirs(path(name + "-in"))
    text = read(os.path.join(DEMO, "parties", "c.party"))
    captures = ["bank-c.pcap", "edge-a.pcap"]
    if sealed:
        at = text.index("contact ")
        text = text[:at] + 'sealed-station deep-hook place "canary: under the street"  # canary\n' + text[at:]
        shutil.copy(os.path.join(DEMO, "captures", "relay-b.pcap"), path(name + "-in", "deep-hook.pcap"))
    party = write(path(name + "-in", "c.party"), text)
    # same keys: one house, one moment, two worlds
    if "keys" in made:
        os.makedirs(data)
        for n in ("dewline-data", "keys"):
            (shutil.copytree if n == "keys" else shutil.copy)(os.path.join(made["keys"], n), os.path.join(data, n))
    args = ["watch", "-S", os.path.join(tap.SOURCE, "rules", "dewline.rules"), "--key", os.path.join(DEMO, "keys", "c.key"), "--data", data, "--party", party,
            "--no-system-tables", "-q"]
    for p in "ab":
        args += ["--party", os.path.join(DEMO, "parties", p + ".party")]
    for t in ("geo-1.csv", "geo-2.csv", "geo-as.csv"):
        args += ["--table", os.path.join(DEMO, t)]
    for t in ("cwlt", "budapest"):
        args += ["--treaty", os.path.join(tap.SOURCE, "treaties", t + ".treaty")]
    if sealed:  # first on the command line, so that it would be first in everything
        args += ["-r", path(name + "-in", "deep-hook.pcap")]
    for c in captures:
        args += ["-r", os.path.join(DEMO, "captures", c)]
    still(*args)
    made.setdefault("keys", data)
    return data


def two_worlds():
    if "worlds" not in made:
        made["worlds"] = demo_run("without", False), demo_run("with", True)
    return made["worlds"]


def served(log):
    """Every public name of a log's folder, as a web client gets it."""
    names = [os.path.relpath(os.path.join(d, n), log) for d, _, ns in os.walk(log) for n in ns]
    out = {}
    with weblog.Server("serve", log) as s:
        for n in sorted(names):
            number, head, body = s.ask("/" + n)
            head.pop("Date", None)
            out[n] = (number, head, body)
        assert s.end() == 0
    return out


def tree(folder):
    return {os.path.relpath(os.path.join(d, n), folder): read(os.path.join(d, n), "rb") for d, _, ns in os.walk(folder) for n in ns}


def test_two_runs_that_differ_in_a_sealed_sensor_give_the_same_bytes_but_for_the_band():
    without, with_it = two_worlds()
    assert tap.eve(without) == tap.eve(with_it), "what is public is committed alike"
    for name in ("bulletins", "stix", "bundles"):
        a, b = tree(os.path.join(without, name)), tree(os.path.join(with_it, name))
        assert a == b and a, name
    a, b = tree(os.path.join(without, "bands")), tree(os.path.join(with_it, "bands"))
    assert sorted(a) == sorted(b) and all(a[n] != b[n] for n in a), "the band does differ"
    # the log, before anything else happens, as anybody gets it: names, sizes, headers, bytes
    logs = []
    for data in (without, with_it):
        copy = shutil.copytree(os.path.join(data, "log"), path(os.path.basename(data) + "-log"))
        logs.append(served(copy))
    assert logs[0] == logs[1] and sum(v[0] == 200 for v in logs[0].values()) > 3, [n for n in logs[0] if logs[0].get(n) != logs[1].get(n)]


def test_what_is_released_of_the_two_is_the_same_but_for_the_band():
    outs = []
    for data in two_worlds():
        data = shutil.copytree(data, data + "-released")
        out = data + "-out"
        if outs:  # one house: one key that approves
            for n in ("keys/release.key", "release.vkey"):
                shutil.copy(os.path.join(two_worlds()[0] + "-released", n), os.path.join(data, n))
        still("release", "write", "-d", data, "--key", os.path.join(DEMO, "keys", "c.key"), "--to", "everybody", "--approve", "officer", "-w", out)
        still("release", "log", "-d", data, "--key", os.path.join(DEMO, "keys", "c.key"), "--to", "everybody", "--approve", "officer")
        outs.append((tree(out), served(os.path.join(data, "log"))))
    (a, log_a), (b, log_b) = outs
    assert sorted(a) == sorted(b) and len(a) == 5, (sorted(a), sorted(b))
    assert [n for n in a if a[n] != b[n]] == [n for n in a if n.endswith(".band.json")]
    # the release is in the log: the same names and sizes, and of the entries only that leaf's digests differ
    assert sorted(log_a) == sorted(log_b) and all(len(log_a[n][2]) == len(log_b[n][2]) for n in log_a if log_a[n][0] == 200)
    entries = [n for n in log_a if n.startswith("tile/entries") and log_a[n][0] == 200 and log_a[n][2] != log_b[n][2]]
    for n in entries:
        x, y = split_entries(log_a[n][2]), split_entries(log_b[n][2])
        assert len(x) == len(y) and sum(p != q for p, q in zip(x, y)) == 1, n


def split_entries(data):
    out = []
    while data:
        n = int.from_bytes(data[:2], "big")
        out.append(data[2:2 + n])
        data = data[2 + n:]
    return out


def test_nothing_that_leaves_names_the_sealed_sensor():
    _, data = two_worlds()
    marks = [b"deep-hook", b"canary", hashlib.sha256(read(os.path.join(DEMO, "captures", "relay-b.pcap"), "rb")).hexdigest().encode()]
    inside = tree(data)
    for mark in marks[:1] + marks[2:]:  # it is there, in its own folder
        assert any(mark in v for k, v in inside.items() if k.startswith("sealed-stations/")), mark
    for name, text in inside.items():
        if not name.startswith("sealed-stations/"):
            assert not [m for m in marks if m in text], name
    assert os.stat(os.path.join(data, "sealed-stations")).st_mode & 0o077 == 0
    bundle = tap.only_file(os.path.join(data, "bundles"))
    r = dewline("verify", "--json", "--facts", "--key", os.path.join(data, "log.vkey"), bundle).expect(0)
    assert "deep-hook" not in r.out


def test_the_band_holds_the_figures_of_all_evidence_at_the_edges_of_words():
    without, with_it = two_worlds()
    bulletin = json.loads(read(os.path.join(without, "bulletins", next(n for n in files_in(os.path.join(without, "bulletins")) if n.endswith(".json")))))
    bands = [json.loads(read(os.path.join(d, "bands", bulletin["id"] + ".json"))) for d in (without, with_it)]
    for band in bands:
        assert band["bulletin"] == bulletin["id"] and [i["number"] for i in band["incidents"]] == [i["number"] for i in bulletin["incidents"]]
        for i in band["incidents"]:
            for low, high in [i["event"]] + [f["joint"] for f in i["findings"]]:
                assert low in EDGES and high in EDGES and low < high, i
    # without sealed sensors they are the public figures, widened
    for i, public in zip(bands[0]["incidents"], bulletin["incidents"]):
        low, high = public["ladder"]["rungs"][0]["candidates"][0]["probability"]
        assert i["event"][0] <= low <= high <= i["event"][1] and EDGES.index(i["event"][1]) - EDGES.index(i["event"][0]) <= 7, (i, public["number"])
        told = [f for f in public["findings"] if f["applies"]]
        assert [f["clause"] for f in i["findings"]] == [f["clause"] for f in told]
        for f, g in zip(i["findings"], told):
            assert f["joint"][0] <= g["joint"][0] <= g["joint"][1] <= f["joint"][1], (f, g["joint"])
    # and the sealed one, which saw the same attack from elsewhere, does not make them weaker
    for x, y in zip(bands[0]["incidents"], bands[1]["incidents"]):
        assert y["event"][0] >= x["event"][0], (x, y)
    assert bands[0]["sealed"] != bands[1]["sealed"]


def test_what_is_past_its_clock_goes_in_both_and_is_counted_where_it_was():
    worlds = []
    for data in two_worlds():
        data = shutil.copytree(data, data + "-expired")
        p = still("expire", "-d", data, "--key", os.path.join(DEMO, "keys", "c.key"), "--before", "2100-01-01T00:00:00Z", "--approve", "officer", "--json")
        worlds.append((data, json.loads(p.stdout), {k: v for k, v in tree(data).items() if k == "eve.json" or k.startswith("log/")}))
    (_, without, a), (data, with_it, b) = worlds
    assert a == b and without["sealed"] == 0 < with_it["sealed"] and without["events"] == with_it["events"] > 0, (without, with_it)
    inner = os.path.join(data, "sealed-stations")
    left = [json.loads(x) for x in read(os.path.join(inner, "eve.json")).split("\n") if x.strip()]
    assert {e["event_type"] for e in left} <= {"input", "expiry"}, left
    record = next(e["expiry"] for e in left if e["event_type"] == "expiry")
    assert record["events"] == with_it["sealed"], record
    dewline("log", "check", os.path.join(inner, "log")).expect(0)


def test_what_the_band_rests_on_was_committed_and_can_be_opened():
    for data, sealed in zip(two_worlds(), (False, True)):
        band = json.loads(read(next(os.path.join(data, "bands", n) for n in files_in(os.path.join(data, "bands")) if n.endswith(".json"))))
        opening = os.path.join(data, "bands", band["bulletin"] + ".opening")
        assert os.stat(opening).st_mode & 0o077 == 0
        text = read(opening)
        digest = hashlib.sha256(text.encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == band["sealed"]
        salt, name, value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        assert name == "sealed" and len(salt) == 22
        assert value == (read(os.path.join(data, "sealed-stations", "log", "checkpoint")) if sealed else None)
    _, data = two_worlds()
    inner = os.path.join(data, "sealed-stations")
    dewline("log", "check", os.path.join(inner, "log")).expect(0)
    seen = tap.eve(inner)
    assert {e["station"] for e in seen} == {"deep-hook", "centre"} and any(e["event_type"] == "alert" for e in seen)
    # its events are opened as any, by the same gate, and the list says what that tells
    leaf = next(i for i, e in enumerate(seen) if e["event_type"] == "alert")
    r = dewline("disclose", "open", "-d", inner, "--leaf", leaf, "--field", "station", "--to", "court").expect(1)
    assert "station  tells the place: names the sensor" in r.out, r


def test_sealed_captures_that_are_broken_or_alone_or_many_change_nothing_public():
    d, capture, base = path("many"), os.path.join(CASE, "capture.pcap"), path("many", "base")
    os.makedirs(d)
    head = 'party us "Us"\nterritory XA\nnetwork 10.0.0.0/8\nstation capture\n'
    open_party = write(path("many", "us.party"), head)
    os.makedirs(path("many", "s"))
    sealed_party = write(path("many", "s", "us.party"), head + "sealed-station deep\nsealed-station deeper\nsealed-station told\n")
    for name in ("deep", "deeper"):
        shutil.copy(os.path.join(DEMO, "captures", "bank-c.pcap"), path("many", name + ".pcap"))
    write(path("many", "broken.pcap"), "no capture at all")

    def run(name, party, *more):
        data = path("many", name)
        if name != "base":
            os.makedirs(data)
            for n in ("dewline-data", "keys"):
                (shutil.copytree if n == "keys" else shutil.copy)(os.path.join(base, n), os.path.join(data, n))
        p = subprocess.run([tap.DEWLINE, "watch", "-S", os.path.join(CASE, "case.rules"), "--party", party, "--data", data, "--no-system-tables", "-q",
                            *more], capture_output=True, text=True, env=clock())
        public = {k: v for k, v in tree(data).items() if k.split("/")[0] in ("bulletins", "stix", "bundles", "eve.json", "log", "log.vkey", "station.jwks")}
        return p, public, data

    p, want, _ = run("base", open_party, "-r", capture)
    assert p.returncode == 0 and len(want) > 6, p
    p, got, data = run("two", sealed_party, "-r", path("many", "deep.pcap"), "-r", capture, "-r", path("many", "deeper.pcap"))
    assert p.returncode == 0 and got == want, [k for k in want if got.get(k) != want[k]]
    assert {e["station"] for e in tap.eve(os.path.join(data, "sealed-stations"))} == {"centre", "deep", "deeper"}
    # what cannot be read is said here, and nowhere else
    os.rename(path("many", "broken.pcap"), path("many", "deep.pcap"))
    p, got, _ = run("broken", sealed_party, "-r", path("many", "deep.pcap"), "-r", capture)
    assert p.returncode == 2 and "sealed stations: " in p.stderr and "not a capture" in p.stderr and got == want, p
    # flows that others told it are sealed by the same word
    write(path("many", "told.pcap"), "")
    p, got, _ = run("told", sealed_party, "-r", capture, "--flows", path("many", "told.pcap"))
    assert p.returncode == 2 and "sealed stations: " in p.stderr and got == want, p
    # nobody else was there: there is nothing to tell
    p, got, data = run("alone", sealed_party, "-r", path("many", "deeper.pcap"))
    assert p.returncode == 0 and "deeper" not in "".join(map(str, got.values())), p
    band = json.loads(read(next(os.path.join(data, "bands", n) for n in files_in(os.path.join(data, "bands")) if n.endswith(".json"))))
    assert band["incidents"] == [], band


def test_a_bundle_that_would_name_a_sealed_sensor_does_not_leave():
    """Not even if somebody who has the keys makes it: a party file with the line is refused at the gate."""
    data = path("named")
    party = write(path("named.party"), 'party us "Us"\nterritory XA\nnetwork 10.0.0.0/8\nsealed-station other\n')
    dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--party", party, "--data", data,
            "--no-system-tables", "-q").expect(0)
    bundle = tap.only_file(os.path.join(data, "bundles"))
    b = json.loads(read(bundle))
    assert "sealed-station" not in b["parties"][0]["text"] and b["parties"][0]["text"].endswith("10.0.0.0/8\n"), b["parties"]
    b["parties"][0]["text"] = read(party)
    write(bundle, json.dumps(b, separators=(",", ":"), ensure_ascii=False))
    r = dewline("release", "list", "-d", data, "--to", "B").expect(1)
    assert "does not hold" in r.err, r


if __name__ == "__main__":
    tap.main(globals())
