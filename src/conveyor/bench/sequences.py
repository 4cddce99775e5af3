"""Lines about sequences: a conveyor layer and a baseline, forward and backward, or inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conveyor.bench.baselines import Pair, Setting
from conveyor.bench.correctness import compare
from conveyor.bench.roofline import roofline
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.bench.timing import alternate
from conveyor.bench.work import forward_flops, work


def agree(given: Setting, pair: Pair) -> Callable[[], float]:
    """Return a check that the output and all gradients equal the baseline's."""

    def check() -> float:
        gradient = given.gradient()
        ours, theirs = pair.ours.gradients(gradient), pair.theirs.gradients(gradient)
        return compare(ours, theirs, lambda: pair.truth().gradients(gradient.double()))

    return check


def training(run: Run, given: Setting, pair: Pair) -> Line:
    """Measure a forward and backward pass, the gradient of the input included."""
    gradient = given.gradient()
    done = work(given.program, given.widths)

    def measure() -> Mapping[str, float]:
        mine, other = alternate([c.train(gradient) for c in (pair.ours, pair.theirs)], run.seconds)
        least = roofline(done, given.rows, run.calibration, run.wide)
        return {
            "ours": mine.seconds,
            "theirs": other.seconds,
            "ratio": other.seconds / mine.seconds,
            "rate": done.flops * given.rows / mine.seconds,
            "of_peak": done.flops * given.rows / mine.seconds / run.peak,
            "of_bound": least.seconds / mine.seconds,
            "bound_products": least.products,
            "bound_pointwise": least.pointwise,
            "bound_bytes": least.bytes,
        }

    return run.line(given.size.label, agree(given, pair), measure, given.size.facts)


def inference(run: Run, given: Setting, pair: Pair) -> Line:
    """Measure a forward pass in inference mode."""
    flops = forward_flops(given.program, given.widths) * given.rows

    def measure() -> Mapping[str, float]:
        mine, other = alternate([c.infer() for c in (pair.ours, pair.theirs)], run.seconds / 2)
        return {
            "ours": mine.seconds,
            "theirs": other.seconds,
            "ratio": other.seconds / mine.seconds,
            "rate": flops / mine.seconds,
            "of_peak": flops / mine.seconds / run.peak,
        }

    return run.line(given.size.label, agree(given, pair), measure, given.size.facts)
