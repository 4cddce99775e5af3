"""Evaluation of predictions: `metrics`, and the `calibration` of probabilities."""
