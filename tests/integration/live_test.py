"""A sensor on an interface: what it sees is what a capture file shows it, whatever happens meanwhile."""
import base64
import collections
import hashlib
import json
import os
import re
import signal

import place
import tap
import wire
from tap import dewline

RULES = """
alert http any any -> any any (msg:"path"; http.uri; content:"/evil-1"; sid:1;)
alert tcp any any -> any any (msg:"answer"; flow:established,to_client; content:"hello"; sid:2;)
alert udp any any -> any any (msg:"long datagram"; content:"needle-in-the-last-piece"; sid:3;)
alert tcp any any -> any any (msg:"opened"; flags:S; sid:4;)
"""


class Place(place.Place):
    def __init__(self, rules=RULES):
        super().__init__(rules)

    def sensor(self, *args, rules=True):
        return self.start(*(("-S", self.rules) if rules else ()), *args)

    def events(self, kind=None):
        return [e for e in tap.eve(self.out) if kind in (None, e["event_type"])]

    def fired(self):
        return collections.Counter(e["alert"]["signature_id"] for e in self.events("alert"))

    def offline(self, capture):
        folder = os.path.join(self.dir, "offline")
        os.mkdir(folder)
        dewline("sensor", "-r", capture, "-S", self.rules, "-l", folder).expect(0)
        return tap.eve(folder)


def sessions(n, servers=50, **kw):
    """n requests from n hosts, their frames interleaved."""
    flows = [wire.http(wire.host(0x010000 + i), 1024 + i, wire.host(0x020000 + i % servers), f"/evil-{i % 3}", **kw)
             for i in range(n)]
    return [frame for step in zip(*flows) for frame in step]


def alerts(events):
    """Which rule fired where: addresses and ports, without times and numbers."""
    return collections.Counter((e["alert"]["signature_id"], e["src_ip"], e.get("src_port"), e["dest_ip"], e.get("dest_port"))
                               for e in events if e["event_type"] == "alert")


def flows(events):
    return collections.Counter((e["src_ip"], e.get("src_port"), e["dest_ip"], e.get("dest_port"),
                                e["flow"]["pkts_toserver"], e["flow"]["pkts_toclient"])
                               for e in events if e["event_type"] == "flow")


def same_as_offline(*args):
    with Place() as p:
        capture = p.capture(sessions(300))
        s = p.sensor("--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.threads=2", *args)
        sent = p.wire.send(capture)
        status = s.seen(sent)
        s.end()
        assert status["packets"] == sent and status["kernel_drops"] == 0, status
        assert status["packets"] == sum(w["packets"] for w in status["workers"])
        assert len(status["workers"]) == 2 and all(w["packets"] for w in status["workers"]), status["workers"]
        live, offline = p.events(), p.offline(capture)
        assert alerts(live) == alerts(offline) and sum(alerts(live).values()) == 300 + 300 + 100
        # both directions of each flow were in one worker: else there would be twice as many, with half the packets
        assert flows(live) == flows(offline) and len(flows(live)) == 300
        assert {e["in_iface"] for e in live} == {"wire0"}
        assert len({e["flow_id"] for e in live if e["event_type"] == "flow"}) == 300


def test_alerts_and_flows_over_two_workers_are_those_of_the_capture_read_offline():
    same_as_offline()


def test_they_are_so_with_the_kernels_hash_of_flows():
    same_as_offline("--set", "af-packet.0.cluster-type=cluster_flow", "--set", "af-packet.0.defrag=yes")


def test_a_filter_lets_in_only_what_it_says():
    with Place() as p:
        s = p.sensor("--bpf", "tcp port 8080")
        p.wire.send(p.capture(sessions(20) + sessions(30, sport=8080)))
        s.seen(300)
        s.end()
        assert {e["dest_port"] for e in p.events("flow")} == {8080} and len(p.events("flow")) == 30


def test_a_filter_that_makes_no_sense_is_named_before_the_first_packet():
    with Place() as p:
        r = tap.Run(p.wire.command(tap.DEWLINE, "sensor", "-i", "wire0", "-S", p.rules, "-l", p.out, "--bpf", "tcp prt 80"))
        r.expect(1)
        assert "tcp prt 80" in r.err, r


