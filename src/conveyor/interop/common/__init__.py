"""The parts that all of interop shares.

layer_file          `cv.save` and `cv.load`
manifest            the description of a layer in such a file
pieces              the parameters' places in another library's tensors
weight_layouts      weights in another library's layout
layout_suggestions  the layouts near a wrong one
report              the difference between a converted layer and its source
"""
