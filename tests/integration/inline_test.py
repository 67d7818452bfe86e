"""A sensor in the line: what rules stop does not pass, all else does, whatever happens to the sensor."""
import json
import os
import signal
import time

import line
import tap
import wire

RULES = """
drop http any any -> any any (msg:"path"; http.uri; content:"/evil"; sid:1;)
drop udp any any -> any any (msg:"marked"; content:"|ff ff ff ff ff|"; sid:2;)
"""
CONFIG = """%YAML 1.1
---
outputs:
  - eve-log:
      enabled: yes
      types:
        - alert
        - drop:
            alerts: yes
            verdict: yes
        - flow
        - stats
af-packet:
  - interface: ra
    copy-mode: ips
    copy-iface: rb
  - interface: rb
    copy-mode: ips
    copy-iface: ra
  - interface: default
    threads: 2
"""
QUEUE = ("-q", "0")
BRIDGE = ("--af-packet",)
STALL_MS = 100  # what the traffic may feel of it
WHY_NOT = wire.may()
if WHY_NOT is None:
    WHY_NO_QUEUE, XTABLES = line.xtables()
else:
    WHY_NO_QUEUE, XTABLES = WHY_NOT, None


class Place:
    """A line, with a sensor that can be put into it."""

    def __init__(self, bridge=False, rules=RULES, queues=()):
        self.bridge, self.text, self.queues = bridge, rules, queues

    def __enter__(self):
        why = WHY_NOT if self.bridge else WHY_NO_QUEUE
        if why is not None:
            tap.skip(why)
        self.temp = tap.folder()
        self.out = os.path.join(self.temp.name, "out")
        os.mkdir(self.out)
        self.rules = os.path.join(self.temp.name, "my.rules")
        self.write_rules(self.text)
        self.config = os.path.join(self.temp.name, "my.yaml")
        with open(self.config, "w") as f:
            f.write(CONFIG)
        self.line = line.Line(self.bridge).__enter__()
        if not self.bridge:
            self.line.queue(XTABLES, *self.queues)
        self.sensors = []
        return self

    def __exit__(self, *why):
        for s in self.sensors:
            s.kill()
        self.line.__exit__(*why)
        self.temp.cleanup()

    def write_rules(self, text):
        with open(self.rules, "w") as f:
            f.write(text)

    def add_config(self, text):
        with open(self.config, "a") as f:
            f.write(text)

    def kernel_bridges(self):
        """Whether packets go on when all of us are gone."""
        return "dewline_bridge" in self.line.inside("nft", "list", "tables")

    def sensor(self, *args, where=None):
        where = where or (BRIDGE if self.bridge else QUEUE)
        s = wire.Sensor(self.line, tap.DEWLINE, self.out, "-c", self.config, "-S", self.rules, *args, where=where)
        self.sensors.append(s)
        self.inspected(s)
        return s

    def inspected(self, s):
        """Waits until no line is the guardian's."""
        return wire.until("all lines are inspected", lambda: (lambda g: g if g["open"] == 0 else None)(s.status()["guard"]))

    def stops(self, s, path="/evil", answer="timeout"):
        """A rule stops it; unless nobody looked just then, which has to be counted."""
        def unseen():
            t = s.status()
            return t["late"] + t["passed"] + t["guard"]["passed"]
        for _ in range(10):
            before, got = unseen(), self.line.get(path)
            if got == answer:
                return
            assert wire.until("counted", lambda: unseen() > before, 3), (path, got, s.said())
        raise AssertionError(f"{path} is never stopped: {s.said()}")

    def events(self, kind):
        """A line that kill -9 cut in two stands alone: what follows it begins a line of its own."""
        found = []
        with open(os.path.join(self.out, "eve.json"), encoding="utf-8") as f:
            lines = f.read().split("\n")
        for row in lines[:-1]:  # the last is being written
            try:
                found.append(json.loads(row))
            except ValueError:
                assert row.count('{"timestamp"') <= 1, row
        return [e for e in found if e["event_type"] == kind]

    def gaps(self, reason=None):
        return [e["gap"] for e in self.events("gap") if reason in (None, e["gap"]["reason"])]


