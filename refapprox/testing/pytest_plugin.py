"""pytest fixture `alpha`: one false-alarm rate for a whole suite, split over the tests that ask for it.

In the `conftest.py` at the root of a suite:

    pytest_plugins = ["refapprox.testing.pytest_plugin"]

and in its tests:

    def test_my_sampler(alpha):
        assert_agrees(law, my_samples(), alpha)

The suite then raises a false alarm at most once in 1 / total runs, however many tests it has: each gets the total
divided by the number of collected tests that use the fixture (parametrized ones count one by one). A test with several
assertions divides its share once more: `alpha / 3`. The total is 1e-6, or what the ini option `alpha_total` says.
"""
import pytest

from refapprox.error_stats.acceptance import check_alpha

SHARES = pytest.StashKey[int]()


def pytest_addoption(parser):
    parser.addini("alpha_total", "false-alarm rate of the whole suite, split over the tests that use alpha",
                  default="1e-6")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Counts who shares the rate, before tests are deselected in ways that differ between workers."""
    config.stash[SHARES] = sum("alpha" in getattr(item, "fixturenames", ()) and not given_by_parameters(item)
                               for item in items)


def given_by_parameters(item):
    """Whether the test has a parameter `alpha` of its own, which is not the fixture."""
    return "alpha" in getattr(getattr(item, "callspec", None), "params", {})


@pytest.fixture(scope="session")
def alpha(request):
    """This test's share of the suite's false-alarm rate."""
    return check_alpha(float(request.config.getini("alpha_total"))) / max(request.config.stash.get(SHARES, 1), 1)
