"""What is left of ``torch.autograd.Function`` without a graph: the context is handed out instead of hidden.

    y = ApproxGeMM.apply(x, w, lut, quant_params, None, None)              # as published
    y, ctx = ApproxGeMM.record(x, w, lut, quant_params, None, None)        # what autograd would remember, in `ctx`
    grad_x, grad_w, *_ = ApproxGeMM.backward(ctx, grad_output)             # as published
"""


class Context:
    """The context of one call, with the published attributes.

    Attributes
    ----------
    saved_tensors : tuple of ndarray
    needs_input_grad : list of bool
        For every input, True unless changed; `backward` leaves the gradient of others out (None).
    """

    def __init__(self, count):
        self.saved_tensors, self.needs_input_grad = (), [True] * count

    def save_for_backward(self, *arrays):
        """Keep `arrays` as `saved_tensors`."""
        self.saved_tensors = arrays


class Function:
    """Base of operators with the static methods `forward`, `setup_context` and `backward`."""

    @classmethod
    def apply(cls, *inputs, **options):
        """The output alone."""
        return cls.forward(*inputs, **options)

    @classmethod
    def record(cls, *inputs, **options):
        """(output, Context): what `backward` wants first, then."""
        output, ctx = cls.forward(*inputs, **options), Context(len(inputs))
        cls.setup_context(ctx, inputs, output)
        return output, ctx
