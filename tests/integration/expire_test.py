#!/usr/bin/env python3
"""Retention clocks: what is past them is gone from the disk, and everything that was committed can still be proved."""
import json
import os
import shutil
import subprocess
import time

import tap
from tap import dewline

CASE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")
LATER = "2100-01-01T00:00:00Z"


def watched(folder):
    data = os.path.join(folder, "data")
    dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--data", data,
            "--no-system-tables", "-q").expect(0)
    return data


def lines(data):
    with open(os.path.join(data, "eve.json"), encoding="utf-8") as f:
        return f.read().split("\n")[:-1]


def events(data):
    return [(i, json.loads(text)) for i, text in enumerate(lines(data)) if text.strip()]


def expired(data, before, *args):
    return json.loads(dewline("expire", "-d", data, "--before", before, "--approve", "officer", "--json", *args).expect(0).out)


def test_without_approval_it_counts_and_all_stays():
    with tap.folder() as d:
        data = watched(d)
        before = lines(data)
        said = json.loads(dewline("expire", "-d", data, "--before", LATER, "--json").expect(1).out)
        stations = [e for _, e in events(data) if e["event_type"] != "input"]
        assert said["events"] == len(stations) > 3 and said["bytes"] == sum(
            len(text.encode()) for text in before if json.loads(text)["event_type"] != "input") and not said["done"], said
        assert lines(data) == before


def test_events_past_their_clock_are_gone_and_can_be_proved():
    with tap.folder() as d:
        data = watched(d)
        alert = next(i for i, e in events(data) if e["event_type"] == "alert")
        bundle, count = os.path.join(d, "b"), len(lines(data))
        dewline("disclose", "open", "-d", data, "--leaf", alert, "--field", "alert", "--to", "B", "--approve", "us", "-w", bundle).expect(0)
        said = expired(data, LATER)
        after = events(data)
        assert said["done"] and said["gone"] == said["events"] and {e["event_type"] for _, e in after} == {"input", "release", "disclosure", "expiry"}, said
        assert len(lines(data)) == count + 3, "line n is still line n"
        assert after[-1][1]["expiry"]["events"] == said["events"] and after[-1][0] == said["leaf"], after[-1]
        # what was shown before still holds; the log is whole; nothing can be shown any more
        dewline("verify", bundle).expect(0)
        dewline("log", "check", os.path.join(data, "log")).expect(0)
        r = dewline("disclose", "open", "-d", data, "--leaf", alert, "--field", "all").expect(2)
        assert "it can be proved, and not opened" in r.err, r
        # the expiry itself can be shown to whoever asks
        dewline("disclose", "open", "-d", data, "--leaf", said["leaf"], "--field", "expiry", "--to", "B", "--approve", "us", "-w", bundle).expect(0)
        assert '"before":"2100-01-01T00:00:00.000000Z"' in dewline("verify", "--facts", bundle).expect(0).out
        # once more is nothing more, and the folder goes on
        again = expired(data, LATER)
        assert again["events"] == 0 and again["gone"] == said["gone"], again
        dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "--data", data, "--no-system-tables", "-q").expect(0)


