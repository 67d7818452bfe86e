#!/usr/bin/env python3
"""Fields of committed events, opened to a reader: what that tells, who approved it, what the reader can check and show on."""
import base64
import ipaddress
import json
import os

import tap
from tap import dewline

CASE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")


def watched(folder):
    """A data folder with two alerts in it; the leaf of the first, which is that of sid 3 or 1."""
    data = os.path.join(folder, "data")
    dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--data", data,
            "--no-system-tables", "-q").expect(0)
    leaves = [i for i, e in enumerate(tap.eve(data)) if e.get("event_type") == "alert"]
    assert len(leaves) == 2, leaves
    return data, leaves


def size_of(data):
    with open(os.path.join(data, "log", "checkpoint"), encoding="utf-8") as f:
        return int(f.read().split("\n")[1])


def opened(data, bundle, *args):
    return dewline("disclose", "open", "-d", data, "-w", bundle, "--to", "CERT B", "--ground", "request 17", "--approve", "duty officer", *args)


def facts(bundle):
    r = dewline("verify", "--json", "--facts", bundle).expect(0)
    return {f["leaf"]: f["disclosed"] for f in json.loads(r.out)["facts"]}


def test_without_approval_what_it_tells_is_listed_and_nothing_leaves():
    with tap.folder() as d:
        data, leaves = watched(d)
        before, bundle = size_of(data), os.path.join(d, "b")
        r = dewline("disclose", "open", "-d", data, "--leaf", leaves[0], "--field", "alert", "--field", "src_ip", "--field", "proto", "-w", bundle)
        r.expect(1)
        assert "alert.signature_id  tells the rule:" in r.out and "src_ip  tells the place:" in r.out, r
        assert "Nothing has left" in r.out and not os.path.exists(bundle) and size_of(data) == before, r
        told = json.loads(dewline("disclose", "open", "-d", data, "--leaf", leaves[0], "--field", "all", "--json").expect(1).out)
        assert not told["done"] and not told["addresses"], told
        tells = {t["field"]: t["tells"] for t in told["told"]}
        assert tells["timestamp"] == "place" and tells["proto"] == "nothing" and "src_pseudonym" in tells and "src_ip" not in tells, tells


def test_a_stranger_sees_the_opened_fields_and_that_they_were_committed():
    with tap.folder() as d:
        data, leaves = watched(d)
        bundle = os.path.join(d, "opened.bundle")
        opened(data, bundle, "--leaf", leaves[0], "--field", "timestamp", "--field", "alert.signature_id").expect(0)
        with open(os.path.join(data, "log.vkey"), encoding="utf-8") as f:
            r = dewline("verify", "--key", f.read().strip(), bundle).expect(0)
        assert "yes: the facts in this bundle were committed as shown; it holds no verdict" in r.out, r
        assert "station certificates" in r.out, r
        seen, event = facts(bundle), tap.eve(data)[leaves[0]]
        assert seen[leaves[0]] == {"timestamp": event["timestamp"], "alert": {"signature_id": event["alert"]["signature_id"]}}, seen
        # the opening itself is among them, and it is what the log has
        said = [f["disclosure"] for f in seen.values() if f.get("event_type") == "disclosure"]
        assert tap.eve(data)[said[0].pop("release")]["event_type"] == "release"
        assert said == [{"addresses": False, "approved_by": "duty officer", "fields": ["timestamp", "alert.signature_id"],
                         "ground": "request 17", "leaves": [leaves[0]], "to": "CERT B"}], said
        text = open(bundle, encoding="utf-8").read()
        assert event["alert"]["signature"] not in text and event["src_ip"] not in text
        dewline("log", "check", os.path.join(data, "log")).expect(0)


def test_addresses_leave_as_pseudonyms_until_one_is_opened():
    with tap.folder() as d:
        data, leaves = watched(d)
        bundle = os.path.join(d, "b")
        both = [a for leaf in leaves for a in ("--leaf", leaf)]
        opened(data, bundle, *both, "--field", "all").expect(0)
        seen, events = facts(bundle), tap.eve(data)
        for leaf in leaves:
            assert "src_ip" not in seen[leaf] and "dest_ip" not in seen[leaf], seen[leaf]
            assert seen[leaf]["src_pseudonym"] != events[leaf]["src_ip"], seen[leaf]
        # one address, one pseudonym; what two addresses share, their pseudonyms share
        of = {}
        for leaf in leaves:
            for end in ("src", "dest"):
                of.setdefault(events[leaf][end + "_ip"], set()).add(seen[leaf][end + "_pseudonym"])
        assert all(len(s) == 1 for s in of.values()) and len(of) == 2, of
        (a, pa), (b, pb) = [(int(ipaddress.ip_address(k)), int(ipaddress.ip_address(v.pop()))) for k, v in of.items()]
        assert (a ^ b).bit_length() == (pa ^ pb).bit_length(), of
        opened(data, bundle, "--leaf", leaves[0], "--field", "src_ip", "--field", "src_pseudonym").expect(0)
        seen = facts(bundle)
        assert seen[leaves[0]]["src_ip"] == events[leaves[0]]["src_ip"], seen
        said = [f["disclosure"] for f in seen.values() if "disclosure" in f]
        assert said[0]["addresses"] and said[0]["fields"] == ["src_ip", "src_pseudonym"], said
        assert [e["disclosure"]["addresses"] for e in tap.eve(data) if e.get("event_type") == "disclosure"] == [False, True]


