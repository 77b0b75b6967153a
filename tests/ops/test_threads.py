"""Workers of a table product: results in order, errors that are not lost, processes that fork."""
import os
import subprocess
import sys

import numpy as np
import pytest

from refapprox import exact
from refapprox.ops.patches import Geometry
from refapprox.ops.table_convolution import TableConvolution

FORK = """
import multiprocessing, warnings
import numpy as np
from refapprox import exact, lut_matmul

def product(n):
    return int(lut_matmul(np.ones((n, 3), np.int8), np.ones((3, 2), np.int8), exact(), workers=2).sum())

if __name__ == "__main__":
    before = product(64)                                    # the parent's threads are running
    warnings.simplefilter("ignore", DeprecationWarning)     # of forking beside threads: what is tested here
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(product, (64,)).get(timeout=30) == before
"""


def problem(workers):
    return TableConvolution(np.zeros((1, 1, 1, 1)), np.zeros((1, 1, 1, 1)), exact(), Geometry((1, 1)), workers=workers)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_results_come_in_the_order_of_the_jobs(workers):
    assert problem(workers).each(lambda job, scratch: job * job, list(range(7))) == [i * i for i in range(7)]


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_any_worker_is_raised_after_all_have_stopped(failing):
    done = []

    def work(job, scratch):
        if job == failing:
            raise ArithmeticError(f"job {job}")
        done.append(job)

    with pytest.raises(ArithmeticError, match=f"job {failing}"):
        problem(2).each(work, list(range(6)))
    assert set(done) >= {job for job in range(6) if job % 2 != failing}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_starts_threads_of_its_own():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)
