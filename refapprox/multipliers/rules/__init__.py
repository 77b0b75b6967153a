"""Families given by a rule on integers: each a function of unsigned int64 arrays (x, w) and of the width in bits.

Rules are unsigned; signed multipliers are made around them by a named extension (`circuits.signs`).
"""
