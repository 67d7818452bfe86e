"""Flow export: what collectors are told is what the flow events say, whatever becomes of the collector."""
import json
import os
import shutil
import signal
import socket
import subprocess

import flowlink
import place
import tap
import wire
from flowlink import Collector, of_eve, of_records
from tap import dewline


class Nfcapd:
    """nfdump's collector, of Debian's package nfdump."""

    def __init__(self, folder):
        if shutil.which("nfcapd") is None:
            tap.skip("there is no nfcapd (package nfdump)")
        self.folder = os.path.join(folder, "nfcapd")
        os.mkdir(self.folder)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(os.path.join(folder, "nfcapd.log"), "w+")
        self.process = subprocess.Popen(["nfcapd", "-b", "127.0.0.1", "-p", str(self.port), "-w", self.folder, "-v", "-B", "4000000"],
                                        stdout=self.log, stderr=self.log)

    def __enter__(self):
        wire.until("nfcapd listens", self.waiting_bytes)
        return self

    def __exit__(self, *why):
        self.process.kill()
        self.process.wait()

    def waiting_bytes(self):
        """Bytes in its socket as hexadecimal text; None: there is no such socket."""
        with open("/proc/net/udp") as f:
            for line in f:
                words = line.split()
                if words[1].endswith(f":{self.port:04X}"):
                    return words[4].split(":")[1]
        return None

    def stored(self):
        """Its records, once it has read all, and its last words."""
        wire.until("nfcapd has read all", lambda: self.waiting_bytes() == "00000000")
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        with open(self.log.name) as f:
            said = f.read()
        text = tap.Run(["nfdump", "-R", self.folder, "-o", "json"]).expect(0).out
        return json.loads(text), said


def of_nfdump(records):
    out = {}
    names = {"TCP": 6, "UDP": 17, "ICMP": 1}
    for r in records:
        proto = r["proto"] if isinstance(r["proto"], int) else names[r["proto"]]
        src, dst = (r.get("src4_addr") or r["src6_addr"]), (r.get("dst4_addr") or r["dst6_addr"])
        ports = (0, 0) if proto in (1, 58) else (r["src_port"], r["dst_port"])
        key = proto, src, ports[0], dst, ports[1]
        assert key not in out, key
        out[key] = r["in_packets"], r["in_bytes"], r.get("out_packets", 0), r.get("out_bytes", 0)
    return out


def sense(folder, frames, *args):
    """Frames as a capture through a sensor; its flow events."""
    capture, out = os.path.join(folder, "sent.pcap"), os.path.join(folder, "out")
    wire.write(capture, frames)
    r = dewline("sensor", "-r", capture, "-l", out, "--disable-detection", *args).expect(0)
    return of_eve(tap.eve(out)), r


def test_nfcapd_stores_each_flow_with_its_packets_and_bytes():
    with tap.folder() as d, Nfcapd(d) as n:
        flows, r = sense(d, flowlink.mixed(), *flowlink.settings(port=n.port))
        records, said = n.stored()
        assert len(flows) == 9 and of_nfdump(records) == flows, (of_nfdump(records), flows)
        assert "Flows: 9," in said and "Sequence Errors: 0" in said and "Bad Packets: 0" in said, said
        tagged, = [x for x in records if x.get("src_port") == 2002]
        assert tagged["src_vlan"] == 42
        assert f"11 flow records to udp://127.0.0.1:{n.port} in 2 messages, 0 lost" in r.err, r  # and two about us


def test_nfcapd_stores_both_directions_of_two_thousand_flows_as_two_records_each():
    frames = [f for i in range(2000) for f in (wire.udp(wire.host(0x010000 + i), 4000, wire.host(0x020000), 53, b"q" * (i % 90)),
                                               wire.udp(wire.host(0x020000), 53, wire.host(0x010000 + i), 4000, b"a" * (i % 200)))]
    with tap.folder() as d, Nfcapd(d) as n:
        flows, _ = sense(d, frames, *flowlink.settings(port=n.port, both_directions="no"))
        records, said = n.stored()
        assert len(flows) == 2000 and len(records) == 4000, len(records)
        stored = of_nfdump(records)
        for (proto, src, sport, dst, dport), (p, o, back_p, back_o) in flows.items():
            assert stored[proto, src, sport, dst, dport] == (p, o, 0, 0)
            assert stored[proto, dst, dport, src, sport] == (back_p, back_o, 0, 0)
        assert "Sequence Errors: 0" in said, said


