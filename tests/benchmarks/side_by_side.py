"""python -m tests.benchmarks.side_by_side [steps | tables] [1 | 2]: training, tables beside PyTorch, torchapprox.

Every part runs in a process of its own, with one BLAS thread and 1 or 2 workers of ours, beside PyTorch with as many
threads; alone, and beside a busy process that this program starts and ends. Prints the tables of docs/results.md.
"""
import contextlib
import json
import os
import subprocess
import sys
from functools import partial


def main(arguments):
    threads = [int(argument) for argument in arguments if argument.isdigit()] or [1, 2]
    for part in [argument for argument in arguments if not argument.isdigit()] or PARTS:
        PARTS[part](threads)


def run(function, threads, busy):
    """What `function` of this module prints as JSON in a process of its own."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads)}
    with neighbor() if busy else contextlib.nullcontext():
        command = [sys.executable, "-m", "tests.benchmarks.side_by_side", "--measure", function, str(threads)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def neighbor():
    """A process that holds a core."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def steps(all_threads):
    """One training step of 128 images, as multiples of PyTorch's, alone and beside a neighbor."""
    times = {(threads, busy): run("step_times", threads, busy) for threads in all_threads for busy in (False, True)}
    heads = (f"threads {threads}: ms | times PyTorch | beside a neighbor, times alone" for threads in all_threads)
    print("| | " + " | ".join(heads) + " |")
    print("|---|" + "---|" * (3 * len(all_threads)))
    for name, peer in PEERS.items():
        cells = []
        for threads in all_threads:
            alone, beside = times[threads, False], times[threads, True]
            if peer not in alone:
                cells += [f"{alone[name] * 1e3:.1f}", "PyTorch is not installed"]
            else:
                cells += [f"{alone[name] * 1e3:.1f}", f"{alone[name] / alone[peer]:.2f}"]
            cells.append(f"{beside[name] / alone[name]:.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("PyTorch's own, ms: " + ", ".join(
        f"{name} with {threads} threads {times[threads, False].get(name, float('nan')) * 1e3:.1f}, "
        f"beside a neighbor {times[threads, True].get(name, float('nan')) * 1e3:.1f}"
        for name in dict.fromkeys(PEERS.values()) for threads in all_threads))


PEERS = {f"ResNet-8, {mode}": "PyTorch, ResNet-8" for mode in
         ("float", "quantized", "noise", "approximate, rank 5", "approximate, rank 1")}
PEERS |= {"LeNet-5, float": "PyTorch, LeNet-5", "depthwise convolutions of MobileNetV2": "PyTorch, depthwise"}


def step_times(threads):
    """name -> median seconds of a step on the clock, ours with `threads` workers."""
    from refapprox.nets import LeNet5, ResNet
    from tests.benchmarks import training_time
    from tests.benchmarks.peers import torch_module
    from tests.benchmarks.timing import interleaved
    torch = torch_module()
    found = {}
    for name, make_net, shape, turns in (("ResNet-8", ResNet, (3, 32, 32), 7), ("LeNet-5", LeNet5, (1, 28, 28), 40)):
        modes = [mode for mode in training_time.MODES if f"{name}, {mode}" in PEERS]
        ours = training_time.our_steps(make_net, modes, threads)
        candidates = {f"{name}, {mode}": step for mode, step in ours.items()}
        if torch:
            torch.set_num_threads(threads)
            peer = training_time.torch_resnet8(torch) if make_net is ResNet else training_time.torch_lenet5(torch)
            candidates[f"PyTorch, {name}"] = training_time.torch_step(torch, peer)
        batch = training_time.batch(shape)
        found |= interleaved({key: partial(step, *batch) for key, step in candidates.items()}, turns)
    return found | interleaved(training_time.depthwise(torch, threads), 4)


def tables(all_threads):
    """The 13 signed circuits on the five shapes: torchapprox's time, and the limit's, as multiples of ours."""
    import numpy as np

    from tests.benchmarks.timing import geometric_mean
    for threads in all_threads:
        alone, beside = (run("table_times", threads, busy) for busy in (False, True))
        print(f"\n| circuit, shape, {threads} threads | ms | times faster than torchapprox | fraction of the limit |")
        print("|---|---|---|---|")
        ratios = {key: (times.get("torchapprox", np.nan) / times["ours"], times["limit"] / times["ours"])
                  for key, times in alone.items()}
        for key, (faster, fraction) in ratios.items():
            print(f"| {key} | {alone[key]['ours'] * 1e3:.2f} | {faster:.1f} | {fraction:.2f} |")
        faster, fraction = np.array(list(ratios.values())).T
        slower = [beside[key]["ours"] / times["ours"] for key, times in alone.items()]
        print(f"{threads} threads: times faster than torchapprox: geometric mean {geometric_mean(faster):.2f}, least "
              f"{faster.min():.2f}; fraction of the limit: {geometric_mean(fraction):.2f}, least {fraction.min():.2f}; "
              f"beside a neighbor, times alone: {geometric_mean(slower):.2f}, most {max(slower):.2f}", flush=True)


def table_times(threads):
    """"circuit, shape" -> median seconds of ours, of the limit and of torchapprox.

    The limit is rank times the float32 matrix product of the same shape, its patches already taken, one thread of BLAS,
    shared perfectly among the threads.
    """
    import numpy as np

    from refapprox import load_library
    from tests.benchmarks.peers import torchapprox_conv2d
    from tests.benchmarks.table_products import SHAPES, operands, run_of
    from tests.benchmarks.timing import medians
    peer = torchapprox_conv2d()
    found = {}
    for shape in SHAPES:
        n, h, c, m, k = shape
        rng = np.random.default_rng(0)
        kernels = rng.standard_normal((m, c * k * k), np.float32)
        patches = rng.standard_normal((c * k * k, n * (h - k + 1) ** 2), np.float32)
        product = medians({"": lambda a=kernels, b=patches: a @ b}, rounds=2, repeats=5)[""].clock
        for multiplier in load_library():
            x, w = operands(shape)
            candidates = {"ours": run_of(x, w, multiplier, workers=threads)}
            times = medians(candidates, rounds=1, repeats=7)
            if peer:
                theirs = peer(x, w, multiplier)
                expected = theirs().numpy()
                if not np.array_equal(candidates["ours"]().reshape(expected.shape), expected):
                    raise SystemExit(f"{multiplier.name} on {shape}: other integers than torchapprox")
                times |= medians({"torchapprox": theirs}, rounds=1, repeats=3)
            limit = multiplier.factorization.rank * product / threads
            found[f"{multiplier.name}, {shape}"] = {name: time.clock for name, time in times.items()} | {"limit": limit}
    return found


PARTS = {"steps": steps, "tables": tables}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps({"step_times": step_times, "table_times": table_times}[sys.argv[2]](int(sys.argv[3]))))
    else:
        main(sys.argv[1:])
