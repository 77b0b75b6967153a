"""Adapters: what frameworks offer to the suite. Each imports its framework when it is made, not before.

    native        refapprox itself, every route of its table product
    plain         NumPy one-liners with defects on demand: what the mutants and the pipeline presets stand on
    torch_float   PyTorch's own operators
    torchapprox   its kernel and layers
    agnapprox     its error statistics, from a checkout
    aihwkit       its converters and noise models
    pipelines     what TFApprox and AdaPT compute, their defects behind a switch
"""
