"""Gate-level families against plain definitions, at every width and sign, and against reference figures."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.multipliers import closed_forms
from refapprox.multipliers.circuits import compressors, reduction
from refapprox.multipliers.circuits.builder import Builder
from refapprox.multipliers.family import families, family_netlist, from_family
from refapprox.multipliers.languages.verilog import source as verilog


def bit(value, i):
    return value >> i & 1


def weights(bits, signed):
    return [2 ** i for i in range(bits - 1)] + [-(2 ** (bits - 1)) if signed else 2 ** (bits - 1)]


def cells(x, w, bits, signed, keep):
    """Sum of W_i W_j x_i w_j over the kept cells, from single bits."""
    weight = weights(bits, signed)
    return sum(weight[i] * weight[j] * bit(x, i) * bit(w, j) for i in range(bits) for j in range(bits) if keep(i, j))


def exact(x, w, bits, signed, tree="dadda"):
    return x * w


def truncated(x, w, bits, signed, k, correction="none"):
    kept = cells(x, w, bits, signed, lambda i, j: i + j >= k)
    if correction == "variable":
        return kept + 2 * cells(x, w, bits, signed, lambda i, j: i + j == k - 1)
    if correction == "none":
        return kept
    weight = weights(bits, signed)
    return kept + round(sum(weight[i] * weight[j] for i in range(bits) for j in range(bits) if i + j < k) / 4)


def broken_array(x, w, bits, signed, h, v):
    return cells(x, w, bits, signed, lambda i, j: i >= h and i + j >= v)


def perforated(x, w, bits, signed, j, k):
    mask = sum(2 ** row for row in range(j, min(j + k, bits)))
    if not signed or not mask >> bits - 1:
        return x * (w & ~mask)
    return cells(x, w, bits, signed, lambda i, row: not j <= row < j + k)


def operand_truncated(x, w, bits, signed, t):
    return (x - x % 2 ** t) * (w - w % 2 ** t)


def operand_rounded(x, w, bits, signed, t):
    largest = 2 ** (bits - signed) - 2 ** t
    x, w = (min((2 * value + 2 ** t) // 2 ** (t + 1) * 2 ** t, largest) for value in (x, w))
    return x * w


def operand_jammed(x, w, bits, signed, t):
    return (x - x % 2 ** t + 2 ** t // 2) * (w - w % 2 ** t + 2 ** t // 2)


def kulkarni(x, w, bits):
    """By recursion on halves, as in the paper; an odd width is padded."""
    if bits <= 2:
        return 7 if x == w == 3 else x * w
    half = 2 ** (bits - 1).bit_length() // 2
    high_x, low_x, high_w, low_w = x >> half, x % 2 ** half, w >> half, w % 2 ** half
    return (kulkarni(low_x, low_w, half) + (kulkarni(low_x, high_w, half) + kulkarni(high_x, low_w, half) << half)
            + (kulkarni(high_x, high_w, half) << 2 * half))


def sdlc(x, w, bits):
    total = 0
    for r in range((bits + 1) // 2):
        upper, lower = (x * bit(w, row) << row for row in (2 * r, 2 * r + 1))
        low = 2 ** (bits + r) - 1                      # columns up to bits - 1 + r
        total += ((upper | lower) & low) + (upper & ~low) + (lower & ~low)
    return total


def sign_magnitude(rule):
    def signed_rule(x, w, bits, signed):
        product = rule(abs(x), abs(w), bits)
        return -product if (x < 0) != (w < 0) else product
    return signed_rule


def ones_complement(rule):
    def signed_rule(x, w, bits, signed):
        product = rule(~x if x < 0 else x, ~w if w < 0 else w, bits)
        return ~product if (x < 0) != (w < 0) else product
    return signed_rule


def residue(value, bits, signed):
    """What 2 * bits output wires can say of a value."""
    value %= 4 ** bits
    return value - 4 ** bits if signed and value >= 4 ** bits // 2 else value


DEFINITIONS = {"exact": exact, "truncated": truncated, "broken_array": broken_array, "perforated": perforated,
               "operand_truncated": operand_truncated, "operand_rounded": operand_rounded,
               "operand_jammed": operand_jammed}


def drawn_parameters(data, name, bits):
    """Valid values for all parameters of a family."""
    return {parameter.name: data.draw(st.sampled_from(parameter.choices) if parameter.choices
                                      else st.integers(parameter.minimum, parameter.maximum(bits)))
            for parameter in families()[name].parameters}


def pairs(bits, signed, seed, count=40):
    """Operand pairs with the corners among them."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    drawn = np.random.default_rng(seed).integers(low, high, (count, 2), endpoint=True).tolist()
    return drawn + [(x, w) for x in (low, -signed, 0, 1, high) for w in (low, -signed, 0, 1, high)]


