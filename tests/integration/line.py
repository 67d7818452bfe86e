"""A line for the inline tests: client and server in namespaces of their own, and between them a sensor, as a router
(whose forwarded packets go to queues of the packet filter) or as a bridge of two interfaces.

As a program, in a namespace:
  line.py serve                     says the ports it listens at; answers HTTP on TCP, echoes UDP until it is killed
  line.py get HOST PORT PATH        one request on a connection of its own: prints what came, or why nothing did
  line.py pace HOST PORT S PPS      paced datagrams, echoed: prints JSON with what was lost and the longest stalls
  line.py machine CPU               until SIGTERM; prints the times in which that processor ran nobody who only slept
  line.py datagram HOST PORT        one datagram: prints what became of it
  line.py flood HOST PORT S BITS    datagrams at a rate, one way
Standard library only.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import wire

CLIENT, SERVER = "10.7.1.1", "10.7.2.1"
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
ROOM = 16 << 20  # bytes of a socket's buffer: what waits while its program does not get a processor is not lost
STOOD_S = .005  # what a sleep of a millisecond may take longer before it counts as a stall of the machine


def xtables():
    """Why packets cannot be put into a queue here, or None; and by which program they can."""
    for program in ("iptables-nft", "iptables-legacy"):
        name = f"dewline-q-{os.getpid()}"
        try:
            subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            done = subprocess.run(["ip", "netns", "exec", name, program, "-A", "FORWARD", "-j", "NFQUEUE", "--queue-num",
                                   "0", "--queue-bypass"], capture_output=True, text=True)
        finally:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        if done.returncode == 0:
            return None, program
    return "no iptables puts packets into queues here: " + done.stderr.strip(), None


class Line:
    """client e0 -- ra [router] rb -- e0 server; or the same without addresses on ra and rb, for a bridge."""
    count = 0

    def __init__(self, bridge=False):
        self.bridge = bridge

    def __enter__(self):
        Line.count += 1
        self.client, self.name, self.server = (f"dewline-{os.getpid()}-l{Line.count}{x}" for x in "crs")
        self.processes = []
        try:
            for name in (self.client, self.name, self.server):
                wire.Wire.ip("netns", "add", name)
                wire.Wire.ip("-n", name, "link", "set", "lo", "up")
                self.at(name, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
            for end, ours in ((self.client, "ra"), (self.server, "rb")):
                wire.Wire.ip("-n", self.name, "link", "add", ours, "type", "veth", "peer", "name", "e0", "netns", end)
                wire.Wire.ip("-n", self.name, "link", "set", ours, "up")
                wire.Wire.ip("-n", end, "link", "set", "e0", "up")
            self.addresses()
            self.ports = self.serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def addresses(self):
        # a bridge is one network; a router stands between two
        wire.Wire.ip("-n", self.server, "addr", "add", "10.7.2.9/32", "dev", "e0")
        bits = "16" if self.bridge else "24"
        wire.Wire.ip("-n", self.client, "addr", "add", f"{CLIENT}/{bits}", "dev", "e0")
        wire.Wire.ip("-n", self.server, "addr", "add", f"{SERVER}/{bits}", "dev", "e0")
        if self.bridge:
            return
        wire.Wire.ip("-n", self.name, "addr", "add", "10.7.1.2/24", "dev", "ra")
        wire.Wire.ip("-n", self.name, "addr", "add", "10.7.2.2/24", "dev", "rb")
        wire.Wire.ip("-n", self.client, "route", "add", "default", "via", "10.7.1.2")
        wire.Wire.ip("-n", self.server, "route", "add", "default", "via", "10.7.2.2")
        self.inside("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")

    def __exit__(self, *unused):
        for p in self.processes:
            p.kill()
            p.wait()
        for name in (self.client, self.name, self.server):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def queue(self, program, *options):
        """What is forwarded goes to queues; options default to queue 0."""
        self.inside(program, "-A", "FORWARD", "-j", "NFQUEUE", *(options or ("--queue-num", "0")), "--queue-bypass")

    @staticmethod
    def at(name, *args):
        return subprocess.run(["ip", "netns", "exec", name, *map(str, args)], check=True, capture_output=True, text=True).stdout

    def command(self, *args):
        return ["ip", "netns", "exec", self.name, *map(str, args)]

    def inside(self, *args):
        return self.at(self.name, *args)

    def program(self, where, *args):
        p = subprocess.Popen(["ip", "netns", "exec", where, sys.executable, os.path.abspath(__file__), *map(str, args)],
                             stdout=subprocess.PIPE, text=True)
        self.processes.append(p)
        return p

    def serve(self):
        p = self.program(self.server, "serve")
        self.server_pid = p.pid
        return json.loads(p.stdout.readline())

    def get(self, path):
        return self.get_later(path)()

    def get_later(self, path):
        """Begins; what is returned waits for the answer."""
        p = self.program(self.client, "get", SERVER, self.ports["tcp"], path)
        return lambda: p.communicate(timeout=60)[0].strip()

    def server_sessions(self):
        """TCP sessions that the server's kernel takes for open."""
        with open(f"/proc/{self.server_pid}/net/tcp") as f:
            return sum(row.split()[3] == "01" for row in f)

    def datagram(self):
        """One datagram; what the kernel says became of it."""
        p = self.program(self.client, "datagram", SERVER, self.ports["udp"])
        return p.communicate(timeout=60)[0].strip()

    def flood(self, bits, seconds, host=SERVER):
        """Datagrams of 1228 bytes with their IP header, in the background."""
        return self.program(self.client, "flood", host, self.ports["sink"], seconds, bits)

    def received(self):
        """Datagrams that reached the server's kernel so far, whether or not somebody reads them."""
        with open(f"/proc/{self.server_pid}/net/snmp") as f:
            rows = [line.split() for line in f if line.startswith("Udp:")]
        return int(rows[1][rows[0].index("InDatagrams")]) + int(rows[1][rows[0].index("RcvbufErrors")])

    def pace(self, seconds, per_second=1000):
        """A sender in the background; .result() waits for what it measured: stall_ms is the longest time that the line
        kept packets, without what the machine's processors stood still in it; felt_ms with it; machine_ms is all of that."""
        p = self.program(self.client, "pace", SERVER, self.ports["udp"], seconds, per_second)
        assert p.stdout.readline() == "begun\n"
        p.result = lambda: json.loads(p.communicate(timeout=seconds + 60)[0])
        return p


