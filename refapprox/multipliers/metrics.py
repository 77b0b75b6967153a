"""Error metrics of one multiplier, with EvoApproxLib's definitions.

Over all operand pairs, e = exact - approximate:

    MAE  = mean |e|            MAE%  = 100 MAE / 2**(output bits)
    WCE  = max |e|             WCE%  = 100 WCE / 2**(output bits)
    EP%  = 100 mean [e != 0]   MSE   = mean e**2
    MRE% = 100 mean |e| / |exact|   and   WCRE% = 100 max |e| / |exact|,  both over exact != 0 only
    NMED = MAE / max |exact|   bias  = mean e

The percentages of MAE and WCE refer to the number of output codes, not to the largest product.

Under operand distributions p(x), q(w), every mean becomes a sum with weights p(x) q(w), MRE% one with weights that sum
to one over exact != 0, and the maxima run over pairs of positive weight. MAE is then the weighted mean error distance
(WMED). NMED keeps its denominator, so multipliers stay comparable between distributions.

References
----------
Z. Vasicek, V. Mrazek, L. Sekanina, "Automated circuit approximation method driven by data distribution", DATE 2019,
arXiv:1903.04188 (WMED).
V. Mrazek, R. Hrbacek, Z. Vasicek, L. Sekanina, "EvoApprox8b: library of approximate adders and multipliers for circuit
design and benchmarking of approximation methods", DATE 2017, doi:10.23919/DATE.2017.7926993; the
conventions are those of the headers of its published circuits.
"""
import numpy as np


def error_metrics(exact, error, output_bits, weights=None):
    """All metrics of a table or a sample of operand pairs.

    Parameters
    ----------
    exact, error : integer ndarrays of one shape
        Exact products and exact - approximate; float64 errors are taken where int64 could not hold them.
    output_bits : int
        Width of the product.
    weights : float ndarray of that shape, optional
        Probability of every pair, summing to one; equal ones by default.

    Returns
    -------
    dict of str to float
        MAE, MAE%, WCE, WCE%, WCRE%, EP%, MRE%, MSE, NMED, bias, variance (ddof 0).
    """
    exact, error = (widen(a).ravel() for a in (exact, error))
    largest = np.abs(exact).max()
    if weights is not None:
        weights = np.asarray(weights, dtype=np.float64).ravel()
        possible = weights > 0
        exact, error, weights = exact[possible], error[possible], weights[possible]

    def mean(values, of=weights):
        return values.mean() if of is None else values @ (of / of.sum())

    magnitude = np.abs(error)
    squares = magnitude.astype(np.float64) ** 2      # up to 2**64: too wide for int64, harmless in float64
    nonzero = exact != 0
    relative = magnitude[nonzero] / np.abs(exact[nonzero])
    mae, wce, bias = float(mean(magnitude)), float(magnitude.max()), float(mean(error))
    codes = 2.0 ** output_bits
    return {
        "MAE": mae, "MAE%": 100 * mae / codes,
        "WCE": wce, "WCE%": 100 * wce / codes,
        "WCRE%": float(100 * relative.max(initial=0.0)),
        "EP%": float(100 * mean(error != 0)),
        "MRE%": float(100 * mean(relative, None if weights is None else weights[nonzero])) if relative.size else 0.0,
        "MSE": float(mean(squares)),
        "NMED": float(mae / largest) if largest else 0.0,
        "bias": bias,
        "variance": float(mean((error - bias) ** 2)),
    }


def widen(array):
    """`array` as int64; uint64 and float64 are wide enough as they are."""
    array = np.asarray(array)
    return array if array.dtype in (np.uint64, np.float64) else array.astype(np.int64)
