"""dewline rules: what people ask about signature files, and how new ones take the place of old."""
import functools
import hashlib
import http.server
import json
import os
import threading

import tap
from tap import dewline

ONE = 'alert http any any -> any any (msg:"one"; http.uri; content:"/a|0d|b"; fast_pattern; content:"x"; distance:0; sid:1; rev:1;)\n'
TWO = 'alert tcp any any -> any 80 (msg:"two"; flags:S; threshold:type limit,track by_src,count 3,seconds 60; sid:2;)\n'
BAD = 'alert tcp any any -> any any (msg:"three"; no_such_keyword; sid:3;)\n'
LATER = 'alert tcp any any => any any (msg:"four"; requires: version >= 99; sid:4;)\n'


def write(d, name, text):
    path = os.path.join(d, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def test_list_names_every_rule_and_whether_it_loads():
    with tap.folder() as d:
        rules = write(d, "r.rules", ONE + TWO + BAD + LATER)
        out = [json.loads(line) for line in dewline("rules", "list", "--json", rules).expect(1).out.splitlines()]
        assert [(r["sid"], r["loaded"]) for r in out] == [(1, True), (2, True), (3, False)], out
        assert "- 1:3:0 alert tcp three" in dewline("rules", "list", rules).expect(1).out
        check = json.loads(dewline("rules", "check", "--json", rules).expect(1).out)
        assert (check["loaded"], check["failed"], check["skipped"]) == (2, 1, 1), check


def test_explain_says_what_a_rule_asks_and_why_one_does_not_load():
    with tap.folder() as d:
        rules = write(d, "r.rules", ONE + TWO + BAD)
        r = dewline("rules", "explain", "1", rules).expect(0)
        for text in ["transactions of http", "in http.uri:", 'content "/a|0d|b"', "distance 0", 'fast pattern "/a|0d|b" in http.uri']:
            assert text in r.out, (text, r)
        r = dewline("rules", "explain", "1:2", rules).expect(0)
        assert "wants flags" in r.out and "at most 3 alerts in 60 s, counted by source" in r.out and "no fast pattern" in r.out, r
        assert "does not load" in dewline("rules", "explain", "3", rules).expect(1).out
        assert "no rule 1:9" in dewline("rules", "explain", "9", rules).expect(1).err
        dewline("rules", "explain", "x", rules).expect(2)


def test_profile_says_the_same_twice():
    with tap.folder() as d:
        capture = os.path.join(tap.SOURCE, "tests", "golden", "http-alert", "capture.pcap")
        rules = write(d, "r.rules", TWO + 'alert tcp any any -> any any (msg:"any"; content:"GET"; sid:5;)\n')
        a = dewline("rules", "profile", "--json", "-r", capture, rules).expect(0).out
        rows = {r["sid"]: r for r in map(json.loads, a.splitlines())}
        assert rows[5]["matched"] >= 1 and rows[5]["steps"] >= rows[5]["looked"] >= 1, rows
        assert rows[2]["asked"] >= rows[2]["matched"] >= 1, rows
        assert a == dewline("rules", "profile", "--json", "-r", capture, rules).expect(0).out


def test_update_replaces_in_one_step_or_not_at_all():
    with tap.folder() as d:
        old, new = write(d, "my.rules", ONE + TWO), write(d, "new", ONE.replace("one", "1") + TWO + TWO.replace("sid:2", "sid:6"))
        r = dewline("rules", "update", new, "-o", old, "--dry-run").expect(0)
        assert "1 new rules, 1 changed, 0 gone" in r.err and read(old) == ONE + TWO, r
        dewline("rules", "update", new, "-o", old, "--sha256", "0" * 64).expect(1)
        assert read(old) == ONE + TWO
        hash_of = hashlib.sha256(read(new).encode()).hexdigest()
        r = dewline("rules", "update", new, "-o", old, "--sha256", hash_of).expect(0)
        assert hash_of in r.err and read(old) == read(new), r
        assert "the same already" in dewline("rules", "update", new, "-o", old).expect(0).err
        assert sorted(os.listdir(d)) == ["my.rules", "new"]


def test_update_keeps_the_old_rules_when_the_new_are_worse():
    with tap.folder() as d:
        old = write(d, "my.rules", ONE + TWO)
        for text in ["", "<html>not found</html>\n", ONE + TWO.replace("flags:S", "no_such_keyword")]:
            r = dewline("rules", "update", write(d, "new", text), "-o", old).expect(1)
            assert "is as it was" in r.err and read(old) == ONE + TWO, r
        dewline("rules", "update", os.path.join(d, "new"), "-o", old, "--force").expect(0)
        dewline("rules", "update", os.path.join(d, "absent"), "-o", old).expect(2)
        dewline("rules", "update", old).expect(2)


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


def test_update_takes_rules_from_a_web_server():
    with tap.folder() as d:
        write(d, "served.rules", ONE)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=d))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, out = f"http://127.0.0.1:{server.server_port}/", os.path.join(d, "my.rules")
        try:
            r = dewline("rules", "update", url + "absent", "-o", out).expect(1)
            assert "answered 404" in r.err and not os.path.exists(out), r
            r = dewline("rules", "update", url + "elsewhere", "-o", out).expect(2)
            assert not os.path.exists(out), r
            dewline("rules", "update", url + "served.rules", "-o", out).expect(0)
            assert read(out) == ONE
        finally:
            server.shutdown()


tap.main(globals())