def passed_without_a_stall(p, sent):
    """By the sender's clock and the receiver's kernel's, without what the machine itself stood still. Where the sensor
    is killed, nothing is lost either."""
    assert sent["lost"] == 0, (sent, p.sensors[-1].said())
    assert sent["stall_ms"] < STALL_MS, (sent, p.sensors[-1].said())


def dropped(bridge):
    with Place(bridge) as p:
        s = p.sensor()
        assert p.line.get("/good") == "hello"
        p.stops(s)
        got = p.line.get("/good?bytes=3000000")
        assert got == "3000000", (got, s.status(), s.said())
        status = s.status()
        assert status["stopped"] > 0, status
        s.end()
        alerts = p.events("alert")
        assert {(e["alert"]["signature_id"], e["alert"]["action"]) for e in alerts} == {(1, "blocked")}, alerts
        drops = p.events("drop")
        assert drops[0]["drop"]["reason"] == "rules", drops
        assert {e["drop"]["reason"] for e in drops} <= {"rules", "flow drop"}, drops
        assert {e["verdict"]["action"] for e in drops} == {"drop"}, drops
        stats = p.events("stats")[-1]["stats"]["ips"]
        assert stats["blocked"] >= status["stopped"] and stats["accepted"] > 0, (stats, status["stopped"])


def test_what_a_rule_drops_does_not_pass_a_queue_and_all_else_does():
    dropped(False)


def test_what_a_rule_drops_does_not_pass_a_bridge_and_all_else_does():
    dropped(True)


REJECT = """
reject http any any -> any any (msg:"path"; http.uri; content:"/evil"; sid:1;)
rejectboth tcp any any -> any any (msg:"both"; flow:established; content:"/wicked"; sid:2;)
reject udp any any -> any any (msg:"udp"; content:"|00 00 00 00 00 00 00|"; sid:3;)
"""


def looked_at_once(bridge):
    """Several workers to a line; what one of them sends out is not for another to look at."""
    with Place(bridge) as p:
        s = p.sensor()
        for _ in range(10):
            assert p.line.datagram() == "answered"
        s.end()
        seen = [(e["flow"]["pkts_toserver"], e["flow"]["pkts_toclient"]) for e in p.events("flow") if e["proto"] == "UDP"]
        assert max(seen) == (1, 1) and len(seen) <= 10, seen  # fewer: somebody was late, and it passed


def test_each_packet_at_queues_is_inspected_once():
    looked_at_once(False)


def test_each_packet_at_a_bridge_is_inspected_once():
    looked_at_once(True)


def rejected(bridge):
    with Place(bridge, REJECT) as p:
        s = p.sensor()
        assert p.line.get("/good") == "hello"
        p.stops(s, "/evil", "reset")
        p.stops(s, "/wicked", "reset")
        # /evil is over for the client only, /wicked for both
        assert p.line.server_sessions() == 1, p.line.server_sessions()
        wire.until("ICMP's \"prohibited\"", lambda: p.line.datagram() == "OSError 113")  # EHOSTUNREACH
        wire.until("it is counted", lambda: s.status()["replies"] >= 4)
        page = tap.dewline("status", "-l", p.out).expect(0).out
        assert max(map(len, page.splitlines())) <= 80, page
        assert all(x in page for x in ("guardian ", "replies ", "late", "kept from looking")), page
        s.end()
        assert {e["verdict"]["reject-target"] for e in p.events("drop") if "reject-target" in e["verdict"]} == {"to_client", "both"}


def test_who_is_rejected_at_a_queue_hears_of_it():
    rejected(False)


def test_who_is_rejected_at_a_bridge_hears_of_it():
    rejected(True)


def test_a_tap_cannot_stop_what_it_rejects_but_answers_it():
    with Place(rules=REJECT) as p:
        s = wire.Sensor(p.line, tap.DEWLINE, p.out, "-S", p.rules, interface="ra")
        p.sensors.append(s)
        p.line.get("/evil")  # whichever was faster
        wire.until("it was answered", lambda: s.status()["replies"] > 0)
        assert "guard" not in s.status()  # it only listens
        s.end()


