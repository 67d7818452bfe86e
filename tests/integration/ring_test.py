"""A ring of packets on disk: the same bytes out as came in, bounded, after a crash and beside a full disk."""
import json
import os
import random
import shutil
import struct
import zlib

import place
import tap
import wire
from tap import dewline

RULES = """
alert http any any -> any any (msg:"path"; http.uri; content:"/evil-1"; sid:1;)
pass http any any -> any any (msg:"known"; http.uri; content:"/known"; sid:2;)
"""
GOLDEN = os.path.join(tap.SOURCE, "tests", "golden")


# --- pcapng, read from its specification ---

def options(data):
    at, found = 0, {}
    while at + 4 <= len(data):
        code, size = struct.unpack_from("<HH", data, at)
        if code == 0:
            break
        found[code] = data[at + 4:at + 4 + size]
        at += 4 + (size + 3) // 4 * 4
    return found


def packets(path):
    """Of each packet: its bytes, nanoseconds, flows, interface; and all interfaces' names."""
    with open(path, "rb") as f:
        data = f.read()
    at, names, found = 0, [], []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        body = data[at + 8:at + size - 4]
        assert struct.unpack_from("<I", data, at + size - 4)[0] == size, at
        if kind == 1:
            o = options(body[8:])
            assert o[9] == b"\x09"
            names.append(o.get(2, b"").decode())
        if kind == 6:
            interface, high, low, have, sent = struct.unpack_from("<IIIII", body)
            frame = body[20:20 + have]
            o = options(body[20 + (have + 3) // 4 * 4:])
            assert o[3] == b"\x02" + struct.pack("<I", zlib.crc32(frame))
            flows = [int(w[5:]) for w in o.get(1, b"").decode().split() if w.startswith("flow=")]
            found.append((frame, high << 32 | low, flows, names[interface], sent))
        at += size
    assert at == len(data)
    return found


def frames(path):
    return [p[0] for p in packets(path)]


def segments(ring):
    return sorted(os.path.join(ring, n) for n in os.listdir(ring) if n.endswith(".pcapng"))


def tcpdump(path):
    """How many packets tcpdump reads in it, without a complaint."""
    if shutil.which("tcpdump") is None:
        tap.skip("there is no tcpdump")
    r = tap.Run(["tcpdump", "-n", "-r", path]).expect(0)
    assert all(line.startswith(("reading from", "Warning: interface names")) for line in r.err.splitlines()), r.err
    return len(r.out.splitlines())


# --- captures ---

def keep(capture, out, *more):
    return dewline("sensor", "-r", capture, "-l", out, "--set", "packet-ring.enabled=yes", *more).expect(0)


def test_what_a_capture_holds_is_kept_byte_for_byte():
    for case in sorted(os.listdir(GOLDEN)):
        capture = os.path.join(GOLDEN, case, "capture.pcap")
        if not os.path.exists(capture):
            continue
        with tap.folder() as d:
            keep(capture, d, "--disable-detection", "--set", "packet-ring.age=0")
            found = [f for s in segments(os.path.join(d, "packets")) for f in frames(s)]
            assert found == wire.read(capture), case


def test_tcpdump_reads_segments_and_what_was_cut():
    with tap.folder() as d:
        capture = os.path.join(GOLDEN, "ftp-data", "capture.pcap")
        keep(capture, d, "--disable-detection")
        assert sum(map(tcpdump, segments(os.path.join(d, "packets")))) == len(wire.read(capture))
        flow = tap.eve(d)[0]["flow_id"]
        out = os.path.join(d, "flow.pcapng")
        said = json.loads(dewline("cut", "-l", d, "--flow", flow, "-w", out, "--json").expect(0).out)
        assert tcpdump(out) == said["packets"] > 0


def test_a_flow_is_cut_out_by_number_by_ends_by_community_id_and_by_time():
    with tap.folder() as d:
        capture = os.path.join(d, "c.pcap")
        all_flows = [wire.http(wire.host(1 + n), 1024 + n, wire.host(99), "/x") for n in range(5)]
        wire.write(capture, [f for step in zip(*all_flows) for f in step])
        config = os.path.join(d, "c.yaml")
        with open(config, "w") as f:
            f.write("%YAML 1.1\n---\noutputs:\n  - eve-log:\n      enabled: yes\n      community-id: yes\n"
                    "      community-id-seed: 7\n      types: [flow]\npacket-ring:\n  enabled: yes\n")
        dewline("sensor", "-r", capture, "-l", d, "-c", config, "--disable-detection").expect(0)
        out = os.path.join(d, "cut.pcapng")
        for n, e in enumerate(sorted(tap.eve(d), key=lambda e: e["src_port"])):
            ends = f"tcp {e['dest_ip']}:{e['dest_port']}-{e['src_ip']}:{e['src_port']}"
            for how in (("--flow", e["flow_id"]), ("--ends", ends), ("--ends", e["src_ip"]), ("--community", e["community_id"])):
                dewline("cut", "-c", config, "-l", d, *how, "-w", out).expect(0)
                assert frames(out) == all_flows[n], how
                assert all(e["flow_id"] in p[2] for p in packets(out))
        # ten packets a flow, five flows a step, a millisecond a packet
        dewline("cut", "--ring", os.path.join(d, "packets"), "--from", "2023-11-14T22:13:20.010Z", "--until",
                "2023-11-14T22:13:20.019Z", "-w", out).expect(0)
        assert frames(out) == [f for step in list(zip(*all_flows))[2:4] for f in step]
        both = ("--flow", tap.eve(d)[0]["flow_id"], "--until", "2023-11-14T22:13:20.002Z")
        dewline("cut", "-c", config, "-l", d, *both, "-w", out)
        assert len(frames(out)) <= 1


def test_what_is_not_there_or_makes_no_sense_is_said():
    with tap.folder() as d:
        keep(os.path.join(GOLDEN, "http-alert", "capture.pcap"), d, "--disable-detection")
        out = os.path.join(d, "none.pcapng")
        dewline("cut", "-l", d, "--flow", 4, "-w", out).expect(1)
        assert not os.path.exists(out)
        for bad in (("--flow", "x"), ("--ends", "10.0.0.300"), ("--from", "yesterday"), ()):
            r = dewline("cut", "-l", d, *bad, *(("-w", out) if bad else ())).expect(2)
            assert r.err.strip(), r
        assert "No such file" in dewline("cut", "-l", os.path.join(d, "nowhere"), "--flow", 4, "-w", out).expect(2).err


def test_an_alert_cuts_its_flow_out_with_the_packets_before_it():
    with tap.folder() as d:
        capture, rules = os.path.join(d, "c.pcap"), os.path.join(d, "r")
        evil = [wire.http(wire.host(n), 2000 + n, wire.host(99), f"/evil-{n % 2}") for n in range(6)]
        wire.write(capture, [f for step in zip(*evil) for f in step])
        with open(rules, "w") as f:
            f.write(RULES)
        keep(capture, d, "-S", rules)
        alerts = {e["flow_id"]: e for e in tap.eve(d) if e["event_type"] == "alert"}
        assert len(alerts) == 3
        cuts = os.path.join(d, "packets", "cuts")
        found = {int(n.split("-")[1].split(".")[0]): frames(os.path.join(cuts, n)) for n in os.listdir(cuts)}
        assert found.keys() == alerts.keys()
        for flow, e in alerts.items():
            assert found[flow] == evil[e["src_port"] - 2000] and len(found[flow]) == 10


def test_it_honours_pass_rules_snap_length_and_pcap_log():
    with tap.folder() as d:
        capture, rules = os.path.join(d, "c.pcap"), os.path.join(d, "r")
        known, other = wire.http(wire.host(1), 2000, wire.host(9), "/known"), wire.http(wire.host(2), 2000, wire.host(9), "/x")
        wire.write(capture, known + other)
        with open(rules, "w") as f:
            f.write(RULES)
        config = os.path.join(d, "c.yaml")
        with open(config, "w") as f:
            f.write("%YAML 1.1\n---\noutputs:\n  - pcap-log:\n      enabled: yes\n      filename: log.pcap\n      limit: 5mb\n"
                    "      max-files: 4\n      mode: normal\n      dir: kept\n      honor-pass-rules: yes\n"
                    "packet-ring:\n  snaplen: 60\n")
        r = dewline("sensor", "-r", capture, "-l", d, "-c", config, "-S", rules).expect(0)
        assert "pcap-log" not in r.err, r
        found = packets(segments(os.path.join(d, "kept"))[0])
        assert [p[0] for p in found[-10:]] == [f[:60] for f in other]
        assert [p[4] for p in found[-10:]] == [len(f) for f in other]
        assert 10 <= len(found) < 20, len(found)  # what came before the rule spoke is there


# --- interfaces ---

class Place(place.Place):
    def __init__(self):
        super().__init__(RULES)

    def __enter__(self):
        super().__enter__()
        self.ring = os.path.join(self.out, "packets")
        return self

    def sensor(self, *args):
        return self.start("-S", self.rules, "--set", "packet-ring.enabled=yes", *args)

    def kept(self):
        return [f for s in segments(self.ring) for f in frames(s)]


def traffic(n, path="/evil-{}", seed=1):
    rng = random.Random(seed)
    flows = [wire.http(wire.host(0x010000 + i), 1024 + i, wire.host(0x020000 + i % 9), path.format(i % 3),
                       body=rng.randbytes(rng.randrange(1000))) for i in range(n)]
    return flows, [f for step in zip(*flows) for f in step]


def test_two_workers_keep_every_frame_and_alerts_cut_their_flows_while_it_runs():
    with Place() as p:
        flows, sent = traffic(300)
        s = p.sensor("--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.threads=2",
                     "--set", "packet-ring.alerts.after=1s")
        s.seen(p.wire.send(p.capture(sent)))
        ring = wire.until("frames on disk", lambda: (lambda r: r if r["kept"] == len(sent) else None)(s.status()["packet_ring"]))
        assert ring["lost"] == ring["refused"] == ring["errors"] == 0 and ring["seen"] == len(sent), ring
        assert sorted(p.kept()) == sorted(sent)
        alerts = {e["flow_id"]: e for e in tap.eve(p.out) if e["event_type"] == "alert"}
        assert len(alerts) == 100
        # from the segment that grows, while the sensor runs
        flow, e = next(iter(alerts.items()))
        out = os.path.join(p.dir, "flow.pcapng")
        dewline("cut", "-l", p.out, "--flow", flow, "-w", out).expect(0)
        assert frames(out) == flows[e["src_port"] - 1024]
        cuts = os.path.join(p.ring, "cuts")
        wire.until("all cuts", lambda: len([n for n in os.listdir(cuts) if n.endswith(".pcapng")]) == 100, 60)
        for name in os.listdir(cuts):
            e = alerts[int(name.split("-")[1].split(".")[0])]
            assert frames(os.path.join(cuts, name)) == flows[e["src_port"] - 1024]
        assert {q[3] for q in packets(out)} == {"wire0"}
        s.end()
        assert all(tcpdump(x) > 0 for x in segments(p.ring))


def test_killed_under_load_it_recovers_what_is_whole_and_nothing_else():
    with Place() as p:
        _, sent = traffic(200)
        capture, known = p.capture(sent), set(sent)
        for n in range(3):
            s = p.sensor("--set", "packet-ring.size=64mb", "--set", "packet-ring.segment=1mb")
            sender = p.wire.sender(capture, 20)
            wire.until("segments", lambda: s.status()["packet_ring"]["segments"] >= 2 + 3 * n)
            s.kill()
            sender.communicate(timeout=60)
            with open(segments(p.ring)[-1], "ab") as f:  # what a power cut may leave
                f.write(b"\x06\0\0\0\xff\0\0\0" + bytes(40 * n))
        s = p.sensor("--set", "packet-ring.size=64mb", "--set", "packet-ring.segment=1mb")
        s.seen(p.wire.send(capture))
        wire.until("frames on disk", lambda: s.status()["packet_ring"]["kept"] >= len(sent))
        s.end()
        kept = p.kept()
        assert len(kept) > 2000 and set(kept) <= known
        assert all(os.path.exists(x.replace(".pcapng", ".index")) for x in segments(p.ring))
        assert sum(map(tcpdump, segments(p.ring))) == len(kept)


def test_a_full_disk_costs_packets_of_the_ring_and_nothing_else():
    with Place() as p:
        p.disk(p.ring, "1m")
        _, sent = traffic(200)
        s = p.sensor("--set", "packet-ring.reserve=0", "--set", "packet-ring.size=64mb")
        total = p.wire.send(p.capture(sent), 5)
        status = s.seen(total)
        assert status["packets"] == total and status["kernel_drops"] == 0 and status["events"]["lost"] == 0
        ring = wire.until("all frames kept or counted",
                          lambda: (lambda r: r if r["kept"] + r["lost"] + r["refused"] == total else None)(s.status()["packet_ring"]))
        assert ring["kept"] > 0 and ring["refused"] > 0 and "No space left" in ring["error"], ring
        s.end()
        known = set(sent)
        for x in segments(p.ring):
            assert set(frames(x)) <= known


def test_old_segments_make_room_where_the_disk_is_to_keep_some():
    with Place() as p:
        p.disk(p.ring, "6m")
        _, sent = traffic(200)
        s = p.sensor("--set", "packet-ring.reserve=3mb", "--set", "packet-ring.size=64mb", "--set", "packet-ring.segment=1mb",
                     "--set", "packet-ring.alerts.enabled=no")
        total = p.wire.send(p.capture(sent), 30)
        s.seen(total)
        ring = wire.until("all frames on disk",
                          lambda: (lambda r: r if r["kept"] + r["lost"] == total else None)(s.status()["packet_ring"]))
        assert ring["refused"] == ring["errors"] == 0, ring
        s.end()
        assert 0 < len(p.kept()) < total


def test_it_becomes_another_user_and_goes_on_keeping():
    with Place() as p:
        os.chmod(p.dir, 0o755)
        os.chmod(p.out, 0o777)
        _, sent = traffic(50)
        for n in (1, 2):
            s = p.sensor("--user", "nobody", "--set", "packet-ring.segment=1mb")
            s.seen(p.wire.send(p.capture(sent)))
            wire.until("frames on disk", lambda: s.status()["packet_ring"]["kept"] == len(sent))
            s.end()
            assert len(p.kept()) == n * len(sent)
        assert os.stat(p.ring).st_uid != 0 and os.stat(p.ring).st_mode & 0o777 == 0o700
        assert {os.stat(x).st_mode & 0o777 for x in segments(p.ring)} == {0o600}


tap.main(globals())
