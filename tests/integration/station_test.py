"""A station's own log: what it saw is committed within a second, and so is that it saw nothing for a while."""
import base64
import collections
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time

import place
import tap
import wire
from tap import dewline

RULES = """
alert tcp any any -> any any (msg:"opened"; flags:S; sid:4;)
"""


def read(row):
    try:
        return json.loads(row)
    except ValueError:
        return {}


class Place(place.Place):
    def __init__(self):
        super().__init__(RULES)

    def __enter__(self):
        super().__enter__()
        self.station = os.path.join(self.out, "station")
        return self

    def sensor(self, *args, folder=None):
        if folder is not None:
            self.station = folder
        return self.start("-S", self.rules, "--set", "seal.enabled=yes", "--set", "seal.party=nordland", "--set", "seal.alive=1",
                          "--set", f"seal.folder={self.station}", "--set", "sensor-name=station-1", *args)

    def seal(self):
        return self.sensors[-1].status()["seal"]

    @property
    def log(self):
        return os.path.join(self.station, "log")

    def lines(self):
        """What is in the station's eve.json; {} for a line that a kill cut."""
        with open(os.path.join(self.station, "eve.json"), encoding="utf-8") as f:
            return [read(row) for row in f.read().split("\n")[:-1]]

    def of(self, kind):
        return [e for e in self.lines() if e.get("event_type") == kind]

    def gaps(self, reason=None):
        return [e["gap"] for e in self.of("gap") if reason in (None, e["gap"]["reason"])]

    def size(self):
        """Leaves under the signed checkpoint."""
        with open(os.path.join(self.log, "checkpoint")) as f:
            return int(f.read().split("\n")[1])

    def check(self):
        """The log is whole, and each leaf names the one before it."""
        dewline("log", "check", self.log).expect(0)
        rows = self.periods()
        assert rows[-1]["chained"] == rows[-1]["size"] - 1 and rows[-1]["chain_broken"] == 0, rows[-1]
        return rows

    def periods(self, *args):
        r = dewline("log", "periods", "--json", *args, self.log)
        assert r.code in (0, 1), r
        return [json.loads(row) for row in r.out.splitlines()]


def connections(n, first=0):
    return [wire.tcp(wire.host(0x010000 + first + i), 1024 + (first + i) % 60000, wire.host(0x020000), 80, 999, 0, wire.SYN)
            for i in range(n)]


def moment(text):
    """EVE's time as seconds since 1970."""
    head, fraction = re.fullmatch(r"(.*)\.(\d{6})\+0000", text).groups()
    import calendar
    return calendar.timegm(time.strptime(head, "%Y-%m-%dT%H:%M:%S")) + int(fraction) / 1e6


def leaf_of(place, is_it):
    """The number of the newest leaf whose line this is."""
    found = [i for i, e in enumerate(place.lines()) if is_it(e)]
    return found[-1] if found else None


def test_an_alert_is_under_a_signed_checkpoint_a_second_after_its_packet_arrived():
    with Place() as p:
        s = p.sensor()
        took = []
        for n in range(20):
            capture = p.capture(connections(1, n), f"{n}.pcap")
            p.wire.send(capture)
            source = wire.host(0x010000 + n)

            def committed():
                leaf = leaf_of(p, lambda e: e.get("event_type") == "alert" and e["src_ip"] == source)
                return leaf is not None and p.size() > leaf and (time.time(), p.lines()[leaf])
            now, event = wire.until("the alert under a checkpoint", committed)
            took.append(now - moment(event["timestamp"]))
        # who sees the checkpoint may be quicker than who counts
        status = wire.until("20 counted", lambda: (lambda c: c if c["sealed"] == 20 else None)(s.status()["seal"]))
        s.end()
        p.check()
        took.sort()
        print(f"# by the test's clock: p50 {took[10] * 1000:.0f} ms, most {took[-1] * 1000:.0f} ms")
        # one in twenty may be kept from the processor by others; then the station knows it, too
        late = len([s for s in took if s > 1])
        assert late <= 1 and status["late"] <= 1, (took, status)
        assert status["lost_alerts"] == 0, status


