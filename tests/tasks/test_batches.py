"""The trainer on batches of several tensors, in an order of their own each epoch, with targets that don't all count."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from conveyor.errors import NonFiniteError
from conveyor.layers import Recurrent
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.training.batch import Batch, EpochOrder, Outcome, seeded
from conveyor.tasks.training.distributed import Distributed
from conveyor.tasks.training.state import State
from conveyor.tasks.training.trainer import Scores, Trainer

from .conftest import assert_same

STEPS, BATCH, COUNT = 7, 4, 20


class Masked:
    """Sequences of unequal length with missing targets and noise on the input, four a batch."""

    stateful = False

    def __init__(self, seed: int = 3) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(STEPS, COUNT, 2, generator=generator)
        self.y = self.x.cumsum(0).mean(2)
        self.y[torch.rand(STEPS, COUNT, generator=generator) < 0.4] = math.nan
        self.lengths = torch.randint(1, STEPS + 1, (COUNT,), generator=generator)
        self.seed = seed
        self.order = EpochOrder(COUNT, seed)
        self.seen: list[tuple[int, int, Tensor]] = []

    def __len__(self) -> int:
        return COUNT // BATCH

    def batch(self, epoch: int, index: int) -> Batch:
        rows = self.order(epoch)[index * BATCH : (index + 1) * BATCH]
        self.seen.append((epoch, index, rows))
        noise = torch.randn(STEPS, BATCH, 2, generator=seeded(self.seed, epoch, index))
        inputs = {"x": self.x[:, rows] + 0.1 * noise, "lengths": self.lengths[rows]}
        return Batch(inputs, {"y": self.y[:, rows]}, {"lengths": 0})


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrent = Recurrent("gru", 2, 6)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(6, 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        y, _ = self.recurrent(x, lengths=lengths)
        return self.head(self.dropout(y)).squeeze(2)


def objective(model: nn.Module, batch: Batch, state: State) -> Outcome:
    assert state is None, "windows that don't continue one another begin anew"
    lengths, target = batch.inputs["lengths"], batch.targets["y"]
    counts = ~target.isnan() & (torch.arange(STEPS)[:, None] < lengths)
    error = (model(batch.inputs["x"], lengths) - target.nan_to_num()).square().where(counts, 0.0)
    scored = int(counts.sum())
    return Outcome(error.sum() / max(scored, 1), scored)


def make(share: Distributed | None = None, **options: object) -> Trainer:
    torch.manual_seed(5)
    config = TrainingConfig(**({"epochs": 3, "warmup": 0, "lr": 0.01, "evaluate_every": 4} | options))  # type: ignore[arg-type]
    model = Net()
    return Trainer(model, Masked(), objective, lambda: Scores(1.0, {"mae": 0.5, "nse": -math.inf}), config, share)


def test_resumed_at_any_step_ends_bitwise_the_same() -> None:
    whole = make()
    states = []
    for _ in whole:
        document, tensors = whole.snapshot()
        states.append((document, {role: {k: t.clone() for k, t in named.items()} for role, named in tensors.items()}))
    assert len(states) == 15
    for document, tensors in states[::3]:
        torch.manual_seed(99)
        resumed = make()
        resumed.restore(document, tensors)
        for _ in resumed:
            pass
        assert_same(resumed.model.state_dict(), whole.model.state_dict())
        assert resumed.history == whole.history


def test_every_epoch_has_an_order_of_its_own_and_reads_everything_once() -> None:
    trainer = make()
    for _ in trainer:
        pass
    assert isinstance(trainer.windows, Masked)
    epochs = [torch.cat([rows for epoch, _, rows in trainer.windows.seen if epoch == e]) for e in range(3)]
    for order in epochs:
        assert sorted(order.tolist()) == list(range(COUNT))
    assert not torch.equal(epochs[0], epochs[1]) and not torch.equal(epochs[1], epochs[2])
    assert torch.equal(EpochOrder(COUNT, 3)(1), epochs[1]), "from the seed and the epoch alone"
    assert not torch.equal(EpochOrder(COUNT, 4)(1), epochs[1])


def test_order_and_noise_leave_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    Masked().batch(2, 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_generators_are_unrelated() -> None:
    first = {torch.rand((), generator=seeded(s, e, b)).item() for s in range(6) for e in range(6) for b in range(6)}
    assert len(first) == 216
    assert abs(torch.tensor(sorted(first)).mean().item() - 0.5) < 0.06


def test_training_loss_is_the_mean_over_what_is_scored() -> None:
    trainer = make(evaluate_every=5, epochs=1)
    reports = list(trainer)
    assert len({report.scored for report in reports}) > 1, "the batches count differently"
    mean = sum(r.loss * r.scored for r in reports) / sum(r.scored for r in reports)
    assert trainer.history[0].training_loss == pytest.approx(mean, rel=1e-12)


def test_metrics_stand_beside_the_loss_and_those_that_are_not_finite_are_left_out() -> None:
    trainer = make()
    for _ in trainer:
        pass
    assert [validation.metrics for validation in trainer.history] == [{"mae": 0.5}] * 4


def test_a_batch_without_anything_to_score_changes_no_mean() -> None:
    trainer = make(evaluate_every=5, epochs=1)
    assert isinstance(trainer.windows, Masked)
    first = trainer.windows.order(0)[:BATCH]
    trainer.windows.y[:, first] = math.nan
    reports = list(trainer)
    assert reports[0].scored == 0 and reports[0].loss == 0
    rest = reports[1:]
    mean = sum(r.loss * r.scored for r in rest) / sum(r.scored for r in rest)
    assert trainer.history[0].training_loss == pytest.approx(mean, rel=1e-12)


class Pretended(Distributed):
    """One of two processes, whose sums are given instead of asked for."""

    def sum(self, value: float) -> float:
        return 2 * value

    def average_gradients(self, parameters: object) -> None:
        pass


def test_shares_split_every_tensor_along_its_batch() -> None:
    batch = Masked().batch(0, 0)
    parts = [Distributed(rank, 2).part_of_batch(batch) for rank in range(2)]
    assert [part.inputs["x"].shape for part in parts] == [(STEPS, 2, 2)] * 2
    assert torch.equal(torch.cat([part.inputs["lengths"] for part in parts]), batch.inputs["lengths"])
    assert torch.equal(torch.cat([p.targets["y"] for p in parts], 1).nan_to_num(), batch.targets["y"].nan_to_num())
    assert Distributed().part_of_batch(batch) is batch
    whole = Batch({"table": torch.ones(3, 4)}, {}, {"table": None})
    assert Distributed(1, 2).part_of_batch(whole).inputs["table"].shape == (3, 4)


def test_gradients_of_unequal_shares_add_up_to_those_of_the_whole_batch() -> None:
    batch = Masked().batch(0, 0)
    model = Net().eval()
    outcomes = [objective(model, Distributed(rank, 2).part_of_batch(batch), None) for rank in range(2)]
    assert outcomes[0].scored != outcomes[1].scored
    total = sum(outcome.loss_weight for outcome in outcomes)
    halves = []
    for outcome in outcomes:
        trainer = make(Pretended(0, 2))
        model.zero_grad()
        trainer._share_of_loss(outcome, total).backward()
        halves.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    model.zero_grad()
    objective(model, batch, None).loss.backward()
    for mine, theirs, parameter in zip(*halves, model.parameters(), strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close((mine + theirs) / 2, parameter.grad, rtol=1e-5, atol=1e-7)


def test_loss_that_is_not_finite_names_the_first_bad_value() -> None:
    trainer = make()
    with torch.no_grad():
        trainer.model.head.weight[0, 2] = math.inf  # type: ignore[union-attr, index, operator]
    with pytest.raises(NonFiniteError, match=r"step 1: .* first bad value: parameter head.weight\[0, 2\] = inf"):
        trainer.step()