@pytest.mark.parametrize("name", DEFINITIONS)
@given(data=st.data(), bits=st.integers(2, 16), signed=st.booleans(), seed=st.integers(0, 2 ** 32 - 1))
def test_circuits_equal_their_definitions_at_any_width(name, data, bits, signed, seed):
    values = drawn_parameters(data, name, bits)
    multiplier = from_family(name, bits=bits, signed=signed, **values)
    operands = pairs(bits, signed, seed)
    expected = [residue(DEFINITIONS[name](x, w, bits, signed, **values), bits, signed) for x, w in operands]
    assert multiplier(*np.transpose(operands)).tolist() == expected


@pytest.mark.parametrize("correction", ["none", "constant", "variable"])
@pytest.mark.parametrize("signed", [False, True])
def test_corrections_at_every_cut(correction, signed):
    low = -8 * signed
    for k in range(9):
        multiplier = from_family("truncated", k=k, correction=correction, bits=4, signed=signed)
        table = [[residue(truncated(x, w, 4, signed, k, correction), 4, signed) for w in range(low, low + 16)]
                 for x in range(low, low + 16)]
        assert multiplier.lut.tolist() == table, k


@pytest.mark.parametrize("name, rule", [("udm", kulkarni), ("sdlc", sdlc)])
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 8, 13, 16])
def test_recoded_multipliers_equal_their_definitions(name, rule, bits):
    for signed, extension, definition in ((False, None, sign_magnitude(rule)),
                                          (True, "sign-magnitude", sign_magnitude(rule)),
                                          (True, "ones-complement", ones_complement(rule))):
        multiplier = from_family(name, bits=bits, signed=signed, extension=extension)
        operands = pairs(bits, signed, bits)
        assert multiplier(*np.transpose(operands)).tolist() == [definition(x, w, bits, signed) for x, w in operands]


@pytest.mark.parametrize("extension, wrap", [("sign-magnitude", sign_magnitude), ("ones-complement", ones_complement)])
def test_any_circuit_can_be_signed_by_any_extension(extension, wrap):
    multiplier = from_family("truncated(k=4)", bits=6, extension=extension)
    definition = wrap(lambda x, w, bits: truncated(x, w, bits, False, 4))
    table = [[definition(x, w, 6, True) for w in range(-32, 32)] for x in range(-32, 32)]
    assert multiplier.lut.tolist() == table
    assert not np.array_equal(multiplier.lut, from_family("truncated(k=4)", bits=6).lut)      # Baugh-Wooley differs


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("signed", [False, True])
def test_broken_arrays_and_truncation_are_the_closed_forms(bits, signed):
    for h, v in ((0, 0), (1, 4), (2, 5), (0, 3), (3, 0), (bits, 2), (0, 2 * bits)):
        assert np.array_equal(from_family("broken_array", h=h, v=v, bits=bits, signed=signed).lut,
                              closed_forms.broken_array_products(h, v, bits, signed))
    for t in range(bits):
        assert np.array_equal(from_family("operand_truncated", t=t, bits=bits, signed=signed).lut,
                              closed_forms.operand_truncated_products(t, bits, signed))


