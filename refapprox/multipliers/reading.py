"""Every multiplier and circuit in a file or a folder, whatever tool it comes from."""
import warnings
from pathlib import Path

from refapprox import files
from refapprox.multipliers import formats
from refapprox.multipliers.formats.orders import CLEAR, readings
from refapprox.multipliers.languages.evoapprox.checkout import is_checkout, read_checkout, release_of, source_files
from refapprox.multipliers.languages.reader import SUFFIXES as CIRCUIT_SUFFIXES
from refapprox.multipliers.languages.reader import read_circuit
from refapprox.multipliers.multiplier import Multiplier
from refapprox.validation import check_choice

OWN_SUFFIXES = (".npy", ".npz")
TABLE_SUFFIXES = (*OWN_SUFFIXES, ".bin", ".h", ".csv", ".txt")


def read_source(path, *, signed=None, bits=None, operation=None, hint_signed=True, suffix=".c"):
    """Everything in a checkout of EvoApproxLib, a folder, or a file, one after the other.

    `signed`, `bits` and `operation` spare reading sources that their names exclude; what else comes out is for the
    caller to sort. `hint_signed` is the signedness of npy and npz tables that do not tell, `suffix` the language of
    a checkout's sources that are read.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"source of load_library must be 'builtin' or an existing path, got {str(path)!r}.")
    if not path.is_dir():
        yield from read_file(path, hint_signed, release_of([path.stem]) if path.suffix in CIRCUIT_SUFFIXES else "")
    elif is_checkout(path) or any(source_files(path, suffix)):
        yield from read_checkout(path, signed=signed, bits=bits, operation=operation, suffix=suffix)
        if not is_checkout(path):
            yield from read_folder(path, hint_signed, skip=source_files(path, suffix))
    else:
        yield from read_folder(path, hint_signed)


def read_folder(path, hint_signed, skip=()):
    """Every table and circuit file of a folder, in order of file names, but those named in `skip`."""
    found = sorted(p for p in path.iterdir() if p.suffix in (*TABLE_SUFFIXES, *CIRCUIT_SUFFIXES) and p.is_file())
    sources = {p.stem for p in found if p.suffix == ".c"}
    for file in found:
        stem = file.stem.removesuffix("_pdk45")
        if stem in skip or (file.suffix == ".v" and stem in sources):
            continue
        if file.suffix == ".txt" and not formats.is_table_text(formats.bounded(file)):
            continue                                 # a note, a license
        yield from read_file(file, hint_signed)


def read_file(path, hint_signed=True, release=""):
    """The multipliers of one file; ``NAME.json`` beside a table may say what the table does not."""
    check_choice("suffix of a multiplier file", path.suffix, (*TABLE_SUFFIXES, *CIRCUIT_SUFFIXES))
    if path.suffix in CIRCUIT_SUFFIXES:
        yield read_circuit(path, release=release)
        return
    side = path.with_suffix(".json")
    about = files.read_json(side) if side.exists() else {}
    if not isinstance(about, dict):
        raise ValueError(f"{side} must hold a JSON object, got {type(about).__name__}.")
    if path.suffix not in OWN_SUFFIXES:
        yield formats.read_table(path, about.get("format"), signed=about.get("signed"), order=about.get("order"),
                                 name=about.get("name"), release=about.get("release", ""),
                                 performance_metric=about.get("performance_metric", float("nan")))
        return
    for name, table in stored_tables(path, about).items():
        details = about.get(name, about)
        yield own_table(path, name, table, details, hint_signed)


def stored_tables(path, about):
    """name -> array of an npy or npz file."""
    if path.suffix == ".npz":
        return files.read_npz(path)
    return {about.get("name", path.stem): files.read_npy(path)}


def own_table(path, name, table, details, hint_signed):
    """A table of an npy or npz file: value order unless its details say "code"; a warning where that looks wrong."""
    signed = details.get("signed", hint_signed)
    multiplier = Multiplier(name, table, signed, details.get("performance_metric", float("nan")),
                            details.get("release", ""))
    order = check_choice(f"order of {name}", details.get("order", "value"), formats.ORDERS)
    if order == "code" and multiplier.signed:
        return Multiplier(name, formats.swap_order(multiplier.lut), signed, multiplier.performance_metric,
                          multiplier.release)
    if multiplier.signed and "order" not in details:
        best, other = readings(multiplier.lut, signed=True)
        if best.order == "code" and best.mae * CLEAR <= other.mae:
            warnings.warn(f"{path}: {name} is read in value order but looks like code order, as of torchapprox: its "
                          f"MAE is {other.mae:.4g}, and {best.mae:.4g} in code order. Import it with refapprox "
                          f"multipliers import, or put {{\"order\": \"code\"}} into {path.stem}.json.", stacklevel=2)
    return multiplier
