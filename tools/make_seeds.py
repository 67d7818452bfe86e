#!/usr/bin/env python3
"""Write the seeds of the pipeline's fuzz target: small captures, made from nothing.

  make_seeds.py FOLDER        (tests/corpus/pipeline)
The same bytes on every run, so that a changed seed is a changed script.
"""
import os, struct, sys

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([198, 51, 100, 2])
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(proto, src, dst, body, ident=1, flags=0x4000):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident, flags, 64, proto, 0, src, dst)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def ipv6(proto, body):
    net = bytes.fromhex("20010db8") + bytes(11)
    return struct.pack(">IHBB", 6 << 28, len(body), proto, 64) + net + b"\1" + net + b"\2" + body


def ethernet(kind, body, vlan=()):
    tags = b"".join(struct.pack(">HH", 0x8100, v) for v in vlan)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + tags + struct.pack(">H", kind) + body


def udp(sport, dport, body):
    return struct.pack(">HHHH", sport, dport, 8 + len(body), 0) + body


class Talk:
    """A TCP session; frames collects what was sent."""

    def __init__(self, port):
        self.ports, self.seq, self.frames = (40000, port), [1000, 5000], []

    def send(self, side, flags, body=b""):
        src, dst = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        head = struct.pack(">HHIIBBHHH", self.ports[side], self.ports[1 - side], self.seq[side],
                           self.seq[1 - side] if flags & ACK else 0, 0x50, flags, 0xFFFF, 0, 0)
        self.frames.append(ethernet(0x800, ipv4(6, src, dst, head + body)))
        self.seq[side] += len(body) + (1 if flags & (SYN | FIN) else 0)

    def say(self, side, body):
        self.send(side, ACK | PSH, body)
        self.send(1 - side, ACK)

    def whole(self, *lines):
        self.send(0, SYN)
        self.send(1, SYN | ACK)
        self.send(0, ACK)
        for side, body in lines:
            self.say(side, body)
        self.send(0, FIN | ACK)
        self.send(1, FIN | ACK)
        self.send(0, ACK)
        return self.frames


def dns(flags, counts, body):
    return struct.pack(">HHHHHH", 0x1234, flags, *counts) + body


def client_hello(name):
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    ext = struct.pack(">HH", 0, len(sni)) + sni + bytes.fromhex("000a00040002001d")
    body = b"\3\3" + bytes(32) + b"\0" + bytes.fromhex("00021301") + b"\1\0" + struct.pack(">H", len(ext)) + ext
    hand = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(hand)) + hand


def pcap(frames, linktype=1, order="<"):
    out = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, linktype)
    for i, f in enumerate(frames):
        out += struct.pack(order + "IIII", 1700000000 + i // 10, i % 10 * 100000, len(f), len(f)) + f
    return out


def pcapng(frames):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0))
    for i, f in enumerate(frames):
        at = (1700000000 + i) * 1000000
        out += block(6, struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(f), len(f)) + f)
    return out


QUESTION = b"\1a\7example\0\0\1\0\1"
ANSWER = QUESTION + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x09"
WEB = ((0, b"GET /evil?x=1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: test\r\n\r\n"),
       (1, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
       (0, b"POST /b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc"),
       (1, b"HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n"))


def seeds():
    names = [ethernet(0x800, ipv4(17, CLIENT, SERVER, udp(40000, 53, dns(0x100, (1, 0, 0, 0), QUESTION)))),
             ethernet(0x800, ipv4(17, SERVER, CLIENT, udp(53, 40000, dns(0x8180, (1, 1, 0, 0), ANSWER))))]
    yield "web.pcap", pcap(Talk(80).whole(*WEB))
    late = Talk(80).whole(*WEB)
    late[3], late[5] = late[5], late[3]
    yield "web-late.pcap", pcap(late + late[3:6], order=">")
    yield "names.pcap", pcap(names)
    yield "names.pcapng", pcapng(names + [ethernet(0x800, ipv4(17, CLIENT, SERVER, udp(1, 2, b"a" * 20)), vlan=(7, 8))])
    yield "tls.pcap", pcap(Talk(443).whole((0, client_hello(b"a.example"))))
    question = udp(40000, 53, dns(0x100, (1, 0, 0, 0), QUESTION))
    yield "fragments.pcap", pcap([
        ethernet(0x800, ipv4(17, CLIENT, SERVER, question[16:], 9, 2)),
        ethernet(0x800, ipv4(17, CLIENT, SERVER, question[:16], 9, 0x2000))])
    yield "six.pcap", pcap([ethernet(0x86DD, ipv6(17, udp(40000, 53, dns(0x100, (1, 0, 0, 0), QUESTION)))),
                            ethernet(0x86DD, ipv6(58, b"\x80\0\0\0\0\1\0\1ping"))])
    yield "echo.pcap", pcap([ipv4(1, CLIENT, SERVER, b"\x08\0\0\0\0\1\0\1ping"),
                             ipv4(1, SERVER, CLIENT, b"\0\0\0\0\0\1\0\1ping")], linktype=101)
    scan = []
    for port in range(16):
        talk = Talk(20 + port)
        talk.send(0, SYN)
        talk.send(1, RST | ACK)
        scan += talk.frames
    yield "scan.pcap", pcap(scan)
    yield "broken.pcap", pcap([ethernet(0x800, b"\x44" + ipv4(6, CLIENT, SERVER, b"")[1:]),
                               ethernet(0x800, ipv4(6, CLIENT, SERVER, b"\0\1\0\2")), b"\2"])


if __name__ == "__main__":
    for name, data in seeds():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(data)