# exhaustive 8x8 unsigned: NMED %, MRED %, ER %, WCE, mean of approximate - exact, computed independently of us
GOLD = {
    "truncated(k=4)": (".0188", ".564", "81.25", 49, "-12.25"),
    "truncated(k=6)": (".1234", "2.638", "93.75", 321, "-80.25"),
    "truncated(k=8)": (".6894", "9.780", "98.05", 1793, "-448.25"),
    "truncated(k=8,correction=constant)": (".3076", "17.72", "100", 1345, "-0.25"),
    "broken_array(h=2,v=6)": (".3695", "5.129", "95.02", 961, "-240.25"),
    "broken_array(h=4,v=8)": ("1.772", "17.595", "98.46", 4609, "-1152.25"),
    "perforated(j=0,k=1)": (".0980", "1.336", "49.80", 255, "-63.75"),
    "perforated(j=0,k=2)": (".2941", "3.566", "74.71", 765, None),
    "perforated(j=0,k=3)": (".6863", "7.329", "87.16", 1785, None),
    "perforated(j=1,k=2)": (".5882", "5.993", "74.71", 1530, None),
    "operand_truncated(t=1)": (".1957", "2.655", "74.61", 509, None),
    "operand_truncated(t=2)": (".5848", "7.005", "93.16", 1521, None),
    "operand_truncated(t=3)": ("1.354", "14.12", "97.75", 3521, None),
    "operand_truncated(t=4)": ("2.855", "25.41", "98.88", 7425, None),
    "operand_rounded(t=2)": (".3181", "4.635", "93.16", 1521, "119.75"),
    "operand_jammed(t=2)": (".3193", "4.100", "93.65", 1012, "127.75"),
    "udm": ("1.3889", "3.280", "46.73", 14450, "-903.125"),
    "sdlc": (".3527", "2.004", "49.11", 3670, "-229.375"),
}


def agrees(value, printed):
    """Whether `value` would be printed so: within half a unit of the last digit, and rounding of either half."""
    decimals = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5 * 10.0 ** -decimals + 1e-9


def check_gold(specification, gold):
    metrics = from_family(specification, signed=False).metrics()
    nmed, mred, rate, wce, bias = gold
    assert agrees(100 * metrics["NMED"], nmed), metrics["NMED"]
    assert mred is None or agrees(metrics["MRE%"], mred), metrics["MRE%"]
    assert rate is None or agrees(metrics["EP%"], rate), metrics["EP%"]
    assert wce is None or metrics["WCE"] == wce
    assert bias is None or agrees(-metrics["bias"], bias), metrics["bias"]


@pytest.mark.parametrize("specification", GOLD)
def test_reference_figures_of_8x8_circuits(specification):
    check_gold(specification, GOLD[specification])


def test_truncation_has_the_closed_worst_case():
    for k in (1, 4, 6, 8):
        assert from_family("truncated", k=k, signed=False).metrics()["WCE"] == sum((c + 1) * 2 ** c for c in range(k))


def test_kulkarni_relative_errors():
    """2x2: 1.39 %; 16 bits: 3.32 % of a sample of 2**16 pairs, standard error 0.024 %; at most 22.22 %."""
    assert agrees(from_family("udm", bits=2, signed=False).metrics()["MRE%"] * 9 / 16, "1.39")   # over all 16 pairs
    sampled = from_family("udm", bits=16, signed=False).metrics(rng=np.random.default_rng(0))
    assert abs(sampled["MRE%"] - 3.322) < 5 * 0.024 + 0.0005      # 5 sigma: false alarms 6e-7
    assert agrees(from_family("udm", signed=False).metrics()["WCRE%"], "22.22")


def test_jamming_makes_zero_inexact_and_says_so():
    assert from_family("operand_jammed", t=2, signed=False)(0, 0) == 4
    assert from_family("truncated", k=8, correction="constant", signed=False)(0, 0) == 448


