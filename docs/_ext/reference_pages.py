"""Pages made from the program itself: the API reference by package, and the command line's from its own --help."""
import inspect
import re
from pathlib import Path

from tests.tools.command_line import all_parsers
from tests.tools.public_surface import packages, surface

HERE = Path(__file__).parents[1]


def write(path, text):
    """Write only what changed: Sphinx reads a page again when its file is newer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def heading(text, mark="="):
    return f"{text}\n{mark * len(text)}\n\n"


def listing(title, names, package):
    if not names:
        return ""
    lines = "".join(f"   {name}\n" for name in names)
    return f"{heading(title, '-')}.. autosummary::\n   :toctree: .\n   :nosignatures:\n\n{lines}\n"


def package_page(name, module):
    """Summary of one package, and the tables from which every public name gets a page, under its first package."""
    public = {public: getattr(module, public) for public in module.__all__}
    own = {key: thing for key, thing in public.items() if not inspect.ismodule(thing) and not key.startswith("__")}
    first = {key for key in own if f"{name}.{key}" in surface()}
    classes = [key for key, thing in own.items() if inspect.isclass(thing) and key in first]
    functions = [key for key, thing in own.items() if inspect.isroutine(thing) and key in first]
    data = [key for key, thing in own.items() if not inspect.isclass(thing) and not inspect.isroutine(thing)]
    elsewhere = [key for key in own if key not in first and key not in data]
    text = f"{heading(name)}.. automodule:: {name}\n   :no-members:\n   :no-index:\n\n.. currentmodule:: {name}\n\n"
    text += listing("Classes", sorted(classes), name) + listing("Functions", sorted(functions), name)
    if offered := modules_of(name, module):
        lines = "".join(f"   {key}\n" for key in sorted(offered))
        text += f"{heading('Modules', '-')}.. toctree::\n   :maxdepth: 1\n\n{lines}\n"
    if data:
        text += f"{heading('Tables and constants', '-')}" + "".join(f"- ``{key}``\n" for key in sorted(data)) + "\n"
    if elsewhere and name != "refapprox":
        text += heading("Documented elsewhere", "-") + "".join(f"- ``{key}``: {origin(own[key])}\n"
                                                               for key in elsewhere) + "\n"
    if name == "refapprox":
        text += heading("What a first lesson types", "-") + "".join(
            f"- ``refapprox.{key}``: {origin(thing)}\n" for key, thing in public.items() if not key.startswith("__"))
    return text


def modules_of(name, package):
    """name -> what it offers, of the modules that a package has in its `__all__`, such as operations."""
    parts = {f"{name}.{key}": getattr(package, key) for key in package.__all__} if name != "refapprox" else {}
    told = {key: documented(part) for key, part in parts.items()
            if inspect.ismodule(part) and not hasattr(part, "__path__")}
    return {key: names for key, names in told.items() if names}


def documented(module):
    """What a module says is public, else what it documents like that; but not what has a page of its own."""
    names = getattr(module, "__all__", None) or [
        key for key, thing in vars(module).items() if not key.startswith("_")
        and getattr(thing, "__module__", "") == module.__name__
        and re.search(r"^ *(Parameters|Examples|>>> .*)$", thing.__doc__ or "", re.MULTILINE)]
    elsewhere = {id(thing) for thing in surface().values()}
    return [name for name in names if callable(getattr(module, name)) and id(getattr(module, name)) not in elsewhere]


def origin(thing):
    """Where what `refapprox` itself offers is documented."""
    if inspect.ismodule(thing):
        return f":doc:`{thing.__name__}`" if hasattr(thing, "__all__") else f"package ``{thing.__name__}``"
    pages = (name for name, public in surface().items() if public is thing)
    return f":doc:`{next(pages, thing.__module__)}`"


def api_pages(app):
    folder = HERE / "api"
    offered = {name: module for name, module in packages().items() if name == "refapprox" or module.__all__}
    for name, module in offered.items():
        write(folder / f"{name}.rst", package_page(name, module))
        for key, names in modules_of(name, module).items():
            write(folder / f"{key}.rst", f"{heading(key)}.. automodule:: {key}\n   :members: {', '.join(names)}\n")
    toctree = "".join(f"   {name}\n" for name in offered)
    write(folder / "index.rst", heading("API reference") + "Everything public, by package. Whatever is not "
          "listed here is internal and may change without notice.\n\n.. toctree::\n   :maxdepth: 1\n\n" + toctree)


def command_page(app):
    text = heading("Command line") + ("What ``refapprox COMMAND --help`` prints, for every command and action. "
                                      "``python -m refapprox`` is the same program.\n\n")
    for prog, parser in all_parsers().items():
        depth = len(prog.split()) - 2
        lines = "".join(f"   {line}\n" if line else "\n" for line in parser.format_help().splitlines())
        text += f"{heading(prog, '-~'[min(depth, 1)])}.. code-block:: text\n\n{lines}\n"
    write(HERE / "command_line.rst", text)


def setup(app):
    app.connect("config-inited", lambda app, config: api_pages(app))
    app.connect("config-inited", lambda app, config: command_page(app))
    return {"parallel_read_safe": True}
