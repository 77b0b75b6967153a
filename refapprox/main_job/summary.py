"""What is left of finished runs, to be compared: options, numbers, assignments."""
import dataclasses
from dataclasses import dataclass

import numpy as np

from refapprox.main_job.config import RunConfig
from refapprox.main_job.job import STEPS
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import MatchingInfo


@dataclass(frozen=True)
class RunSummary:
    """One run, as far as it went.

    Attributes
    ----------
    path : str
    config : RunConfig
    step : str
        The step that it does next; "done" for a finished run.
    results : dict
        As of results.json.
    matching : MatchingInfo or None
    """

    path: str
    config: RunConfig
    step: str
    results: dict
    matching: MatchingInfo | None


def read_summary(path):
    """The `RunSummary` of the run in folder `path`; a damaged file of it does not hide what the others hold."""
    folder, config = RunFolder.open(path)
    state, _ = folder.first_of(("latest", *reversed(STEPS)))
    try:
        matching = MatchingInfo.load(folder.path / "matching.json")
    except (ValueError, OSError):
        matching = None
    return RunSummary(str(path), config, state.step if state else STEPS[0], state.results if state else {}, matching)


def differing_options(summaries):
    """Names of the options in which the runs differ, in the order of `RunConfig`."""
    documents = [dataclasses.asdict(summary.config) for summary in summaries]
    return [name for name in documents[0] if any(document[name] != documents[0][name] for document in documents)]


def groups_over_seeds(summaries):
    """Runs that differ in the seed alone, in lists; single ones too."""
    groups = {}
    for summary in summaries:
        options = dataclasses.asdict(dataclasses.replace(summary.config, seed=0))
        groups.setdefault(repr(sorted(options.items())), []).append(summary)
    return list(groups.values())


def mean_and_spread(summaries, key):
    """(mean, std with ddof 1 or nan for a single run, number of runs that have it) of a result."""
    values = [summary.results[key] for summary in summaries if key in summary.results]
    if not values:
        return float("nan"), float("nan"), 0
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else float("nan"), len(values)
