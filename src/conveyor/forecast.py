"""Forecasting with recurrent networks: `Forecaster(24, future=["temp"]).fit(df).predict(df, future=next_day)`."""

from __future__ import annotations

from conveyor.tasks.forecast.data.profile import Profile as Profile
from conveyor.tasks.forecast.evaluation.backtest import Backtest as Backtest
from conveyor.tasks.forecast.forecaster import Forecaster as Forecaster
from conveyor.tasks.forecast.streaming import ForecastStream as ForecastStream

__all__ = ["Backtest", "ForecastStream", "Forecaster", "Profile"]
