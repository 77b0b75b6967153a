"""The gallery: examples as sphinx-gallery wants them, the output of slow ones, and multipliers to play with.

    python -m tests.tools.gallery_output [NAME ...]      makes the committed output anew
"""
import ast
import re
import textwrap
from pathlib import Path

from matplotlib.figure import Figure
from plain_docstrings import transform
from reference_pages import write

from refapprox.multipliers import find_multiplier
from refapprox.report.multiplier import layer_distributions, page_of

HERE = Path(__file__).parents[1]
TITLE = "What it prints"
RUN_IT = re.compile(r"^Run it:.*(?:\n .*)*", re.MULTILINE)
SPELLINGS = {"lenet5": "LeNet-5", "cnn": "CNN"}
SMALL = "This is a small run, on drawn digits. "
REMARKS = {      # example -> (picture of the run of record or None, what is said of it)
    "analog_lenet5": (None, "Four times the noise of the devices; :doc:`/results` has their own noise beside it."),
    "assignments": (None, SMALL + "Its table for three runs on MNIST stands in :doc:`/results`."),
    "energy_claim": ("cifar10_energy", SMALL + "The last picture is that of record, on CIFAR-10: :doc:`/real_images`."),
    "lambda_sweep": ("mnist_lambda_sweep", SMALL + "The last picture is that of record, on MNIST: :doc:`/results`."),
    "multiplier_families": ("families", "What each family is, and whose, stands in :doc:`/multipliers`."),
    "operating_points": (None, SMALL + "That of record, on Fashion-MNIST, is in :doc:`/real_images`."),
}
PLAYGROUNDS = {      # page -> (two multipliers, how they are found, what to look for)
    "evolved": ("mul8s_1L2H", "mul8s_1L1G", {},
                "Two evolved circuits that ship with the package: the coarser one takes less than half the power of "
                "the other, and its error map shows where that is saved."),
    "truncated_drum": ("truncated(k=8)", "drum(k=6)", {"signed": False},
                       "Columns that are dropped take something from every product, leading bits that are kept err to "
                       "both sides: move the fan-in, and one bell walks away from zero nearly five times as fast."),
    "mitchell": ("mitchell", "mbm", {"signed": False},
                 "Multiplying by adding logarithms, and the same with a constant that removes the mean error: the "
                 "pattern repeats with every power of two."),
}
HEADER = """Gallery
=======

.. _play:

Multipliers to play with
------------------------

Hover the error map, choose the operands, cut low bits, move the fan-in. Each page is one file that needs no network.

{listed}
``refapprox multipliers show X --html FILE`` writes such a page of any multiplier, ``--compare OTHER`` puts a second one
beside it.

Examples
--------

Every example is one script, ``python examples/NAME.py``; what takes more than that stands above its output.
"""


def write_sources(app, config):
    """Copies of the examples whose first line is a title, as sphinx-gallery wants it."""
    folder = HERE / "gallery_sources"
    folder.mkdir(exist_ok=True)
    listed = "".join(f"- `{first} and {second} <../play/{page}.html>`__: {about}\n"
                     for page, (first, second, _, about) in PLAYGROUNDS.items())
    (folder / "GALLERY_HEADER.rst").write_text(HEADER.format(listed=listed), "utf-8")
    for path in sorted((HERE.parent / "examples").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        first, _, rest = ast.get_docstring(ast.parse(source), clean=False).partition("\n")
        title = " ".join(SPELLINGS.get(word, word) for word in path.stem.split("_"))
        title = title[0].upper() + title[1:]
        start = source.index('"""') + 3
        body = source[source.index('"""', start):]
        text = RUN_IT.sub(command_block, "\n".join(transform([first, *rest.splitlines()])))
        shown = pictures(path.stem) or [card(first, folder / f"{path.stem}.png")]
        (folder / path.name).write_text(f'r"""\n{title}\n{"=" * len(title)}\n\n{text}\n{body}\n'
                                        f"# sphinx_gallery_thumbnail_path = '{shown[0].relative_to(HERE)}'\n", "utf-8")


def command_block(found):
    """The lines of "Run it:" as what is typed."""
    lines = textwrap.dedent(re.sub(r"\\([*|_])", r"\1", found[0]).replace("Run it:", " " * 7))
    lines = re.sub(r"(?<=\S) {2,}(?=--\w+ \w+=)", " ", lines)      # a line that was continued
    return ".. code-block:: text\n\n" + textwrap.indent(lines, "   ")


def pictures(name):
    """Pictures that an example left, and the one of its run of record."""
    found = sorted((HERE / "gallery_output").glob(f"{name}.*.png"))
    figure, _ = REMARKS.get(name, (None, ""))
    return [*found, HERE / "figures" / f"{figure}.png"] if figure else found


def card(text, path):
    """Write a thumbnail that says what an example is about, for one that draws nothing."""
    figure = Figure((4, 2.8))
    figure.text(0.5, 0.5, "\n".join(textwrap.wrap(text.replace("`", ""), 23)), ha="center", va="center", size=18)
    figure.savefig(path, dpi=100)
    return path


def append_outputs(app):
    """After sphinx-gallery made the pages, which it does when the builder starts too, but earlier."""
    folder = HERE / "gallery_output"
    for name in sorted({*REMARKS, *(path.stem for path in folder.glob("*.txt"))}):
        page, output = HERE / "gallery" / f"{name}.rst", folder / f"{name}.txt"
        if not page.exists() or TITLE in page.read_text(encoding="utf-8"):
            continue
        section = f"\n\n{TITLE}\n{'-' * len(TITLE)}\n\n{REMARKS.get(name, (None, ''))[1]}\n\n"
        if output.exists():
            section += f".. code-block:: text\n\n{textwrap.indent(output.read_text(encoding='utf-8'), '   ')}\n"
        section += "".join(f".. image:: ../{path.relative_to(HERE)}\n\n" for path in pictures(name))
        page.write_text(page.read_text(encoding="utf-8") + section, "utf-8")


def write_playgrounds(app, error):
    """The pages to play with, beside those that Sphinx made."""
    folder = Path(app.outdir) / "play"
    for page, (*names, options, _) in PLAYGROUNDS.items() if error is None and app.builder.name == "html" else ():
        multipliers = [find_multiplier(name, **options) for name in names]
        command = (f"refapprox multipliers show '{names[0]}' {'--unsigned ' if options else ''}--compare '{names[1]}' "
                   f"--html {page}.html")
        write(folder / f"{page}.html", page_of(multipliers, layer_distributions(multipliers[0]), command=command))


def setup(app):
    app.connect("config-inited", write_sources, priority=5)
    app.connect("builder-inited", append_outputs, priority=900)
    app.connect("build-finished", write_playgrounds)
    return {"parallel_read_safe": True}
