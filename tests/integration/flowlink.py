"""What the tests of flow export and of the collector share: a strict reader of IPFIX, collectors, and traffic of
several kinds.

As a program: flowlink.py udp|tcp PORT FILE [deaf] collects on 127.0.0.1 (port 0: any, printed) and appends what comes to
FILE, each message behind four bytes of its length; deaf: takes connections and reads nothing. Standard library only.
"""
import collections
import ipaddress
import os
import socket
import struct
import subprocess
import sys

import wire

REVERSE = 29305  # RFC 5103
NAMES = {1: "octets", 2: "packets", 4: "proto", 6: "flags", 7: "sport", 8: "src", 11: "dport", 12: "dst", 27: "src", 28: "dst",
         32: "icmp", 40: "sent_octets", 41: "sent_messages", 42: "sent_records", 52: "ttl_least", 53: "ttl_most", 58: "vlan",
         96: "app", 136: "end", 139: "icmp", 144: "process", 148: "id", 149: "domain", 152: "first", 153: "last", 156: "first_ns",
         157: "last_ns", 160: "begin", 163: "observed", 164: "ignored", 166: "not_sent", 167: "not_sent_packets",
         168: "not_sent_octets", 239: "direction", 245: "vlan_inner", 352: "frames"}


class Session:
    """One transport session, read by the letter of RFC 7011: whatever is not exactly so fails the test."""

    def __init__(self):
        self.templates, self.records, self.messages = {}, {}, 0
        self.flows, self.options, self.sizes, self.announced = [], [], [], []

    def message(self, data):
        version, length, when, number, domain = struct.unpack_from("!HHIII", data)
        assert version == 10 and length == len(data) and length > 16, (version, length, len(data))
        assert number == self.records.get(domain, 0), f"sequence number {number}, not {self.records.get(domain, 0)}"
        at = 16
        while at < length:
            set_id, size = struct.unpack_from("!HH", data, at)
            assert size >= 5 and at + size <= length, (set_id, size, at, length)
            self.set(domain, set_id, data[at + 4:at + size])
            at += size
        assert at == length
        self.messages += 1
        self.sizes.append(length)

    def set(self, domain, set_id, data):
        assert set_id in (2, 3) or set_id >= 256, set_id
        if set_id in (2, 3):
            self.announce(domain, data, set_id == 3)
            return
        scope, fields = self.templates[domain, set_id]
        while data:
            record, data = self.record(fields, data)
            self.records[domain] = self.records.get(domain, 0) + 1
            (self.options if scope else self.flows).append(record)

    def announce(self, domain, data, options):
        while data:
            number, count = struct.unpack_from("!HH", data)
            assert number >= 256 and count > 0
            data, scope = data[4:], 0
            if options:
                scope, = struct.unpack_from("!H", data)
                assert 0 < scope <= count
                data = data[2:]
            fields = []
            for _ in range(count):
                element, size = struct.unpack_from("!HH", data)
                data, enterprise = data[4:], 0
                if element & 0x8000:
                    enterprise, = struct.unpack_from("!I", data)
                    data = data[4:]
                assert enterprise in (0, REVERSE)
                fields.append((NAMES[element & 0x7fff] + ("_back" if enterprise else ""), size))
            assert len({f for f, _ in fields}) == count, "an element twice"
            known = self.templates.get((domain, number))
            assert known in (None, (scope, fields)), "a template changed its meaning"
            self.templates[domain, number] = scope, fields
            self.announced.append((self.messages, number))

    @staticmethod
    def record(fields, data):
        r = {}
        for name, size in fields:
            if size == 65535:
                size, data = data[0], data[1:]
                assert size < 255
            value, data = data[:size], data[size:]
            assert len(value) == size, f"{name} is cut"
            if name in ("src", "dst"):
                r[name] = str(ipaddress.ip_address(value))
            else:
                r[name] = value.decode() if name == "app" else int.from_bytes(value, "big")
        return r, data


