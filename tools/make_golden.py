#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the captures of the golden cases, tests/golden/<case>/capture.pcap, byte for byte the same each time.

  tools/make_golden.py [CASE...]   writes them (all, or those named)
  tools/make_golden.py --check     writes nothing; exit 1 and names if one in the tree differs

One function a case; its README.md says what the capture holds and why. Needs scapy (Debian: python3-scapy; the
first line names Debian's Python on purpose). All addresses are for documentation (RFC 5737, RFC 3849).
"""
import base64
import os
import struct
import sys

try:
    from scapy.all import Dot1AD, Dot1Q, Ether, ICMP, IP, IPv6, TCP, UDP, Raw
    from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN
except ImportError:
    print("make_golden.py: scapy is missing: apt-get install python3-scapy", file=sys.stderr)
    sys.exit(77 if sys.argv[1:] == ["--check"] else 2)  # 77: a test that was skipped

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
CLIENT, SERVER = "192.0.2.10", "198.51.100.80"
MACS = {"src": "02:00:00:00:00:0a", "dst": "02:00:00:00:00:50"}
NOON = 1_768_478_400_000_000  # microseconds: 2026-01-15T12:00:00Z


class Capture:
    """Frames with times; each is 10 ms after the one before unless told otherwise."""

    def __init__(self):
        self.now, self.frames = NOON, []

    def add(self, frame, after_us=10_000):
        self.now += after_us
        self.frames.append((self.now, bytes(frame)))

    def bytes(self):
        out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
        for at, frame in self.frames:
            out += [struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(frame), len(frame)), frame]
        return b"".join(out)


class Tcp:
    """One TCP connection, spoken from both ends; the client's first byte is number 0 of its side."""

    def __init__(self, capture, sport, dport, client=CLIENT, server=SERVER, below=None):
        self.capture, self.below = capture, below or Ether(**MACS)
        self.ends = {"c": (client, sport), "s": (server, dport)}
        self.isn = {"c": 1000 * sport, "s": 777 * sport}
        self.sent = {"c": 0, "s": 0}  # bytes, in order

    def segment(self, side, flags, data=b"", at=None, ack=None, after_us=10_000):
        """A segment of `side` at byte `at` of its stream; acknowledges `ack` bytes of the other side's."""
        other = "s" if side == "c" else "c"
        (src, sport), (dst, dport) = self.ends[side], self.ends[other]
        at = self.sent[side] if at is None else at
        ack = self.sent[other] if ack is None else ack
        seq = self.isn[side] if "S" in flags else self.isn[side] + 1 + at
        tcp = TCP(sport=sport, dport=dport, flags=flags, seq=seq % 2**32, window=65535,
                  ack=(self.isn[other] + 1 + ack) % 2**32 if "A" in flags else 0,
                  options=[("MSS", 1460)] if "S" in flags else [])
        self.capture.add(self.below / IP(src=src, dst=dst, ttl=64, id=len(self.capture.frames) + 1, flags="DF") / tcp / Raw(data),
                         after_us)

    def open(self):
        self.segment("c", "S")
        self.segment("s", "SA")
        self.segment("c", "A")
        return self

    def say(self, side, data, size=1400):
        """Data in order, each segment acknowledged."""
        for i in range(0, len(data), size):
            self.segment(side, "PA", data[i:i + size])
            self.sent[side] += len(data[i:i + size])
            self.segment("s" if side == "c" else "c", "A")
        return self

    def close(self):
        self.segment("c", "FA")
        self.segment("s", "FA", ack=self.sent["c"] + 1)
        self.segment("c", "A", at=self.sent["c"] + 1, ack=self.sent["s"] + 1)
        return self


def udp(capture, sport, dport, data, below=None, client=CLIENT, server=SERVER, back=False, **at):
    src, dst = (server, client) if back else (client, server)
    ports = {"sport": dport, "dport": sport} if back else {"sport": sport, "dport": dport}
    capture.add((below or Ether(**MACS)) / IP(src=src, dst=dst, ttl=64, id=len(capture.frames) + 1) / UDP(**ports) / Raw(data), **at)


def http_request(path, method="GET", more=b""):
    return b"%s %s HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: golden/1\r\n%s\r\n" % (method.encode(), path.encode(), more)


def http_response(status, body, more=b""):
    return b"HTTP/1.1 %s\r\nServer: made-up\r\nContent-Type: text/html\r\n%s\r\n" % (status.encode(), more or
                                                                          b"Content-Length: %d\r\n" % len(body)) + body


# ---- the cases ----


def http_alert(c):
    t = Tcp(c, 40001, 80).open()
    t.say("c", http_request("/cart?item=%3Cscript%3E")).say("s", http_response("200 OK", b"<p>nothing here</p>"))
    t.close()


# 140 bytes of HTML, compressed once with gzip -9 -n
LETTER = base64.b64decode("H4sIAAAAAAACA2WOwQmAMBAE/1ZxBYj5y5EqbEDJ4gWjCcmJ2L1RX+Jv2RnYZdE1WJ6iOy0nOwgo+FlU4l5AC5CQ6chR0ZNWWDAGOApQrcAX2jdX"
                          "w41UfHZUdPS5o+FbtD+DTbJs3l3znGguMkUsF4wAAAA=")


def http_gzip_chunked(c):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (LETTER[:7], LETTER[7:60], LETTER[60:])) + b"0\r\n\r\n"
    t = Tcp(c, 40002, 8081).open()
    t.say("c", http_request("/letter", more=b"Accept-Encoding: gzip\r\n"))
    t.say("s", http_response("200 OK", chunks, b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), size=97)
    t.close()


