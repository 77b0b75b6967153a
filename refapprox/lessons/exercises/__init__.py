"""What is right and what is likely to go wrong: one module per lesson, everything in it computed with refapprox.

`EXERCISES` of a module names its exercises. Each is a function without arguments whose docstring says what is asked,
and which returns `judging.Answers`.
"""
