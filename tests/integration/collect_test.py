"""The collector: what exporters tell becomes what a sensor would have said, with whose word it is and what was lost."""
import collections
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

import flowlink
import tap
import wire
from flowlink import of_eve
from tap import dewline


class Collect:
    """dewline collect on loopback, at ports that are free."""

    def __init__(self, folder, *args, kinds=("udp",)):
        self.out = os.path.join(folder, "collected")
        os.makedirs(self.out, exist_ok=True)
        self.log = open(os.path.join(folder, "collect.log"), "w+")
        listen = [a for k in kinds for a in ("--listen", f"{k}://127.0.0.1:0")]
        self.process = subprocess.Popen([tap.DEWLINE, "collect", *listen, "-l", self.out, *args],
                                        stdout=self.log, stderr=self.log)
        self.ports = {}
        wire.until("it listens", lambda: self.listens(kinds))
        self.port = self.ports[kinds[0]]

    def listens(self, kinds):
        assert self.process.poll() is None, self.said()
        for line in self.said().splitlines():
            if "listening at " in line:
                kind, port = line.split("listening at ")[1].split("://127.0.0.1:")
                self.ports[kind] = int(port)
        return len(self.ports) == len(kinds)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.process.kill()
        self.process.wait()

    def said(self):
        with open(self.log.name) as f:
            return f.read()

    def events(self, kind=None):
        with open(os.path.join(self.out, "eve.json"), encoding="utf-8") as f:
            return [e for line in f if line.endswith("\n") and (e := json.loads(line)) and kind in (None, e["event_type"])]

    def end(self, code=0):
        """Its events, once all that was sent to it is read."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == code, self.said()
        return self.events()


def softflowd(capture, port, *args):
    if shutil.which("softflowd") is None:
        tap.skip("there is no softflowd (package softflowd)")
    # it tells all its flows when the capture ends
    r = subprocess.run(["softflowd", "-r", capture, "-n", f"127.0.0.1:{port}", "-d", "-a", "-6", *args], capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == 0, r


def frames_and_flows(folder, frames):
    """A capture, and what a sensor says of it, in octets of IP."""
    capture, out = os.path.join(folder, "sent.pcap"), os.path.join(folder, "sensor")
    wire.write(capture, frames)
    dewline("sensor", "-r", capture, "-l", out, "--disable-detection").expect(0)
    return capture, of_eve(tap.eve(out))


def told(events):
    """As of_eve(), but the bytes are those of IP packets already."""
    out = {}
    for e in events:
        if e["event_type"] == "flow":
            f, head = e["flow"], 14 + 4 * len(e.get("vlan", []))
            e = {**e, "flow": {**f, "bytes_toserver": f["bytes_toserver"] + head * f["pkts_toserver"],
                               "bytes_toclient": f["bytes_toclient"] + head * f["pkts_toclient"]}}
            out.update(of_eve([e]))
    return out


def untagged():
    return [f for f in flowlink.mixed() if f[12:14] != b"\x81\x00"]


def as_the_sensor_saw_it(version, *args, only_ipv4=False, protocol="udp"):
    with tap.folder() as d, Collect(d, kinds=(protocol,)) as c:
        capture, seen = frames_and_flows(d, untagged())
        if only_ipv4:
            seen = {k: v for k, v in seen.items() if ":" not in k[1]}
        softflowd(capture, c.port, "-v", str(version), *args)
        wire.until("all flows", lambda: len(c.events("flow")) >= len(seen))
        events = c.end()
        assert told(events) == seen, (told(events), seen)
        exporter, = [e["exporter"] for e in events if e["event_type"] == "exporter"]
        assert exporter["protocol"] == {5: "netflow5", 9: "netflow9", 10: "ipfix"}[version]
        assert exporter["lost"] == exporter["restarts"] == 0 and exporter["sampling"] == 1, exporter
        for e in events:
            if e["event_type"] == "flow":
                assert e["source"] == "flow export" and e["exporter"]["address"] == "127.0.0.1", e
                assert e["exporter"]["lost"] == 0 and "sampling" not in e["exporter"]
        assert "did not come" not in c.said(), c.said()
        return events


def test_softflowd_tells_flows_by_version_5():
    as_the_sensor_saw_it(5, only_ipv4=True)


def test_softflowd_tells_flows_by_version_9():
    as_the_sensor_saw_it(9)


def test_softflowd_tells_flows_by_ipfix():
    as_the_sensor_saw_it(10)


def test_softflowd_tells_both_directions_in_one_record():
    as_the_sensor_saw_it(10, "-b")


def test_softflowd_tells_flows_over_tcp():
    as_the_sensor_saw_it(10, "-P", "tcp", protocol="tcp")


def test_times_are_those_of_the_packets_in_each_of_the_exporters_forms():
    for form in ("sec", "milli", "micro", "nano"):
        events = as_the_sensor_saw_it(10, "-A", form)
        for e in events:
            if e["event_type"] == "flow":
                assert e["flow"]["age"] <= 1 and e["flow"]["end"] >= e["flow"]["start"], e


def scan(hosts):
    """A host that knocks at a port of many, which are silent or say no; and one that talks to some."""
    frames = []
    for n in range(hosts):
        who = wire.host(0x020000 + n)
        frames += [wire.tcp("10.9.9.9", 50000 + n, who, 445, 1, 0, wire.SYN)]
        if n % 3 == 0:
            frames += [wire.tcp(who, 445, "10.9.9.9", 50000 + n, 0, 2, 4 | wire.ACK)]
    for n in range(40):
        frames += wire.http("10.8.8.8", 40000 + n, wire.host(0x030000 + n), "/", body=b"talk" * 50)
    return frames


def test_a_scan_that_only_an_exporter_saw_is_found_by_every_version():
    for version in ("5", "9", "10"):
        with tap.folder() as d, Collect(d) as c:
            capture, _ = frames_and_flows(d, scan(30))
            softflowd(capture, c.port, "-v", version)
            wire.until("all flows", lambda: len(c.events("flow")) >= 70)
            found = [e for e in c.end() if e["event_type"] == "anomaly"]
            seen = [e for e in tap.eve(os.path.join(d, "sensor")) if e["event_type"] == "anomaly"]
            assert [e["anomaly"]["event"] for e in found] == ["scan.hosts"], found
            assert found[0]["src_ip"] == "10.9.9.9" and found[0]["dest_port"] == 445 and found[0]["source"] == "flow export"
            assert "(told by 127.0.0.1; 0 in 1,000 of its records did not come)" in found[0]["anomaly"]["summary"], found
            # a sensor of our own finds the same
            assert {e["anomaly"]["event"] for e in seen if e["anomaly"].get("type") == "behaviour"} <= {"scan.hosts"}


def test_an_exporter_that_samples_is_scaled_and_not_judged():
    for version in ("5", "9"):
        with tap.folder() as d, Collect(d) as c:
            capture, _ = frames_and_flows(d, scan(300))
            softflowd(capture, c.port, "-v", version, "-s", "4")
            wire.until("a flow", lambda: c.events("exporter") or c.events("flow"))
            events = c.end()
            flows = [e for e in events if e["event_type"] == "flow"]
            assert flows and not [e for e in events if e["event_type"] == "anomaly"]
            assert {e["exporter"]["sampling"] for e in flows} == {4}
            assert all(e["flow"]["pkts_toserver"] % 4 == e["flow"]["pkts_toclient"] % 4 == 0 for e in flows)


def test_what_our_exporter_tells_is_what_the_sensor_said():
    for kind in ("udp", "tcp"):
        with tap.folder() as d, Collect(d, kinds=(kind,)) as c:
            capture, out = os.path.join(d, "sent.pcap"), os.path.join(d, "sensor")
            wire.write(capture, flowlink.mixed())
            dewline("sensor", "-r", capture, "-l", out, "--disable-detection", *flowlink.settings(port=c.port, protocol=kind)).expect(0)
            wire.until("all flows", lambda: len(c.events("flow")) >= 9)
            events = [e for e in c.end() if e["event_type"] == "flow"]
            seen = {e["flow_id"]: e for e in tap.eve(out) if e["event_type"] == "flow"}
            assert len(events) == len(seen) == 9
            for e in events:
                s = seen[e["flow_id"]]
                for name in ("src_ip", "src_port", "dest_ip", "dest_port", "proto", "vlan", "icmp_type", "icmp_code"):
                    assert e.get(name) == s.get(name), (name, e, s)
                for name in ("pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient", "age"):
                    assert e["flow"][name] == s["flow"][name], (name, e, s)


def test_records_that_are_lost_on_the_way_are_counted():
    with tap.folder() as d, Collect(d) as c, flowlink.Collector(d) as relay:
        capture, _ = frames_and_flows(d, untagged())
        softflowd(capture, relay.port, "-v", "5")
        wire.until("a message", lambda: list(flowlink.messages(relay.path)))
        message = list(flowlink.messages(relay.path))[0]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            for number in (0, 100):
                s.sendto(message[:16] + struct.pack("!I", number) + message[20:], ("127.0.0.1", c.port))
            count, = struct.unpack_from("!H", message, 2)
            wire.until("both", lambda: len(c.events("flow")) >= 5)
            events = c.end()
        exporter, = [e["exporter"] for e in events if e["event_type"] == "exporter"]
        assert exporter["lost"] == 100 - count and f"{100 - count} records did not come" in c.said(), exporter


def test_nonsense_and_strangers_are_counted():
    with tap.folder() as d, Collect(d, "--allow", "127.0.0.1", kinds=("udp", "tcp")) as c:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(b"\0\x05\0\x01", ("127.0.0.1", c.port))
            for junk in (b"", b"\0", b"what is this", b"\0\x09" + b"\xff" * 18, b"\0\x0a" + b"\xff" * 14, b"\0\x0a\0\x14" + b"\0" * 12 + b"\1\0\0\1"):
                s.sendto(junk, ("127.0.0.1", c.port))
        with socket.create_connection(("127.0.0.1", c.ports["tcp"])) as t:
            t.sendall(b"GET / HTTP/1.0\r\n\r\n")
            t.settimeout(30)
            try:
                assert t.recv(1) == b""  # it is closed: nothing behind it can be a message
            except ConnectionResetError:
                pass
        c.end()
        said = c.said()
        assert "7 messages, 0 records, 0 flows" in said, said
        assert "1 of nobody who is allowed" in said, said


def test_a_capture_of_datagrams_gives_what_the_datagrams_gave():
    with tap.folder() as d, flowlink.Collector(d) as relay:
        capture, seen = frames_and_flows(d, untagged())
        softflowd(capture, relay.port, "-v", "9")
        wire.until("a message", lambda: list(flowlink.messages(relay.path)))
        told_by = [wire.udp("192.0.2.1", 5000, "192.0.2.2", 2055, m) for m in flowlink.messages(relay.path)]
        wire.write(os.path.join(d, "branch.pcap"), told_by + untagged())
        out = os.path.join(d, "out")
        r = dewline("collect", "-r", os.path.join(d, "branch.pcap"), "-l", out).expect(0)
        assert told(tap.eve(out)) == seen and "0 anomalies" in r.err, r
        dewline("collect", "-r", os.path.join(d, "branch.pcap"), "-l", os.path.join(d, "none"), "-p", "9").expect(0)
        assert tap.eve(os.path.join(d, "none")) == []


def test_an_ipfix_file_gives_what_its_messages_say_and_one_that_is_cut_what_is_before():
    with tap.folder() as d, flowlink.Collector(d, "tcp") as relay:
        capture, out = os.path.join(d, "sent.pcap"), os.path.join(d, "sensor")
        wire.write(capture, untagged())
        dewline("sensor", "-r", capture, "-l", out, "--disable-detection", *relay.where(protocol="tcp")).expect(0)
        wire.until("the account", lambda: relay.read().options)
        whole = b"".join(flowlink.messages(relay.path))
        for cut in (0, 5):
            path, to = os.path.join(d, f"cut{cut}.ipfix"), os.path.join(d, f"out{cut}")
            with open(path, "wb") as f:
                f.write(whole + whole[:cut])
            r = dewline("collect", "-r", path, "-l", to).expect(0)
            assert told(tap.eve(to)) != {} and len([e for e in tap.eve(to) if e["event_type"] == "flow"]) == 8
            assert (f"{cut} bytes before the end there is no whole IPFIX message" in r.err) == (cut != 0), r


def test_watch_judges_what_it_was_told_and_anybody_can_recompute_it():
    with tap.folder() as d, flowlink.Collector(d) as relay:
        capture, _ = frames_and_flows(d, scan(60))
        softflowd(capture, relay.port, "-v", "9")
        wire.until("messages", lambda: list(flowlink.messages(relay.path)))
        told_by = [wire.udp("192.0.2.1", 5000, "192.0.2.2", 2055, m) for m in flowlink.messages(relay.path)]
        wire.write(os.path.join(d, "branch.pcap"), told_by)
        data = os.path.join(d, "data")
        r = dewline("watch", "--flows", os.path.join(d, "branch.pcap"), "--data", data, "--no-system-tables", "--json").expect(0)
        bulletin = json.loads(r.out)
        assert bulletin["incidents"], r
        events = tap.eve(data)
        assert {e["source"] for e in events if e["event_type"] in ("flow", "anomaly")} == {"flow export"}
        assert [e["input"]["name"] for e in events if e["event_type"] == "input" and e["input"]["what"] == "flows"] == ["branch.pcap"]
        bundles = [os.path.join(top, n) for top, _, names in os.walk(data) for n in names if "bundle" in n]
        dewline("verify", bundles[0]).expect(0)


def test_options_that_make_no_sense_are_named():
    with tap.folder() as d:
        for args, words in ((("--listen", "4739"), "no place to listen at"), (("--listen", "udp://nowhere.invalid:1"), "nowhere.invalid"),
                            (("--allow", "everybody"), "is no network"), (("-r", "x", "-p", "0"), "is no port")):
            r = dewline("collect", "-l", d, *args).expect(1)
            assert words in r.err, r
        assert "one of them" in dewline("collect", "-r", "x", "--listen", "udp://[::1]:0").expect(2).err
        dewline("collect", "-l", d, "-r", os.path.join(d, "none")).expect(2)
        assert "Examples:" in dewline("collect", "--help").expect(0).out


if __name__ == "__main__":
    tap.main(globals())
