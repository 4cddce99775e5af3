"""The commands on forecasters: `train --task forecast`, `predict`, `backtest`, `inspect` and `demo`."""
