"""Does matching earn its energy? Several assignments of equal energy from one training, each retrained equally long.

From the quantized network of a run every seed searches its own noise levels; from there the network is retrained with
exact products, with the matched multipliers (published rule, and the same rule on exact moments), with the best uniform
assignment of no more energy, and with a random assignment of equal energy. What is finished is in RUN/claim/ and not
done again; what two rules agree on is retrained once. The table comes with a picture beside them.

Run it:  refapprox run --net resnet8 --dataset cifar10 --data-dir DATA --no-uniform --out runs/cifar0 \
             --epochs baseline=14,quant=2,gradient=2,approx=1
         python examples/energy_claim.py runs/cifar0 --seeds 3

What could another search space do?  python examples/energy_claim.py runs/cifar0 --spaces builtin generated FOLDER
prints the least energy at which errors stay below a share of what the layers put out, for each space by its own costs.
"generated" are families of gates, their costs by the package's power model and relative to its exact multiplier.
"""
import argparse
import dataclasses
import hashlib

import numpy as np

from refapprox import files
from refapprox.main_job import MainJob
from refapprox.main_job.console import Console
from refapprox.main_job.job import make_net, make_search_space
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import (
    AssignmentProblem,
    budget_assignment,
    deploy_multipliers,
    get_feature_maps,
    matching_info,
    matching_problem,
    simulated_stds,
    threshold_assignment,
)
from refapprox.multipliers import MultiplierLibrary, from_family
from refapprox.multipliers.circuits.cost import power
from refapprox.multipliers.family import family_netlist
from refapprox.plotting.style import GREYS, MARKERS, MEANING, new_figure, save
from refapprox.report import text_table

GENERATED = [f"broken_array(h={h},v={v})" for h in range(8) for v in (0, *range(2, 13))] + [
    f"{name}(t={t})" for name in ("operand_truncated", "operand_rounded", "operand_jammed") for t in range(1, 6)] + [
    f"truncated(k={k},correction={kind})" for k in range(2, 13) for kind in ("constant", "variable")] + [
    f"compressor(cell={cell},columns={n})" for cell in ("momeni1", "momeni2", "venkatachalam-ko") for n in (8, 12, 16)]
NOISES = 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05      # rms over layers of std of errors / std of outputs, weighed by share
LOST = 8      # points below exact products from which on a picture has a panel of its own for them
RULES = {"matched, published rule": "population", "matched, exact moments": "exact_data"}


def main(path, seeds=3, lmbd=None, sigma_max=None, images=None, epochs=None, lr=None, space=None,
         console=None):
    """Table of accuracies; returns name -> list over seeds of (relative energy, deployed, retrained)."""
    folder, config = RunFolder.open(path)
    job, console = MainJob(config, folder, console or Console()), console or Console()
    if epochs is not None:
        config = dataclasses.replace(config, epochs={**config.epochs, "approx": epochs})
    retraining = config.stages["approx"]
    if lr is not None:
        retraining = dataclasses.replace(retraining, lr=lr)
    job.net.stages = config.stages | {"approx": retraining}
    epochs = f"{retraining.epochs}" + ("" if lr is None else f"-lr{lr:g}")
    if images is not None:
        job.datamodule = job.datamodule.first(images)
    if space == "generated":
        job.search_space = generated()
        job.fallback, *_ = job.search_space
        job.library = MultiplierLibrary(job.search_space, space)
    out = files.make_folder(folder.path / "claim")
    lmbd = config.lmbd if lmbd is None else lmbd
    job.net.sigma_max = job.net.sigma_max if sigma_max is None else sigma_max
    settings = f"{lmbd:g}-{job.net.sigma_max:g}-{len(job.datamodule.train.labels)}"
    console.line(f"search and retraining on {len(job.datamodule.train.labels)} training images, lmbd {lmbd:g}, noise "
                 f"levels up to {job.net.sigma_max:g}, {retraining.epochs} epochs of retraining"
                 f"{'' if lr is None else f' at a learning rate of {lr:g}'}; tested on "
                 f"{len(job.datamodule.test.labels)}")
    found = {}
    for seed in range(seeds):
        start = searched(job, folder, out / f"{seed}-{settings}-searched.npz", seed, lmbd)
        for name, info in assignments(job, start, seed):
            chosen = hashlib.sha256(repr([layer.multiplier_name for layer in info.layers]).encode()).hexdigest()[:12]
            stored = out / f"{seed}-{settings}-{epochs}-{chosen}.json"
            if not stored.exists():
                files.write_json(stored, evaluated(job, start, info))
            result = files.read_json(stored)
            found.setdefault(name, []).append((result["energy"], result["deployed"], result["retrained"]))
            console.line(f"seed {seed}, {name}: energy {result['energy']:.3f}, "
                         f"deployed {100 * result['deployed']:.2f} %, retrained {100 * result['retrained']:.2f} %; "
                         + ", ".join(layer["multiplier_name"] for layer in result["layers"]))
    console.line(tolerances(job, out / f"0-{settings}-searched.npz"))
    console.line(table(found, len(job.datamodule.test.labels)))
    save(drawn(found), out / f"energy-{settings}-{epochs}.png")
    return found


