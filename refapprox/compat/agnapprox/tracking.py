"""Runs and metrics of a training in MLflow, where they are asked for."""
from contextlib import contextmanager

from refapprox.matching.info import import_mlflow


@contextmanager
def tracked_run(experiment, run_name, enabled):
    """A function that logs the record of an epoch, in a run of its own; it does nothing unless `enabled`."""
    if not enabled:
        yield lambda record: None
        return
    mlflow = import_mlflow("log_mlflow=True")
    mlflow.set_experiment(experiment_name=experiment)
    with mlflow.start_run(run_name=run_name):
        yield lambda record: mlflow.log_metrics(epoch_metrics(record), step=record["epoch"])


def epoch_metrics(record):
    """The published names of an epoch's figures, and the noise levels."""
    metrics = {"train_loss": record["loss"], "val_loss": record["val_loss"], "val_acc_top1": record["val_accuracy"]}
    return metrics | {f"sigma_l.{name}": value for name, value in record.get("sigma", {}).items()}
