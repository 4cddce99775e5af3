"""Records of the named values of a layer or a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from conveyor.errors import ArgumentError, ArgumentTypeError
from conveyor.layers.arguments.lengths import read_lengths, unpacked_form
from conveyor.layers.arguments.nested import is_nested, unnest
from conveyor.layers.core.stack import Stack
from conveyor.layers.recording.recorder import Recorder, check_names, listening
from conveyor.layers.recording.trace import Trace


class Recording:
    """The recorded calls of layers, in order.

    Attributes:
        calls: The layer's name in the model (empty if it is the model itself) and its trace, for each call.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Trace]] = []

    def __getitem__(self, name: str) -> Trace:
        """Return the trace of the last call of the layer of that name.

        Raises:
            ArgumentError: No such layer was called.
        """
        found = [trace for called, trace in self.calls if called == name]
        if not found:
            known = ", ".join(repr(n) for n in self) or "none: nothing was called yet"
            raise ArgumentError(f"traces: no layer {name!r} was called; those that were are {known}")
        return found[-1]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self.calls))

    def __len__(self) -> int:
        return len(self.calls)

    def __contains__(self, name: object) -> bool:
        return any(name == called for called, _ in self.calls)

    def __repr__(self) -> str:
        return f"Recording({', '.join(f'{name!r}: {trace!r}' for name, trace in self.calls)})"


@contextmanager
def recording(model: nn.Module, values: Sequence[str] | str | None = None) -> Iterator[Recording]:
    """Record every call of a conveyor layer inside a model while the block runs.

    Args:
        model: Any module; layers are found in it by their names.
        values: The names of the recorded values, such as `["f", "c"]`; None records all.

    Yields:
        The recording, which fills as layers are called: `traces["encoder.rnn"]["f"]`.

    Raises:
        ArgumentError: The model has no layer of conveyor's, or no layer has a value of a name.
    """
    if not isinstance(model, nn.Module):
        raise ArgumentTypeError(f"model is a torch.nn.Module, got {type(model).__name__}")
    names = {layer: name for name, layer in model.named_modules() if isinstance(layer, Stack)}
    if not names:
        raise ArgumentError(
            f"model: {type(model).__name__} has no sequence layer of conveyor's (single steps such as cv.Cell are not"
            " recorded); swap torch.nn's for them with cv.replace(model)"
        )
    wanted = check_names(values, list(names))
    found = Recording()
    open_calls: list[Recorder] = []

    def on_call(layer: Stack) -> Recorder | None:
        if layer not in names:
            return None
        open_calls.append(Recorder(layer, wanted))
        return open_calls[-1]

    def finished(layer: nn.Module, args: Any, kwargs: dict[str, Any], returned: Any) -> None:
        assert isinstance(layer, Stack)
        if not open_calls or open_calls[-1].layer is not layer or not open_calls[-1].units:
            return  # another listener inside the block, such as `layer.record`, recorded this call
        recorder = open_calls.pop()
        given = args[0] if args else kwargs.get("x", kwargs.get("input"))
        found.calls.append((names[layer], trace_of(recorder, returned, given, kwargs.get("lengths"))))

    handles = [layer.register_forward_hook(finished, with_kwargs=True) for layer in names]
    try:
        with listening(on_call):
            yield found
    finally:
        for handle in handles:
            handle.remove()


def record(layer: Stack, call: Callable[[], tuple[Any, Any]], values: Any, given: Any, lengths: Any) -> Trace:
    """Record one call of a layer; returns its trace.

    Args:
        layer: The layer.
        call: Calls it.
        values: The names of the recorded values; None records all.
        given: The input.
        lengths: The lengths of its sequences, or None.

    Raises:
        ArgumentError: The layer has no value of a name, or the call is wrong.
    """
    recorder = Recorder(layer, check_names(values, [layer]))
    with listening(lambda called: recorder if called is layer else None):
        return trace_of(recorder, call(), given, lengths)


def trace_of(recorder: Recorder, returned: tuple[Any, Any], given: Any, lengths: Any) -> Trace:
    """Make the trace of a recorded call that has returned."""
    output, state = returned
    return Trace(recorder, output, state, _own_lengths(given, lengths))


def _own_lengths(given: Any, lengths: Any) -> Tensor | None:
    """Return the lengths (B,) of an input, which may be packed or nested; None if none were passed."""
    if isinstance(given, PackedSequence):
        return unpacked_form(given)[1]
    if is_nested(given):
        return unnest(given, given.size(-1)).lengths
    if lengths is None or isinstance(lengths, Tensor):
        return lengths
    return read_lengths(lengths, len(lengths), "cpu" if given is None else given.device)
