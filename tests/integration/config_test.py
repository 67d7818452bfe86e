"""suricata.yaml and the command line as Suricata takes them, on a capture made here."""
import os
import struct

import tap
from tap import dewline

HEAD = "%YAML 1.1\n---\n"
EVE = "outputs:\n  - eve-log:\n      enabled: yes\n      types:\n        - alert\n"
ALERT = 'alert udp any any -> any any (msg:"m"; content:"x"; sid:1;)\n'


def udp(src, dst, payload):
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes(src), bytes(dst))
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", ~total & 0xFFFF) + ip[12:]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + struct.pack(">HHHH", 1000, 2000, 8 + len(payload), 0) + payload


def write(d, name, text):
    path = os.path.join(d, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def capture(d, sources):
    """One datagram "x" from each of the sources, a second apart."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for i, src in enumerate(sources):
        frame = udp(src, [10, 0, 0, 9], b"x")
        data += struct.pack("<IIII", 1000 + i, 0, len(frame), len(frame)) + frame
    return write(d, "c.pcap", data)


def alerts(d, *args):
    out = os.path.join(d, f"out{len(os.listdir(d))}")
    dewline("sensor", "-l", out, *args).expect(0)
    return [e["alert"]["signature_id"] for e in tap.eve(out) if e["event_type"] == "alert"]


def test_switches_join_and_names_take_an_equals_sign():
    with tap.folder() as d:
        rules = write(d, "r.rules", ALERT)
        dewline("sensor", "-vT", f"-S{rules}", "--runmode=single", "--set=stream.midstream=true").expect(0)


def test_a_configuration_that_cannot_be_read_is_exit_1_with_its_place():
    with tap.folder() as d:
        c = capture(d, [[10, 0, 0, 1]])
        for text, says in [("a: b\n", "s.yaml:1:1"), (HEAD + "a: [1\n", "s.yaml:"), (HEAD + "include: none\n", "s.yaml:3"),
                           (HEAD + "a: &x 1\nb: *x\n", "s.yaml:4:4"), (HEAD + "x: " + "[" * 100000, "nested too deep")]:
            r = dewline("sensor", "-c", write(d, "s.yaml", text), "-r", c, "-l", d).expect(1)
            assert says in r.err, r
        r = dewline("sensor", "-c", os.path.join(d, "absent.yaml"), "-r", c, "-l", d).expect(1)
        assert "absent.yaml" in r.err, r


def test_a_bad_rule_ends_the_run_only_if_that_was_asked_for():
    with tap.folder() as d:
        rules = write(d, "r.rules", ALERT + "alert nonsense\n")
        c = capture(d, [[10, 0, 0, 1]])
        assert alerts(d, "-r", c, "-S", rules) == [1]
        out = os.path.join(d, "fatal")
        dewline("sensor", "-r", c, "-S", rules, "-l", out, "--init-errors-fatal").expect(1)
        assert tap.eve(out) == []


def test_a_capture_that_breaks_off_is_inspected_up_to_there_and_done():
    with tap.folder() as d:
        rules = write(d, "r.rules", ALERT)
        with open(capture(d, [[10, 0, 0, 1], [10, 0, 0, 2]]), "rb") as f:
            cut = write(d, "cut.pcap", f.read()[:-3])
        assert alerts(d, "-r", cut, "-S", rules) == [1]
        r = dewline("sensor", "-r", cut, "-S", rules, "-l", d).expect(0)
        assert "cut.pcap breaks off" in r.err, r
        dewline("sensor", "-r", rules, "-l", d).expect(2)


def test_variables_rule_files_and_includes_come_from_the_configuration():
    with tap.folder() as d:
        c = capture(d, [[10, 0, 0, 1], [192, 0, 2, 1]])
        write(d, "one.rules", ALERT.replace("udp any", "udp $MINE").replace("sid:1", "sid:11"))
        write(d, "two.rules", ALERT.replace("udp any", "udp !$MINE").replace("sid:1", "sid:12"))
        write(d, "vars.yaml", HEAD + "vars:\n  address-groups:\n    MINE: $OTHER\n    OTHER: 192.0.2.0/24\n")
        s = write(d, "s.yaml", HEAD + f"include: vars.yaml\ndefault-rule-path: {d}\nrule-files: ['*.rules', none.rules]\n" + EVE)
        assert alerts(d, "-c", s, "-r", c) == [12, 11]
        assert alerts(d, "-c", s, "-r", c, "--set", "vars.address-groups.OTHER=10.0.0.0/8") == [11, 12]
        r = dewline("sensor", "-T", "-c", s).expect(1)
        assert "none.rules" in r.out + r.err, r


def test_with_v_what_is_not_used_is_named():
    with tap.folder() as d:
        s = write(d, "s.yaml", HEAD + EVE + "stream:\n  midstream: perhaps\nno-such-key:\n  a: 1\n")
        r = dewline("sensor", "-v", "-c", s, "-r", capture(d, [[10, 0, 0, 1]]), "-l", d).expect(0)
        assert "s.yaml:10: no-such-key: not used" in r.err and "s.yaml:9:3: stream.midstream: expected yes or no" in r.err, r
        assert "outputs: not used" not in r.err, r


def test_thresholds_suppress_and_limit():
    with tap.folder() as d:
        rules = write(d, "r.rules", ALERT)
        c = capture(d, [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 1], [10, 0, 0, 1]])
        for text, n in [("suppress gen_id 1, sig_id 1", 0), ("suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.1", 1),
                        ("suppress gen_id 1, sig_id 2", 4), ("suppress gen_id 0, sig_id 0, track by_either, ip [10.0.0.9]", 0),
                        ("threshold gen_id 1, sig_id 1, type limit, track by_src, count 1, seconds 60", 2),
                        ("event_filter gen_id 1, sig_id 1, type threshold, track by_rule, count 2, seconds 60", 2),
                        ("rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 60, new_action pass, timeout 9", 2)]:
            t = write(d, "t.config", text + "\n")
            got = alerts(d, "-r", c, "-S", rules, "--set", f"threshold-file={t}", "--init-errors-fatal")
            assert got == [1] * n, (text, got)


def test_a_tag_makes_events_of_the_packets_that_follow():
    with tap.folder() as d:
        s = write(d, "s.yaml", HEAD + EVE.replace("alert", "alert:\n            tagged-packets: yes"))
        c = capture(d, [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 1], [10, 0, 0, 1], [10, 0, 0, 1]])
        rule = ALERT.replace("any any ->", "10.0.0.1 any ->")
        for tag, n in [("host,100,packets,src", 3), ("host,3,packets,src", 2),
                                  ("host,100,packets,dst", 4), ("session", 3),
                                  ("host,2,seconds,src", 1), ("session,87,bytes", 1)]:
            text = rule.replace("sid:1", f"flowbits:isnotset,once; flowbits:set,once; tag:{tag}; sid:1")
            out = os.path.join(d, tag)
            dewline("sensor", "-c", s, "-r", c, "-S", write(d, "r.rules", text), "-l", out, "--init-errors-fatal").expect(0)
            got = [e for e in tap.eve(out) if e["event_type"] == "packet"]
            assert len(got) == n and all("packet" in e for e in got), (tag, len(got), n)
        for bad in ["host,0", "net", "session,5,packets,src", "host,5,things", "host,5,packets,up"]:
            dewline("sensor", "-T", "-S", write(d, "bad.rules", rule.replace("sid:1", f"tag:{bad}; sid:1"))).expect(1)


def test_rules_are_asked_in_the_order_of_actions():
    with tap.folder() as d:
        rules = write(d, "r.rules", ALERT + ALERT.replace("alert", "pass").replace("sid:1", "sid:2"))
        c = capture(d, [[10, 0, 0, 1]])
        s = write(d, "s.yaml", HEAD + EVE + "action-order: [alert, drop, pass, reject]\n")
        assert alerts(d, "-r", c, "-S", rules) == []
        assert alerts(d, "-c", s, "-r", c, "-S", rules) == [1]


def test_reputation_lists_answer_by_address_before_network():
    with tap.folder() as d:
        write(d, "cat.txt", "1,bad,Known for it\n2,good,Not\n")
        write(d, "rep.list", "# comment\n10.0.0.0/8,1,10\n10.0.0.1,1,90\nnonsense\n192.0.2.1,2,50\n")
        s = write(d, "s.yaml", HEAD + EVE + f"reputation-categories-file: {d}/cat.txt\ndefault-reputation-path: {d}\n"
                  "reputation-files:\n  - rep.list\n")
        c = capture(d, [[10, 0, 0, 1], [10, 0, 0, 2], [192, 0, 2, 1]])
        rule = 'alert udp any any -> any any (content:"x"; iprep:%s; sid:%d;)\n'
        asked = ["src,bad,>,50", "src,bad,=,10", "src,bad,isnotset", "src,good,isset", "any,good,>=,50", "both,bad,isset"]
        rules = write(d, "r.rules", "".join(rule % (a, i + 1) for i, a in enumerate(asked)))
        got = alerts(d, "-c", s, "-r", c, "-S", rules, "--init-errors-fatal")
        assert sorted(got) == [1, 2, 3, 4, 5, 6, 6], got
        for bad in ["src,ugly,>,5", "up,bad,>,5", "src,bad,>,128", "src,bad,~,1", "src,bad"]:
            dewline("sensor", "-T", "-c", s, "-S", write(d, "bad.rules", rule % (bad, 1))).expect(1)


def test_a_configuration_without_outputs_inspects_and_says_nothing():
    with tap.folder() as d:
        s = write(d, "s.yaml", HEAD + "stats:\n  enabled: yes\n")
        rules = write(d, "r.rules", ALERT)
        dewline("sensor", "-c", s, "-r", capture(d, [[10, 0, 0, 1]]), "-S", rules, "-l", d).expect(0)
        assert os.path.getsize(os.path.join(d, "eve.json")) == 0


tap.main(globals())
