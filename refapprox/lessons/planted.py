"""Two small frameworks for lesson 9. Each has one mistake in it, planted on purpose."""
import numpy as np

from refapprox.conformance import Adapter

__all__ = ["Framework", "SecondFramework"]


class Framework(Adapter):
    """Sums of products and convolutions through a table of products."""

    name = "small framework"

    def matmul(self, *, x, w, lut, signed):
        low = -128 if signed else 0
        return lut[x[:, :, None] - low, w[None] - low].sum(axis=1, dtype=np.int64)

    def conv2d(self, *, x, w, lut, signed, stride, padding, dilation, groups, x_zero_point, w_zero_point):
        if groups > 1 or np.any(w_zero_point):
            raise NotImplementedError("no groups, and symmetric weights")
        low, (n, _, height, width), (m, _, kernel_h, kernel_w) = -128 if signed else 0, x.shape, w.shape
        rows, columns = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in zip(
            (height, width), (kernel_h, kernel_w), stride, padding, dilation, strict=True))
        y = np.zeros((n, m, rows, columns), np.int64)
        for i, j, p, q in np.ndindex(kernel_h, kernel_w, rows, columns):
            row = p * stride[0] - padding[0] + i * dilation[0]
            column = q * stride[1] - padding[1] + j * dilation[1]
            if 0 <= row < height and 0 <= column < width:      # outside is zero, and zero times anything is zero
                y[:, :, p, q] += lut[x[:, None, :, row, column] - low, w[:, :, i, j] - low].sum(axis=2)
        return y - x_zero_point * w.sum(axis=(1, 2, 3)).reshape(m, 1, 1)


class SecondFramework(Adapter):
    """Quantization and its gradient."""

    name = "second small framework"

    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return (np.clip(np.rint(x / scale), qmin, qmax) + zero_point).astype(np.int64)

    def fake_quantize(self, *, x, scale, zero_point, qmin, qmax):
        codes = np.clip(np.rint(x / scale) + zero_point, qmin, qmax)
        return (codes - zero_point) * scale