def http_pipelining(c):
    t = Tcp(c, 40003, 80).open()
    t.say("c", http_request("/first") + http_request("/second") + http_request("/third"))
    t.say("s", http_response("200 OK", b"one") + http_response("200 OK", b"two") + http_response("404 Not Found", b"three"), size=200)
    t.close()


def http_late(c):
    t = Tcp(c, 40080, 80).open()
    t.say("c", http_request("/first")).say("s", http_response("200 OK", b"one"))
    t.say("s", b"left over\r\n").say("s", b"and more\r\n")
    t.say("c", http_request("/second")).say("s", http_response("304 Not Modified", b"", b"ETag: 2\r\n")).say("s", b"a body\r\n")
    t.say("c", http_request("/third")).say("s", http_response("200 OK", b"three"))
    t.close()
    t = Tcp(c, 40081, 80).open()
    t.say("c", http_request("/fourth")).say("s", http_response("200 OK", b"four"))
    t.segment("s", "PA", b"without an end")
    t.sent["s"] += 14
    t.close()


def dns_message(number, name, answers=(), response=False, kind=1):
    labels = b"".join(bytes([len(p)]) + p for p in name.encode().split(b".")) + b"\0"
    head = struct.pack(">HHHHHH", number, 0x8180 if response else 0x0100, 1, len(answers), 0, 0)
    return head + labels + struct.pack(">HH", kind, 1) + b"".join(
        struct.pack(">HHHIH", 0xC00C, t, 1, 300, len(d)) + d for t, d in answers)


def dns_udp_tcp(c):
    address = bytes([203, 0, 113, 7])
    udp(c, 40004, 53, dns_message(1, "www.harbour.example"))
    udp(c, 40004, 53, dns_message(1, "www.harbour.example", [(1, address)], True), back=True)
    udp(c, 40005, 53, dns_message(2, "nowhere.harbour.example"))
    udp(c, 40005, 53, bytes.fromhex("0002" "8183") + dns_message(2, "nowhere.harbour.example")[4:], back=True)
    t = Tcp(c, 40006, 53).open()
    asked = [dns_message(n, name, kind=16) for n, name in ((3, "a.zone.harbour.example"), (4, "b.zone.harbour.example"))]
    told = [dns_message(n, name, [(16, b"\x05words")], True, 16) for n, name in
            ((3, "a.zone.harbour.example"), (4, "b.zone.harbour.example"))]
    t.say("c", b"".join(struct.pack(">H", len(m)) + m for m in asked), size=25)
    t.say("s", b"".join(struct.pack(">H", len(m)) + m for m in told), size=70)
    t.close()


