"""Sequence classification, regression and tagging: one label a sequence, one value a sequence, one label a step.

In the order in which data passes: `reading` finds the reader of a file (`frames`, `ts_format`, `npz_format`; `arrays`
takes what Python holds), which gives a `collection`; `targets` codes its labels, `split` parts it, `gaps` finds what is
missing, `scaling` standardises it and `batches` pads it, bucketed by length. `model` reads a batch, `objective` scores
it, `run` trains on the trainer that all tasks share; `metrics` and `calibration` judge it, `explain` says what decided,
`onnx_graph` writes it as ONNX, and `estimators` are scikit-learn's interface to it all.

Nothing is imported here, so that the command line can reach the light modules without loading torch.
"""
