"""Train the networks that the package ships: `python tests/tools/make_pretrained.py [--work DIR]`.

LeNet-5 on the drawn digits and on MNIST (REFAPPROX_DATA_DIR), each with signed and with unsigned codes, through the
stages baseline, quant and gradient with seed 0: by the preset that fits the size of the data, `quick` or `full`.
Seeded, and resumable: what stands in DIR is not done again. Weights are stored as float16; the loaded network is
tested once more, and that is what is recorded.
"""
import argparse
import json
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.main_job import MainJob, RunConfig
from refapprox.main_job.console import Console
from refapprox.main_job.run_folder import RunFolder
from refapprox.nets.pretrained import DATASETS, as_float32, pretrained_path

PRESETS = {"synthetic": "quick", "mnist": "full"}
SEARCH_SPACES = {True: "builtin", False: "v1.1:mul8u_1JFF"}      # only its sign and width matter before matching


def save_pretrained(net, datamodule, dataset, signed):
    """Store `net`, large arrays as float16, and return the test accuracy of what was stored."""
    state = {name: array.astype(np.float16) if array.ndim > 1 else array for name, array in net.state().items()}
    net.load_state(as_float32(state))
    net.set_mode("quantized")
    _, accuracy = net.test(datamodule)
    about = {"dataset": dataset, "signed": signed, "entropy": net.entropy, "quantized_test_accuracy": accuracy}
    files.write_npz(pretrained_path(dataset, signed), {"about": np.array(json.dumps(about)), **state})
    return accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/pretrained"), help="default: runs/pretrained")
    work = parser.parse_args().work
    for dataset in DATASETS:
        for signed, multipliers in SEARCH_SPACES.items():
            path = work / f"{dataset}-{'signed' if signed else 'unsigned'}"
            config = RunConfig(dataset=dataset, preset=PRESETS[dataset], multipliers=multipliers)
            if (path / "config.json").exists():
                folder, config = RunFolder.open(path)
            else:
                folder = RunFolder(path)
                folder.create(config)
            job = MainJob(config, folder, Console())
            job.run(last="gradient")
            accuracy = save_pretrained(job.net, job.datamodule, dataset, signed)
            print(f"{pretrained_path(dataset, signed)}: test accuracy {100 * accuracy:.2f} %", flush=True)


if __name__ == "__main__":
    main()
