"""What writes the cases: plain definitions, in Python's integers and fractions wherever that is possible.

    python -m refapprox.conformance.generator [FOLDER]

Nothing in here imports the code that the cases check. The same files come out on every machine: operands are drawn
by a hash, sums are exact rationals or correctly rounded.
"""
