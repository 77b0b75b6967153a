"""aihwkit's interface of a drift compensation, as a mixin for the ones of `refapprox.analog`."""
import numpy as np


class BaseDriftCompensation:
    """Readout with one-hot inputs, and the factor that makes up for what has drifted away."""

    def get_readout_tensor(self, in_size):
        """The inputs of the readout: every one-hot vector."""
        return np.eye(in_size)

    def readout(self, out_tensor):
        """Mean magnitude of the outputs (in, out), at least 1e-4."""
        return self.magnitude(np.asarray(out_tensor, np.float64))

    def apply(self, forward_output, ref_value):
        """ref_value / readout(forward_output)."""
        return ref_value / self.readout(forward_output)

    def __str__(self):
        return f"{type(self).__name__}()"
