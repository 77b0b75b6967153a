"""Lesson 3: fronts, and a bias that comes from the operands."""
import numpy as np

from refapprox.lessons.judging import Answers
from refapprox.multipliers import load_library
from refapprox.multipliers.ranking import pareto_front

DESIGNS = {"A": (0.43, 0), "B": (0.40, 0.5), "C": (0.30, 0.5), "D": (0.30, 0.9), "E": (0.12, 2.0), "F": (0.15, 2.5)}
BOUND = 0.1      # of MAE%


def on_the_front():
    """The letters of the designs on the front, in alphabetical order."""
    def letters(keep):
        return "".join(letter for letter in DESIGNS if keep(letter))

    def beaten_in_both(letter):
        cost, error = DESIGNS[letter]
        return any(c < cost and e < error for c, e in DESIGNS.values())

    names = list(DESIGNS)
    front = {names[index] for index in pareto_front(list(DESIGNS.values()))}
    return Answers(letters(front.__contains__), {
        "One of yours is as good as another design in one figure and worse in the other: that is dominated too.":
            letters(lambda letter: not beaten_in_both(letter)),
        "These are the dominated ones.": letters(lambda letter: letter not in front),
        "Not all of them: for some there is another design that is cheaper and no worse.": "".join(names),
        "The exact design is on the front as well: nothing else is without error.":
            letters(front.difference("A").__contains__),
        "The cheapest design is always on the front.": letters(front.difference("E").__contains__)})


def cheapest_below(bound, key, metrics):
    """Name of the cheapest multiplier of the library whose metric is below a bound."""
    fitting = [m for m in load_library() if metrics(m)[key] < bound]
    return min(fitting, key=lambda m: m.performance_metric).name


def cheapest_within_a_bound():
    """The name of a multiplier."""
    library = load_library()
    right = cheapest_below(BOUND, "MAE%", lambda m: m.metrics())
    cost = library[right].performance_metric
    return Answers(right, {
        "That bounds the worst case. The mean is asked for.": cheapest_below(BOUND, "WCE%", lambda m: m.metrics()),
        "That one is the cheapest, but its error is above the bound.":
            min(library, key=lambda m: m.performance_metric).name,
        "That one is exact. Something cheaper keeps the bound.": next(m.name for m in library if not m.error_map.any()),
        "That one is just too wrong: its error is a little above the bound.":
            max((m for m in library if m.performance_metric < cost), key=lambda m: m.performance_metric).name,
        "It keeps the bound, but there is one that does and costs less.":
            min((m for m in library if m.performance_metric > cost), key=lambda m: m.performance_metric).name})


def bias_behind_a_rectifier():
    """The bias of mul8s_1L2D."""
    codes = np.arange(-128, 128)
    positive, uniform = np.where(codes >= 0, 1 / 128, 0), np.full(256, 1 / 256)
    metrics = load_library()["mul8s_1L2D"].metrics
    right = metrics(positive, uniform)["bias"]
    mean_x, mean_w, cut = codes @ positive, codes @ uniform, (codes % 4).mean()
    return Answers(right, {
        "The size is right, the sign is not: an error is exact minus approximate.": -right,
        "That is for activations that are uniform over all codes. Here none is negative.": metrics()["bias"],
        "You left out the last term: where both operands lose something, the product of both losses counts as well.":
            cut * (mean_x + mean_w),
        "Both losses are multiplied as well, and that term has the other sign.": cut * (mean_x + mean_w) + cut ** 2,
        "That takes the mean weight as zero. The codes from -128 to 127 have another mean.":
            cut * mean_x - cut ** 2,
        "That is as if two bits took away 2 on average. They hold 0, 1, 2 or 3, all equally often.":
            2 * (mean_x + mean_w) - 4})


EXERCISES = {"3a": on_the_front, "3b": cheapest_within_a_bound, "3c": bias_behind_a_rectifier}
