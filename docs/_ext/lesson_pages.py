"""Every lesson as a page: its text, its code, what that prints and draws; its notebook and all figures to download."""
import contextlib
import io
import re
import zipfile
from pathlib import Path

from reference_pages import write

from refapprox.lessons import lesson_paths
from refapprox.lessons.percent import cells, notebook

HERE = Path(__file__).parents[1]
DOCUMENT = re.compile(r"`docs/(\w+)\.md`")
PICTURE = re.compile(r"^picture: (.+\.svg)$", re.MULTILINE)


def code(text):
    return f"```python\n{text}\n```\n\n"


def printed_block(text):
    return f"```{{code-block}} text\n:class: printed\n\n{text.strip(chr(10))}\n```\n\n" if text.strip() else ""


def output(printed):
    """What a cell printed, with the pictures in their places."""
    parts = PICTURE.split(printed)
    return "".join(f"![{Path(part).stem.replace('_', ' ')}]({part})\n\n" if index % 2 else
                   printed_block(part) for index, part in enumerate(parts))


def page(path, folder):
    """The page of one lesson; it runs in `folder`, where its pictures are written."""
    namespace, body = {"__name__": path.stem}, ""
    for number, (kind, source) in enumerate(cells(path.read_text(encoding="utf-8"))):
        if kind == "markdown":
            body += DOCUMENT.sub(r"{doc}`/\1`", source) + "\n\n"
            if number == 0:
                body = body.replace("\n\n", f"\n\n{downloads(path.stem)}\n\n", 1)
            continue
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(source, f"{path.name}, cell {number}", "exec"), namespace)
        body += code(source) + output(printed.getvalue())
    return body


def up_to_date(page):
    """Whether nothing of the package, nor this file, is younger than a page: then its lesson need not run again."""
    sources = [path for path in lesson_paths()[0].parents[2].rglob("*") if path.suffix != ".pyc" and path.is_file()]
    return page.exists() and page.stat().st_mtime > max(path.stat().st_mtime for path in [Path(__file__), *sources])


def downloads(stem):
    return f"Take it with you: {{download}}`as a notebook <{stem}.ipynb>`, {{download}}`as a script <{stem}.py>`."


def opening(path):
    """(title, first paragraph) of a lesson."""
    title, text = cells(path.read_text(encoding="utf-8"))[0][1].split("\n\n")[:2]
    return title.removeprefix("# "), " ".join(text.splitlines())


def lesson_pages(app, config):
    folder = HERE / "lessons"
    folder.mkdir(exist_ok=True)
    listed = ""
    for path in lesson_paths():
        script = path.read_text(encoding="utf-8")
        write(folder / path.name, script)
        write(folder / f"{path.stem}.ipynb", notebook(script))
        if not up_to_date(folder / f"{path.stem}.md"):
            (folder / f"{path.stem}.md").write_text(page(path, folder), encoding="utf-8")
        title, about = opening(path)
        listed += f"{{doc}}`{title} <{path.stem}>`\n: {about}\n\n"
    with zipfile.ZipFile(folder / "figures.zip", "w", zipfile.ZIP_DEFLATED) as figures:
        for picture in sorted(folder.glob("lesson_*.svg")):
            figures.write(picture, picture.name)
    names = "".join(f"{path.stem}\n" for path in lesson_paths())
    write(folder / "index.md", "# Lessons\n\nFrom one wrong product to a network that learned to live with many. Each "
          "lesson is a page, a script and a notebook, takes 10 to 20 minutes and ends with exercises that check "
          "themselves. They build on each other, in this order. With the package installed, `refapprox lessons --out "
          "lessons` writes all of them into a folder. Solutions: {doc}`/solutions`.\n\n"
          f"{listed}```{{toctree}}\n:hidden:\n\n{names}```\n")


def setup(app):
    app.connect("config-inited", lesson_pages)
    return {"parallel_read_safe": True}
