"""Numbers in the documentation, computed again: `python -m tests.tools.doc_numbers [--all]`.

A claim is a sentence of a document with its numbers left out, and a function that computes them or a command that
prints them. The sentence with the numbers must stand in the document, whatever its line breaks. `--all` also runs the
claims that take more than a few seconds, and lists the commands of the documentation that no claim runs. The tests run
the quick ones.
"""
import argparse
import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Claim:
    """`sentence` (a format string) stands in `document` with the numbers that `compute` returns, by name, or that the
    groups of `pattern` find in what `command` prints."""

    document: str
    sentence: str
    compute: Callable | None = None
    slow: bool = False
    command: str = ""
    pattern: str = ""

    def holds(self):
        """(whether it does, the sentence as it should be)."""
        found = self.compute() if self.compute else printed(self.command, self.pattern)
        wanted = self.sentence.format(**found)
        text = (ROOT / self.document).read_text(encoding="utf-8")
        return squeezed(wanted) in squeezed(text), wanted


def squeezed(text):
    return re.sub(r"\s+", " ", text)


def field_counted_twice():
    """Expected values over independent uniform codes: A = alpha / n."""
    from refapprox import load_library
    from refapprox.error_stats.decomposition import decompose
    n, uniform = 400, np.full(256, 1 / 256)
    parts = decompose(load_library()["mul8s_1L2H"].error_map[np.newaxis].astype(float), uniform, uniform)
    one = (parts.x_variance + parts.w_variance + parts.interaction_variance)[0]
    population = n * one + n * (n - 1) * parts.x_variance[0] / n
    return {"truth": (n * one) ** 0.5 / n, "population": population ** 0.5 / n}


def tiles_of_the_first_layer(t=4, kw=5, stride=1, m=6):
    width = (t - 1) * stride + kw
    return {"copies": kw * t / width, "products": width / kw, "columns": t * m}


def floating_factors():
    from refapprox import Multiplier
    factors = Multiplier("random", np.random.default_rng(0).integers(-2 ** 15, 2 ** 15, (256, 256))).factorization
    exponent = int(np.floor(np.log10(factors.slack)))
    return {"rank": factors.rank, "b": factors.largest / 1e5, "slack": factors.slack / 10.0 ** exponent,
            "exponent": exponent, "k": factors.longest_exact["float64"]}


def nearest_in_fraction_bits(bits=6):
    found = round(2 ** bits / 12)
    return {"numerator": found, "denominator": 2 ** bits, "value": found / 2 ** bits,
            "bits": {5: "five", 6: "six", 7: "seven"}[bits]}


@functools.cache
def output_of(command):
    """What a command of the documentation, "NAME=value ... python ...", prints."""
    words = shlex.split(command)
    first = words.index("python")
    environment = dict(word.split("=", 1) for word in words[:first])
    return subprocess.run([sys.executable, *words[first + 1:]], capture_output=True, text=True, cwd=ROOT, check=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)} | environment).stdout


class Printed(str):
    """As it was printed, unless a format for a number is asked for."""

    def __format__(self, wanted):
        return format(float(self), wanted) if wanted else str(self)


def printed(command, pattern):
    """Groups of `pattern` in what a command prints."""
    found = re.search(pattern, output_of(command), re.MULTILINE | re.DOTALL)
    return {name: Printed(text) for name, text in found.groupdict().items()}


