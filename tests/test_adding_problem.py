"""The adding problem of Hochreiter & Schmidhuber 1997, sec. 5.4: what the conveyor belt is for.

Each step shows a random number in [-1, 1] and a marker. Two numbers are marked, one among the first ten steps and one
in the first half; after the last step the network says 0.5 + (first + second) / 4. A sequence counts as wrong if the
answer is off by more than 0.04. Lengths vary between T and T + T/10; here a batch shares its length.
"""

import numpy as np
import pytest
import torch

import conveyor as cv

T = 100
HIDDEN = 32
STEPS = 1500
BATCH = 64


def adding_problem(rng: np.random.Generator, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences (steps, batch, 2) and their answers (batch,)."""
    steps = int(rng.integers(T, T + T // 10 + 1))
    numbers = rng.uniform(-1, 1, (steps, batch))
    markers = np.zeros((steps, batch))
    markers[0] = markers[-1] = -1
    rows = np.arange(batch)
    first = rng.integers(0, 10, batch)
    second = rng.integers(0, T // 2 - 1, batch)
    second += second >= first  # among the steps that are not marked yet
    markers[first, rows] = markers[second, rows] = 1
    answers = 0.5 + (numbers[first, rows] + numbers[second, rows]) / 4
    sequences = np.stack([numbers, markers], -1)
    return torch.tensor(sequences, dtype=torch.float32), torch.tensor(answers, dtype=torch.float32)


def wrong_after_training(layer: torch.nn.Module, learning_rate: float) -> int:
    """How many of 2,560 new sequences are wrong by more than 0.04 after training."""
    readout = torch.nn.Linear(HIDDEN, 1)
    parameters = [*layer.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        x, answers = adding_problem(rng, BATCH)
        y, _ = layer(x)
        loss = (readout(y[-1]).squeeze(-1) - answers).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
    fresh = np.random.default_rng(1)
    wrong = 0
    with torch.no_grad():
        for _ in range(20):
            x, answers = adding_problem(fresh, 128)
            y, _ = layer(x)
            wrong += int(((readout(y[-1]).squeeze(-1) - answers).abs() > 0.04).sum())
    return wrong


@pytest.mark.slow
def test_lstm_learns_to_add() -> None:
    torch.manual_seed(0)
    assert wrong_after_training(cv.LSTM(2, HIDDEN, init="chrono", max_lag=T + T // 10), 0.01) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("learning_rate", [0.01, 0.001])
def test_plain_rnn_of_the_same_size_does_not(learning_rate: float) -> None:
    torch.manual_seed(0)
    # Guessing the mean answer gets about five sixths of the sequences wrong; the plain network stays near that.
    assert wrong_after_training(cv.RNN(2, HIDDEN), learning_rate) > 1280


def test_the_task_is_that_of_the_paper() -> None:
    x, answers = adding_problem(np.random.default_rng(0), 1000)
    numbers, markers = x[..., 0].double(), x[..., 1]
    marked = markers == 1
    assert T <= len(x) <= T + T // 10
    assert bool((marked.sum(0) == 2).all())
    assert bool(marked[: T // 2].sum() == marked.sum()) and bool(marked[:10].any(0).all())
    torch.testing.assert_close(0.5 + (numbers * marked).sum(0) / 4, answers.double(), atol=1e-6, rtol=0)
