"""Actions of `refapprox multipliers` on one table or circuit: write, take, lint, fix, identify."""
import sys
from pathlib import Path

from refapprox import files
from refapprox.multipliers import formats, side_file
from refapprox.multipliers.declaration import UndeclaredError, UnfitError
from refapprox.multipliers.formats.consumers import export
from refapprox.multipliers.identification import identify, nearest
from refapprox.multipliers.languages.blif import write_blif
from refapprox.multipliers.languages.reader import SUFFIXES as CIRCUIT_SUFFIXES
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.lint import lint_lut
from refapprox.multipliers.lookup import find_multiplier, find_netlist
from refapprox.validation import check_real

STATED = ("signed", "bits", "order", "top", "liberty", "compiled", "more")


def stated(args):
    """What the caller states of a source, as keywords."""
    return {key: getattr(args, key) for key in STATED if getattr(args, key) not in (None, False) or key == "signed"}


def find(args):
    return find_multiplier(args.which, library=args.library, **stated(args))


def print_origins(circuit):
    """Where sign, widths and order were taken from, and what contradicts or was left out."""
    origins = circuit.info.get("origins", {})
    words = {"signed": "signed" if circuit.signed else "unsigned", "bits": f"{circuit.bits_x}x{circuit.bits_w} bits",
             "order": f"{circuit.info.get('order')} order"}
    said = [f"{text}, from {origins[field]}" for field, text in words.items()
            if field in origins and (circuit.signed or field != "order")]
    if said:
        print("; ".join(said))
    for remark in circuit.info.get("remarks", []):
        print(f"note: {remark}")


def write_for(args):
    circuit = find(args)
    if args.format:
        formats.write_table(args.out, circuit.to_multiplier(), args.format, transposed=args.transposed)
        print(args.out)
        return 0
    written = export(args.out, circuit, args.consumer, transposed=args.transposed)
    print(f"{written.path} (about it: {written.side})")
    print_origins(circuit)
    for line in written.lines:
        print(line)
    return 0


def is_table_file(args):
    """Whether the source is a table file, whose layout may be stated."""
    path = Path(args.which)
    found = path.is_file() and path.suffix not in CIRCUIT_SUFFIXES
    for option in ("format", "transposed"):
        if not found and option == "format" and args.format:
            raise ValueError(f"--format does not apply to {args.which}: it is no table file.")
    return found


def read_stated(args, **more):
    """The source of `import` and `lint` as a multiplier, transposed where that is stated."""
    if is_table_file(args) and Path(args.which).suffix != ".npz":
        refused = [key for key in ("top", "liberty", "compiled", "more") if getattr(args, key)]
        if not refused:
            return formats.read_table(args.which, args.format, signed=args.signed, bits=args.bits, order=args.order,
                                      transposed=args.transposed or None, **more)
    found = find(args).to_multiplier()
    found = found.to_multiplier(**more) if more else found
    return found.transposed() if args.transposed else found


def take(args):
    out = Path(args.out)
    if out.suffix != ".npy":
        raise ValueError(f"--out must end in .npy, the file that holds the table, got {out}.")
    power = None if args.power is None else check_real("--power", args.power, minimum=0)
    more = {"name": args.name, "performance_metric": power, "release": args.release}
    table = read_stated(args, **{key: value for key, value in more.items() if value is not None})
    formats.write_table(out, table)
    side_file.write(out, table, order="value")
    print(f"{out}: {table!r}")
    print_origins(table)
    for finding in lint_lut(table):
        print(finding)
    return 0


def lint(args):
    try:
        table = read_stated(args)
        findings = lint_lut(table)
        print_origins(table)
    except (UndeclaredError, UnfitError) as error:      # the linter says what it can of a table that does not tell
        if not is_table_file(args):
            raise
        print(f"note: {error.spoken() if isinstance(error, UndeclaredError) else error}")
        stored = formats.stored_table(Path(args.which), args.format)
        entries = stored.entries.T if args.transposed else stored.entries
        findings = lint_lut(entries, args.signed, args.order or stored.declared.order)
    for finding in findings:
        print(finding)
    if args.fix:
        fix(args, findings)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def fix(args, findings):
    """Write the corrected table of --fix."""
    out = Path(args.fix)
    if out.suffix != ".npy":
        raise ValueError(f"--fix must end in .npy, the file that will hold the corrected table, got {out}.")
    found = next((finding for finding in findings if finding.corrected is not None), None)
    if found is None:
        raise ValueError(f"--fix: no single correction explains what is wrong with {args.which}.")
    signed = next(finding.message for finding in findings if finding.check == "signedness") != "unsigned."
    table = formats.Multiplier(Path(args.which).stem, found.corrected, signed, info={
        "provenance": {"file": Path(args.which).name, "corrected": f"{found.check}: {found.correction}"}})
    formats.write_table(out, table)
    side_file.write(out, table, order="value")
    print(f"{out}: {found.correction}, {len(found.entries)} entries changed")


def spelled(identification):
    release, name, transposed, form = identification
    return f"{name} of release {release}{' transposed' if transposed else ''}{f' = {form}' if form else ''}"


def identify_one(args):
    circuit = find(args)
    found = identify(circuit)
    print_origins(circuit)
    for identification in found:
        print(spelled(identification))
    if not found:
        print("no published circuit has this table")
    if circuit.has_table:
        neighbor = nearest(circuit.to_multiplier(), near_enough=0)
        turned = ", transposed" if neighbor.transposed else ""
        print(f"{neighbor.form}{turned}" if neighbor.differing == 0 else
              f"nearest known rule: {neighbor.form}{turned}, which differs in {neighbor.differing} entries")
    return 0


def write_verilog(args):
    netlist = find_netlist(args.which, library=args.library, **stated(args))
    text = write_blif(netlist) if args.out and Path(args.out).suffix == ".blif" else verilog.write(netlist)
    if args.out:
        files.write_text(args.out, text)
        print(args.out)
    else:
        sys.stdout.write(text)
    return 0
