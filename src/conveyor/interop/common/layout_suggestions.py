"""Variants of a weight layout, for suggesting the right one in an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conveyor.interop.common.weight_layouts import Order

_MOST_GATES = 4  # 24 orders; each is tried on the example


def variants(order: Order) -> Iterator[tuple[str, Order]]:
    """Yield layouts with changed gate order, matrix parts, transposition or added biases, with their description."""
    names = order.gates.split() if isinstance(order.gates, str) else list(order.gates)
    for turned in (order.transposed, not order.transposed):
        for weights in dict.fromkeys((_Frozen(order.weights), _Frozen(order.weights, reverse=True))):
            for gates in permutations(names) if len(names) <= _MOST_GATES else (tuple(names),):
                for added in [dict(order.added), {}, *({g: 1.0} for g in names if dict(order.added) != {g: 1.0})]:
                    other = replace(
                        order, gates=_renamed(order, gates), weights=weights.mapping, transposed=turned, added=added
                    )
                    words = [f'gates="{" ".join(gates)}"'] if list(gates) != names else []
                    words += [f"weights={weights.mapping}"] if weights.mapping != dict(order.weights) else []
                    words += [f"transposed={turned}"] if turned != order.transposed else []
                    words += [f"added={added}"] if added != dict(order.added) else []
                    if words:
                        yield ", ".join(words), other


def _renamed(order: Order, gates: tuple[str, ...]) -> Any:
    if isinstance(order.gates, str):
        return " ".join(gates)
    return dict(zip(gates, order.gates.values(), strict=True))


class _Frozen:
    """The weights of a layout in hashable form."""

    def __init__(self, weights: Mapping[str, str], reverse: bool = False) -> None:
        self.mapping = {n: _reversed(w) if reverse else w for n, w in weights.items()}

    def __hash__(self) -> int:
        return hash(tuple(self.mapping.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and self.mapping == other.mapping


def _reversed(spec: str) -> str:
    gates, colon, operands = spec.rpartition(":")
    return f"{gates}{colon}{' ' if colon else ''}{' '.join(reversed(operands.split()))}"
