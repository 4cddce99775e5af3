"""Forecasting: from tables of series to quantiles of what comes next.

In the order in which data passes: `data/` reads a table into a panel on a regular grid, encodes it and cuts windows;
`model` reads a window and `run` trains it, choosing among few variants; `evaluation/` scores it beside the baselines
and corrects its quantiles; `predict` and `streaming` forecast, `report/` shows what moves the forecast, `onnx_graph`
writes it as ONNX, and `forecaster` is the public class.

Nothing is imported here, so that the command line can reach the light modules without loading torch.
"""
