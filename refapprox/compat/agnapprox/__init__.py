"""agnapprox's names over refapprox: its published tutorial runs with its imports changed and nothing else.

Reference: E. Trommer, agnapprox, https://github.com/etrommer/agn-approx, the API documented for release 0.1.
"""
