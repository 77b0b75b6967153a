"""What `import refapprox` costs, and the helper that makes it cheap."""
import importlib.util
import pkgutil
import subprocess
import sys

import pytest

import refapprox
from refapprox._lazy import declared_imports


def loaded_by(code):
    """The modules that a fresh interpreter holds after `code`."""
    program = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()


def test_importing_refapprox_loads_nothing_but_itself():
    loaded = loaded_by("import refapprox")
    assert {name for name in loaded if name.startswith("refapprox")} == {"refapprox", "refapprox._lazy",
                                                                       "refapprox._version"}
    assert not {"numpy", "scipy", "matplotlib", "ast"} & set(loaded)


def test_a_first_lesson_draws_nothing_and_trains_nothing():
    loaded = loaded_by("from refapprox import Multiplier, lut_matmul\n"
                       "m = Multiplier.from_function('m', lambda x, w: x * w, bits=2)\nlut_matmul([[1]], [[1]], m)")
    assert not [name for name in loaded if name.split(".")[0] in ("matplotlib", "PIL")
                or name.startswith(("refapprox.nets", "refapprox.analog", "refapprox.plotting", "scipy.stats"))]


def lazy_packages():
    """(package, what its `if TYPE_CHECKING:` block names) of every package that has such a block."""
    names = ["refapprox", *(name for _, name, is_package in pkgutil.walk_packages(refapprox.__path__, "refapprox.")
                            if is_package)]
    for name in names:
        source = importlib.util.find_spec(name).loader.get_source(name)
        if imports := declared_imports(source, name):
            yield pytest.param(importlib.import_module(name), imports, id=name)


@pytest.mark.parametrize("package, names", list(lazy_packages()))
def test_lazy_packages_name_the_same_things_twice(package, names):
    """The imports that type checkers read, `__all__`, and what is really there; no name that a module would hide."""
    modules = {name for _, name, _ in pkgutil.iter_modules(package.__path__)}
    assert set(names) <= set(package.__all__) <= set(dir(package))
    assert not {name for name, (module, _) in names.items() if module != package.__name__} & modules
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_unknown_names_of_a_lazy_package():
    with pytest.raises(AttributeError, match="module 'refapprox' has no attribute 'Multiplyer'"):
        _ = refapprox.Multiplyer
    assert declared_imports("if TYPE_CHECKING:\n    from a.b import c as d\n    from a import e\n", "a") == {
        "d": ("a.b", "c"), "e": ("a", "e")}
