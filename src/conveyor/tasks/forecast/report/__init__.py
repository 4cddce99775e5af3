"""A page on a forecaster: `importance` of columns, `figures`, `plot`s of forecasts, the `page`."""
