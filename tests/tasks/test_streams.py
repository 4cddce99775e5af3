from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from conveyor.tasks.text.data.streams import Streams


@given(st.integers(2, 200), st.integers(1, 9), st.integers(1, 12))
def test_every_stream_is_a_contiguous_piece_and_windows_follow_one_another(size: int, batch: int, window: int) -> None:
    if size <= batch:
        return
    streams = Streams(torch.arange(size), batch, window)
    inputs = torch.cat([x for x, _ in streams])
    targets = torch.cat([y for _, y in streams])
    assert len(list(streams)) == len(streams)
    length = (size - 1) // batch
    for b in range(batch):
        assert inputs[:, b].tolist() == list(range(b * length, (b + 1) * length))
    assert torch.equal(targets, inputs + 1)
    assert size - 1 - inputs.numel() < batch
    assert all(len(x) == window for x, _ in list(streams)[:-1])