def test_tags_that_the_kernel_took_out_are_seen_again():
    with Place() as p:
        s = p.sensor()
        s_frames = p.wire.send(p.capture(sessions(10, vlan=42)))
        s.seen(s_frames)
        s.end()
        assert [e["vlan"] for e in p.events("flow")] == [[42]] * 10
        assert len(alerts(p.events())) == 10 + 10 + 4 - 1, alerts(p.events())


def fragments(n):
    text = b"x" * 40 + b"needle-in-the-last-piece"
    whole = wire.udp(wire.host(n), 5000, wire.host(9), 6000, text)[14 + 20:]
    cut = [(0, whole[:32]), (4, whole[32:64]), (8, whole[64:])]
    return [wire.ethernet(wire.ipv4(wire.host(n), wire.host(9), 17, data, n, at | (0x2000 if at != 8 else 0)))
            for at, data in cut]


def test_pieces_of_a_datagram_meet_in_one_worker_as_they_came():
    with Place() as p:
        s = p.sensor()
        frames = [f for n in range(100, 140) for f in fragments(n)]
        s.seen(p.wire.send(p.capture(frames)))
        s.end()
        assert p.fired()[3] == 40


def test_time_that_passes_without_packets_ends_flows():
    with Place() as p:
        s = p.sensor("--set", "flow-timeouts.udp.new=1", "--set", "flow-timeouts.udp.established=1")
        p.wire.send(p.capture([wire.udp(wire.host(n), 5000, wire.host(9), 6000, b"hello") for n in range(10)]))
        s.seen(10)
        wire.until("ten flows to end", lambda: len(p.events("flow")) == 10)
        assert {e["flow"]["reason"] for e in p.events("flow")} == {"timeout"}
        assert s.status()["flows_now"] == 0
        s.end()


def test_either_signal_ends_all_flows_and_leaves_whole_lines():
    for by in (signal.SIGINT, signal.SIGTERM):
        with Place() as p:
            s = p.sensor()
            # no answer, no end: flows that are open
            sent = p.wire.send(p.capture([f for n in range(50) for f in wire.http(wire.host(n), 1024, wire.host(900), "/")[:4]]))
            s.end(by)  # at once: what was received before is inspected
            assert len(p.events("flow")) == 50 and {e["flow"]["reason"] for e in p.events("flow")} <= {"shutdown", "forced"}
            assert sum(e["flow"]["pkts_toserver"] + e["flow"]["pkts_toclient"] for e in p.events("flow")) == sent
            assert not os.path.exists(s.socket)


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read().split("\n")


def whole(row):
    try:
        return isinstance(json.loads(row), dict)
    except ValueError:
        return False


def test_behind_half_a_line_that_a_kill_left_the_next_sensor_begins_a_line_and_says_so_once():
    with Place() as p:
        disk = os.path.join(p.dir, "disk")
        p.disk(disk, "64k")
        eve = os.path.join(disk, "eve.json")
        config = p.file("my.yaml", f"%YAML 1.1\n---\noutputs:\n  - eve-log: {{enabled: yes, filename: {eve}, types: [alert, flow]}}\n")
        s = p.sensor("-c", config)
        p.wire.send(p.capture(sessions(200)))
        wire.until("the disk is full", lambda: s.status()["events"]["refused"])
        s.process.kill()
        s.process.wait()
        before = lines_of(eve)
        assert before[-1] and not whole(before[-1]) and all(whole(row) for row in before[:-1]), before[-2:]
        p.disk(disk, "8m")
        for times in (1, 0):
            s = p.sensor("-c", config)
            s.seen(p.wire.send(p.capture(sessions(3))))
            said = s.end()
            assert said.count(eve + ": its last line had no end") == times, said
        rows = lines_of(eve)
        assert rows[:len(before)] == before and rows[-1] == ""
        assert len(rows) > len(before) + 1 and all(whole(row) for row in rows[len(before):-1])


def test_other_rules_are_used_by_flows_that_are_open():
    with Place() as p:
        s = p.sensor()
        session = wire.http(wire.host(1), 1024, wire.host(2), "/evil-0", body=b"hello, a second look")
        s.seen(p.wire.send(p.capture(session[:5], "first.pcap")))
        p.file("my.rules", RULES + 'alert http any any -> any any (msg:"new"; http.response_body; content:"second look"; sid:5;)\n')
        assert dewline("reload", "-l", p.out).expect(0)
        s.seen(5 + p.wire.send(p.capture(session[5:], "second.pcap")))
        assert s.status()["rules"] == {"loaded": 5, "failed": 0, "reloads": 1, "reloads_failed": 0}
        s.end()
        assert p.fired() == {2: 1, 4: 1, 5: 1}
        assert len(p.events("flow")) == 1


