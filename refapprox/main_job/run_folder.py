"""The folder of a run: what is in it, how its parts prove that they belong together, and how a run goes on from it.

    config.json      options and environment            metrics.jsonl   one line per epoch and evaluation
    matching.json    the MatchingInfo                   results.json    the final numbers
    checkpoints/     latest.npz after every epoch, STAGE.npz after every stage
    figures/         PNG                                report.html     everything on one self-contained page
    lock             held while a process works on the run

Every checkpoint holds the options and the environment that it was made with, a digest of the matching that it follows,
and the metrics logged so far. A part that was made with other options or after another matching is refused, a changed
environment is told; what is missing or cut short is made again from the newest whole checkpoint.
"""
import contextlib
import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.main_job.config import RunConfig, environment

try:
    import fcntl
except ImportError:      # Windows: two processes on one run are not told from one
    fcntl = None

ABOUT = {"step": str, "epoch": int, "entropy": int, "results": dict, "metrics": [str], "options": dict,
         "environment": dict, "matching": (str, None)}


class ForeignPartError(ValueError):
    """A part of a run folder that belongs to another run, or to this one before somebody changed it."""


@dataclass
class Checkpoint:
    """A moment between two epochs, complete: from it a run goes on to the same bits."""

    step: str
    epoch: int = 0
    entropy: int = 0
    network: dict = field(default_factory=dict)
    velocity: dict = field(default_factory=dict)
    results: dict = field(default_factory=dict)
    metrics: list = field(default_factory=list)          # lines of metrics.jsonl
    options: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    matching: str | None = None                          # digest of matching.json

    def save(self, path):
        arrays = {"about": np.array(json.dumps({name: getattr(self, name) for name in ABOUT}))}
        arrays |= {f"network/{name}": array for name, array in self.network.items()}
        arrays |= {f"velocity/{name}": array for name, array in self.velocity.items()}
        files.write_npz(path, arrays)

    @classmethod
    def load(cls, path):
        """The checkpoint in a file; a ValueError that names the file where it is none, or holds a nan."""
        arrays = files.read_npz(path)
        try:
            about = files.check_document(path, files.parse_json(str(arrays.pop("about")), path), ABOUT)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} is not a checkpoint of refapprox: {error}.") from None
        parts = {part: {name.removeprefix(f"{part}/"): array for name, array in arrays.items()
                        if name.startswith(f"{part}/")} for part in ("network", "velocity")}
        for part in parts.values():
            for name, array in part.items():
                if "x_range" not in name and not np.isfinite(array).all():      # ranges that saw nothing are nan
                    raise ValueError(f"{path} is not a checkpoint of refapprox: {name} is not finite.")
        return cls(**about, **parts)


