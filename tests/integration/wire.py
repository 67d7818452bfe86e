"""Networks for the live tests: a namespace with a pair of interfaces, made-up traffic, and a sender.

As a program: wire.py INTERFACE CAPTURE [TIMES] sends a capture's frames as fast as it can, each as it is, and
prints how many. Standard library only.
"""
import ipaddress
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

LINKTYPE_ETHERNET = 1


# --- frames ---

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ethernet(payload, ethertype=0x0800, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return bytes.fromhex("020000000002" "020000000001") + tag + struct.pack("!H", ethertype) + payload


def ipv4(src, dst, proto, payload, ident=0, fragment=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, fragment, 64, proto, 0,
                       ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def layer4(src, dst, proto, segment, at):
    """The segment with its checksum at that offset."""
    a, b = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    pseudo = a + b + struct.pack("!BBH", 0, proto, len(segment))
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2:]


def tcp(src, sport, dst, dport, seq, ack, flags, payload=b"", vlan=None):
    s = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 65535, 0, 0) + payload
    return ethernet(ipv4(src, dst, 6, layer4(src, dst, 6, s, 16)), vlan=vlan)


def udp(src, sport, dst, dport, payload, vlan=None):
    s = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return ethernet(ipv4(src, dst, 17, layer4(src, dst, 17, s, 6)), vlan=vlan)


SYN, ACK, PSH, FIN = 2, 16, 8, 1


def http(client, cport, server, path, sport=80, vlan=None, body=b"hello"):
    """The ten frames of one request and its answer."""
    ask = f"GET {path} HTTP/1.1\r\nHost: example.test\r\n\r\n".encode()
    say = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    up = lambda seq, ack, flags, data=b"": tcp(client, cport, server, sport, seq, ack, flags, data, vlan)
    down = lambda seq, ack, flags, data=b"": tcp(server, sport, client, cport, seq, ack, flags, data, vlan)
    c, s = 1000 + len(ask), 5000 + len(say)
    return [up(999, 0, SYN), down(4999, 1000, SYN | ACK), up(1000, 5000, ACK),
            up(1000, 5000, ACK | PSH, ask), down(5000, c, ACK), down(5000, c, ACK | PSH, say),
            up(c, s, ACK), up(c, s, ACK | FIN), down(s, c + 1, ACK | FIN), up(c + 1, s + 1, ACK)]


def host(n):
    return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


