"""Whole tables: error maps, metrics over all operands, and the circuits of EvoApproxLib and ApproxFlow, by hash."""
import math

import numpy as np

from refapprox.conformance.spec.base import Part, family, operation
from refapprox.conformance.spec.examples import Example, by_hash, hashed, rounding
from refapprox.conformance.spec.tables import TABLES, broken_array, codes_of, entries, look_up, operands, truncated

# ---- parts

error = Part("The error of a product.", lambda exact, approximate: exact - approximate, {
    "error sign": ("approximate - exact instead of exact - approximate (torchapprox's error_map)",
        lambda exact, approximate: approximate - exact)})
in_map = Part("What an error map holds.", lambda errors, signed: errors, {
    "absolute errors": ("magnitudes are averaged", lambda errors, signed: np.abs(errors)),
    "error map in two's-complement order": ("rows and columns of an error map follow the bit patterns",
        lambda errors, signed: np.roll(errors, (128, 128), (0, 1)) if signed else errors)})
averaged = Part("What the bias averages.", lambda errors: errors, {"absolute errors": np.abs})


def over_all_pairs(errors, exact):
    return np.divide(np.abs(errors), np.abs(exact), out=np.zeros(errors.shape), where=exact != 0)


relative = Part(
    "Relative errors: over the pairs with a product that is not 0.",
    lambda errors, exact: np.abs(errors[exact != 0]) / np.abs(exact[exact != 0]), {
    "relative errors over all pairs": ("products of 0 count as pairs without a relative error", over_all_pairs),
    "products of zero as one": ("relative errors are taken to max(1, |exact|), over all pairs",
        lambda errors, exact: np.abs(errors) / np.maximum(np.abs(exact), 1))})
found_in = Part("Where the name of a circuit is looked up.", lambda release: release, {
    "circuit of the other release": ("the name is looked up in another release of EvoApproxLib, where it denotes "
        "another circuit", lambda release: {"v1.1": "v2022", "v2022": "v1.1"}.get(release, release))})
evolved = Part("Hash of a table without a formula.", lambda right, transposed: right, {
    "transposed table": lambda right, transposed: transposed})


def whole_table(m, signed):
    """Products of all pairs of codes."""
    codes = codes_of(signed)
    return np.broadcast_to(look_up(m, signed, codes[:, None], codes[None, :]), (256, 256)).astype(np.int64)


def pairs(lut, signed):
    """(exact, approximate) products of all pairs of codes."""
    codes = codes_of(signed)
    return codes[:, None] * codes, whole_table(entries(lut, signed), signed)


# ---- circuits: what a name denotes

SIGNED = {      # release -> name -> parameters of T(t) or B(h, v), as identified over all 65536 entries
    "v1.1": {"1KV8": (0,), "1L2H": (1,), "1L2D": (2,), "1L1G": (3,), "1KVA": (0, 2), "1KVB": (0, 3), "1KX2": (0, 4),
             "1KR8": (1, 0), "1KR6": (1, 3), "1KRC": (1, 4), "1KVL": (2, 5), "1KTY": (3, 0), "1KR3": (6, 0)},
    "v2022": {"1KV6": (0,), "1L2J": (1,), "1L2L": (2,), "1L2N": (3,), "1KV8": (0, 2), "1KV9": (0, 3), "1KVA": (0, 4),
              "1KVM": (1, 0), "1KVP": (1, 3), "1KVQ": (1, 4), "1KX5": (2, 5), "1KXF": (3, 0), "1L12": (6, 0)},
}

