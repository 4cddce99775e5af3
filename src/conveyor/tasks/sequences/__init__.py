"""Sequence classification, regression and tagging: one label a sequence, one value a sequence, one label a step.

In the order in which data passes: `data/` reads files and arrays into a collection, codes its labels and splits it;
`batching/` finds what is missing, standardises it and pads batches of like length; `model` reads a batch, `objective`
scores it, `run` trains on the trainer that all tasks share, `trained` predicts; `evaluation/` judges and calibrates,
`report/` says what decided, `onnx_graph` writes it as ONNX, and `estimators` are scikit-learn's interface to it all.

Nothing is imported here, so that the command line can reach the light modules without loading torch.
"""
