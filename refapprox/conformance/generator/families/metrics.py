"""Error metrics of one multiplier over all of its operands, as EvoApproxLib defines them."""
import math

from refapprox.conformance.generator.building import make, rounding
from refapprox.conformance.generator.tables import TABLES, product


def metrics(pairs, *, zeros="left out", sign=1, magnitudes=False):
    """MAE, WCE, EP%, MRE%, WCRE%, MSE and bias of (exact, approximate) pairs; errors are exact - approximate.

    Relative errors are over the pairs with a product that is not 0; or a product of 0 counts as no error, or as 1.
    """
    errors = [sign * (exact - approximate) for exact, approximate in pairs]
    count = len(pairs)
    if zeros == "left out":
        relative = [abs(e) / abs(p) for e, (p, _) in zip(errors, pairs, strict=True) if p]
    else:
        relative = [abs(e) / max(abs(p), 1) if p or zeros == "as one" else 0.0
                    for e, (p, _) in zip(errors, pairs, strict=True)]
    return {"mae": sum(map(abs, errors)) / count, "wce": float(max(map(abs, errors))),
            "ep": 100 * sum(e != 0 for e in errors) / count, "mre": 100 * math.fsum(relative) / len(relative),
            "wcre": 100 * max(relative), "mse": sum(e * e for e in errors) / count,
            "bias": sum(abs(e) if magnitudes else e for e in errors) / count}


def error_metrics():
    for name in ("exact_s8", "broken_s8", "truncated_s8", "offset_s8", "offset_u8", "broken_u8"):
        m, signed, qmin = product(name)
        codes = range(qmin, qmin + 256)
        pairs = [(x * w, m(x, w)) for x in codes for w in codes]

        def values(pairs=pairs, **how):
            return metrics(pairs, **how)

        right = values()
        yield make(f"error_metrics/{name}", "error_metrics", {"lut": {"table": name}, "signed": signed}, right,
                   probes=f"MAE, WCE, EP%, MRE%, WCRE%, MSE and bias of {TABLES[name][2]}",
                   check=rounding({key: max(abs(value), 1.0) for key, value in right.items()}, 1024,
                                  "65536 terms, of one sign but in the bias"),
                   reference="error-metrics",
                   mistakes={"relative errors over all pairs": values(zeros="as none"),
                             "products of zero as one": values(zeros="as one"), "error sign": values(sign=-1),
                             "absolute errors": values(magnitudes=True)})