# name -> SHA-256 of the table, of the transposed one, and its entries at EVOLVED_SPOTS. Evolved circuits have no
# formula: these are the circuits' C sources, evaluated; TFApprox's published files of them agree. Row: first C operand
EVOLVED = {
    "2AC": ("a35038a327ce37df35abda2f2dcfaf2205a4162a40b071f0fbd0253f5a9a63aa",
            "2272fa292760f70c6ed49d7a7888e9a1fbe6d9ec364285d8a9ba074bc4581050", [32, 36, 32, 11428, 11424, 64991]),
    "2HH": ("fd634a50e82b8daabb78914e309ebb6073b93206430ec34be3e7c9e2c08f6db6",
            "cd38aecf83807919893289c0f36b247a188f86dd5e02421547c9974333d5ebfd", [64, 64, 84, 11456, 11412, 65046]),
    "2P7": ("71c1d1dfbb236746c9cea95e40e54d1d2b342384b928692e18cad7b583d4cc8b",
            "e1822b5b02f91c982d2ea17a18dd5be0e110c2fa3759c482d3488d0dad290169", [0, 0, 2, 11401, 11402, 65027]),
    "17KS": ("a84ba0b0bebf25620ea160dcc82ea2dd98388293c4cf8612fe944e44173aaaf3",
             "ebaf6334d30b0ff2fe3849e67afa0800b638f4302f15c6a8dd50cf30f6eeb95a", [0, 0, 0, 11473, 11328, 64737]),
    "QJD": ("031977db1c351baa5c0d9aae9443303187e60f0e8dec2d6ab1875f6fde32aa9c",
            "4012c058f64bd330af34b7ca6b53b4179b37263ed30efd57b8f5ee9518ac8d5c", [0, 0, 0, 11392, 11400, 65055]),
    "ZFB": ("b4942f0cdfb84e012a2d912dfcb08ab4c4169c615c616e6f47755b35f1af9baa",
            "09b888310aa72ee8c1fa50c84c988963fec5c88f03e2a9c02f031e6ff5e5fea7", [0, 0, 0, 11464, 11336, 65023]),
}
EVOLVED_SPOTS = ((0, 0), (0, 255), (255, 0), (200, 57), (57, 200), (255, 255))


def underdesigned(x, w, bits=8):
    """Blocks of 2x2 bits in which 3 * 3 is 7, added exactly."""
    if bits == 2:
        return np.where((x == 3) & (w == 3), 7, x * w)
    half, mask = bits // 2, 2 ** (bits // 2) - 1
    low, cross, high = (underdesigned(x & mask, w & mask, half),
                        underdesigned(x >> half, w & mask, half) + underdesigned(x & mask, w >> half, half),
                        underdesigned(x >> half, w >> half, half))
    return low + (cross << half) + (high << bits)


def significance_driven(x, w):
    """Rows 2r and 2r + 1, a bit of x each, share the cells of columns up to 7 + r by OR; the rest is added."""
    summed = 0
    for r in range(4):
        even, odd = ((w << row) * (x >> row & 1) for row in (2 * r, 2 * r + 1))
        shared = even & odd & (1 << 8 + r) - 1      # where both rows have a bit, OR loses one of the two
        summed = summed + even + odd - shared
    return summed


def tangent_planes(x, w, level):
    """2**level parts an axis; in each the tangent plane at its midpoint, not below 0."""
    side = 256 >> level
    mx, mw = x // side * side + side // 2, w // side * side + side // 2
    return np.maximum(mx * w + mw * x - mx * mw, 0)


UNSIGNED = {      # (release, name) -> its formula
    ("v1.1", "mul8u_1JFF"): lambda x, w: x * w, ("ApproxFlow", "accurate"): lambda x, w: x * w,
    ("ApproxFlow", "approximate"): underdesigned, ("ApproxFlow", "LUT_SDLC"): significance_driven,
    ("ApproxFlow", "LUT_OU(L.1)"): lambda x, w: tangent_planes(x, w, 1),
    ("ApproxFlow", "LUT_OU(L.3)"): lambda x, w: tangent_planes(x, w, 3)}


def formula(parameters):
    """m(x, w) of T(t) or of the signed B(h, v)."""
    if len(parameters) == 1:
        return lambda x, w: truncated(x, w, *parameters)
    return lambda x, w: broken_array(x, w, *parameters, True)


