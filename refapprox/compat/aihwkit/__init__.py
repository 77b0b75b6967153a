"""aihwkit's names for the analog part, so that a script runs with its imports changed.

`aihwkit.inference...` becomes `refapprox.compat.aihwkit.inference...`; tensors become NumPy arrays.  Behind the names
is `refapprox.analog`: the optimizer scores in closed form, and what aihwkit computes wrongly is computed rightly
(docs/analog.md lists every difference).  Functions that draw take `rng=None` for a fresh generator.
"""
