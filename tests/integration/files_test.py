"""Files that rules want are on disk under their SHA-256, once, and nothing else is."""
import hashlib
import json
import os

import tap
from tap import dewline

GOLDEN = os.path.join(os.environ["DEW_SOURCE_ROOT"], "tests", "golden")
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


tap.main(globals())
