"""The parts that all of interop shares.

layer_file          `cv.save` and `cv.load`
manifest            the manifest of such a file
pieces              the layout of parameters in another library's tensors
weight_layouts      weights in another library's layout
layout_suggestions  the layouts near a wrong one
report              the numeric difference of a converted layer
"""
