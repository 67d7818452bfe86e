#!/usr/bin/env python3
"""Pseudonyms: no address of a party's own networks leaves it, the verdict is the same, and one is opened on request, which the log says."""
import base64
import hashlib
import json
import os
import re
import shutil

import tap
from tap import dewline

DEMO = os.path.join(tap.SOURCE, "demo")
NET = "203.0.113."
KEY = ("--key", os.path.join(DEMO, "keys", "c.key"))
SECRET = "5a" * 32 + "\n"  # of the pseudonyms: with one in fifteen secrets, one address of eight hidden bits stands for itself (decision 0025)
work = tap.folder()
made = {}


def path(*names):
    return os.path.join(work.name, *names)


def read(name):
    with open(name, "rb") as f:
        return f.read()


def parties(c="c"):
    """C's centre, which reads what B's and A's stations saw as well."""
    return [x for name in (c, "b", "a")
            for x in ("--party", os.path.join(DEMO, "parties", name + ".party") if len(name) == 1 else name)]


def watch(data, *args, party="c"):
    captures = [x for n in ("edge-a", "relay-b", "bank-c") for x in ("-r", os.path.join(DEMO, "captures", n + ".pcap"))]
    r = dewline("watch", *captures, "-S", os.path.join(tap.SOURCE, "rules", "dewline.rules"), *parties(party), *KEY, "--data", data, "--no-system-tables", "--table", os.path.join(DEMO, "geo-1.csv"), *args)
    return r


def place(name):
    """A data folder with nothing to tell yet, whose pseudonyms are those of SECRET."""
    data = path(name)
    dewline("watch", "-r", os.path.join(tap.SOURCE, "tests", "golden", "http-alert", "capture.pcap"), "--data", data, *KEY, "--no-system-tables", "-q").expect(0)
    for kind in ("bulletins", "stix", "bundles", "bands", "made"):
        for n in os.listdir(os.path.join(data, kind)):
            os.unlink(os.path.join(data, kind, n))
    with open(os.path.join(data, "keys", "pseudonym.secret"), "w") as f:
        f.write(SECRET)
    return data


def hidden(name="hidden"):
    """A data folder with a bulletin in which C's addresses are pseudonyms."""
    if "hidden" not in made:
        made["hidden"] = data = place("made")
        watch(data, "--pseudonyms", "-q").expect(0)
    return shutil.copytree(made["hidden"], path(name))


def machines(data):
    """C's machines, as the house knows them."""
    return sorted({e[k] for e in tap.eve(data) for k in ("src_ip", "dest_ip") if e.get(k, "").startswith(NET)})


def opened(data):
    """All bytes, and all that base64 hides in them, layer by layer."""
    seen = [data]
    for layer in seen:
        if len(seen) > 200000:
            raise AssertionError("no end of layers")
        for run in re.findall(rb"[A-Za-z0-9_+/-]{24,}", layer):
            for alphabet in (base64.urlsafe_b64decode, base64.b64decode):
                try:
                    plain = alphabet(run + b"=" * (-len(run) % 4))
                except ValueError:
                    continue
                if sum(32 <= c < 127 for c in plain) > 0.9 * len(plain):
                    seen.append(plain)
                    break
    return b"\n".join(seen)


def canaries(data, *files):
    """What is found of C's machines' addresses in these files."""
    names = machines(data)
    assert len(names) >= 2, names
    everything = b"\n".join(opened(read(f)) for f in files)
    return [n for n in names if re.search(rb"(?<![0-9.])" + re.escape(n.encode()) + rb"(?![0-9])", everything)]


def walk(folder):
    return [os.path.join(d, n) for d, _, names in os.walk(folder) for n in names]


def test_the_canary_is_found_where_nothing_is_hidden():
    data = path("open")
    watch(data, "-q").expect(0)
    for kind in ("bulletins", "stix", "bundles"):
        for f in walk(os.path.join(data, kind)):
            assert canaries(data, f) != [], f


def test_no_address_of_ones_own_leaves_in_any_byte():
    data, out = hidden("canary"), path("canary-out")
    r = dewline("release", "write", "-d", data, *KEY, "--to", "everybody", "--approve", "us", "-w", out).expect(0)
    files = walk(out)
    assert len(files) == 5, files
    dewline("release", "log", "-d", data, *KEY, "--to", "everybody", "--approve", "us").expect(0)
    files += [f for f in walk(os.path.join(data, "log")) if not f.endswith("lock")]
    # fields of events for a reader, all but what leaves by its own name only; a bundle made again; an item for reviewers
    facts, item = path("canary-facts"), path("canary-item")
    events = [i for i, e in enumerate(tap.eve(data)) if e["event_type"] in ("alert", "anomaly") and NET in json.dumps(e)
              and e.get("party") in ("A", "B", "C")][:20]
    dewline("disclose", "open", "-d", data, *KEY, *[x for i in events for x in ("--leaf", i)], "--field", "all", "--to", "B", "--approve", "us", "-w", facts).expect(0)
    dewline("bundle", "-d", data, *KEY).expect(0)
    again = tap.only_file(os.path.join(data, "bundles"))
    reader = path("reader.jwk")
    with open(reader, "w", encoding="utf-8") as f:
        f.write(dewline("disclose", "key", "-w", path("reader.secret")).expect(0).out)
    dewline("seal", "make", "--title", "t", "--needs", 1, "--reader", "r=" + reader, "-d", data, *KEY, "--approve", "us", "-w", item, again).expect(0)
    listed = [f for f in walk(os.path.join(data, "releases"))]
    assert len(events) > 10 and len(listed) >= 8, (events, listed)
    assert canaries(data, *files, again, item, *listed) == []
    assert "sum " in r.out and "pseudonyms 1" in r.out, r
    assert not any(x.startswith("address " + NET) and x != "address " + NET + "0/24" for x in r.out.split("\n")), r


