#!/usr/bin/env python3
"""A bundle as a liar would change it: every class of its bytes in turn, the sums written anew, each lie named. And bombs."""
import base64
import hashlib
import json
import os
import resource
import subprocess

import tap
from tap import dewline

CASE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert")
work = tap.folder()
made = {}


def bundle():
    """A bundle of a run with a party and a treaty of its own, as parsed; made once."""
    if "bundle" not in made:
        d = work.name
        party, data = os.path.join(d, "us.party"), os.path.join(d, "data")
        with open(party, "w", encoding="utf-8") as f:
            f.write('party us "Us"\nterritory XA\nnetwork 10.0.0.0/8\n')
        dewline("watch", "-r", os.path.join(CASE, "capture.pcap"), "-S", os.path.join(CASE, "case.rules"), "--party", party, "--data", data,
                "--no-system-tables", "-q").expect(0)
        path = tap.only_file(os.path.join(data, "bundles"))
        with open(path, encoding="utf-8") as f:
            made["bundle"] = f.read()
        with open(os.path.join(data, "log.vkey"), encoding="utf-8") as f:
            made["vkey"] = f.read().strip()
        dewline("verify", "--key", made["vkey"], path).expect(0)
    return json.loads(made["bundle"])


def text_of(b):
    return json.dumps(b, separators=(",", ":"), ensure_ascii=False)


def verify(b, sums=True, key=True):
    """(exit code, names of the checks that failed with what they said)"""
    if sums:
        b["unchanged"] = {n: hashlib.sha256(text_of(b[n]).encode()).hexdigest() for n in b["unchanged"]}
    path = os.path.join(work.name, "changed")
    with open(path, "w", encoding="utf-8") as f:
        f.write(b if isinstance(b, str) else text_of(b))
    r = dewline("verify", "--json", *(["--key", made["vkey"]] if key else []), path)
    return r.code, [(c["name"], c["text"]) for c in json.loads(r.out)["checks"] if not c["ok"]]


def b64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def un64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def alert_of(b):
    """The fact that shows an alert."""
    return next(f for f in b["facts"] if any(b'"signature_id"' in b64(d) for d in f["disclosures"]))


def swap(text, at):
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1:]


def jwt_part(n, change):
    def lie(b):
        f = alert_of(b)
        parts = f["jwt"].split(".")
        parts[n] = un64(change(b64(parts[n])))
        f["jwt"] = ".".join(parts)
    return lie


def disclosed(n, value):
    """Member n of the disclosure of signature_id: salt, name or value."""
    def lie(b):
        f = alert_of(b)
        i = next(i for i, d in enumerate(f["disclosures"]) if b'"signature_id"' in b64(d))
        one = json.loads(b64(f["disclosures"][i]))
        one[n] = value
        f["disclosures"][i] = un64(json.dumps(one, separators=(",", ":")).encode())
    return lie


def checkpoint_line(n, change):
    def lie(b):
        lines = b["checkpoint"].split("\n")
        lines[n] = change(lines[n])
        b["checkpoint"] = "\n".join(lines)
    return lie


def set_leaf(b):
    b["facts"][-1]["leaf"] += 1


def drop_proof_hash(b):
    f = max(b["facts"], key=lambda f: len(f["proof"]))
    f["proof"].pop()


def flip_proof(b):
    f = max(b["facts"], key=lambda f: len(f["proof"]))
    f["proof"][0] = swap(f["proof"][0], 3)


def swap_jwts(b):
    x, y = b["facts"][0], b["facts"][-1]
    x["jwt"], y["jwt"], x["disclosures"], y["disclosures"] = y["jwt"], x["jwt"], y["disclosures"], x["disclosures"]


def same_disclosure_twice(b):
    f = alert_of(b)
    f["disclosures"].append(f["disclosures"][0])


def drop_alert(b):
    b["facts"].remove(alert_of(b))


def hide_a_field(b):
    f = alert_of(b)
    f["disclosures"] = [d for d in f["disclosures"] if b'"src_ip"' not in b64(d)]


def bulletin_word(b):
    b["bulletin"] = json.loads(json.dumps(b["bulletin"]).replace('"B1"', '"B2"', 1))


def drop_certificate(b):
    b["facts"] = [f for f in b["facts"] if not any(b'"station-key"' in b64(d) for d in f["disclosures"])]


def other_station_key(b):
    x = os.urandom(32)
    body = {"crv": "Ed25519", "kty": "OKP", "x": un64(x)}
    kid = un64(hashlib.sha256(json.dumps(body, separators=(",", ":")).encode()).digest())
    b["station_keys"]["keys"] = [{"crv": "Ed25519", "kid": kid, "kty": "OKP", "use": "sig", "x": un64(x)}]


def put(*path, value):
    def lie(b):
        for p in path[:-1]:
            b = b[p]
        b[path[-1]] = value(b[path[-1]]) if callable(value) else value
    return lie


