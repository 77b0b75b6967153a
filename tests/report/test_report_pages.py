"""Reports in a real Chromium, on a phone and on a desk: nothing runs over or complains; they print and go dark."""
import re

import numpy as np
import pytest

import refapprox
from refapprox.plotting.style import new_figure
from refapprox.report.effect import page_of
from refapprox.report.page import html_figure, html_table, page, paragraph, provenance
from tests.tools.browser import browser, missing


@pytest.fixture(scope="module")
def window():
    if name := missing():
        pytest.skip(f"no {name} here: pages are not driven in a real browser")
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The page of two multipliers."""
    path = tmp_path_factory.mktemp("page") / "effect.html"
    report = refapprox.effect("mul8s_1KVL,mul8s_1L2H", images=50)
    path.write_text(page_of(report, command="refapprox effect mul8s_1KVL mul8s_1L2H", seed=0), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [390, 1280])
def test_a_report_fits_and_its_pictures_are_whole(window, path, width):
    window.open(path.as_uri(), width)
    assert window.run("return document.documentElement.scrollWidth") <= width
    boxes = window.run("return [...document.querySelectorAll('.scroll')].map(b => [b.clientWidth, b.scrollWidth])")
    assert len(boxes) >= 5 and all(inner <= width for inner, _ in boxes)
    assert (width == 1280) or any(outer > inner for inner, outer in boxes)      # wide tables scroll in their own box
    sizes = window.run("return [...document.images].map("
                       "i => [i.complete, i.naturalWidth, (i.closest('.wide') ?? i).getBoundingClientRect().right])")
    assert len(sizes) == 7 and all(whole and natural > 100 and right <= width for whole, natural, right in sizes)
    assert window.complaints() == []


def test_a_figure_that_a_phone_would_shrink_below_half_its_size_scrolls():
    assert [("class='wide'" in html_figure(new_figure(size=size)[0], "maps")) for size in
            ((11.7, 6.8), (7.8, 3.4), (6.2, 5.6))] == [True, True, False]


def test_a_report_goes_dark_and_prints(window, path):
    window.open(path.as_uri(), 1280)
    colors = []
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        window.emulate(media, scheme)
        ink, paper = (np.array(re.findall(r"\d+", text)[:3], int).mean() for text in window.run(
            "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"))
        colors.append((ink, paper))
    window.emulate("", "light")
    assert colors[0][0] < 60 and colors[0][1] > 240 and colors[1][0] > 200 and colors[1][1] < 40
    assert colors[2] == (0, 255)      # black on white, whatever the screen


def test_the_verdict_comes_first_and_how_it_was_made_last(path):
    text = path.read_text(encoding="utf-8")
    assert text.index("With mul8s_1KVL everywhere") < text.index("<h2>") and "name='viewport'" in text
    last = text[text.rindex("<h2>"):]
    for word in ("How it was made", "refapprox effect mul8s_1KVL", "NumPy", "date", "seed"):
        assert word in last


def test_what_comes_from_outside_is_escaped():
    evil = "<script>alert(1)</script>"
    tables = html_table((evil,), [(evil,)], evil) + paragraph(evil)
    text = page(evil, [evil], [(evil, tables)], provenance(name=evil))
    assert "<script>" not in text and text.count("&lt;script&gt;") == 9      # the title stands there twice