def test_without_a_sensor_all_passes():
    with Place() as p:
        assert p.line.get("/evil") == "hello"
        s = p.sensor()
        p.stops(s)
        s.end()
        assert p.line.get("/evil") == "hello"


def absent(bridge):
    with Place(bridge) as p:
        s = p.sensor()
        wire.until("a mark", lambda: os.path.getsize(os.path.join(p.out, "line.mark")))
        assert p.line.get("/good") == "hello"
        s.process.kill()  # the guardian, and with it the sensor
        s.process.wait()
        wire.until("traffic passes", lambda: p.line.get("/evil") == "hello")
        s = p.sensor()
        s.end()
        gap, = p.gaps("absent")
        assert gap["from"] < gap["to"], gap
        if bridge:
            assert gap["packets"] >= 10 and gap["counted_by"] == "interfaces", gap
        p.sensor().end()
        assert len(p.gaps("absent")) == 1 and len(p.gaps("stopped")) == 1, p.gaps()


def test_a_time_without_a_sensor_at_queues_is_told_by_the_next():
    absent(False)


def test_a_time_without_a_sensor_at_a_bridge_is_told_by_the_next():
    absent(True)


def test_several_queues_have_a_worker_each():
    with Place(queues=("--queue-balance", "3:5")) as p:
        s = p.sensor(where=("-q", "3:5"))
        for i in range(12):
            assert p.line.get(f"/good-{i}") == "hello"
        status = s.status()
        assert [w["interface"] for w in status["workers"]] == ["queue 3", "queue 4", "queue 5"], status["workers"]
        assert sum(w["packets"] for w in status["workers"]) == status["packets"] > 100
        p.stops(s)


def stopped(p, s, how):
    """The sensor is hurt under load; it is inspecting again at the end. What the sender measured."""
    before = s.status()
    sender = p.line.pace(3)
    how(before["pid"])
    sent = sender.result()
    p.inspected(s)
    return sent


def killed(bridge):
    with Place(bridge) as p:
        s = p.sensor()
        pid = s.status()["pid"]

        def kill(pid):
            os.kill(pid, signal.SIGKILL)

        passed_without_a_stall(p, stopped(p, s, kill))
        assert s.status()["pid"] != pid
        p.stops(s)
        workers = len(s.status()["workers"])
        gaps = wire.until("gaps are written", lambda: (lambda g: g if len(g) >= workers else None)(p.gaps("death")))
        assert len(gaps) == workers and sum(g["packets"] for g in gaps) > 0, gaps
        assert all(g["from"] < g["to"] and g["counted_by"] == "guardian" for g in gaps), gaps
        s.end()


def test_a_sensor_at_queues_that_is_killed_is_replaced_and_no_packet_is_lost():
    killed(False)


def test_a_sensor_at_a_bridge_that_is_killed_is_replaced_and_no_packet_is_lost():
    killed(True)


def test_who_seals_outlives_a_sensor_that_is_killed_in_the_line_and_says_what_passed():
    with Place(True) as p:
        s = p.sensor("--set", "seal.enabled=yes", "--set", "seal.alive=1")
        eve = os.path.join(p.out, "station", "eve.json")

        def sealed(kind):
            with open(eve) as f:
                return [e for e in (json.loads(row) for row in f.read().split("\n")[:-1]) if e["event_type"] == kind]
        p.stops(s)
        wire.until("the drop is sealed", lambda: sealed("drop") and sealed("alert"))
        passed_without_a_stall(p, stopped(p, s, lambda pid: os.kill(pid, signal.SIGKILL)))
        gaps = wire.until("what passed is sealed", lambda: [e["gap"] for e in sealed("gap") if e["gap"].get("detail") == "death"])
        assert all(g["reason"] == "uninspected" and g["silent"] and g["counted_by"] == "guardian" for g in gaps), gaps
        wire.until("the new one has begun", lambda: len([e for e in sealed("watch") if e["watch"]["act"] == "begin"]) == 2)
        assert s.status()["seal"]["running"] and s.status()["seal"]["writing"]
        p.stops(s)
        s.end()
        assert [e["watch"]["act"] for e in sealed("watch")] == ["begin", "begin", "end"]
        tap.dewline("log", "check", os.path.join(p.out, "station", "log")).expect(0)
        rows = [json.loads(row) for row in tap.dewline("log", "periods", "--json", os.path.join(p.out, "station", "log")).out.splitlines()]
        assert rows[-1]["chain_broken"] == 0 and any(r.get("reason") == "uninspected" for r in rows), rows


