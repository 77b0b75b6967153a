"""Runs and metrics of a training in MLflow, where they are asked for."""
from contextlib import contextmanager

from refapprox.matching.info import import_mlflow


@contextmanager
def tracked_run(experiment, run_name, enabled):
    """A function (epoch, metrics) that logs an epoch in a run of its own; it does nothing unless `enabled`."""
    if not enabled:
        yield lambda epoch, metrics: None
        return
    mlflow = import_mlflow("log_mlflow=True")
    mlflow.set_experiment(experiment_name=experiment)
    with mlflow.start_run(run_name=run_name):
        yield lambda epoch, metrics: mlflow.log_metrics(metrics, step=epoch)
