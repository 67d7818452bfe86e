# SPDX-License-Identifier: Apache-2.0
"""Networks made of namespaces: parties with a router and hosts, joined by a core.

                       core
           uplink|    uplink|    uplink|        <- recorded here, one capture a party
          router-a    router-b    router-c
           br0 |       br0 |       br0 |
            hosts       hosts       hosts      gateway .1 of the party's /24

Names of namespaces carry this process's number, so that two recordings do not meet.
"""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DELAY_MS = {"a": 9, "b": 6, "c": 11}  # one way on each uplink, where the kernel can (netem)

# ETHTOOL_S* of linux/ethtool.h: what the network card would do later must be done before we record it,
# or the captures hold packets larger than the wire allows and with checksums that nobody computed.
SIOCETHTOOL = 0x8946
OFFLOADS = {"rx checksum": 0x15, "tx checksum": 0x17, "scatter-gather": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}


class Broken(Exception):
    """The stage could not be built or held; the message is for a person."""


def run(*args, check=True):
    r = subprocess.run(args, capture_output=True, text=True, env={**os.environ, "PATH": PATH})
    if check and r.returncode != 0:
        raise Broken(f"{' '.join(args)}: {r.stderr.strip() or 'exit ' + str(r.returncode)}")
    return r.returncode == 0


def offloads_off(interfaces):
    """Turns off, in this namespace, what would make a recording differ from the wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for name in interfaces:
            for command in OFFLOADS.values():
                value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                request = struct.pack("16sP8x", name.encode(), ctypes.addressof(value))
                try:
                    fcntl.ioctl(s, SIOCETHTOOL, request)
                except OSError:
                    pass  # an interface without that offload


class Net:
    def __init__(self, script):
        self.script = script
        self.tag = f"dew{os.getpid()}"
        self.spaces, self.children = [], []

    # ---- namespaces and cables ----

    def space(self, name):
        full = f"{self.tag}-{name}"
        run("ip", "netns", "add", full)
        self.spaces.append(full)
        self.inside(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
                    check=False)
        self.inside(name, "ip", "link", "set", "dev", "lo", "up")

    def inside(self, name, *args, check=True):
        return run("ip", "netns", "exec", f"{self.tag}-{name}", *args, check=check)

    def cable(self, left, left_if, right, right_if):
        run("ip", "link", "add", left_if, "netns", f"{self.tag}-{left}", "type", "veth", "peer", "name", right_if, "netns",
            f"{self.tag}-{right}")
        for space, interface in (left, left_if), (right, right_if):
            self.inside(space, "python3", self.script, "--role", "offloads-off", interface)
            self.inside(space, "ip", "link", "set", "dev", interface, "up")

    def core(self):
        self.space("core")
        self.inside("core", "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def party(self, letter, number, prefix):
        """A router with the /24 `prefix` (its first three numbers) behind it."""
        router, link = f"router-{letter}", f"198.18.{number}"
        self.space(router)
        self.inside(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.inside(router, "ip", "link", "add", "br0", "type", "bridge")
        self.inside(router, "ip", "addr", "add", f"{prefix}.1/24", "dev", "br0")
        self.inside(router, "ip", "link", "set", "dev", "br0", "up")
        self.cable(router, "uplink", "core", f"to-{letter}")
        self.inside(router, "ip", "addr", "add", f"{link}.2/30", "dev", "uplink")
        self.inside("core", "ip", "addr", "add", f"{link}.1/30", "dev", f"to-{letter}")
        self.inside("core", "ip", "route", "add", f"{prefix}.0/24", "via", f"{link}.2")
        self.inside(router, "ip", "route", "add", "default", "via", f"{link}.1")
        self.inside(router, "tc", "qdisc", "add", "dev", "uplink", "root", "netem", "delay", f"{DELAY_MS[letter]}ms",
                    check=False)

    def host(self, letter, name, address):
        prefix, number = address.rsplit(".", 1)
        port = f"p{number}"
        self.space(name)
        self.cable(name, "eth0", f"router-{letter}", port)
        self.inside(f"router-{letter}", "ip", "link", "set", "dev", port, "master", "br0")
        self.inside(name, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.inside(name, "ip", "route", "add", "default", "via", f"{prefix}.1")

    # ---- processes ----

    def command(self, space, *args):
        return ["ip", "netns", "exec", f"{self.tag}-{space}", *args]

    def start(self, space, *args, **popen):
        """A process inside a namespace, ended by close() at the latest."""
        p = subprocess.Popen(self.command(space, *args), env={**os.environ, "PATH": PATH}, start_new_session=True, **popen)
        self.children.append(p)
        return p

    @staticmethod
    def end(p, signum=signal.SIGTERM, seconds=5):
        """Ends one child and whatever it started; its exit code."""
        if p.poll() is None:
            try:
                os.killpg(p.pid, signum)
                p.wait(seconds)
            except ProcessLookupError:
                pass
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
        return p.wait()

    @staticmethod
    def empty(full):
        """Ends what is still inside: sshd's sessions are in no process group of ours."""
        inside = subprocess.run(["ip", "netns", "pids", full], capture_output=True, text=True, env={**os.environ, "PATH": PATH})
        for pid in inside.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        for p in reversed(self.children):
            self.end(p)
        for full in reversed(self.spaces):
            self.empty(full)
            run("ip", "netns", "del", full, check=False)
        self.children, self.spaces = [], []
