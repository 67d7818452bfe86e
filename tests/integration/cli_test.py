"""The command line as its user meets it."""
import json
import os
import struct

import tap
from tap import dewline

COMMANDS = ["watch", "sensor", "verify", "count", "rules", "treaty", "log", "list"]


def test_help_names_every_command():
    r = dewline("--help").expect(0)
    for c in COMMANDS:
        assert f"\n  {c} " in r.out, c


def test_each_command_teaches_by_example():
    for c in COMMANDS:
        r = dewline(c, "--help").expect(0)
        assert r.out.startswith(f"usage: dewline {c} ") and "Examples:\n  " in r.out, r
        assert max(map(len, r.out.split("\n"))) <= 120, c


def test_mistakes_say_what_to_do():
    cases = [((), "usage:"), (("wach",), "--help lists them"), (("watch", "--treety", "x"), "no option --treety"),
             (("watch",), "-r FILE"), (("watch", "-r"), "wants a value"), (("verify",), "usage: dewline verify"),
             (("watch", "--json=1", "-r", "x"), "takes no value"), (("list", "stars"), "there are: protocols"),
             (("watch", "--data", "a", "--data", "b", "-r", "x"), "given twice"),
             (("sensor", "-T"), "-S FILE"), (("verify", "no-such-file"), "no-such-file")]
    for args, text in cases:
        r = dewline(*args).expect(2)
        assert text in r.err and r.out == "", r


def test_version_is_one_line():
    assert dewline("--version").expect(0).out.startswith("dewline 0.")


def test_lists_are_not_empty():
    for name, word in [("protocols", "http"), ("buffers", "http.uri"), ("detectors", "beacon"),
                       ("events", "decoder.ipv4."), ("treaties", "cwlt")]:
        assert word in dewline("list", name).expect(0).out, name


def test_events_are_counted_by_every_rule():
    def alert(minute):
        return json.dumps({"timestamp": f"2026-11-22T0{minute // 60}:{minute % 60:02}:00.000000+0000", "event_type": "alert",
                           "src_ip": "192.0.2.1", "dest_ip": "10.0.0.1", "proto": "TCP",
                           "alert": {"gid": 1, "signature_id": 1, "rev": 1, "signature": "s", "category": "Attempted Administrator "
                                     "Privilege Gain", "classtype": "attempted-admin", "severity": 1, "action": "allowed"}})

    with tap.folder() as d:
        path = os.path.join(d, "eve.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join([alert(0), alert(20), "", '{"event_type":"stats"}', alert(90), '{"cut']))
        r = dewline("count", "--json", path).expect(0)
        n = json.loads(r.out)
        assert {x["rule"]: x["incidents"] for x in n["rules"]} == {"actor-target-30m": 2, "event": 3, "actor-24h": 1}, r
        assert n["events"] == 3 and "1 of 5 lines" in r.err, r
        assert "3.0 times the lowest" in dewline("count", path).expect(0).out
        dewline("count", os.path.join(d, "none")).expect(2)
        with open(path, "w", encoding="utf-8") as f:
            f.write("this is no event\n")
        dewline("count", path).expect(1)


def test_detectors_speak_where_they_are_asked_to():
    def syn(port):
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, bytes((192, 0, 2, 1)), bytes((10, 0, 0, 1)))
        packet = ip + struct.pack(">HHIIBBHHH", 40000, port, 1, 0, 0x50, 2, 1024, 0, 0)
        return struct.pack("<IIII", 1_700_000_000 + port, 0, len(packet), len(packet)) + packet

    with tap.folder() as d:
        path = os.path.join(d, "scan.pcap")
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101) + b"".join(syn(p) for p in range(1, 16)))
        for i, (sets, said, problem) in enumerate([
                ((), 0, ""), (("anomaly.enabled=yes",), 1, ""), (("anomaly.enabled=no",), 0, ""),
                (("anomaly.enabled=yes", "anomaly.scan.enabled=no"), 0, ""),
                (("anomaly.enabled=yes", "anomaly.scan.ports=16"), 0, ""),
                (("anomaly.enabled=yes", "anomaly.exempt.0=192.0.2.0/24"), 0, ""),
                (("anomaly.enabled=yes", "anomaly.scan.ports=1000"), 1, "anomaly.scan.ports"),
                (("anomaly.enabled=yes", "anomaly.exempt.0=nobody"), 1, "anomaly.exempt.0")]):
            out = os.path.join(d, str(i))
            os.mkdir(out)
            args = [w for s in sets for w in ("--set", s)]
            r = dewline("sensor", "-k", "none", "--disable-detection", "-r", path, "-l", out, *args).expect(0)
            found = [e["anomaly"] for e in tap.eve(out) if e["event_type"] == "anomaly"]
            assert len(found) == said and problem in r.err, (sets, found, r)
            for a in found:
                assert (a["type"], a["event"], a["detector"], a["measure"]) == ("behaviour", "scan.ports", "scan", "ports"), a
                assert (a["measured"], a["threshold"], a["window"]) == (15, 15, 300), a


def test_a_closed_pipe_is_no_disaster():
    r = tap.Run(["sh", "-c", f"'{tap.DEWLINE}' list events | head -n 1"]).expect(0)
    assert r.out.count("\n") == 1 and "cannot" not in r.err, r


tap.main(globals())
