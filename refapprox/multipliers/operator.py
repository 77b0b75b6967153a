"""What every multiplier here is to its callers, whether it is a table, a function or gates.

`Multiplier` (a table), `Circuit` (a function) and `Netlist` (gates) are each a `BinaryOperator`: two integer operands
of known widths and signedness in, one integer out. Callers rely on this class alone. What has a table (products of at
most 8x8 bits) is tabulated once, when it is first asked for, whatever it is made of; the rest is evaluated pair by
pair.
"""
from __future__ import annotations

import hashlib
import html
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.multipliers.codes import (
    MAX_BITS,
    all_pairs,
    check_lut,
    code_range,
    codes,
    difference,
    memory_text,
    read_only,
)
from refapprox.multipliers.factorization import Factorization, factorize
from refapprox.multipliers.metrics import error_metrics
from refapprox.validation import check_broadcast, check_codes, check_distribution, check_integer, check_rng

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from refapprox.multipliers.circuits.netlist import Netlist

NUM_SAMPLES = 2 ** 16  # operand pairs that stand for all of them where there is no table


class BinaryOperator:
    """Two operands of known widths and signedness, and all that follows from them.

    A subclass has ``name``, ``bits_x``, ``bits_w``, ``output_bits``, ``signed`` and evaluates ``operator(x, w)`` for
    integer arrays; the attributes below stand for what it does not say.

    Attributes
    ----------
    operation : "mul" or "add"
        What it approximates.
    performance_metric : float
        What matching minimizes, such as the power in mW; nan where it is not known.
    release : str
        The release of the library that gives ``name`` its meaning.
    info : dict
        Whatever else is known of it.

    Examples
    --------
    >>> from refapprox.multipliers import Circuit, exact, family_netlist
    >>> operators = exact(4), Circuit("and", lambda x, w: x & w, 9, 9), family_netlist("udm", bits=4, signed=False)
    >>> [(operator.described(), operator.has_table) for operator in operators][1:]
    [('9x9 bits, signed multiplier', False), ('4x4 bits, unsigned multiplier', True)]
    """

    operation = "mul"
    performance_metric = float("nan")
    release = ""

    @cached_property
    def info(self) -> dict:
        """Whatever else is known of it; empty at first."""
        return {}

    @property
    def netlist(self) -> Netlist | None:
        """The netlist that it is, or was read from; None where there is none."""
        return self.info.get("netlist")

    @property
    def range_x(self) -> tuple[int, int]:
        """(qmin, qmax) of activations."""
        return code_range(self.bits_x, self.signed)

    @property
    def range_w(self) -> tuple[int, int]:
        """(qmin, qmax) of weights."""
        return code_range(self.bits_w, self.signed)

    @property
    def bits(self) -> int:
        """Width of both operands; a ValueError where they differ."""
        if self.bits_x != self.bits_w:
            raise ValueError(f"{self.name} is {self.bits_x}x{self.bits_w} bits: use bits_x and bits_w.")
        return self.bits_x

    @property
    def qmin(self) -> int:
        """Smallest code of both operands; a ValueError where their widths differ."""
        return code_range(self.bits, self.signed)[0]

    @property
    def qmax(self) -> int:
        """Largest code of both operands; a ValueError where their widths differ."""
        return code_range(self.bits, self.signed)[1]

    @property
    def has_table(self) -> bool:
        """Whether `lut` exists: products of at most 8x8 bits."""
        return self.operation == "mul" and max(self.bits_x, self.bits_w) <= MAX_BITS

    @cached_property
    def lut(self) -> NDArray[np.int32]:
        """Products in value order, ``lut[x - qmin, w - qmin]``, int32, read-only; a ValueError without a table."""
        if self.operation != "mul":
            raise ValueError(f"{self.name} is an adder: a table holds products and is compared with x * w.")
        if not self.has_table:
            size = memory_text(4 * 2 ** (self.bits_x + self.bits_w))
            raise ValueError(f"the table of {self.name} is not made: {self.bits_x}x{self.bits_w} bits would take "
                             f"{size} of int32; tables go up to {MAX_BITS}x{MAX_BITS}. Call it instead.")
        return check_lut(self.name, self.tabulate())

    def tabulate(self) -> NDArray[np.integer]:
        """All products, shape (2**bits_x, 2**bits_w), value order; a subclass that knows a faster way says so."""
        return self(*all_pairs(self)).reshape(2 ** self.bits_x, 2 ** self.bits_w)

    @cached_property
    def exact_products(self) -> NDArray[np.int32]:
        """x * w over the table, int32, read-only."""
        return read_only(np.multiply.outer(codes(self.bits_x, self.signed),
                                           codes(self.bits_w, self.signed)).astype(np.int32))

    @cached_property
    def error_map(self) -> NDArray[np.int32 | np.int64]:
        """exact - approximate, ``error_map[x - qmin, w - qmin]``, int32 (int64 if it would not fit)."""
        error = self.exact_products.astype(np.int64) - self.lut
        fits = np.abs(error).max() <= np.iinfo(np.int32).max
        return read_only(error.astype(np.int32) if fits else error)

    @cached_property
    def factorization(self) -> Factorization:
        """The table as a sum of outer products, see `multipliers.factorization`."""
        return factorize(self.lut, self.signed)

    @cached_property
    def lut_hash(self) -> str:
        """SHA-256 of signedness, widths and table: the identity of the circuit behind the name."""
        header = f"{'s' if self.signed else 'u'}{self.bits_x}x{self.bits_w}:".encode()
        return hashlib.sha256(header + self.lut.astype("<i4").tobytes()).hexdigest()

    def products_at(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.integer]:
        """Results at positions of the table, which are trusted.

        Parameters
        ----------
        rows, columns : integer arrays that broadcast
            Operands less their smallest code: x - qmin and w - qmin.
        """
        if self.has_table:
            return self.lut[rows, columns]
        return self(rows + self.range_x[0], columns + self.range_w[0])

    def exact(self, x: ArrayLike, w: ArrayLike) -> NDArray[np.integer]:
        """What an exact operator of this kind gives: int64, or uint64 where the result needs 64 unsigned bits.

        Parameters
        ----------
        x, w : integer arrays that broadcast, in range
        """
        wide = not self.signed and self.bits_x + self.bits_w >= 64
        x, w = (check_codes(name, a, *limits).astype(np.uint64 if wide else np.int64)
                for name, a, limits in (("x", x, self.range_x), ("w", w, self.range_w)))
        check_broadcast(x=x, w=w)
        return x * w if self.operation == "mul" else x + w

    def check_distributions(self, x_dist: ArrayLike | None, w_dist: ArrayLike | None) -> list[NDArray | None]:
        """Both operand distributions, checked; None stays None.

        Parameters
        ----------
        x_dist, w_dist : float arrays, shapes (2**bits_x,) and (2**bits_w,), or None
            Probability of every code in value order; None for uniform.
        """
        return [dist if dist is None else check_distribution(name, dist, 2 ** bits)
                for name, dist, bits in (("x_dist", x_dist, self.bits_x), ("w_dist", w_dist, self.bits_w))]

    def pair_weights(self, x_dist: ArrayLike | None, w_dist: ArrayLike | None) -> NDArray[np.float64] | None:
        """Probability of every operand pair, shape (2**bits_x, 2**bits_w); None where both are uniform.

        Parameters
        ----------
        x_dist, w_dist : float arrays, shapes (2**bits_x,) and (2**bits_w,), or None
            Probability of every code in value order; None for uniform.
        """
        p, q = self.check_distributions(x_dist, w_dist)
        if p is None and q is None:
            return None
        return np.multiply.outer(np.full(2 ** self.bits_x, 2.0 ** -self.bits_x) if p is None else p,
                                 np.full(2 ** self.bits_w, 2.0 ** -self.bits_w) if q is None else q)

    def is_sampled(self, num_samples: int = NUM_SAMPLES) -> bool:
        """Whether `metrics` draws operand pairs: there is no table, and more pairs than `num_samples`."""
        return not self.has_table and 2 ** (self.bits_x + self.bits_w) > num_samples

    def sample_operands(self, num_samples: int, *, rng: np.random.Generator, x_dist: ArrayLike | None = None,
                        w_dist: ArrayLike | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Operand pairs (x, w), drawn with replacement.

        Parameters
        ----------
        num_samples : int
        rng : numpy.random.Generator
        x_dist, w_dist : float arrays, shapes (2**bits_x,) and (2**bits_w,), optional
            Probability of every code in value order; uniform by default.
        """
        check_rng(rng)
        return tuple(rng.integers(low, high, size=num_samples, endpoint=True) if dist is None
                     else low + rng.choice(dist.size, size=num_samples, p=dist)
                     for dist, (low, high) in zip(self.check_distributions(x_dist, w_dist),
                                                  (self.range_x, self.range_w), strict=True))

    def metrics(self, x_dist: ArrayLike | None = None, w_dist: ArrayLike | None = None, *,
                num_samples: int = NUM_SAMPLES, rng: np.random.Generator | None = None) -> dict[str, float]:
        """Error metrics, see `multipliers.metrics`: of all operand pairs, or of a sample where they are too many.

        Of a sample, WCE and WCRE% are only lower bounds, and the means carry the sampling error of `num_samples`
        draws. As in EvoApproxLib's figures, pairs whose exact sum does not fit `output_bits` are left out (only
        adders without a carry output have such), and percentages of a signed adder refer to 2**(output_bits - 1).

        Parameters
        ----------
        x_dist, w_dist : float arrays, shapes (2**bits_x,) and (2**bits_w,), optional
            Probability of every code in value order; uniform by default. MAE is the WMED of these distributions.
        num_samples : int, optional
            How many pairs to draw where there is no table and there are more pairs.
        rng : numpy.random.Generator, optional
            Needed where a sample is drawn.

        Returns
        -------
        dict of str to float
            MAE, MAE%, WCE, WCE%, WCRE%, EP%, MRE%, MSE, NMED, bias = mean(exact - approximate), variance.

        Raises
        ------
        TypeError
            If a sample is to be drawn and `rng` is not a numpy.random.Generator.
        ValueError
            If a distribution does not fit, or exact results would need more than 64 bits.

        Examples
        --------
        >>> from refapprox import Multiplier
        >>> m = Multiplier("one wrong entry", [[0, 0], [0, 0]], signed=False)
        >>> m.metrics()["MAE"], m.metrics([0.5, 0.5], [0, 1])["MAE"]
        (0.25, 0.5)
        """
        num_samples = check_integer("num_samples", num_samples, minimum=1)
        if self.has_table:
            return error_metrics(self.exact_products, self.error_map, self.output_bits,
                                 self.pair_weights(x_dist, w_dist))
        if self.bits_x + self.bits_w > 64:
            raise ValueError(f"metrics of {self.name} need exact results of at most 64 bits, got operands of "
                             f"{self.bits_x}x{self.bits_w}.")
        if self.is_sampled(num_samples):
            (x, w), weights = self.sample_operands(num_samples, rng=rng, x_dist=x_dist, w_dist=w_dist), None
        else:
            (x, w), weights = all_pairs(self), self.pair_weights(x_dist, w_dist)
            weights = None if weights is None else weights.ravel()
        exact, result = self.exact(x, w), self(x, w)
        if self.operation == "add" and self.output_bits <= max(self.bits_x, self.bits_w):
            low, high = code_range(self.output_bits, self.signed)
            fits = (exact >= low) & (exact <= high)
            exact, result, weights = exact[fits], result[fits], None if weights is None else weights[fits]
        return error_metrics(exact, difference(exact, result),
                             self.output_bits - (self.operation == "add" and self.signed), weights)

    def transposed(self) -> BinaryOperator:
        """The same operator with its operands the other way round: what was the row is the column."""
        raise NotImplementedError

    def to_multiplier(self, name: str | None = None, **changes: object) -> BinaryOperator:
        """This operator as a `Multiplier`, a table of at most 8x8 bits; a `Multiplier` is that itself.

        Parameters
        ----------
        name : str, optional
            By default its own.
        **changes
            Other values of a Multiplier's performance_metric, release and info.

        Returns
        -------
        Multiplier

        Raises
        ------
        ValueError
            If it is an adder, or wider than 8x8 bits: the message says how much memory the table would take.
        """
        raise NotImplementedError

    def plot(self) -> Figure:
        """The error map: exact - approximate over both operands.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If it has no table.

        Examples
        --------
        >>> from refapprox import load_library
        >>> [axis.get_xlabel() for axis in load_library()["mul8s_1KVL"].plot().axes]
        ['activation x', '']
        """
        from refapprox.plotting.multipliers import error_map
        return error_map(self.to_multiplier())

    def _repr_html_(self):
        """Metrics, and the error map where there is a table: what a notebook shows."""
        from refapprox.report.page import html_figure, html_table
        if not self.has_table:
            return f"<p>{html.escape(repr(self))}</p>"
        rows = [(key, f"{value:.6g}") for key, value in self.metrics().items()]
        return html_figure(self.plot(), repr(self)) + html_table(("metric over all operand pairs", "value"), rows)

    def described(self) -> str:
        """Widths and kind in words, such as "8x8 bits, signed multiplier"."""
        noun = "multiplier" if self.operation == "mul" else "adder"
        return f"{self.bits_x}x{self.bits_w} bits, {'signed' if self.signed else 'unsigned'} {noun}"
