"""Evaluation of forecasts.

`scoring` and `measures` score them, `baselines` stand beside them, `backtest` forecasts from past origins, `conformal`
corrects the quantiles.
"""
