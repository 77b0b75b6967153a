"""Other implementations to compare with, where they are installed; None, and said so, where they are not."""
import numpy as np


def torchapprox_conv2d():
    """(x, w, multiplier) -> a function without arguments that convolves codes with torchapprox's CPU kernel, or None.

    im2col included: float codes in, int32 sums (m, n, pixels) out, as in its forward pass. The kernel is compiled
    when it is first imported.
    """
    try:
        import torch
        from torchapprox.operators.backend import approx
    except (ImportError, RuntimeError, OSError) as error:
        print(f"skipped: torchapprox is not installed here ({error})")
        return None

    def prepare(x, w, multiplier):
        lut = multiplier.lut
        if multiplier.signed:                               # its tables are in two's-complement order
            lut = np.roll(lut, (-multiplier.qmin, -multiplier.qmin), axis=(0, 1))
        kind = torch.int8 if multiplier.signed else torch.uint8
        maps = torch.from_numpy(x.astype(np.float32))
        kernels = torch.from_numpy(w.astype(np.float32)).to(kind).reshape(w.shape[0], -1)

        def convolve():
            patches = torch.nn.functional.unfold(maps, w.shape[2:]).to(kind)
            if multiplier.signed:                           # weights first, as its convolution calls it
                return approx(kernels, patches, table)
            # its CPU kernel takes unsigned codes only with the batch in the first operand
            return approx(patches.transpose(1, 2), kernels.T, table).transpose(1, 2)

        table = torch.from_numpy(np.array(lut.T if multiplier.signed else lut, order="C"))
        return convolve

    return prepare


def torch_module():
    """PyTorch, or None."""
    try:
        import torch
    except ImportError as error:
        print(f"skipped: PyTorch is not installed here ({error})")
        return None
    return torch
