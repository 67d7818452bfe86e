#!/usr/bin/env python3
"""A log that lies to one monitor is known to all of them: convictions go from peer to peer, each checks for itself, and made-up ones come to nothing."""
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import tap
import weblog
from tap import dewline

work = tempfile.TemporaryDirectory(prefix="dewline-monitors-")


def path(*names):
    return os.path.join(work.name, *names)


def party(name, cosigner=False):
    return weblog.Party(work.name, name, cosigner)


class Liar:
    """A log, the other history that its owner signed, and a monitor that was shown both."""

    def __init__(self, name):
        self.log, self.honest, self.forked, self.state = party("log.test/" + name), path(name), path(name + "-fork"), path(name + "-caught")
        weblog.append(self.log, self.honest, [f"entry {i}" for i in range(300)]).expect(0)
        shutil.copytree(self.honest, self.forked)
        weblog.append(self.log, self.honest, ["next", "and next"]).expect(0)
        weblog.append(self.log, self.forked, ["next", "something else", "and more"]).expect(0)
        self.follow(self.state, self.honest).expect(0)

    def catch(self):
        r = self.follow(self.state, self.forked).expect(1)
        assert "ALARM: the log has signed two histories" in r.err, r
        return self

    def follow(self, state, place, *more):
        return dewline("log", "follow", "--key", self.log.vkey, "--state", state, "--once", *more, place)


def lines(file):
    if not os.path.exists(file):
        return []
    with open(file, encoding="utf-8") as f:
        return [json.loads(x) for x in f]


