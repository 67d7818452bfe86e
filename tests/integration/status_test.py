"""What a sensor says about itself: a page, an object, and Prometheus's text, by socket and by HTTP."""
import json
import math
import re
import sys

import place
import tap
import wire
from tap import dewline

RULES = 'alert http any any -> any any (msg:"path"; http.uri; content:"/evil-1"; sid:1;)\n'
UNITS = ("_seconds", "_bytes")
FREE_PORT = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"


def check_exposition(text):
    """The text's families, held to the format 0.0.4 and to prometheus.io/docs/practices/naming."""
    assert text.endswith("\n") and "\r" not in text
    families, current, seen = {}, None, set()
    for line in text.splitlines():
        m = re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line)
        if m:
            what, name, rest = m.groups()
            if what == "HELP":
                assert name not in families, f"{name} is given twice"
                families[name] = {"help": rest, "samples": {}}
                current = name
            else:
                assert name == current and rest in ("counter", "gauge", "histogram"), line
                families[name]["type"] = rest
            continue
        m = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line)
        assert m, line
        name, labels, value = m.groups()
        found = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', labels or "")
        assert ",".join(f'{k}="{v}"' for k, v in found) == (labels or ""), line
        base = re.sub(r"_(bucket|sum|count)$", "", name) if families[current].get("type") == "histogram" else name
        assert base == current, f"{name} is not with its family"
        assert (name, labels) not in seen, line
        seen.add((name, labels))
        families[current]["samples"][name, tuple(found)] = float(value)
    for name, f in families.items():
        kind = f["type"]
        assert f["samples"] and f["help"].strip(), name
        assert name.startswith(("dewline_", "process_")), name
        assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
        assert not re.search(r"_(ns|ms|us|milliseconds|kb|mb|kib|mib|minutes|hours)(_|$)", name), f"{name}: base units"
        assert all(v >= 0 and math.isfinite(v) for v in f["samples"].values()), name
        for unit in UNITS:
            stem = name.removesuffix("_total")
            assert unit not in stem or stem.endswith(unit), f"{name}: the unit is the last word"
        if kind == "histogram":
            buckets = [(float(dict(k[1])["le"]), v) for k, v in f["samples"].items() if k[0].endswith("_bucket")]
            assert buckets == sorted(buckets) and buckets[-1][0] == math.inf
            assert [v for _, v in buckets] == sorted(v for _, v in buckets)
            assert buckets[-1][1] == f["samples"][name + "_count", ()]
    return families


class Place(place.Place):
    def __init__(self):
        super().__init__(RULES)

    def __enter__(self):
        super().__enter__()
        self.wire.inside("ip", "link", "set", "lo", "up")
        self.port = int(self.wire.inside(sys.executable, "-c", FREE_PORT))
        return self

    def sensor(self, *args, metrics="yes"):
        return self.start("-S", self.rules, "--set", f"metrics.enabled={metrics}", "--set", f"metrics.port={self.port}", *args)

    def send(self, s, n, first=0):
        flows = [wire.http(wire.host(0x010000 + first + i), 1024 + i, wire.host(9), f"/evil-{i % 3}") for i in range(n)]
        s.seen(self.wire.send(self.capture([f for step in zip(*flows) for f in step])))

    def client(self, code):
        """Python in the sensor's network, with connect() to its port."""
        head = ("import socket, sys, time\n"
                f"def connect():\n    s = socket.create_connection(('127.0.0.1', {self.port}), 10)\n    return s\n"
                "def ask(data):\n    s = connect()\n    s.sendall(data)\n    got = b''\n"
                "    while True:\n        more = s.recv(1 << 16)\n        if not more: return got\n        got += more\n")
        return tap.Run(self.wire.command(sys.executable, "-c", head + code), timeout=60).expect(0).out


def test_the_page_fits_80_columns_and_says_what_the_object_says():
    with Place() as p:
        s = p.sensor("--profile", "--set", "packet-ring.enabled=yes")
        p.send(s, 60)
        wire.until("packets on disk", lambda: s.status()["packet_ring"]["kept"] == 600)
        page = dewline("status", "-l", p.out).expect(0).out
        assert max(map(len, page.splitlines())) <= 80, page
        assert "600 inspected" in page and "600 kept" in page and "wire0" in page and "dearest rules" in page, page
        o = json.loads(dewline("status", "-l", p.out, "--json").expect(0).out)
        m = o["memory"]
        shares = sum(m[k] for k in m if k.startswith("traffic_") and k != "traffic_most")
        assert 0 < m["traffic_flows"] <= shares <= m["traffic"] <= m["traffic_most"], m
        s.end()