# --- what runs in the namespaces ---

def http_answer(c):
    try:
        with c:
            http_talk(c)
    except OSError:
        pass  # who asked has gone, or was sent away


def http_talk(c):
    data = b""
    while b"\r\n\r\n" not in data:
        more = c.recv(65536)
        if not more:
            return
        data += more
    size = int(data.split(b"?bytes=")[1].split(b" ")[0]) if b"?bytes=" in data else 5
    c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
    piece = b"hello" * min(size // 5 + 1, 50000)
    while size:
        size -= c.send(piece[:size])


def udp_echo(s):
    """Back goes when the datagram reached the kernel, by its clock."""
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    while True:
        data, control, _, who = s.recvmsg(2048, 64)
        at = next((struct.unpack("qq", c[2]) for c in control if c[1] == SO_TIMESTAMPNS), (0, 0))
        s.sendto(struct.pack("!qd", struct.unpack("!q", data[:8])[0], at[0] + at[1] / 1e9), who)


def serve():
    t, u, sink = socket.socket(), *(socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    t.bind(("", 0))
    t.listen(128)
    u.bind(("", 0))
    sink.bind(("", 0))  # nobody reads it
    print(json.dumps({"tcp": t.getsockname()[1], "udp": u.getsockname()[1], "sink": sink.getsockname()[1]}), flush=True)
    threading.Thread(target=udp_echo, args=(u,), daemon=True).start()
    while True:
        c, _ = t.accept()
        threading.Thread(target=http_answer, args=(c,), daemon=True).start()


def get(host, port, path):
    try:
        with socket.create_connection((host, int(port)), timeout=1.5) as s:
            s.settimeout(1.5)
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: example.test\r\n\r\n".encode())
            data = bytearray()
            while True:
                more = s.recv(1 << 20)
                if not more:
                    break
                data += more
        body = bytes(data.split(b"\r\n\r\n", 1)[-1])
        print(len(body) if len(body) > 100 else body.decode())
    except socket.timeout:
        print("timeout")
    except OSError as why:
        print("reset" if isinstance(why, ConnectionResetError) else type(why).__name__)


def machine(cpu):
    """A program that sleeps a millisecond, again and again, wakes late when its processor was not there for it."""
    os.sched_setaffinity(0, {int(cpu)})
    stood, ended = [], threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    print("begun", flush=True)
    before = time.time()
    while not ended.is_set():
        time.sleep(.001)
        now = time.time()
        if now > before + .001 + STOOD_S:
            stood.append((before + .001, now))
        before = now
    print(json.dumps(stood))


class Machine:
    """What the machine itself kept its programs waiting, while this is watched."""

    def __enter__(self):
        self.watches = [subprocess.Popen([sys.executable, os.path.abspath(__file__), "machine", str(cpu)],
                                         stdout=subprocess.PIPE, text=True) for cpu in sorted(os.sched_getaffinity(0))]
        for w in self.watches:
            assert w.stdout.readline() == "begun\n"
        return self

    def __exit__(self, *unused):
        self.stood = []
        for w in self.watches:
            w.terminate()
            self.stood += json.loads(w.communicate(timeout=60)[0])
        self.stood.sort()

    def seconds(self, since, until):
        """In which some processor stood still, of a time."""
        total, at = 0.0, since
        for begin, end in self.stood:
            begin, end = max(begin, at), min(end, until)
            if end > begin:
                total, at = total + end - begin, end
        return total


def stalls(sent, arrived):
    """Times in which what was sent did not arrive: until the next that did."""
    since = None
    for n, at in enumerate(sent):
        since = at if since is None else since
        if n in arrived:
            if arrived[n] > since:
                yield since, arrived[n]
            since = None
    if since is not None:
        yield since, sent[-1]


def pace(host, port, seconds, per_second):
    seconds, gap = float(seconds), 1 / float(per_second)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    s.connect((host, int(port)))
    sent, arrived = [], {}

    def listen():
        s.settimeout(0.5)
        quiet = 0  # half seconds at the end in which nothing came
        while quiet < 4 and not (done.is_set() and len(arrived) == len(sent)):
            try:
                n, at = struct.unpack("!qd", s.recv(64))
                arrived[n] = at
                quiet = 0
            except socket.timeout:
                quiet += done.is_set()
            except OSError:
                pass  # nobody listens there yet, or any more

    done = threading.Event()
    listener = threading.Thread(target=listen)
    with Machine() as m:
        listener.start()
        print("begun", flush=True)
        begun = due = time.monotonic()
        while time.monotonic() < begun + seconds:
            s.send(struct.pack("!q", len(sent)))
            sent.append(time.time())  # behind it: the time that the sender itself stood still is not the line's
            due = max(due + gap, time.monotonic() - gap)  # nor is what was missed sent in a burst
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
        done.set()
        listener.join()
    delays = sorted(arrived[n] - sent[n] for n in arrived)
    felt = list(stalls(sent, arrived))
    print(json.dumps({"sent": len(sent), "lost": len(sent) - len(arrived),
                      "stall_ms": max((1000 * (b - a - m.seconds(a, b)) for a, b in felt), default=0),
                      "felt_ms": max((1000 * (b - a) for a, b in felt), default=0),
                      "machine_ms": 1000 * m.seconds(sent[0], sent[-1]),
                      "delay_us": [round(delays[int(q * (len(delays) - 1))] * 1e6) for q in (.5, .99, 1)] if delays else None}))


def datagram(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: ICMP is told to us, whatever it says
        s.connect((host, int(port)))
        s.settimeout(1.5)
        s.send(bytes(8))
        try:
            s.recv(64)
            print("answered")
        except socket.timeout:
            print("timeout")
        except OSError as why:
            print(type(why).__name__, why.errno)


def flood(host, port, seconds, bits):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((host, int(port)))
    data = bytes(1200)
    gap = (len(data) + 28) * 8 / float(bits)
    end = time.monotonic() + float(seconds)
    due, n = time.monotonic(), 0
    while time.monotonic() < end:
        s.send(data)
        n += 1
        due += gap
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
    print(n)


if __name__ == "__main__":
    {"serve": serve, "get": get, "pace": pace, "flood": flood, "datagram": datagram, "machine": machine}[sys.argv[1]](*sys.argv[2:])
