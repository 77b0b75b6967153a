"""Numbers in the documentation that a formula gives stand there as it gives them."""
import dataclasses

import pytest

from tests.tools.doc_numbers import CLAIMS


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if not claim.slow], ids=lambda claim: claim.sentence[:50])
def test_the_number_in_the_document_is_the_computed_one(claim):
    holds, wanted = claim.holds()
    assert holds, f"{claim.document} should say: {wanted}"


def test_another_number_is_noticed():
    claim = CLAIMS[0]
    wrong = dataclasses.replace(claim, compute=lambda: {name: 1.01 * value for name, value in claim.compute().items()})
    assert claim.holds()[0] and not wrong.holds()[0]