def commands_not_run():
    """(document, command) of all commands in the documentation whose output no claim checks."""
    run = {claim.command for claim in CLAIMS}
    for path in (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"):
        text = path.read_text(encoding="utf-8")
        for found in re.findall(r"(?:`|^ {4}|\n)((?:[A-Z_]+=\S+ )*(?:python|refapprox) [^`\n#]+)", text):
            if found.strip() not in run:
                yield path.relative_to(ROOT), found.strip()


def networks_that_ship():
    """Test accuracies of those on the drawn digits, in percent."""
    from refapprox import LeNet5, SyntheticDigits
    digits = SyntheticDigits()
    return {name: 100 * LeNet5.pretrained("synthetic", signed=name == "signed").test(digits)[1]
            for name in ("signed", "unsigned")}


def rare_errors_of_the_page():
    from refapprox.testing import law_of, min_detectable, samples_needed
    law, one = (law_of([0, 100], [255 / 256, 1 / 256], num_summands=n) for n in (25, 1))
    return {"samples": samples_needed(law, detectable_mean=1.0, alpha=1e-6), "mean": law.mean, "variance": law.std ** 2,
            "found": min_detectable(law, 200_000).mean, "std": min_detectable(law, 150_000).std,
            "doubled": samples_needed(one, detectable_std=one.std, alpha=1e-3, power=0.99), "lost": law.mean / 100,
            "suite": -(-samples_needed(law, detectable_mean=1.0, alpha=1e-9) // 50_000) * 50_000,
            "millions": samples_needed(law, detectable_mean=0.098) / 1e6}


def constant_of_realm(nodes=400):
    """(7) of the multipliers' derivations for one segment; P - M = f g or (1 - f)(1 - g), by the midpoint rule."""
    f, g = np.meshgrid(*2 * [(np.arange(nodes) + 0.5) / nodes])
    product = (1 + f) * (1 + g)
    lost = np.where(f + g < 1, f * g, (1 - f) * (1 - g))
    return {"s": (lost / product).mean() / (1 / product).mean()}


def unequal_maximum():
    from refapprox.error_stats.propagation import max_pool
    return {"mean": float(max_pool([0.0] * 4, [4, .05, .05, .05])[0])}


def one_level_of_a_transform(root=2.0):
    """Units u: mu + gamma_4 (sqrt(2) + mu), first order."""
    return {"root": root, "eta": root + 4 * 2 ** 0.5}


def false_alarms_of(law):
    """The row of a law in the table of false alarms: whole, by bounded moments, by a fourth moment; twice."""
    rates = re.findall(rf"^{law}, [^:\n]+: ([\d.e-]+) \(", output_of(FALSE_ALARMS), re.MULTILINE)
    return {"rates": " | ".join(f"{float(rate):.3g}".replace("e-0", "e-") for rate in rates)}


def assignments_of_the_tutorial():
    from refapprox import load_library
    from refapprox.nets import LeNet5
    multipliers, layers = len(load_library()), len(LeNet5(rng=np.random.default_rng(0)).noisy_modules)
    return {"multipliers": multipliers, "layers": layers, "assignments": multipliers ** layers}


def families_searched():
    from refapprox import families
    return {"families": len(families())}


def parts_of_the_picture():
    from refapprox import from_family
    from refapprox.error_stats.decomposition import decompose
    uniform = np.full(16, 1 / 16)
    emap = from_family("truncated", bits=4, signed=False, k=4).error_map
    parts = decompose(emap[np.newaxis].astype(float), uniform, uniform)
    return {"whole": emap.var(), "a": parts.x_variance[0], "b": parts.w_variance[0], "d": parts.interaction_variance[0]}


def products_of_families():
    from refapprox import from_family
    made = {name: from_family(name, signed=False, **options) for name, options in
            (("udm", {"bits": 4}), ("drum", {"k": 3}), ("ou", {"level": 0}))}
    return {"udm": made["udm"](7, 7), "mean": made["udm"].error_map.mean(), "drum": made["drum"](45, 1),
            "ou": made["ou"](100, 200), "off": 100 * 200 - made["ou"](100, 200)}


def noise_by_its_layer():
    from refapprox.ops import agn
    _, cache = agn.forward([0.0, 2.0], 0.5, eps=[1.0, 0.0])
    (first, second), sigma = agn.backward([1.0, 1.0], cache)
    return {"first": first, "second": second, "sigma": sigma}


def drift_with_its_spread():
    from refapprox.analog import moments
    log = np.log(1e4)
    return {"none": np.exp(-0.05 * log), "normal": np.exp(-0.05 * log + (0.02 * log) ** 2 / 2),
            "folded": moments.folded_laplace(0.05, 0.02, log)}


def clipped_normal():
    from refapprox.analog import moments
    return {"p": moments.clipped_gaussian(0.0, 1.0)[0], "q": moments.clipped_gaussian(-1.0, 1.0)[0],
            "mean": moments.interval_gaussian(0.0, 1.0, 0.0, 1.0)[0]}


def two_layers_under_a_budget():
    """Energies of two layers added up, as the page has them."""
    from refapprox.matching import AssignmentProblem, budget_assignment, lagrangian_assignment, threshold_assignment
    unfit = 90      # what the other layer's cheap multiplier would make
    problem = AssignmentProblem(np.sqrt([[0, 0.5, unfit], [0, unfit, 0.9]]), [1, 1], [1, 1], [1, 0.6, 0.2])
    free = threshold_assignment(problem)
    return {"used": free.used, "free": 2 * free.energy, "best": 2 * budget_assignment(problem, 1.0).energy,
            "hull": 2 * lagrangian_assignment(problem, 1.0).lower_bound}


def library_that_ships():
    """How many of its multipliers err anywhere."""
    from refapprox import load_library
    library = load_library()
    return {"count": len(library), "inexact": sum(np.any(m.error_map) for m in library)}


FALSE_ALARMS = "python -m tests.tools.false_alarms --samples 30 300"
TUTORIAL = "python examples/tutorial.py --seeds 42 0 1 2 3"
OWN_NETWORK = "OPENBLAS_NUM_THREADS=1 python examples/own_network.py"
LINES = "python -m tests.tools.lines"
SUITE = "python -m tests.conformance.suite_numbers"
ROWS = r" +(?P<mean>\S+) +(?P<std>\S+) +(?P<low>\S+) +(?P<high>\S+)$"      # of the tutorial over several seeds
TABLE = {      # printed -> in the tutorial
    **{f"{stage}, %": f"| {label} (%) | {{mean:.2f}} ± {{std:.2f}} | {{low:.2f}} | {{high:.2f}} |" for stage, label in
       (("baseline", "baseline, test accuracy"), ("quantized", "quantized"), ("retrained", "retrained"))},
    "deployed, %":
        "| deployed, before retraining (%) | **{mean:.2f} ± {std:.2f}** | **{low:.2f}** | **{high:.2f}** |",
    **{name: f"| {label} | {{mean}} ± {{std}} | {{low}} | {{high}} |" for name, label in
       (("relative energy", "relative energy"), ("|sigma| of conv1", "abs(sigma) of conv1"),
        *((f"|sigma| of {layer}", layer) for layer in ("conv2", "linear1", "linear2", "linear3")))}}

CLAIMS = (
    Claim("docs/derivations/error_statistics.md", "variances {whole:.2f} = {a:.2f} + {b:.2f} + {d:.2f}]",
          parts_of_the_picture),
    Claim("docs/derivations/error_statistics.md", "takes both cheap ones: $r = {used:.1f}$, energy {free:.1f}. Under "
          "the budget $D = 1$ only one of them fits, best the second: energy {best:.1f}.", two_layers_under_a_budget),
    Claim("docs/derivations/error_statistics.md", "\\cdot 0.1 = {hull:.2f}$, and no assignment can have less.",
          two_layers_under_a_budget),
    Claim("docs/derivations/multipliers.md", "give $7 + 4\\,(3 + 3) + 16 \\cdot 1 = {udm}$", products_of_families),
    Claim("docs/derivations/multipliers.md", "{mean} at $n = 4$", products_of_families),
    Claim("docs/derivations/multipliers.md", "45 is taken as $101000 = {drum}$.", products_of_families),
    Claim("docs/derivations/multipliers.md", "= {ou}$, and indeed $(100 - 128)(200 - 128) = {off}$.",
          products_of_families),
    Claim("docs/derivations/gradients.md", "$\\partial L / \\partial x = ({first:.3f}, {second:.3f})$.",
          noise_by_its_layer),
    Claim("docs/derivations/gradients.md", "= \\sqrt2 = {sigma:.3f}$", noise_by_its_layer),
    Claim("docs/derivations/analog.md", "$D = e^{{-0.46}} = {none:.3f}$.", drift_with_its_spread),
    Claim("docs/derivations/analog.md", "= {normal:.3f}$: those that drift less than the average weigh more than those "
          "that drift more. (3) has {folded:.3f}, since", drift_with_its_spread),
    Claim("docs/derivations/analog.md", "= \\varphi(0) = {p:.3f}$, $\\mathrm{{E}}\\,Q = \\varphi(1) - (1 - \\Phi(1)) = "
          "{q:.3f}$, so the mean is {mean:.3f}.", clipped_normal),
    Claim("docs/derivations/multipliers.md", "one segment gives $s = {s:.4f}$.", constant_of_realm),
    Claim("docs/results.md", "For variances 4, .05, .05, .05 the mean is {mean:.3f}.", unequal_maximum),
    Claim("docs/derivations/error_statistics.md",
          "Roots within ${root:.0f}u$ ($u = \\varepsilon / 2$) give $\\eta \\le {eta:.1f} u$",
          one_level_of_a_transform),
    *[Claim("docs/results.md", f"| {label} | {{rates}} |",
            functools.partial(false_alarms_of, law), slow=True, command=FALSE_ALARMS)
      for law, label in (("rare", "rare (100 with probability 1/256)"), ("skewed", "skewed (geometric)"),
                         ("lattice", "lattice (multiples of 64)"), ("heavy", "heavy (P ~ 1/(1 + \\|s\\|)³)"))],
    Claim("docs/tutorial.md", "({multipliers} multipliers in {layers} layers: {assignments:,} trainings)",
          assignments_of_the_tutorial),
    Claim("docs/multiplier_files.md", "among the {families} families", families_searched),
    Claim("docs/results.md", "5 layers × {inexact} inexact multipliers", library_that_ships),
    Claim("docs/testing_statistics.md", "the mean is 25 · 100/256 = {mean:.2f}, the variance "
          "25 · 100² · (1/256)(255/256) = {variance:.1f}.", rare_errors_of_the_page),
    Claim("docs/testing_statistics.md", "{std:.1f} in the std of 31.2", rare_errors_of_the_page),
    Claim("docs/testing_statistics.md", "needs {doubled:,} samples before a doubled std", rare_errors_of_the_page),
    Claim("docs/testing_statistics.md", "detectable_mean=1.0, alpha=1e-6) # {samples}", rare_errors_of_the_page),
    Claim("docs/testing_statistics.md", "in a suite of a thousand tests it is 1e-9, and {suite:,} samples do.",
          rare_errors_of_the_page),
    Claim("docs/testing_statistics.md", "moves the mean by {lost:.3f}, and 200,000 samples find {found:.2f}. Whoever "
          "minds asks for the number of samples that find it, {millions:.0f} million", rare_errors_of_the_page),
    Claim("docs/error_statistics.md",
          "for `1L2H`, uniform codes and n = 400, {population:.2f} per operation where the truth is {truth:.2f}.",
          field_counted_twice),
    Claim("docs/results.md",
          "n = 400 the truth is {truth:.3f} per operation, the population estimate says {population:.2f}",
          field_counted_twice),
    Claim("docs/derivations/table_products.md",
          "T = 4: {copies:g} times fewer copies, {products:g} times the products, but in a matrix product with "
          "{columns} columns instead of 6", tiles_of_the_first_layer),
    Claim("docs/derivations/table_products.md",
          "rank {rank}, has $b = {b:.1f} \\cdot 10^5$ and $\\mathit{{slack}} = {slack:.0f} \\cdot 10^{{{exponent}}}$ "
          "and holds (7) up to $n = {k}$.",
          floating_factors),
    Claim("docs/derivations/multipliers.md",
          "MBM's {numerator}/{denominator} = {value:.3f} is the nearest number of {bits} fraction bits.",
          nearest_in_fraction_bits),
    Claim("docs/results.md",
          "{exact} % exact, {retrained} % after matching and retraining at a relative energy of {energy}.", None, True,
          OWN_NETWORK, r"accuracy (?P<exact>\S+) % exact, (?P<retrained>\S+) % at a .* energy of (?P<energy>\S+)"),
    Claim("docs/tutorial_own_network.md", "{text}", None, True, OWN_NETWORK, r"(?P<text>MyNetwork:.* energy of \S+)"),
    *[Claim("docs/tutorial.md", sentence, None, True, TUTORIAL, re.escape(name) + ROWS)
      for name, sentence in TABLE.items()],
    *[Claim("docs/results.md", f"{stage} {{mean:.2f}} ± {{std:.2f}} %", None, True, TUTORIAL, f"{stage}, %{ROWS}")
      for stage in ("baseline", "quantized", "deployed", "retrained")],
    Claim("docs/results.md", "| symmetric int8 | {signed:.2f} % of 2,000 |", networks_that_ship, True),
    Claim("docs/results.md", "| affine in [0, 255] | {unsigned:.2f} % of 2,000 |", networks_that_ship, True),
    Claim("docs/results.md", "{table}", None, True, LINES, r"(?P<table>\| \(top\).*\| all [^\n]*)"),
    Claim("docs/results.md", "Of the docstrings {public} lines stand at public names, {modules} at modules, {rest} "
          "elsewhere. Of the code {statements} lines are statements, {headings} the headings of functions and classes, "
          "{imports} imports, {tables} tables and fields, {errors} errors that are raised.", None, True, LINES,
          r"docstrings: (?P<public>\S+) public names, (?P<rest>\S+) the rest, (?P<modules>\S+) modules\s+"
          r"code: (?P<statements>\S+) statements, (?P<headings>\S+) headings of functions and classes, "
          r"(?P<imports>\S+) imports, (?P<tables>\S+) tables and fields, (?P<errors>\S+) errors raised"),
    Claim("docs/results.md", "{rejected} of {mutants}, each with its own mistake as the likeliest; {named} of their "
          "{failures} failures name it", None, True, SUITE, r"(?P<rejected>\d+) of (?P<mutants>\d+) mutants reject.*; "
          r"(?P<named>\d+) of (?P<failures>\d+) failures name it"),
    Claim("docs/results.md", "{faults} faults, named in {found} of {all} failures", None, True, SUITE,
          r"(?P<faults>\d+) faults: named in (?P<found>\d+) of (?P<all>\d+) failures"),
)


# What no command prints within minutes, without data, programs or sources of others; each has its command beside it
NOT_COVERED = {
    "docs/results.md: main job, data, networks, frameworks": "hours of training; data and programs of others",
    "docs/results.md: multipliers, reproductions": "EvoApproxLib and others' repositories, gcc, iverilog",
    "docs/results.md, docs/performance.md: times": "ratios of one run on a quiet machine, by `tests.benchmarks`",
    "docs/results.md: analog": "Monte Carlo of minutes, by `tests.benchmarks.analog`",
    "README.md, docs/*.md: code blocks and what they print": "run as they are by the tests of the documentation",
    "docs/conformance.md: numbers of cases and mistakes": "tests/conformance/test_documentation.py",
    "docs/multipliers.md, docs/multiplier_files.md: figures of families and circuits": "tests/multipliers",
}


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="the slow claims too")
    args = parser.parse_args(arguments)
    wrong = 0
    for claim in CLAIMS:
        if args.all or not claim.slow:
            holds, wanted = claim.holds()
            wrong += not holds
            print(f"{'ok     ' if holds else 'NOT SO '} {claim.document}: {squeezed(wanted)}", flush=True)
    print(f"{wrong} of the claims do not hold")
    if args.all:
        print("Not covered:", *(f"  {what}: {why}" for what, why in NOT_COVERED.items()), sep="\n")
        print("Commands that no claim runs:",
              *(f"  {where}: {command}" for where, command in commands_not_run()), sep="\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
