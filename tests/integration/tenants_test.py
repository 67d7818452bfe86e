"""Several networks on one station (A03): what is said by one is in nobody else's files, whatever it does."""
import collections
import hashlib
import json
import os

import tap
import wire
from tap import dewline

WHY_NOT = wire.may()
CANARY = {0: b"canary-of-the-station", 1: b"canary-of-the-first", 2: b"canary-of-the-second"}
TAGS = {0: None, 1: 100, 2: 200}

# All that can be written down: payloads, packets, bodies, files, flows, statistics.
OUTPUTS = """
outputs:
  - eve-log:
      enabled: yes
      types:
        - alert: {payload: yes, payload-printable: yes, packet: yes, http-body: yes, http-body-printable: yes}
        - http: {extended: yes, dump-all-headers: both}
        - files
        - anomaly
        - flow
        - stats
  - fast: {enabled: yes, filename: fast.log}
  - stats: {enabled: yes, filename: stats.log}
  - file-store: {version: 2, enabled: yes, force-filestore: yes}
"""


def rules(tenant):
    return f"""
alert http any any -> any any (msg:"answer of {tenant}"; flow:to_client; file.data; content:"canary"; filestore; sid:{tenant}1;)
alert http any any -> any any (msg:"home of {tenant}"; flow:to_server; http.uri; content:"/"; threshold: type limit, track by_dst, count 1, seconds 3600; sid:{tenant}2;)
"""


class Policy:
    """A station with two tenants, in a folder: suricata.yaml, 1.yaml, 2.yaml and rules of each."""

    def __init__(self, selector="vlan", apart=True, mappings=None, station="", tenant=lambda n: ""):
        self.temp = tap.folder()
        self.dir = self.temp.name
        self.out = os.path.join(self.dir, "out")
        os.mkdir(self.out)
        mappings = mappings or [f"{{vlan-id: {TAGS[n]}, tenant-id: {n}}}" for n in (1, 2)]
        for n in (0, 1, 2):
            self.file(f"{n}.rules", rules(n))
        self.config = self.file("suricata.yaml", f"""%YAML 1.1
---
{OUTPUTS}
default-rule-path: {self.dir}
rule-files: [0.rules]
{station}
multi-detect:
  enabled: yes
  selector: {selector}
  tenants:
    - {{id: 1, yaml: 1.yaml}}
    - {{id: 2, yaml: 2.yaml}}
  mappings: [{", ".join(mappings)}]
""")
        for n in (1, 2):
            self.file(f"{n}.yaml", f"%YAML 1.1\n---\nrule-files: [{n}.rules]\n{OUTPUTS if apart else ''}\n{tenant(n)}\n")

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.temp.cleanup()

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def folder(self, tenant):
        return os.path.join(self.out, f"tenant-{tenant}") if tenant else self.out

    def events(self, tenant, kind=None):
        return [e for e in tap.eve(self.folder(tenant)) if kind in (None, e["event_type"])]

    def files_of(self, tenant):
        """Every file of one's folder: the station's without the tenants' folders."""
        for top, dirs, names in os.walk(self.folder(tenant)):
            if tenant == 0:
                dirs[:] = [d for d in dirs if not d.startswith("tenant-")]
            yield from (os.path.join(top, name) for name in names)

    def canaries(self, tenant):
        """How often each one's canary is in what is written of one, as it is, in hexadecimal or in base64."""
        found = collections.Counter()
        for path in self.files_of(tenant):
            try:
                with open(path, "rb") as f:
                    data = f.read()
            except OSError:  # the socket
                continue
            for n, text in CANARY.items():
                found[n] += sum(data.count(form) for form in forms(text))
        return +found


