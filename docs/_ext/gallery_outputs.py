"""Output and figures of examples that take too long for a build: committed, and put under their pages.

    python -m tests.tools.gallery_output [NAME ...]      makes them anew
"""
import ast
from pathlib import Path

from plain_docstrings import transform

HERE = Path(__file__).parents[1]
TITLE = "What it prints"


def write_sources(app, config):
    """Copies of the examples whose first line is a title, as sphinx-gallery wants it."""
    folder = HERE / "gallery_sources"
    folder.mkdir(exist_ok=True)
    (folder / "GALLERY_HEADER.rst").write_text(
        "Gallery\n=======\n\nEvery example is one script that runs as it is: ``python examples/NAME.py``.\n", "utf-8")
    for path in sorted((HERE.parent / "examples").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        first, _, rest = ast.get_docstring(ast.parse(source), clean=False).partition("\n")
        title = path.stem.replace("_", " ").capitalize()
        start = source.index('"""') + 3
        body = source[source.index('"""', start):]
        text = "\n".join(transform([first, *rest.splitlines()]))
        (folder / path.name).write_text(f'r"""\n{title}\n{"=" * len(title)}\n\n{text}\n{body}', "utf-8")


def append_outputs(app):
    """After sphinx-gallery made the pages, which it does when the builder starts too, but earlier."""
    for output in sorted((HERE / "gallery_output").glob("*.txt")):
        page = HERE / "gallery" / f"{output.stem}.rst"
        if not page.exists() or TITLE in page.read_text(encoding="utf-8"):
            continue
        lines = "".join(f"   {line}\n" if line else "\n" for line in output.read_text(encoding="utf-8").splitlines())
        pictures = "".join(f".. image:: ../gallery_output/{path.name}\n\n"
                           for path in sorted((HERE / "gallery_output").glob(f"{output.stem}.*.png")))
        section = f"\n\n{TITLE}\n{'-' * len(TITLE)}\n\n.. code-block:: text\n\n{lines}\n{pictures}"
        page.write_text(page.read_text(encoding="utf-8") + section, "utf-8")


def setup(app):
    app.connect("config-inited", write_sources, priority=5)
    app.connect("builder-inited", append_outputs, priority=900)
    return {"parallel_read_safe": True}
