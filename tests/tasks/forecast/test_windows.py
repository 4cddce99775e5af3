from __future__ import annotations

import numpy as np
import pytest
import torch

from conveyor.tasks.forecast.data.encode import encode
from conveyor.tasks.forecast.data.windows import TrainingWindows, WindowReader, evaluation_origins

from .conftest import HORIZON, MakeRun, panel_frame
from .test_encode import fitted


def reader(simulate: bool = False) -> tuple[WindowReader, np.ndarray]:
    panel, encoding, encoded = fitted()
    return WindowReader(encoded, 8, HORIZON, len(encoding.lags), simulate), panel.first


def test_a_window_holds_what_its_rows_say() -> None:
    read, first = reader()
    e, shape = read.encoded, read.shape
    lagged, fixed = shape.lagged, shape.lagged + 2 * shape.lags
    origin = int(first[1]) + 40
    x = read.inputs(torch.tensor([origin]))["x"][:, 0]
    assert x.shape == (12, read.shape.width)
    for k in range(12):
        t = origin - 8 + k
        ahead = t > origin
        assert x[k, 0] == (0 if ahead else e.y[t - 1]) and x[k, 1] == (0 if ahead else e.known[t - 1])
        since = e.since[origin] + (t - origin) if t > origin else e.since[t]
        assert x[k, 2] == torch.log1p(since)
        assert torch.equal(x[k, 3:lagged], torch.zeros(shape.past) if ahead else e.shifted[t])
        assert torch.equal(x[k, lagged:fixed], e.lagged[t]) and torch.equal(x[k, fixed:], e.fixed[t])
    targets = read.targets(torch.tensor([origin]))
    assert torch.equal(targets["y"][:, 0], e.y[origin : origin + HORIZON])


def test_a_simulation_reads_nothing_of_the_target() -> None:
    read, first = reader(simulate=True)
    x = read.inputs(torch.tensor([int(first[0]) + 40]))["x"]
    assert (x[:, :, :3] == 0).all() and (x[:, :, 5:7] == 0).all() and (x[:, :, 7:] != 0).any()


def test_irregular_windows_tell_the_time_between_rows() -> None:
    from conveyor.tasks.forecast.config import DataConfig

    frame = panel_frame(1).drop(columns=["region", "weather"])
    panel, encoding, encoded = fitted(frame, DataConfig(4, id="unique_id", irregular=True))
    read = WindowReader(encoded, 8, 4, 0)
    assert encoding.lags == () and encoding.time_unit == 3600
    hole = int(panel.first[0]) + 50  # two hours are gone before it
    x = read.inputs(torch.tensor([hole + 2]))["x"][:, 0]
    assert torch.expm1(x[:, -1]).round().tolist() == [1] * 6 + [3] + [1] * 5
    assert torch.expm1(x[8:, 2]).round().tolist() == [1, 2, 3, 4]
    assert encode(panel, encoding).gaps.shape[1] == 1


def test_evaluation_origins_are_a_horizon_apart_before_the_end(make_run: MakeRun) -> None:
    panel, _, _ = fitted()
    origins, begin = evaluation_origins(panel, 3, HORIZON, panel.end, 10)
    for number, _, end in panel.series():
        own = origins[3 * number : 3 * number + 3].tolist()
        assert own == [end - 12, end - 8, end - 4] and begin[number] == end - 12
    least = panel.end - panel.first - 5
    origins, begin = evaluation_origins(panel, 3, HORIZON, panel.end, least)
    assert origins.tolist() == (panel.end - 4).tolist()
    assert len(evaluation_origins(panel, 3, HORIZON, panel.end, 10_000)[0]) == 0


def test_parts_of_a_run_do_not_overlap(make_run: MakeRun) -> None:
    data = make_run(panel_frame(), id="unique_id").dataset
    for number, first, end in data.panel.series():
        inside = [
            [o for o in part.tolist() if first <= o < end]
            for part in (data.split.train, data.split.valid, data.split.test)
        ]
        train, valid, test = inside
        assert max(train) + HORIZON <= data.split.train_end[number] == min(valid)
        assert valid == list(range(min(valid), min(test), HORIZON)) and max(test) + HORIZON == end


def test_training_windows_are_dealt_anew_each_epoch() -> None:
    read, first = reader()
    origins = torch.arange(int(first[0]) + 30, int(first[0]) + 63)
    windows = TrainingWindows(read, origins, 8, 5)
    assert len(windows) == 4 and not windows.stateful
    seen = [torch.cat([windows.order(e)[i * 8 : i * 8 + 8] for i in range(4)]) for e in range(2)]
    assert len(set(seen[0].tolist())) == 32 and seen[0].tolist() != seen[1].tolist()
    first_batch, again = windows.batch(1, 2), TrainingWindows(read, origins, 8, 5).batch(1, 2)
    assert torch.equal(first_batch.inputs["x"], again.inputs["x"])
    assert len(TrainingWindows(read, origins[:5], 8, 5)) == 1


@pytest.mark.parametrize("windows", [1, 40])
def test_short_series_give_fewer_windows(make_run: MakeRun, windows: int) -> None:
    data = make_run(valid_windows=windows, test_windows=windows).dataset
    length = int(data.panel.end[0] - data.panel.first[0])
    assert 1 <= len(data.split.test) <= max(1, length // 5 // HORIZON)
    assert 1 <= len(data.split.valid) <= max(1, length // 5 // HORIZON)