def strict(kind, **more):
    with tap.folder() as d, Collector(d, kind) as c:
        flows, r = sense(d, flowlink.mixed() * 1, *c.where(protocol=kind, message_size=600, domain=77, **more))
        s = wire.until("the last message", lambda: (lambda s: s if s.options else None)(c.read()))
        assert of_records(s.flows) == flows
        assert max(s.sizes) <= 600 and s.messages > 2, s.sizes
        assert {x["end"] for x in s.flows} <= {3, 4}  # at the end of the capture: closed, or metering ended
        eve = {e["flow_id"]: e for e in tap.eve(os.path.join(d, "out")) if e["event_type"] == "flow"}
        for x in s.flows:
            e = eve[x["id"]]
            assert x["frames"] == e["flow"]["bytes_toserver"] and x.get("frames_back", 0) == e["flow"]["bytes_toclient"]
            assert x["app"] == e.get("app_proto", "").replace("failed", x["app"]), (x, e)
            if x["proto"] == 6:
                assert f"{x['flags']:02x}" == e["tcp"]["tcp_flags_ts"] and x["vlan"] == e.get("vlan", [0])[0]
            assert x["icmp"] == (e["icmp_type"] << 8 | e["icmp_code"] if "icmp_type" in e else 0)
        a, b = s.options
        assert a["domain"] == 77 and a["observed"] == len(flows) and a["ignored"] == 0
        assert a["sent_messages"] <= s.messages and a["sent_records"] <= len(s.flows)
        assert b["not_sent"] == b["not_sent_packets"] == b["not_sent_octets"] == 0
        return s


def test_over_udp_messages_are_whole_small_enough_and_numbered():
    s = strict("udp")
    assert {n for at, n in s.announced} == {256, 257, 258, 259, 260, 261}


def test_over_tcp_templates_are_said_once():
    s = strict("tcp")
    assert len(s.announced) == 6


def test_over_udp_templates_are_said_again_after_so_many_messages():
    s = strict("udp", template_messages=2)
    assert len(s.announced) >= 12, s.announced


def test_times_of_nanoseconds():
    s = strict("udp", times="nanoseconds")
    assert all("first_ns" in x and "first" not in x for x in s.flows)


def test_a_long_flow_is_told_in_pieces_that_add_up():
    # a datagram each millisecond of packet time, for 5 s, and then none for 3
    frames = [wire.udp("10.1.0.1", 4000, "10.2.0.1", 9000, b"x" * (n % 50)) for n in range(5000)]
    with tap.folder() as d, Collector(d) as c:
        flows, _ = sense(d, frames, *c.where(), "--set", "flow-export.active-timeout=1")
        s = wire.until("the last message", lambda: (lambda s: s if s.options else None)(c.read()))
        assert of_records(s.flows) == flows and len(flows) == 1
        assert [x["end"] for x in s.flows] == [2, 2, 2, 2, 4], s.flows
        assert len({x["id"] for x in s.flows}) == 1
        for x in s.flows:
            assert 0 <= x["last"] - x["first"] < 1000, x
        assert all(a["last"] < b["first"] for a, b in zip(s.flows, s.flows[1:]))


def test_a_collector_without_an_address_is_named():
    with tap.folder() as d:
        wire.write(os.path.join(d, "x.pcap"), flowlink.mixed())
        r = dewline("sensor", "-r", os.path.join(d, "x.pcap"), "-l", d, "--set", "flow-export.collectors.0.port=4739").expect(1)
        assert "a collector has no address" in r.err, r


def test_nobody_listening_loses_flows_and_says_so():
    for kind in ("udp", "tcp"):
        with tap.folder() as d:
            with Collector(d, kind) as c:
                where = c.where(protocol=kind)
            flows, r = sense(d, flowlink.mixed(), *where)
            assert len(flows) == 9 and "listen" in r.err, r
            assert kind == "udp" or "0 messages, 9 lost; nobody listens there" in r.err, r


# --- on an interface ---

class Place(place.Place):
    """With room for collectors."""

    def __enter__(self):
        super().__enter__()
        self.wire.inside("ip", "link", "set", "lo", "up")
        return self

    def collector(self, *args, **kw):
        return Collector(self.dir, *args, inside=self.wire, **kw)

    def sensor(self, *args):
        return self.start("--disable-detection", *args)

    def send(self, frames):
        return self.wire.send(self.capture(frames))

    def flows(self):
        return of_eve(tap.eve(self.out))


