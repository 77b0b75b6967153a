"""What the examples print and draw, for the gallery of the site: python -m tests.tools.gallery_output [NAME ...]

Each runs as a reader would run it, from an empty folder; docs/gallery_output/NAME.txt holds what it prints and
NAME.*.png what it leaves. Minutes each: the committed files are what the site shows.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "docs" / "gallery_output"
NAMES = ("analog_lenet5", "minimal_cnn", "multiplier_families", "own_network", "tutorial")


def main(names):
    for name in names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name} ...", flush=True)
            done = subprocess.run([sys.executable, ROOT / "examples" / f"{name}.py"], cwd=folder, check=True,
                                  capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"})
            (OUTPUT / f"{name}.txt").write_text(done.stdout, "utf-8")
            for path in sorted(Path(folder).rglob("*.png")):
                shutil.copy(path, OUTPUT / f"{name}.{path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