# A self-signed certificate (P-256) made for this case: O=Dewline Golden Cases, CN=portal.example
CERTIFICATE = base64.b64decode(
    "MIIBxTCCAWugAwIBAgIUfGU/KRLe/VEP1CfJwbhvHV0EirswCgYIKoZIzj0EAwIwODEdMBsGA1UECgwURGV3bGluZSBHb2xkZW4gQ2FzZXMxFzAVBgNV"
    "BAMMDnBvcnRhbC5leGFtcGxlMB4XDTI2MTEyMjA0MDM1MFoXDTM2MTExOTA0MDM1MFowODEdMBsGA1UECgwURGV3bGluZSBHb2xkZW4gQ2FzZXMxFzAV"
    "BgNVBAMMDnBvcnRhbC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEc2GCwkMCxmRGm16Q5fzZGkjSG2AIt5zceO5+AV/JtX8yMWCvL4ay"
    "KDI8XQ3B3F4VWfrzBflkVwEWu7DurFYKeKNTMFEwHQYDVR0OBBYEFBINJQ+jTyyxKwsyN3wfw1hpScAPMB8GA1UdIwQYMBaAFBINJQ+jTyyxKwsyN3wf"
    "w1hpScAPMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgeD1N7BnMEPDZmAlNEfSPWTqTaeHzW6HrGtBjdHgb7dYCIQDL+UYLwnmOiAzm"
    "VZurer5S7D9lI52FZexCAXxTq0o1Hg==")


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def tls_sni(c):
    sni = vector(2, vector(2, b"\0" + vector(2, b"portal.example")))
    groups, formats = vector(2, vector(2, b"\x00\x1d\x00\x17")), vector(2, vector(1, b"\0"))
    extensions = vector(2, b"\0\0" + sni + b"\0\x0a" + groups + b"\0\x0b" + formats)
    hello = b"\x03\x03" + bytes(range(32)) + vector(1, b"") + vector(2, bytes.fromhex("c02bc02fc00a")) + vector(1, b"\0") + extensions
    server = b"\x03\x03" + bytes(range(32, 64)) + vector(1, b"") + bytes.fromhex("c02b" "00")
    certificate = vector(3, vector(3, CERTIFICATE))
    t = Tcp(c, 40007, 443).open()
    t.say("c", b"\x16\x03\x01" + vector(2, b"\x01" + vector(3, hello)), size=60)
    flight = b"\x02" + vector(3, server) + b"\x0b" + vector(3, certificate) + b"\x0e" + vector(3, b"")
    t.say("s", b"\x16\x03\x03" + vector(2, flight), size=300)
    t.say("c", b"\x14\x03\x03\0\x01\x01" + b"\x16\x03\x03" + vector(2, bytes(40)))
    t.say("s", b"\x14\x03\x03\0\x01\x01" + b"\x16\x03\x03" + vector(2, bytes(40)))
    t.close()


def http2_frame(kind, flags, stream, data):
    return len(data).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + data


def http2_streams(c):
    """Fields by RFC 7541: 0x82 GET, 0x84 "/", 0x86 http, 0x88 200, 0x8d 404; 0x41, 0x7a: a literal that is kept; 0xbe...: one kept."""
    t = Tcp(c, 40008, 80).open()
    example = bytes.fromhex("418cf1e3c2e5f23a6ba0ab90f4ff")  # :authority: www.example.com, Huffman coded (appendix C.4.1)
    t.say("c", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, 0, b""))
    t.say("s", http2_frame(4, 0, 0, b""))
    # 1: its block in three frames and several segments; the agent becomes number 62, the host 63
    first = b"\x82\x86\x04" + vector(1, b"/harbour") + example + b"\x7a" + vector(1, b"golden/2")
    t.say("c", http2_frame(1, 1, 1, first[:5]) + http2_frame(9, 0, 1, first[5:20]) + http2_frame(9, 4, 1, first[20:]), size=20)
    # 3: agent and host by their numbers
    t.say("c", http2_frame(1, 5, 3, b"\x82\x86\x04" + vector(1, b"/island") + b"\xbf\xbe"))
    # the second is answered first, and between its data
    t.say("s", http2_frame(1, 4, 3, b"\x8d") + http2_frame(0, 0, 3, b"no such ") + http2_frame(1, 4, 1, b"\x88")
          + http2_frame(0, 8, 1, b"\x04ships at" + bytes(4)) + http2_frame(0, 1, 3, b"island") + http2_frame(0, 1, 1, b" anchor"), size=30)
    t.close()


