"""MNIST: found in every layout, checked, split, normalized; downloads whole and verified or not at all."""
import functools
import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest
from test_idx import idx

from refapprox.datasets import MNIST, FashionMNIST, mnist

SIZES = {"train": 12, "t10k": 4}


@pytest.fixture(scope="module")
def tiny():
    """name -> IDX bytes of four files of MNIST's form, with 12 and 4 images."""
    files = {}
    for part, n in SIZES.items():
        rng = np.random.default_rng(n)
        files[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (n, 28, 28)))
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(n) % 10)
    return files


@pytest.fixture(autouse=True)
def expect_tiny(request, monkeypatch, tiny):
    """The md5 sums and the split of the tiny files, but for the test on the real ones."""
    if "real" in request.node.name:
        return
    monkeypatch.delenv("REFAPPROX_DATA_DIR", raising=False)
    monkeypatch.setattr(mnist, "MD5", {name: hashlib.md5(content).hexdigest() for name, content in tiny.items()})
    monkeypatch.setattr(mnist, "N_VAL", 2)


def write(folder, files, zipped=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{'.gz' if zipped else ''}").write_bytes(gzip.compress(content) if zipped else content)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("layout", [".", "mnist", "MNIST/raw"])
def test_every_layout_is_found(tmp_path, tiny, layout, zipped, monkeypatch):
    write(tmp_path / layout, tiny, zipped)
    data = MNIST(batch_size=4, data_dir=tmp_path)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [10, 2, 4]
    monkeypatch.setenv("REFAPPROX_DATA_DIR", str(tmp_path))
    assert np.array_equal(MNIST().train.images, data.train.images)


def test_the_last_training_images_are_for_validation_and_pixels_are_normalized(tmp_path, tiny):
    write(tmp_path, tiny)
    data = MNIST(data_dir=tmp_path)
    pixels = np.random.default_rng(SIZES["train"]).integers(0, 256, (12, 28, 28))
    expected = (pixels / 255 - 0.1307) / 0.3081
    images = np.concatenate([data.train.images, data.val.images])[:, 0]
    assert images.dtype == np.float32 and np.allclose(images, expected, rtol=1e-6, atol=1e-7)
    assert data.val.labels.tolist() == [0, 1] and data.train.labels.tolist() == list(range(10))


def test_the_real_files(data_dir):
    data = MNIST(data_dir=data_dir)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [55_000, 5_000, 10_000]
    # counts of the classes in the test file, as published everywhere
    assert np.bincount(data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    # normalized by the moments of all 60,000, so to a few thousandths standardized here
    images = data.train.images[:]
    assert abs(images.mean()) < 0.005 and abs(images.std() - 1) < 0.005


def fashion(folder, monkeypatch, change=lambda files: files):
    """FashionMNIST of ten and two drawn images."""
    rng = np.random.default_rng(1)
    files = {f"{part}-{kind}-ubyte": idx(values) for part, n in (("train", 10), ("t10k", 2))
             for kind, values in (("images-idx3", rng.integers(0, 256, (n, 28, 28))),
                                  ("labels-idx1", np.arange(n) % 10))}
    write(folder / "fashion-mnist", change(files))
    monkeypatch.setattr(mnist, "FASHION_SIZES", {"train": 10, "t10k": 2})
    return FashionMNIST(data_dir=folder)


def test_fashion_mnist_is_checked_by_structure_and_tells_its_digests(tmp_path, monkeypatch):
    data = fashion(tmp_path, monkeypatch)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [8, 2, 2]
    assert not any(digest["known"] for digest in data.digests.values()) and len(data.digests) == 4
    pixels = np.random.default_rng(1).integers(0, 256, (10, 28, 28))
    assert np.allclose(data.train.images[3][0], (pixels[3] / 255 - 0.2860) / 0.3530, rtol=1e-6, atol=1e-6)


def test_fashion_mnist_refuses_mnist_and_other_sizes(tmp_path, tiny, monkeypatch):
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz and its labels must hold 10 images .* got "):
        fashion(tmp_path / "a", monkeypatch, lambda files: files | {
            "train-labels-idx1-ubyte": files["t10k-labels-idx1-ubyte"]})
    monkeypatch.setattr(mnist, "FASHION_SIZES", SIZES)
    write(tmp_path / "b", tiny)
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz is MNIST's: put Fashion-MNIST's files into"):
        FashionMNIST(data_dir=tmp_path / "b")


def test_the_real_fashion_files(data_dir):
    if mnist.locate(Path(data_dir), "train-images-idx3-ubyte", mnist.FASHION_LAYOUTS[:2]) is None:
        pytest.skip("no Fashion-MNIST in REFAPPROX_DATA_DIR")
    data = FashionMNIST(data_dir=data_dir)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [55_000, 5_000, 10_000]
    assert all(digest["known"] for digest in data.digests.values())
    assert np.bincount(data.test.labels).tolist() == [1000] * 10


def test_no_folder_and_no_files_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="say data_dir=DIR, or set the environment variable REFAPPROX_DATA_DIR"):
        MNIST()
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte or .* is neither in .* nor in its mnist"):
        MNIST(data_dir=tmp_path)


def test_a_wrong_checksum_and_exchanged_files_are_refused(tmp_path, tiny):
    images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    write(tmp_path, {**tiny, images: tiny[images][:-1] + b"\0"})
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz has the md5 sum"):
        MNIST(data_dir=tmp_path)
    write(tmp_path, {**tiny, images: tiny[labels], labels: tiny[images]})
    with pytest.raises(ValueError, match=r"3 dimension\(s\), got 1: .* exchanged"):
        MNIST(data_dir=tmp_path)


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture()
def loopback(tmp_path):
    """(folder, URL) of a web server on this machine."""
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_download_takes_the_first_mirror_that_is_right(tmp_path, tiny, loopback, monkeypatch):
    served, url = loopback
    write(served / "broken", {name: content[:-1] for name, content in tiny.items()})
    write(served / "good", tiny)
    target = tmp_path / "data"
    monkeypatch.setattr(mnist.download_mnist, "__defaults__", ((f"{url}absent/", f"{url}broken/", f"{url}good/"),))
    data = MNIST(data_dir=target, download=True)
    assert len(data.train.labels) == 10
    assert sorted(path.name for path in (target / "mnist").iterdir()) == sorted(f"{name}.gz" for name in tiny)


def test_a_failed_download_names_every_mirror_and_leaves_nothing(tmp_path, tiny, loopback):
    served, url = loopback
    write(served / "broken", {name: content[:-1] for name, content in tiny.items()})
    with pytest.raises(ConnectionError, match=r"(?s)absent/.*404.*broken/.*truncated"):
        mnist.download_mnist(tmp_path / "data", (f"{url}absent/", f"{url}broken/"))
    assert not (tmp_path / "data").exists()


def test_what_is_there_is_not_fetched_again(tmp_path, tiny):
    write(tmp_path, tiny)
    mnist.download_mnist(tmp_path, mirrors=())      # would raise ConnectionError if it needed one


def test_files_are_mirrors_too(tmp_path, tiny):
    write(tmp_path / "mirror", tiny)
    mnist.download_mnist(tmp_path / "data", ((tmp_path / "mirror").as_uri() + "/",))
    assert len(MNIST(data_dir=tmp_path / "data").test.labels) == 4
