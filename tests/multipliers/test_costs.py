"""Search spaces that add up, and where their costs come from."""
import numpy as np
import pytest

from refapprox import Multiplier, exact, from_family, load_library
from refapprox.multipliers import family_netlist
from refapprox.multipliers.circuits.cost import power
from refapprox.multipliers.reading import split_sources


def test_sources_are_split_at_commas_outside_of_parentheses():
    assert split_sources("builtin, a/b.npy,broken_array(h=2,v=5)") == ["builtin", "a/b.npy", "broken_array(h=2,v=5)"]
    assert split_sources("one") == ["one"]
    with pytest.raises(ValueError, match="must name sources between its commas, got 'a,,b'"):
        split_sources("a,,b")


def test_a_list_of_sources_is_one_library(tmp_path):
    np.save(tmp_path / "mine.npy", exact(8).lut)
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub" / "other.npy", exact(8).lut)
    own = Multiplier.from_function("own", lambda x, w: x * w, performance_metric=0.3)
    library = load_library([tmp_path / "mine.npy", tmp_path / "sub", own, "v2022:mul8s_1L2N", "drum(k=6)", "builtin"])
    assert library.names[:5] == ["mine", "other", "own", "mul8s_1L2N", "drum(k=6)_8s"] and len(library) == 18
    assert load_library(f"builtin,{tmp_path / 'mine.npy'}").names[-1] == "mine"
    with pytest.raises(ValueError, match="two multipliers named mine"):
        load_library([tmp_path / "mine.npy", tmp_path / "mine.npy"])
    with pytest.raises(FileNotFoundError, match="there is no file or folder .*none.npy"):
        load_library(["builtin", tmp_path / "none.npy"])
    with pytest.raises(KeyError, match="named|file, folder, release or family 'drumm'. Did you mean drum"):
        load_library("builtin,drumm")


def test_costs_come_from_the_caller_the_file_and_the_gates_in_this_order(tmp_path):
    np.save(tmp_path / "mine.npy", exact(8).lut)
    sources = [tmp_path / "mine.npy", "mul8s_1KVL" and "broken_array(h=2,v=5)", "builtin"]
    with pytest.raises(ValueError, match="cost of mine is not known") as error:
        load_library(sources).search_space()
    assert "say --cost mine=0.2" in error.value.spoken()
    found = {m.name: m for m in load_library(sources, costs={"mine": 0.2, "mul8s_1KV8": 0.5}).search_space()}
    assert (found["mine"].performance_metric, found["mine"].info["cost"]) == (0.2, "the caller")
    assert found["mul8s_1KV8"].performance_metric == 0.5 and found["mul8s_1KVL"].performance_metric == 0.289
    estimated = found["broken_array(h=2,v=5)_8s"]
    assert estimated.performance_metric == power(family_netlist("broken_array(h=2,v=5)"))
    assert estimated.info["cost"] == "its gates" and found["mul8s_1KVL"].info["cost"] == "its source"
    assert load_library("drum(k=6)", costs={"drum(k=6)": 0.3}).search_space()[0].performance_metric == 0.3
    (tmp_path / "mine.json").write_text('{"performance_metric": 0.7}')
    assert load_library(tmp_path / "mine.npy").search_space()[0].performance_metric == 0.7


def test_costs_are_refused_where_they_are_given():
    with pytest.raises(ValueError, match="cost of drum.* must be at least 0, got -0.1"):
        load_library("drum(k=6)", costs={"drum(k=6)": -0.1})
    with pytest.raises(ValueError, match="performance_metric of exact8s must be at least 0"):
        exact(8).to_multiplier(performance_metric=-0.1)
    with pytest.raises(KeyError, match="multiplier to give a cost 'drum'. Did you mean drum\\(k=6\\)_8s"):
        load_library("drum(k=6)", costs={"drum": 0.2})


def test_a_file_that_cannot_be_read_does_not_block_a_folder(tmp_path):
    np.save(tmp_path / "good.npy", exact(8).lut)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "good.npy").read_bytes()[:1000])
    with pytest.warns(UserWarning, match="cut.npy is left out: .*takes 262144 bytes"):
        assert load_library(tmp_path).names == ["good"]


def test_unsigned_search_spaces(tmp_path):
    names = ["truncated(k=6)", "exact", "udm"]
    library = load_library(names, signed=False)
    assert {m.signed for m in library.search_space()} == {False}
    assert from_family("udm", signed=False).lut_hash == library["udm_8u"].lut_hash
