"""Every published name is there, with its arguments in order and its defaults; the table of them is upstream's."""
import ast
import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from published_names import AGNAPPROX, AIHWKIT, TORCHAPPROX, entries

TABLES = {"agnapprox": AGNAPPROX, "aihwkit": AIHWKIT, "torchapprox": TORCHAPPROX}
NAMES = [(tool, *entry) for tool, table in TABLES.items() for entry in entries(table)]
# None upstream, resolved to the same value inside
OTHER_DEFAULTS = {("g_max", "None"): 25.0, ("g_min", "None"): 0.0, ("pretrained", "True"): False}


def ours(tool, module, name):
    found = importlib.import_module(f"refapprox.compat.{tool}.{module}")
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("tool, module, name, arguments", NAMES, ids=[f"{n[0]}-{n[2]}" for n in NAMES])
def test_a_published_call_is_taken(tool, module, name, arguments):
    parameters = [p for p in inspect.signature(ours(tool, module, name)).parameters.values() if p.name != "self"]
    assert [p.name for p in parameters[:len(arguments)]] == [argument for argument, _ in arguments]
    for parameter, (argument, default) in zip(parameters, arguments, strict=False):
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        if default:
            assert parameter.default == ast.literal_eval(default) or \
                parameter.default == OTHER_DEFAULTS.get((argument, default))
    # what is ours comes after, and nobody has to know; loss_fxn takes upstream's *args as one dictionary
    needed = [p.name for p in parameters[len(arguments):]
              if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    assert needed == (["d"] if name == "loss_fxn" else [])


EXPORTED = {
    "agnapprox.nets": "AlexNet ApproxNet LeNet5 MobileNetV2 ResNet VGG",
    "agnapprox.datamodules": "ApproxDataModule CIFAR10 MNIST TinyImageNet",
    "agnapprox.utils": "single_dist_mc error_prediction get_sample_population population_prediction to_distribution "
                       "error_calculation EnhancedJSONEncoder dump_results set_all IntermediateLayerResults "
                       "get_feature_maps topk_accuracy select_layer_multiplier LayerInfo MatchingInfo "
                       "deploy_multipliers select_multipliers",
    "aihwkit.inference": "BaseConductanceConverter SinglePairConductanceConverter DualPairConductanceConverter "
                         "NPairConductanceConverter CustomPairConductanceConverter BaseNoiseModel PCMLikeNoiseModel "
                         "CustomDriftPCMLikeNoiseModel ReRamWan2022NoiseModel ReRamCMONoiseModel HermesNoiseModel "
                         "SingleDeviceConductanceConverter "
                         "StateIndependentNoiseModel BaseDriftCompensation GlobalDriftCompensation",
    "aihwkit.simulator.configs": "InferenceRPUConfig",
    "torchapprox.layers": "ApproxConv2d ApproxLayer InferenceMode ApproxLinear ApproxWrapper layer_mapping_dict",
    "torchapprox.operators": "ApproxConv2dOp", "evoapproxlib": "EvoApproxLib", "lightning": "Trainer"}


@pytest.mark.parametrize("package", EXPORTED)
def test_packages_export_what_upstream_s_do(package):
    module = importlib.import_module(f"refapprox.compat.{package}")
    assert [name for name in EXPORTED[package].split() if not hasattr(module, name)] == []


PATHS = sorted({f"refapprox.compat.{tool}.{module}" for tool, module, *_ in NAMES})


def test_published_paths_are_plain_modules_in_whatever_order_they_are_imported():
    """A module under the name of a function or class that its package offers must not replace it."""
    script = f"""
import importlib, inspect
for path in reversed({PATHS}):
    importlib.import_module(path)
for package, names in {EXPORTED}.items():
    module = importlib.import_module("refapprox.compat." + package)
    modules = [name for name in names.split() if inspect.ismodule(getattr(module, name))]
    assert not modules, (package, modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_path_that_only_passes_on_is_one_line():
    """What computes stands once: a module under compat has code of its own, or one line."""
    folder = Path(importlib.import_module("refapprox.compat").__file__).parent
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = [node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.Assign, ast.If))]
        assert own or path.name == "__init__.py" or len(path.read_text(encoding="utf-8").splitlines()) == 1, path
    assert not [path for path in folder.rglob("*.py") if "sys.modules" in path.read_text(encoding="utf-8")]


# ---- the table against the tools' sources

def source_of(tool):
    """Folder of a tool's package; "" where it is not here."""
    if tool == "aihwkit" and os.environ.get("AIHWKIT_SOURCE"):
        return Path(os.environ["AIHWKIT_SOURCE"]) / "aihwkit"
    found = importlib.util.find_spec(tool)
    return Path(found.origin).parent if found and found.origin else ""


def published(tree, name):
    """[(argument, default or "")] of a function, a method, a constructor or a dataclass in a parsed module."""
    *owner, last = name.split(".")
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == (owner or [last])[0]:
            wanted = last if owner else "__init__"
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == wanted]
            if not methods and not owner:
                return [(n.target.id, ast.unparse(n.value) if n.value else "") for n in node.body
                        if isinstance(n, ast.AnnAssign)]
            if methods:
                return arguments_of(methods[0])
        if isinstance(node, ast.FunctionDef) and [node.name] == [*owner, last]:
            return arguments_of(node)
    return None


def arguments_of(function):
    names = [argument.arg for argument in function.args.args if argument.arg != "self"]
    defaults = [ast.unparse(value) for value in function.args.defaults]
    return list(zip(names, [""] * (len(names) - len(defaults)) + defaults, strict=True))


INHERITED = {      # methods that upstream defines in another file
    "aihwkit": ["GlobalDriftCompensationWithExactReference.readout"], "torchapprox": ["ApproxLinear.forward"]}


@pytest.mark.parametrize("tool", INHERITED)
def test_the_table_is_what_upstream_has(tool):
    folder = source_of(tool)
    if not folder:
        pytest.skip(f"{tool} is not here (see docs/conformance.md for what stands in)")
    wrong, inherited = [], []
    for module, name, arguments in entries(TABLES[tool]):
        tree = ast.parse((folder / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        found = published(tree, name)
        if found is None and "." in name:
            inherited.append(name)
        elif found != arguments:
            wrong.append((name, found, arguments))
    assert wrong == [] and inherited == INHERITED[tool]


def test_agnapprox_s_statistics_are_what_upstream_has():
    path = os.environ.get("AGNAPPROX_ERROR_STATS")
    if not path:
        pytest.skip("AGNAPPROX_ERROR_STATS does not name agnapprox's error_stats.py")
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for module, name, arguments in entries(AGNAPPROX):
        if module == "utils.error_stats":
            assert [a for a, _ in published(tree, name)] == [a for a, _ in arguments]