def searched(job, folder, path, seed, lmbd):
    """State of the network after the noise search of `seed`."""
    if not path.exists():
        job.net.load_state(folder.load("quant").network)
        job.net.entropy = seed
        job.net.train_gradient(job.datamodule, lmbd=lmbd, initial_noise=job.config.initial_noise)
        files.write_npz(path, job.net.state())
    return files.read_npz(path)


def assignments(job, start, seed):
    """(name, MatchingInfo) of everything that is compared."""
    job.net.load_state(start)
    candidates = [*job.search_space, job.fallback]
    maps, last = job.feature_maps(), len(candidates) - 1
    for name, estimator in RULES.items():
        problem = matching_problem(job.net, job.datamodule, candidates, rng=np.random.default_rng(seed),
                                   feature_maps=maps, estimator=estimator)
        assignment = threshold_assignment(problem, last)
        yield name, matching_info(job.net, candidates, problem, assignment)
        if estimator == "population":
            published = problem, assignment
    problem, assignment = published
    layers = len(assignment.choice)
    uniform = {m: problem.assignment(np.full(layers, m)).energy for m in range(len(candidates))}
    affordable = [m for m, energy in uniform.items() if energy <= assignment.energy] or [min(uniform, key=uniform.get)]
    best = min(affordable, key=lambda m: problem.assignment(np.full(layers, m)).used)      # the least predicted error
    choices = {"quantized, exact products": np.full(layers, last), "best uniform": np.full(layers, best),
               "random, equal energy": random_choice(problem, assignment.energy, np.random.default_rng(seed))}
    for name, choice in choices.items():
        yield name, matching_info(job.net, candidates, problem, problem.assignment(choice))


def tolerances(job, path, cheapest=4):
    """The noise level of every layer, and the one at which the threshold rule would take each of the cheapest."""
    job.net.load_state(files.read_npz(path))
    candidates = sorted(job.search_space, key=lambda multiplier: multiplier.performance_metric)[:cheapest]
    problem = matching_problem(job.net, job.datamodule, candidates, rng=np.random.default_rng(0),
                               feature_maps=job.feature_maps())
    sigmas = np.array([abs(layer.stdev) for _, layer in job.net.noisy_modules])
    needed = problem.stds * (sigmas / problem.allowed)[:, np.newaxis]
    largest = job.fallback.performance_metric
    shares = problem.opcounts / problem.opcounts.sum()
    rows = [(name, f"{share:.3f}", f"{sigma:.3f}", *(f"{level:.3f}" for level in levels))
            for (name, _), share, sigma, levels in zip(job.net.noisy_modules, shares, sigmas, needed, strict=True)]
    heads = (f"{multiplier.name} ({multiplier.performance_metric / largest:.3f})" for multiplier in candidates)
    return text_table(("layer", "share of products", "learned sigma, seed 0", *heads), rows)


def fronts(path, spaces):
    """Least relative energy of every search space at which simulated errors stay below each of NOISES."""
    folder, config = RunFolder.open(path)
    job, rows = MainJob(config, folder, Console()), {f"{noise:g}": [] for noise in NOISES}
    for source in spaces:
        options = dataclasses.replace(config, multipliers=source, signed=signed_of(source), bits=8)
        space = generated() if source == "generated" else list(make_search_space(options))
        net = make_net(options, space, job.datamodule, np.random.default_rng(0))
        net.load_state(folder.load("quant").network)
        maps = get_feature_maps(net, job.datamodule, rng=np.random.default_rng(0))
        shares = np.array([layer.opcount for _, layer in net.noisy_modules]) / net.total_ops
        outputs = np.array([results.output_std() for results in maps.values()])
        stds = [simulated_stds(results, space, 512, rng=np.random.default_rng(0)) for results in maps.values()]
        problem = AssignmentProblem(stds, outputs / np.sqrt(shares), shares, [m.performance_metric for m in space])
        for noise in NOISES:
            rows[f"{noise:g}"].append(f"{budget_assignment(problem, noise ** 2).energy:.3f}")
    heads = [f"{source} ({'signed' if signed_of(source) else 'unsigned'})" for source in spaces]
    print(text_table(("error / output", *heads), [(noise, *row) for noise, row in rows.items()]))