def hung(bridge):
    with Place(bridge) as p:
        s = p.sensor()

        def stop(pid):
            os.kill(pid, signal.SIGSTOP)
            wire.until("the guardian has said it", lambda: "not inspected (hang)" in s.said())
            passed_without_a_stall(p, p.line.pace(1).result())
            os.kill(pid, signal.SIGCONT)

        passed_without_a_stall(p, stopped(p, s, stop))
        p.stops(s)
        s.end()
        assert max(g["packets"] for g in p.gaps("hang")) > 1000, p.gaps()


def test_a_sensor_at_queues_that_hangs_is_passed_by_and_goes_on_when_it_wakes():
    hung(False)


def test_a_sensor_at_a_bridge_that_hangs_is_passed_by_and_goes_on_when_it_wakes():
    hung(True)


def downloaded(bridge):
    """A connection that is open lives on, whatever happens to who looks at it."""
    with Place(bridge) as p:
        s = p.sensor()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            pid = s.status()["pid"]
            answer = p.line.get_later(f"/good?bytes={100 << 20}")
            wire.until("it flows", lambda: s.status()["bytes"] > 10 << 20)
            os.kill(pid, number)
            if number == signal.SIGSTOP:
                wire.until("the guardian has said it", lambda: "not inspected (hang)" in s.said())
                os.kill(pid, signal.SIGCONT)
            assert answer() == str(100 << 20), s.said()
            wire.until("it answers", s.ready)
        s.end()
        assert not p.events("drop"), p.events("drop")


def test_a_download_through_queues_does_not_notice_what_happens_to_the_sensor():
    downloaded(False)


def test_a_download_through_a_bridge_does_not_notice_what_happens_to_the_sensor():
    downloaded(True)


EXEMPT = """
throttle:
  exempt:
    - class: health
      networks: [10.7.2.9, 2001:db8:9::/48]
"""


def throttle(p, *args):
    return tap.dewline("throttle", *args, "-l", p.out)


def rate_of(p, host=line.SERVER, seconds=3):
    """What arrives of 24 Mbit/s, in bits of IP packets a second, once the bucket (a second's worth: no packet filter's
    is smaller) is empty."""
    flood = p.line.flood(24e6, seconds + 2, host)
    begun = wire.until("it flows", lambda: p.line.received() and time.monotonic())
    before, at = wire.until("the bucket is empty", lambda: time.monotonic() > begun + 1 and (p.line.received(), time.monotonic()))
    after, end = wire.until("enough", lambda: time.monotonic() > at + seconds and (p.line.received(), time.monotonic()))
    flood.kill()
    flood.wait()
    return (after - before) * 1228 * 8 / (end - at)


def throttled(bridge):
    with Place(bridge) as p:
        p.add_config(EXEMPT)
        s = p.sensor()
        assert throttle(p, "list").expect(0).out == ""
        added = throttle(p, "add", line.CLIENT, "--rate", "8mbit", "--for", "1h", "--basis", "flood, ticket 12")
        assert "10.7.1.1/32 at 8 Mbit/s for 3600 s" in added.expect(0).out, added
        slow = rate_of(p)
        assert .95 * 8e6 < slow < 1.05 * 8e6, slow
        # whom the order is not about, and whom nobody may slow, feel nothing
        free = rate_of(p, "10.7.2.9", 1)
        assert free > .9 * 24e6, free
        order, = json.loads(throttle(p, "list", "--json").expect(0).out)
        assert order["dropped_packets"] > 1000 and order["basis"] == "flood, ticket 12" and order["seconds"] > 3500, order
        assert "exempt: health" in throttle(p, "add", "10.7.2.9", "--rate", "1mbit", "--for", "1m").expect(1).err
        assert "blockade" in throttle(p, "add", "10.7.3.0/24", "--rate", "100", "--for", "1m").expect(1).err
        assert "another order" in throttle(p, "add", "10.7.1.0/24", "--rate", "1mbit", "--for", "1m").expect(1).err
        throttle(p, "remove", order["id"]).expect(0)
        assert throttle(p, "list").expect(0).out == ""
        assert rate_of(p, seconds=1) > .9 * 24e6
        # an order is over by itself, also when all of us are dead
        throttle(p, "add", line.CLIENT, "--rate", "1mbit", "--for", "4s").expect(0)
        ends = time.monotonic() + 4
        s.process.kill()
        s.process.wait()
        assert time.monotonic() < ends - 2 and rate_of(p, seconds=.3) < 4e6
        wire.until("it is over", lambda: "10.7.1.1" not in p.line.inside("nft", "list", "ruleset"), 5)
        assert time.monotonic() > ends - 1
        if not bridge or p.kernel_bridges():
            assert rate_of(p, seconds=1) > .9 * 24e6


