"""Logs, witnesses and monitors for the tests: real processes of dewline, on ports that they choose."""
import http.client
import os
import re
import signal
import subprocess

import tap
from tap import dewline


class Server:
    """A dewline that listens. .port, .url; its talk is in .talk() once it has ended."""

    def __init__(self, *args):
        self.p = subprocess.Popen([tap.DEWLINE, "log", *map(str, args), "--listen", "127.0.0.1:0"],
                                  stderr=subprocess.PIPE, text=True)
        line = self.p.stderr.readline()
        m = re.search(r"listening at (https?)://.*, port (\d+)", line)
        if m is None:
            self.p.kill()
            raise AssertionError(f"it does not listen: {line}{self.p.stderr.read()}")
        self.port = int(m.group(2))
        self.url = f"{m.group(1)}://127.0.0.1:{self.port}"
        self.said = None

    def ask(self, path, method="GET", body=None):
        """(number, headers, body)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, path, body)
        r = c.getresponse()
        b = r.read()
        c.close()
        return r.status, dict(r.getheaders()), b

    def line(self):
        """The next line that it says, when it says it."""
        return self.p.stderr.readline()

    def end(self, how=signal.SIGTERM):
        if self.said is None:
            self.p.send_signal(how)
            self.said = self.p.communicate(timeout=60)[1]
        return self.p.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Party:
    """A key pair in a folder: .secret (file), .vkey (text), .name."""

    def __init__(self, folder, name, cosigner=False):
        self.name = name
        self.secret = os.path.join(folder, name.replace("/", "-") + ".key")
        r = dewline("log", "key", name, self.secret, *(["--cosigner"] if cosigner else [])).expect(0)
        self.vkey = r.out.strip()
        self.public = self.secret[:-4] + ".vkey"
        with open(self.public, "w", encoding="utf-8") as f:
            f.write(self.vkey + "\n")


def append(log, folder, entries, *more):
    """Adds entries (texts without line feeds) to the log of a party."""
    return tap.Run([tap.DEWLINE, "log", "append", "--signer", log.secret, "--lines", *map(str, more), folder],
                   stdin="".join(e + "\n" for e in entries).encode())


def witness(folder, key, *logs):
    return Server("witness", "--signer", key.secret, "--state", folder, *[x for v in logs for x in ("--log", v.vkey)])


def policy(path, log, witnesses, need):
    """witnesses: [(party, address)]"""
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"log {log.vkey}\n")
        for i, (w, url) in enumerate(witnesses):
            f.write(f"witness w{i} {w.vkey} {url}\n")
        f.write(f"group enough {need} {' '.join(f'w{i}' for i in range(len(witnesses)))}\nquorum enough\n"
                if witnesses else "quorum none\n")
    return path