def test_what_is_opened_as_all_fields_has_no_address_either():
    data, facts = hidden("all"), path("all-facts")
    events = [i for i, e in enumerate(tap.eve(data)) if e["event_type"] in ("alert", "anomaly", "flow", "http", "dns") and NET in json.dumps(e)][:200]
    dewline("disclose", "open", "-d", data, *KEY, *[x for i in events for x in ("--leaf", i)], "--field", "all", "--to", "B", "--approve", "us", "-w", facts).expect(0)
    assert canaries(data, facts) == []


def with_names(bulletin, names):
    text = json.dumps(bulletin, sort_keys=True)
    for pseudonym, address in names.items():
        text = re.sub(re.escape(pseudonym) + r"(?![0-9])", address, text)
    return json.loads(text)


def test_the_verdict_is_the_one_that_follows_from_the_addresses():
    data, plain = hidden("verdict"), path("plain")
    watch(plain, "-q").expect(0)
    said, other = (json.loads(read(tap.only_file(os.path.join(d, "bulletins")).replace(".html", ".json")))
                   if len(os.listdir(os.path.join(d, "bulletins"))) == 1 else
                   json.loads(read(next(f for f in walk(os.path.join(d, "bulletins")) if f.endswith(".json")))) for d in (data, plain))
    assert said["pseudonyms"] == [NET + "0/24"] and "pseudonyms" not in other
    pseudonym = said["incidents"][0]["target"]
    assert pseudonym.startswith(NET) and pseudonym != other["incidents"][0]["target"] == NET + "10", said["incidents"][0]["target"]
    named = with_names(said, {pseudonym: NET + "10"})

    def judged(b):
        """All that is about what happened; leaves and hashes are of another log and another text."""
        cases = json.loads(re.sub(r'"leaf": \d+', '"leaf": 0', re.sub(r'"leaves": \[[0-9, ]*\]', '"leaves": []', json.dumps(b["incidents"]))))
        return cases, b["counting"], b["coverage"], b["public_only"], b["period"]
    assert judged(named) == judged(other)
    bundle = tap.only_file(os.path.join(data, "bundles"))
    r = dewline("verify", bundle).expect(0)
    assert "ok  opened pseudonyms: none: " in r.out and "computed again" in r.out, r
    # whoever reads it is told
    for f in walk(os.path.join(data, "bulletins")):
        assert b"pseudonyms" in read(f), f
    stix = json.loads(read(tap.only_file(os.path.join(data, "stix"))))
    names = [o.get("name") for o in stix["objects"] if o["type"] == "infrastructure"]
    assert pseudonym + " (pseudonym)" in names, names
    assert not [o for o in stix["objects"] if o["type"] == "ipv4-addr" and o["value"].startswith(NET)]


def test_one_is_opened_the_log_says_so_and_a_stranger_sees_that_it_holds():
    data, out = hidden("one"), path("one.bundle")
    said = json.loads(next(read(f) for f in walk(os.path.join(data, "bulletins")) if f.endswith(".json")))
    pseudonym = said["incidents"][0]["target"]
    ask = ("disclose", "open", "-d", data, *KEY, "--pseudonym", pseudonym, "--to", "CERT B", "--ground", "request 17")
    r = dewline(*ask, "-w", out).expect(1)
    assert "Nothing has left" in r.out and not os.path.exists(out), r
    r = dewline(*ask, "--approve", "us", "-w", out).expect(0)
    v = dewline("verify", "--facts", "--json", out).expect(0)
    facts = [f["disclosed"] for f in json.loads(v.out)["facts"]]
    ends = [f for f in facts if any(k.endswith("_pseudonym") for k in f)]
    assert len(ends) == 1 and sorted(ends[0].values()) == sorted([NET + "10", pseudonym]), ends
    record = [e["disclosure"] for e in tap.eve(data) if e.get("event_type") == "disclosure"]
    assert len(record) == 1 and record[0]["pseudonym"] == pseudonym and record[0]["to"] == "CERT B" and record[0]["addresses"], record
    assert canaries(data, out) == [NET + "10"]  # that one, and no other
    check = next(x for x in dewline("verify", out).expect(0).out.split("\n") if "opened pseudonyms" in x)
    assert f'1: "{pseudonym}" stands for "{NET}10"' in check, check
    # the same leaf with its pseudonym alone is in everybody's bundle: it is the same machine
    shown = json.loads(dewline("verify", "--facts", "--json", tap.only_file(os.path.join(data, "bundles"))).expect(0).out)["facts"]
    assert any(pseudonym in (f["disclosed"].get("src_pseudonym"), f["disclosed"].get("dest_pseudonym")) for f in shown)
    assert not any(NET in json.dumps([f["disclosed"].get("src_ip"), f["disclosed"].get("dest_ip")]) for f in shown)
    for wrong, word in (("203.0.113.300", "is no pseudonym"), ("203.0.113.10", "no event in"), ("10.0.0.1", "no event in")):
        if wrong == pseudonym:
            continue
        r = dewline("disclose", "open", "-d", data, *KEY, "--pseudonym", wrong, "--to", "B").expect(2)
        assert word in r.err, r


