"""What the examples print and draw, for the gallery of the site: python -m tests.tools.gallery_output [NAME ...]

Each runs as a reader would run it, in a folder of its own; docs/gallery_output/NAME.txt holds its commands and what
the last one prints, NAME.*.png the pictures which that one leaves. Seconds to minutes each, a quarter of an hour in
all: the committed files are what the site shows.
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "docs" / "gallery_output"
DIGITS = "refapprox run --no-uniform --out runs/digits"
COMMANDS = {      # the last one is what the page shows; what needs a finished run gets one on drawn digits
    "analog_lenet5": ["python examples/analog_lenet5.py --noise 4 --out ."],
    "assignments": [DIGITS, "python examples/assignments.py runs/digits"],
    "correct_a_layer": ["python examples/correct_a_layer.py"],
    "energy_claim": [DIGITS, "python examples/energy_claim.py runs/digits --seeds 3"],
    "lambda_sweep": ["python examples/lambda_sweep.py --out sweep"],
    "multiplier_families": ["python examples/multiplier_families.py"],
    "operating_points": [DIGITS, "python examples/operating_points.py runs/digits"],
    "own_network": ["python examples/own_network.py"],
    "tutorial": ["python examples/tutorial.py"],
}
PROGRAMS = {"python": [sys.executable], "refapprox": [sys.executable, "-m", "refapprox"]}


def run(command, folder):
    """What a command line prints that is typed in `folder`."""
    program, *words = shlex.split(command)
    return subprocess.run([*PROGRAMS[program], *words], cwd=folder, check=True, stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}).stdout


def main(names):
    for name in names or COMMANDS:
        *before, command = COMMANDS[name]
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name} ...", flush=True)
            (Path(folder) / "examples").symlink_to(ROOT / "examples")
            for line in before:
                run(line, folder)
            old = set(Path(folder).rglob("*.png"))
            printed = run(command, folder)
            (OUTPUT / f"{name}.txt").write_text("".join(f"$ {line}\n" for line in COMMANDS[name]) + printed, "utf-8")
            for path in sorted(set(Path(folder).rglob("*.png")) - old):
                shutil.copy(path, OUTPUT / f"{name}.{path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