# wrong sums of 4:2 compressors, of 16 (or 32 with a carry input): counts that the papers print
WRONG = {"momeni1": 12, "momeni2": 4, "venkatachalam-ko": 5, "exact42": 0}


@pytest.mark.parametrize("cell", WRONG)
def test_compressor_cells_err_as_often_as_the_papers_say(cell):
    chained = cell in compressors.CHAINED
    builder = Builder([("A", 4), ("B", 1)])
    (a, b, c, d), (carry_in,) = builder.operands
    total, carry, out = compressors.COMPRESSORS[cell](builder, a, b, c, d, carry_in if chained else 0)
    netlist = builder.netlist([total, carry, out])
    wrong = 0
    for x in range(16):
        for w in range(2 if chained else 1):
            word = int(netlist(x, w))
            wrong += bit(word, 0) + 2 * (bit(word, 1) + bit(word, 2)) != x.bit_count() + w
    assert wrong == WRONG[cell]
    if cell == "momeni2":
        assert netlist(0, 0) == 1                                   # 0000 -> 1: products with zero are not zero


def plain_cell(name, a, b, c, d, cin):
    """(sum, carry, carry out) from the equations of the papers, on single bits."""
    if name == "exact42":
        total = a + b + c + d + cin
        out = int(a + b + c >= 2)
        return total % 2, (total - 2 * out) // 2, out
    if name == "momeni1":
        return (1 - cin) * int(a == b or c == d), cin, int((a or b) and (c or d))
    if name == "momeni2":
        return int(a == b or c == d), int((a or b) and (c or d)), 0
    return int(a != b or c != d or a + b + c + d == 4), int(a + b == 2 or c + d == 2), 0


def plain_tree(x, w, bits, cell, limit, plan):
    """The product by moving single bits through the plan, unsigned."""
    columns = [[bit(x, i) * bit(w, k - i) for i in reversed(range(bits)) if 0 <= k - i < bits]
               for k in range(2 * bits)]
    for stage in plan:
        new, chains = [[] for _ in range(2 * bits + 1)], [[] for _ in range(2 * bits + 1)]
        for kind, column, count in stage:
            taken = [columns[column].pop(0) for _ in range(count)]
            if kind in ("42", "42c"):
                cin = chains[column].pop(0) if kind == "42c" and chains[column] else 0
                total, carry, out = plain_cell(cell if column < limit else "exact42", *taken, cin)
                if kind == "42c":
                    chains[column + 1].append(out)
            else:
                total, carry = sum(taken) % 2, sum(taken) // 2
            new[column].append(total)
            new[column + 1].append(carry)
        columns = [columns[k] + new[k] + chains[k] for k in range(2 * bits)]
    return sum(sum(column) << k for k, column in enumerate(columns)) % 4 ** bits


@pytest.mark.parametrize("cell", WRONG)
@pytest.mark.parametrize("bits, limit", [(4, None), (5, 5), (8, None), (8, 8)])
def test_compressor_trees_follow_their_plan(cell, bits, limit):
    heights = [min(k, 2 * bits - 2 - k, bits - 1) + 1 for k in range(2 * bits - 1)] + [0]
    reach = 2 * bits if limit is None else limit
    plan = compressors.compressor_plan(heights, lambda c: cell in compressors.CHAINED or c >= reach)
    multiplier = from_family("compressor", cell=cell, columns=limit, bits=bits, signed=False)
    for x, w in pairs(bits, False, bits):
        assert multiplier(x, w) == plain_tree(x, w, bits, cell, reach, plan)


def test_exact_compressors_multiply_exactly_signed_too():
    for bits in (2, 3, 8):
        signed = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1))
        products = np.multiply.outer(signed, signed)
        assert np.array_equal(from_family("compressor(cell=exact42)", bits=bits).lut, products)
    assert from_family("compressor(exact42)", bits=16)(-32768, 32767) == -32768 * 32767