def test_a_burst_is_sealed_whole_and_how_long_that_took_is_known():
    with Place() as p:
        s = p.sensor()
        sent = p.wire.send(p.capture(connections(2000)), 2)
        s.seen(sent)
        status = wire.until("all alerts sealed", lambda: (lambda c: c if c["sealed"] >= sent else None)(s.status()["seal"]))
        after = status["seen_to_committed_ns"]
        print(f"# {sent} alerts in a burst: p50 {after['p50'] / 1e6:.0f} ms, p99 {after['p99'] / 1e6:.0f} ms, most {after['most'] / 1e6:.0f} ms")
        s.end()
        p.check()
        assert len(p.of("alert")) == sent == status["sealed"]
        assert len(set(e["src_ip"] for e in p.of("alert"))) == 2000


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(n) for n in f.read().split()]


def sealing(pid):
    """Of a sensor: who sees to it that somebody seals, and who does."""
    keeper, = children(pid)
    return keeper, *wire.until("somebody seals", lambda: children(keeper))


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def killed(both):
    with Place() as p:
        s = p.sensor()
        capture = p.capture(connections(500))
        sender = p.wire.sender(capture, 20)
        wire.until("some are sealed", lambda: s.status()["seal"]["sealed"] > 1000)
        keeper, sealer = sealing(s.process.pid)
        acknowledged = s.status()["seal"]["leaves"]
        for pid in [s.process.pid] + ([keeper, sealer] if both else []):
            os.kill(pid, signal.SIGKILL)
        s.process.wait()
        sender.communicate(timeout=60)
        wire.until("who seals has ended", lambda: gone(sealer))
        dewline("log", "check", p.log).expect(0)
        before = p.size()
        assert before >= acknowledged > 1000, (before, acknowledged)
        s = p.sensor()
        s.seen(p.wire.send(p.capture(connections(3, 5000), "after.pcap")))
        wire.until("three more", lambda: s.status()["seal"]["sealed"] == 3)
        s.end()
        rows = p.check()
        assert p.size() > before + 3
        crash = p.gaps("crash")
        assert crash and {g["says"] for g in crash} == {"silent, cause unknown"} and crash[-1]["to"], crash
        silent = [r for r in rows if r.get("watched") is False]
        assert len(silent) == 1 and silent[0]["reason"] == "crash", rows
        text = dewline("log", "periods", p.log).out
        assert "silent, cause unknown" in text and "no attack" not in text, text
        print(f"# {acknowledged} leaves acknowledged, {before} after the kill")


def test_a_sensor_that_is_killed_under_load_leaves_a_whole_log_and_the_next_says_how_long_it_was_silent():
    killed(both=False)


def test_so_it_is_when_all_is_killed_at_once_as_by_a_loss_of_power():
    killed(both=True)


def test_who_seals_is_killed_and_another_goes_on_and_says_that_it_was_silent():
    with Place() as p:
        s = p.sensor()
        s.seen(p.wire.send(p.capture(connections(100))))
        wire.until("100 sealed", lambda: s.status()["seal"]["sealed"] == 100)
        sent, before = 100, p.size()
        for n in range(1, 3):
            keeper, sealer = sealing(s.process.pid)
            os.kill(sealer, signal.SIGKILL)
            s.seen(p.wire.send(p.capture(connections(200, sent), f"{n}.pcap")))
            sent += 200
            wire.until("all are sealed", lambda: s.status()["seal"]["sealed"] >= sent)
            now = s.status()["seal"]
            assert now["running"] and now["writing"] and now["deaths"] == n and now["lost_alerts"] == 0, now
            assert sealing(s.process.pid)[0] == keeper and sealing(s.process.pid)[1] != sealer
            wire.until("the gap", lambda: len(p.gaps("sealer")) == n)
        assert "who seals has died (signal 9); another begins" in s.said()
        s.end()
        assert len({e["src_ip"] for e in p.of("alert")}) == sent and p.size() > before + 400
        for g in p.gaps("sealer"):
            assert g["says"] == "silent, cause unknown" and g["cause"] == "unknown" and g["silent"], g
            assert moment(g["from"]) <= moment(g["to"]), g
        assert [e["watch"]["act"] for e in p.of("watch")] == ["begin", "end"], p.of("watch")
        assert sum(e["life"]["packets"] for e in p.of("life")) == sent, p.of("life")
        rows = p.check()
        assert any(r.get("reason") == "sealer" and not r["watched"] for r in rows), rows
        # what was asked for at the end stays no unknown silence
        p.sensor().end()
        assert p.gaps("stopped") and not p.gaps("crash"), p.gaps()


