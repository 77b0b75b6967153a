"""What is left of PyTorch Lightning's `Trainer` where its user has no use for it: ``import ... lightning as pl``."""
from typing import Any

from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.training import evaluate

# what these choose changes no number here: devices, progress bars, logging, checkpoints of another format
IGNORED_OPTIONS = ("accelerator", "devices", "gpus", "num_nodes", "num_sanity_val_steps", "log_every_n_steps",
                   "enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger",
                   "default_root_dir")


def check_trainer_options(options):
    """Refuse what would have changed the training."""
    if unknown := sorted(options.keys() - set(IGNORED_OPTIONS)):
        raise ValueError(f"Trainer options {', '.join(unknown)} are not supported; without effect, and therefore "
                         f"accepted, are {', '.join(IGNORED_OPTIONS)}.")


class Trainer:
    """Stand-in for ``pytorch_lightning.Trainer``: evaluates, and is passed around.

    Parameters
    ----------
    **options
        Those that choose devices, bars and logs; others are a ValueError.

    Examples
    --------
    >>> Trainer(accelerator="gpu", devices=1) is not None
    True
    """

    def __init__(self, **options: Any) -> None:
        check_trainer_options(options)

    def validate(self, model: Any, datamodule: Any, verbose: bool = True) -> list[dict[str, float]]:
        """[{"val_loss": ..., "val_acc_top1": ...}] on the validation part.

        Parameters
        ----------
        model : ApproxNet
        datamodule : ApproxDataModule or refapprox DataModule
        verbose : bool, optional
            Print the figures.
        """
        return self._evaluate(model, native_datamodule(datamodule).val_batches(), "val", verbose)

    def test(self, model: Any, datamodule: Any, verbose: bool = True) -> list[dict[str, float]]:
        """[{"test_loss": ..., "test_acc_top1": ...}] on the test part.

        Parameters
        ----------
        model, datamodule, verbose
            As of `validate`.
        """
        return self._evaluate(model, native_datamodule(datamodule).test_batches(), "test", verbose)

    @staticmethod
    def _evaluate(model, batches, part, verbose):
        loss, accuracies = evaluate(model, batches, model.topk)
        metrics = {f"{part}_acc_top{k}": accuracy for k, accuracy in zip(model.topk, accuracies, strict=True)}
        metrics[f"{part}_loss"] = loss
        if verbose:
            print("\n".join(f"{name:>15}  {value:.6f}" for name, value in metrics.items()))
        return [metrics]
