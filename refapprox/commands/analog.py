"""`refapprox analog`: optimize a programming strategy, print the evidence, write the strategy and the figures."""
import sys
import warnings
from pathlib import Path

import numpy as np

from refapprox import analog, files
from refapprox.validation import check_finite, check_integer, shown

DEVICES = {
    "pcm": analog.PCMLikeNoiseModel,
    "hermes": analog.HermesNoiseModel,
    "hermes-1-device": lambda **keywords: analog.HermesNoiseModel(num_devices=1, **keywords),
    "state-independent": analog.StateIndependentNoiseModel,
    "reram-cmo": analog.ReRamCMONoiseModel,
    "reram-wan2022": analog.ReRamWan2022NoiseModel,
}
COMPENSATIONS = {
    "global": analog.GlobalDriftCompensation(),
    "exact-reference": analog.GlobalDriftCompensationWithExactReference(),
    "per-column": analog.PerColumnDriftCompensation(),
    "none": None,
}
SCANNED = (0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)


def add_arguments(parser):
    parser.add_argument("--weights", default="gaussian", metavar="FILE|gaussian",
                        help=".npy, .npz (all arrays together) or a text file of numbers; or gaussian: 512 x 20 "
                             "weights, standard deviation 0.3, clipped at 1 (default)")
    parser.add_argument("--f-lst", default="1,none", help="factors of the pairs; none where to be optimized")
    parser.add_argument("--t-steps", default="1,3600,86400,2592000", help="times after programming in s")
    parser.add_argument("--baseline-f-lst", default="1,1", help="factors of the strategy to beat")
    parser.add_argument("--device", default="pcm", choices=sorted(DEVICES))
    parser.add_argument("--g-max", type=float, help="uS; default: that of the device model")
    parser.add_argument("--g-min", type=float, help="uS; default: that of the device model")
    parser.add_argument("--compensation", default="global", choices=sorted(COMPENSATIONS))
    parser.add_argument("--asymmetric", action="store_true", help="treat positive and negative weights apart")
    parser.add_argument("--nbins", type=int, default=6, help="discretized weights from -max |W| to 0")
    parser.add_argument("--popsize", type=int, default=15, help="population, as a multiple of the dimensions")
    parser.add_argument("--maxiter", type=int, default=200, help="generations at most")
    parser.add_argument("--unseeded", action="store_true", help="start without baseline and plain strategies")
    parser.add_argument("--runs", type=int, default=40, help="simulations behind each standard error")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for results.json and the figures")


def execute(args):
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *where, **options: print(f"refapprox analog: {message}", file=sys.stderr)
        return optimize(args)


def optimize(args):
    check_integer("--runs", args.runs, minimum=2)
    factors, baseline_factors = parse_factors("--f-lst", args.f_lst), parse_factors("--baseline-f-lst",
                                                                                    args.baseline_f_lst)
    if None in baseline_factors:
        raise ValueError(f"--baseline-f-lst must hold numbers only, got {args.baseline_f_lst!r}.")
    times = parse_numbers("--t-steps", args.t_steps)
    device = DEVICES[args.device](**({} if args.g_max is None else {"g_max": args.g_max}))
    compensation = COMPENSATIONS[args.compensation]
    weights = load_weights(args.weights, args.seed)
    if compensation == analog.PerColumnDriftCompensation() and weights.ndim != 2:
        raise ValueError(f"--weights must be one (in, out) matrix for compensation per column, got {weights.shape}.")
    g_min = device.g_min if args.g_min is None else args.g_min
    baseline = analog.NPairConductanceConverter(baseline_factors, device.g_max, g_min)
    search = analog.WeightProgrammingOptimizer(
        weights, factors, device, times, baseline, symmetric=not args.asymmetric, compensation=compensation,
        nbins=args.nbins, popsize=args.popsize, maxiter=args.maxiter, seeding=not args.unseeded,
        monte_carlo_runs=args.runs, seed=args.seed, progress=lambda generation: print(generation, flush=True))
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    result = search.run_optimizer()
    rows, interrupted = [], result.interrupted
    try:
        rows.extend(simulated_rows(result, search, factors, args.runs))
    except KeyboardInterrupt:      # the search is done: what was found is not lost with a row of the table
        interrupted = True
    rows.append(("optimized", result.best, result.best_monte_carlo))
    rows = [(name, expected, estimate.mean, estimate.standard_error) for name, expected, estimate in rows]
    print_summary(result, rows)
    if args.out is not None:
        from refapprox.plotting.analog import save_all

        files.write_json(args.out / "results.json", report(result, rows, search, args))
        for path in [args.out / "results.json", *save_all(result, weights, device, search.t_steps, compensation,
                                                          args.out)]:
            print(f"wrote {path}")
    return 130 if interrupted else 0


