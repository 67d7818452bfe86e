"""The command line as its user meets it."""
import tap
from tap import dewline

COMMANDS = ["watch", "sensor", "verify", "rules", "treaty", "log", "list"]


def test_help_names_every_command():
    r = dewline("--help").expect(0)
    for c in COMMANDS:
        assert f"\n  {c} " in r.out, c


def test_each_command_teaches_by_example():
    for c in COMMANDS:
        r = dewline(c, "--help").expect(0)
        assert r.out.startswith(f"usage: dewline {c} ") and "Examples:\n  " in r.out, r
        assert max(map(len, r.out.split("\n"))) <= 120, c


def test_mistakes_say_what_to_do():
    cases = [((), "usage:"), (("wach",), "--help lists them"), (("watch", "--treety", "x"), "no option --treety"),
             (("watch",), "-r FILE"), (("watch", "-r"), "wants a value"), (("verify",), "usage: dewline verify"),
             (("watch", "--json=1", "-r", "x"), "takes no value"), (("list", "stars"), "there are: protocols"),
             (("watch", "--data", "a", "--data", "b", "-r", "x"), "given twice"),
             (("sensor", "-T"), "-S FILE"), (("verify", "no-such-file"), "no-such-file")]
    for args, text in cases:
        r = dewline(*args).expect(2)
        assert text in r.err and r.out == "", r


def test_version_is_one_line():
    assert dewline("--version").expect(0).out.startswith("dewline 0.")


def test_lists_are_not_empty():
    for name, word in [("protocols", "http"), ("buffers", "http.uri"), ("detectors", "beacon"),
                       ("events", "decoder.ipv4."), ("treaties", "cwlt")]:
        assert word in dewline("list", name).expect(0).out, name


def test_a_closed_pipe_is_no_disaster():
    r = tap.Run(["sh", "-c", f"'{tap.DEWLINE}' list events | head -n 1"]).expect(0)
    assert r.out.count("\n") == 1 and "cannot" not in r.err, r


tap.main(globals())
