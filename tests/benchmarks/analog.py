"""The numbers of docs/results.md, section Analog:  python -m tests.benchmarks analog  (about three minutes)."""
import time

import numpy as np

from refapprox import analog

PCM = analog.PCMLikeNoiseModel()
TIMES = (1.0, 3600.0, 86400.0, 2592000.0)
SIX_TIMES = (1.0, 60.0, 3600.0, 86400.0, 2592000.0, 31104000.0)
BASELINE = analog.DualPairConductanceConverter([1, 1])


def gaussian(seed=0):
    """The weights of every number here: 512 x 20, standard deviation 0.3, clipped at 1."""
    return np.clip(np.random.default_rng(seed).normal(0, 0.3, (512, 20)), -1, 1)


def objective_time():
    """Processor time of one objective evaluation in a population of 500, two pairs, six times, hypercube included."""
    search = analog.WeightProgrammingOptimizer(gaussian(), [1, None], PCM, SIX_TIMES, BASELINE)
    search.evaluations, search.best_loss = 0, np.inf
    x = np.random.default_rng(1).uniform(0, 1, (500, search.cube.n_dims))
    search.objective(x)
    times = []
    for _ in range(9):
        begin = time.process_time()
        search.objective(x)
        times.append((time.process_time() - begin) / len(x) * 1e6)
    print(f"\nobjective, population 500, 2 pairs, 6 times: median {np.median(times):.0f} us, worst {max(times):.0f} us")


def closed_form_against_simulation(runs=200):
    print(f"\n| strategy | expected | simulated, {runs} runs | ± s.e. | difference "
          "| simulated, reconvert |\n|---|---|---|---|---|---|")
    cube = analog.Hypercube([1, 2], 25, 0)
    custom = cube.denormalize(np.random.default_rng(8).uniform(0, 0.3, (1, cube.n_dims))).converter(0, 25, 0)
    strategies = {"single pair": analog.SinglePairConductanceConverter(), "two pairs [1, 1]": BASELINE,
                  "two pairs [1, 2.3]": analog.DualPairConductanceConverter([1, 2.3]), "custom, random": custom}
    for name, strategy in strategies.items():
        expected = analog.expected_tnmse(strategy, gaussian(), PCM, TIMES)
        found = analog.monte_carlo_tnmse(strategy, gaussian(), PCM, TIMES, rng=np.random.default_rng(2), runs=runs)
        again = analog.monte_carlo_tnmse(strategy, gaussian(), PCM, TIMES, rng=np.random.default_rng(3), runs=runs // 2,
                                         aging="reconvert")
        print(f"| {name} | {expected:.6f} | {found.mean:.6f} | {found.standard_error:.6f} "
              f"| {100 * (expected / found.mean - 1):+.2f} % | {100 * (again.mean / found.mean - 1):+.2f} % |")


def row(name, search):
    begin = time.process_time()
    result = search.run_optimizer()
    seconds = time.process_time() - begin
    simulated, error = result.improvement_monte_carlo
    plain, found = (", ".join(f"{factor:.3g}" for factor in converter.f_lst)
                    for converter in (result.plain_converter, result.converter))
    print(f"| {name} | {result.baseline:.6f} | {result.plain:.6f} [{plain}] | {result.best:.6f} [{found}] "
          f"| {100 * result.improvement:.2f} % | {100 * simulated:.2f} ± {100 * error:.2f} % "
          f"| {100 * (1 - result.best / result.plain):+.2f} % | {result.evaluations} | {seconds:.0f} s "
          f"| {result.stop_reason} |")
    return result


def optimizations():
    print("\n| search | baseline [1, 1] | best plain [factors] | optimized [factors] | below baseline, expected "
          "| simulated | below best plain | strategies scored | processor time | evolution ended |")
    print(10 * "|---" + "|")
    weights = gaussian()
    seeded = analog.WeightProgrammingOptimizer(weights, [1, None], PCM, TIMES, BASELINE)
    row("PCM, seeded", seeded)
    for seed in (100, 1, 2):
        row(f"PCM, not seeded, seed {seed}", analog.WeightProgrammingOptimizer(
            weights, [1, None], PCM, TIMES, BASELINE, seeding=False, seed=seed))
    row("PCM, no compensation", analog.WeightProgrammingOptimizer(weights, [1, None], PCM, TIMES, BASELINE,
                                                                  compensation=None))
    row("PCM, three pairs [1, ., .]", analog.WeightProgrammingOptimizer(weights, [1, None, None], PCM, TIMES, BASELINE,
                                                                        maxiter=60))
    for name, device in (("HERMES, 2 devices", analog.HermesNoiseModel()),
                         ("HERMES, 1 device", analog.HermesNoiseModel(num_devices=1)),
                         ("state-independent", analog.StateIndependentNoiseModel())):
        row(name, analog.WeightProgrammingOptimizer(
            weights, [1, None], device, TIMES, analog.DualPairConductanceConverter([1, 1], device.g_max)))
    row("ReRAM, 1 s, 1 and 2 days", analog.WeightProgrammingOptimizer(
        weights, [1, None], analog.ReRamWan2022NoiseModel(), (1.0, 86400.0, 172800.0), BASELINE))
    return seeded


def stationarity(search, directions=20_000, step=1e-3):
    """Relative rise of the loss per unit step away from the best plain strategy, along axes and random directions."""
    plain = search.run_optimizer().plain_converter
    x, rng = search.cube.normalize(plain), np.random.default_rng(0)
    axes = np.concatenate([np.eye(len(x)), -np.eye(len(x))])
    random = rng.standard_normal((directions, len(x)))
    moves = step * np.concatenate([axes, random / np.linalg.norm(random, axis=1, keepdims=True)])
    losses = search.objective(np.clip(np.concatenate([x[None], x + moves]), 0, 1), search.fine_loss)
    slopes = (losses[1:] / losses[0] - 1) / step
    print(f"\nbest plain strategy of PCM {plain}: smallest slope along {len(axes)} half axes "
          f"{slopes[:len(axes)].min():.1e}, along {directions} random directions {slopes[len(axes):].min():.3f}")


def main():
    objective_time()
    closed_form_against_simulation()
    stationarity(optimizations())


if __name__ == "__main__":
    main()
