# SPDX-License-Identifier: Apache-2.0
"""Hands at a terminal: a program on a pseudo-terminal, typed at key by key."""
import os
import pty
import random
import select
import signal
import time

PASTED = 14  # what is longer behind the first word is pasted: addresses, names of files


class Typist:
    """Everything that is typed goes through one ssh, so that each key is a packet before what it causes."""

    def __init__(self, command, seed, log):
        self.random = random.Random(seed)
        self.seen, self.log = b"", log
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def watch(self, seconds, until=None):
        """Reads the screen for so long, or until it ends with `until`; whether it did."""
        end = time.monotonic() + seconds
        while until is None or not self.seen.endswith(until):
            left = end - time.monotonic()
            if left <= 0:
                return until is None
            if select.select([self.fd], [], [], left)[0]:
                try:
                    new = os.read(self.fd, 4096)
                except OSError:  # the other side of the terminal is closed
                    return False
                self.seen = (self.seen + new)[-4096:]
                self.log.write(new)
        return True

    def type(self, line, prompt, seconds=20):
        """Types a line as a person does, and pastes what is long; waits for the prompt that follows."""
        first, space, rest = line.partition(" ")
        keys = [*first, *([space] if space else []), *([rest] if len(rest) > PASTED else rest)]
        for key in keys:
            os.write(self.fd, key.encode())
            self.watch(self.random.uniform(0.04, 0.16) * (2 if key in " ./" else 1))
        self.seen = b""
        os.write(self.fd, b"\r")
        return prompt is None or self.watch(seconds, prompt)

    def think(self, least, most):
        self.watch(self.random.uniform(least, most))

    def close(self):
        try:
            os.kill(self.pid, signal.SIGHUP)
        except ProcessLookupError:
            pass
        os.close(self.fd)
        os.waitpid(self.pid, 0)
