"""Keras's files and live layers: where configurations and arrays are kept.

source             what a file is, and the recurrent layers in it
subprocess_reader  a file read in a process of its own
hdf5               HDF5 files read with care
config             recurrent layers from a configuration
inferred_layers    recurrent layers from weights alone, by names and shapes
weight_store       where arrays lie
model              a model's configuration, written
archives           the three kinds of files, written
live_model         a live layer or model, filled
"""
