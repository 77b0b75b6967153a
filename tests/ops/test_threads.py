"""Workers: results in order, errors that are not lost, processes that fork."""
import os
import subprocess
import sys
import threading
from collections import deque

import numpy as np
import pytest

from refapprox import Circuit, exact, lut_matmul
from refapprox.ops import threads
from refapprox.ops.threads import each

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


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("jobs", [0, 1, 7])
def test_results_come_in_the_order_of_the_jobs(workers, jobs):
    seen = set()

    def work(job, worker):
        seen.add(worker)
        return job * job

    assert each(work, list(range(jobs)), workers) == [i * i for i in range(jobs)]
    assert seen <= set(range(workers))


def test_a_worker_takes_the_next_job_as_soon_as_it_is_free():
    """The first job waits until all others are done: with jobs dealt out beforehand, this would not end."""
    others = threading.Semaphore(0)

    def work(job, worker):
        if job == 0:
            assert all(others.acquire(timeout=30) for _ in range(5))
        else:
            others.release()

    each(work, list(range(6)), 2)


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_any_worker_is_raised_after_all_have_stopped(failing):
    started = threading.Barrier(2)
    done = []

    def work(job, worker):
        if job < 2:
            started.wait(timeout=30)
        if job == failing:
            raise ArithmeticError(f"job {job}")
        done.append(job)

    with pytest.raises(ArithmeticError, match=f"job {failing}"):
        each(work, list(range(6)), 2)
    assert set(done) == set(range(6)) - {failing}


def test_workers_without_number_start_no_more_threads_than_cores():
    x, w = np.ones((2000, 9), np.int8), np.ones((9, 4), np.int8)
    for workers in (1000, 7, 300):
        assert lut_matmul(x, w, exact(), workers=workers, method="index").tolist() == [[9] * 4] * 2000
    alive = [thread for thread in threading.enumerate() if thread.name.startswith("refapprox")]
    assert len(alive) <= max(1, (os.cpu_count() or 1) - 1)


def test_work_that_calls_each_itself_does_not_wait_for_itself():
    def inner(job, worker):
        return job

    def outer(job, worker):
        return sum(each(inner, list(range(4)), 3))

    found = []
    thread = threading.Thread(target=lambda: found.append(each(outer, list(range(20)), 3)), daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert found == [[6] * 20]


def test_a_circuit_may_use_workers_inside_workers():
    """Its function computes products by a product that has workers of its own."""
    def func(x, w):
        return np.array([lut_matmul([[a], [a]], [[b]], exact(), workers=2, method="index")[0, 0]
                         for a, b in zip(x.tolist(), w.tolist(), strict=True)])

    circuit = Circuit("nested", func, bits_x=12, bits_w=12, signed=True)
    x, w = np.arange(12).reshape(6, 2), np.arange(6).reshape(2, 3)
    found = []
    thread = threading.Thread(target=lambda: found.append(lut_matmul(x, w, circuit, workers=2)), daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert np.array_equal(found[0], x @ w)


@pytest.mark.skipif(not threads.core_teller() or threads.cores() < 2, reason="one core, or a system that tells none")
def test_where_every_core_is_wanted_a_helper_keeps_off_the_callers(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    allowed = sorted(os.sched_getaffinity(0))
    for core in allowed[:2]:
        monkeypatch.setattr(threads, "core_teller", lambda core=core: lambda: core)
        begun = threading.Barrier(2)      # so that the helper is sure to have a job

        def cores_of(job, worker, begun=begun):
            begun.wait(timeout=30)
            return worker, os.sched_getaffinity(0)

        assert dict(each(cores_of, [0, 1], 2)) == {0: set(allowed), 1: set(allowed) - {core}}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_starts_threads_of_its_own():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


def test_who_finishes_late_leaves_the_helper_to_those_it_works_for():
    """It took their wake-up, and they waited forever."""
    helper = object.__new__(threads.Helper)
    helper.idle, helper.wake, helper.avoided = deque(), threads.taken_lock(), None
    ran, waits = threads.Task(None), threads.Task(None)
    ran.done.release()
    helper.start(waits, None)
    assert helper.finish(ran) is None
    assert helper.task is waits and not helper.wake.locked() and not helper.idle
    assert helper.finish(waits) is None and helper.wake.locked() and list(helper.idle) == [helper]
