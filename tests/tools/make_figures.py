"""Remake every picture of README and docs: `python tests/tools/make_figures.py [NAME ...]`, about half an hour, and two
hours more for those of real images.

MNIST is found by REFAPPROX_DATA_DIR, EvoApproxLib's two releases by REFAPPROX_EVOAPPROX_DIR (separated as in PATH);
what needs files that are not at hand is named and left as it is. Pictures of a run are taken from a folder of runs,
which is kept, so that a second call goes on where the first one ended.
"""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures"
REFAPPROX = (sys.executable, "-m", "refapprox")


def run(*command, **environment):
    """Run a command in the source tree; its output is shown."""
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True,
                   env=os.environ | {"PYTHONPATH": str(ROOT)} | environment)


def finished(out, *options):
    """The folder of a run with these options, which is begun or gone on with where it is not there whole."""
    if not (out / "report.html").exists():
        run(*REFAPPROX, "run", *(("--resume", out) if (out / "config.json").exists() else (*options, "--out", out)))
    return out


def of_mnist(work):
    """The pictures of one run on MNIST with its statistics."""
    out = finished(work / "mnist0", "--data", "mnist", "--preset", "full")
    run(*REFAPPROX, "stats", "--run", out)
    for name, source in (("mnist_energy", "energy"), ("mnist_predicted_std", "predicted_std"),
                         ("error_ladder", "error_ladder"), ("error_histograms", "error_histograms")):
        shutil.copyfile(out / "figures" / f"{source}.png", FIGURES / f"{name}.png")


def of_the_sweep(work):
    """Energy and accuracy for several lmbd on MNIST."""
    run(sys.executable, "examples/lambda_sweep.py", "--dataset", "mnist", "--preset", "full", "--out", work / "sweep")
    shutil.copyfile(work / "sweep" / "pareto.png", FIGURES / "mnist_lambda_sweep.png")


def of_the_claim(out, name, options, *claim):
    """Accuracy against energy for several assignments of a run, three seeds, search and retraining on 20,000 images."""
    run(sys.executable, "examples/energy_claim.py", finished(out, "--no-uniform", *options), "--images", "20000",
        "--seeds", "3", *claim)
    shutil.copyfile(max((out / "claim").glob("energy-*.png"), key=os.path.getmtime), FIGURES / f"{name}.png")


def of_cifar10(work):
    options = "--net", "resnet8", "--dataset", "cifar10", "--epochs", "baseline=14,quant=2,gradient=2,approx=1"
    for name, retraining in (("cifar10_energy", ()), ("cifar10_energy_harder", ("--lr", "0.01", "--epochs", "2"))):
        of_the_claim(work / "cifar0", name, options, "--lmbd", "4", "--sigma-max", "0.5", *retraining)


def of_fashion(work):
    options = "--dataset", "fashion-mnist", "--preset", "full"
    of_the_claim(work / "fashion0", "fashion_energy", options, "--epochs", "2")


def of_evoapprox(work):
    """The Pareto front of the unsigned 8x8 circuits of v1.1."""
    checkout = os.environ["REFAPPROX_EVOAPPROX_DIR"].split(os.pathsep)[0]
    run(*REFAPPROX, "multipliers", "plot", "--library", checkout, "--unsigned", "--bits", "8",
        "--out", FIGURES / "evoapprox_front.png")


def of_analog(work):
    """Strategies for HERMES devices."""
    run(*REFAPPROX, "analog", "--device", "hermes", "--maxiter", "60", "--out", work / "hermes")
    for name in ("strategies", "loss"):
        shutil.copyfile(next((work / "hermes").rglob(f"*{name}*.png")), FIGURES / f"analog_hermes_{name}.png")


PICTURES = {      # what is made together -> (how, environment variables that it needs)
    "mnist": (of_mnist, ("REFAPPROX_DATA_DIR",)),
    "sweep": (of_the_sweep, ("REFAPPROX_DATA_DIR",)),
    "cifar10": (of_cifar10, ("REFAPPROX_DATA_DIR",)),
    "fashion": (of_fashion, ("REFAPPROX_DATA_DIR",)),
    "evoapprox": (of_evoapprox, ("REFAPPROX_EVOAPPROX_DIR",)),
    "power": (lambda work: run(sys.executable, "tests/tools/fit_cell_figures.py", "--figure",
                               FIGURES / "power_model.png"), ("REFAPPROX_EVOAPPROX_DIR",)),
    "families": (lambda work: run(sys.executable, "examples/multiplier_families.py", "--figure",
                                  FIGURES / "families.png"), ()),
    "digits": (lambda work: run(sys.executable, "tests/benchmarks/data_difficulty.py", "--figure",
                                FIGURES / "synthetic_digits.png"), ()),
    "derivations": (lambda work: run(sys.executable, "-m", "tests.tools.derivation_pictures"), ()),
    "analog": (of_analog, ()),
    "roofline": (lambda work: run(sys.executable, "-m", "tests.benchmarks.roofline", FIGURES / "roofline.png",
                                  OPENBLAS_NUM_THREADS="1"), ()),
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(PICTURES)} (default: all)")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "figures", help="where runs are kept")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.names) - set(PICTURES):
        parser.error(f"no pictures called {', '.join(sorted(unknown))}")
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or PICTURES:
        make, needed = PICTURES[name]
        if missing := [variable for variable in needed if not os.environ.get(variable)]:
            print(f"{name}: left as it is, {missing[0]} is not set", flush=True)
            continue
        print(f"{name} ...", flush=True)
        make(arguments.work)


if __name__ == "__main__":
    main()
