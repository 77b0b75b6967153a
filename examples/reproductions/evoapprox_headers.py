"""Error figures in the headers of EvoApproxLib's 8x8 multipliers; FOLDER is a checkout (branch master or v2022)."""
from figures import Figure, compared, main, untried

from refapprox.multipliers import closed_form, load_library
from refapprox.multipliers.languages.evoapprox import header

SOURCE = ("EvoApproxLib, headers of the published C sources: V. Mrazek et al., DATE 2017, "
          "doi:10.23919/DATE.2017.7926993, github.com/ehw-fit/evoapproxlib")
PROTOCOL = ("all operand pairs of every 8x8 multiplier, metrics as `multipliers.metrics` defines them; a mean that was "
            "rounded to one decimal before it was printed counts as differing and is named")
# quoted from the headers of release v1.1: what is tried where no checkout is at hand
QUOTED = {"mul8s_1KR3": {"MAE": "2016", "WCE": "8064", "WCRE%": "6300.00", "EP%": "98.05", "MRE%": "135.77",
                         "MSE": "72829.102e2"}}


def figures(folder):
    if folder is None:
        for name, published in QUOTED.items():
            metrics = closed_form("v1.1", name).metrics()
            for key, text in published.items():
                yield compared(f"{name} {key}", text, metrics[key])
        yield untried("all headers", "", "no checkout was given")
        return
    for multiplier in load_library(folder, signed=None, bits=8):
        published, metrics = multiplier.info["published"], multiplier.metrics()
        mismatches = {m.key: m for m in header.compare(published, metrics)}
        for key in header.ERROR_FIGURES:
            what = f"{multiplier.name} {key}"
            if key not in mismatches:
                yield Figure(what, published[key], metrics[key], "same digits")
            else:
                twice = mismatches[key].rounded_twice
                yield Figure(what, published[key], metrics[key], "differs", "rounded twice" if twice else "")


if __name__ == "__main__":
    main("__main__")
