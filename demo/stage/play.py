# SPDX-License-Identifier: Apache-2.0
"""The plot: who is where, what happens when, and where it is recorded."""
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time

from stage.cast import BANK, DNS_B, DROP, RELAY, WEB_B
from stage.net import PATH, Broken, Net
from stage.typist import Typist

PARTIES = {"a": (1, "192.0.2"), "b": (2, "198.51.100"), "c": (3, "203.0.113")}
OPERATOR, OFFICE, CUSTOMER, CLERK = "192.0.2.66", "192.0.2.20", "192.0.2.41", "203.0.113.25"
HOSTS = [("a", "operator", OPERATOR), ("a", "office", OFFICE), ("a", "customer", CUSTOMER), ("b", "relay", RELAY),
         ("b", "names", DNS_B), ("b", "news", WEB_B), ("c", "bank", BANK), ("c", "clerk", CLERK)]
CAPTURES = {"edge-a": "a", "relay-b": "b", "bank-c": "c"}
CAPTURE_BYTES_MAX = 4 << 20  # all three together: they are committed
READY_S, IMPLANT_S = 15, 130


class Play:
    def __init__(self, script, folder):
        self.folder, self.net = folder, Net(script)
        self.script, self.lock = script, threading.Lock()
        self.events, self.implant_done = [], threading.Event()

    def event(self, who, what):
        with self.lock:
            self.events.append((time.time(), who, what))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    # ---- setting the stage ----

    def build(self):
        self.net.core()
        for letter, (number, prefix) in PARTIES.items():
            self.net.party(letter, number, prefix)
        for letter, name, address in HOSTS:
            self.net.host(letter, name, address)

    def role(self, space, *args):
        """Starts a role; returns when it is ready. Its events go to the timeline."""
        ready = threading.Event()
        p = self.net.start(space, "python3", self.script, "--role", *args, stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=open(self.path(f"{space}.log"), "w"))

        def listen():
            for line in p.stdout:
                word, _, text = line.strip().partition(" ")
                if word == "ready":
                    ready.set()
                elif word == "event":
                    self.event("implant", text)
                elif word == "done":
                    self.implant_done.set()

        threading.Thread(target=listen, daemon=True).start()
        if not ready.wait(READY_S):
            raise Broken(f"{space} did not get ready: " + open(self.path(f"{space}.log")).read().strip()[-300:])
        return p

    def sshd(self):
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.path(name)], check=True)
        shutil.copy(self.path("user.pub"), self.path("authorized"))
        with open(self.path("sshd.conf"), "w") as f:
            f.write(f"""ListenAddress {RELAY}:22
HostKey {self.path('host')}
AuthorizedKeysFile {self.path('authorized')}
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
PidFile none
LogLevel VERBOSE
ForceCommand python3 {shlex.quote(self.script)} --role relay-shell
""")
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd insists on this empty folder
        log = open(self.path("sshd.log"), "wb")
        p = self.net.start("relay", shutil.which("sshd", path=PATH), "-D", "-e", "-f", self.path("sshd.conf"),
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + READY_S
        while b"Server listening" not in open(self.path("sshd.log"), "rb").read():
            if p.poll() is not None or time.monotonic() > end:
                raise Broken("sshd: " + open(self.path("sshd.log")).read().strip()[-300:])
            time.sleep(0.02)

    def ssh(self, space, seed):
        log = open(self.path(f"{space}-terminal.log"), "wb", buffering=0)
        return Typist(self.net.command(
            space, "ssh", "-tt", "-F", "none", "-i", self.path("user"), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
            "-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={self.path('known-' + space)}",
            "-o", "LogLevel=ERROR", f"root@{RELAY}"), seed, log)

    def tcpdump(self, name, letter):
        p = self.net.start(f"router-{letter}", "tcpdump", "-i", "uplink", "-s", "0", "--immediate-mode", "-Z", "root", "-w",
                           self.path(f"{name}.pcap"), "tcp or udp or icmp", stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in p.stderr:
            if "listening on" in line:
                return p
        raise Broken(f"tcpdump did not start for {name}")

    # ---- the plot ----

    def office(self):
        """An honest login at the same relay, in its own rhythm."""
        time.sleep(7)
        hands = self.ssh("office", 20)
        try:
            if not hands.watch(10, b"relay$ "):
                raise Broken("the office could not log in: " + hands.seen.decode("utf-8", "replace")[-200:])
            self.event("office", f"honest login from {OFFICE} to the relay")
            for line in ["status", "cat notes.txt", "ls", "status", "status", "cat notes.txt", "ls", "status", "status", "ls"]:
                hands.think(5, 12)
                hands.type(line, b"relay$ ")
            hands.think(1, 3)
            hands.type("exit", None)
            hands.watch(5, b"closed.\r\n")
            self.event("office", "honest login ends")
        finally:
            hands.close()

    def operator(self):
        """The attack, typed line by line."""
        hands = self.ssh("operator", 66)
        relay, bank, site = b"relay$ ", b"bank$ ", f"http://{BANK}"

        def do(line, prompt, what, think=(3.5, 8.0)):
            hands.think(*think)
            self.event("operator", what)
            if not hands.type(line, prompt):
                raise Broken(f"no answer to {line}: " + hands.seen.decode("utf-8", "replace")[-200:])

        try:
            if not hands.watch(10, relay):
                raise Broken("the operator could not log in: " + hands.seen.decode("utf-8", "replace")[-200:])
            self.event("operator", f"login from {OPERATOR} to the relay {RELAY} over SSH")
            do("ls", relay, "looks around on the relay")
            do(f"./scan {BANK}", relay, f"port scan of {BANK} from the relay (120 ports)")
            for path in ("/", "/tellerdesk/", "/tellerdesk/report?branch=12"):
                do(f"./get {site}{path}", relay, f"reads {path} of the bank's site through the relay")
            do(f"./get {site}/tellerdesk/report?branch=12%3Bid", relay,
               "command injection into /tellerdesk/report (made up), answered with 200 and an identity")
            do(f"./shell {BANK}", bank, "opens a command line through the hole (one connection)")
            for line in ("hostname", "ls /srv/tellerdesk", "cat /srv/tellerdesk/tellerdesk.conf"):
                do(line, bank, f"types at the bank: {line}")
            do(DROP, bank, "has the bank's host fetch and start the implant")
            do("date", bank, "types at the bank: date")
            do("quit", relay, "leaves the bank's command line")
            self.implant_done.wait(IMPLANT_S)  # stays logged in and types nothing
            hands.type("exit", None)
            hands.watch(5, b"closed.\r\n")
            self.event("operator", "logs out of the relay")
        finally:
            hands.close()

    def perform(self):
        self.role("news", "news")
        self.role("names", "names")
        self.role("relay", "relay")
        self.role("bank", "bank")
        self.sshd()
        dumps = {name: self.tcpdump(name, letter) for name, letter in CAPTURES.items()}
        self.event("stage", "the recording begins")
        news = ["www.harbour-news.example/", "www.harbour-news.example/story/*", "www.harbour-news.example/weather"]
        self.role("office", "visit", "1", "8", *news)
        self.role("customer", "visit", "2", "7", "online.bank-of-c.example/", "online.bank-of-c.example/rates",
                  "online.bank-of-c.example/branches", "online.bank-of-c.example/tellerdesk/report?branch=*")
        self.role("clerk", "visit", "3", "6", "ticker.harbour-news.example/tide", *news)
        failed = []

        def honest():
            try:
                self.office()
            except Broken as e:
                failed.append(e)

        other = threading.Thread(target=honest, daemon=True)
        other.start()
        self.operator()
        if not self.implant_done.wait(IMPLANT_S):
            raise Broken("the implant did not finish")
        other.join()
        if failed:
            raise failed[0]
        time.sleep(0.5)  # the last packets are still on their way
        self.event("stage", "the recording ends")
        for name, p in dumps.items():
            self.net.end(p, signal.SIGINT)
            said = p.stderr.read()
            if not re.search(r"^0 packets dropped by kernel", said, re.M):
                raise Broken(f"{name}: packets were lost: {said.strip()}")

    # ---- what is left of it ----

    def deliver(self, out):
        sizes = {n: os.path.getsize(self.path(f"{n}.pcap")) for n in CAPTURES}
        if sum(sizes.values()) > CAPTURE_BYTES_MAX or min(sizes.values()) < 10_000:
            raise Broken(f"captures of an odd size: {sizes}")
        with open(self.path("timeline.tsv"), "w", encoding="utf-8") as f:
            f.write("time\twho\twhat\n")
            for at, who, what in sorted(self.events):
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
                f.write(f"{stamp}\t{who}\t{what}\n")
        os.makedirs(out, exist_ok=True)
        for name in [f"{n}.pcap" for n in CAPTURES] + ["timeline.tsv"]:
            shutil.copyfile(self.path(name), os.path.join(out, name + ".new"))
            os.replace(os.path.join(out, name + ".new"), os.path.join(out, name))
        for name, size in sizes.items():
            print(f"{os.path.join(out, name)}.pcap\t{size} bytes")


def record(script, folder, out):
    play = Play(script, folder)
    with contextlib.closing(play.net):
        play.build()
        play.perform()
    play.deliver(out)