def write(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_ETHERNET))
        for i, frame in enumerate(frames):
            f.write(struct.pack("<IIII", 1700000000 + i // 1000, i % 1000 * 1000, len(frame), len(frame)) + frame)


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, = struct.unpack_from("<I", data)
    order = "<" if magic in (0xa1b2c3d4, 0xa1b23c4d) else ">"
    frames, at = [], 24
    while at + 16 <= len(data):
        size, = struct.unpack_from(order + "I", data, at + 8)
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


# --- networks ---

def may():
    """Why namespaces cannot be made here, or None."""
    if os.geteuid() != 0:
        return "making networks takes root"
    name = f"dewline-may-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    except FileNotFoundError:
        return "there is no ip (package iproute2)"
    if made.returncode != 0:
        return "network namespaces cannot be made: " + made.stderr.strip()
    pair = subprocess.run(["ip", "-n", name, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1"],
                          capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return None if pair.returncode == 0 else "no pair of interfaces can be made: " + pair.stderr.strip()


class Wire:
    """A namespace with wire0 (where a sensor listens) and wire1 (where traffic is sent)."""
    count = 0

    def __enter__(self):
        Wire.count += 1
        self.name = f"dewline-{os.getpid()}-{Wire.count}"
        self.ip("netns", "add", self.name)
        try:
            self.pair("wire0", "wire1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)

    def pair(self, *ends):
        """Two more interfaces, each the other's end."""
        self.ip("-n", self.name, "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for end in ends:
            # nothing but what a test sends: no addresses, so no neighbours are looked for
            self.inside("sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{end}/disable_ipv6")
            self.ip("-n", self.name, "link", "set", end, "up")

    @staticmethod
    def ip(*args):
        subprocess.run(["ip", *args], check=True, capture_output=True)

    def command(self, *args):
        return ["ip", "netns", "exec", self.name, *map(str, args)]

    def inside(self, *args):
        return subprocess.run(self.command(*args), check=True, capture_output=True, text=True).stdout

    def send(self, capture, times=1, interface="wire1"):
        """How many frames were sent."""
        return int(self.inside(sys.executable, os.path.abspath(__file__), interface, capture, times))

    def sender(self, capture, times, interface="wire1"):
        return subprocess.Popen(self.command(sys.executable, os.path.abspath(__file__), interface, capture, times),
                                stdout=subprocess.PIPE, text=True)


def until(what, condition, seconds=30):
    """Waits for a condition; its value."""
    end = time.monotonic() + seconds
    while True:
        v = condition()
        if v:
            return v
        assert time.monotonic() < end, f"{what}: not after {seconds} s"
        time.sleep(0.005)


def flat(samples):
    """The process holds no more in the second half of them than in the first, but for four pages that happened to be touched
    for the first time, and for those of rings that lines of events touched."""
    half, resident = len(samples) // 2, [m["resident"] for m in samples]
    print(f"# {len(samples)} reloads: resident {resident[0]} .. {resident[-1]}, at most {max(resident)} bytes")
    written = samples[-1]["events"] - samples[0]["events"]
    assert max(resident[half:]) - max(resident[:half]) <= 4 * 4096 + 2 * written, (written, resident)


class Sensor:
    """dewline sensor on wire0, ready."""

    def __init__(self, wire, program, folder, *args, interface="wire0", where=None):
        self.folder, self.socket = folder, os.path.join(folder, "dewline.sock")
        self.log = open(os.path.join(folder, "said"), "w+")
        self.process = subprocess.Popen(wire.command(program, "sensor", *(where or ("-i", interface)), "-l", folder, *args),
                                        stdout=self.log, stderr=self.log)
        until("ready", self.ready)

    def said(self):
        with open(self.log.name) as f:
            return f.read()

    def ask(self, command):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(120)
            s.connect(self.socket)
            s.sendall(json.dumps({"command": command}).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                more = s.recv(1 << 16)
                assert more, f"no answer to {command}: {data}\n{self.said()}"
                data += more
        return json.loads(data)

    def ready(self):
        assert self.process.poll() is None, f"it has ended: {self.process.returncode}\n{self.said()}"
        try:
            return self.ask("ready")["return"] == "OK"
        except (ConnectionError, FileNotFoundError, socket.timeout):
            return False

    def status(self):
        return self.ask("status")["message"]

    def memory(self):
        """What it says of its memory; with the bytes of its events so far."""
        return {**self.status()["memory"], "events": os.path.getsize(os.path.join(self.folder, "eve.json"))}

    def kernel_says(self):
        """/proc/PID/status, by name."""
        with open(f"/proc/{self.status()['pid']}/status") as f:
            return {k: v.strip() for k, v in (line.split(":", 1) for line in f)}

    def seen(self, packets):
        """Waits until so many packets were inspected."""
        return until(f"{packets} packets", lambda: (lambda s: s if s["packets"] >= packets else None)(self.status()))

    def end(self, by=signal.SIGTERM, code=0):
        self.process.send_signal(by)
        got = self.process.wait(60)
        assert got == code, f"exit {got}, not {code}\n{self.said()}"
        return self.said()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def main(interface, capture, times=1):
    frames = read(capture)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        n = 0
        for _ in range(int(times)):
            for f in frames:
                s.send(f)
                n += 1
    print(n)


if __name__ == "__main__":
    main(*sys.argv[1:])