def test_an_order_at_queues_holds_its_rate_spares_the_exempt_and_ends_by_itself():
    throttled(False)


def test_an_order_at_a_bridge_holds_its_rate_spares_the_exempt_and_ends_by_itself():
    throttled(True)


def test_a_bridge_without_a_guardian_is_the_kernels():
    with Place(True) as p:
        s = p.sensor()
        if not p.kernel_bridges():
            tap.skip("this kernel's packet filter cannot forward between interfaces")
        sender = p.line.pace(2)
        wire.until("it flows", lambda: s.status()["packets"] > 200)
        s.process.kill()  # the guardian; the sensor does not outlive it
        s.process.wait()
        sent = sender.result()
        # a millisecond is a packet; what is in the rings when the guardian dies is lost
        assert sent["stall_ms"] < 200 and sent["lost"] < 200 + sent["machine_ms"], sent
        assert p.line.get("/evil") == "hello"


# A datagram of zeros costs each of them all that a pcre may cost: no byte has to be there by which it could be seen to fail.
DEAR = "".join(f'alert udp any any -> any any (msg:"dear {i}"; pcre:"/(\\x00+)+[{chr(97 + i % 26)}-z][{i // 26}-9]/"; sid:{900 + i};)\n'
               for i in range(200))


def overloaded(bridge):
    with Place(bridge, RULES + DEAR) as p:
        s = p.sensor()
        flood = p.line.flood(80e6, 60)
        wire.until("it is too much", lambda: (lambda t: t["late"] + t["passed"] + t["guard"]["passed"] > 1000)(s.status()))
        passed_without_a_stall(p, p.line.pace(2).result())
        flood.kill()
        flood.wait()
        p.inspected(s)
        p.stops(s)
        status = s.status()
        s.end()
        gaps = [g for g in p.gaps() if g["reason"] in ("overload", "hang")]
        assert sum(g["packets"] for g in gaps) > 1000, gaps
        print(f"# inspected {status['packets']}, late {status['late']}, passed {status['passed']}, by the guardian "
              f"{status['guard']['passed']}; verdicts {status['verdict_ns']}")


def test_more_than_can_be_inspected_at_queues_passes_and_is_counted():
    overloaded(False)


def test_more_than_can_be_inspected_at_a_bridge_passes_and_is_counted():
    overloaded(True)


def reloaded(bridge):
    with Place(bridge) as p:
        s = p.sensor()
        sender = p.line.pace(6)
        memory = []
        for i in range(100):
            p.write_rules(RULES + f'alert udp any any -> any any (msg:"nr {i}"; content:"nothing-{i}"; sid:{100 + i};)\n')
            assert s.ask("reload")["return"] == "OK"
            if i >= 10:  # from here on each set of rules is as long as the one before
                memory.append(s.memory())
        assert s.status()["rules"]["reloads"] == 100
        passed_without_a_stall(p, sender.result())
        p.stops(s)
        for owner in ("rules", "tables"):
            assert len({m[owner] for m in memory}) == 1, (owner, [m[owner] for m in memory])
        wire.flat(memory)
        s.end()


def test_a_hundred_reloads_at_queues_under_load_lose_nothing():
    reloaded(False)


def test_a_hundred_reloads_at_a_bridge_under_load_lose_nothing():
    reloaded(True)


tap.main(globals())
