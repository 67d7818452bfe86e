"""Where the live tests take place: a folder, a network, and sensors that end with them."""
import os
import subprocess

import tap
import wire

WHY_NOT = wire.may()  # such a place cannot be made; None: it can


class Place:
    def __init__(self, rules=None):
        self.text = rules

    def __enter__(self):
        if WHY_NOT is not None:
            tap.skip(WHY_NOT)
        self.temp = tap.folder()
        self.dir = self.temp.name
        self.out = os.path.join(self.dir, "out")
        os.mkdir(self.out)
        if self.text is not None:
            self.rules = self.file("my.rules", self.text)
        self.wire = wire.Wire().__enter__()
        self.sensors, self.disks = [], []
        return self

    def __exit__(self, *why):
        for s in self.sensors:
            s.kill()
        for path in self.disks:
            subprocess.run(["umount", "-l", path], capture_output=True)
        self.wire.__exit__(*why)
        self.temp.cleanup()

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def capture(self, frames, name="sent.pcap"):
        path = os.path.join(self.dir, name)
        wire.write(path, frames)
        return path

    def disk(self, path, size):
        """A folder with a small file system of its own; or another size for one that is there."""
        again = path in self.disks
        if not again:
            os.mkdir(path)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"{'remount,' if again else ''}size={size}", "tmpfs", path],
                              capture_output=True, text=True)
        if made.returncode != 0:
            tap.skip("no small file system can be made: " + made.stderr.strip())
        if not again:
            self.disks.append(path)

    def start(self, *args):
        """A sensor on wire0, which writes to the folder `out`."""
        s = wire.Sensor(self.wire, tap.DEWLINE, self.out, *args)
        self.sensors.append(s)
        return s
