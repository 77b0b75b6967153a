"""Doors of files: everything that a command reads, with files that it takes."""
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import struct
import tempfile
import time
import zipfile

import numpy as np

from tests.fuzz import inputs, judge
from tests.fuzz.files import changed

MEMORY_DISK = "/dev/shm" if os.path.isdir("/dev/shm") else None
EXAMPLES = pathlib.Path(__file__).with_name("circuits")


class FileDoor:
    """A reader of a path, and folders (name -> bytes) that it reads; `changing` names the files that are changed."""

    kind = "file"

    def __init__(self, name, read, folders, changing=None):
        self.name, self.read, self.folders, self.changing = f"file {name}", read, folders, changing
        with tempfile.TemporaryDirectory(dir=MEMORY_DISK) as place:
            for _ in range(2):      # once for what is imported
                started = time.process_time()
                for number, folder in enumerate(folders):
                    self.read(self.written(pathlib.Path(place) / str(number), folder))      # as it is, it is read
        self.seconds = max(time.process_time() - started, 1e-6) / len(folders)

    def written(self, place, folder):
        """The path to be read, after its files have been written."""
        for name, content in folder.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return place / next(iter(folder))

    def attempt(self, random):
        folder = dict(random.choice(self.folders))
        name = random.choice(self.changing or list(folder))
        what, folder[name] = changed(folder[name], random)
        place = pathlib.Path("files")
        for old in sorted(place.rglob("*"), reverse=True):
            old.rmdir() if old.is_dir() else old.unlink()
        path = self.written(place, folder)
        what = f"{name}: {what}"
        try:
            self.read(path)
        except Exception as error:
            changed_file = pathlib.Path(name)
            reason = judge.unclear(error, [name, changed_file.name, changed_file.stem, str(path), path.name,
                                           str(place)])
            text = inputs.shown_error(error)
            if reason:
                return inputs.Input(what, inputs.UNCLEAR, f"{reason}: {text}")
            return inputs.Input(what, inputs.REFUSED, text)
        return inputs.Input(what, inputs.ANSWERED)


class TextDoor:
    """A reader of one line of a pipe; whatever it is, there is an answer and never an error."""

    kind = "file"

    def __init__(self, name, answer, lines):
        self.name, self.answer, self.lines = f"pipe {name}", answer, lines
        for line in [*lines, *lines]:
            started = time.process_time()
            answer(line)
        self.seconds = max(time.process_time() - started, 1e-6)

    def attempt(self, random):
        what, line = changed(random.choice(self.lines), random)
        try:
            self.answer(line.replace(b"\n", b" "))
        except Exception as error:
            return inputs.Input(what, inputs.UNCLEAR, inputs.shown_error(error))
        return inputs.Input(what, inputs.ANSWERED)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(compressed=False, **arrays):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def read_one(path):
    from refapprox.multipliers.reading import read_file
    return read_file(path)


def tables():
    """Table files of every format, small, with and without a side file."""
    from refapprox.multipliers import from_family, write_table
    from refapprox.multipliers.formats import WRITTEN
    table = from_family("drum", k=3, bits=4, signed=False)
    found = []
    with tempfile.TemporaryDirectory() as place:
        for format in WRITTEN:
            folder = pathlib.Path(place) / format
            folder.mkdir()
            for suffix in (".npy", ".npz", ".csv", ".txt", ".bin", ".h"):
                path = folder / f"table{suffix}"
                with contextlib.suppress(ValueError):
                    write_table(path, table, format)
                    read_one(path)
                    found.append({path.name: path.read_bytes(),
                                  **{p.name: p.read_bytes() for p in folder.iterdir() if p.suffix == ".json"}})
    lut = np.asarray(table.lut)
    side = json.dumps({"signed": False, "name": "t", "bits": [4, 4], "performance_metric": 0.5}).encode()
    found += [{"t.npy": npy(lut.astype(np.int16)), "t.json": side}, {"t.npz": npz(a=lut, b=lut), "t.json": side},
              {"t.npz": npz(True, a=lut), "t.json": side},
              {"t.csv": "\n".join(",".join(map(str, row)) for row in lut).encode(), "t.json": side},
              {"t.txt": "\n".join(" ".join(map(str, row)) for row in lut).encode(), "t.json": side}]
    return found


def circuits():
    """door -> folders of the circuits in every language."""
    from refapprox.multipliers import family_netlist
    from refapprox.multipliers.languages import write_blif, write_verilog
    found = {}
    netlist = family_netlist("broken_array", bits=2, signed=False, h=1, v=1)
    found["BLIF"] = [{"c.blif": write_blif(netlist).encode()}]
    found["Verilog"] = [{"c.v": write_verilog(netlist).encode()}]
    for path in sorted(EXAMPLES.iterdir()):
        language = {".c": "C", ".v": "Verilog", ".json": "Yosys JSON", ".cgp": "CGP"}[path.suffix]
        found.setdefault(language, []).append({path.name: path.read_bytes()})
    return found


