"""Error metrics of one multiplier, with EvoApproxLib's definitions.

Over all operand pairs, e = exact - approximate:

    MAE  = mean |e|            MAE%  = 100 MAE / 2**(output bits)
    WCE  = max |e|             WCE%  = 100 WCE / 2**(output bits)
    EP%  = 100 mean [e != 0]   MSE   = mean e**2
    MRE% = 100 mean |e| / |exact|   and   WCRE% = 100 max |e| / |exact|,  both over exact != 0 only
    NMED = MAE / max |exact|   bias  = mean e

The percentages of MAE and WCE refer to the number of output codes, not to the largest product.

References
----------
V. Mrazek, R. Hrbacek, Z. Vasicek, L. Sekanina, "EvoApprox8b", DATE 2017, doi:10.23919/DATE.2017.7926993;
the conventions are those of the headers of its published circuits.
"""
import numpy as np


def error_metrics(exact, error, output_bits):
    """All metrics of a table or a sample of operand pairs.

    Parameters
    ----------
    exact, error : integer ndarrays of one shape
        Exact products and exact - approximate; float64 errors are taken where int64 could not hold them.
    output_bits : int
        Width of the product.

    Returns
    -------
    dict of str to float
        MAE, MAE%, WCE, WCE%, WCRE%, EP%, MRE%, MSE, NMED, bias, variance.
    """
    exact, error = (widen(a).ravel() for a in (exact, error))
    magnitude = np.abs(error)
    squares = magnitude.astype(np.float64) ** 2      # up to 2**64: too wide for int64, harmless in float64
    nonzero = exact != 0
    relative = magnitude[nonzero] / np.abs(exact[nonzero])
    mae, wce, bias = magnitude.mean(), magnitude.max(), error.mean()
    codes = 2.0 ** output_bits
    largest = np.abs(exact).max()
    return {
        "MAE": float(mae), "MAE%": float(100 * mae / codes),
        "WCE": float(wce), "WCE%": float(100 * wce / codes),
        "WCRE%": float(100 * relative.max(initial=0.0)),
        "EP%": float(100 * (error != 0).mean()),
        "MRE%": float(100 * relative.mean()) if relative.size else 0.0,
        "MSE": float(squares.mean()),
        "NMED": float(mae / largest) if largest else 0.0,
        "bias": float(bias),
        "variance": float(((error - bias) ** 2).mean()),
    }


def widen(array):
    """`array` as int64; uint64 and float64 are wide enough as they are."""
    array = np.asarray(array)
    return array if array.dtype in (np.uint64, np.float64) else array.astype(np.int64)
