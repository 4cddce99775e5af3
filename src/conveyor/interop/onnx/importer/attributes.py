"""The attributes of a recurrent node."""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.errors import ConversionError
from conveyor.interop.onnx.importer.nodes import Node
from conveyor.operators.activations import ACTIVATIONS, Activation

GATES = {"LSTM": "iofc", "GRU": "zrh", "RNN": "h"}  # in the order of the rows of W
_DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
STATES = {"LSTM": ("h", "c"), "GRU": ("h",), "RNN": ("h",)}
_DIRECTIONS = ("forward", "reverse", "bidirectional")
# Which activations have alpha, which beta too, and what these are where a node leaves them out. Of Affine,
# ThresholdedRelu and ScaledTanh specification and onnxruntime disagree about that.
_NUMBERS: dict[str, tuple[float | None, ...]] = {
    "LeakyRelu": (0.01,),
    "Elu": (1.0,),
    "HardSigmoid": (0.2, 0.5),
    "Affine": (None, None),
    "ScaledTanh": (None, None),
    "ThresholdedRelu": (None,),
}


@dataclass(frozen=True)
class Attributes:
    """The attributes of a recurrent node.

    Attributes:
        operator: `LSTM`, `GRU` or `RNN`.
        direction: `forward`, `reverse` or `bidirectional`.
        activations: Those of both directions, in the operator's order.
        clip: The bound of the activations' operands, or None.
        coupled: `input_forget`.
        after_reset: `linear_before_reset`.
        batch_first: `layout`.
    """

    operator: str
    direction: str
    activations: tuple[Activation, ...]
    clip: float | None
    coupled: bool
    after_reset: bool
    batch_first: bool

    @property
    def plain(self) -> bool:
        """True if the activations are the defaults and nothing is clipped or coupled."""
        names = tuple(a.name for a in self.activations)
        return names == _DEFAULTS[self.operator] and self.clip is None and not self.coupled


def read_attributes(node: Node) -> Attributes:
    """Read the attributes of a node.

    Raises:
        ConversionError: One has a value that the specification does not know, or that no layer can have.
    """
    operator = node.operator
    direction = node.attribute("direction", str, "forward").lower()
    if direction not in _DIRECTIONS:
        raise ConversionError(f"direction is {direction!r}, expected one of {', '.join(_DIRECTIONS)}")
    clip = node.attribute("clip", float, None)
    if clip is not None and not clip > 0:
        raise ConversionError(f"clip is {clip!r}, expected a positive number")
    layout = node.attribute("layout", int, 0)
    if layout not in (0, 1):
        raise ConversionError(f"layout is {layout!r}, expected 0 or 1")
    return Attributes(
        operator,
        direction,
        _activations(node, operator, 2 if direction == "bidirectional" else 1),
        clip,
        bool(node.attribute("input_forget", int, 0)) and operator == "LSTM",
        bool(node.attribute("linear_before_reset", int, 0)) and operator == "GRU",
        layout == 1,
    )


def _activations(node: Node, operator: str, directions: int) -> tuple[Activation, ...]:
    usual = _DEFAULTS[operator]
    names = node.attribute("activations", list, list(usual * directions))
    if len(names) != len(usual) * directions:
        raise ConversionError(f"activations has {len(names)} names, expected {len(usual) * directions}")
    numbers = {which: list(node.attribute(f"activation_{which}", list, [])) for which in ("alpha", "beta")}
    found = []
    for given in names:
        name = next((a for a in ACTIVATIONS if a.lower() == given.lower()), None)
        if name is None:
            raise ConversionError(f"activation {given!r} is unknown; the specification has {', '.join(ACTIVATIONS)}")
        taken = []
        for which, default in zip(("alpha", "beta"), _NUMBERS.get(name, ()), strict=False):
            taken.append(numbers[which].pop(0) if numbers[which] else default)
            if taken[-1] is None:
                raise ConversionError(
                    f"activation {name} has no activation_{which}, and runtimes disagree about it; write it out"
                )
        alpha, beta = (*taken, None, None)[:2]
        found.append(Activation(name, _short(alpha), _short(beta)))
    first, second = tuple(found[: len(usual)]), tuple(found[len(usual) :])
    if second and second != first:
        raise ConversionError(
            f"its directions have other activations ({', '.join(map(str, first))}; {', '.join(map(str, second))}), and"
            " both directions of a layer run one cell; make it two nodes, forward and reverse"
        )
    return first


def _short(number: float | None) -> float | None:
    """Round a number that was stored in 32 bits to its shortest form: 0.2 rather than 0.200000003."""
    return None if number is None else float(f"{number:.7g}")