def read_with_liberty(path):
    from refapprox.multipliers import read_circuit
    return read_circuit(path.with_name("mapped.v"), liberty=path, signed=False)


def read_netlist_file(path):
    from refapprox.multipliers import read_circuit
    return read_circuit(path, signed=False, **({"bits": 2} if path.suffix in (".cgp", ".c") else {}))


LIBERTY = b"""library (small) {
  /* two cells */
  cell (AND2) { area : 1.5; pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "A & B"; } }
  cell (XOR2) { area : 2.5; pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "(A & !B) | (!A & B)"; } }
}
"""
MAPPED = b"""module m(input [1:0] a, input [1:0] b, output [3:0] p);
  wire m0, m1, c;
  AND2 g0 (.A(a[0]), .B(b[0]), .Y(p[0]));
  AND2 g1 (.A(a[1]), .B(b[0]), .Y(m0));
  AND2 g2 (.A(a[0]), .B(b[1]), .Y(m1));
  XOR2 g3 (.A(m0), .B(m1), .Y(p[1]));
  AND2 g4 (.A(m0), .B(m1), .Y(c));
  AND2 g5 (.A(a[1]), .B(b[1]), .Y(p[2]));
  assign p[3] = c;
endmodule
"""


def idx(array, code=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def images():
    """A folder of images by class."""
    from PIL import Image
    folder = {}
    rng = np.random.default_rng(0)
    for part, count in (("train", 3), ("test", 1), ("val", 1)):
        for name in "ab":
            for number in range(count):
                buffer = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).save(
                    buffer, format="PNG" if number % 2 else "JPEG")
                folder[f"data/{part}/{name}/{number}.{'png' if number % 2 else 'jpg'}"] = buffer.getvalue()
    return folder


def cifar_door():
    """The records of CIFAR files, at a hundredth of their length."""
    from refapprox.datasets import cifar
    rng = np.random.default_rng(0)
    content = b"".join(bytes([label % 10]) + rng.bytes(3072) for label in range(3))

    def read(path):
        return cifar.read_records(path.parent, {path.name: 3}, (10,), 0, "CIFAR10", {})
    return FileDoor("CIFAR", read, [{"data_batch_1.bin": content}])


def run_folders():
    """A run's folder, as `refapprox run` leaves it."""
    from refapprox.main_job import RunConfig
    from refapprox.main_job.run_folder import Checkpoint, RunFolder
    from refapprox.matching import LayerInfo, MatchingInfo
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(pathlib.Path(place) / "run")
        config = RunConfig(out=str(folder.path)) if "out" in RunConfig.__dataclass_fields__ else RunConfig()
        folder.create(config)
        MatchingInfo([LayerInfo("conv1", "mul8s_1KV9", 0.4, 100.0)], 0.5, 100.0).save(folder.path / "matching.json")
        folder.log({"step": "baseline", "epoch": 0, "loss": 0.5})
        folder.save(Checkpoint("quantized", 1, 7, {"conv1/weight": np.ones((2, 2), np.float32)}, {}, {"baseline": 0.9}))
        return [{f"run/{path.relative_to(folder.path)}": path.read_bytes()
                 for path in sorted(folder.path.rglob("*"), key=lambda p: p.name != "config.json") if path.is_file()}]


def read_run(path):
    """What compare and resume read of a run."""
    from refapprox.main_job.run_folder import RunFolder
    from refapprox.main_job.summary import read_summary
    read_summary(path.parent)
    folder, _ = RunFolder.open(path.parent)
    checkpoint, _ = folder.first_of(("latest",))
    if checkpoint is not None:
        folder.rewind(checkpoint)
        folder.records()


def read_matching(path):
    from refapprox.matching import MatchingInfo
    return MatchingInfo.load(path)


def weights():
    w = np.random.default_rng(0).normal(size=(4, 3))
    text = "\n".join(" ".join(f"{x:.6f}" for x in row) for row in w)
    return [{"w.npy": npy(w)}, {"w.npz": npz(a=w, b=w.ravel())}, {"w.npz": npz(True, a=w)}, {"w.txt": text.encode()},
            {"w.csv": text.replace(" ", ",").encode()}]


def read_weights(path):
    from refapprox.commands.analog import load_weights
    return load_weights(str(path), 0)


def suite():
    """A suite of conformance cases, cut to its two smallest families."""
    from refapprox.conformance.suite import FOLDER, digest
    manifest = json.loads((pathlib.Path(FOLDER) / "manifest.json").read_text())
    families = sorted(manifest["families"], key=lambda f: (pathlib.Path(FOLDER) / f"{f}.json").stat().st_size)[:2]
    manifest["families"] = families
    manifest["sha256"] = {n: d for n, d in manifest["sha256"].items() if n.removesuffix(".json") in families}
    manifest["digest"] = digest(manifest)
    return [{"suite/manifest.json": json.dumps(manifest).encode(),
             **{f"suite/{n}": (pathlib.Path(FOLDER) / n).read_bytes() for n in manifest["sha256"]}}]