def test_live_flows_of_several_workers_are_told_as_they_are_in_eve():
    frames = [f for n in range(300) for f in wire.http(wire.host(0x010000 + n), 1024 + n, wire.host(0x020000), "/")] + flowlink.mixed()
    with Place() as p, p.collector() as c, p.collector("tcp") as c2:
        s = p.sensor("--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.threads=2",
                     *c.where(), *flowlink.settings(1, port=c2.port, protocol="tcp", domain=9))
        s.seen(p.send(frames))
        said = s.end()
        flows = p.flows()
        assert len(flows) == 309
        for each in (c, c2):
            told = wire.until("all flows", lambda: (lambda x: x if len(x.flows) == 309 and x.options else None)(each.read()))
            assert of_records(told.flows) == flows
        assert [x.endswith(" 0 lost") for x in said.splitlines() if "flow records to" in x] == [True, True], said


def test_live_a_flow_is_told_while_it_lives_and_adds_up():
    with Place() as p, p.collector() as c:
        s = p.sensor(*c.where(), "--set", "flow-export.active-timeout=1", "--set", "flow-export.idle-timeout=600")
        one = [wire.udp("10.1.0.1", 4000, "10.2.0.1", 9000, b"x" * 100)]
        p.send(one)
        wire.until("the flow is told", lambda: c.read().flows)
        assert s.status()["flows_now"] == 1 and s.status()["export"]["told"] == 1
        p.send(one + [wire.udp("10.2.0.1", 9000, "10.1.0.1", 4000, b"y" * 50)])
        wire.until("it is told again", lambda: len(c.read().flows) == 2)
        s.end()
        told = c.read().flows
        assert [x["end"] for x in told] == [2, 2] and told[0]["id"] == told[1]["id"]
        assert of_records(told) == p.flows() and list(p.flows().values()) == [(2, 256, 1, 78)]


def test_live_an_idle_flow_is_told_before_the_table_forgets_it():
    with Place() as p, p.collector() as c:
        s = p.sensor(*c.where(), "--set", "flow-export.idle-timeout=1")
        p.send([wire.udp("10.1.0.1", 4000, "10.2.0.1", 9000, b"x")])
        told = wire.until("the flow is told", lambda: c.read().flows)
        assert told[0]["end"] == 1 and s.status()["flows_now"] == 1
        s.end()
        assert len(c.read().flows) == 1  # nothing is told twice


def test_live_a_collector_over_tcp_that_comes_back_gets_templates_anew():
    with Place() as p:
        with p.collector("tcp") as c:
            s = p.sensor(*c.where(protocol="tcp"), "--set", "flow-export.idle-timeout=1")
            p.send([wire.udp("10.1.0.1", 4000, "10.2.0.1", 9000, b"x")])
            wire.until("the flow is told", lambda: c.read().flows)
        with p.collector("tcp", port=c.port) as again:
            # powers are given up by now: the socket is dialled again, not made anew
            wire.until("it is dialled again", lambda: s.status()["export"]["collectors"][0]["connects"] >= 2)
            p.send([wire.udp("10.1.0.2", 4000, "10.2.0.1", 9000, b"xx")])
            wire.until("the next flow is told", lambda: again.read().flows)
            s.end()
            assert len(again.read().announced) == 6 and [x["src"] for x in again.read().flows] == ["10.1.0.2"]


def test_live_a_collector_that_reads_nothing_stops_nobody():
    frames = [wire.udp(wire.host(0x010000 + n), 4000, wire.host(0x020000), 9000, b"x") for n in range(30000)]
    with Place() as p, p.collector("tcp", mode="deaf") as c:
        s = p.sensor(*c.where(protocol="tcp"), "--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.ring-size=60000",
                     "--set", "flow-export.idle-timeout=1")
        sent = p.send(frames)
        s.seen(sent)
        # nor does it cost other collectors anything: the rings before the exporter have room for all, if they end at once
        status = wire.until("flows are lost", lambda: (lambda x: x if x["export"]["collectors"][0]["lost"] else None)(s.status()))
        assert status["packets"] == sent and status["kernel_drops"] == 0
        status = wire.until("all are told", lambda: (lambda x: x if x["export"]["told"] == 30000 else None)(s.status()))
        assert status["export"]["lost"] == 0, status["export"]
        assert status["memory"]["export"] >= 30000 * 128, status["memory"]
        said = s.end()
        assert len(p.flows()) == 30000
        line, = [x for x in said.splitlines() if "flow records to" in x]
        assert int(line.split(" messages, ")[1].split()[0]) > 10000, said


if __name__ == "__main__":
    tap.main(globals())
