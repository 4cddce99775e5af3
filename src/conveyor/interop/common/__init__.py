"""What all of interop shares.

layer_file          `cv.save` and `cv.load`
manifest            what such a file says of a layer
pieces              where parameters stand in another library's tensors
weight_layouts      weights in another order
layout_suggestions  the layouts near a wrong one
report              how far a layer that was brought over differs
"""