def test_an_opening_that_no_record_tells_of_is_refused():
    data, out = hidden("untold"), path("untold.bundle")
    pseudonym = json.loads(next(read(f) for f in walk(os.path.join(data, "bulletins")) if f.endswith(".json")))["incidents"][0]["target"]
    dewline("disclose", "open", "-d", data, *KEY, "--pseudonym", pseudonym, "--to", "B", "--approve", "us", "-w", out).expect(0)
    bundle = json.loads(read(out))
    facts = [f for f in bundle["facts"] if "disclosure" not in " ".join(
        base64.urlsafe_b64decode(d + "=" * (-len(d) % 4)).decode() for d in f["disclosures"])]
    assert len(facts) == len(bundle["facts"]) - 1
    bundle["facts"] = facts
    sums = bundle["unchanged"]

    def text(v):
        return json.dumps(v, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    sums["facts"] = hashlib.sha256(text(facts).encode()).hexdigest()
    with open(out, "w", encoding="utf-8") as f:
        f.write(text(bundle))
    r = dewline("verify", out).expect(1)
    assert "NO  opened pseudonyms" in r.out or "opened pseudonyms: leaf" in r.out, r
    assert "no leaf here says to whom that was opened" in r.out, r


def test_a_partys_file_says_it_too_and_a_registers_machines_are_those_of_the_facts():
    mine = path("c.party")
    text = read(os.path.join(DEMO, "parties", "c.party")).decode()
    with open(mine, "w", encoding="utf-8") as f:
        f.write(text + "\n# 203.0.113.25 is the clerk\npseudonyms 203.0.113.0/24\n")
    data = place("file")
    watch(data, "-q", party=mine).expect(0)
    bundle = json.loads(read(tap.only_file(os.path.join(data, "bundles"))))
    shown = next(p["text"] for p in bundle["parties"] if p["name"] == "c.party")
    assert "pseudonyms 203.0.113.0/24" in shown and "network 203.0.113.0/24" in shown, shown
    said = json.loads(bundle["bulletin"] if isinstance(bundle["bulletin"], str) else json.dumps(bundle["bulletin"]))
    target = said["incidents"][0]["target"]
    assert "# 203.0.113.25 " not in shown and target != NET + "10", shown
    assert "asset 203.0.113.10" in text and f"asset {target}" in shown, (target, shown)
    claims = {c["atom"]: c["probability"] for c in said["incidents"][0]["claims"]}
    assert claims["financial_target"][0] >= 0.9, claims
    dewline("verify", tap.only_file(os.path.join(data, "bundles"))).expect(0)


def test_sealed_and_withheld_stations_go_together_with_pseudonyms():
    data = place("both")
    watch(data, "-q", "--pseudonyms", "--withhold", "relay-b").expect(0)
    withheld = tap.only_file(os.path.join(data, "withheld"))
    dewline("verify", withheld).expect(0)
    assert canaries(data, withheld) == []
    shown = json.loads(dewline("verify", "--facts", "--json", withheld).expect(0).out)["facts"]
    assert not any(f["disclosed"].get(k, "").startswith(NET) for f in shown for k in ("src_ip", "dest_ip"))


def test_networks_that_cannot_have_pseudonyms_are_named():
    mine = path("bad.party")
    for lines, word in (("network 203.0.113.128/25\npseudonyms 203.0.113.0/24\n", "a network that holds no other of the party's"),
                        ("pseudonyms 203.0.0.0/16\n", "one of the party's networks")):
        with open(mine, "w", encoding="utf-8") as f:
            f.write('party C "Cerria"\nterritory XC\nnetwork 203.0.113.0/24\n' + lines)
        r = watch(path("bad"), party=mine).expect(2)
        assert word in r.err, r
    with open(mine, "w", encoding="utf-8") as f:
        f.write('party C "Cerria"\nterritory XC\nnetwork 198.51.0.0/16\npseudonyms 198.51.0.0/16\n')
    r = watch(path("bad"), party=mine).expect(2)
    assert "198.51.100.0/24 of a party is in it" in r.err, r


if __name__ == "__main__":
    tap.main(globals())
