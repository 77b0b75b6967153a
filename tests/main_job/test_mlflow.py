"""Results in a real MLflow with a store of plain files; skipped, by name, where MLflow is not installed."""
import numpy as np
import pytest

from refapprox.compat.agnapprox import utils
from refapprox.compat.agnapprox.datamodules import ApproxDataModule
from refapprox.compat.agnapprox.nets import LeNet5
from refapprox.datasets import SyntheticDigits
from refapprox.matching import LayerInfo, MatchingInfo, dump_results

pytestmark = pytest.mark.filterwarnings("default")      # MLflow's own deprecations are not ours to fail on

INFO = MatchingInfo([LayerInfo("conv1", "mul8s_1L2H", 0.301, 75, 25, 0.02, 2.0, 3.0),
                     LayerInfo("conv2", "exact8s", 0.4, 25)], 0.425, 100)


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """MLflow with an empty store of its own."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")      # release 3 wants a database unless told so
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tmp_path.joinpath("store").as_uri())
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


def stored_runs(mlflow):
    """All runs of the store, newest first."""
    client = mlflow.MlflowClient()
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def check_results(mlflow, run, tmp_path):
    path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="gs_results.json",
                                               dst_path=str(tmp_path))
    stored = MatchingInfo.load(path)
    assert stored.layers[0] == INFO.layers[0] and np.isnan(stored.layers[1].sigma)
    assert run.data.metrics == {"Relative Energy Consumption": INFO.relative_energy_consumption}
    assert run.data.params == {"lambda": "0.2"}


@pytest.mark.parametrize("tracking", ["auto", "mlflow"])
def test_results_go_into_the_active_run(mlflow, tmp_path, tracking):
    with mlflow.start_run():
        dump_results(INFO, 0.2, tracking=tracking)
    (run,) = stored_runs(mlflow)
    check_results(mlflow, run, tmp_path)


def test_without_an_active_run_only_an_explicit_wish_makes_one(mlflow, tmp_path):
    dump_results(INFO, 0.2, tmp_path)
    dump_results(INFO, 0.2, tracking="none")
    assert not stored_runs(mlflow) and mlflow.active_run() is None
    utils.dump_results(INFO, 0.2)      # the published function, which always writes there
    (run,) = stored_runs(mlflow)
    check_results(mlflow, run, tmp_path)


class Digits(ApproxDataModule):
    def load(self):
        return SyntheticDigits(n_train=48, n_test=10)


def test_a_tracked_stage_has_its_figures_of_every_epoch(mlflow):
    dm, model = Digits(), LeNet5(rng=np.random.default_rng(0))
    dm.setup()
    model.train_baseline(dm, epochs=1)
    assert not stored_runs(mlflow)
    model.train_quant(dm, epochs=1, log_mlflow=True)
    model.train_gradient(dm, epochs=2, log_mlflow=True)
    search, quant = stored_runs(mlflow)
    client = mlflow.MlflowClient()
    assert client.get_experiment(quant.info.experiment_id).name == "LeNet5"
    assert [run.info.run_name for run in (quant, search)] == ["QAT Model", "Gradient Search"]
    assert quant.data.metrics.keys() == {"train_loss", "val_loss", "val_acc_top1"}
    sigma = client.get_metric_history(search.info.run_id, "sigma_l.model.conv1.0")
    assert [metric.step for metric in sigma] == [1, 2]
    assert sigma[-1].value == pytest.approx(model.noisy_modules[0][1].stdev.item(), rel=1e-12)
