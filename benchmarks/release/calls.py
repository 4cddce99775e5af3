"""Lines about what surrounds the kernels: small calls, stacks, new lengths, padding, steadiness."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.bench.correctness import compare
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.bench.timing import alternate

_STACKS = ((1, True), (2, False), (3, False), (2, True))  # layers, and whether in both directions
_NEW = range(50, 151)  # time steps of sequences of which no two are equal


def _pair(kind: str, width: int, hidden: int, **options: Any) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    ours, theirs = getattr(cv, kind)(width, hidden, **options), getattr(nn, kind)(width, hidden, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def _tensors(found: Any) -> list[Tensor]:
    return [found] if isinstance(found, Tensor) else [t for part in found for t in _tensors(part)]


def _same(ours: nn.Module, theirs: nn.Module, *given: Any) -> Callable[[], object]:
    def check() -> None:
        results = []
        for module in (ours, theirs):
            found = _tensors(module(*given))
            leaves = list(module.parameters())
            grads = torch.autograd.grad(sum((f.sin().sum() for f in found), torch.zeros(())), leaves)
            results.append({str(k): t for k, t in enumerate([*found, *grads])})
        compare(results[0], results[1])

    return check


def _infer(module: nn.Module, *given: Any) -> Callable[[], object]:
    def call() -> None:
        module(*given)

    return torch.inference_mode()(call)


def _train(module: nn.Module, *given: Any) -> Callable[[], object]:
    leaves = list(module.parameters())
    like = torch.ones_like(_tensors(module(*given))[0])

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        _tensors(module(*given))[0].backward(like)

    return step


def _both_ratios(run: Run, ours: nn.Module, theirs: nn.Module, *given: Any) -> Mapping[str, float]:
    mine, other = alternate([_train(ours, *given), _train(theirs, *given)], run.seconds / 2)
    quick, slow = alternate([_infer(ours, *given), _infer(theirs, *given)], run.seconds / 2)
    return {
        "ours": mine.seconds,
        "theirs": other.seconds,
        "ratio": other.seconds / mine.seconds,
        "inference": quick.seconds,
        "inference_ratio": slow.seconds / quick.seconds,
    }


def single_steps(run: Run) -> Iterator[Line]:
    """One step of one row by a sequence layer, beside torch.nn's."""
    for kind in ("LSTM", "GRU"):
        for hidden in (8, 16, 32, 64):
            ours, theirs = _pair(kind, hidden, hidden)
            x = torch.randn(1, 1, hidden)
            yield run.line(
                f"{kind} H={hidden}",
                _same(ours, theirs, x),
                lambda ours=ours, theirs=theirs, x=x: _both_ratios(run, ours, theirs, x),  # type: ignore[misc]
                {"H": hidden},
            )


def cells(run: Run) -> Iterator[Line]:
    """One step of a cell with its states, beside torch.nn's."""
    for kind in ("LSTMCell", "GRUCell"):
        for batch, hidden in ((1, 16), (1, 64), (1, 256), (4, 64), (16, 64), (16, 256)):
            ours, theirs = _pair(kind, hidden, hidden)
            states = tuple(torch.randn(2, batch, hidden).unbind())
            given = torch.randn(batch, hidden), states if kind == "LSTMCell" else states[0]
            yield run.line(
                f"{kind} B={batch} H={hidden}",
                _same(ours, theirs, *given),
                lambda ours=ours, theirs=theirs, given=given: _both_ratios(run, ours, theirs, *given),  # type: ignore[misc]
                {"B": batch, "H": hidden},
            )


def stacks(run: Run) -> Iterator[Line]:
    """Several layers and both directions: the speed-up over torch.nn, by that of one layer in one direction."""
    for batch in (1, 4, 8):
        for hidden in (64, 128, 256):
            x = torch.randn(100, batch, hidden)
            for layers, both in _STACKS:
                one = _pair("LSTM", hidden, hidden)
                many = _pair("LSTM", hidden, hidden, num_layers=layers, bidirectional=both)

                def measure(one: Any = one, many: Any = many, x: Tensor = x) -> Mapping[str, float]:
                    single, stacked = _both_ratios(run, *one, x), _both_ratios(run, *many, x)
                    return stacked | {
                        "to_single": stacked["ratio"] / single["ratio"],
                        "inference_to_single": stacked["inference_ratio"] / single["inference_ratio"],
                    }

                label = f"100×{batch}×{hidden}, {layers} layer{'s' * (layers > 1)}{', both ways' * both}"
                facts = {"B": batch, "H": hidden, "layers": layers, "both": both}
                yield run.line(label, _same(*many, x), measure, facts)


def new_lengths(run: Run) -> Iterator[Line]:
    """Training steps of a new T each, by as many steps at their mean T."""
    for batch, hidden in ((8, 64), (32, 128)):
        torch.manual_seed(0)
        layer = cv.LSTM(hidden, hidden)
        lengths = list(_NEW)
        new = _epoch(layer, [torch.randn(steps, batch, hidden) for steps in lengths])
        same = _epoch(layer, [torch.randn(sum(lengths) // len(lengths), batch, hidden)] * len(lengths))

        def measure(new: Any = new, same: Any = same) -> Mapping[str, float]:
            changing, known = alternate([new, same], run.seconds)
            return {"ours": changing.seconds / len(_NEW), "to_same": changing.seconds / known.seconds}

        yield run.line(f"B={batch} H={hidden}", lambda: None, measure, {"B": batch, "H": hidden})


def _epoch(layer: nn.Module, inputs: list[Tensor]) -> Callable[[], object]:
    def steps() -> None:
        for x in inputs:
            for p in layer.parameters():
                p.grad = None
            layer(x)[0].sum().backward()

    return steps


def padding(run: Run) -> Iterator[Line]:
    """Sequences that fill half of their padded batch: forward and backward by the padded time, less the fill."""
    torch.manual_seed(0)
    layer, x = cv.LSTM(128, 128), torch.randn(100, 32, 128)
    lengths = torch.linspace(1, 100, 32).round().long()
    fill = float(lengths.sum()) / (100 * 32)

    def step(**options: Any) -> Callable[[], object]:
        def both() -> None:
            for p in layer.parameters():
                p.grad = None
            layer(x, **options)[0].sum().backward()

        return both

    def measure() -> Mapping[str, float]:
        own, padded = alternate([step(lengths=lengths), step()], run.seconds)
        return {"ours": own.seconds, "over_fill": own.seconds / padded.seconds - fill}

    yield run.line(f"100×32×128, fill {fill:.2f}", lambda: None, measure, {"B": 32, "H": 128})


def steadiness(run: Run) -> Iterator[Line]:
    """500 training steps one after another: the 95th of a hundred by the median."""
    for batch, hidden in ((4, 160), (8, 128)):
        torch.manual_seed(0)
        step = _train(cv.LSTM(hidden, hidden), torch.randn(100, batch, hidden))

        def measure(step: Callable[[], object] = step) -> Mapping[str, float]:
            taken = []
            for _ in range(500):
                began = time.perf_counter()
                step()
                taken.append(time.perf_counter() - began)
            return {
                "ours": statistics.median(taken),
                "p95": statistics.quantiles(taken, n=20)[-1] / statistics.median(taken),
            }

        yield run.line(f"100×{batch}×{hidden}", lambda: None, measure, {"B": batch, "H": hidden})