def fragments(c, datagram, ident, pieces):
    """Pieces of one IP datagram: (offset in bytes, bytes, more to come)."""
    for offset, data, more in pieces:
        assert offset % 8 == 0
        c.add(Ether(**MACS) / IP(src=CLIENT, dst=SERVER, ttl=64, id=ident, proto=17, frag=offset // 8,
                                 flags="MF" if more else 0) / Raw(data))


def ip_fragments(c):
    def datagram(sport, text):
        whole = bytes(IP(src=CLIENT, dst=SERVER) / UDP(sport=sport, dport=9000) / Raw(text))
        return whole[20:]
    # a: out of order, no overlap
    d = datagram(40010, b"ORDERLY-FRAGMENTS-MAKE-ONE-DATAGRAM-AGAIN")
    fragments(c, d, 501, [(24, d[24:], False), (0, d[:16], True), (16, d[16:24], True)])
    # b: two fragments for the same bytes, saying different things; the last piece comes last
    d = datagram(40011, b"FIRSTWORD-OLDOLDOLDOLDOLD-ENDOFTEXT-PADDING-PADDING")
    e = d.replace(b"OLDOLDOLDOLDOLD", b"NEWNEWNEWNEWNEW")
    fragments(c, d, 502, [(0, d[:16], True), (16, d[16:40], True), (16, e[16:40], True), (40, d[40:], False)])
    # c: never whole
    d = datagram(40012, b"NEVERWHOLE-NEVERWHOLE-NEVERWHOLE-NEVERWHOLE")
    fragments(c, d, 503, [(0, d[:24], True), (32, d[32:], False)])


def tcp_reassembly(c):
    # a: out of order, each byte once
    t = Tcp(c, 40020, 9001).open()
    text = b"alpha-bravo-charlie-delta"
    t.segment("c", "PA", text[12:], at=12)
    t.segment("c", "PA", text[:5], at=0)
    t.segment("c", "PA", text[5:12], at=5)
    t.sent["c"] = len(text)
    t.segment("s", "A")
    t.close()
    # b: the same bytes again, saying something else; not yet acknowledged
    t = Tcp(c, 40021, 9001).open()
    t.segment("c", "PA", b"say-ORIGINAL-word")
    t.segment("c", "PA", b"say-REWRITTEN-wrd", at=0)
    t.sent["c"] = 17
    t.segment("s", "A")
    t.close()
    # c: a faithful retransmission
    t = Tcp(c, 40022, 9001).open()
    t.say("c", b"echo-once-only")
    t.segment("c", "PA", b"echo-once-only", at=0)
    t.segment("s", "A")
    t.close()
    # d: bytes that the capture misses but the server acknowledges
    t = Tcp(c, 40023, 9001).open()
    t.say("c", b"before-the-gap")
    t.sent["c"] += 1000
    t.say("c", b"after-the-gap")
    t.close()


def vlan_qinq(c):
    one, two = Ether(**MACS) / Dot1Q(vlan=10), Ether(**MACS) / Dot1AD(vlan=200) / Dot1Q(vlan=10)
    udp(c, 40030, 9002, b"tagged once: harbour", one)
    udp(c, 40030, 9002, b"tagged twice: harbour", two)
    udp(c, 40030, 9002, b"not tagged: harbour")
    udp(c, 40030, 9002, b"tagged once, answer", one, back=True)
    udp(c, 40030, 9002, b"tagged: inland", one)


def ipv6_extensions(c):
    base = Ether(**MACS) / IPv6(src="2001:db8::10", dst="2001:db8:1::80", hlim=64)
    message = UDP(sport=40040, dport=9003) / Raw(b"behind headers: harbour")
    c.add(base / message)
    c.add(base / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / message)
    c.add(base / IPv6ExtHdrRouting(type=4, addresses=[], segleft=0) / message)
    # The same in two fragments (RFC 8200 4.5); the checksum is that of the whole.
    whole = bytes(base / message)[54:]
    head = Ether(**MACS) / IPv6(src="2001:db8::10", dst="2001:db8:1::80", hlim=64)
    c.add(head / IPv6ExtHdrFragment(nh=17, offset=0, m=1, id=77) / Raw(whole[:16]))
    c.add(head / IPv6ExtHdrFragment(nh=17, offset=2, m=0, id=77) / Raw(whole[16:]))
    # An atomic fragment (RFC 6946), and headers in a forbidden order (hop-by-hop second, RFC 8200 4.1)
    c.add(head / IPv6ExtHdrFragment(nh=17, offset=0, m=0, id=78) / Raw(whole))
    c.add(base / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / message)


