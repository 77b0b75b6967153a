"""Training and evaluation: one loop for the four stages.

The stages differ in the mode of the multiplying layers, the hyperparameters, and in the noise search the noise
loss: loss = cross entropy - lmbd * sum_l share_l * min(|sigma_l|, sigma_max).
"""
from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from refapprox.ops import cross_entropy, noise_loss
from refapprox.optimizer import SGD, TRAINED
from refapprox.validation import (
    check_array,
    check_callback,
    check_codes,
    check_finite,
    check_instance,
    check_numbers,
    shown,
)

KEPT_BYTES = 512 << 20      # of memory that training frees and takes again
STAGES = {"baseline": "float", "quant": "quantized", "gradient": "noise", "approx": "approximate"}      # -> mode


class TrainingStopped(ValueError):
    """Training cannot go on, usually because the loss diverged; what was stored before is untouched."""


@dataclass
class Progress:
    """Where a stage stands after so many epochs: enough to go on from it to the same bits.

    `velocity` is the momentum of the optimizer, `record` the epoch in numbers: loss, accuracy, time, learning rate,
    noise levels.
    """

    stage: str
    epoch: int = 0
    velocity: dict = field(default_factory=dict)
    record: dict = field(default_factory=dict)


def topk_accuracy(output: ArrayLike, target: ArrayLike, topk: tuple = (1,)) -> list[float]:
    """Share of samples whose label is among the k largest outputs, one value for each k; ties count by index.

    Parameters
    ----------
    output : array, shape (n, classes)
    target : int array, shape (n,)
    topk : tuple of int

    Returns
    -------
    list of float

    Raises
    ------
    TypeError
        If output does not hold real numbers, or a k is no integer.
    ValueError
        If output is not finite, a label is not in [0, classes), a k not in [1, classes], or the shapes do not match.

    Examples
    --------
    >>> topk_accuracy([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [0, 1], topk=(1, 2))
    [0.5, 1.0]
    """
    output, target = check_finite("output", check_numbers("output", output)), check_array("target", target)
    if output.ndim != 2 or target.shape != output.shape[:1] or output.size == 0:
        raise ValueError(f"topk_accuracy needs output (n, classes) and target (n,), n > 0, "
                         f"got {output.shape} and {target.shape}.")
    target = check_codes("target", target, 0, output.shape[1] - 1)
    topk = check_codes("topk", topk, 1, output.shape[1], ndim=1).tolist()
    falling = -output if output.dtype.kind == "f" else ~output      # ~ does not leave int64 as - would
    ranked = np.argsort(falling, axis=1, kind="stable")
    hits = ranked == target[:, None]
    return [float(hits[:, :k].any(axis=1).mean()) for k in topk]


def evaluate(net, batches, topk=(1,)):
    """(mean cross entropy, list of top-k accuracies) of `net` over `batches` of (images, labels), without noise."""
    total, hits, count = 0.0, np.zeros(len(topk)), 0
    for images, labels in batches:
        logits = net.forward(images)
        loss, _ = cross_entropy.forward(logits, labels)
        total += float(loss) * len(labels)
        hits += np.array(topk_accuracy(logits, labels, topk)) * len(labels)
        count += len(labels)
    if count == 0:
        raise ValueError("batches of evaluate must hold at least one sample, got none.")
    return total / count, (hits / count).tolist()


def noise_term(net, lmbd, sigma_max):
    """Noise loss of `net`; adds its gradient to that of every sigma."""
    layers = [layer for _, layer in net.noisy_modules]
    shares = np.array([layer.opcount for layer in layers]) / net.total_ops
    value, cache = noise_loss.forward([layer.stdev for layer in layers], shares, lmbd=lmbd, sigma_max=sigma_max)
    for layer, gradient in zip(layers, noise_loss.backward(cache), strict=True):
        layer.parameters["sigma"].grad = layer.parameters["sigma"].grad + gradient
    return value


