"""The page of a multiplier in a real Chromium: what it shows are the package's numbers, to the digit shown."""
import dataclasses

import numpy as np
import pytest

from refapprox import from_family, load_library
from refapprox.cli import main
from refapprox.error_stats import LayerOperands, error_law, gaussian_distance
from refapprox.report.multiplier import page_of, standard_distributions
from tests.tools.browser import browser, missing

LIBRARY = load_library()
TABLE = ("return [...document.querySelectorAll('#' + arguments[0] + ' tr')].slice(1)"
         ".map(row => [...row.cells].map(cell => cell.textContent))")


@pytest.fixture(scope="module")
def window():
    if name := missing():
        pytest.skip(f"no {name} here: the page is not driven in a real browser")
    with browser() as opened:
        yield opened


@pytest.fixture
def opened(window, tmp_path):
    """Open the page of multipliers at a width."""
    def open_page(*multipliers, width=1280):
        path = tmp_path / "page.html"
        path.write_text(page_of(multipliers, command="test"), encoding="utf-8")
        window.open(path.as_uri(), width)
        return window
    return open_page


def cut(multiplier, bits_x, bits_w):
    """The table that the sliders make, the plain way."""
    x = np.arange(multiplier.range_x[0], multiplier.range_x[1] + 1)
    w = np.arange(multiplier.range_w[0], multiplier.range_w[1] + 1)
    rows = (x >> bits_x << bits_x) - x[0]
    columns = (w >> bits_w << bits_w) - w[0]
    return dataclasses.replace(multiplier, lut=multiplier.lut[np.ix_(rows, columns)])


def check_metrics(window, multipliers, place=0):
    """Every metric on the page against `Multiplier.metrics`, to the six digits that are shown."""
    _, x, w = standard_distributions(multipliers[0])[place]
    expected = [m.metrics(x, w) if place else m.metrics() for m in multipliers]
    for key, *shown in window.run(TABLE, "metrics"):
        for text, metrics in zip(shown, expected, strict=True):
            # a value halfway between two texts may be rounded either way: sums differ in their last bits
            assert float(text) == pytest.approx(metrics[key], rel=5.1e-6, abs=1e-12), key
            assert len(text.lstrip("-0.").replace(".", "")) <= 6 + text.count("e")


def set_slider(window, name, value):
    window.run("const s = document.getElementById(arguments[0]); s.value = arguments[1];"
               "s.dispatchEvent(new Event('input', {bubbles: true}))", name, value)


@pytest.mark.parametrize("width", [390, 1280])
def test_its_numbers_are_those_of_the_package(opened, width):
    one, other = LIBRARY["mul8s_1KVL"], LIBRARY["mul8s_1L2H"]
    window = opened(one, other, width=width)
    assert window.run("return document.documentElement.scrollWidth") <= width
    check_metrics(window, [one, other])
    window.run("const s = document.getElementById('distribution'); s.selectedIndex = 1;"
               "s.dispatchEvent(new Event('change', {bubbles: true}))")
    check_metrics(window, [one, other], place=1)
    set_slider(window, "cut-x", 3)
    set_slider(window, "cut-w", 1)
    check_metrics(window, [cut(one, 3, 1), cut(other, 3, 1)], place=1)
    assert window.complaints() == []


@pytest.mark.parametrize("fan_in", [1, 25, 400])
def test_the_accumulated_error_is_that_of_the_exact_law(opened, fan_in):
    multiplier = LIBRARY["mul8s_1KTY"]
    window = opened(multiplier)
    set_slider(window, "fan-in", fan_in)
    _, x, w = standard_distributions(multiplier)[0]
    law = error_law(multiplier, LayerOperands.from_distributions(x, w, fan_in), "single_distribution")
    (name, mean, std, distance), = window.run(TABLE, "sums")
    assert name == multiplier.name
    assert float(mean) == pytest.approx(law.mean, rel=5.1e-6) and float(std) == pytest.approx(law.std, rel=5.1e-6)
    assert float(distance) == pytest.approx(gaussian_distance(law), abs=5.1e-5)
    drawn = window.run("return document.querySelectorAll('#histogram rect').length")
    assert 40 < drawn < 90 and window.complaints() == []


def test_pointer_and_keyboard_read_single_products(opened):
    multiplier = LIBRARY["mul8s_1KR3"]
    window = opened(multiplier)
    zoom = window.run("return document.getElementById('map0').width") // 256
    x, w = 37, -90
    window.move_to("#map0", (x + 128 + 0.5) * zoom + 1, (127 - w + 0.5) * zoom + 1)
    product = int(multiplier(x, w))
    assert window.run(TABLE, "readout") == [[multiplier.name, *map(str, (x, w, x * w, product, x * w - product))]]
    window.keys("#map0", "right", "right", "down")
    product = int(multiplier(x + 2, w - 1))
    assert window.run(TABLE, "readout")[0][1:5] == [*map(str, (x + 2, w - 1, (x + 2) * (w - 1), product))]
    window.keys("#fan-in", "right", "right")
    assert window.run("return document.getElementById('fan-in-value').textContent") == "66"
    window.keys("#distribution", "tab")
    assert window.run("return document.activeElement.id") == "fan-in"      # the order in which one reads
    assert window.complaints() == []


def test_unsigned_and_narrow_and_exact_ones_work(opened):
    for multiplier in (from_family("mitchell", bits=6, signed=False), from_family("exact", bits=4)):
        window = opened(multiplier)
        check_metrics(window, [multiplier])
        assert window.complaints() == []
    assert "nothing accumulates" in window.run("return document.getElementById('histogram').textContent")


def test_a_page_holds_one_kind_of_multipliers():
    with pytest.raises(ValueError, match="one sign and one width"):
        page_of([LIBRARY["mul8s_1KVL"], from_family("exact", bits=4)])
    with pytest.raises(ValueError, match="must be one or two, got 3"):
        page_of([LIBRARY["mul8s_1KVL"]] * 3)


def test_the_command_writes_it_with_the_operands_of_layers(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["multipliers", "show", "mul8s_1KVL", "--html", str(path), "--compare", "mul8s_1L2H"]) == 0
    page = path.read_text()
    assert "linear1 of LeNet-5 on the drawn digits" in page and "mul8s_1L2H" in page and "http" not in page
    assert main(["multipliers", "show", "mul8s_1KVL", "--compare", "mul8s_1L2H"]) == 2
    assert "it needs --html FILE" in capsys.readouterr().err
