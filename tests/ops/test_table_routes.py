"""Every route of a table product gives the definition's integers, bit for bit, or says why it cannot."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import Multiplier, load_library, lut_matmul
from refapprox.multipliers import factorization
from refapprox.ops import factored, gathered, rolling, route_choice
from refapprox.ops.lut_conv2d import conv2d_sums, lut_conv2d
from refapprox.ops.lut_matmul import as_convolution, fill, matmul_sums
from refapprox.ops.patches import Geometry, geometry
from refapprox.ops.table_convolution import Scratch, TableConvolution, even_slices

ROUTES = ("auto", "factored", "gather")


@pytest.fixture(autouse=True)
def sharing(monkeypatch):
    """However small the work is, workers share it."""
    monkeypatch.setattr(rolling, "SHARED", 0)


def table_of_rank(rng, rank, bits=(8, 8), signed=True, largest=9):
    """A random table of at most `rank`, not symmetric, not exact at zero."""
    left = rng.integers(-largest, largest + 1, size=(2 ** bits[0], rank))
    return Multiplier(f"rank {rank}", left @ rng.integers(-largest, largest + 1, size=(rank, 2 ** bits[1])), signed)


def codes(rng, shape, limits):
    return rng.integers(limits[0], limits[1] + 1, size=shape)


TABLES = [
    *[load_library()[name] for name in ("mul8s_1KV8", "mul8s_1KX2", "mul8s_1KVL", "mul8s_1L1G", "mul8s_1KR3")],
    *[table_of_rank(np.random.default_rng(rank), rank) for rank in (0, 1, 2, 5, 16, 40)],
    table_of_rank(np.random.default_rng(7), 6, bits=(3, 5)),
    table_of_rank(np.random.default_rng(8), 3, bits=(8, 2), signed=False),
    Multiplier("full, unsigned", np.random.default_rng(9).integers(0, 2 ** 16, size=(256, 256)), signed=False),
    Multiplier("odd extremes", np.full((256, 256), 2 ** 14 - 1)),
    Multiplier("huge", np.random.default_rng(10).integers(-2 ** 31, 2 ** 31, size=(64, 64))),
    Multiplier("max of both", np.maximum.outer(np.arange(16), np.arange(16)) + 1, signed=False),
]


BY_NAME = {multiplier.name: multiplier for multiplier in TABLES}


def name_of(multiplier):
    return multiplier.name


@pytest.mark.parametrize("multiplier", TABLES, ids=name_of)
def test_factors_rebuild_the_table(multiplier):
    f = multiplier.factorization
    rebuilt = f.x_factors @ f.w_factors.T
    assert f.rank <= min(multiplier.lut.shape)
    if f.is_integer:
        assert f.slack == 0 and np.array_equal(rebuilt, multiplier.lut)
        for factors in (f.x_factors, f.w_factors):
            assert np.array_equal(factors, np.rint(factors))
        terms = f.x_factors[:, None, :] * f.w_factors
        assert not (terms % f.quantum).any() and f.quantum & (f.quantum - 1) == 0
    else:
        # the slack is a proven bound, and small: far below the 1/2 that rounding needs
        assert np.abs(rebuilt - multiplier.lut).max() <= f.slack < 1e-3
    assert (np.abs(multiplier.lut) <= f.magnitude + f.slack).all()


def test_signed_circuits_are_masks_of_the_code_and_other_tables_are_not():
    for m in load_library():
        f = m.factorization.x_factors.T
        masks = factored.masks_of(f, m.qmin)
        for (mask, scale), g in zip(masks, f, strict=True):
            assert np.array_equal(scale * (np.arange(-128, 128) & mask), g)
    assert factored.masks_of(BY_NAME["rank 5"].factorization.x_factors.T, -128) is None
    assert factored.masks_of(np.arange(256.0)[None], 0) == [(255, 1)]
    assert factored.masks_of(np.zeros((1, 256)), -128) == [(0, 0.0)]      # a factor of a table whose products are zero


def test_signed_circuits_are_bilinear_in_bits_and_need_few_terms():
    factors = [multiplier.factorization for multiplier in load_library()]
    assert {f.kind for f in factors} == {"bits"}
    ranks = [np.linalg.matrix_rank(multiplier.lut.astype(float)) for multiplier in load_library()]
    assert [f.rank for f in factors] == ranks and max(ranks) == 5
    assert max(f.largest for f in factors) < 1.25 * 2 ** 14      # factors that cancel would need wider floats


@pytest.mark.parametrize("multiplier", TABLES, ids=name_of)
@pytest.mark.parametrize("shape", [(5, 3, 4), (1, 70, 2), (40, 9, 33)])
def test_matrix_products_agree_on_all_routes(multiplier, shape):
    rng = np.random.default_rng(11)
    x = codes(rng, shape[:2], multiplier.range_x)
    w = codes(rng, shape[1:], multiplier.range_w)
    expected = multiplier(x[:, :, None], w).sum(axis=1, dtype=np.int64)
    for method in ("index", *ROUTES):
        y = lut_matmul(x, w, multiplier, method=method)
        assert y.dtype == np.int64 and np.array_equal(y, expected), method
    assert np.array_equal(matmul_sums(x.astype(np.float32), w.astype(np.int16), multiplier), expected)
    stacked = np.stack([x, x[::-1]])
    for method in ("index", *ROUTES):
        y = matmul_sums(stacked, w, multiplier, method=method)
        assert y.shape == (2, *expected.shape) and np.array_equal(y, np.stack([expected, expected[::-1]]))


def both_gathers(problem):
    """Sums of a TableConvolution by each of the two gathering routes, every tile included."""
    w_out = problem.output_shape[2]
    runs = [lambda out, tile=tile: gathered.by_activations(problem, out, tile)
            for tile in range(1, w_out + 1) if w_out % tile == 0 and (tile == 1 or problem.window.dilation[1] == 1)]
    for run in [*runs, lambda out: gathered.by_weights(problem, out)]:
        out = np.full(problem.output_shape, -1, dtype=np.int64)
        run(out)
        yield out


@given(data=st.data())
def test_convolutions_agree_on_all_routes(data):
    multiplier = data.draw(st.sampled_from(TABLES))
    rng = np.random.default_rng(data.draw(st.integers(0, 2 ** 32 - 1)))
    kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride, dilation, *padding = data.draw(st.tuples(*[st.tuples(st.integers(low, 2), st.integers(low, 2))
                                                       for low in (1, 1, 0, 0)]))
    window = geometry("this test", kernel, stride, padding, dilation)
    c, m, groups = data.draw(st.sampled_from([(1, 4, 1), (3, 2, 1), (4, 4, 2), (3, 6, 3)]))
    spread = data.draw(st.sampled_from([multiplier.range_x, (1, 2)]))      # padding may be with a code that none has
    x = codes(rng, (data.draw(st.integers(1, 3)), c, 7, data.draw(st.integers(6, 9))), spread)
    w = codes(rng, (m, c // groups, *kernel), multiplier.range_w)
    arguments = dict(groups=groups, pad_code=int(codes(rng, (), multiplier.range_x)),
                     x_zero_point=int(rng.integers(-9, 9)), w_zero_point=rng.integers(-9, 9, size=m))
    expected = conv2d_sums(x, w, multiplier, window, method="index", **arguments)
    for method in ROUTES:
        for workers in (1, 2):
            sums = conv2d_sums(x, w, multiplier, window, method=method, workers=workers, **arguments)
            assert sums.dtype == expected.dtype and np.array_equal(sums, expected), (method, workers)
    if groups == 1:
        problem = TableConvolution(x.transpose(1, 2, 3, 0), w, multiplier, window, arguments["pad_code"],
                                   workers=data.draw(st.integers(1, 3)))
        index = np.empty(problem.output_shape, np.int64)
        fill(problem, index, "index")
        for sums in both_gathers(problem):
            assert np.array_equal(sums, index)


def test_inputs_may_be_strided_broadcast_read_only_or_floats():
    rng = np.random.default_rng(12)
    m = TABLES[1]
    x = np.broadcast_to(codes(rng, (1, 12), m.range_x)[:, ::2], (4, 6))
    w = codes(rng, (5, 6), m.range_w).T[::-1]
    expected = m(x[:, :, None], w).sum(axis=1, dtype=np.int64)
    maps, kernels = np.broadcast_to(x[:, :, None, None], (4, 6, 3, 2)), w.T[:, :, None, None]
    for method in ("index", *ROUTES):
        for kind in (np.int8, np.int64, np.float32):
            assert np.array_equal(lut_matmul(x.astype(kind), w.astype(kind), m, method=method), expected)
        assert np.array_equal(lut_matmul(x, w, m, method=method), expected)
        y = lut_conv2d(maps, kernels, m, method=method)
        assert np.array_equal(y, np.broadcast_to(expected[:, :, None, None], (4, 5, 3, 2)))


@pytest.mark.parametrize("method", ("index", *ROUTES))
def test_empty_operands_give_what_matmul_gives(method):
    m = TABLES[1]
    for lead, k, out in [((2,), 0, 3), ((2,), 3, 0), ((0,), 3, 2), ((2, 0, 4), 3, 2), ((), 3, 2), ((0,), 0, 0)]:
        x, w = np.zeros((*lead, k), int), np.zeros((k, out), int)
        assert np.array_equal(lut_matmul(x, w, m, method=method), np.matmul(x, w))
    for n, c, out in [(0, 2, 3), (2, 0, 3), (2, 2, 0)]:
        y = lut_conv2d(np.zeros((n, c, 4, 4), int), np.zeros((out, c, 3, 3), int), m, method=method)
        assert y.shape == (n, out, 2, 2) and y.dtype == np.int64 and not y.any()


@pytest.mark.parametrize("k", [1024, 1025, 3000])
def test_sums_beyond_the_mantissa_are_cut_into_exact_chunks(k):
    m = BY_NAME["odd extremes"]                      # 1024 * (2**14 - 1) < 2**24 < 1025 * ...
    x, w = np.zeros((2, k), int), np.zeros((k, 2), int)
    assert lut_matmul(x, w, m, method="factored").tolist() == [[k * (2 ** 14 - 1)] * 2] * 2
    problem = as_convolution(x, w, m, 1 << 20, 1)
    cuts = factored.chunks(problem, np.float32)
    assert max(np.diff(cuts)) * (2 ** 14 - 1) <= 2 ** 24 and len(cuts) - 1 <= k // 1024 + 1
    sums = np.empty((2, 1, 1, 2))
    factored.run(problem, sums, np.float32, cuts)
    assert (sums == k * (2 ** 14 - 1)).all()


def test_a_product_without_an_exact_factored_sum_is_refused_and_auto_takes_another_route():
    m = BY_NAME["huge"]
    rng = np.random.default_rng(13)
    x, w = codes(rng, (3, 50_000), m.range_x), codes(rng, (50_000, 2), m.range_w)
    assert np.array_equal(lut_matmul(x, w, m), lut_matmul(x, w, m, method="index"))


@pytest.mark.parametrize("method", ROUTES)
def test_results_depend_neither_on_workers_nor_on_memory(method):
    rng = np.random.default_rng(14)
    m = TABLES[7]
    x, w = codes(rng, (5, 3, 9, 8), m.range_x), codes(rng, (4, 3, 3, 3), m.range_w)
    expected = lut_conv2d(x, w, m, padding=1, method=method)
    smallest = 1 << 20
    for memory_limit in (smallest, 4 * smallest):
        for workers in (1, 2, 5):
            y = lut_conv2d(x, w, m, padding=1, method=method, memory_limit=memory_limit, workers=workers)
            assert np.array_equal(y, expected)


@pytest.mark.parametrize("method", ("index", *ROUTES))
def test_a_memory_limit_below_one_block_is_refused(method):
    x, w = np.zeros((1, 8, 64, 64), int), np.zeros((8, 8, 3, 3), int)
    with pytest.raises(ValueError, match=r"memory_limit must allow .* got 100\."):
        lut_conv2d(x, w, TABLES[1], method=method, memory_limit=100)


@pytest.mark.parametrize("method", ("index", *ROUTES))
@pytest.mark.parametrize("workers", [1, 2])
def test_the_memory_limit_is_kept(method, workers, peak_memory):
    rng = np.random.default_rng(18)
    m = BY_NAME["mul8s_1KX2"]
    x, w = codes(rng, (8, 8, 24, 24), m.range_x), codes(rng, (16, 8, 3, 3), m.range_w)
    limit = 2 << 20                                          # a tenth of what all patches of the factored map take
    _ = m.factorization                                      # belongs to the multiplier, not to the call
    peak, y = peak_memory(lambda: lut_conv2d(x, w, m, method=method, memory_limit=limit, workers=workers))
    assert peak - y.nbytes <= limit
    assert np.array_equal(y, lut_conv2d(x, w, m, method="index"))


LARGE = {      # x, w, groups, memory limit: what some buffer once took beside the limit
    "few images, many weights": ((2, 512, 1, 1), (1024, 512, 1, 1), 1, 3 << 20),
    "depthwise": ((4, 64, 24, 24), (64, 1, 3, 3), 64, 3 << 20),
    "grouped": ((4, 64, 16, 16), (128, 2, 3, 3), 32, 3 << 20),
    "two groups": ((4, 2, 24, 24), (2, 1, 3, 3), 2, 3 << 20),
    "large maps": ((8, 8, 24, 24), (16, 8, 3, 3), 1, 2 << 20),
}


def routes_of_large_cases():
    """Each route of each case with one worker and two; a minute under tracemalloc, group by group, is slow."""
    for case, method, workers in itertools.product(LARGE, ROUTES, (1, 2)):
        slow = method == "factored" and workers == 1 and LARGE[case][2] > 2
        yield pytest.param(case, method, workers, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize("case, method, workers", list(routes_of_large_cases()))
def test_the_memory_limit_counts_every_buffer(case, method, workers, peak_memory):
    x_shape, w_shape, groups, limit = LARGE[case]
    rng, m = np.random.default_rng(20), BY_NAME["full, unsigned"]
    x, w = codes(rng, x_shape, m.range_x).astype(np.int16), codes(rng, w_shape, m.range_w).astype(np.int16)
    _ = m.factorization
    arguments = dict(groups=groups, padding=w_shape[2] // 2, x_zero_point=3, pad_code=3,
                     w_zero_point=np.arange(w_shape[0]) % 7, workers=workers)
    try:
        peak, y = peak_memory(lambda: lut_conv2d(x, w, m, method=method, memory_limit=limit, **arguments))
    except ValueError as error:
        assert "memory_limit must allow" in str(error) and method != "auto"
        return
    assert peak - y.nbytes <= limit
    assert np.array_equal(y, lut_conv2d(x, w, m, **arguments))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_memory_limit_is_kept_by_depthwise_convolutions(workers, peak_memory):
    rng = np.random.default_rng(19)
    m = BY_NAME["mul8s_1KX2"]
    x, w = codes(rng, (64, 4, 48, 48), m.range_x), codes(rng, (8, 1, 3, 3), m.range_w)
    limit = 2 << 20                                          # a third of what indices and sums of one channel take
    peak, y = peak_memory(lambda: lut_conv2d(x, w, m, groups=4, memory_limit=limit, workers=workers))
    assert peak - y.nbytes <= limit
    assert np.array_equal(y, lut_conv2d(x, w, m, groups=4, method="index"))


def test_auto_falls_back_to_a_route_that_fits_the_memory():
    rng = np.random.default_rng(16)
    m = BY_NAME["rank 16"]
    x, w = codes(rng, (2, 64, 3, 3), m.range_x), codes(rng, (64, 64, 3, 3), m.range_w)
    limit = 4 << 20                                             # factors of the kernels alone take 4.7 MB
    with pytest.raises(ValueError, match="memory_limit"):
        lut_conv2d(x, w, m, padding=1, method="factored", memory_limit=limit)
    assert np.array_equal(lut_conv2d(x, w, m, padding=1, memory_limit=limit),
                          lut_conv2d(x, w, m, padding=1, method="index"))


def test_a_fresh_table_is_factored_only_for_products_that_pay_for_it():
    table = BY_NAME["full, unsigned"]
    rng = np.random.default_rng(19)
    for n, factored_then in ((8, False), (800, True)):                          # 10 000 and 1 000 000 products
        m = Multiplier("fresh", table.lut, signed=False)
        x, w = codes(rng, (n, 125), m.range_x), codes(rng, (125, 10), m.range_w)
        assert np.array_equal(lut_matmul(x, w, m), lut_matmul(x, w, m, method="index"))
        assert ("factorization" in vars(m)) is factored_then                    # the cached property


def test_sums_that_could_leave_int64_are_refused_before_they_are_read():
    m = BY_NAME["huge"]
    x, w = np.broadcast_to(np.int8(0), (1, 2 ** 33)), np.broadcast_to(np.int8(0), (2 ** 33, 1))
    with pytest.raises(ValueError, match=rf"fit int64, but could reach {2 ** 33} \* 214\d+ ="):
        lut_matmul(x, w, m)
    with pytest.raises(ValueError, match="x of lut_matmul .* got 32 at \\(0, 1\\)"):
        lut_matmul([[0, 32]], [[0], [0]], m)


@pytest.mark.parametrize("x, w", [((2, 3), (4, 5)), ((3,), (4, 5)), ((), (1, 1)), ((2, 3), (3,)), ((2, 3), (3, 2, 2))])
def test_shapes_that_do_not_fit_are_named(x, w):
    with pytest.raises(ValueError, match="lut_matmul needs x of shape"):
        lut_matmul(np.zeros(x, int), np.zeros(w, int), BY_NAME["huge"])


def factored_agrees():
    """Whether the factored route equals the definition on products that use every part of it."""
    rng = np.random.default_rng(15)
    for name in ("mul8s_1KX2", "mul8s_1KV8", "rank 5", "odd extremes", "max of both"):     # 1KV8: several chunks
        m = Multiplier(name, BY_NAME[name].lut, BY_NAME[name].signed)            # factored afresh
        x, w = codes(rng, (2, 2999), m.range_x), codes(rng, (2999, 3), m.range_w)     # odd: see "odd extremes"
        maps, kernels = codes(rng, (2, 2, 6, 8), m.range_x), codes(rng, (3, 2, 3, 3), m.range_w)
        if not (np.array_equal(lut_matmul(x, w, m, method="factored"), lut_matmul(x, w, m, method="index"))
                and np.array_equal(lut_conv2d(maps, kernels, m, method="factored"),
                                   lut_conv2d(maps, kernels, m, method="index"))):
            return False
    return True


def test_the_check_for_wrong_variants_passes_on_the_right_one():
    assert factored_agrees()


@pytest.mark.parametrize("owner, name, wrong", [
    (np, "rint", lambda a, out: a),                                             # floating sums are not integers
    (factorization, "MANTISSA", {"float32": 2.0 ** 40, "float64": 2.0 ** 53}),  # chunks that leave the mantissa
    (factorization, "MANTISSA", {"float32": 2.0 ** 25, "float64": 2.0 ** 53}),  # one bit too many
    (factored, "factored_kernels", lambda problem, w_factors, right=factored.factored_kernels:
        right(problem, w_factors)[:, ::-1]),                                   # kernel flipped
    (factored, "factored_source", lambda problem, x_factors, masks, *rest, right=factored.factored_source:
        right(problem, x_factors[::-1].copy(), masks and masks[::-1], *rest)),      # factors of another term
    (factored, "factored_source", lambda problem, x, masks, channels, *rest, right=factored.factored_source:
        right(problem, x, masks, slice(0, channels.stop - channels.start), *rest)),      # of the first chunk again
])
def test_wrong_variants_of_the_factored_route_are_seen(owner, name, wrong, monkeypatch):
    monkeypatch.setattr(owner, name, wrong)
    assert not factored_agrees()


@pytest.mark.parametrize("owner, name, wrong", [
    (gathered, "build_rows", lambda table, lut, weights, j, stride, kw, right=gathered.build_rows:
        right(table, lut, weights[::-1], j, stride, kw)),                       # kernel flipped
    (gathered, "build_rows", lambda table, lut, weights, j, stride, kw, right=gathered.build_rows:
        right(table, lut, weights, j, 2 * stride, kw)),                         # outputs of a tile too far apart
    (gathered, "occurring", lambda codes, qmin: (0, 255)),                      # one code forgotten
    (TableConvolution, "sum_dtype", np.dtype(np.int16)),                        # sums that wrap
])
def test_wrong_variants_of_the_gathers_are_seen(owner, name, wrong, monkeypatch):
    rng = np.random.default_rng(17)
    m = BY_NAME["full, unsigned"]
    x, w = codes(rng, (3, 6, 8, 2), m.range_x), codes(rng, (3, 3, 3, 3), m.range_w)
    x[0, 0, 0, 0], w[0, 0, 0, 0] = m.qmax, m.qmax
    problem = TableConvolution(x, w, m, Geometry((3, 3)))
    index = np.empty(problem.output_shape, np.int64)
    fill(problem, index, "index")
    assert all(np.array_equal(sums, index) for sums in both_gathers(problem))
    monkeypatch.setattr(owner, name, wrong)
    assert not all(np.array_equal(sums, index) for sums in both_gathers(dataclasses.replace(problem)))


def test_geometry_of_a_window():
    window = geometry("test", (3, 2), stride=(2, 1), padding=1, dilation=(1, 3))
    assert window.output_size(7, 5) == (4, 4)


@given(total=st.integers(1, 50), data=st.data())
def test_blocks_make_up_the_whole_and_never_grow(total, data):
    slices = even_slices(total, data.draw(st.integers(1, total)))
    assert [i for part in slices for i in range(total)[part]] == list(range(total))
    lengths = [part.stop - part.start for part in slices]
    assert lengths == sorted(lengths, reverse=True) and lengths[0] - lengths[-1] <= 1


def test_a_buffer_that_grows_does_not_keep_the_smaller_one(peak_memory):
    def grow():
        scratch = Scratch()
        scratch.array("a", (1 << 20,), np.uint8)
        scratch.array("a", (2 << 20,), np.uint8)

    peak, _ = peak_memory(grow)
    assert 2 << 20 <= peak < 2.5 * (1 << 20)


def test_plans_are_remembered_by_everything_that_they_depend_on(monkeypatch):
    made = []
    monkeypatch.setattr(route_choice, "new_plans", lambda problem, method: made.append(method) or len(made))
    m, other = (Multiplier("fresh", BY_NAME["mul8s_1KX2"].lut, signed=True) for _ in range(2))

    def plans(multiplier=m, x=(1, 4, 4, 2), w=(3, 1, 2, 2), stride=(1, 1), workers=1, method="auto"):
        problem = TableConvolution(np.zeros(x), np.zeros(w), multiplier, Geometry((2, 2), stride), workers=workers)
        return route_choice.plans(problem, method)

    different = [{}, {"multiplier": other}, {"x": (1, 4, 5, 2)}, {"w": (4, 1, 2, 2)}, {"workers": 2},
                 {"stride": (2, 2)}, {"method": "gather"}]
    assert [plans(**one) for one in different] == [1, 2, 3, 4, 5, 6, 7] == [plans(**one) for one in different]
    for rows in range(route_choice.MOST_PLANS):
        plans(x=(1, rows + 3, 4, 2))
    assert len(route_choice.PLANS_MADE[m]) <= route_choice.MOST_PLANS
