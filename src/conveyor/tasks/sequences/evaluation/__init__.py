"""How good predictions are: `metrics`, and the `calibration` of probabilities."""
