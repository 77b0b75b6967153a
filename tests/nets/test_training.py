"""The optimizer against its definition, the stages, determinism, and what stops a training."""
import numpy as np
import pytest

from refapprox.nets import ApproxNet, LeNet5
from refapprox.network import Parameter
from refapprox.optimizer import SGD, StageSettings
from refapprox.training import TrainingStopped, evaluate, topk_accuracy


def test_sgd_by_hand():
    parameter = Parameter(np.array([1.0]))
    optimizer = SGD({"p": parameter}, momentum=0.5, weight_decay=0.1)
    for _ in range(2):
        parameter.grad = np.array([2.0])
        optimizer.step({"p": 0.1})
    first_v = 2.0 + 0.1 * 1.0
    first_p = 1.0 - 0.1 * first_v
    second_v = 0.5 * first_v + 2.0 + 0.1 * first_p
    assert parameter.value[0] == pytest.approx(first_p - 0.1 * second_v, rel=1e-15)


@pytest.mark.parametrize("settings, factors", [
    (StageSettings(epochs=5, lr=1.0, step=2, gamma=0.1), [1, 1, 0.1, 0.1, 0.01]),
    (StageSettings(epochs=5, lr=1.0, milestones=(1, 3), gamma=0.5), [1, 0.5, 0.5, 0.25, 0.25]),
    (StageSettings(epochs=3, lr=1.0), [1, 1, 1]),
])
def test_schedules(settings, factors):
    assert [settings.decay(e) for e in range(settings.epochs)] == pytest.approx(factors)


def test_topk_accuracy_by_hand():
    output = np.array([[0.1, 0.9, 0.5], [0.8, 0.1, 0.3]])
    assert topk_accuracy(output, [2, 0], topk=(1, 2)) == [0.5, 1.0]
    assert topk_accuracy([[1.0, 1.0]], [1]) == [0.0]      # a tie goes to the first index
    with pytest.raises(ValueError, match=r"topk must lie in \[1, 3\], got 4"):
        topk_accuracy(output, [2, 0], topk=(4,))
    with pytest.raises(ValueError, match=r"got \(2, 3\) and \(3,\)"):
        topk_accuracy(output, [2, 0, 1])


def test_learning_happens_and_the_stages_change_what_they_should(make_net, data):
    net = make_net()
    net.train_baseline(data, epochs=6)
    _, (baseline,) = evaluate(net, data.val_batches())
    assert baseline > 0.7      # chance is 0.25
    net.train_quant(data)
    sigma_before = [layer.stdev for _, layer in net.noisy_modules]
    assert sigma_before == [0, 0, 0]      # untouched before the noise search
    net.train_gradient(data, lmbd=0.2, initial_noise=0.05, epochs=2)
    assert all(layer.stdev != 0.05 for _, layer in net.noisy_modules)
    assert net.mode == "noise"


def test_a_larger_lmbd_learns_more_noise(make_net, data):
    totals = []
    for lmbd in (0.0, 0.5):
        net = make_net()
        net.train_quant(data)
        net.train_gradient(data, lmbd=lmbd, epochs=2)
        totals.append(sum(abs(layer.stdev) for _, layer in net.noisy_modules))
    assert totals[1] > totals[0]


def test_same_seed_same_bits_other_seed_other_bits(make_net, data):
    def train(seed):
        net = make_net(seed=seed)
        net.train_quant(data)
        net.train_gradient(data)
        return net.state()

    one, again, other = train(0), train(0), train(1)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["conv.weight"], other["conv.weight"])


def test_going_on_from_an_epoch_gives_the_same_bits(make_net, data):
    whole, moments = make_net(), []
    whole.train_gradient(data, epochs=3, on_epoch=lambda p: moments.append(
        (p.epoch, whole.state(), {k: v.copy() for k, v in p.velocity.items()}, p)))
    epoch, state, velocity, progress = moments[0]
    resumed = make_net()
    resumed.load_state(state)
    progress.velocity, progress.epoch = velocity, epoch
    resumed.train_gradient(data, epochs=3, progress=progress)
    expected = whole.state()
    assert all(np.array_equal(resumed.state()[name], expected[name]) for name in expected)
    velocity["conv.weight"] = velocity["conv.weight"] + 1      # or the momentum was not used at all
    other = make_net()
    other.load_state(state)
    progress.epoch = epoch
    other.train_gradient(data, epochs=3, progress=progress)
    assert not np.array_equal(other.state()["conv.weight"], expected["conv.weight"])


def test_a_diverging_loss_is_located(make_net, data):
    net = make_net()
    net.stages["baseline"] = StageSettings(epochs=3, lr=1e30)
    with np.errstate(all="ignore"), pytest.raises(TrainingStopped, match="loss .* stage baseline, epoch 1, batch 2"):
        net.train_baseline(data)
    data.train.images[:] = np.nan
    with np.errstate(all="ignore"), pytest.raises(TrainingStopped, match="epoch 1, batch 1: images must be finite"):
        make_net().train_baseline(data)


def test_test_returns_loss_and_accuracy(make_net, data):
    loss, accuracy = make_net().train_baseline(data, test=True)
    assert loss > 0 and 0 <= accuracy <= 1
    assert make_net().train_baseline(data) is None


def test_lenet5_is_the_published_network():
    net = LeNet5(rng=np.random.default_rng(0))
    assert sum(p.value.size for p in net.named_parameters().values()) == 61_932      # "61.9 K"
    assert [(name, layer.fan_in, layer.opcount) for name, layer in net.noisy_modules] == [
        ("conv1", 25, 117_600), ("conv2", 150, 240_000), ("linear1", 400, 48_000), ("linear2", 120, 10_080),
        ("linear3", 84, 840)]


@pytest.mark.parametrize("call, message", [
    (lambda net, data: net.train_gradient(data, lmbd=-0.1), "lmbd must be at least 0"),
    (lambda net, data: net.train_gradient(data, initial_noise=np.nan), "initial_noise must be finite"),
    (lambda net, data: net.train_baseline(data, epochs=-1), "epochs must be at least 0"),
    (lambda net, data: net.train_approx(data), "deploy one first"),
    (lambda net, data: ApproxNet(net.model, (1, 8, 8), {}, rng=np.random.default_rng(0)), "missing approx"),
])
def test_bad_input_is_named(make_net, data, call, message):
    with pytest.raises(ValueError, match=message):
        call(make_net(), data)


def test_rng_must_be_a_generator():
    with pytest.raises(TypeError, match="numpy.random.Generator"):
        LeNet5(rng=np.random.RandomState(0))