def time_jump(c):
    day, hour = 86_400_000_000, 3_600_000_000
    udp(c, 40050, 9004, b"at noon: harbour")
    udp(c, 40050, 9004, b"an hour earlier: harbour", after_us=-hour)
    udp(c, 40050, 9004, b"ten days later: harbour", after_us=10 * day)
    udp(c, 40050, 9004, b"ten days later, same flow", back=True)
    t = Tcp(c, 40051, 80).open()
    t.say("c", http_request("/clock"))
    c.now -= day
    t.say("s", http_response("200 OK", b"yesterday"))
    c.now += day
    t.close()
    c.add(Ether(**MACS) / IP(src=CLIENT, dst=SERVER, ttl=64) / ICMP(type=8, id=7, seq=1) / Raw(b"are you there"))


MAIL = b"""From: Watch <watch@north.example>
To: "Floor, night" <night@south.example>, day@south.example
Subject: the list
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=-outer"

--=-outer
Content-Type: text/plain

The list is at http://lists.example/today and in the attachment.
..a line that begins with a dot
--=-outer
Content-Type: multipart/related; boundary=inner

--inner
Content-Type: text/csv; name="list.csv"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="list.csv"

aGFyYm91cixicmlkZ2UKdG93ZXIsZ2F0ZQo=
--inner--
--=-outer--
.
""".replace(b"\n", b"\r\n")


def smtp_attachment(c):
    t = Tcp(c, 40060, 25).open()
    t.say("s", b"220 mx.south.example ESMTP\r\n")
    t.say("c", b"EHLO north.example\r\n").say("s", b"250-mx.south.example\r\n250 8BITMIME\r\n")
    t.say("c", b"MAIL FROM:<watch@north.example> BODY=8BITMIME\r\n").say("s", b"250 ok\r\n")
    t.say("c", b"RCPT TO:<night@south.example>\r\n").say("s", b"250 ok\r\n")
    t.say("c", b"DATA\r\n").say("s", b"354 go on\r\n")
    t.say("c", MAIL, size=90).say("s", b"250 taken\r\n")
    t.close()


def ftp_data(c):
    t = Tcp(c, 40070, 21).open()
    t.say("s", b"220 FTP of the archive\r\n")
    t.say("c", b"USER anonymous\r\n").say("s", b"331 who are you\r\n")
    t.say("c", b"PASS guest@\r\n").say("s", b"230-welcome\r\n230 in\r\n")
    t.say("c", b"PASV\r\n").say("s", b"227 Entering Passive Mode (198,51,100,80,156,64)\r\n")
    d = Tcp(c, 40071, 40000).open()
    t.say("c", b"RETR notes.txt\r\n").say("s", b"150 here it is\r\n")
    d.say("s", b"the harbour is closed\n", size=9).close()
    t.say("s", b"226 done\r\n")
    t.say("c", b"PORT 203,0,113,9,0,80\r\n").say("s", b"200 as you like\r\n")
    t.close()


CASES = {"smtp-attachment": smtp_attachment, "ftp-data": ftp_data, "http-alert": http_alert, "http-gzip-chunked": http_gzip_chunked, "http-pipelining": http_pipelining,
         "http-late": http_late,
         "http2-streams": http2_streams,
         "dns-udp-tcp": dns_udp_tcp, "tls-sni": tls_sni, "ip-fragments": ip_fragments, "tcp-reassembly": tcp_reassembly,
         "vlan-qinq": vlan_qinq, "ipv6-extensions": ipv6_extensions, "time-jump": time_jump}


def main(args):
    check = args == ["--check"]
    unknown = [a for a in args if a not in CASES and not check]
    if unknown:
        sys.exit(f"{__doc__}\nno such case: {', '.join(unknown)}; there are: {', '.join(CASES)}")
    wrong = 0
    for name in (args if args and not check else CASES):
        capture = Capture()
        CASES[name](capture)
        path = os.path.join(GOLDEN, name, "capture.pcap")
        if check:
            with open(path, "rb") as f:
                same = f.read() == capture.bytes()
            if not same:
                print(f"{name}: the capture is not what this script makes")
            wrong += not same
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(capture.bytes())
    return 1 if wrong else 0


sys.exit(main(sys.argv[1:]))