def test_a_granted_request_opens_exactly_one_address_and_the_log_says_so():
    """A reader has pseudonyms; he asks who one of them is; he learns that one, of that event, and nobody can say that it was not told."""
    with tap.folder() as d:
        data, leaves = watched(d)
        both = [a for leaf in leaves for a in ("--leaf", leaf)]
        shown, answer = os.path.join(d, "shown"), os.path.join(d, "answer")
        fields = ["timestamp", "src_pseudonym", "dest_pseudonym", "proto"]
        opened(data, shown, *both, *[x for f in fields for x in ("--field", f)]).expect(0)
        seen, events = facts(shown), tap.eve(data)
        addresses = {events[leaf][e] for leaf in leaves for e in ("src_ip", "dest_ip")}
        assert len(addresses) == 2
        # what he has names no address: not the file, not a disclosure in it, not the list that was approved
        def told(path):
            text = open(path, encoding="utf-8").read()
            decoded = [base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)).decode() for f in json.loads(text)["facts"] for x in f["disclosures"]]
            return {a for a in addresses if a in text or any(f'"{a}"' in x for x in decoded)}
        assert told(shown) == set(), told(shown)
        lists = [os.path.join(data, "releases", n) for n in os.listdir(os.path.join(data, "releases")) if n.endswith(".list")]
        assert len(lists) == 1 and "addresses 0" in open(lists[0], encoding="utf-8").read()
        # the request: who is this? It is granted for one end of one event
        asked, before = seen[leaves[0]]["src_pseudonym"], size_of(data)
        opened(data, answer, "--leaf", leaves[0], "--field", "src_ip", "--field", "src_pseudonym").expect(0)
        assert told(answer) == {events[leaves[0]]["src_ip"]}, told(answer)
        got = facts(answer)[leaves[0]]
        assert got == {"src_ip": events[leaves[0]]["src_ip"], "src_pseudonym": asked}, got
        assert leaves[1] not in facts(answer)
        # the log has it, before the file was there: whose yes, to whom, which leaf, that it was an address
        new = [e for e in tap.eve(data)[before:] if e["event_type"] in ("release", "disclosure")]
        assert [e["event_type"] for e in new] == ["release", "disclosure"], new
        said = new[1]["disclosure"]
        assert said["addresses"] and said["leaves"] == [leaves[0]] and said["to"] == "CERT B" and said["ground"] == "request 17", said
        text = open(os.path.join(data, "releases", new[0]["release"]["list"] + ".list"), encoding="utf-8").read()
        assert [x for x in text.split("\n") if x.startswith("address ")] == ["address " + events[leaves[0]]["src_ip"]], text
        dewline("log", "check", os.path.join(data, "log")).expect(0)


def test_a_changed_bundle_of_facts_is_refused():
    with tap.folder() as d:
        data, leaves = watched(d)
        bundle = os.path.join(d, "b")
        opened(data, bundle, "--leaf", leaves[0], "--field", "alert").expect(0)
        with open(bundle, encoding="utf-8") as f:
            b = json.load(f)
        fact = next(f for f in b["facts"] if f["leaf"] == leaves[0])
        one = json.loads(base64.urlsafe_b64decode(fact["disclosures"][1] + "=="))
        one[2] = 999999
        fact["disclosures"][1] = base64.urlsafe_b64encode(json.dumps(one, separators=(",", ":")).encode()).decode().rstrip("=")
        with open(bundle, "w", encoding="utf-8") as f:
            json.dump(b, f, separators=(",", ":"), ensure_ascii=False)
        r = dewline("verify", bundle).expect(1)
        assert '"facts"' in r.out and "the JWT does not commit to disclosure 1" in r.out, r


