"""The names of aihwkit.inference.compensation."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog import compensation as native_compensation  # the name is that of a folder here
from refapprox.validation import check_finite, check_integer


class BaseDriftCompensation:
    """Readout with one-hot inputs, and the factor that makes up for what has drifted away.

    Examples
    --------
    >>> GlobalDriftCompensation().get_readout_tensor(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def get_readout_tensor(self, in_size: int) -> NDArray[np.float64]:
        """The inputs of the readout: every one-hot vector."""
        return np.eye(check_integer("in_size", in_size, minimum=0, maximum=2 ** 14))

    def readout(self, out_tensor: ArrayLike) -> Any:
        """Mean magnitude of the outputs (in, out), at least 1e-4."""
        return self._readout_of("out_tensor", out_tensor)

    def apply(self, forward_output: ArrayLike, ref_value: Any) -> Any:
        """ref_value / readout(forward_output).

        Parameters
        ----------
        forward_output : array (in, out)
        ref_value : float, or array (out,)
            The readout right after programming.
        """
        return check_finite("ref_value", ref_value) / self._readout_of("forward_output", forward_output)

    def _readout_of(self, name, outputs):
        """`readout`, which calls the outputs by the name that the caller knows."""
        outputs = native_compensation.check_outputs(name, outputs)
        self.check_shape(outputs, name)
        return self.magnitude(outputs)

    def __str__(self):
        return f"{type(self).__name__}()"


class GlobalDriftCompensation(BaseDriftCompensation, native_compensation.GlobalDriftCompensation):
    """One factor for the array.

    Examples
    --------
    >>> GlobalDriftCompensation().apply([[0.5, -1.5]], ref_value=2.0).item()
    2.0
    """


class GlobalDriftCompensationWithExactReference(BaseDriftCompensation,
                                                native_compensation.GlobalDriftCompensationWithExactReference):
    """One factor for the array, against the target weights.

    Examples
    --------
    >>> GlobalDriftCompensationWithExactReference().readout([[0.5, -1.5]]).item()
    1.0
    """


class PerColumnDriftCompensation(BaseDriftCompensation, native_compensation.PerColumnDriftCompensation):
    """One factor for each output.

    Examples
    --------
    >>> PerColumnDriftCompensation().readout([[0.5, -1.5]]).tolist()
    [0.5, 1.5]
    """