def test_prometheus_s_text_keeps_to_its_format_and_names():
    with Place() as p:
        s = p.sensor("--profile", "--set", "packet-ring.enabled=yes")
        p.send(s, 60)
        families = check_exposition(dewline("status", "-l", p.out, "--prometheus").expect(0).out)
        assert sum(families["dewline_packets_total"]["samples"].values()) == 600
        assert ("dewline_memory_bytes", (("owner", "traffic_streams"),)) in families["dewline_memory_bytes"]["samples"]
        assert "dewline_rule_steps_total" in families and "dewline_packet_ring_kept_total" in families
        s.end()


def test_what_rules_cost_is_counted_for_as_long_as_it_is_asked_for():
    with Place() as p:
        s = p.sensor()
        p.send(s, 30)
        assert "rules_cost" not in s.status()
        dewline("reload", "-l", p.out, "--profile", "on").expect(0)
        p.send(s, 30, 100)
        wire.until("costs", lambda: s.status().get("rules_cost"))
        assert s.status()["rules_cost"][0]["sid"] == 1 and "dearest rules" in dewline("status", "-l", p.out).expect(0).out
        dewline("reload", "-l", p.out, "--profile", "off").expect(0)
        assert "rules_cost" not in s.status()
        dewline("reload", "-l", p.out, "--profile", "maybe").expect(2)
        s.end()


def test_metrics_are_read_over_http():
    with Place() as p:
        s = p.sensor()
        p.send(s, 30)
        got = wire.until("all packets", lambda: (lambda g: g if 'worker="0"} 300' in g or "_total" in g else None)(
            p.client(f"print(ask(b'GET /metrics HTTP/1.1\\r\\nHost: localhost:{p.port}\\r\\n\\r\\n').decode(), end='')")))
        head, _, body = got.partition("\n\n") if "\r\n" not in got else got.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 200 OK")
        families = check_exposition(body)
        assert "dewline_packets_total" in families and "dewline_rule_steps_total" not in families
        for request, status in ((b"GET /metrics HTTP/1.1\r\nHost: other.example\r\n\r\n", "421"),
                                (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "404"),
                                (b"PUT /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"), (b"\0\xff\r\n\r\n", "400")):
            assert p.client(f"print(ask({request!r}).decode())").startswith("HTTP/1.1 " + status)
        s.end()


def test_clients_who_say_too_much_or_nothing_cost_the_sensor_nothing():
    with Place() as p:
        s = p.sensor()
        out = p.client("""
all = [connect() for _ in range(40)]
for s in all[:20]:
    try: s.sendall(b"x" * 5000)
    except OSError: pass
began = time.monotonic()
closed = 0
for s in all:
    s.settimeout(20)
    try: closed += s.recv(1) == b""
    except ConnectionError: closed += 1
print(closed, time.monotonic() - began < 15)
print(ask(b"GET /metrics HTTP/1.0\\r\\n\\r\\n")[:15])
""")
        assert out.split("\n")[:2] == ["40 True", "b'HTTP/1.1 200 OK'"], out
        # one who asks and does not read
        p.client("all = [connect() for _ in range(6)]\nfor s in all: s.sendall(b'GET /metrics HTTP/1.0\\r\\n\\r\\n')\n")
        p.send(s, 30)
        assert s.status()["packets"] == 300
        s.end()


def test_nobody_listens_unless_asked_and_never_for_others():
    with Place() as p:
        s = p.sensor(metrics="no")
        assert "refused" in p.client("try:\n    connect()\nexcept ConnectionRefusedError:\n    print('refused')")
        s.end()
        r = tap.Run(p.wire.command(tap.DEWLINE, "sensor", "-i", "wire0", "-S", p.rules, "-l", p.out,
                                   "--set", "metrics.enabled=yes", "--set", "metrics.address=0.0.0.0")).expect(1)
        assert "metrics.address" in r.err, r


tap.main(globals())