def test_what_flows_remember_outlives_a_reload_that_renumbers_it():
    before = """
alert http any any -> any any (msg:"set"; http.uri; content:"/evil"; flowbits:set,seen; flowbits:noalert; sid:1;)
alert http any any -> any any (msg:"path"; http.uri; content:"/evil"; sid:3;)
"""
    after = """
alert http any any -> any any (msg:"other"; http.uri; content:"/nothing"; flowbits:set,another; sid:7;)
alert http any any -> any any (msg:"asked"; flow:to_client; http.stat_code; content:"200"; flowbits:isset,seen; sid:2;)
alert http any any -> any any (msg:"path"; http.uri; content:"/evil"; sid:3;)
"""
    with Place(before) as p:
        s = p.sensor()
        # seven: rules look at a request when the client's next packet comes
        session = wire.http(wire.host(1), 1024, wire.host(2), "/evil-0")
        s.seen(p.wire.send(p.capture(session[:7], "first.pcap")))
        p.file("my.rules", after)
        assert s.ask("reload")["return"] == "OK"
        s.seen(7 + p.wire.send(p.capture(session[7:], "second.pcap")))
        s.end()
        # the transaction was looked at anew, and what had fired for it stayed silent
        found = p.fired()
        assert found == {2: 1, 3: 1}, found


def test_100_reloads_under_load_lose_no_packet_and_no_memory():
    with Place() as p:
        s = p.sensor("--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.ring-size=60000")
        capture = p.capture(sessions(100, servers=7))
        times = 40
        sender = p.wire.sender(capture, times)
        busy = []
        for n in range(100):
            assert s.ask("reload")["return"] == "OK"
            if n >= 10:
                busy.append(s.status()["memory"])
        resident = [m["resident"] for m in busy[10:]]
        sent = int(sender.communicate(timeout=60)[0])
        status = s.seen(sent)
        print(f"# {sent} packets, resident {resident[0]} .. {resident[-1]} bytes")
        assert status["packets"] == sent and status["kernel_drops"] == 0, status
        assert status["rules"]["reloads"] == 100 and status["events"]["lost"] == 0, status
        # traffic may still grow while it runs; rules may not: twice the last 40 against the 40 before
        assert max(resident[40:]) - max(resident[:40]) < 8 << 20, resident
        for owner in ("tables", "rules"):
            assert len({m[owner] for m in busy}) == 1, (owner, [m[owner] for m in busy])
        # and without traffic nothing does, whoever it belongs to
        calm = []
        for n in range(60):
            assert s.ask("reload")["return"] == "OK"
            calm.append(s.memory())
        calm = calm[20:]
        for owner in ("tables", "rules"):
            assert len({m[owner] for m in calm}) == 1, (owner, [m[owner] for m in calm])
        assert calm[-1]["traffic"] <= calm[0]["traffic"], [m["traffic"] for m in calm]  # flows may end meanwhile
        wire.flat(calm)
        s.end()
        found = p.fired()
        assert found[4] >= 100 and set(found) == {1, 2, 4}, found


def test_rules_that_cannot_be_read_leave_those_at_hand():
    with Place() as p:
        s = p.sensor()
        os.unlink(p.rules)
        r = dewline("reload", "-l", p.out).expect(1)
        assert "my.rules" in r.err, r
        assert s.status()["rules"] == {"loaded": 4, "failed": 0, "reloads": 0, "reloads_failed": 1}
        s.seen(p.wire.send(p.capture(sessions(3))))
        s.end()
        assert len(alerts(p.events())) == 3 + 3 + 1


def test_a_hangup_opens_the_file_again_and_reads_the_rules():
    with Place() as p:
        s = p.sensor()
        moved = os.path.join(p.out, "eve.json.1")
        os.rename(os.path.join(p.out, "eve.json"), moved)
        s.process.send_signal(signal.SIGHUP)
        wire.until("a reload", lambda: s.status()["rules"]["reloads"] == 1)
        wire.until("a new file", lambda: os.path.exists(os.path.join(p.out, "eve.json")))
        s.seen(p.wire.send(p.capture(sessions(3))))
        s.end()
        assert len(p.events("flow")) == 3 and os.path.getsize(moved) == 0