def test_what_is_younger_stays():
    with tap.folder() as d:
        data = watched(d)
        times = sorted(e["timestamp"] for _, e in events(data) if e["event_type"] != "input")
        middle = times[len(times) // 2]
        old = [i for i, e in events(data) if e["event_type"] != "input" and e["timestamp"] < middle]
        assert 0 < len(old) < len(times)
        said = expired(data, middle)
        gone = [i for i, text in enumerate(lines(data)) if not text.strip()]
        assert gone == old and said["events"] == len(old), (gone, old)


def test_files_are_told_by_their_age_and_links_are_left_alone():
    with tap.folder() as d:
        data, files = watched(d), os.path.join(d, "packets")
        os.makedirs(os.path.join(files, "cuts"))
        for name, age in (("old.pcap", 90), ("cuts/old.pcapng", 31), ("new.pcap", 1)):
            path = os.path.join(files, name)
            with open(path, "wb") as f:
                f.write(b"payload" * 100)
            os.utime(path, (time.time() - age * 86400,) * 2)
        outside = os.path.join(d, "outside")
        with open(outside, "wb") as f:
            f.write(b"mine")
        os.utime(outside, (0, 0))
        os.symlink(outside, os.path.join(files, "link"))
        said = json.loads(dewline("expire", "-d", data, "--keep", "30d", "--files", files, "--approve", "officer", "--json").expect(0).out)
        assert said["files"] == 2 and sorted(os.listdir(files)) == ["cuts", "link", "new.pcap"] and not os.listdir(os.path.join(files, "cuts")), said
        assert open(outside, "rb").read() == b"mine"


STATION = """%YAML 1.1
---
outputs:
  - eve-log:
      enabled: yes
      types: [{alert: {payload: yes, payload-printable: yes, packet: yes, http-body: yes}}, http, flow]
  - file-store: {version: 2, enabled: yes, dir: store, force-filestore: yes}
packet-ring: {enabled: yes, age: 0}
"""


def test_of_a_station_nothing_that_was_carried_is_left():
    """What a sensor keeps of payload: in its events, in stored files, in the ring and in what was cut out of it."""
    with tap.folder() as d:
        data, out, config = watched(d), os.path.join(d, "out"), os.path.join(d, "c.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(STATION)
        dewline("sensor", "-c", config, "-S", os.path.join(CASE, "case.rules"), "-l", out, "-r", os.path.join(CASE, "capture.pcap")).expect(0)
        payload = open(os.path.join(CASE, "capture.pcap"), "rb").read()
        line = payload[payload.index(b"GET "):].split(b"\r\n")[0]
        eve, packets, store = (os.path.join(out, n) for n in ("eve.json", "packets", "store"))
        with open(eve, "ab") as f:  # a line that is being written just now
            f.write(b'{"timestamp":"2001-01-01T00:00:00.000000+0000","event_ty')

        def carried():
            alerts = [json.loads(x) for x in open(eve, encoding="utf-8").read().split("\n")[:-1] if x.strip()]
            found = {"events": sum("payload" in a or "packet" in a for a in alerts)}
            for name, top in (("ring", packets), ("store", store)):
                found[name] = sum(os.path.getsize(os.path.join(at, n)) for at, _, names in os.walk(top) for n in names if n != "lock")
            return found

        before = carried()
        assert before["events"] and before["ring"] > len(line) and before["store"], before
        for at, _, names in os.walk(out):
            for n in names:
                os.utime(os.path.join(at, n), (0, 0))
        count = len(open(eve, "rb").read().split(b"\n"))
        size = os.path.getsize(eve)
        ask = ["expire", "-d", data, "--before", LATER, "--eve", eve, "--files", packets, "--files", store, "--json"]
        said = json.loads(dewline(*ask).expect(1).out)
        assert carried() == before and said["lines"] > 0 and said["files"] > 1, said
        said = json.loads(dewline(*ask, "--approve", "officer").expect(0).out)
        assert carried() == {"events": 0, "ring": 0, "store": 0}, carried()
        left = b"".join(open(os.path.join(at, n), "rb").read() for at, _, names in os.walk(out) for n in names)
        assert line not in left and b"payload" not in left
        # whoever writes to it goes on where it was; the half line is whole when it is
        assert os.path.getsize(eve) == size and open(eve, "rb").read().endswith(b'"event_ty') and len(open(eve, "rb").read().split(b"\n")) == count
        # a ring in use keeps its lock
        assert os.path.exists(os.path.join(packets, "lock"))
        record = [e["expiry"] for _, e in events(data) if e["event_type"] == "expiry"][0]
        assert record["lines"] == said["lines"] and record["files"] == said["files"] and record["approved_by"] == "officer", record
        dewline("log", "check", os.path.join(data, "log")).expect(0)
        assert json.loads(dewline(*ask).expect(1).out)["lines"] == 0


def test_wrong_clocks_are_refused():
    with tap.folder() as d:
        data = watched(d)
        for args, word in ((["--keep", "30"], "--keep 30"), (["--keep", "0d"], "--keep 0d"), (["--keep", "99999999w"], "--keep"), ([], "which clock"),
                           (["--keep", "1d", "--before", LATER], "which clock"), (["--before", "soon"], "--before soon"),
                           (["--keep", "1d", "--approve", ""], "--approve")):
            assert word in dewline("expire", "-d", data, *args).expect(2).err
        assert "no dewline data folder" in dewline("expire", "-d", d, "--keep", "1d").expect(2).err


def test_nothing_of_it_is_left_on_the_disk_itself():
    if os.geteuid() != 0:
        tap.skip("not root: no disk can be mounted")
    if shutil.which("mkfs.ext4") is None:
        tap.skip("no mkfs.ext4")
    with tap.folder() as d:
        image, at = os.path.join(d, "disk"), os.path.join(d, "at")
        os.mkdir(at)
        with open(image, "wb") as f:
            f.truncate(32 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, capture_output=True)
        p = subprocess.run(["mount", "-o", "loop", image, at], capture_output=True, text=True)
        if p.returncode != 0:
            tap.skip("no loop device: " + p.stderr.strip())
        try:
            data = watched(at)
            packets = os.path.join(at, "packets")
            os.mkdir(packets)
            shutil.copy(os.path.join(CASE, "capture.pcap"), packets)
            os.utime(os.path.join(packets, "capture.pcap"), (0, 0))
            alert = next(e for _, e in events(data) if e["event_type"] == "alert")
            marks = [f'"flow_id":{alert["flow_id"]}'.encode(), b'"signature":"' + alert["alert"]["signature"].encode()]
            payload = open(os.path.join(CASE, "capture.pcap"), "rb").read()
            marks.append(payload[payload.index(b"GET "):][:40])
            os.sync()
            subprocess.run(["umount", at], check=True)
            before = open(image, "rb").read()
            assert all(m in before for m in marks), "the test itself: it was on the disk"
            subprocess.run(["mount", "-o", "loop", image, at], check=True)
            # what was published stays: the bulletin and its bundle are taken away first
            for name in ("bulletins", "bundles", "stix"):
                for f in os.listdir(os.path.join(data, name)):
                    path = os.path.join(data, name, f)
                    os.utime(path, (0, 0))
            said = expired(data, LATER, "--files", packets, "--files", os.path.join(data, "bulletins"), "--files", os.path.join(data, "bundles"),
                           "--files", os.path.join(data, "stix"))
            assert said["events"] > 3 and said["files"] == 5, said
            dewline("log", "check", os.path.join(data, "log")).expect(0)
        finally:
            subprocess.run(["umount", at], check=False, capture_output=True)
        after = open(image, "rb").read()
        assert not [m for m in marks if m in after]


if __name__ == "__main__":
    tap.main(globals())
