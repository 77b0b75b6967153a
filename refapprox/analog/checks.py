"""What the analog part checks of weights, factors, curves and ranges."""
import numpy as np

from refapprox.validation import WrongKindError, check_finite, check_instance, check_real

MOST_PAIRS = 1000              # of devices for one weight
LARGEST = 1e100               # weight, factor or conductance: beyond it squares overflow
INVERTIBILITY_ATOL = 1e-4     # of the normalized weight: far above float32 rounding (1e-7), far below
                              # what programming noise does (1e-2)


class RaggedCurvesError(ValueError):
    """Curves of unequal length."""


class NotInvertibleError(ValueError):
    """Curves whose weighted sum is not proportional to the weight."""


def check_range(g_max, g_min):
    """(g_max, g_min) with 0 <= g_min < g_max."""
    g_max, g_min = check_real("g_max", g_max, maximum=LARGEST), check_real("g_min", g_min)
    if not 0 <= g_min < g_max:
        raise ValueError(f"g_max must be above g_min, and that not negative, got g_max={g_max}, g_min={g_min}.")
    return g_max, g_min


def check_filled(weights, name="weights"):
    """`weights` as finite float64, at least one."""
    weights = check_weights(weights, name)
    if weights.size == 0:
        raise ValueError(f"{name} must not be empty.")
    return weights


def check_factors(f_lst):
    """`f_lst` as a tuple of positive floats."""
    if len(check_instance("f_lst", f_lst, (list, tuple, np.ndarray))) == 0:
        raise ValueError("f_lst must be a non-empty list of factors, got an empty one.")
    if len(f_lst) > MOST_PAIRS:
        raise ValueError(f"f_lst must hold at most {MOST_PAIRS} factors, got {len(f_lst)}.")
    factors = tuple(check_real(f"f_lst[{j}]", factor, maximum=LARGEST) for j, factor in enumerate(f_lst))
    if min(factors) < 1 / LARGEST:
        raise ValueError(f"f_lst must hold positive factors, got {list(factors)}.")
    return factors


def check_weights(weights, name="weights"):
    """`weights` as finite float64, small enough to be squared and summed."""
    weights = check_finite(name, weights, dtype=np.float64)
    if np.max(np.abs(weights), initial=0.0) > LARGEST:
        raise ValueError(f"{name} must not exceed {LARGEST:g}, got {np.abs(weights).max():g}.")
    return weights


def check_curves(g_lst, count):
    """`g_lst` as a float64 array (count, n)."""
    if not isinstance(g_lst, (list, tuple, np.ndarray)) or not all(
            isinstance(curve, (list, tuple, np.ndarray)) for curve in g_lst):
        raise WrongKindError(f"g_lst must be a list of lists of conductances, got {type(g_lst).__name__}.")
    if len(g_lst) != count:
        raise ValueError(f"g_lst must have {count} curves, two for each factor in f_lst, got {len(g_lst)}.")
    lengths = sorted({len(curve) for curve in g_lst})
    if len(lengths) != 1:
        raise RaggedCurvesError(f"g_lst must hold curves of one length, got lengths {lengths}.")
    if lengths[0] < 2:
        raise ValueError(f"g_lst must hold at least 2 conductances per curve, got {lengths[0]}.")
    return check_finite("g_lst", g_lst, dtype=np.float64)


def check_breakpoints(w_lst, count):
    """`w_lst` as a strictly increasing array from -1 to 1; equispaced when it is None."""
    if w_lst is None:
        return np.linspace(-1.0, 1.0, count)
    breakpoints = check_finite("w_lst", w_lst, dtype=np.float64)
    if breakpoints.shape != (count,):
        raise ValueError(f"w_lst must have {count} breakpoints, one for each conductance of a curve, "
                         f"got shape {breakpoints.shape}.")
    if breakpoints[0] != -1 or breakpoints[-1] != 1 or (np.diff(breakpoints) <= 0).any():
        raise ValueError(f"w_lst must increase strictly from -1 to 1, got {breakpoints.tolist()}.")
    return breakpoints


def check_invertible(represented, breakpoints):
    """Refuse curves that represent another weight than the one asked for, at any breakpoint."""
    error = np.abs(represented - breakpoints)
    worst = int(error.argmax())
    if error[worst] > INVERTIBILITY_ATOL:
        raise NotInvertibleError(f"g_lst must represent the normalized weight at every breakpoint: at index {worst} "
                                 f"wanted {breakpoints[worst]:.6g}, got {represented[worst]:.6g}.")
