"""Other tools' names and argument orders, for people who port code: thin layers over refapprox.

`compat.agnapprox` runs the published tutorial of agnapprox, `compat.torchapprox` has the matrix product and the layers
of torchapprox, `compat.presets` says how each tool quantizes. Here, and only here, tables are in two's-complement
order where the other tool has them so, and functions make a fresh generator where none is passed.
"""
