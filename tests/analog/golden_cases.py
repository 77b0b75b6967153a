"""What the tests on aihwkit's golden data share."""
from refapprox.analog import (
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    NPairConductanceConverter,
    SinglePairConductanceConverter,
)

KINDS = {"single": SinglePairConductanceConverter, "dual": DualPairConductanceConverter,
         "npair": NPairConductanceConverter, "custom": CustomPairConductanceConverter}


def golden_converter(case):
    """The converter of a case; custom ones are built without their invertibility test, as the golden data were."""
    untested = {"invertibility_test": False} if case["converter"] == "custom" else {}
    return KINDS[case["converter"]](**case["kwargs"] | untested)


def arrays_of(arrays, tag):
    """The arrays stored under `tag` (a name, or the number of a case), without it."""
    prefix = f"case{tag:02d}/" if isinstance(tag, int) else f"{tag}/"
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
