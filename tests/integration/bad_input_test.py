"""Bad input gets a clear error that says where; nothing crashes, nothing half-written is taken for whole."""
import os
import struct
import subprocess

import tap
from tap import dewline

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
FRAME = bytes.fromhex("020000000001020000000002080045000028000100004006000a0a0000010a000002" "1234005000000001000000005002ffff00000000")


def packet(data, at, wire=None):
    return struct.pack("<IIII", at, 0, len(data), len(data) if wire is None else wire) + data


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def watch(capture, data, *more):
    return dewline("watch", "-r", capture, "--data", data, "--no-system-tables", *more)


def verified(data):
    bundle = tap.only_file(os.path.join(data, "bundles"))
    return dewline("verify", bundle)


def test_what_is_no_capture_is_refused_with_its_name():
    with tap.folder() as d:
        for name, data in [("empty.pcap", b""), ("text.pcap", b"these are not the packets you look for\n"),
                           ("short.pcap", HEADER[:10])]:
            r = watch(write(os.path.join(d, name), data), os.path.join(d, "data"))
            r.expect(2)
            assert name in r.err, r


def test_a_capture_cut_short_is_judged_up_to_the_cut():
    with tap.folder() as d:
        whole = HEADER + packet(FRAME, 1000) + packet(FRAME, 1001)
        r = watch(write(os.path.join(d, "cut.pcap"), whole[:-5]), os.path.join(d, "data"))
        r.expect(2)
        assert "cut.pcap breaks off" in r.err and "1 packets" in r.err, r
        verified(os.path.join(d, "data")).expect(0)


def test_a_packet_without_bytes_and_one_that_lies_about_its_length():
    with tap.folder() as d:
        data = HEADER + packet(b"", 1000, wire=60) + packet(FRAME, 1001, wire=1) + packet(FRAME, 1002)
        watch(write(os.path.join(d, "zero.pcap"), data), os.path.join(d, "data")).expect(0)
        verified(os.path.join(d, "data")).expect(0)


def test_a_capture_that_jumps_in_time():
    with tap.folder() as d:
        times = [1_700_000_000, 5, 4_000_000_000, 1_700_000_001, 0]
        data = HEADER + b"".join(packet(FRAME, t) for t in times)
        watch(write(os.path.join(d, "jump.pcap"), data), os.path.join(d, "data")).expect(0)
        verified(os.path.join(d, "data")).expect(0)


def test_a_bad_rule_is_named_and_the_others_load():
    with tap.folder() as d:
        rules = os.path.join(d, "my.rules")
        write(rules, b'alert tcp any any -> any any (msg:"good"; content:"x"; sid:1; rev:1;)\n'
                     b'alert tcp any any -> any any (msg:"no end; content:"x"; sid:2; rev:1;\n'
                     b'alert tcp any any -> any any (msg:"odd"; no_such_keyword:1; sid:3; rev:1;)\n')
        r = dewline("sensor", "-T", "-S", rules).expect(1)
        assert "my.rules:2:" in r.out and "my.rules:3:" in r.out and "no_such_keyword (1)" in r.out, r
        assert "1 rules loaded, 2 not" in r.out, r
        r = dewline("rules", "check", "--json", rules).expect(1)
        assert '"loaded":1,"failed":2,"warnings":0,"unsupported":{"no_such_keyword":1}' in r.out, r
        write(os.path.join(d, "c.pcap"), HEADER + packet(FRAME, 1))
        r = watch(os.path.join(d, "c.pcap"), os.path.join(d, "data"), "-S", rules).expect(0)
        assert "my.rules:2:" in r.err, r


def test_good_rules_pass_the_test():
    with tap.folder() as d:
        rules = write(os.path.join(d, "my.rules"), b'alert tcp any any -> any any (msg:"good"; content:"x"; sid:1; rev:1;)\n')
        dewline("sensor", "-T", "-S", rules).expect(0)


def test_a_treaty_with_an_undefined_term_does_not_compile():
    with tap.folder() as d:
        with open(os.path.join(tap.SOURCE, "treaties", "cwlt.treaty"), encoding="utf-8") as f:
            text = f.read()
        assert "civilian_target" in text
        bad = write(os.path.join(d, "bad.treaty"), text.replace("\n  when ", "\n  when hostile_mood and ", 1).encode())
        r = dewline("treaty", "check", bad).expect(1)
        assert "hostile_mood" in r.out and "bad.treaty:" in r.out, r
        write(os.path.join(d, "c.pcap"), HEADER + packet(FRAME, 1))
        r = watch(os.path.join(d, "c.pcap"), os.path.join(d, "data"), "--treaty", bad).expect(2)
        assert "hostile_mood" in r.err, r
        assert not os.path.exists(os.path.join(d, "data", "bundles")) or not os.listdir(os.path.join(d, "data", "bundles"))


def test_a_data_folder_of_another_version_is_left_alone():
    with tap.folder() as d:
        data = os.path.join(d, "data")
        os.mkdir(data)
        write(os.path.join(data, "dewline-data"), b"dewline-data 99\n")
        write(os.path.join(d, "c.pcap"), HEADER + packet(FRAME, 1))
        r = watch(os.path.join(d, "c.pcap"), data).expect(2)
        assert "99" in r.err and os.listdir(data) == ["dewline-data"], r


def test_a_folder_that_is_not_ours_is_left_alone():
    with tap.folder() as d:
        data = os.path.join(d, "data")
        os.mkdir(data)
        write(os.path.join(data, "thesis.txt"), b"years of work\n")
        write(os.path.join(d, "c.pcap"), HEADER + packet(FRAME, 1))
        r = watch(os.path.join(d, "c.pcap"), data).expect(2)
        assert os.listdir(data) == ["thesis.txt"], r


def test_a_full_disk_leaves_what_was_acknowledged():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"],
                                           capture_output=True).returncode != 0:
        tap.skip("mounting a small disk needs root and mount namespaces")
    with tap.folder() as d:
        first = write(os.path.join(d, "a.pcap"), HEADER + packet(FRAME, 1))
        many = HEADER + b"".join(packet(FRAME[:34] + struct.pack(">H", i) + FRAME[36:], i) for i in range(6000))
        big = write(os.path.join(d, "b.pcap"), many)
        script = f"""
set -e
mount -t tmpfs -o size=2m none /mnt
'{tap.DEWLINE}' watch -q -r '{first}' --data /mnt/data --no-system-tables >/dev/null 2>&1
set +e
'{tap.DEWLINE}' watch -q -r '{big}' --data /mnt/data --no-system-tables >'{d}/out' 2>&1
echo "second run: $?"
'{tap.DEWLINE}' log check /mnt/data/log
echo "log check: $?"
'{tap.DEWLINE}' verify -q /mnt/data/bundles/*.bundle
echo "verify: $?"
ls /mnt/data/bundles | wc -l
"""
        r = tap.Run(["unshare", "-m", "sh", "-c", script])
        said = open(os.path.join(d, "out"), encoding="utf-8").read()
        assert "second run: 2" in r.out and "No space left" in said, (str(r), said)
        assert "log check: 0" in r.out and "verify: 0" in r.out and r.out.strip().endswith("1"), str(r)


tap.main(globals())
