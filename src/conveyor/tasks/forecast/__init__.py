"""Forecasting: from tables of series to quantiles of what comes next."""
