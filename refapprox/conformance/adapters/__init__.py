"""Adapters: what frameworks offer to the suite. Each imports its framework when it is made, not before.

    native        refapprox itself, every route of its table product
    torch_float   PyTorch's own operators
    torchapprox   its kernel and layers
    agnapprox     its error statistics, from a file
    aihwkit       its converters, phase-change memory and drift compensation
    evoapproxlib  tables from its C sources
    pipelines     what TFApprox and AdaPT compute, their defects behind a switch
"""
