"""Hostile rules: refused or bounded, with a message that says what and where, in bounded time and memory."""
import json
import os
import resource
import time

import tap
from tap import dewline

CAPTURE = os.path.join(tap.SOURCE, "tests", "golden", "http-alert", "capture.pcap")


def rule(body, sid=1, head="alert tcp any any -> any any"):
    return f'{head} (msg:"x"; {body} sid:{sid};)\n'


def check(text, loaded, says=None, seconds=30):
    """Loads the rules and runs the capture over them; a good rule behind them still has to load."""
    with tap.folder() as d:
        path = os.path.join(d, "r.rules")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + rule('content:"GET";', 999999999))
        begin = time.monotonic()
        r = dewline("rules", "check", "--json", path)
        j = json.loads(r.out)
        assert j["loaded"] == loaded + 1, (r.err[:500], r.out[:500])
        if says:
            assert says in r.err + r.out, (says, r.err[:500], r.out[:500])
        dewline("sensor", "-l", d, "-r", CAPTURE, "-S", path).expect(0)
        assert any(e["event_type"] == "alert" and e["alert"]["signature_id"] == 999999999 for e in tap.eve(d))
        took = time.monotonic() - begin
        assert took < seconds, took


def test_a_rule_of_ten_megabytes_is_refused():
    check(rule('content:"' + "a" * 10_000_000 + '";'), 0, "at most 65536 bytes")


def test_a_million_contents_in_one_rule_are_refused():
    check(rule('content:"a";' * 1_000_000), 0, "at most 65536 bytes")
    check(rule('content:"a";' * 5000), 0, "more than 128 steps")


def test_a_million_contents_over_a_thousand_rules_are_refused_one_by_one():
    check("".join(rule("".join(f'content:"{i * 1000 + k:x}";' for k in range(1000)), i + 1) for i in range(1000)), 0,
          "more than 128 steps")


def test_a_million_contents_in_rules_that_are_small_enough_load():
    check("".join(rule("".join(f'content:"{i * 100 + k:07x}";' for k in range(100)), i + 1) for i in range(10_000)),
          10_000, seconds=120)


def test_a_rule_that_goes_on_in_line_after_line_is_refused():
    check("alert tcp any any -> any any (\\\n" * 300_000 + "\n", 0, "at most 65536 bytes")


def test_expressions_that_are_too_large_or_too_deep_are_refused():
    check(rule('pcre:"/((((a{1,1000}){1,1000}){1,1000}){1,1000})/";'), 0, "too large")
    check(rule('pcre:"/' + "(" * 10_000 + "a" + ")" * 10_000 + '/";'), 0, "too deeply nested")


def test_expressions_with_nested_quantifiers_load_and_are_bounded():
    check("".join(rule(f'pcre:"/(.*)*(.*)*(.*)*x{i}/s";', i + 1) for i in range(200)), 200)
    check("".join(rule(f'pcre:"/^(([a-zA-Z0-9 ]+)*)*{i}$/s";', i + 1) for i in range(200)), 200)


def test_lists_in_lists_are_refused_and_long_lists_load():
    check(rule('content:"a";', 1, "alert tcp " + "[" * 5000 + "192.0.2.1" + "]" * 5000 + " any -> any any"), 0,
          "at most 32 lists")
    nets = ",".join(f"10.{i // 256}.{i % 256}.0/25" for i in range(4000))
    check("".join(rule('content:"GET";', k + 1, f"alert tcp [{nets},192.0.2.{k}] any -> any any") for k in range(50)), 50)


def test_many_variables_and_bits_take_linear_time():
    check("".join(rule(f"flowbits:set,a{i}; flowbits:noalert;", i + 1) for i in range(50_000)), 50_000)
    check("".join(rule(f"flowint:a{i},+,1; noalert;", i + 1) for i in range(20_000)), 20_000)


def test_contents_that_may_stand_in_many_places_are_given_up():
    check("".join(rule('content:"e";' + 'content:"e"; distance:0;' * 40 + 'content:!"e"; distance:0;', i + 1)
                  for i in range(100)), 100)


def test_transforms_without_end_are_refused():
    check(rule("http.uri;" + "to_md5;" * 2000 + 'content:"a";'), 0, "more than 8 transforms")


def test_memory_for_a_rule_file_is_a_small_multiple_of_it():
    with tap.folder() as d:
        path = os.path.join(d, "r.rules")
        with open(path, "w", encoding="utf-8") as f:
            f.write(rule('content:"' + "a" * 10_000_000 + '";'))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        dewline("rules", "check", path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert after <= max(before, 400 << 10), (before, after)


tap.main(globals())