def test_powers_are_gone_before_the_first_packet():
    with Place() as p:
        config = p.file("suricata.yaml", "%YAML 1.1\n---\nrule-files: [" + p.rules + "]\noutputs:\n  - eve-log:\n      enabled: yes\n"
                        "      types: [alert]\n")
        s = p.sensor("-c", config, rules=False)
        status = s.kernel_says()
        assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, status
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        # it reads its rules again, and nothing that was not meant to be read
        assert s.ask("reload")["return"] == "OK"
        assert s.status()["rules"]["failed"] == 0
        p.file("suricata.yaml", "%YAML 1.1\n---\nrule-files: [" + p.rules + ", /etc/shadow]\n")
        assert s.ask("reload")["return"] == "OK"
        wire.until("the complaint", lambda: re.search("shadow: Permission denied", s.said()))
        s.end()


def test_it_becomes_another_user_and_can_still_open_its_files_again():
    with Place() as p:
        os.chmod(p.dir, 0o755)
        os.chmod(p.out, 0o777)
        s = p.sensor("--user", "nobody")
        uids = s.kernel_says()["Uid"].split()
        assert len(set(uids)) == 1 and uids[0] != "0", uids
        os.rename(os.path.join(p.out, "eve.json"), os.path.join(p.out, "eve.json.1"))
        assert s.ask("reopen")["return"] == "OK"
        wire.until("a new file", lambda: os.path.exists(os.path.join(p.out, "eve.json")))
        assert s.ask("reload")["return"] == "OK"
        s.end()


def test_status_is_one_page_and_prometheus_text_on_request():
    with Place() as p:
        s = p.sensor("--profile")
        s.seen(p.wire.send(p.capture(sessions(30))))
        page = json.loads(dewline("status", "-l", p.out, "--json").expect(0).out)
        assert page["packets"] == 300 and page["flows"] == 30 and page["events"]["lost"] == 0
        assert {"resident", "traffic", "tables", "rules", "rings", "lines"} <= set(page["memory"])
        assert {c["sid"] for c in page["rules_cost"]} <= {1, 2, 3, 4} and len(page["rules_cost"]) > 0
        text = dewline("status", "-l", p.out, "--prometheus").expect(0).out
        assert sum(int(t.split()[1]) for t in text.splitlines() if t.startswith("dewline_packets_total{")) == 300
        dewline("status", "-l", p.out, "--ready").expect(0)
        s.end()
        dewline("status", "-l", p.out, "--ready").expect(1)
        dewline("status", "-l", p.out).expect(2)


def test_what_the_socket_does_not_understand_is_answered_or_closed():
    with Place() as p:
        s = p.sensor()
        assert s.ask("no-such-thing") == {"return": "NOK", "message": "no such command"}
        for bad in (b"\n", b"[]\n", b"{\n", b'{"command":7}\n', b"\xff\x00\n", b'{"version":"0.2"}\n'):
            with wire.socket.socket(wire.socket.AF_UNIX) as c:
                c.settimeout(10)
                c.connect(s.socket)
                c.sendall(bad)
                assert json.loads(c.recv(4096))["return"] == ("OK" if b"version" in bad else "NOK"), bad
        with wire.socket.socket(wire.socket.AF_UNIX) as c:
            c.settimeout(10)
            c.connect(s.socket)
            c.sendall(b"x" * 4096)  # a line without an end
            assert c.recv(4096) == b""
        assert s.ask("stop")["return"] == "OK"
        assert s.process.wait(60) == 0


def test_events_that_nobody_takes_are_lost_and_packets_are_not():
    with Place() as p:
        os.mkfifo(os.path.join(p.out, "eve.json"))  # a disk that has stopped
        s = p.sensor()
        sent = p.wire.send(p.capture(sessions(600)))
        status = s.seen(sent)
        assert status["packets"] == sent and status["kernel_drops"] == 0 and status["records"] > 1000, status
        assert status["events"]["written"] < status["records"], status  # a pipe holds 64 KiB
        said = s.end(code=2)
        assert "could not be written" in said, said