def read_suite(path):
    from refapprox.conformance import Suite
    return [case.inputs for case in Suite(path.parent)]


def read_signed_suite(path):
    """The same with digests that fit: what is wrong is not found by them."""
    from refapprox.conformance.suite import digest
    try:
        manifest = json.loads(path.read_bytes())
        for name in manifest["sha256"]:
            manifest["sha256"][name] = hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
        manifest["digest"] = digest(manifest)
        path.write_text(json.dumps(manifest))
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError):
        pass
    read_suite(path)


def program_reply():
    """A `Program` whose other end writes what it is given."""
    from refapprox.conformance import load_case
    from refapprox.conformance.arrays import encode
    from refapprox.conformance.program import Program

    class Fake(Program):
        line = b""

        def _exchange(self, line, timeout):
            return self.line

        def _start(self):
            self._process = None

    case = load_case("energy/free")
    program = Fake(["fake"], 1.0)

    def answer(line):
        program.line = line
        outcome = program.call(case)
        assert isinstance(outcome, dict) and isinstance(outcome["status"], str)
        json.dumps(str(outcome))

    good = json.dumps({"id": case.id, "status": "ok", "outputs": encode(case.expected[next(iter(case.expected))])})
    return answer, [good.encode(), json.dumps({"id": case.id, "status": "error", "message": "no"}).encode()]


def worker_request():
    """A worker that holds an adapter."""
    from refapprox.conformance import Adapter, load_case
    from refapprox.conformance.program import request
    from refapprox.conformance.worker import answer as reply

    class Product(Adapter):
        name = "product"

        def multiply(self, x, w, lut):
            return x * w

        def matmul(self, x, w, lut):
            return x @ w

    adapter = Product()
    names = ["energy/free"]
    lines = [json.dumps(request(load_case(name))).encode() for name in names]
    lines.append(json.dumps({"id": "m", "operation": "matmul", "inputs": {
        "x": {"dtype": "int8", "shape": [1, 2], "data": [1, 2]},
        "w": {"dtype": "int8", "shape": [2, 1], "data": [3, 4]}, "lut": {"table": "exact_s8"}}}).encode())

    def answer(line):
        said = reply(adapter, line.decode("utf-8", "replace"))
        assert isinstance(said["status"], str)
        json.dumps(said)
    return answer, lines


def onnx_files():
    from refapprox import export_onnx
    from tests.small_network import small_net
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place) / "net.onnx"
        export_onnx(small_net(), path)
        return [{path.name: path.read_bytes()}]


def zipped_bomb():
    """An npz that unpacks to far more than it is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(np.zeros(2 ** 18)))
    return buffer.getvalue()


def all_doors():
    """Every door of files; ONNX only where its package is there."""
    import gzip

    import refapprox
    from refapprox.datasets import ImageFolder
    from refapprox.datasets.idx import read_idx
    from refapprox.multipliers.formats import read_mantissa_table
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 4, 4), np.uint8)
    made = [FileDoor("tables and their side files", read_one, tables()),
            FileDoor("tables by load_library", lambda path: list(refapprox.load_library(str(path))), tables()[:6]),
            FileDoor("Liberty", read_with_liberty, [{"small.lib": LIBERTY, "mapped.v": MAPPED}], ["small.lib"]),
            *[FileDoor(f"circuits in {language}", read_netlist_file, folders)
              for language, folders in sorted(circuits().items())],
            FileDoor("IDX", lambda path: read_idx(path), [{"a-idx3-ubyte": idx(pixels)},
                     {"a-idx3-ubyte.gz": gzip.compress(idx(pixels), mtime=0)}, {"b-idx1-ubyte": idx(pixels.ravel())}]),
            cifar_door(),
            FileDoor("images", lambda path: ImageFolder(data_dir=path.parents[2]), [images()]),
            FileDoor("run folders", read_run, run_folders()),
            FileDoor("matching.json", read_matching, [{"matching.json": run_folders()[0]["run/matching.json"]}]),
            FileDoor("weights of analog", read_weights, [*weights(), {"bomb.npz": zipped_bomb()}]),
            FileDoor("conformance cases", read_suite, suite()),
            FileDoor("conformance cases with digests that fit", read_signed_suite, suite()),
            FileDoor("mantissa tables", read_mantissa_table, mantissas()),
            TextDoor("replies of a program", *program_reply()),
            TextDoor("requests to a worker", *worker_request())]
    if importlib.util.find_spec("onnx"):
        made.append(FileDoor("ONNX", lambda path: refapprox.load_onnx(path), onnx_files()))
    os.makedirs("files", exist_ok=True)
    return made


def mantissas():
    return [{"m.bin": bytes(range(256))}]
