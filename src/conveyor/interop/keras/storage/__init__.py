"""Keras's files and live layers, the stores of configurations and arrays.

source             the kind of a file, and the recurrent layers in it
subprocess_reader  the reading of a file in a subprocess
hdf5               the safe reading of HDF5 files
config             recurrent layers from a configuration
inferred_layers    recurrent layers from weights alone, by names and shapes
weight_store       the stores of arrays
model              a model's configuration, written
archives           the three kinds of files, written
live_model         a live layer or model, filled
"""
