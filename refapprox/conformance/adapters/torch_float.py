"""PyTorch's own operators: float layers and gradients by autograd, quantization by its operators.

Products through a table have no operator there; they are put together from advanced indexing and `unfold`, so that
one framework-free pipeline more stands beside the others.
"""
from refapprox.conformance.adapter import Adapter


class Torch(Adapter):
    """`dtype` is "float64" (the default) or "float32"."""

    def __init__(self, dtype="float64"):
        import torch
        self.torch, self.dtype = torch, getattr(torch, dtype)
        self.name = f"PyTorch {torch.__version__}, {dtype}"

    def real(self, array, grad=False):
        return self.torch.tensor(array, dtype=self.dtype, requires_grad=grad)

    def whole(self, array):
        return self.torch.tensor(array).long()

    # ---- tables, by advanced indexing

    def multiply(self, *, x, w, lut, signed):
        low = -128 if signed else 0
        return self.whole(lut)[self.whole(x) - low, self.whole(w) - low].numpy()

    def matmul(self, *, x, w, lut, signed):
        low = -128 if signed else 0
        return self.whole(lut)[self.whole(x)[:, :, None] - low, self.whole(w)[None] - low].sum(1).numpy()

    def linear(self, *, x, w, lut, signed, x_zero_point, w_zero_point):
        zero_points = self.whole(w_zero_point)
        sums = self.torch.tensor(self.matmul(x=x, w=w.T, lut=lut, signed=signed))
        x, w = self.whole(x), self.whole(w)
        return (sums - x_zero_point * w.sum(1) - zero_points * x.sum(1, keepdim=True)
                + x.shape[1] * x_zero_point * zero_points).numpy()

    def conv2d(self, *, x, w, lut, signed, stride, padding, dilation, groups, x_zero_point, w_zero_point):
        functional, (top, left) = self.torch.nn.functional, padding
        padded = functional.pad(self.torch.tensor(x, dtype=self.torch.float64), (left, left, top, top),
                                value=float(x_zero_point))
        size = [(s - d * (k - 1) - 1) // step + 1
                for s, d, k, step in zip(padded.shape[2:], dilation, w.shape[2:], stride, strict=True)]
        zero_points = self.torch.broadcast_to(self.whole(w_zero_point), (len(w),)).reshape(groups, -1).tolist()
        outputs = []
        for part, kernels, zero_point in zip(padded.chunk(groups, 1), self.whole(w).chunk(groups, 0), zero_points,
                                             strict=True):
            fields = functional.unfold(part, tuple(w.shape[2:]), tuple(dilation), 0, tuple(stride)).long()
            rows = fields.transpose(1, 2).reshape(-1, fields.shape[1]).numpy()
            sums = self.linear(x=rows, w=kernels.flatten(1).numpy(), lut=lut, signed=signed, x_zero_point=x_zero_point,
                               w_zero_point=self.torch.tensor(zero_point).numpy())
            outputs.append(self.torch.tensor(sums).reshape(len(x), -1, len(kernels)).transpose(1, 2))
        return self.torch.cat(outputs, 1).reshape(len(x), len(w), *size).numpy()

    # ---- quantization

    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        dtype = {(-128, 127): self.torch.qint8, (0, 255): self.torch.quint8}.get((qmin, qmax))
        if dtype is None:
            raise NotImplementedError("quantize_per_tensor has the ranges of int8 and uint8")
        return self.torch.quantize_per_tensor(self.torch.tensor(x).float(), scale, zero_point, dtype).int_repr().numpy()

    def quantization_parameters(self, *, low, high, scheme, qmin, qmax):
        observers, torch = self.torch.ao.quantization, self.torch
        if scheme == "symmetric":
            raise NotImplementedError("PyTorch's symmetric scale is 2 max|x| / (qmax - qmin), another definition")
        made = observers.MinMaxObserver(dtype=torch.qint8 if qmin < 0 else torch.quint8,
                                        qscheme=torch.per_tensor_affine,
                                        quant_min=qmin, quant_max=qmax)
        made(torch.tensor([low, high]))
        scale, zero_point = made.calculate_qparams()
        return scale.numpy()[0], zero_point.numpy()[0]

    def fake_quantize(self, *, x, scale, zero_point, qmin, qmax):
        return self.torch.fake_quantize_per_tensor_affine(self.real(x), scale, zero_point, qmin, qmax).numpy()

    def fake_quantize_gradient(self, *, dy, x, scale, zero_point, qmin, qmax):
        x = self.real(x, grad=True)
        y = self.torch.fake_quantize_per_tensor_affine(x, scale, zero_point, qmin, qmax)
        return self.pulled_back(y, dy, x)

    def linear_layer_gradient(self, *, dy, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, **geometry):
        torch, low = self.torch, -128 if signed else 0
        x, w = self.real(x, grad=True), self.real(w, grad=True)
        scale = torch.broadcast_to(torch.tensor(w_scale), (len(w),)).float()
        zero_point = torch.broadcast_to(torch.tensor(w_zero_point), (len(w),)).int()
        x_fake = torch.fake_quantize_per_tensor_affine(x, x_scale, x_zero_point, low, low + 255)
        w_fake = torch.fake_quantize_per_channel_affine(w.float(), scale, zero_point, 0, low, low + 255).to(self.dtype)
        functional = torch.nn.functional
        y = functional.conv2d(x_fake, w_fake, **geometry) if geometry else functional.linear(x_fake, w_fake)
        return self.pulled_back(y, dy, x, w)

    conv2d_layer_gradient = linear_layer_gradient

    # ---- noise

    def noisy(self, x, sigma, eps):
        return x + sigma * self.torch.std(x) * self.real(eps)

    def noise_layer(self, *, x, sigma, eps):
        return self.noisy(self.real(x), sigma, eps).numpy()

    def noise_layer_gradient(self, *, dy, x, sigma, eps):
        x, sigma = self.real(x, grad=True), self.real(sigma, grad=True)
        return self.pulled_back(self.noisy(x, sigma, eps), dy, x, sigma)

    def reward(self, sigmas, opcounts, lmbd, sigma_max):
        """As agnapprox writes it, layer by layer."""
        torch, counts = self.torch, self.real(opcounts)
        return -lmbd * sum(share * torch.minimum(torch.abs(sigma), self.real(sigma_max))
                           for share, sigma in zip(counts / counts.sum(), sigmas, strict=True))

    def noise_loss(self, *, sigmas, **inputs):
        return self.reward(self.real(sigmas), **inputs).numpy()

    def noise_loss_gradient(self, *, sigmas, **inputs):
        sigmas = self.real(sigmas, grad=True)
        return self.pulled_back(self.reward(sigmas, **inputs), 1.0, sigmas)

    # ---- float layers

    def float_conv2d(self, *, x, w, **geometry):
        return self.torch.nn.functional.conv2d(self.real(x), self.real(w), **geometry).numpy()

    def float_conv2d_gradient(self, *, dy, x, w, **geometry):
        x, w = self.real(x, grad=True), self.real(w, grad=True)
        return self.pulled_back(self.torch.nn.functional.conv2d(x, w, **geometry), dy, x, w)

    def batch_norm(self, *, x, gamma, beta, running_mean, running_var, training, momentum, eps):
        mean, var = self.real(running_mean), self.real(running_var)
        y = self.torch.nn.functional.batch_norm(self.real(x), mean, var, self.real(gamma), self.real(beta), training,
                                                momentum, eps)
        return y.numpy(), mean.numpy(), var.numpy()

    def batch_norm_gradient(self, *, dy, x, gamma, eps):
        x, gamma, beta = self.real(x, grad=True), self.real(gamma, grad=True), self.real(0 * gamma, grad=True)
        y = self.torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, eps=eps)
        return self.pulled_back(y, dy, x, gamma, beta)

    def cross_entropy(self, *, logits, labels):
        logits = self.real(logits, grad=True)
        loss = self.torch.nn.functional.cross_entropy(logits, self.whole(labels))
        return loss.detach().numpy(), self.pulled_back(loss, 1.0, logits)

    def topk_accuracy(self, *, logits, labels, topk):
        ranked = self.real(logits).topk(max(topk), dim=1).indices
        hits = ranked == self.whole(labels)[:, None]
        return self.torch.stack([hits[:, :k].any(1).to(self.dtype).mean() for k in topk]).numpy()

    def pulled_back(self, y, dy, *leaves):
        """Gradients of `leaves` for the cotangent `dy` of y."""
        gradients = self.torch.autograd.grad(y, leaves, self.real(dy))
        arrays = tuple(gradient.numpy() for gradient in gradients)
        return arrays if len(arrays) > 1 else arrays[0]