class RunFolder:
    """Paths of a run, its log of metrics and its checkpoints.

    `config` is what the checkpoints must have been made with; None where nothing is known of it yet.
    """

    def __init__(self, path, config=None):
        self.path, self.config = Path(path), config
        self.checkpoints, self.figures = self.path / "checkpoints", self.path / "figures"
        self.lines = []

    def check_free(self):
        """A ValueError where the folder holds a run already, or parts of one."""
        if (self.path / "config.json").exists():
            raise ValueError(f"out {self.path} holds a run already: --resume {self.path} goes on with it, "
                             f"another --out starts afresh.")
        parts = [path for path in (*self.checkpoints.glob("*.npz"), self.path / "matching.json",
                                   self.path / "metrics.jsonl") if path.exists()]
        if parts:
            raise ValueError(f"out {self.path} holds {parts[0].relative_to(self.path)} of another run, without its "
                             f"config.json: --resume {self.path} makes that again from a checkpoint, another --out "
                             f"starts afresh.")

    def create(self, config):
        """Make the folder of a new run; it must not hold one already."""
        self.check_free()
        self.config = config
        try:
            self.prepare()
        except OSError as error:
            raise ValueError(f"out {self.path} cannot be written to: {error.strerror or error}.") from None

    def prepare(self):
        """Folders and config.json, made where they are missing."""
        for directory in (self.path, self.checkpoints, self.figures):
            directory.mkdir(parents=True, exist_ok=True)
        if stored_config(self.path / "config.json") is None:
            files.write_json(self.path / "config.json",
                             {"options": dataclasses.asdict(self.config), "environment": environment()})

    @classmethod
    def open(cls, path):
        """(folder, its RunConfig) of an existing run; without config.json a checkpoint says what the options were."""
        folder = cls(path)
        config = stored_config(folder.path / "config.json")
        if config is None:
            found = [Checkpoint.load(file) for file in sorted(folder.checkpoints.glob("*.npz"))]
            if not found:
                raise ValueError(f"{path} is not the folder of a run: it has no config.json that can be read.")
            config = config_of(found[0].options, folder.path)
        folder.config = config
        return folder, config

    @contextlib.contextmanager
    def locked(self):
        """The folder held for this process; a ValueError where another one holds it. What writers left is swept."""
        self.prepare()
        with open(self.path / "lock", "a", encoding="utf-8") as file:
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise ValueError(f"run {self.path} is being worked on by another process: let it end, or stop it "
                                     f"first.") from None
            for directory in (self.path, self.checkpoints, self.figures):
                files.sweep(directory)
            yield

    def log(self, record):
        """Append one line to metrics.jsonl."""
        self.lines.append(json.dumps(record))
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(self.lines[-1] + "\n")

    def records(self):
        """What was logged so far, a dict per line."""
        return [files.parse_json(line, self.path / "metrics.jsonl") for line in self.lines]

    def save(self, checkpoint, name="latest"):
        checkpoint.metrics, checkpoint.matching = list(self.lines), self.matching_digest()
        checkpoint.options, checkpoint.environment = as_stored(self.config), environment()
        checkpoint.save(self.checkpoints / f"{name}.npz")

    def load(self, name="latest"):
        """The checkpoint called `name`, or None where there is none; a ForeignPartError where it is another run's."""
        path = self.checkpoints / f"{name}.npz"
        if not path.exists():
            return None
        checkpoint = Checkpoint.load(path)
        self.check_belongs(checkpoint, f"checkpoints/{name}.npz")
        return checkpoint

    def check_belongs(self, checkpoint, name):
        """A ForeignPartError that names the difference where options or matching are not those of the checkpoint."""
        options = as_stored(self.config) if self.config else checkpoint.options
        if differences := differing(checkpoint.options, options):
            raise ForeignPartError(f"{self.path} holds parts that do not belong together: {name} was made with "
                                   f"{differences[0]}, config.json asks for {differences[1]}. Put config.json back, or "
                                   f"start another run with --out.")
        digest = self.matching_digest()
        if None not in (digest, checkpoint.matching) and digest != checkpoint.matching:
            raise ForeignPartError(f"{self.path} holds parts that do not belong together: matching.json was changed "
                                   f"after {name} had followed it. Put it back, or remove it to match again.")

    def matching_digest(self):
        """SHA-256 of what matching.json says, or None where there is none that can be read."""
        try:
            document = files.read_json(self.path / "matching.json")
        except (OSError, ValueError):
            return None
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def first_of(self, names):
        """(the first whole checkpoint of these names or None, what is wrong with those before it)."""
        damaged = []
        for name in names:
            try:
                checkpoint = self.load(name)
            except ForeignPartError:
                raise
            except ValueError as error:
                damaged.append(str(error))
            else:
                if checkpoint is not None:
                    return checkpoint, damaged
        return None, damaged

    def rewind(self, checkpoint):
        """metrics.jsonl as it was at `checkpoint`: later lines will be made again, missing ones are put back."""
        self.lines = list(checkpoint.metrics)
        files.write_text(self.path / "metrics.jsonl", "".join(line + "\n" for line in self.lines))


def stored_config(path):
    """The RunConfig in config.json, or None where it is missing or cut short."""
    try:
        document = files.read_json(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        if path.exists() and "not a JSON file" in str(error):
            return None
        raise
    files.check_document(path, document, {"options": dict, "*": (dict, str)})
    return config_of(document["options"], path)


def as_stored(config):
    """The options as JSON gives them back: lists for tuples."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def config_of(options, where):
    try:
        return RunConfig(**options)
    except (TypeError, ValueError) as error:      # KeyErrors of names that nothing has are ValueErrors, too
        raise ValueError(f"{where} does not hold the options of a run: {str(error).rstrip('.')}.") from None


def differing(one, other):
    """("lmbd 0.2", "lmbd 0.3") of two dicts, or None where they are the same."""
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return tuple(", ".join(f"{name} {side.get(name)!r}" for name in names) for side in (one, other)) if names else None
