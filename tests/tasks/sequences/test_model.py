"""What a model reads of a padded batch is what it reads of each sequence alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conveyor.cells import cells
from conveyor.errors import ArgumentError
from conveyor.frontend import cell as make_cell
from conveyor.tasks.sequences.batching.features import Features, collate
from conveyor.tasks.sequences.batching.scaling import Scaling
from conveyor.tasks.sequences.config import ModelConfig
from conveyor.tasks.sequences.model import SequenceModel, decays

from .data import bumps, stamps, with_holes


def build(kind: str, name: str, tagged: bool, **sizes: object) -> tuple[SequenceModel, list]:
    torch.manual_seed(0)
    features = Features(kind, 3, True, Scaling((0.1,) * 3, (1.3,) * 3, 1.0))
    values = with_holes(bumps(5)[0])
    items = [features.item(v, t) for v, t in zip(values, stamps(values), strict=True)]
    config = ModelConfig(**{"hidden_size": 6, "dropout": 0.2, "noise": 0.5} | sizes)
    return SequenceModel(cells[name], features, 4, tagged, config).eval(), items


CASES = [("plain", "lstm", {}), ("mask", "gru", {"num_layers": 2}), ("decay", "gru_d", {"num_layers": 2})]


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("kind", "name", "sizes"), CASES, ids=[c[0] for c in CASES])
def test_padding_is_never_read(kind: str, name: str, sizes: dict[str, int], both: bool, tagged: bool) -> None:
    model, items = build(kind, name, tagged, bidirectional=both, **sizes)
    batch = collate(items)
    with torch.no_grad():
        whole = model(**batch)
        for k, item in enumerate(items):
            alone = model(**collate([item]))
            mine = whole[: len(item), k] if tagged else whole[k]
            torch.testing.assert_close(mine, alone[:, 0] if tagged else alone[0], rtol=1e-6, atol=1e-6)
        for name, tensor in batch.items():
            if tensor.dim() == 3:
                for k, item in enumerate(items):
                    tensor[len(item) :, k] = 1e3 if name != "mask" else 1.0
        again = model(**batch)
    for k, item in enumerate(items):
        assert torch.equal(again[: len(item), k], whole[: len(item), k]) if tagged else torch.equal(again[k], whole[k])


def test_a_sequence_is_judged_by_its_true_last_states_and_the_mean_of_its_own_steps() -> None:
    model, items = build("plain", "lstm", False)
    with torch.no_grad():
        found = model(**collate(items))
        for k, item in enumerate(items):
            y, _ = model.recurrent(torch.from_numpy(item.x).unsqueeze(1))
            y = y[:, 0]
            read = torch.cat([y[-1, :6], y[0, 6:], y.mean(0)])
            torch.testing.assert_close(found[k], model.head(read), rtol=1e-6, atol=1e-6)


def test_the_second_direction_of_a_decaying_cell_reads_the_sequence_from_its_end() -> None:
    model, items = build("decay", "gru_d", True)
    with torch.no_grad():
        found = model(**collate(items[:1]))[:, 0]
        item = items[0]
        one = [torch.from_numpy(np.ascontiguousarray(a)).unsqueeze(1) for a in (item.x, item.mask, item.delta)]
        back = [
            torch.from_numpy(np.ascontiguousarray(a)).unsqueeze(1)
            for a in (item.x[::-1], item.mask[::-1], item.delta_back)
        ]
        y, _ = model.recurrent(one[0], mask=one[1], delta=one[2])
        z, _ = model.reverse(back[0], mask=back[1], delta=back[2])
        want = model.head(torch.cat([y, z.flip(0)], -1)[:, 0])
    torch.testing.assert_close(found, want, rtol=1e-6, atol=1e-6)
    assert not model.recurrent.x_mean_l0.requires_grad and model.recurrent.x_mean_l0.abs().sum() == 0


def test_noise_is_on_values_in_training_alone() -> None:
    model, items = build("mask", "lstm", False)
    x = collate(items)["x"]
    assert torch.equal(model._noisy(x), x)
    noisy = model.train()._noisy(x)
    assert not torch.equal(noisy[..., :3], x[..., :3]) and torch.equal(noisy[..., 3:], x[..., 3:])
    assert (noisy - x)[..., :3].std().item() == pytest.approx(0.5, rel=0.1)


def test_a_cell_that_reads_something_else_is_refused() -> None:
    def odd(x, h, *, static):
        import conveyor.frontend as cv

        h = cv.tanh(cv.affine("a", x, h, static))
        return h

    with pytest.raises(ArgumentError, match="odd reads static"):
        decays(make_cell(odd))
