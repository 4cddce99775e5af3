"""Truncated backpropagation through time: a long sequence part by part, its state carried and cut from the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from conveyor.errors import ArgumentError, ArgumentTypeError
from conveyor.layers.arguments.checks import wrong_tensor
from conveyor.layers.arguments.lengths import read_lengths
from conveyor.scalars import as_flag, as_whole


class Part:
    """Some steps of every sequence that `tbptt` was given.

    Attributes:
        x: The input.
        start: Which step of the whole is its first.
        stop: Which is behind its last.
        lengths: How much of it each row still has, (B,); None if no lengths were given.
        reset: Where new pieces start in it; None if none was given.

    Every further sequence is an attribute by the name under which it was given, such as `part.targets`.
    """

    x: Tensor
    start: int
    stop: int
    lengths: Tensor | None
    reset: Tensor | None

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"this part has no '{name}'; it has {', '.join(self.__dict__)}, and what cv.tbptt was given by name"
        )

    def __len__(self) -> int:
        """Its steps."""
        return self.stop - self.start

    def __repr__(self) -> str:
        return f"Part({self.start}:{self.stop}, {', '.join(n for n, v in self.__dict__.items() if v is not None)})"


class TBPTT:
    """The parts of a sequence, in order; `cv.tbptt` makes one."""

    def __init__(
        self,
        sequences: Mapping[str, Tensor],
        lengths: Tensor | None,
        length: int,
        total: int,
        axis: int,
        state: Any,
    ) -> None:
        self._sequences = sequences
        self._lengths = lengths
        self._length = length
        self._total = total
        self._axis = axis
        self._state = detached(state)
        self._is_fresh = True

    @property
    def state(self) -> Any:
        """The state before this part, without the graph that made it; None before the first, unless one was given.

        Set it to what the layer returns: `y, parts.state = layer(part.x, parts.state)`.
        """
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        self._state = detached(state)
        self._is_fresh = True

    def __len__(self) -> int:
        """Counts the parts."""
        return -(-self._total // self._length)

    def __iter__(self) -> Iterator[Part]:
        self._is_fresh = True
        for start in range(0, self._total, self._length):
            if not self._is_fresh:
                raise ArgumentError(
                    "state was not carried from the part before; write y, parts.state = layer(part.x, parts.state),"
                    " or parts.state = None to start anew"
                )
            self._is_fresh = False
            yield self._part(start, min(start + self._length, self._total))

    def _part(self, start: int, stop: int) -> Part:
        cut = {n: s.narrow(self._axis, start, stop - start) for n, s in self._sequences.items()}
        lengths = None if self._lengths is None else (self._lengths.to(torch.int64) - start).clamp(0, stop - start)
        return Part({"x": cut.pop("x"), "start": start, "stop": stop, "lengths": lengths, "reset": None} | cut)


def tbptt(
    x: Tensor,
    length: int,
    *,
    state: Any = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    batch_first: bool = False,
    **sequences: Tensor,
) -> TBPTT:
    """Iterate over a sequence in parts, for truncated backpropagation through time (Williams & Peng 1990).

        parts = cv.tbptt(x, 50, targets=targets)
        for part in parts:
            y, parts.state = layer(part.x, parts.state)
            loss(y, part.targets).backward()

    Args:
        x: (T, B, …), or (B, T, …) with `batch_first`.
        length: Steps of a part; the last may be shorter.
        state: The state before the first step, as the layer takes it; None is the layer's own.
        lengths: (B,) whole numbers, each sequence's own length; `part.lengths` is what of it lies in the part, so a row
            that has ended keeps its last state.
        reset: (T, B) booleans where new pieces start, laid out as x; `part.reset` is those of the part.
        batch_first: Whether the batch comes first.
        sequences: What else is cut as x is: targets, auxiliary inputs.

    Returns:
        An iterable of parts, whose `state` is carried from each to the next.

    Raises:
        ArgumentError: An argument has a wrong value, or other steps or rows than x.
    """
    length = as_whole("length", length, 1, "a number of steps from 1")
    batch_first = as_flag("batch_first", batch_first)
    if isinstance(x, PackedSequence):
        raise ArgumentTypeError("x is a padded tensor, got PackedSequence; pad_packed_sequence gives it and lengths")
    if not isinstance(x, Tensor) or x.dim() < 2:
        got: Any = f"one of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise wrong_tensor(x)(f"x is a tensor {_order(batch_first)}, got {got}")
    known = {"x": x} | ({} if reset is None else {"reset": reset}) | sequences
    for name, sequence in known.items():
        if name in _FIELDS:
            raise ArgumentError(f"a part has '{name}' for something else; give the sequence another name")
        if not isinstance(sequence, Tensor) or sequence.shape[:2] != x.shape[:2]:
            got = tuple(sequence.shape) if isinstance(sequence, Tensor) else type(sequence).__name__
            raise wrong_tensor(sequence)(
                f"{name} has the steps and rows of x, {_order(batch_first)} = {(*x.shape[:2],)}, got {got}"
            )
    axis = 1 if batch_first else 0
    total, batch = x.shape[axis], x.shape[1 - axis]
    if lengths is not None:
        lengths = _checked_lengths(lengths, total, batch, x.device)
    return TBPTT(known, lengths, length, total, axis, state)


_FIELDS = ("start", "stop", "lengths")


def _order(batch_first: bool) -> str:
    return "(B, T, …)" if batch_first else "(T, B, …)"


def _checked_lengths(lengths: Any, total: int, batch: int, device: torch.device) -> Tensor:
    found = read_lengths(lengths, batch, device)
    if batch and not 0 <= int(found.min()) <= int(found.max()) <= total:
        raise ArgumentError(f"lengths are from 0 to T = {total}, got {int(found.min())} to {int(found.max())}")
    return found


def detached(state: Any) -> Any:
    """Detach a state from its graph: None, a tensor, or tuples of these, of the same class."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, tuple | list):
        parts = [detached(s) for s in state]
        return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
    raise ArgumentTypeError(
        f"state is what the layer returns, a tensor or a tuple of tensors, got {type(state).__name__}"
    )
