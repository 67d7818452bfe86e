"""Hostile captures: the sensor ends, within its memory, and its counters say what was left out.

Captures are made here, packet by packet. Memory is the child's peak resident set, against the budget in its
configuration and what a sensor without any traffic needs.
"""
import contextlib
import gzip
import os
import struct
import subprocess
import sys

import tap

MIB = 1 << 20
CLIENT, SERVER = b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"
ETHERNET = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0"
CONFIG = """%YAML 1.1
---
flow:
  memcap: {flow}
stream:
  memcap: 16mb
  reassembly:
    memcap: {stream}
    depth: 1mb
defrag:
  memcap: 4mb
app-layer:
  protocols:
    http2:
      enabled: yes
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types:
        - alert
        - anomaly
        - stats
"""
ENV = {k: v for k, v in os.environ.items() if k != "MALLOC_PERTURB_"}  # it would touch memory that nobody uses
# The peak of a process begins with that of whoever started it (execve(2) keeps it): so a small one does that.
LAUNCH = """import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
BASE = {}  # peak memory without traffic, in KiB


class Capture:
    """A pcap file that is written as it is made."""

    def __init__(self, path):
        self.file = open(path, "wb", buffering=1 << 20)
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        self.us = 1_700_000_000_000_000

    def frame(self, frame):
        self.us += 10
        self.file.write(struct.pack("<IIII", self.us // 1_000_000, self.us % 1_000_000, len(frame), len(frame)) + frame)

    def ip(self, proto, payload, src=CLIENT, dst=SERVER, ident=0, fragment=0):
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident & 0xFFFF, fragment, 64, proto, 0, src, dst)
        self.frame(ETHERNET + head + payload)

    def udp(self, payload, sport, dport, src=CLIENT, dst=SERVER):
        self.ip(17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload, src, dst)


class Session:
    """A TCP session of a capture; what is said is acknowledged at once."""

    def __init__(self, capture, port, sport=40000):
        self.c, self.ports, self.seq = capture, (sport, port), [1000, 5000]
        self.tcp(0, 0x02)
        self.seq[0] += 1
        self.tcp(1, 0x12)
        self.seq[1] += 1
        self.tcp(0, 0x10)

    def tcp(self, side, flags, payload=b"", at=0):
        ports = self.ports if side == 0 else self.ports[::-1]
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        self.c.ip(6, struct.pack(">HHIIBBHHH", *ports, (self.seq[side] + at) & 0xFFFFFFFF,
                                 self.seq[1 - side] & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0) + payload, *ends)

    def say(self, side, data, cut=1400):
        for i in range(0, len(data), cut):
            piece = data[i:i + cut]
            self.tcp(side, 0x18, piece)
            self.seq[side] += len(piece)
            if i // cut % 16 == 15 or i + cut >= len(data):
                self.tcp(1 - side, 0x10)


@contextlib.contextmanager
def sensor(make, most_mib, rules="", flow="8mb", stream="16mb"):
    """Runs the sensor over what make(capture) made; gives the folder's events and the last stats."""
    with tap.folder() as d:
        path = os.path.join(d, "in.pcap")
        capture = Capture(path)
        make(capture)
        capture.file.close()
        code, kib, err = run(d, path, rules, flow, stream)
        assert code == 0, (code, err[-2000:])
        kib -= os.path.getsize(path) >> 10  # it is mapped, and all of it was read
        if make is not nothing:
            assert kib - BASE["kib"] <= most_mib << 10, f"{kib} KiB, {BASE['kib']} of them without traffic"
        events = tap.eve(d)
        stats = [e["stats"] for e in events if e["event_type"] == "stats"]
        yield kib, events, stats[-1] if stats else {}


