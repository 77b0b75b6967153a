"""The folder of a run: what is in it, and how a run goes on from it.

    config.json      options and environment            metrics.jsonl   one line an epoch and an evaluation
    matching.json    the MatchingInfo                   results.json    the final numbers
    checkpoints/     latest.npz after every epoch, STAGE.npz after every stage
    figures/         PNG                                report.html     everything on one self-contained page
"""
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.main_job.config import RunConfig, environment


@dataclass
class Checkpoint:
    """A moment between two epochs, complete: from it a run goes on to the same bits."""

    step: str
    epoch: int = 0
    entropy: int = 0
    network: dict = field(default_factory=dict)
    velocity: dict = field(default_factory=dict)
    results: dict = field(default_factory=dict)
    metrics_lines: int = 0

    def save(self, path):
        about = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)
                 if f.name not in ("network", "velocity")}
        arrays = {"about": np.array(json.dumps(about))}
        arrays |= {f"network/{name}": array for name, array in self.network.items()}
        arrays |= {f"velocity/{name}": array for name, array in self.velocity.items()}
        files.write_npz(path, arrays)

    @classmethod
    def load(cls, path):
        arrays = files.read_npz(path)
        try:
            about = json.loads(str(arrays.pop("about")))
            parts = {part: {name.removeprefix(f"{part}/"): array for name, array in arrays.items()
                            if name.startswith(f"{part}/")} for part in ("network", "velocity")}
            return cls(**about, **parts)
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not a checkpoint of refapprox: {error!r}.") from None


class RunFolder:
    """Paths of a run, its log of metrics and its checkpoints."""

    def __init__(self, path):
        self.path = Path(path)
        self.checkpoints, self.figures = self.path / "checkpoints", self.path / "figures"
        self.lines = []

    def create(self, config):
        """Make the folder of a new run; it must not hold one already."""
        if (self.path / "config.json").exists():
            raise ValueError(f"out {self.path} holds a run already: --resume {self.path} goes on with it, "
                             f"another --out starts afresh.")
        try:
            for directory in (self.path, self.checkpoints, self.figures):
                directory.mkdir(parents=True, exist_ok=True)
            files.write_json(self.path / "config.json",
                             {"options": dataclasses.asdict(config), "environment": environment()})
        except OSError as error:
            raise ValueError(f"out {self.path} cannot be written to: {error.strerror or error}.") from None

    @classmethod
    def open(cls, path):
        """(folder, its RunConfig) of an existing run."""
        folder = cls(path)
        if not (folder.path / "config.json").exists():
            raise ValueError(f"{path} is not the folder of a run: it has no config.json.")
        document = files.read_json(folder.path / "config.json")
        try:
            return folder, RunConfig(**document["options"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{folder.path / 'config.json'} does not hold the options of a run: {error!r}.") from None

    def log(self, record):
        """Append one line to metrics.jsonl."""
        self.lines.append(json.dumps(record))
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(self.lines[-1] + "\n")

    def records(self):
        return [json.loads(line) for line in self.lines]

    def save(self, checkpoint, name="latest"):
        checkpoint.metrics_lines = len(self.lines)
        checkpoint.save(self.checkpoints / f"{name}.npz")

    def load(self, name="latest"):
        """The checkpoint called `name`, or None where there is none."""
        path = self.checkpoints / f"{name}.npz"
        return Checkpoint.load(path) if path.exists() else None

    def newest(self, names):
        """(the newest whole checkpoint or None, what is wrong with newer ones): "latest", then `names` in order."""
        damaged = []
        for name in ("latest", *names):
            try:
                checkpoint = self.load(name)
            except ValueError as error:
                damaged.append(str(error))
            else:
                if checkpoint is not None:
                    return checkpoint, damaged
        return None, damaged

    def rewind(self, checkpoint):
        """Drop the metrics that were logged after `checkpoint`: they will be made again."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.lines = [line for line in lines[:checkpoint.metrics_lines] if line.endswith("}")]      # none cut short
        files.write_text(path, "".join(line + "\n" for line in self.lines))