def test_a_tree_is_data():
    """A plan that does not fit its columns is refused, with the place."""
    builder = Builder([("A", 4), ("B", 4)])
    with pytest.raises(ValueError, match="plan must leave at most two wires"):
        compressors.compressor_tree(builder, *builder.operands, False, plan=((("42", 3, 4),),))
    with pytest.raises(ValueError, match="plan places 42 on 4 wires of column 2, which has 3"):
        compressors.compressor_tree(builder, *builder.operands, False, plan=((("42", 2, 4),),))
    with pytest.raises(ValueError, match="plan places FA on 3 wires of column 0"):
        reduction.reduce_columns(builder, [[2], [3]], ((("FA", 0, 3),),))
    with pytest.raises(ValueError, match="leave at most two"):
        reduction.reduce_columns(builder, [[2, 3, 4]], ())


def half_chained_plan(heights):
    return compressors.compressor_plan(heights, lambda column: column % 2 == 1)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_plans_reduce_any_columns(heights):
    for make in (reduction.dadda_plan, reduction.wallace_plan, half_chained_plan):
        left = list(heights) + [0] * 12
        for stage in make(left):
            new, chain = [0] * (len(left) + 1), [0] * (len(left) + 1)
            for cell, column, count in stage:
                left[column] -= count
                assert left[column] >= 0
                new[column] += 1
                new[column + 1] += 1
                if cell == "42c":
                    chain[column] -= chain[column] > 0
                    chain[column + 1] += 1
            left = [a + b + c for a, b, c in zip(left, new, chain, strict=False)]
        assert max(left) <= 2


def test_dadda_uses_the_published_number_of_adders():
    """n**2 - 4 n + 3 full adders and n - 1 half adders in the tree, 2 n - 2 positions in the last addition."""
    for bits in (4, 8, 12):
        heights = [min(k, 2 * bits - 2 - k, bits - 1) + 1 for k in range(2 * bits - 1)] + [0]
        placed = [cell for stage in reduction.dadda_plan(heights) for cell, _, _ in stage]
        assert placed.count("FA") == bits ** 2 - 4 * bits + 3 and placed.count("HA") == bits - 1


def plain_loa(a, b, low, width):
    """Mahdiani's adder on integers."""
    mask = 2 ** low - 1
    carry = bit(a, low - 1) & bit(b, low - 1) if low else 0
    return (((a >> low) + (b >> low) + carry << low) | (a | b) & mask) % 2 ** width


@pytest.mark.parametrize("low", [0, 1, 3, 6])
def test_the_lower_part_or_adder(low):
    builder = Builder([("A", 6), ("B", 6)])
    columns = [[a, b] for a, b in zip(*builder.operands, strict=True)] + [[]]
    netlist = builder.netlist(reduction.last_addition(builder, columns, low))
    for a, b in pairs(6, False, low):
        assert netlist(a, b) == plain_loa(a, b, low, 7)


def test_a_family_multiplier_survives_verilog():
    netlist = family_netlist("broken_array(2, 5)", bits=8)
    assert np.array_equal(verilog.read(verilog.write(netlist)).lut, closed_forms.broken_array_products(2, 5))


def wrong_sign(x, w, bits, signed, h, v):
    return cells(x, w, bits, False, lambda i, j: i >= h and i + j >= v)


def wrong_operand(x, w, bits, signed, h, v):
    return broken_array(w, x, bits, signed, h, v)


def wrong_column(x, w, bits, signed, h, v):
    return broken_array(x, w, bits, signed, h, v + 1)


@pytest.mark.parametrize("mutant", [wrong_sign, wrong_operand, wrong_column])
def test_the_definitions_reject_wrong_circuits(mutant):
    multiplier = from_family("broken_array(1, 4)", bits=5)
    operands = pairs(5, True, 0)
    products = multiplier(*np.transpose(operands)).tolist()
    assert products == [broken_array(x, w, 5, True, 1, 4) for x, w in operands]
    assert products != [mutant(x, w, 5, True, 1, 4) for x, w in operands]