def test_who_seals_is_killed_and_the_sensor_with_it_and_what_was_said_is_sealed_all_the_same():
    with Place() as p:
        s = p.sensor()
        wire.until("a sign of life", lambda: s.status()["seal"]["signs"] > 0)
        keeper, sealer = sealing(s.process.pid)
        os.kill(sealer, signal.SIGSTOP)
        s.seen(p.wire.send(p.capture(connections(50))))
        for pid in (s.process.pid, sealer):
            os.kill(pid, signal.SIGKILL)
        s.process.wait()
        wire.until("the keeper has ended", lambda: gone(keeper))
        assert len({e["src_ip"] for e in p.of("alert")}) == 50
        assert p.gaps("sealer") and p.gaps("crash"), p.gaps()
        p.check()


def test_a_sensor_that_hangs_is_silent_and_packets_that_found_no_room_meanwhile_are_counted():
    with Place() as p:
        s = p.sensor("--set", "af-packet.0.interface=wire0", "--set", "af-packet.0.ring-size=1000")
        wire.until("a sign of life", lambda: s.status()["seal"]["signs"] > 0)
        os.kill(s.process.pid, signal.SIGSTOP)
        try:
            began = time.time()
            wire.until("it is said", lambda: p.gaps("hang"))
            first, = p.gaps("hang")
            assert "to" not in first and first["says"] == "silent, cause unknown", first
            assert moment(first["from"]) <= began + 1, (first, began)
            p.wire.send(p.capture(connections(1000)), 60)
        finally:
            os.kill(s.process.pid, signal.SIGCONT)
        over = wire.until("it is over", lambda: [g for g in p.gaps("hang") if "to" in g])[0]
        assert over["from"] == first["from"] and moment(over["to"]) - moment(over["from"]) >= 5, over
        lost = wire.until("what was lost is told", lambda: p.gaps("drops"))
        s.end()
        assert all(g["where"] == "wire0" and g["counted_by"] == "kernel" and not g["silent"] for g in lost), lost
        rows = p.check()
        assert sum(g["packets"] for g in p.gaps("drops")) == rows[-1]["lost_packets"] > 1000, rows[-1]
        assert any(r.get("reason") == "hang" and not r["watched"] for r in rows), rows


def test_an_end_that_was_asked_for_is_no_unknown_silence():
    with Place() as p:
        for _ in range(2):
            s = p.sensor()
            wire.until("a sign of life", lambda: s.status()["seal"]["signs"] > 0)
            s.end()
        rows = p.check()
        gap, = p.gaps()
        assert gap["reason"] == "stopped" and gap["says"] == "silent: it was told to end" and "cause" not in gap
        assert [r["watched"] for r in rows[:-1]] == [True, False, True], rows
        # not one moment is left between what was watched and what was not
        assert all(a["to"] == b["from"] for a, b in zip(rows, rows[1:-1])), rows
        acts = [e["watch"]["act"] for e in p.of("watch")]
        assert acts == ["begin", "end", "begin", "end"] and p.of("watch")[0]["watch"]["places"] == ["wire0"]


def test_a_cable_that_is_cut_is_a_gap_from_then_on_and_until_it_is_back():
    with Place() as p:
        s = p.sensor()
        wire.until("a sign of life", lambda: s.status()["seal"]["signs"] > 0)
        p.wire.ip("-n", p.wire.name, "link", "set", "wire1", "down")
        wire.until("a gap that is open", lambda: [g for g in p.gaps("link") if "to" not in g])
        p.wire.ip("-n", p.wire.name, "link", "set", "wire1", "up")
        closed = wire.until("and closed", lambda: [g for g in p.gaps("link") if "to" in g])[0]
        assert closed["where"] == "wire0" and closed["silent"] is True
        s.seen(p.wire.send(p.capture(connections(1))))
        p.wire.ip("-n", p.wire.name, "link", "del", "wire0")
        wire.until("a gap that stays", lambda: p.gaps("gone") or [g for g in p.gaps("link") if g["from"] > closed["from"]])
        s.end()
        rows = p.check()
        silent = [r for r in rows if r.get("watched") is False]
        assert silent[0]["reason"] == "link" and silent[0]["where"] == "wire0", rows


def test_a_wire_without_a_packet_is_silent_cause_unknown_if_it_is_asked_for():
    with Place() as p:
        s = p.sensor("--set", "seal.quiet=1")
        wire.until("silence", lambda: p.gaps("quiet"))
        s.seen(p.wire.send(p.capture(connections(1))))
        closed = wire.until("its end", lambda: [g for g in p.gaps("quiet") if "to" in g])[0]
        assert closed["says"] == "silent, cause unknown" and closed["cause"] == "unknown"
        s.end()
        p.check()


