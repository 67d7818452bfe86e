"""Files that rules want are on disk under their SHA-256, once, and nothing else is."""
import hashlib
import json
import os
import subprocess

import tap
import wire
from tap import dewline

GOLDEN = os.path.join(os.environ["DEW_SOURCE_ROOT"], "tests", "golden")
WHY_NOT = wire.may()
NOTES = b"the harbour is closed\n"
CONFIG = """%%YAML 1.1
---
outputs:
  - eve-log:
      enabled: yes
      types: [files, {smtp: {md5: [body, subject]}}]
  - file-store:
      version: 2
      enabled: yes
      dir: store
      force-filestore: %s
"""


def sensor(d, case, rule, force="no"):
    with open(os.path.join(d, "config.yaml"), "w") as f:
        f.write(CONFIG % force)
    with open(os.path.join(d, "case.rules"), "w") as f:
        f.write(rule + "\n")
    out = os.path.join(d, "logs")
    r = dewline("sensor", "-c", os.path.join(d, "config.yaml"), "-S", os.path.join(d, "case.rules"), "-l", out,
                "-r", os.path.join(GOLDEN, case, "capture.pcap"))
    r.expect(0)
    with open(os.path.join(out, "eve.json")) as f:
        return out, [json.loads(line) for line in f]


def stored(out):
    return sorted(os.path.relpath(os.path.join(folder, name), os.path.join(out, "store"))
                  for folder, _, names in os.walk(os.path.join(out, "store")) for name in names)


def test_a_file_that_a_rule_wants_is_stored_by_its_digest():
    digest = hashlib.sha256(NOTES).hexdigest()
    with tap.folder() as d:
        rule = 'alert ftp-data any any -> any any (msg:"m"; filename:"notes"; filestore; sid:5;)'
        for run in (1, 2):  # the same file again is the same file
            out, events = sensor(d, "ftp-data", rule)
            assert stored(out) == [os.path.join(digest[:2], digest)], stored(out)
        with open(os.path.join(out, "store", digest[:2], digest), "rb") as f:
            assert f.read() == NOTES
        info = [e["fileinfo"] for e in events if e["event_type"] == "fileinfo"]
        assert all(i["stored"] and i["file_id"] == 1 and i["sid"] == [5] and i["sha256"] == digest for i in info), info


def test_a_file_that_nobody_wants_is_not():
    with tap.folder() as d:
        rule = 'alert ftp-data any any -> any any (msg:"m"; filename:"other"; filestore; sid:5;)'
        out, events = sensor(d, "ftp-data", rule)
        assert stored(out) == []
        assert [e["fileinfo"]["stored"] for e in events if e["event_type"] == "fileinfo"] == [False]


def test_all_files_are_stored_if_the_configuration_says_so():
    attachment = b"harbour,bridge\ntower,gate\n"
    digest = hashlib.sha256(attachment).hexdigest()
    with tap.folder() as d:
        out, events = sensor(d, "smtp-attachment", "# no rule", "yes")
        assert stored(out) == [os.path.join(digest[:2], digest)], stored(out)
        mail = next(e for e in events if e["event_type"] == "smtp")
        assert mail["email"]["subject_md5"] == hashlib.md5(b"the list").hexdigest(), mail
        assert len(mail["email"]["body_md5"]) == 32


def test_a_folder_that_cannot_be_made_is_an_error():
    with tap.folder() as d:
        os.mkdir(os.path.join(d, "logs"))
        with open(os.path.join(d, "logs", "store"), "w"):
            pass
        with open(os.path.join(d, "config.yaml"), "w") as f:
            f.write(CONFIG % "no")
        r = dewline("sensor", "-c", os.path.join(d, "config.yaml"), "-l", os.path.join(d, "logs"),
                    "-r", os.path.join(GOLDEN, "ftp-data", "capture.pcap"))
        r.expect(1)
        assert "file-store" in r.err, r


def limited(folder):
    """A command that runs another with no room on disk there."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=600", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode != 0:
        tap.skip("no small file system can be made: " + made.stderr.strip())


def test_what_a_full_disk_does_not_take_is_said():
    with tap.folder() as d:
        store = os.path.join(d, "logs", "store")
        os.makedirs(store)
        limited(store)
        try:
            with open(os.path.join(d, "config.yaml"), "w") as f:
                f.write(CONFIG % "yes")
            with open(os.path.join(store, "fill"), "wb") as f:
                try:
                    f.write(bytes(2 << 20))
                except OSError:
                    pass
            r = dewline("sensor", "-c", os.path.join(d, "config.yaml"), "--disable-detection", "-l", os.path.join(d, "logs"),
                        "-r", os.path.join(GOLDEN, "ftp-data", "capture.pcap")).expect(0)
            assert "in the file-store: No space left on device" in r.err, r
        finally:
            subprocess.run(["umount", "-l", store], check=True)


def test_on_an_interface_a_thread_of_its_own_stores_what_the_capture_has():
    if WHY_NOT is not None:
        tap.skip(WHY_NOT)
    body = bytes(range(256)) * 300
    # the answer in segments that fit, so that nothing is cut
    frames, client, server = [], wire.host(1), wire.host(2)
    say = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    ask = b"GET /f HTTP/1.1\r\nHost: example.test\r\n\r\n"
    frames += [wire.tcp(client, 1024, server, 80, 999, 0, wire.SYN), wire.tcp(server, 80, client, 1024, 4999, 1000, wire.SYN | wire.ACK),
               wire.tcp(client, 1024, server, 80, 1000, 5000, wire.ACK), wire.tcp(client, 1024, server, 80, 1000, 5000, wire.ACK | wire.PSH, ask)]
    for at in range(0, len(say), 1400):
        part = say[at:at + 1400]
        frames += [wire.tcp(server, 80, client, 1024, 5000 + at, 1000 + len(ask), wire.ACK, part),
                   wire.tcp(client, 1024, server, 80, 1000 + len(ask), 5000 + at + len(part), wire.ACK)]
    with tap.folder() as d, wire.Wire() as w:
        with open(os.path.join(d, "config.yaml"), "w") as f:
            f.write(CONFIG % "yes" + "      write-fileinfo: yes\n")
        wire.write(os.path.join(d, "c.pcap"), frames)
        s = wire.Sensor(w, tap.DEWLINE, d, "-c", os.path.join(d, "config.yaml"), "--disable-detection")
        try:
            s.seen(w.send(os.path.join(d, "c.pcap")))
            said = wire.until("a file", lambda: (lambda f: f if f["stored"] else None)(s.status()["file_store"]))
            assert said == {"stored": 1, "lost": 0, "errors": 0}, said
            assert "1 stored" in dewline("status", "-l", d).expect(0).out
            s.end()
        finally:
            s.kill()
        digest = hashlib.sha256(body).hexdigest()
        files = [os.path.join(a, n) for a, _, names in os.walk(os.path.join(d, "store")) for n in names]
        assert sorted(os.path.basename(f).split(".")[0] for f in files) == [digest] * 2, files
        with open(min(files, key=len), "rb") as f:
            assert f.read() == body


tap.main(globals())
