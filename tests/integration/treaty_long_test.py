"""The long one of tests/integration/treaty_test.py's second opinion."""
import tap
import treaty_asp


def test_clingo_agrees_on_ten_thousand_random_cases():
    treaty_asp.agree(10000)


tap.main(globals())