def run(d, path, rules, flow, stream):
    with open(os.path.join(d, "s.yaml"), "w", encoding="utf-8") as f:
        f.write(CONFIG.format(flow=flow, stream=stream))
    with open(os.path.join(d, "r.rules"), "w", encoding="utf-8") as f:
        f.write(rules)
    with open(os.path.join(d, "err"), "w+", encoding="utf-8") as err:
        r = subprocess.run([sys.executable, "-c", LAUNCH, tap.DEWLINE, "sensor", "-c", os.path.join(d, "s.yaml"), "-r", path,
                            "-S", os.path.join(d, "r.rules"), "-l", d, "-k", "none"],
                           stdout=subprocess.PIPE, stderr=err, env=ENV, text=True, check=True)
        code, kib = map(int, r.stdout.split())
        err.seek(0)
        return code, kib, err.read()


def nothing(c):
    c.udp(b"x", 1, 9)


def test_a_sensor_without_traffic_needs_little():
    with sensor(nothing, 0) as (kib, _, stats):
        BASE["kib"] = kib
        assert kib < 200 << 10, kib
        assert stats["decoder"]["pkts"] == 1, stats


def test_a_million_syns_of_a_million_sources_take_the_memory_of_flow_memcap():
    def make(c):
        tail = struct.pack(">HHIIBBHHH", 1024, 80, 7, 0, 0x50, 2, 65535, 0, 0)
        head = ETHERNET + struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0)
        write, record = c.file.write, struct.Struct("<IIII").pack
        for i in range(1_000_000):
            write(record(1_700_000_000 + i // 100_000, i % 100_000 * 10, 54, 54) + head
                  + struct.pack(">I", 0x0B000000 + i) + SERVER + tail)

    with sensor(make, 48) as (_, _, stats):
        assert stats["flow"]["total"] == 1_000_000, stats["flow"]
        assert stats["flow"]["get_used"] > 900_000, stats["flow"]
        assert stats["flow"]["emerg_mode_entered"] >= 1, stats["flow"]


def test_first_fragments_that_nobody_completes_take_the_memory_of_defrag_memcap():
    def make(c):
        for i in range(60_000):
            c.ip(17, b"x" * 512, src=struct.pack(">I", 0x0B000000 + i), ident=i, fragment=0x2000 | 64)

    with sensor(make, 32) as (_, _, stats):
        assert stats["defrag"]["ipv4"]["fragments"] == 60_000, stats["defrag"]
        # which of the two depends on the sizes of blocks: the piece is refused, or the oldest datagram given up for it
        lost = stats["defrag"]["max_frags_reached"] + stats["defrag"]["tracker_hard_reuse"]
        assert lost > 50_000, stats["defrag"]


def test_segments_behind_a_hole_take_the_memory_of_the_reassembly():
    def make(c):
        for i in range(400):
            s = Session(c, 80, 40000 + i)
            s.say(0, b"GET / HTTP/1.1\r\n")
            for k in range(44):
                s.tcp(0, 0x18, b"y" * 1400, at=100 + 1400 * k)

    with sensor(make, 40, stream="8mb") as (_, _, stats):
        assert stats["tcp"]["segment_memcap_drop"] > 1000, stats["tcp"]


def test_a_hundred_thousand_pipelined_requests_that_nobody_answers_end_their_flow_only():
    def make(c):
        Session(c, 80).say(0, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 100_000)
        Session(c, 80, 40001).say(0, b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n")

    rule = 'alert http any any -> any any (msg:"x"; http.uri; content:"/evil"; sid:1;)\n'
    with sensor(make, 48, rule) as (_, events, stats):
        assert sum(e["event_type"] == "alert" for e in events) == 1, stats
        assert stats["app_layer"]["error"]["http"]["parser"] == 1, stats["app_layer"]["error"]


def test_a_bomb_of_gzip_is_unpacked_as_far_as_rules_look():
    packed = gzip.compress(bytes(128 * MIB), 9)

    def make(c):
        for i in range(20):
            s = Session(c, 80, 40000 + i)
            s.say(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            s.say(1, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    rule = 'alert http any any -> any any (msg:"x"; file.data; content:"|00 00|"; sid:1;)\n'
    with sensor(make, 24, rule) as (_, events, _):
        assert sum(e["event_type"] == "alert" for e in events) == 20


def test_mail_in_mail_in_mail_has_a_depth():
    body = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(5000))

    def make(c):
        s = Session(c, 25)
        s.say(1, b"220 a ESMTP\r\n")
        s.say(0, b"EHLO a\r\n")
        s.say(1, b"250 a\r\n")
        s.say(0, b"MAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nDATA\r\n")
        s.say(1, b"250 ok\r\n250 ok\r\n354 go\r\n")
        s.say(0, body + b"\r\n.\r\n")

    with sensor(make, 16) as (_, _, stats):
        assert stats["app_layer"]["tx"]["smtp"] == 1, stats["app_layer"]


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
GET = b"\x82\x84\x86\x41\x01a"  # :method GET, :path /, :scheme http, :authority a


def test_streams_of_http2_that_are_reset_at_once_are_bounded():
    def make(c):
        s = Session(c, 80)
        s.say(0, PREFACE + b"".join(frame(1, 5, 2 * i + 1, GET) + frame(3, 0, 2 * i + 1, b"\0\0\0\x08")
                                    for i in range(20_000)))

    with sensor(make, 48) as (_, _, stats):
        assert stats["app_layer"]["flow"]["http2"] == 1, stats["app_layer"]["flow"]


def test_a_header_block_of_http2_that_is_continued_for_ever_is_given_up():
    def make(c):
        Session(c, 80).say(0, PREFACE + frame(1, 0, 1, GET) + frame(9, 0, 1, b"\x00\x01x\x01y" * 100) * 2000)

    with sensor(make, 16) as (_, _, stats):
        assert stats["app_layer"]["flow"]["http2"] == 1, stats["app_layer"]["flow"]


def test_a_bomb_of_hpack_is_bounded():
    value = b"\x40\x01x" + b"\x7f\xe1\x1e" + b"v" * 4064  # literal with indexing, of 4,064 bytes

    def make(c):
        s = Session(c, 80)
        s.say(0, PREFACE + frame(1, 5, 1, GET + value))
        for i in range(200):  # each byte refers to those 4,064
            s.say(0, frame(1, 5, 3 + 2 * i, GET + b"\xbe" * 16_000))

    with sensor(make, 64) as (_, _, stats):
        assert stats["app_layer"]["flow"]["http2"] == 1, stats["app_layer"]["flow"]


def test_chains_of_smb_messages_are_bounded():
    def message(following):
        return (b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 5, 1, 0, following, 1, 0, 0, 0) + bytes(16)
                + struct.pack("<HBB", 57, 0, 0) + bytes(52))

    def make(c):
        s = Session(c, 445)
        one = message(120)
        chain = one * 500 + message(0)
        s.say(0, (b"\0" + struct.pack(">I", len(chain))[1:] + chain) * 40)

    with sensor(make, 32) as (_, _, stats):
        assert stats["app_layer"]["flow"]["smb"] == 1, stats["app_layer"]["flow"]


def test_names_of_dns_that_point_at_each_other_end():
    head = struct.pack(">HHHHHH", 1, 0x8180, 1, 60, 0, 0)
    question = b"\x01a\x00\x00\x01\x00\x01"
    loop = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 2)

    def make(c):
        for i in range(5000):
            at = 12 + len(question)
            answers = b"".join(loop + struct.pack(">H", 0xC000 | (at + 14 * ((k + 1) % 60) + 12)) for k in range(60))
            c.udp(head + question + answers, 53, 1024 + i, SERVER, CLIENT)

    with sensor(make, 32) as (_, _, stats):
        assert stats["decoder"]["udp"] == 5000, stats["decoder"]


def test_tunnels_in_tunnels_have_a_depth():
    def make(c):
        for _ in range(1000):
            packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, CLIENT, SERVER) + struct.pack(
                ">HHHH", 1, 2, 8, 0)
            for _ in range(60):
                packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(packet), 0, 0, 64, 4, 0, CLIENT,
                                     SERVER) + packet
            c.frame(ETHERNET + packet)

    with sensor(make, 24) as (_, _, stats):
        assert stats["decoder"]["pkts"] == 1000 and 1000 <= stats["decoder"]["ipv4"] <= 16_000, stats["decoder"]


tap.main(globals())
