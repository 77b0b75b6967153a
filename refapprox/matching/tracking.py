"""Where an assignment is written to: a run folder and, where MLflow is installed and asked for, MLflow."""
from __future__ import annotations

import dataclasses
from os import PathLike
from pathlib import Path

from refapprox.matching.info import MatchingInfo, without_nan
from refapprox.validation import check_choice, check_real


def dump_results(result: MatchingInfo, lmbd: float, folder: str | PathLike[str] | None = None, *,
                 tracking: str = "auto") -> None:
    """Write a MatchingInfo to a run folder and, where MLflow is installed and a run is active, to MLflow.

    Parameters
    ----------
    result : MatchingInfo
    lmbd : float
        Weight of the noise term that led to it.
    folder : path, optional
        Where `gs_results.json` goes.
    tracking : {"auto", "mlflow", "none"}, optional
        "mlflow" makes a missing MLflow an error; "auto" uses it where it is installed and a run is active.

    Raises
    ------
    KeyError
        If `tracking` is another.
    ValueError
        If MLflow is asked for and missing, or lmbd is negative.

    Examples
    --------
    >>> import json, tempfile
    >>> from refapprox.matching import LayerInfo
    >>> folder = tempfile.mkdtemp()
    >>> dump_results(MatchingInfo([LayerInfo("conv1", "cheap", 0.25, opcount=1)], 1.0, 1), 0.2, folder, tracking="none")
    >>> json.loads((Path(folder) / "gs_results.json").read_text())["relative_energy_consumption"]
    0.25
    """
    check_choice("tracking", tracking, ("auto", "mlflow", "none"))
    check_real("lmbd", lmbd, minimum=0.0)
    if folder is not None:
        result.save(Path(folder) / "gs_results.json")
    if tracking != "none":
        log_to_mlflow(result, lmbd, required=tracking == "mlflow")


def log_to_mlflow(result, lmbd, required):
    try:
        mlflow = import_mlflow("tracking='mlflow'")
    except ValueError:
        if required:
            raise
        return
    if mlflow.active_run() is None and not required:
        return
    mlflow.log_dict(without_nan(dataclasses.asdict(result)), "gs_results.json")
    mlflow.log_metric("Relative Energy Consumption", result.relative_energy_consumption)
    mlflow.log_param("lambda", lmbd)


def import_mlflow(what):
    """The module mlflow, which `what` needs; a ValueError that says how to get it where it is missing."""
    try:
        import mlflow
    except ImportError:
        raise ValueError(f"{what} needs MLflow: pip install 'refapprox[mlflow]'.") from None
    return mlflow