def messages(path):
    """What a collector wrote."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at + 4 <= len(data):
        size, = struct.unpack_from("!I", data, at)
        if at + 4 + size > len(data):
            return
        yield data[at + 4:at + 4 + size]
        at += 4 + size


class Collector:
    """This file as a program, perhaps in a network of its own."""

    def __init__(self, folder, kind="udp", inside=None, port=0, mode=""):
        self.path = os.path.join(folder, f"messages-{kind}-{port}-{len(os.listdir(folder))}")
        args = [sys.executable, os.path.abspath(__file__), kind, str(port), self.path, *([mode] if mode else [])]
        self.process = subprocess.Popen(inside.command(*args) if inside else args, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.process.kill()
        self.process.wait()

    def read(self):
        s = Session()
        for m in messages(self.path):
            s.message(m)
        return s

    def where(self, **more):
        """Settings that name it as a collector."""
        return settings(port=self.port, **more)


def settings(number=0, **values):
    values = {"address": "127.0.0.1", **values}
    return [a for k, v in values.items() for a in ("--set", f"flow-export.collectors.{number}.{k.replace('_', '-')}={v}")]


# --- traffic ---

def ipv6(src, dst, proto, payload, hops=64):
    return wire.ethernet(struct.pack("!IHBB", 6 << 28, len(payload), proto, hops) + ipaddress.ip_address(src).packed +
                         ipaddress.ip_address(dst).packed + payload, 0x86dd)


def udp6(src, sport, dst, dport, payload):
    s = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return ipv6(src, dst, 17, wire.layer4(src, dst, 17, s, 6))


def tcp6(src, sport, dst, dport, seq, ack, flags, payload=b""):
    s = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + payload
    return ipv6(src, dst, 6, wire.layer4(src, dst, 6, s, 16))


def echo(src, dst, answer=False, number=1):
    m = struct.pack("!BBHHH", 0 if answer else 8, 0, 0, 77, number) + b"x" * 24
    return wire.ethernet(wire.ipv4(src, dst, 1, m[:2] + struct.pack("!H", wire.checksum(m)) + m[4:]))


def echo6(src, dst, answer=False, number=1):
    m = struct.pack("!BBHHH", 129 if answer else 128, 0, 0, 77, number) + b"y" * 40
    return ipv6(src, dst, 58, wire.layer4(src, dst, 58, m, 2))


def mixed():
    """Flows over IPv4 and IPv6, TCP, UDP and ICMP, with and without answers and tags."""
    a6, b6 = "2001:db8::1", "2001:db8:1::2"
    frames = wire.http("10.1.0.1", 2001, "10.2.0.1", "/index", body=b"z" * 700)
    frames += wire.http("10.1.0.2", 2002, "10.2.0.1", "/tagged", vlan=42)
    frames += [wire.tcp("10.1.0.3", 2003, "10.2.0.2", 22, 1, 0, wire.SYN), wire.tcp("10.2.0.2", 22, "10.1.0.3", 2003, 0, 2, 4 | wire.ACK)]
    frames += [wire.udp("10.1.0.4", 42004, "10.2.0.3", 9001, b"ask" * n) for n in range(1, 6)]
    frames += [wire.udp("10.2.0.3", 9001, "10.1.0.4", 42004, b"answer" * 30)]
    frames += [wire.udp("10.1.0.5", 42005, "10.2.0.4", 9002, b"nobody is there")]
    for n in range(1, 4):
        frames += [echo("10.1.0.6", "10.2.0.5", number=n), echo("10.2.0.5", "10.1.0.6", True, n)]
        frames += [echo6(a6, b6, number=n), echo6(b6, a6, True, n)]
    frames += [udp6(a6, 43001, b6, 9003, b"six" * 9), udp6(b6, 9003, a6, 43001, b"seven")]
    frames += [tcp6(a6, 43002, b6, 443, 1, 0, wire.SYN), tcp6(b6, 443, a6, 43002, 7, 2, wire.SYN | wire.ACK),
               tcp6(a6, 43002, b6, 443, 2, 8, wire.ACK), tcp6(a6, 43002, b6, 443, 2, 8, wire.ACK | wire.FIN),
               tcp6(b6, 443, a6, 43002, 8, 3, wire.ACK | wire.FIN), tcp6(a6, 43002, b6, 443, 3, 9, wire.ACK)]
    return frames


PROTOS = {"TCP": 6, "UDP": 17, "ICMP": 1, "IPv6-ICMP": 58}


def of_eve(events):
    """{(proto, src, sport, dst, dport): (packets, octets, packets back, octets back)} of flow events. EVE counts the bytes of
    frames, flow records those of IP packets: 14 bytes less, and 4 for each tag."""
    out = {}
    for e in events:
        if e["event_type"] != "flow":
            continue
        f, head = e["flow"], 14 + 4 * len(e.get("vlan", []))
        key = (PROTOS[e["proto"]], str(ipaddress.ip_address(e["src_ip"])), e.get("src_port", 0),
               str(ipaddress.ip_address(e["dest_ip"])), e.get("dest_port", 0))
        assert key not in out
        out[key] = (f["pkts_toserver"], f["bytes_toserver"] - head * f["pkts_toserver"],
                    f["pkts_toclient"], f["bytes_toclient"] - head * f["pkts_toclient"])
    return out


def of_records(records):
    """The same of what Session read; the records of one flow are added up."""
    out = collections.defaultdict(lambda: (0, 0, 0, 0))
    for r in records:
        key = r["proto"], r["src"], r["sport"], r["dst"], r["dport"]
        more = r["packets"], r["octets"], r.get("packets_back", 0), r.get("octets_back", 0)
        out[key] = tuple(a + b for a, b in zip(out[key], more))
    return dict(out)


# --- a collector ---

def keep(out, data):
    out.write(struct.pack("!I", len(data)) + data)
    out.flush()


def main(kind, port, path, mode=""):
    out = open(path, "ab")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if mode == "deaf" else 8 << 20)
        s.bind(("127.0.0.1", int(port)))
        if kind == "tcp":
            s.listen()
        print(s.getsockname()[1], flush=True)
        if kind == "udp":
            while True:
                keep(out, s.recv(65536))
        while True:
            with s.accept()[0] as c, c.makefile("rb") as f:
                while mode != "deaf" and (head := f.read(4)):
                    keep(out, head + f.read(struct.unpack_from("!H", head, 2)[0] - 4))
                if mode == "deaf":
                    s.accept()


if __name__ == "__main__":
    main(*sys.argv[1:])