def parse_numbers(name, text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{name} must be numbers separated by commas, got {shown(text)}.") from None


def parse_factors(name, text):
    return [None if part.strip().lower() == "none" else parse_numbers(name, part)[0] for part in text.split(",")]


def load_weights(source, seed):
    """The weights of `--weights`: one array as it is, several pooled."""
    if source == "gaussian":
        return np.clip(np.random.default_rng(seed).normal(0, 0.3, (512, 20)), -1, 1)
    path = Path(source)
    if path.suffix == ".npz":
        arrays = [array for array in files.read_npz(path).values() if array.dtype.kind == "f"]
        if not arrays:
            raise ValueError(f"--weights {path} holds no array of floats.")
    elif path.suffix == ".npy":
        arrays = [files.read_npy(path)]
    else:
        lines = [line for line in files.read_text(path).splitlines() if line.strip()]
        if not lines:
            raise ValueError(f"--weights {path} must hold numbers, it is empty.")
        try:
            arrays = [np.loadtxt(lines, delimiter="," if path.suffix == ".csv" else None)]
        except ValueError as error:
            raise ValueError(f"--weights {path} must hold numbers: {error}") from None
    for array in arrays:
        check_finite(f"--weights {path}", array)
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.ravel(array) for array in arrays])


def simulated_rows(result, search, factors, runs):
    """(name, expected loss, LossEstimate) of the strategies beside the optimized one, each as soon as it is known."""
    yield "baseline", result.baseline, result.baseline_monte_carlo

    def simulated(converter, stream):
        return analog.monte_carlo_tnmse(converter, search.weights, search.device, search.t_steps, search.compensation,
                                        rng=stream, runs=runs)

    if len(factors) == 2 and None in factors:
        rng = np.random.default_rng([search.seed, 1])
        for factor in SCANNED:
            pair = [factor if f is None else f for f in factors]
            plain = analog.DualPairConductanceConverter(pair, search.cube.g_max, search.cube.g_min)
            yield f"plain [{pair[0]:g}, {pair[1]:g}]", search.score(plain), simulated(plain, rng)
    plain = ", ".join(f"{f:.4g}" for f in result.plain_converter.f_lst)
    rng = np.random.default_rng([search.seed, 2])
    yield f"best plain [{plain}]", result.plain, simulated(result.plain_converter, rng)


def print_summary(result, rows):
    print(f"\n{'strategy':24} {'expected':>10} {'simulated':>10} {'± s.e.':>9} {'vs baseline':>12}")
    for name, expected, mean, error in rows:
        print(f"{name:24} {expected:10.6f} {mean:10.6f} {error:9.6f} {100 * (1 - expected / result.baseline):10.2f} %")
    simulated, error = result.improvement_monte_carlo
    print(f"\n{result.stop_reason}; {result.evaluations} strategies scored in {result.seconds:.1f} s, "
          f"seed {result.seed}")
    print(f"below the baseline: {100 * result.improvement:.2f} % expected, "
          f"{100 * simulated:.2f} ± {100 * error:.2f} % simulated")


def report(result, rows, search, args):
    """What results.json holds."""
    converter = result.converter
    return {
        "device": repr(search.device), "compensation": args.compensation, "t_steps": list(search.t_steps),
        "weights": args.weights, "seed": result.seed, "stop_reason": result.stop_reason,
        "interrupted": result.interrupted, "evaluations": result.evaluations, "seconds": round(result.seconds, 3),
        "improvement": result.improvement,
        "losses": [dict(zip(("strategy", "expected", "simulated", "standard_error"), row, strict=True))
                   for row in rows],
        "strategy": {"f_lst": list(converter.f_lst), "w_lst": converter.breakpoints.tolist(),
                     "g_lst": converter.curves.tolist(), "g_max": converter.g_max, "g_min": converter.g_min},
        "history": [generation._asdict() for generation in result.history],
    }
