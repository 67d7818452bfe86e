#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the golden cases of tests/golden (its README.md says what they are). TAP on standard output.

  tools/golden.py DEWLINE [CASE...]            compares; exit 1 if any case differs
  tools/golden.py --update DEWLINE [CASE...]   rewrites the expectations; read the diff like code
"""
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
SECONDS = 60


class Wrong(Exception):
    pass


def read(path, default=None):
    if default is not None and not os.path.exists(path):
        return default
    with open(path, encoding="utf-8") as f:
        return f.read()


def records(dewline, case):
    """What the sensor writes about the case's capture: lines of JSON, made stable."""
    folder = os.path.join(GOLDEN, case)
    with tempfile.TemporaryDirectory(prefix="dewline-golden-") as out:
        run = subprocess.run([dewline, "sensor", "-r", os.path.join(folder, "capture.pcap"), "-S", os.path.join(folder, "case.rules"),
                              "-l", out, *read(os.path.join(folder, "options"), "").split()],
                             capture_output=True, text=True, timeout=SECONDS)
        if run.returncode != 0:
            raise Wrong(f"exit {run.returncode}: {run.stderr.strip()}")
        lines = read(os.path.join(out, "eve.json")).splitlines()
    return stable(json.loads(line) for line in lines)


def stable(events):
    """Without what differs between runs: flow numbers count up from 1, records about the run itself are left out."""
    flows, lines = {}, []
    for event in events:
        if event.get("event_type") in ("input", "stats"):
            continue
        if "flow_id" in event:
            event["flow_id"] = flows.setdefault(event["flow_id"], len(flows) + 1)
        if "parent_id" in event:
            event["parent_id"] = flows.setdefault(event["parent_id"], len(flows) + 1)
        lines.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
    return lines


def rules_kept(case, lines):
    """Every rule but the NEARLY ones must have fired, and of those none."""
    text = read(os.path.join(GOLDEN, case, "case.rules"))
    rules = {int(sid): msg for msg, sid in re.findall(r'^\w.*?msg:"([^"]*)".*?\bsid:(\d+);', text, re.M)}
    fired = {e["alert"]["signature_id"] for e in map(json.loads, lines) if e["event_type"] == "alert"}
    for sid, msg in rules.items():
        if (sid in fired) == msg.startswith("NEARLY"):
            raise Wrong(f"rule {sid} ({msg}) {'fired' if sid in fired else 'did not fire'}")
    if not rules or fired - set(rules):
        raise Wrong(f"alerts of unknown rules: {sorted(fired - set(rules))} (case.rules names {len(rules)})")


def check(dewline, case, update):
    path = os.path.join(GOLDEN, case, "expect.jsonl")
    lines = records(dewline, case)
    if update:
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)
    want = read(path, "").splitlines()
    difference = list(difflib.unified_diff(want, lines, "expect.jsonl", "eve.json", lineterm="", n=1))
    if difference:
        raise Wrong("\n".join(difference))
    rules_kept(case, lines)


def main(args):
    update = "--update" in args
    args = [a for a in args if a != "--update"]
    there = sorted(d for d in os.listdir(GOLDEN) if os.path.exists(os.path.join(GOLDEN, d, "case.rules")))
    unknown = [c for c in args[1:] if c not in there]
    if not args or args[0].startswith("-") or unknown:
        sys.exit(__doc__ + (f"\nno such case: {', '.join(unknown)}" if unknown else ""))
    cases, failed = args[1:] or there, 0
    print(f"1..{len(cases)}")
    for n, case in enumerate(cases, 1):
        try:
            check(os.path.abspath(args[0]), case, update)
            print(f"ok {n} - {case}", flush=True)
        except (Wrong, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"not ok {n} - {case}")
            print("\n".join("# " + line for line in str(e).splitlines()), flush=True)
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