def metrics(file):
    """{name: {labels: value}} and the file must be what Prometheus reads: each family once, with HELP and TYPE."""
    out, families = {}, []
    with open(file, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("# HELP "):
                families.append(line.split(" ")[2])
            elif not line.startswith("#"):
                name, rest = line.split("{", 1)
                labels, value = rest.rsplit("} ", 1)
                assert name == families[-1], line
                out.setdefault(name, {})[labels] = int(value)
    assert len(families) == len(set(families)), families
    return out


def one(numbers, name):
    return next(iter(numbers[name].values()))


def test_what_one_monitor_found_reaches_all_and_each_raises_its_alarm_once():
    liar = Liar("chain").catch()
    states = [liar.state] + [path("chain-" + n) for n in "bcd"]
    servers = [weblog.Server("serve", liar.state)]
    try:
        for before, state in zip(servers, states[1:]):  # each knows the one before it only
            eve, prom = state + ".eve", state + ".prom"
            more = ("--peer", before.url, "--eve", eve, "--metrics", prom)
            r = liar.follow(state, liar.honest, *more).expect(1)
            assert f"ALARM: against {before.url}: the log has signed two histories, of 302 and of 303 leaves; the proof is {state}/conviction" in r.err, r
            assert r.err.count("ALARM") == 1, r
            with open(os.path.join(state, "conviction"), "rb") as a, open(os.path.join(liar.state, "conviction"), "rb") as b:
                assert a.read() == b.read()
            dewline("log", "convict", "--key", liar.log.vkey, os.path.join(state, "conviction")).expect(0)
            said = lines(eve)
            assert len(said) == 1 and said[0]["event_type"] == "alarm", said
            assert said[0]["alarm"]["kind"] == "split" and said[0]["alarm"]["peer"] == before.url and said[0]["alarm"]["log"] == liar.log.name, said
            assert said[0]["alarm"]["proof"] == state + "/conviction"
            numbers = metrics(prom)
            assert one(numbers, "dewline_log_convicted") == one(numbers, "dewline_log_alarms_total") == 1 and one(numbers, "dewline_log_leaves") == 302, numbers
            # again: it stays caught, and is not news
            r = liar.follow(state, liar.honest, *more).expect(1)
            assert "ALARM" not in r.err and "it was caught before this began" in r.err and len(lines(eve)) == 1, r
            assert one(metrics(prom), "dewline_log_convicted") == 1 and one(metrics(prom), "dewline_log_alarms_total") == 0
            r = dewline("log", "status", state).expect(1)
            assert r.out == f"{liar.log.name}: 302 leaves checked\nit has signed two histories: the proof is {state}/conviction\n", r
            said = json.loads(dewline("log", "status", "--json", state).expect(1).out)
            assert said == {"convicted": True, "conviction": state + "/conviction", "log": liar.log.name, "size": 302}, said
            servers.append(weblog.Server("serve", state))
    finally:
        for s in servers:
            s.end()


def test_a_monitor_that_runs_hears_of_it_when_it_happens():
    liar = Liar("running")
    state, eve = path("running-b"), path("running-b.eve")
    with weblog.Server("serve", liar.state) as s:
        p = subprocess.Popen([tap.DEWLINE, "log", "follow", "--key", liar.log.vkey, "--state", state, "--interval", "1", "--json", "--peer", s.url,
                              "--eve", eve, liar.honest], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def until(word):
            while (said := json.loads(p.stdout.readline())).get("found") != word:
                assert said["found"] in ("same", "grew", "split"), said
            return said

        until("grew")
        until("same")
        assert lines(eve) == []
        liar.catch()
        said = until("split")
        assert said["peer"] == s.url and said["conviction"] == state + "/conviction", said
        for _ in range(2):  # looks go on
            until("split")
        p.send_signal(signal.SIGTERM)
        assert p.wait(60) == 1
        p.communicate()
    assert [x["alarm"]["kind"] for x in lines(eve)] == ["split"]


def test_an_untrue_conviction_is_refused_and_its_bringer_is_named():
    liar, honest = Liar("other").catch(), party("log.test/honest")
    d, states = path("honest"), {}
    weblog.append(honest, d, [f"entry {i}" for i in range(10)]).expect(0)
    with open(os.path.join(liar.state, "conviction"), "rb") as f:
        true = f.read()
    with open(os.path.join(d, "checkpoint"), "rb") as f:
        checkpoint = f.read()
    lies = {
        "another log": true,
        "made of one checkpoint": b"dewline-conviction 1\nlog " + honest.vkey.encode() + b"\n\n" + checkpoint + b"\n" + checkpoint,
        "a bit changed": true.replace(b"\n302\n", b"\n303\n", 1),
        "no conviction": b"dewline-conviction 1\n",
    }
    for name, text in lies.items():
        bringer = path("bringer-" + name.replace(" ", "-"))
        dewline("log", "follow", "--key", honest.vkey, "--state", bringer, "--once", d).expect(0)
        with open(os.path.join(bringer, "conviction"), "wb") as f:
            f.write(text)
        states[name] = bringer
    for name, bringer in states.items():
        state, eve, prom = bringer + "-hears", bringer + ".eve", bringer + ".prom"
        with weblog.Server("serve", bringer) as s:
            r = dewline("log", "follow", "--key", honest.vkey, "--state", state, "--once", "--peer", s.url, "--eve", eve, "--metrics", prom, d)
        assert not os.path.exists(os.path.join(state, "conviction")), name
        r.expect(0)
        assert f"REFUSED: {s.url} brings a conviction that does not hold: " in r.err and "ALARM" not in r.err, r
        said = lines(eve)
        assert len(said) == 1 and said[0]["alarm"]["kind"] == "untrue-conviction" and said[0]["alarm"]["peer"] == s.url, said
        numbers = metrics(prom)
        assert one(numbers, "dewline_log_convicted") == 0, numbers
        assert numbers["dewline_log_convictions_refused_total"] == {f'log="{honest.name}",peer="{s.url}"': 1}, numbers
        assert dewline("log", "status", state).expect(0).out == f"{honest.name}: 10 leaves checked, nothing against it\n"
    # a file is a bringer, too
    lie = path("lie")
    with open(lie, "wb") as f:
        f.write(lies["another log"])
    r = dewline("log", "follow", "--key", honest.vkey, "--state", path("hears-a-file"), "--once", "--json", "--peer", lie, d).expect(0)
    said = [json.loads(x) for x in r.out.splitlines()]
    assert [x["found"] for x in said] == ["grew", "untrue-conviction"] and said[1]["peer"] == lie, said


def test_a_peer_that_floods_or_talks_nonsense_is_named_and_survived():
    honest, d = party("log.test/flooded"), path("flooded")
    weblog.append(honest, d, ["one"]).expect(0)

    class Flood(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            try:
                self.wfile.write(b"dewline-conviction 1\n" + b"x" * (64 << 20) if "conviction" in self.path else b"\xff\0 nonsense")
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flood)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url, state = f"http://127.0.0.1:{server.server_address[1]}", path("flooded-state")
    r = dewline("log", "follow", "--key", honest.vkey, "--state", state, "--once", "--peer", url, d).expect(0)
    server.shutdown()
    assert f"REFUSED: {url} brings a conviction that does not hold" in r.err and f"{url}: " in r.err.split("REFUSED")[1], r
    assert not os.path.exists(os.path.join(state, "conviction"))


def test_a_witness_that_caught_the_log_is_heard():
    log, w, d = party("log.test/witnessed"), party("witness.test/heard", True), path("witnessed")
    weblog.append(log, d, ["one"]).expect(0)
    shutil.copytree(d, path("witnessed-fork"))
    with weblog.witness(path("heard-state"), w, log) as sw:
        pol = weblog.policy(path("heard.policy"), log, [(w, sw.url)], 1)
        weblog.append(log, d, ["two"], "--policy", pol).expect(0)
        weblog.append(log, path("witnessed-fork"), ["another two"], "--policy", pol).expect(1)
        state = path("heard-monitor")
        r = dewline("log", "follow", "--key", log.vkey, "--state", state, "--once", "--peer", sw.url, d).expect(1)
        assert r.err.count("ALARM") == 1 and sw.url in r.err, r
        dewline("log", "convict", "--key", log.vkey, os.path.join(state, "conviction")).expect(0)


def test_a_silent_log_does_not_keep_its_peers_from_being_heard():
    liar = Liar("silent").catch()
    state = path("silent-b")
    liar.follow(state, liar.honest).expect(0)
    with weblog.Server("serve", liar.state) as s:
        r = dewline("log", "follow", "--key", liar.log.vkey, "--state", state, "--once", "--peer", s.url, "http://127.0.0.1:1").expect(1)
        assert "ALARM: against " + s.url in r.err, r


def test_what_a_monitor_serves_is_its_view_and_no_more():
    liar = Liar("view")
    name = hashlib.sha256(liar.log.name.encode()).hexdigest()
    with weblog.Server("serve", liar.state) as s:
        number, head, body = s.ask(f"/{name}/checkpoint")
        with open(os.path.join(liar.state, "checkpoint"), "rb") as f:
            assert number == 200 and body == f.read() and head["Cache-Control"] == "no-store", head
        assert s.ask(f"/{name}/conviction")[0] == 404
        for bad in ("/", "/checkpoint", "/conviction", f"/{name}", f"/{name}/", f"/{name}/lock", f"/{name}/../checkpoint", f"/{'0' * 64}/checkpoint"):
            assert s.ask(bad)[0] == 404, bad
        assert s.ask(f"/{name}/checkpoint", "POST", b"x")[0] in (405, 413)
        liar.catch()
        number, _, body = s.ask(f"/{name}/conviction")
        assert number == 200 and body.startswith(b"dewline-conviction 1\n")
    # nothing was checked yet: nothing is shown
    empty = path("view-empty")
    dewline("log", "follow", "--key", liar.log.vkey, "--state", empty, "--once", "http://127.0.0.1:1").expect(2)
    with weblog.Server("serve", empty) as s:
        assert s.ask(f"/{name}/checkpoint")[0] == 404
    assert dewline("log", "status", empty).expect(0).out == "nothing was checked yet\n"
    assert "No such file" in dewline("log", "status", path("nowhere")).expect(2).err


if __name__ == "__main__":
    tap.main(globals())