class Clock:
    """A wall clock that can be set, for the processes of a test."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "clock")
        self.shim = os.path.join(tap.BUILD, "tests/integration/libclock_shim.so")
        if not os.path.exists(self.shim):
            tap.skip("no clock_shim was built")
        self.set(0)

    def set(self, seconds, asleep=0):
        """The wall clock off by so much; the machine slept so long."""
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as f:
            f.write(struct.pack("<qq", int(seconds * 1e9), int(asleep * 1e9)))

    def __enter__(self):
        os.environ["LD_PRELOAD"], os.environ["DEW_TEST_CLOCK"] = self.shim, self.path
        return self

    def __exit__(self, *why):
        del os.environ["LD_PRELOAD"], os.environ["DEW_TEST_CLOCK"]


def test_a_clock_that_is_set_back_or_ahead_is_a_gap():
    with Place() as p:
        clock = Clock(p.dir)
        with clock:
            s = p.sensor()
        wire.until("a sign of life", lambda: s.status()["seal"]["signs"] > 0)
        clock.set(-3600)
        back = wire.until("the gap", lambda: p.gaps("clock-back"))[0]
        assert 3599 < moment(back["from"]) - moment(back["to"]) < 3601, back
        clock.set(0)
        ahead = wire.until("the other", lambda: p.gaps("clock-ahead"))[0]
        assert 3599 < moment(ahead["to"]) - moment(ahead["from"]) < 3601, ahead
        s.end()
        rows = p.check()
        assert any(r.get("reason") in ("clock-back", "clock-ahead") for r in rows), rows


def test_a_machine_that_slept_is_silent_for_so_long():
    with Place() as p:
        clock = Clock(p.dir)
        with clock:
            s = p.sensor()
        wire.until("a sign of life", lambda: s.status()["seal"]["signs"] > 0)
        clock.set(1800, asleep=1800)
        slept = wire.until("the gap", lambda: p.gaps("suspended"))[0]
        assert 1799 < moment(slept["to"]) - moment(slept["from"]) < 1801 and slept["silent"], slept
        s.end()
        assert not p.gaps("clock-ahead") and not p.gaps("clock-back"), p.gaps()
        rows = p.check()
        assert any(r.get("reason") == "suspended" and not r["watched"] for r in rows), rows
        assert rows[-1]["all_ns"] - rows[-1]["watched_ns"] > 1790e9, rows[-1]


def test_a_clock_that_went_back_while_nobody_was_there_is_seen_at_the_start():
    with Place() as p:
        p.sensor().end()
        clock = Clock(p.dir)
        clock.set(-3600)
        with clock:
            s = p.sensor()
        wire.until("the gap", lambda: p.gaps("clock-back"))
        clock.set(0)
        s.end()
        p.check()


def test_a_disk_that_is_full_stops_neither_traffic_nor_events_and_is_a_gap_when_there_is_room():
    with Place() as p:
        disk = os.path.join(p.dir, "disk")
        p.disk(disk, "8m")
        s = p.sensor(folder=os.path.join(disk, "station"))
        s.seen(p.wire.send(p.capture(connections(50))))
        wire.until("50 sealed", lambda: s.status()["seal"]["sealed"] == 50)
        filler = os.path.join(disk, "filler")
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass
        s.seen(50 + p.wire.send(p.capture(connections(200, 50), "second.pcap")))
        wire.until("the log stands still", lambda: not s.status()["seal"]["writing"])
        wire.until("events do not", lambda: len([e for e in tap.eve(p.out) if e["event_type"] == "alert"]) == 250)
        assert "No space left" in s.status()["seal"]["error"]
        assert "the log cannot be written now" in dewline("status", "-l", p.out).expect(0).out
        os.unlink(filler)
        status = wire.until("room again", lambda: (lambda c: c if c["writing"] and c["sealed"] == 250 else None)(s.status()["seal"]))
        gap = wire.until("the gap", lambda: p.gaps("disk"))[0]
        assert gap["silent"] is False and gap["from"] < gap["to"], gap
        s.end()
        p.check()
        assert len(p.of("alert")) == 250 and status["lost_alerts"] == 0 and status["failures"] > 0, status
        # line n is leaf n again: what became no leaf is no line
        assert len(p.lines()) == p.size()


def test_what_a_capture_shows_is_sealed_disclosed_and_forgotten():
    with tap.folder() as d:
        capture, rules, out = os.path.join(d, "c.pcap"), os.path.join(d, "r.rules"), os.path.join(d, "out")
        wire.write(capture, connections(300))
        with open(rules, "w") as f:
            f.write(RULES)
        dewline("sensor", "-r", capture, "-S", rules, "-l", out, "--set", "seal.enabled=yes", "--set", "seal.party=nordland").expect(0)
        station = os.path.join(out, "station")
        lines = [e for e in tap.eve(station)]
        alerts = [i for i, e in enumerate(lines) if e["event_type"] == "alert"]
        assert len(alerts) == 300 == len([e for e in tap.eve(out) if e["event_type"] == "alert"])
        assert [e["input"]["what"] for e in lines if e["event_type"] == "input"] == ["station-key", "rules", "capture"]
        assert {e["party"] for e in lines} == {"nordland"}
        dewline("log", "check", os.path.join(station, "log")).expect(0)
        proof = os.path.join(d, "proof")
        entry = os.path.join(d, "entry")
        dewline("log", "prove", alerts[7], os.path.join(station, "log"), "-o", proof, "--entry", entry).expect(0)
        dewline("log", "check", "--proof", proof, "--entry", entry, "--key", os.path.join(station, "log.vkey")).expect(0)
        bundle = os.path.join(d, "b")
        dewline("disclose", "open", "-d", station, "-l", alerts[7], "-f", "alert", "--approve", "A. Person", "--to", "B", "-w", bundle).expect(0)
        dewline("verify", "--facts", bundle).expect(0)
        with open(bundle) as f:
            text = f.read()
        assert lines[alerts[7]]["src_ip"] not in text
        dewline("expire", "-d", station, "--keep", "1d", "--approve", "A. Person").expect(0)
        assert not [e for e in open(os.path.join(station, "eve.json")) if '"event_type":"alert"' in e]
        dewline("log", "check", os.path.join(station, "log")).expect(0)


def test_two_neighbours_show_that_nothing_is_between_them_and_to_leave_one_out_is_seen():
    with tap.folder() as d:
        capture, rules, out = os.path.join(d, "c.pcap"), os.path.join(d, "r.rules"), os.path.join(d, "out")
        wire.write(capture, connections(5))
        with open(rules, "w") as f:
            f.write(RULES)
        dewline("sensor", "-r", capture, "-S", rules, "-l", out, "--set", "seal.enabled=yes").expect(0)
        log = os.path.join(out, "station", "log")
        leaves = []
        for n in range(8):
            entry = os.path.join(d, f"e{n}")
            dewline("log", "prove", n, log, "-o", os.path.join(d, "p"), "--entry", entry).expect(0)
            with open(entry, "rb") as f:
                leaves.append(f.read())
        import hashlib
        text = lambda s: base64.urlsafe_b64decode(s + b"=" * (-len(s) % 4))
        prev = [json.loads(text(e.split(b".")[1])).get("prev") for e in leaves]
        hashes = [base64.urlsafe_b64encode(hashlib.sha256(b"\0" + e).digest()).rstrip(b"=").decode() for e in leaves]
        assert prev[0] is None and prev[1:] == hashes[:-1]


def test_periods_of_a_log_that_is_somebody_elses_come_from_what_leaves_say_in_the_clear():
    with Place() as p:
        s = p.sensor()
        wire.until("signs of life", lambda: s.status()["seal"]["signs"] > 3)
        s.end()
        foreign = os.path.join(p.dir, "foreign")
        os.mkdir(foreign)
        subprocess.run(["cp", "-r", p.log, os.path.join(p.station, "log.vkey"), foreign], check=True)
        rows = [json.loads(row) for row in dewline("log", "periods", "--json", os.path.join(foreign, "log")).expect(0).out.splitlines()]
        assert rows[-1]["own_words"] is False and rows[0]["watched"] is True, rows
        assert dewline("log", "periods", "--required", "100", os.path.join(foreign, "log")).code in (0, 1)
        # a leaf that was changed is not what was signed
        tile = os.path.join(foreign, "log", "tile", "entries")
        path = sorted(os.path.join(r, f) for r, _, fs in os.walk(tile) for f in fs)[-1]
        with open(path, "r+b") as f:
            f.seek(40)
            byte = f.read(1)
            f.seek(40)
            f.write(bytes([byte[0] ^ 1]))
        assert dewline("log", "periods", os.path.join(foreign, "log")).code == 1


def test_the_keys_are_not_with_who_parses_packets():
    with Place() as p:
        s = p.sensor()
        keeper, sealer = sealing(s.process.pid)
        opened = [os.readlink(f"/proc/{s.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{s.process.pid}/fd")]
        assert not [f for f in opened if f.startswith(p.station)], opened
        with open(os.path.join(p.station, "keys", "station.key")) as f:
            seed = bytes.fromhex(f.read().strip())
        for pid, there in ((s.process.pid, False), (keeper, False), (sealer, True)):
            assert in_memory(pid, seed) is there, (pid, there)
        with open(f"/proc/{sealer}/status") as f:
            kernel = {k: v.strip() for k, v in (line.split(":", 1) for line in f)}
        assert int(kernel["CapEff"], 16) == 0 and kernel["Seccomp"] == "2" and kernel["NoNewPrivs"] == "1", kernel
        opened = [os.readlink(f"/proc/{sealer}/fd/{fd}") for fd in os.listdir(f"/proc/{sealer}/fd")]
        assert not [f for f in opened if "packet" in f.lower() or f.endswith("out/eve.json")], opened
        s.end()


def in_memory(pid, what):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            at, to = (int(n, 16) for n in span.split("-"))
            try:
                memory.seek(at)
                if what in memory.read(to - at):
                    return True
            except OSError:
                continue
    return False


def test_it_seals_as_another_user():
    with Place() as p:
        os.chmod(p.dir, 0o755)
        os.chmod(p.out, 0o777)
        for n in range(2):
            s = p.sensor("--user", "nobody")
            s.seen(p.wire.send(p.capture(connections(300, 300 * n))))
            wire.until("300 sealed", lambda: s.status()["seal"]["sealed"] == 300)
            _, sealer = sealing(s.process.pid)
            with open(f"/proc/{sealer}/status") as f:
                uids = [line.split()[1:] for line in f if line.startswith("Uid:")][0]
            assert len(set(uids)) == 1 and uids[0] != "0", uids
            s.end()
        p.check()
        assert len(p.of("alert")) == 600


def test_a_station_that_runs_lends_its_log_to_who_discloses_or_forgets():
    with Place() as p:
        s = p.sensor()
        s.seen(p.wire.send(p.capture(connections(20))))
        wire.until("20 sealed", lambda: s.status()["seal"]["sealed"] == 20)
        leaf = leaf_of(p, lambda e: e.get("event_type") == "alert")
        sender = p.wire.sender(p.capture(connections(200, 100), "more.pcap"), 5)
        bundle = os.path.join(p.dir, "b")
        dewline("disclose", "open", "-d", p.station, "-l", leaf, "-f", "alert", "--approve", "A. Person", "--to", "B", "-w", bundle).expect(0)
        dewline("verify", "--facts", bundle).expect(0)
        dewline("expire", "-d", p.station, "--keep", "1d", "--approve", "A. Person").expect(0)
        sent = 20 + int(sender.communicate(timeout=60)[0])
        wire.until("all are sealed", lambda: s.status()["seal"]["sealed"] == sent)
        s.end()
        p.check()
        assert len(p.of("disclosure")) == 1 and len(p.of("expiry")) == 1 and len(p.of("alert")) == sent
        assert not p.gaps("crash") and not p.gaps("disk") and not os.path.exists(os.path.join(p.station, "waiting"))


def test_reloaded_rules_are_named_in_the_log():
    with Place() as p:
        s = p.sensor()
        p.file("my.rules", RULES + 'alert tcp any any -> any any (msg:"other"; flags:F; sid:5;)\n')
        dewline("reload", "-l", p.out).expect(0)
        wire.until("the new ones", lambda: len({e["input"]["sha256"] for e in p.of("input") if e["input"]["what"] == "rules"}) == 2)
        s.end()
        p.check()


def test_prometheus_is_told_how_late_events_were():
    with Place() as p:
        s = p.sensor()
        s.seen(p.wire.send(p.capture(connections(10))))
        wire.until("ten sealed", lambda: s.status()["seal"]["sealed"] == 10)
        text = dewline("status", "-l", p.out, "--prometheus").expect(0).out
        rows = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        assert rows["dewline_seal_sealed_total"] == "10" and rows["dewline_seal_writing"] == "1"
        assert rows['dewline_seal_lost_total{event="alert"}'] == "0"
        assert int(rows['dewline_seal_seconds_bucket{le="+Inf"}']) == 10
        page = dewline("status", "-l", p.out).expect(0).out
        assert "sealed       10 events" in page, page
        assert max(len(line) for line in page.splitlines()) <= 80, page
        s.end()


if __name__ == "__main__":
    tap.main(globals())
