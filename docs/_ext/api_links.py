"""A public name in running text, `population_prediction` or `matching.operating_points`, leads to its page.

The name of a file, `error_stats/published.py` or `published.py`, leads to its listing, where equation numbers stand;
that of a page, `docs/results.md` or `results.md`, to the page.
"""
import pkgutil
import re

from docutils import nodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.nodes import make_refnode

import refapprox

NAME = re.compile(r"[A-Za-z_][\w.]*(?=(\(.*\))?$)", re.DOTALL)
FILE = re.compile(r"(?:refapprox/|docs/)?([\w/]+\.(?:py|md))")
LEFT_ALONE = nodes.reference, nodes.title, nodes.rubric      # a heading is not a link, and a link is not two


def pages(env):
    """Name as a text may have it -> (document, anchor); the last part alone where only one object of ours has it."""
    found = {name.removeprefix("api/"): (name, "") for name in env.found_docs if name.startswith("api/refapprox")}
    last = {}
    for full, entry in env.get_domain("py").objects.items():
        if full.startswith("refapprox.") and entry.objtype in ("function", "class", "exception", "data"):
            page, parts = (entry.docname, entry.node_id), full.split(".")
            found[full] = page
            if parts[1] != "compat":      # which has the names of others: written in short, a name means ours
                last.setdefault(parts[-1], set()).add(page)
                found |= {".".join(parts[start:]): page for start in range(1, len(parts) - 1)}
    return {name: min(places) for name, places in last.items() if len(places) == 1} | found


def list_every_module(env):
    """A listing for each module, also of those that document nothing public: a page may name any file."""
    for module in pkgutil.walk_packages(refapprox.__path__, "refapprox."):
        if not env._viewcode_modules.get(module.name):
            analyzer = ModuleAnalyzer.for_module(module.name)
            env._viewcode_modules[module.name] = analyzer.code, analyzer.find_tags(), {}, module.name


def files(env):
    """Path of a module, and its last parts where only one has them -> the page of its listing; every page itself."""
    found, last = {}, {}
    for module in (name for name, listing in env._viewcode_modules.items() if listing):
        page, parts = f"_modules/{module.replace('.', '/')}", module.split(".")[1:]
        found[f"{'/'.join(parts)}.py"] = page
        for start in range(1, len(parts)):
            last.setdefault(f"{'/'.join(parts[start:])}.py", set()).add(page)
    found |= {f"{name}.md": name for name in env.found_docs}
    return {name: min(places) for name, places in last.items() if len(places) == 1} | found


def link(app, doctree, docname):
    """Make a reference of every literal that names a public object with a page of its own, or a file with a listing."""
    known, shown = app.env.api_pages, app.env.api_files
    for literal in list(doctree.findall(nodes.literal)):
        name, file, parent = NAME.match(literal.astext()), FILE.fullmatch(literal.astext()), literal.parent
        while parent is not None and not isinstance(parent, LEFT_ALONE):
            parent = parent.parent
        page, anchor = known.get(name[0], (docname, "")) if name else (docname, "")
        if parent is None and file and file[1] in shown:
            page, anchor = shown[file[1]], ""
        if parent is None and page != docname:
            literal.replace_self(make_refnode(app.builder, docname, page, anchor, literal.deepcopy()))


def remember(app, env):
    list_every_module(env)
    env.api_pages, env.api_files = pages(env), files(env)


def setup(app):
    app.connect("env-check-consistency", remember)
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