def forms(text):
    """Of base64 the middle, which is the same whatever is before and behind, at each of three offsets."""
    import base64
    yield text
    yield text.hex().encode()
    for skip in range(3):
        part = text[skip:]
        yield base64.b64encode(part[:len(part) // 3 * 3])
    yield hashlib.sha256(text).hexdigest().encode()


def session(tenant, client=1, server=2, sport=1024, tag="as mapped"):
    """The same addresses and ports for all; only the tag and the canary differ."""
    return wire.http(wire.host(client), sport, wire.host(server), "/" + CANARY[tenant].decode(),
                     vlan=TAGS[tenant] if tag == "as mapped" else tag, body=CANARY[tenant])


def traffic(sessions=5):
    return [f for n in range(sessions) for step in zip(*(session(t, sport=2000 + n) for t in (0, 1, 2))) for f in step]


def is_separate(p, sessions=5):
    for n in (0, 1, 2):
        assert set(p.canaries(n)) == {n} and p.canaries(n)[n] > 10, (n, p.canaries(n))
        fired = collections.Counter(e["alert"]["signature_id"] for e in p.events(n, "alert"))
        # the threshold of each counts its own: one limit, three times
        assert fired == {n * 10 + 1: sessions, n * 10 + 2: 1}, (n, fired)
        flows = p.events(n, "flow")
        assert len(flows) == sessions and {f["flow"]["pkts_toserver"] for f in flows} == {6}, flows
        assert {e.get("tenant_id") for e in p.events(n)} == {n or None}
        assert {e["alert"].get("tenant_id") for e in p.events(n, "alert")} == {n or None}
        stored = [name for path in p.files_of(n) for name in [os.path.basename(path)] if len(name) == 64]
        assert stored == [hashlib.sha256(CANARY[n]).hexdigest()], stored
        assert p.events(n, "stats")[-1]["stats"]["flow"]["total"] == sessions
        with open(os.path.join(p.folder(n), "stats.log")) as f:
            assert "flow.total" in f.read()


def test_in_a_capture_each_has_the_same_addresses_and_nothing_of_the_others():
    with Policy() as p:
        capture = os.path.join(p.dir, "sent.pcap")
        wire.write(capture, traffic())
        r = dewline("sensor", "-c", p.config, "-r", capture, "-l", p.out).expect(0)
        assert "replaced" not in r.err, r.err
        is_separate(p)


def test_a_tenant_that_does_not_say_where_is_the_stations_guest():
    with Policy(apart=False) as p:
        capture = os.path.join(p.dir, "sent.pcap")
        wire.write(capture, traffic())
        dewline("sensor", "-c", p.config, "-r", capture, "-l", p.out).expect(0)
        flows = collections.Counter((e.get("tenant_id"), e["flow_id"]) for e in p.events(0, "flow"))
        assert collections.Counter(n for n, _ in flows) == {None: 5, 1: 5, 2: 5}, flows
        assert {e["alert"]["signature_id"] // 10: e["alert"].get("tenant_id", 0) for e in p.events(0, "alert")} == {0: 0, 1: 1, 2: 2}
        assert not os.path.exists(p.folder(1)) and set(p.canaries(0)) == {0, 1, 2}


def test_two_that_would_write_one_file_are_refused_by_name():
    shared = tap.folder()
    with shared, Policy(tenant=lambda n: f"outputs: [{{eve-log: {{enabled: yes, filename: {shared.name}/eve.json}}}}]\n") as p:
        r = dewline("sensor", "-c", p.config, "-r", "none.pcap", "-l", p.out).expect(1)
        assert "tenants 1 and 2 would both write" in r.err, r


def test_what_is_wrong_with_a_tenant_is_said_with_its_number():
    with Policy() as p:
        os.unlink(os.path.join(p.dir, "2.yaml"))
        r = dewline("sensor", "-c", p.config, "-r", "none.pcap", "-l", p.out).expect(1)
        assert "tenant 2" in r.err and "2.yaml" in r.err, r
    with Policy(mappings=["{vlan-id: 7, tenant-id: 9}"]) as p:
        r = dewline("sensor", "-c", p.config, "-r", "none.pcap", "-l", p.out).expect(1)
        assert "suricata.yaml:" in r.err and "no tenant has this tenant-id" in r.err, r


def test_a_tenants_memory_is_its_own():
    """The first has room for a few dozen flows; the second keeps all of its own."""
    with Policy(tenant=lambda n: f"memory: {{worker: {'512kb' if n == 1 else '64mb'}}}\n") as p:
        capture = os.path.join(p.dir, "sent.pcap")
        flood = [wire.tcp(wire.host(9000 + n), 1000, wire.host(5), 80, 1, 0, wire.SYN, vlan=TAGS[1]) for n in range(3000)]
        calm = [session(2, sport=2000 + n) for n in range(20)]
        # the second's sessions are open all through the first's flood
        wire.write(capture, [f for s in calm for f in s[:4]] + flood + [f for s in calm for f in s[4:]])
        dewline("sensor", "-c", p.config, "-r", capture, "-l", p.out).expect(0)
        assert {e["flow"]["pkts_toclient"] for e in p.events(2, "flow")} == {4}
        assert len(p.events(2, "flow")) == 20 and len([e for e in p.events(2, "alert") if e["alert"]["signature_id"] == 21]) == 20
        ended = collections.Counter(e["flow"]["reason"] for e in p.events(1, "flow"))
        stats = p.events(1, "stats")[-1]["stats"]
        assert len(p.events(1, "flow")) == 3000 and ended["forced"] > 2000, ended
        assert stats["flow"]["emerg_mode_entered"] >= 1, stats["flow"]
        assert p.events(2, "stats")[-1]["stats"]["flow"]["emerg_mode_entered"] == 0


class Live:
    """A policy on wires: `wires` pairs of interfaces."""

    def __init__(self, wires=1, **kw):
        if WHY_NOT is not None:
            tap.skip(WHY_NOT)
        self.policy, self.wires = Policy(**kw), wires

    def __enter__(self):
        self.wire = wire.Wire().__enter__()
        for n in range(1, self.wires):
            self.wire.pair(f"wire{2 * n}", f"wire{2 * n + 1}")
        self.sensor = None
        return self

    def __exit__(self, *why):
        if self.sensor is not None:
            self.sensor.kill()
        self.wire.__exit__(*why)
        self.policy.__exit__(*why)

    def start(self, *args):
        more = [a for n in range(1, self.wires) for a in ("-i", f"wire{2 * n}")]
        self.sensor = wire.Sensor(self.wire, tap.DEWLINE, self.policy.out, "-c", self.policy.config, *more, *args)
        return self.sensor

    def send(self, frames, interface="wire1"):
        capture = os.path.join(self.policy.dir, "sent.pcap")
        wire.write(capture, frames)
        return self.wire.send(capture, interface=interface)


def test_on_a_wire_with_tags_each_has_the_same_addresses_and_nothing_of_the_others():
    with Live() as x:
        s = x.start()
        s.seen(x.send(traffic()))
        page = s.status()
        assert {t["id"]: (t["packets"], t["flows"]) for t in page["tenants"]} == {1: (50, 5), 2: (50, 5)}, page["tenants"]
        assert page["packets"] == 150
        s.end()
        is_separate(x.policy)


def test_by_interface_each_has_the_same_addresses_and_nothing_of_the_others():
    with Live(wires=3, selector="device", mappings=["{device: wire2, tenant-id: 1}", "{device: wire4, tenant-id: 2}"]) as x:
        s = x.start()
        for n, interface in ((0, "wire1"), (1, "wire3"), (2, "wire5")):
            x.send([f for k in range(5) for f in session(n, sport=2000 + k, tag=None)], interface)
        s.seen(150)
        s.end()
        is_separate(x.policy)


def test_one_tenants_flood_costs_another_no_flow_and_no_packet():
    """By interface: a ring, a worker and a budget of its own, and the kernel's fairness between threads."""
    with Live(wires=3, selector="device", mappings=["{device: wire2, tenant-id: 1}", "{device: wire4, tenant-id: 2}"],
              tenant=lambda n: f"memory: {{worker: {'512kb' if n == 1 else '64mb'}}}\n") as x:
        s = x.start()
        flood = os.path.join(x.policy.dir, "flood.pcap")
        wire.write(flood, [wire.tcp(wire.host(9000 + n), 1000, wire.host(5), 80, 1, 0, wire.SYN) for n in range(3000)])
        calm = [session(2, sport=2000 + n, tag=None) for n in range(40)]
        x.send([f for c in calm for f in c[:4]], "wire5")  # open before the flood
        sender = x.wire.sender(flood, 20, interface="wire3")
        wire.until("the flood is felt", lambda: s.status()["tenants"][0]["flows_evicted"] > 1000)
        x.send([f for c in calm for f in c[4:]], "wire5")
        sent = int(sender.communicate(timeout=60)[0])
        first, second = wire.until("all of the second's packets", lambda: (
            lambda t: t if t[1]["packets"] == 400 else None)(s.status()["tenants"]))
        assert sent == 60000 and 0 < first["packets"] <= sent
        assert first["memory_traffic_bytes"] <= 2 * (512 << 10) * len(s.status()["workers"]), first
        assert (second["flows"], second["flows_evicted"], second["flows_refused"], second["no_memory"]) == (40, 0, 0, 0), second
        s.end()
        assert {e["flow"]["pkts_toclient"] for e in x.policy.events(2, "flow")} == {4} and len(x.policy.events(2, "flow")) == 40
        assert len([e for e in x.policy.events(2, "alert") if e["alert"]["signature_id"] == 21]) == 40
        assert set(x.policy.canaries(2)) == {2}


def test_one_tenants_rules_are_reloaded_by_themselves():
    with Live() as x:
        s = x.start()
        for n in (0, 1, 2):
            x.policy.file(f"{n}.rules", rules(n) + rules(n + 7))
        out = dewline("reload", "-l", x.policy.out, "--tenant", "1").expect(0)
        assert out
        page = s.status()
        assert (page["rules"]["loaded"], page["rules"]["reloads"]) == (2, 0)
        assert [(t["rules"]["loaded"], t["rules"]["reloads"]) for t in page["tenants"]] == [(4, 1), (2, 0)]
        assert "no tenant has this id" in dewline("reload", "-l", x.policy.out, "--tenant", "9").expect(1).err
        dewline("reload", "-l", x.policy.out, "--tenant", "x").expect(2)
        assert s.ask("reload-tenants")["return"] == "OK"
        page = s.status()
        assert (page["rules"]["reloads"], [t["rules"]["reloads"] for t in page["tenants"]]) == (0, [2, 1])
        dewline("reload", "-l", x.policy.out).expect(0)
        # bad rules of one: the others go over, it stays with what it has
        os.unlink(os.path.join(x.policy.dir, "2.yaml"))
        assert "tenant 2" in dewline("reload", "-l", x.policy.out).expect(1).err
        page = s.status()
        assert (page["rules"]["reloads"], [t["rules"]["reloads"] for t in page["tenants"]]) == (2, [4, 2])
        s.seen(x.send(traffic()))
        s.end()
        for n in (0, 1, 2):
            assert set(x.policy.canaries(n)) == {n}, (n, x.policy.canaries(n))
            assert {e["alert"]["signature_id"] // 10 for e in x.policy.events(n, "alert")} == {n, n + 7}


tap.main(globals())
