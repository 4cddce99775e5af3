"""What onnxruntime does otherwise than ONNX's specification says, as docs/onnx.md lists it.

When one of these fails onnxruntime has been mended: then the export need not go round it any longer.
"""

from __future__ import annotations

import numpy as np
import pytest

from interop.onnx_spec import GATES, USUAL, Array, given, model, problem, run, session, specified


def apart(got: list[Array], want: list[Array]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(got, want, strict=True))


@pytest.mark.parametrize("op", GATES)
def test_no_batch_first(op: str) -> None:
    weights = problem(op, 3, 5)
    with pytest.raises(Exception, match="Batchwise recurrent operations .* are not supported"):
        session(model(op, weights, given(op, 4, 2, weights), layout=1))


@pytest.mark.parametrize("op", GATES)
def test_no_double_precision(op: str) -> None:
    weights = {n: v.astype(np.float64) for n, v in problem(op, 3, 5).items()}
    inputs = {n: v.astype(np.float64) for n, v in given(op, 4, 2, weights).items()}
    with pytest.raises(Exception, match="Could not find an implementation for RNN|does not support double yet"):
        run(model(op, weights, inputs), inputs)


def test_clip_leaves_the_memory_out() -> None:
    weights = problem("LSTM", 3, 5)
    inputs = given("LSTM", 6, 2, weights)
    got = run(model("LSTM", weights, inputs, clip=0.3), inputs)
    assert apart(got, specified("LSTM", weights, inputs, clip=0.3)) > 1e-2
    for op in ("GRU", "RNN"):
        weights = problem(op, 3, 5)
        inputs = given(op, 6, 2, weights)
        assert apart(run(model(op, weights, inputs, clip=0.3), inputs), specified(op, weights, inputs, clip=0.3)) < 1e-5


@pytest.mark.parametrize("op", GATES)
def test_a_row_of_no_steps_ends_with_zeros(op: str) -> None:
    weights = problem(op, 3, 5)
    inputs = given(op, 4, 2, weights) | {"sequence_lens": np.asarray([4, 0], np.int32)}
    got, want = run(model(op, weights, inputs), inputs), specified(op, weights, inputs)
    assert apart([g[..., 0, :] for g in got], [w[..., 0, :] for w in want]) < 1e-5
    for g, initial in zip(got[1:], ("initial_h", "initial_c"), strict=False):
        assert not g[:, 1].any() and inputs[initial][:, 1].any()


# Those of the operators of these names, and whether onnxruntime takes others.
DEFAULTS = [
    ("Affine", (1.0, 0.0), True),
    ("ThresholdedRelu", (1.0,), True),
    ("LeakyRelu", (0.01,), False),
    ("Elu", (1.0,), False),
    ("HardSigmoid", (0.2, 0.5), False),
]


@pytest.mark.parametrize(("name", "usual", "other"), DEFAULTS, ids=[d[0] for d in DEFAULTS])
@pytest.mark.parametrize("op", GATES)
def test_defaults_of_activations(op: str, name: str, usual: tuple[float, ...], other: bool) -> None:
    weights = problem(op, 3, 5)
    inputs = given(op, 5, 2, weights)
    names = [*USUAL[op][:-1], name]
    written = dict(zip(("activation_alpha", "activation_beta"), ([n] for n in usual), strict=False))
    got = run(model(op, weights, inputs, activations=names), inputs)
    off = apart(got, specified(op, weights, inputs, activations=names, **written))
    assert off > 1e-2 if other else off < 1e-5
