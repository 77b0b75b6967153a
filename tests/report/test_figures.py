"""Figures: no text on text, zero in the middle of signed maps, one meaning per color, no pattern that is not there."""
import itertools

import numpy as np
import pytest

from refapprox import Multiplier, from_family, load_library
from refapprox.main_job.error_report import Comparison
from refapprox.matching import LayerInfo, MatchingInfo
from refapprox.plotting import multipliers as plots
from refapprox.plotting.run import energy_bars, training_curves
from refapprox.plotting.stats import ladder_scatter
from refapprox.plotting.style import DPI, MEANING, draw_signed, error_colors, label_points, new_figure, overlap

LIBRARY = load_library()


def boxes(texts):
    """The areas that texts cover, in pixels."""
    renderer = texts[0].figure.canvas.get_renderer()
    texts[0].figure.canvas.draw()
    return [tuple(text.get_window_extent(renderer).extents) for text in texts if text.get_text() and text.get_visible()]


def grey(rgb):
    """Relative luminance (Rec. 709) of colors (..., 3) in sRGB, as a print in grey shows them."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_names_never_cover_each_other_nor_points():
    points = [(0.1, 1.0), (0.1, 1.0), (0.1001, 1.0), (0.11, 1.01), (0.2, 1.2), (0.5, 0.2), (0.9, 0.9)]
    figure, axis = new_figure()
    axis.plot(*zip(*points, strict=True), "o")
    texts = label_points(axis, points, [f"mul8s_{i}KVL" for i in range(len(points))])
    assert len(texts) == len(points)
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes(texts), 2))
    frame = axis.get_window_extent()
    assert all(frame.x0 <= b[0] and b[2] <= frame.x1 and frame.y0 <= b[1] and b[3] <= frame.y1 for b in boxes(texts))


def test_the_front_of_the_library_names_all_its_circuits():
    figure, names = plots.front(LIBRARY.names, [m.metrics() | {"power": m.performance_metric} for m in LIBRARY])
    texts = figure.axes[0].texts
    assert {text.get_text() for text in texts} <= set(names) and len(texts) >= len(names) - 2
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes(texts), 2))


def test_zero_is_the_middle_of_every_signed_map_and_sides_stay_apart_in_grey():
    figure, axis = new_figure()
    image = draw_signed(axis, np.array([[3, -1], [0, 2]]), (0, 2, 0, 2))
    assert image.norm.vmin == -3 and image.norm.vmax == 3
    light = grey(error_colors()(np.linspace(0, 1, 101))[:, :3])
    assert light.argmax() == 50 and light[50] > 0.9
    assert (np.diff(light[:51]) > 0).all() and (np.diff(light[50:]) < 0).all()
    assert light[0] < 0.03 and light[-1] > 0.15      # black on one side, middle grey on the other


def test_meanings_have_colors_of_their_own():
    lines = ("predicted", "best", "simulated", "allowed", "exact", "this")
    assert len({MEANING[name] for name in lines}) == len(lines)


@pytest.mark.parametrize("draw", [plots.error_map, lambda m: plots.error_maps([m, m, m])], ids=["one", "three"])
def test_maps_do_not_alias(draw):
    """A table whose errors alternate with every code: in a file no slower pattern than that appears.

    With about one pixel a code (110 dpi, as it was) there are beats of up to 18 grey levels: the check can fail.
    """
    x = np.arange(-128, 128)
    stripes = Multiplier("stripes", x[:, None] * x - np.where(x % 2, 100, -100)[:, None])
    assert beat(draw(stripes), DPI) < 5
    if draw is not plots.error_map:
        assert max(beat(draw(stripes), dpi) for dpi in range(80, 130, 10)) > 5


def beat(figure, dpi):
    """Largest amplitude, in grey levels, of patterns slower than eight pixels along a row of the first map."""
    figure.set_dpi(dpi)
    figure.canvas.draw()
    axis = figure.axes[0]
    box = axis.get_window_extent()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].mean(axis=2)
    row = pixels[int(pixels.shape[0] - box.y0 - box.height / 2), int(box.x0) + 4:int(box.x1) - 4]
    spectrum = np.abs(np.fft.rfft((row - row.mean()) * np.hanning(row.size))) / row.size
    return spectrum[1:row.size // 8].max()


@pytest.mark.parametrize("count, multiplier", [(5, "mul8s_1KVL"), (10, "mul8s_1KVL"), (20, "operand_truncated(t=6)")])
def test_bars_and_their_names_do_not_collide(count, multiplier):
    layers = [LayerInfo(f"linear{i}", multiplier, 0.1 + 0.03 * i, 100.0 * (i + 1)) for i in range(count)]
    figure = energy_bars(MatchingInfo(layers, 1.0, sum(layer.opcount for layer in layers)))
    for axis in figure.axes:
        found = boxes(axis.get_xticklabels())
        assert len(found) == count and not any(overlap(a, b) for a, b in itertools.combinations(found, 2))
        assert max(box[3] for box in found) < axis.get_window_extent().y0      # under the bars


def test_stage_names_stay_apart_where_stages_are_short():
    records = [{"step": step, "epoch": 1, "loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5}
               for step in ("baseline", "quant", "gradient", "approx", "uniform")]
    figure = training_curves(records)
    assert [text.get_text() for text in figure.axes[0].texts] == ["baseline", "quant", "gradient", "approx", "uniform"]


def test_objects_show_themselves_in_notebooks():
    multiplier = LIBRARY["mul8s_1KVL"]
    assert "MAE%" in multiplier._repr_html_() and "svg+xml" in multiplier._repr_html_()
    assert "mul8s_1KR3" in LIBRARY._repr_html_() and LIBRARY.plot().axes
    assert "12x12" in from_family("drum", k=6, bits=12)._repr_html_()


def test_names_keep_clear_of_lines_and_markers():
    points = [(0.1, 1.0), (0.2, 0.5), (0.21, 0.45), (0.3, 0.2)]
    figure, axis = new_figure()
    axis.plot(*zip(*points, strict=True), marker="D", markersize=9, drawstyle="steps-post")
    axis.axhline(0.47, linestyle="--")
    axis.set_yscale("log")
    texts = label_points(axis, points, ["1KVL", "1KTY", "1L2H", "1KR3"])
    areas = boxes(texts)
    for text in texts:
        text.set_visible(False)
    axis.grid(False)
    figure.canvas.draw()
    bare = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    assert len(areas) == len(points)
    for x0, y0, x1, y1 in areas:      # under a name there is nothing but paper
        under = bare[bare.shape[0] - int(y1):bare.shape[0] - int(y0), int(x0):int(x1)]
        assert under.min() == 255


def test_the_names_of_many_layers_stand_once_beside_the_panels():
    layers = {f"block{i}_0.depthwise.conv": np.geomspace(1, 100, 3) for i in range(12)}
    figure = ladder_scatter(Comparison(["a", "b", "c"], layers, dict.fromkeys(("one", "other"), layers), {}),
                            {"one": "one", "other": "other"})
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == list(layers)
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert not any(box.overlaps(axis.get_tightbbox()) for axis in figure.axes)