def test_what_is_not_there_is_said():
    with tap.folder() as d:
        data, leaves = watched(d)
        r = dewline("disclose", "open", "-d", data, "--leaf", leaves[0], "--field", "color").expect(2)
        assert 'no event here has a field "color"' in r.err and "timestamp" in r.err, r
        r = dewline("disclose", "open", "-d", data, "--leaf", 100000, "--field", "all").expect(2)
        assert "there is no leaf 100000" in r.err, r
        r = dewline("disclose", "open", "-d", os.path.join(d, "nowhere"), "--leaf", 0, "--field", "all").expect(2)
        assert "no dewline data folder" in r.err and not os.path.exists(os.path.join(d, "nowhere")), r
        for args, word in ((["open"], "--leaf"), (["open", "--leaf", "x", "--field", "all"], "--leaf x"), (["open", "--leaf", 1], "--field"),
                           (["open", "--leaf", 1, "--field", "all", "--approve", "me"], "--to"), (["shut"], "open, key, bind, read"),
                           (["read"], "something is missing"), (["key"], "-w FILE"), (["bind", "x"], "--reader-key")):
            r = dewline("disclose", *args).expect(2)
            assert word in r.err, r


def test_an_event_that_is_gone_can_be_proved_and_not_opened():
    with tap.folder() as d:
        data, leaves = watched(d)
        path = os.path.join(data, "eve.json")
        lines = open(path, encoding="utf-8").read().split("\n")
        kept = list(lines)
        lines[leaves[0]] = "{}"
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        r = opened(data, os.path.join(d, "b"), "--leaf", leaves[0], "--field", "all").expect(2)
        assert f"leaf {leaves[0]} is in the log" in r.err and "it can be proved, and not opened" in r.err, r
        opened(data, os.path.join(d, "b"), "--leaf", leaves[1], "--field", "all").expect(0)
        # lines that a run wrote and did not live to commit stand in front: the event is found behind them
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(['{"a":1}'] * 3 + kept))
        opened(data, os.path.join(d, "b"), "--leaf", leaves[0], "--field", "all").expect(0)


def test_a_grant_is_shown_on_by_its_reader_only():
    with tap.folder() as d:
        data, leaves = watched(d)
        secret, public, other, grant = (os.path.join(d, n) for n in ("secret.jwk", "reader.jwk", "other.jwk", "grant.sd-jwt"))
        with open(public, "w", encoding="utf-8") as f:
            f.write(dewline("disclose", "key", "-w", secret).expect(0).out)
        assert os.stat(secret).st_mode & 0o077 == 0 and '"d"' not in open(public, encoding="utf-8").read()
        assert "never written over" in dewline("disclose", "key", "-w", secret).expect(2).err
        dewline("disclose", "key", "-w", other).expect(0)
        opened(data, os.path.join(d, "b"), "--leaf", leaves[0], "--field", "alert", "--field", "timestamp", "--reader", public,
               "--grant", grant, "--until", "2100-01-01T00:00:00Z").expect(0)
        assert os.stat(grant).st_mode & 0o077 == 0
        issuer = os.path.join(data, "station.jwks")
        r = dewline("disclose", "read", "--issuer", issuer, "--json", grant).expect(0)
        got = json.loads(r.out)
        event = tap.eve(data)[leaves[0]]
        assert got["claims"]["event"]["alert"]["signature_id"] == event["alert"]["signature_id"], got
        assert got["claims"]["leaf"]["index"] == leaves[0] and got["typ"] == "dewline-grant+sd-jwt" and got["hidden"] == 0, got
        assert got["holder_proved"] is False and "src_ip" not in r.out, got
        # part of it, shown to a court by its reader
        jwt, *parts = open(grant, encoding="utf-8").read().strip().split("~")
        part = os.path.join(d, "part")
        with open(part, "w", encoding="utf-8") as f:
            f.write("~".join([jwt, parts[0], ""]))
        shown = os.path.join(d, "shown")
        dewline("disclose", "bind", "--reader-key", secret, "--audience", "court", "--nonce", "8f2c", "-w", shown, part).expect(0)
        ask = ("disclose", "read", "--issuer", issuer, "--audience", "court", "--nonce", "8f2c")
        assert "shown by the holder of key " + got["holder"] in dewline(*ask, shown).expect(0).out
        assert "no key binding" in dewline(*ask, grant).expect(1).err
        assert "(nonce)" in dewline(*ask[:-1], "8f2d", shown).expect(1).err
        dewline("disclose", "bind", "--reader-key", other, "--audience", "court", "--nonce", "8f2c", "-w", shown, part).expect(0)
        assert "key binding: the JWT's signature" in dewline(*ask, shown).expect(1).err
        assert "signature is by none" in dewline("disclose", "read", "--issuer", public, grant).expect(1).err


if __name__ == "__main__":
    tap.main(globals())
