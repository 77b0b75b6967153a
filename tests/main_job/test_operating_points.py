"""Operating points: least energy at every scale with few multipliers, batch norm of their own, weights of all."""
import itertools

import numpy as np
import pytest

from refapprox import load_library
from refapprox.main_job import MainJob, RunConfig, config
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import MatchingInfo, exact_fallback, matching_problem, operating_points, tune_batch_norm
from refapprox.matching.points import scaled


@pytest.fixture(scope="module")
def candidates():
    library = load_library()
    return [*library.search_space()[::4], exact_fallback(library)]


def test_points_are_the_least_energy_of_all_sets_of_multipliers(searched, candidates):
    net, data = searched
    problem = matching_problem(net, data, candidates, rng=np.random.default_rng(0))
    scales = [0.5, 1.0, 4.0]
    points = operating_points(net, candidates, problem, scales, 2)
    names = {layer.multiplier_name for point in points for layer in point.info.layers}
    assert len(names) <= 2 and [point.scale for point in points] == scales
    best = min(energy for pair in itertools.combinations(range(len(candidates)), 2)
               if (energy := energy_of(pair, problem, scales)) is not None)
    found = sum(point.info.relative_energy_consumption for point in points)
    assert np.isclose(found, best, rtol=1e-12)
    energies = [point.info.relative_energy_consumption for point in points]
    assert energies == sorted(energies, reverse=True)                  # more noise, less energy
    for point in points:
        for layer, (_, own) in zip(point.info.layers, net.noisy_modules, strict=True):
            assert layer.predicted_std <= layer.allowed_std
            assert np.isclose(layer.sigma, point.scale * float(own.stdev))


def energy_of(chosen, problem, scales):
    """Least sum of energies over all scales with these multipliers only; None where a layer fits none."""
    total = 0.0
    for scale in scales:
        part = scaled(problem, scale)
        for row in range(len(part.allowed)):
            fitting = [part.energies[row, m] for m in chosen if part.stds[row, m] <= part.allowed[row]]
            if not fitting:
                return None
            total += min(fitting)
    return total


def test_batch_norm_is_a_points_own_and_nothing_else_is(searched, candidates):
    net, data = searched
    start, mode = net.state(), net.mode
    problem = matching_problem(net, data, candidates, rng=np.random.default_rng(0))
    points = operating_points(net, candidates, problem, [1.0, 5.0], 3)
    library = {m.name: m for m in candidates}
    tune_batch_norm(net, points, library, data)
    assert not any(point.state for point in points)                   # as they are
    for options, keys in (({"images": data.train.images}, {"running_mean", "running_var"}),
                          ({"epochs": 1}, {"running_mean", "running_var", "gamma", "beta", "x_range"})):
        tune_batch_norm(net, points, library, data, **options)
        assert all({name.rpartition(".")[2] for name in point.state} == keys for point in points)
        assert not np.array_equal(points[0].state["norm.running_mean"], points[1].state["norm.running_mean"])
        accuracy = points[1].accuracy
        points[1].apply(net, library)
        assert net.test(data)[1] == accuracy                          # the point is complete
        net.load_state(start)
        net.set_mode(mode)
    assert all(np.array_equal(array, net.state()[name], equal_nan=True) for name, array in start.items())


def test_wrong_scales_are_named(searched, candidates):
    net, data = searched
    problem = matching_problem(net, data, candidates, rng=np.random.default_rng(0))
    for scales in ([], [1.0, 0.0], [-1.0]):
        with pytest.raises(ValueError, match="scales must be"):
            operating_points(net, candidates, problem, scales, 2)
    with pytest.raises(ValueError, match="at most 1 multipliers keeps within"):
        operating_points(net, candidates[:1], problem_of_first(problem), [1e-9], 1)


def problem_of_first(problem):
    return type(problem)(problem.stds[:, :1], problem.allowed, problem.opcounts, problem.costs[:1])


@pytest.fixture
def finished(monkeypatch, tmp_path):
    """Folder of a run that took seconds."""
    monkeypatch.setitem(config.PRESETS, "tiny", config.PRESETS["smoke"] | {"digits": {"n_train": 200, "n_test": 40}})
    options = RunConfig(preset="tiny", uniform=False)
    folder = RunFolder(tmp_path / "run")
    folder.create(options)
    MainJob(options, folder, Quiet()).run()
    return folder.path


class Quiet:
    line = epoch = batch = staticmethod(lambda *args: None)


def test_the_example_prints_a_row_a_point(finished, load_example, capsys):
    points = load_example("operating_points").main(finished, scales=(0.5, 2.0), instances=3, images=100)
    assert len(points) == 2 and isinstance(points[0].info, MatchingInfo)
    assert capsys.readouterr().out.count(" %") == 6


def test_the_claim_compares_assignments_of_equal_energy_and_does_nothing_twice(finished, load_example):
    example = load_example("energy_claim")
    found = example.main(finished, seeds=2, console=Quiet())
    assert found.keys() == {*example.RULES, "quantized, exact products", "best uniform", "random, equal energy"}
    for seed in range(2):
        matched = found["matched, published rule"][seed][0]
        assert found["best uniform"][seed][0] <= matched
        assert abs(found["random, equal energy"][seed][0] - matched) < 0.01
        assert np.isclose(found["quantized, exact products"][seed][0], 1.0)
    picture, = (finished / "claim").glob("energy-*.png")
    picture.unlink()
    files = {path: path.stat().st_mtime_ns for path in (finished / "claim").iterdir()}
    assert 4 <= len(files) <= 12 and example.main(finished, seeds=2, console=Quiet()) == found
    assert {path: path.stat().st_mtime_ns for path in files} == files
    fewer = example.main(finished, seeds=1, images=130, epochs=2, console=Quiet())      # another search, kept apart
    assert all((finished / "claim" / path.name).stat().st_mtime_ns == time for path, time in files.items())
    assert [results[0] for results in fewer.values()] != [results[0] for results in found.values()]


def test_fronts_of_search_spaces_fall_with_the_noise_allowed(finished, load_example, monkeypatch, capsys):
    example = load_example("energy_claim")
    monkeypatch.setattr(example, "GENERATED", ["operand_truncated(t=3)"])
    assert [m.performance_metric == 1 for m in example.generated()] == [True, False, False]
    example.fronts(finished, ["builtin", "generated"])
    rows = np.array([row.split() for row in capsys.readouterr().out.splitlines()[-len(example.NOISES):]], float)
    assert np.array_equal(rows[:, 0], example.NOISES)
    assert (np.diff(rows[:, 1:], axis=0) >= 0).all() and (rows[:, 1:] > 0).all() and (rows[:, 1:] <= 1).all()
    assert (rows[:, 1] < rows[:, 2]).any()                 # three multipliers cannot follow thirteen