# ---- operations


@operation("error_map", "error-maps", by_hash, hashed)
def error_map(*, lut, signed):
    """exact - approximate of a whole table -> (256, 256) integers."""
    return in_map(error(*pairs(lut, signed)), signed)


@operation("mae wce ep mre wcre mse bias", "error-metrics",
           rounding(lambda inputs, right: {key: max(abs(value), 1.0) for key, value in right.items()}, 1024,
                    "65536 terms, of one sign but in the bias"))
def error_metrics(*, lut, signed):
    """MAE, WCE, EP%, MRE%, WCRE%, MSE and bias over all operand pairs, of exact - approximate; relative errors over
    the pairs with a product that is not 0."""
    exact, approximate = pairs(lut, signed)
    errors = error(exact, approximate)
    parts, sizes = relative(errors, exact).ravel(), np.abs(errors)
    count = errors.size
    return (int(sizes.sum()) / count, float(sizes.max()), 100 * int((errors != 0).sum()) / count,
            100 * math.fsum(parts.tolist()) / parts.size, 100 * float(parts.max()), int((sizes ** 2).sum()) / count,
            int(averaged(errors).sum()) / count)


@operation("lut", "circuits", by_hash, hashed)
def circuit(*, release, name):
    """The table, value order, of a circuit of EvoApproxLib `release` ("v1.1" or "v2022", row = first C parameter),
    or of ApproxFlow (`release` "ApproxFlow")."""
    short = name.removeprefix("mul8u_")
    if (release, name) in UNSIGNED:
        return whole_table(UNSIGNED[release, name], False)
    if release == "v1.1" and short in EVOLVED:
        return evolved(*EVOLVED[short][:2])
    short, found = name.removeprefix("mul8s_"), SIGNED[found_in(release)]
    return whole_table(formula(found[short] if short in found else SIGNED[release][short]), True)


# ---- examples


@family("error_map")
def maps():
    """exact - approximate."""
    for name in ("broken_s8", "truncated_s8", "offset_s8", "offset_u8", "broken_u8"):
        yield Example(name, error_map, operands(name), f"error map of {TABLES[name][2]}: exact - approximate")


@family("error_metrics")
def metrics():
    """As EvoApproxLib defines them."""
    for name in ("exact_s8", "broken_s8", "truncated_s8", "offset_s8", "offset_u8", "broken_u8"):
        yield Example(name, error_metrics, operands(name),
                      f"MAE, WCE, EP%, MRE%, WCRE%, MSE and bias of {TABLES[name][2]}")


def evolved_check(entries):
    return lambda inputs, right: {"kind": "sha256", "shape": [256, 256], "reason": "integers",
                                  "spots": [[list(at), value] for at, value in zip(EVOLVED_SPOTS, entries,
                                                                                   strict=True)]}


@family("circuits")
def circuits():
    """Published circuits, which the names of two releases denote differently; tables that ApproxFlow publishes."""
    for release, names in SIGNED.items():
        for name, parameters in names.items():
            what = f"{'T' if len(parameters) == 1 else 'B'}({', '.join(map(str, parameters))})"
            yield Example(f"{release}-mul8s_{name}", circuit, {"release": release, "name": f"mul8s_{name}"},
                          f"mul8s_{name} of release {release} is {what}")
    for name, (*_, found) in EVOLVED.items():
        yield Example(f"v1.1-mul8u_{name}", circuit, {"release": "v1.1", "name": f"mul8u_{name}"},
                      f"mul8u_{name} of release v1.1, row = first C parameter; m(0,0) = {found[0]}, m(200,57) = "
                      f"{found[3]}, m(57,200) = {found[4]}", evolved_check(found))
    for release, name in UNSIGNED:
        yield Example(f"{release}-{name}", circuit, {"release": release, "name": name},
                      f"what {name} of {release} is meant to be")