def fit(net, datamodule, stage, settings, *, lmbd=0.0, sigma_max=0.5, progress=None, on_epoch=None, on_batch=None):
    """Train `net` through the epochs of one stage.

    Parameters
    ----------
    net : ApproxNet
    datamodule : DataModule
    stage : {"baseline", "quant", "gradient", "approx"}
    settings : StageSettings
    lmbd, sigma_max : float, optional
        Weight and cap of the noise term, "gradient" only.
    progress : Progress, optional
        Where to go on from; the network must hold the state of that moment.
    on_epoch : callable, optional
        Called with the Progress after every epoch.
    on_batch : callable, optional
        Called with (batches done, batches in all) after every batch.

    Raises
    ------
    TrainingStopped
        If the loss becomes nan or infinite, or a batch does not fit: stage, epoch and batch are named.
    """
    check_callback("on_epoch", on_epoch, "the Progress"), check_callback("on_batch", on_batch, "two numbers")
    progress = Progress(stage) if progress is None else check_instance("progress", progress, Progress)
    keep_freed_memory()
    net.set_mode(STAGES[stage])
    trained = trained_parameters(net, settings.trained, with_sigma=stage == "gradient")
    optimizer = SGD(trained, momentum=settings.momentum, weight_decay=settings.weight_decay)
    for name, velocity in progress.velocity.items():
        optimizer.velocity[name][...] = velocity
    sigma_lr = settings.lr if settings.sigma_lr is None else settings.sigma_lr
    for epoch in range(progress.epoch, settings.epochs):
        started = time.perf_counter()
        shuffle_rng = net.begin_epoch(stage, epoch)
        decay = settings.decay(epoch)
        rates = {name: decay * (sigma_lr if name.endswith(".sigma") else settings.lr) for name in trained}
        total, count = 0.0, 0
        batches = datamodule.train_batches(shuffle_rng)
        for index, (images, labels) in enumerate(batches):
            loss = train_step(net, optimizer, rates, images, labels,
                              lmbd=lmbd if stage == "gradient" else None, sigma_max=sigma_max,
                              where=f"stage {stage}, epoch {epoch + 1}, batch {index + 1}")
            total, count = total + loss * len(labels), count + len(labels)
            if on_batch is not None:
                on_batch(index + 1, datamodule.num_train_batches)
        val_loss, (val_accuracy, *_) = evaluate(net, datamodule.val_batches())
        record = {"stage": stage, "epoch": epoch + 1, "loss": total / count, "val_loss": val_loss,
                  "val_accuracy": val_accuracy, "lr": decay * settings.lr,
                  "seconds": time.perf_counter() - started}
        if stage == "gradient":
            record["sigma"] = {name: float(layer.stdev) for name, layer in net.noisy_modules}
        progress = Progress(stage, epoch + 1, optimizer.velocity, record)
        if on_epoch is not None:
            on_epoch(progress)
    return progress


def trained_parameters(net, what, *, with_sigma=False):
    """name -> Parameter of what a stage trains; see `StageSettings.trained`. Noise levels learn in the search only."""
    parameters, keys = net.named_parameters(with_sigma=with_sigma), TRAINED[what]
    if keys is None:
        return parameters
    chosen = {name: p for name, p in parameters.items() if name.rpartition(".")[2] in (*keys, "sigma")}
    if not any(not name.endswith(".sigma") for name in chosen):
        raise ValueError(f"trained must name something that {net.name} has, got {shown(what)}: there is no "
                         f"{' and no '.join(keys)}.")
    return chosen


def train_step(net, optimizer, rates, images, labels, *, lmbd=None, sigma_max=0.5, where=""):
    """Forward, backward and update for one batch; returns the loss."""
    try:
        logits = net.forward(images, training=True)
    except ValueError as error:
        raise TrainingStopped(f"{where}: {error}") from error
    if not np.isfinite(logits).all():
        raise diverged("the loss is", where)
    loss, cache = cross_entropy.forward(logits, labels)
    net.backward(cross_entropy.backward(cache))
    if lmbd is not None:
        loss = loss + noise_term(net, lmbd, sigma_max)
    optimizer.step(rates)
    if not all(np.isfinite(p.value).all() for p in optimizer.parameters.values()):
        raise diverged("the weights are", where)
    return float(loss)


def seconds_of_passes(net, images):
    """{mode: seconds of a forward pass over `images` in training} and "backward"; the network is left as it was."""
    state, mode, seconds = net.state(), net.mode, {}
    net.begin_epoch("gradient", 0)
    for name in ("float", *STAGES.values()):      # the first pass takes the memory of the others, and sees ranges
        for _, layer in net.noisy_modules:
            layer.calibrating = not seconds
        net.set_mode(name)
        started = time.perf_counter()
        logits = net.forward(images, training=True)
        seconds[name] = time.perf_counter() - started
    started = time.perf_counter()
    net.backward(np.full_like(logits, 1 / logits.size))
    seconds["backward"] = time.perf_counter() - started
    net.load_state(state)
    net.set_mode(mode)
    return seconds


@cache
def keep_freed_memory():
    """Have the C library keep the memory that a step frees for the next one; once, and harmless where it has no effect.

    glibc returns memory to the system when twice the largest block freed so far lies idle at the end of what it has,
    and taking it again costs a page fault for every 4 KiB: 3,000 to 16,000 in a step of ResNet-8. A freed block of
    nearly 32 MiB, the most that counts, makes it take such blocks from one region; the last block of that region, which
    stays, keeps what lies before it. Nothing is touched, so a process holds no more than it once needed.
    """
    np.empty((32 << 20) - 8192, np.uint8)
    try:
        region = [np.empty(31 << 20, np.uint8) for _ in range(KEPT_BYTES // (31 << 20))]
    except MemoryError:
        return None
    return region.pop()


def diverged(what, where):
    return TrainingStopped(f"{what} no longer finite in {where}: lower the learning rate, or look at the data.")
