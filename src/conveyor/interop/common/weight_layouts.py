"""Weight layouts of other libraries: gate order, transposition, one bias or two, tensor names.

An `Order` says how a library stores the weights of one direction of one layer; `from_order` and `to_order` carry them
over. `ORDERS` is the table of those known here; a user's own takes five lines:

    mine = cv.Order(
        "lstm", gates="i g f o",
        weights={"kernel": "x h"}, biases={"bias": "x"},
        transposed=True, added={"f": 1.0},
    )
    layer = cv.from_order(mine, {"kernel": kernel, "bias": bias}, example=(x, y), report=print)

An order is only a claim, and weights in a wrong one run as well as in the right one. So give an example, an input and
what the other library makes of it: a layer that makes something else of it is refused, with the order that would fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.interop.common.layout_suggestions import variants
from conveyor.interop.common.pieces import Places, input_and_hidden, read, write
from conveyor.interop.common.report import Receiver, Report, outputs, tell
from conveyor.interop.common.rounding import TWO_LIBRARIES, is_telling, lost_by, measured, widened
from conveyor.layers import Recurrent
from conveyor.layers.arguments.conversion import as_cell
from conveyor.layers.cell import _Step
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack

Tensors = Mapping[str, Any]
_FEW = 32  # steps


@dataclass(frozen=True)
class Order:
    """A weight layout: how a library stores the weights of one direction of one layer.

    Attributes:
        cell: The cell that computes what the library does, or its name in `cv.cells`.
        gates: The cell's affine maps in the order in which the library stacks them, such as `"i g f o"`; a dict gives
            each map the library's name for it.
        weights: For each tensor the values that it multiplies, in order: `"x"`, `"h"`, or `"x h"` where one matrix has
            the columns of both. `h` is what an affine map reads besides x. A tensor of some gates only names them
            first: `"r z: x h"`. A name with `{gate}` stands for a tensor a gate: `"W_{gate}"`.
        biases: For each tensor, likewise, the value whose product it is added to: `"x"`, `"h"`; a tuple `("x", "h")`
            for a tensor with a row for each.
        vectors: For each tensor the `cv.weight` of the cell that it holds.
        transposed: Whether matrices are stored as (inputs, gates), for x·W, and not as torch's (gates, inputs).
        added: Constants that the library adds to a gate's bias when it runs.
        initial: For each tensor of initial states, (H,), the state that it holds; other states begin from zero.
    """

    cell: CellDefinition | str
    gates: str | Mapping[str, str]
    weights: Mapping[str, str]
    biases: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    vectors: Mapping[str, str] = field(default_factory=dict)
    transposed: bool = False
    added: Mapping[str, float] = field(default_factory=dict)
    initial: Mapping[str, str] = field(default_factory=dict)


_KERAS: dict[str, Any] = {"weights": {"kernel": "x", "recurrent_kernel": "h"}, "transposed": True}

ORDERS: Mapping[str, Order] = {
    # tensorflow/python/ops/rnn_cell_impl.py of TensorFlow 1: `i, j, f, o = split(…)`, then sigmoid(f + forget_bias).
    "tf1_basic_lstm": Order(
        "lstm", "i g f o", {"kernel": "x h"}, {"bias": "x"}, transposed=True, added={"f": 1.0}
    ),
    # The same file: LSTMCell with use_peepholes=True.
    "tf1_lstm_peephole": Order(
        "lstm_peephole", "i g f o", {"kernel": "x h"}, {"bias": "x"},
        {"w_i_diag": "p_i", "w_f_diag": "p_f", "w_o_diag": "p_o"}, transposed=True, added={"f": 1.0},
    ),
    # The same file: GRUCell, whose u is our z.
    "tf1_gru": Order(
        "gru_reset_before", "r z n", {"gates/kernel": "r z: x h", "candidate/kernel": "n: x h"},
        {"gates/bias": "r z: x", "candidate/bias": "n: x"}, transposed=True,
    ),
    # Keras 2 and 3, whose c is our g and whose GRU's h is our n.
    "keras_lstm": Order("lstm", "i f g o", biases={"bias": "x"}, **_KERAS),
    "keras_gru": Order("gru", "z r n", biases={"bias": ("x", "h")}, **_KERAS),
    "keras_gru_reset_before": Order("gru_reset_before", "z r n", biases={"bias": "x"}, **_KERAS),
    "keras_rnn": Order("rnn", "h", biases={"bias": "x"}, **_KERAS),
    "torch_lstm": Order("lstm", "i f g o", {"weight_ih": "x", "weight_hh": "h"}, {"bias_ih": "x", "bias_hh": "h"}),
    "torch_gru": Order("gru", "r z n", {"weight_ih": "x", "weight_hh": "h"}, {"bias_ih": "x", "bias_hh": "h"}),
}  # fmt: skip


def from_order(
    order: Order | str,
    tensors: Tensors | Sequence[Tensors],
    layer: Any = None,
    *,
    example: tuple[Any, Any] | None = None,
    report: Receiver | None = None,
    **arguments: Any,
) -> Any:
    """Make a layer from weights in another library's layout.

    Args:
        order: The weight layout, or the name of one in `conveyor.interop.common.weight_layouts.ORDERS`.
        tensors: The tensors or arrays by name; a list of such dicts for several layers or directions, layer by layer,
            the forward direction first. None are left over.
        layer: The layer to fill; by default a `Recurrent` of one layer and direction is made, of the first's dtype,
            with `learn_initial_state` where the order has initial states.
        example: An input as the layer takes it, and the output that the other library makes of it from the initial
            states of the order, or zeros.
        report: Called with the `Report` of the example's difference, `print` for example; by default it is logged.
        arguments: Further arguments of the `Recurrent` that is made.

    Returns:
        The layer.

    Raises:
        ArgumentError: A tensor is missing, left over or of another shape than the order says; or the layer makes
            something else of the example: with the order that fits, if there is one. `layer` is then as it was.
    """
    order = _known(order)
    given = [tensors] if isinstance(tensors, Mapping) else list(tensors)
    if not given or not all(isinstance(t, Mapping) and t for t in given):
        raise ArgumentError("tensors is a dict of tensors by name, or a list of one a layer and direction")
    held = [{name: _as_tensor(name, t) for name, t in each.items()} for each in given]
    if layer is None:
        if len(held) > 1:
            raise ArgumentError(f"tensors has {len(held)} entries; pass the layer to fill, with as many directions")
        layer = _make(order, held[0], arguments)
    elif arguments:
        raise ArgumentError(
            f"{next(iter(arguments))} is an argument of a layer that is made, and one was given to fill"
        )
    units = _units(layer, order)
    if len(units) != len(held):
        raise ArgumentError(f"tensors has {len(held)} entries for {len(units)} layers and directions; give one each")
    before = {name: p.detach().clone() for name, p in layer.named_parameters()}
    try:
        _fill(layer, units, order, held)
        told = _told(layer, order, example)
        if not told.ok:
            example, steps = _telling(layer, example)
            told = _told(layer, order, example, steps)
        if not told.ok:
            fits = _fitting(layer, units, order, held, example)
            raise ArgumentError(f"order: {told}; {fits}")
    except ArgumentError:
        with torch.no_grad():
            for name, p in layer.named_parameters():
                p.copy_(before[name])
        raise
    tell(told, report)
    return layer


def to_order(order: Order | str, layer: Any) -> Any:
    """Return the weights of a layer in another library's layout.

    Args:
        order: The weight layout, or the name of one in `conveyor.interop.common.weight_layouts.ORDERS`.
        layer: A layer of the order's cell.

    Returns:
        The tensors by name; a list of such dicts where the layer has several layers or directions. They are copies.

    Raises:
        ArgumentError: The layer has another cell, or a parameter that the order has no place for.
    """
    order = _known(order)
    found = [write(layer, unit, Places.of(order, unit)) for unit in _units(layer, order)]
    return found[0] if len(found) == 1 else found


def _known(order: Any) -> Order:
    if isinstance(order, Order):
        return order
    if not isinstance(order, str) or order not in ORDERS:
        raise ArgumentError(f"order is a cv.Order or one of {', '.join(ORDERS)}, got {order!r}")
    return ORDERS[order]


def _as_tensor(name: str, value: Any) -> Tensor:
    try:
        return torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"tensors['{name}'] is a tensor or an array of numbers; {error}") from None


def _make(order: Order, tensors: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> Recurrent:
    input_size, hidden_size = input_and_hidden(order, tensors)
    like = next(iter(tensors.values()))
    chosen = {"dtype": like.dtype if like.dtype.is_floating_point else None, "bias": bool(order.biases or order.added)}
    chosen |= {"learn_initial_state": True} if order.initial else {}
    return Recurrent(as_cell(order.cell), input_size, hidden_size, **(chosen | dict(arguments)))


def _units(layer: Any, order: Order) -> tuple[LayerDirection, ...]:
    if not isinstance(layer, Stack | _Step):
        raise ArgumentError(f"layer is one of conveyor's, got {type(layer).__name__}")
    units = layer.units if isinstance(layer, Stack) else (layer.unit,)
    cell = as_cell(order.cell)
    for unit in units:
        if unit.cell.program != cell.program:
            raise ArgumentError(f"order is that of {cell!r}, but the layer runs {unit.cell!r}")
    return units


def _fill(layer: Any, units: Sequence[LayerDirection], order: Order, held: Sequence[Mapping[str, Tensor]]) -> None:
    for unit, tensors in zip(units, held, strict=True):
        read(layer, unit, Places.of(order, unit), tensors)


def _told(layer: Any, order: Order, example: Any, steps: int | None = None) -> Report:
    said = f"weights in the order {_gates(order)}", f"{type(layer).__name__}({layer.extra_repr()})"
    if example is None:
        return Report("", *said, None, 0.0, "no example was given, so a wrong order would not show")
    if not isinstance(example, tuple | list) or len(example) != 2:
        raise ArgumentError("example is a pair: an input, and the output that the other library makes of it")
    x, y = _example(layer, example)
    got = outputs(layer, (x,))[0]
    if got.shape != y.shape:
        raise ArgumentError(f"example's output is {tuple(y.shape)}, the layer's {tuple(got.shape)}")
    note = f"over its first {steps} steps, since rounding drowns the others" if steps else ""
    return Report("", *said, *measured([y], [got], partial(_lost, layer, x), TWO_LIBRARIES, bounded=True), note)


def _example(layer: Any, example: Any) -> tuple[Tensor, Tensor]:
    x, y = (_as_tensor("example", e).to(layer._like()) for e in example)
    return x, y


def _lost(layer: Any, x: Tensor) -> float:
    return lost_by(layer, lambda module, dtype: outputs(module, (widened(x, dtype),))[:1])


def _telling(layer: Any, example: Any) -> tuple[Any, int | None]:
    """Shorten the example to the steps on which rounding leaves it informative; returns their number, or None.

    Small differences grow from step to step in a net whose weights are large, until nothing of the output is common.
    """
    x, y = _example(layer, example)
    time = _time_axis(layer, x)
    if time is None:
        return example, None
    steps = x.shape[time]
    while steps > 1 and not is_telling([y], _lost(layer, x.narrow(time, 0, steps))):
        steps //= 2
    if steps == x.shape[time]:
        return example, None
    return _beginning(layer, example, steps), steps


def _beginning(layer: Any, example: Any, steps: int) -> Any:
    """Cut an example to at most `steps` time steps; uncut if a direction runs from the end."""
    x, y = _example(layer, example)
    time = _time_axis(layer, x)
    if time is None:
        return example
    return tuple(v.narrow(time, 0, min(steps, x.shape[time])) for v in (x, y))


def _time_axis(layer: Any, x: Tensor) -> int | None:
    """Return the time axis; None if there is none, or if the first steps depend on the last."""
    if isinstance(layer, _Step) or layer.num_directions > 1 or x.dim() < 2:
        return None
    return 1 if layer.batch_first and x.dim() == 3 else 0


def _gates(order: Order) -> str:
    return order.gates if isinstance(order.gates, str) else " ".join(order.gates)


def _fitting(layer: Any, units: Sequence[LayerDirection], order: Order, held: Any, example: Any) -> str:
    """Describe a variant of the weight layout that reproduces the example; for the error message."""
    example = _beginning(layer, example, _FEW)  # there are hundreds of orders, and each differs from the first step on
    for words, other in variants(order):
        try:
            _fill(layer, units, other, held)
        except ArgumentError:  # of another shape than the tensors
            continue
        if _told(layer, other, example).ok:
            return f"it would with {words}"
    return "no other order of the gates does either: look at the names, the cell and the example"