LIES = [
    ("the bulletin", bulletin_word, "verdict"),
    ("a checkpoint's origin", checkpoint_line(0, lambda s: s + "x"), "checkpoint signature"),
    ("its size", checkpoint_line(1, lambda s: str(int(s) + 1)), "checkpoint signature"),
    ("its root", checkpoint_line(2, lambda s: swap(s, 5)), "checkpoint signature"),
    ("its signature", checkpoint_line(-2, lambda s: swap(s, len(s) - 20)), "checkpoint signature"),
    ("the log's key", put("log_key", value=lambda s: swap(s, len(s) - 9)), "log key"),
    ("a leaf's index", set_leaf, "leaf inclusion"),
    ("a proof's hash", flip_proof, "leaf inclusion"),
    ("a proof's length", drop_proof_hash, "leaf inclusion"),
    ("a JWT's header", jwt_part(0, lambda b: b.replace(b"EdDSA", b"none!")), "leaf inclusion"),
    ("a JWT's payload", jwt_part(1, lambda b: b.replace(b'"iss":"', b'"iss":"x', 1)), "leaf inclusion"),
    ("a JWT's signature", jwt_part(2, lambda b: bytes([b[0] ^ 1]) + b[1:]), "leaf inclusion"),
    ("two events exchanged", swap_jwts, "leaf inclusion"),
    ("a disclosure's salt", disclosed(0, "A" * 22), "event signatures and fields"),
    ("its name", disclosed(1, "rev"), "event signatures and fields"),
    ("its value", disclosed(2, 4242), "event signatures and fields"),
    ("a disclosure twice", same_disclosure_twice, "event signatures and fields"),
    ("an event left out", drop_alert, "verdict"),
    ("a field left out that the verdict rests on", hide_a_field, "verdict"),
    ("a party's text", put("parties", 0, "text", value=lambda s: s + "# mine\n"), "party files"),
    ("a party's name", put("parties", 0, "name", value="them.party"), "party files"),
    ("a treaty's text", put("treaties", 0, "text", value=lambda s: s + "\n"), "treaty files"),
    ("a treaty left out", lambda b: b["treaties"].pop(), "treaty files"),
    ("a station's key", other_station_key, "event signatures and fields"),
    ("no station's key", put("station_keys", "keys", value=[]), "event signatures and fields"),
    ("the word for a station's key left out", drop_certificate, "station certificates"),
    ("the format", put("format", value="dewline-bundle/2"), "form"),
]


def test_every_class_of_bytes_changed_by_a_liar_is_caught_and_named():
    for what, lie, check in LIES:
        b = bundle()
        lie(b)
        code, failed = verify(b)
        assert code == 1 and failed, f"{what}: not caught"
        names = [n for n, _ in failed]
        assert check in names, f"{what}: expected {check}, got {failed}"
        if check != "verdict": # computed only where the evidence holds
            assert names[0] == check, f"{what}: {failed}"
        assert dict(failed)[check], what


def test_without_new_sums_the_part_itself_is_named():
    for what, lie, _ in LIES[:-1]:
        b = bundle()
        lie(b)
        code, failed = verify(b, sums=False)
        assert code == 1 and failed[0][0] in ("file unchanged", "form"), f"{what}: {failed}"
        changed = [n for n in b["unchanged"] if text_of(b[n]) != text_of(bundle()[n])]
        if failed[0][0] == "file unchanged":
            assert [t.split('"')[1] for n, t in failed if n == "file unchanged"] == changed, f"{what}: {failed}"


def test_another_key_than_the_trusted_one_is_named():
    b = bundle()
    other = made["vkey"].replace(made["vkey"].split("+")[0], "log.test/other", 1)
    b["log_key"] = other
    code, failed = verify(b)
    assert code == 1 and failed[0][0] == "log key", failed


def limited(path, megabytes, seconds):
    """verify under a limit of address space; (code, output, seconds of processor)"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([tap.DEWLINE, "verify", path], capture_output=True, text=True, timeout=seconds * 20,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20,) * 2))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert took < seconds, f"{took} s of processor"
    return p.returncode, p.stdout + p.stderr


def test_a_bundle_of_a_gigabyte_is_refused_before_it_is_read():
    path = os.path.join(work.name, "huge")
    with open(path, "wb") as f:
        f.truncate(1 << 30)
    code, said = limited(path, 512, 2)
    assert code == 2 and "has more than 268435456 bytes" in said, said
    os.remove(path)


def bomb(member, value):
    """The bundle's text with that member's value replaced by other bytes."""
    whole = bundle()
    order = ["bulletin", "checkpoint", "facts", "format", "log_key", "parties", "station_keys", "treaties", "unchanged"]
    parts = [json.dumps(n) + ":" + (value if n == member else text_of(whole[n])) for n in order]
    path = os.path.join(work.name, "bomb")
    with open(path, "w", encoding="utf-8") as f:
        f.write("{" + ",".join(parts) + "}")
    return path


def test_nesting_and_repetition_cost_little_and_are_refused():
    fact = '{"disclosures":[],"jwt":"","leaf":%d,"proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}'
    n = 20 << 20
    bombs = [
        ("bulletin", '{"a":' + "[" * n + "]" * n + "}", "compact JSON object"),
        ("bulletin", '{"a":' * 100 + "0" + "}" * 100, "compact JSON object"),
        ("station_keys", '{"keys":' + "[" * n + "]" * n + "}", "compact JSON object"),
        ("bulletin", '{"a":[' + "0," * n + "0]}", None),
        ("facts", "[" + ",".join(fact % i for i in range(300000)) + "]", None),
        ("parties", "[" + ",".join('{"name":"%d","text":""}' % i for i in range(5000)) + "]", "no more files"),
        ("checkpoint", '"' + "\\n" * n + '"', None),
    ]
    for member, value, word in bombs:
        path = bomb(member, value)
        size = os.path.getsize(path)
        code, said = limited(path, 256 + 8 * (size >> 20), 20)
        assert code == 1 and (word is None or word in said), f"{member} of {size} bytes: {code} {said[-500:]}"


if __name__ == "__main__":
    try:
        tap.main(globals())
    finally:
        work.cleanup()