def test_several_workers_say_one_stats_event_about_all():
    with Place() as p:
        s = p.sensor("-c", p.file("s.yaml", """%YAML 1.1
---
outputs:
  - eve-log: {enabled: yes, filename: eve.json, types: [stats, flow]}
  - stats: {enabled: yes, filename: stats.log}
stats: {enabled: yes, interval: 1}
"""))
        sent = p.wire.send(p.capture(sessions(100)))
        s.seen(sent)
        s.end()
        last = p.events("stats")[-1]["stats"]
        assert last["decoder"]["pkts"] == sent and last["flow"]["total"] == 100, last
        assert last["capture"] == {"kernel_packets": sent, "kernel_drops": 0}, last
        with open(os.path.join(p.out, "stats.log")) as f:
            lines = [line.split("|") for line in f if line.startswith("decoder.pkts")]
        assert int(lines[-1][2]) == sent, lines


def test_hosts_are_counted_once_over_all_workers():
    rules = """
alert tcp any any -> any any (msg:"scan"; flags:S; threshold:type threshold, track by_src, count 10, seconds 600; sid:1;)
alert tcp any any -> any 81 (msg:"mark"; flags:S; xbits:set,marked,track ip_src,expire 600; noalert; sid:2;)
alert tcp any any -> any 82 (msg:"marked"; flags:S; xbits:isset,marked,track ip_src; sid:3;)
"""
    with Place(rules) as p:
        s = p.sensor("--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.threads=2")
        syn = lambda dst, port: wire.tcp(wire.host(1), 4000, wire.host(dst), port, 1, 0, wire.SYN)
        s.seen(p.wire.send(p.capture([syn(0x100 + n, 80) for n in range(1000)], "scan.pcap")))
        sent = 1000 + p.wire.send(p.capture([syn(0x9000, 81)], "mark.pcap"))
        s.seen(sent)  # before the others: they are in other workers
        sent += p.wire.send(p.capture([syn(0x9001 + n, 82) for n in range(50)], "ask.pcap"))
        status = s.seen(sent)
        assert all(w["packets"] > 100 for w in status["workers"]), status["workers"]
        s.end()
        found = p.fired()
        assert found == {1: 1051 // 10, 3: 50}, found


def test_sets_that_rules_change_are_written_by_all_workers_at_the_end():
    with Place('alert http any any -> any any (msg:"kept"; http.uri; dataset:set,paths,type string,state paths.lst; sid:1;)') as p:
        s = p.sensor("--data-dir", p.out)
        frames = [f for i in range(20) for f in wire.http(wire.host(0x010000 + i), 1024, wire.host(0x020000 + i), f"/p{i}")]
        s.seen(p.wire.send(p.capture(frames)))
        assert s.ask("reload")["return"] == "OK"
        s.end()
        with open(os.path.join(p.out, "paths.lst")) as f:
            kept = {base64.b64decode(line).decode() for line in f}
        assert kept == {f"/p{i}" for i in range(20)}, kept


def test_files_are_stored_by_all_workers():
    with Place('alert http any any -> any any (msg:"kept"; flow:to_client; filestore; sid:1;)') as p:
        s = p.sensor("-c", p.file("s.yaml", """%YAML 1.1
---
outputs:
  - eve-log: {enabled: yes, filename: eve.json, types: [files]}
  - file-store: {enabled: yes, version: 2, dir: kept}
"""))
        bodies = [b"body %d" % i for i in range(200)]
        flows = [wire.http(wire.host(0x010000 + i), 1024, wire.host(0x020000 + i), "/", body=b) for i, b in enumerate(bodies)]
        status = s.seen(p.wire.send(p.capture([frame for step in zip(*flows) for frame in step])))
        assert all(w["packets"] > 0 for w in status["workers"]), status["workers"]
        s.end()
        kept = {name for _, _, names in os.walk(os.path.join(p.out, "kept")) for name in names}
        assert kept == {hashlib.sha256(b).hexdigest() for b in bodies}, len(kept)


def test_an_interface_that_is_not_there_is_named():
    if place.WHY_NOT is not None:
        tap.skip(place.WHY_NOT)
    with tap.folder() as d:
        r = dewline("sensor", "-i", "nosuch0", "-l", d).expect(2)
        assert "nosuch0" in r.err, r
    dewline("sensor", "-i", "lo", "-r", "x.pcap").expect(2)


tap.main(globals())