def signed_of(source):
    """Folders hold both signs; what they add to the built-in circuits is unsigned."""
    return source in ("builtin", "generated")


def generated():
    """Members of families of gates with different tables, each at the least cost of its signed forms, and cheaper than
    the exact one, which energies are relative to."""
    exact, found = power(family_netlist("exact")), {}
    for name in GENERATED:
        for extension in ("baugh-wooley", "sign-magnitude"):
            cost = power(family_netlist(name, extension=extension)) / exact
            member = from_family(name, extension=extension, performance_metric=cost)
            table = member.lut.tobytes()
            if cost < (found[table].performance_metric if table in found else 1):
                found[table] = dataclasses.replace(member, name=f"{name}, {extension}")
    return [from_family("exact", performance_metric=1.0), *found.values()]


def random_choice(problem, energy, rng, draws=20_000):
    """Of many random assignments the one whose energy is nearest."""
    choices = rng.integers(len(problem.costs), size=(draws, len(problem.allowed)))
    energies = problem.energies[np.arange(len(problem.allowed)), choices].sum(axis=1)
    return choices[np.abs(energies - energy).argmin()]


def evaluated(job, start, info):
    """Energy and test accuracies of an assignment, before and after retraining from `start`."""
    job.net.load_state(start)
    deploy_multipliers(job.net, info, job.library)
    _, deployed = job.net.test(job.datamodule)
    job.net.train_approx(job.datamodule)
    _, retrained = job.net.test(job.datamodule)
    return {"energy": info.relative_energy_consumption, "deployed": deployed, "retrained": retrained,
            "layers": [dataclasses.asdict(layer) for layer in info.layers]}


def table(found, images):
    """Means over seeds; the spread between seeds, and that of a binomial count on as many test images."""
    exact = np.array(found["quantized, exact products"])[:, 2]
    rows = []
    for name, results in found.items():
        energy, deployed, retrained = np.array(results).T
        spread = 100 * retrained.std(ddof=1) if len(retrained) > 1 else float("nan")
        binomial = 100 * np.sqrt(retrained.mean() * (1 - retrained.mean()) / images)
        rows.append((name, f"{energy.mean():.3f}", f"{100 * deployed.mean():.2f} %", f"{100 * retrained.mean():.2f} %",
                     f"{100 * (exact - retrained).mean():+.2f}", f"{spread:.2f}", f"{binomial:.2f}"))
    return text_table(("assignment", "relative energy", "deployed", "retrained", "points below exact",
                       "spread of seeds", "binomial"), rows)


def drawn(found):
    """Accuracy after retraining over energy: a point per seed, one marker per rule; what is lost, in a panel below."""
    exact = 100 * np.mean([retrained for _, _, retrained in found["quantized, exact products"]])
    accuracies = np.array([100 * retrained for results in found.values() for _, _, retrained in results])
    lost = accuracies < exact - LOST
    figure, axes = new_figure(1 + lost.any(), 1, size=(6.4, 4.2 + 1.4 * lost.any()), sharex=True, squeeze=False)
    for (axis,), shown in zip(axes, (accuracies[~lost], accuracies[lost]), strict=False):
        for index, (name, results) in enumerate(found.items()):
            energy, _, retrained = np.array(results).T
            axis.plot(energy, 100 * retrained, linestyle="none", marker=MARKERS[index], markerfacecolor="none",
                      color=GREYS[index], markersize=8, label=name)
        axis.axhspan(exact - 1, exact, color=MEANING["range"], alpha=0.5, label="within a point of exact products")
        margin = max(0.5, 0.15 * np.ptp(shown))
        axis.set_ylim(shown.min() - margin, shown.max() + margin)
    axis.set_xlabel("energy of the multiplications, relative to the exact multiplier")
    figure.supylabel("test accuracy, retrained (%)", fontsize=10)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8, frameon=False)
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="folder of a finished run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, help="search and retrain on the first so many training images, all "
                                                   "unless given")
    parser.add_argument("--epochs", type=int, help="of every retraining, the run's unless given")
    parser.add_argument("--lr", type=float, help="learning rate of every retraining, the run's unless given")
    parser.add_argument("--lmbd", type=float, help="weight of the noise term, the run's unless given")
    parser.add_argument("--sigma-max", type=float, help="cap of the noise levels in the noise term, the network's "
                                                        "unless given")
    parser.add_argument("--space", choices=["generated"], help="the search space, the run's unless given")
    parser.add_argument("--spaces", nargs="+", metavar="SPACE",
                        help="compare what search spaces could do, train nothing: builtin, generated, folders of "
                             "EvoApproxLib")
    options = vars(parser.parse_args())
    spaces = options.pop("spaces")
    main(**options) if spaces is None else fronts(options["path"], spaces)
