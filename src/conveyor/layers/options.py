"""The one table of a layer's options: each option, and its treatment in torch, Keras, ONNX and saved files.

The constructors take their defaults from it, `cv.to_torch`, `cv.to_keras` and `cv.to_onnx` the options they refuse, and
`cv.save` those that it writes. A new option is a row here; a test compares the rows with every constructor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conveyor.errors import ArgumentError


class Fate(StrEnum):
    """The treatment of an option in another library."""

    carried = "carried"  # it is there too, or in the weights or the graph
    spent = (
        "spent"  # it says how first values are drawn, or what runs the layer: a made layer's numbers have none of it
    )
    training = "training"  # it acts in training alone, and what is written is for inference
    refused = "refused"  # there is nothing like it, and the numbers or the training would be others


@dataclass(frozen=True)
class Target:
    """The treatment of an option in one library.

    Attributes:
        fate: The treatment.
        why: For a refusal the error message after `layer: `.
    """

    fate: Fate
    why: str = ""


@dataclass(frozen=True)
class Option:
    """An argument of a layer's constructor.

    Attributes:
        name: Its name.
        default: Its default; `REQUIRED` if it has none.
        doc: Its description, one line.
        steps: Whether single steps (`Cell`, `LSTMCell`, …) have it too.
        beyond_torch: Whether `cv.LSTM`, `cv.GRU` and `cv.RNN` have it beside torch.nn's arguments.
        torch: Its treatment in `cv.to_torch`.
        keras: In `cv.to_keras`.
        onnx: In `cv.to_onnx`.
        saved_since: 1 if files always had it, 2 if it came later and is written where it is not the default; None if a
            file says it in other words (tensors, programs) or not at all (devices).
    """

    name: str
    default: Any
    doc: str
    steps: bool
    beyond_torch: bool
    torch: Target
    keras: Target
    onnx: Target
    saved_since: int | None


REQUIRED = object()
CARRIED, SPENT, TRAINING = Target(Fate.carried), Target(Fate.spent), Target(Fate.training)


def _refused(why: str) -> Target:
    return Target(Fate.refused, f"{why}; cv.save keeps it")


def _torch_lacks(name: str) -> Target:
    return _refused(f"torch's modules have no {name}, and this one does")


def _keras_lacks(name: str) -> Target:
    return _refused(f"Keras has no {name} in its layers, and this one does")


_LEARNED = "and this one learns its initial states; cv.save keeps them"

OPTIONS: Mapping[str, Option] = {
    o.name: o
    for o in (
        # What it computes.
        Option("cell", REQUIRED, "The equations.", True, False, CARRIED, CARRIED, CARRIED, None),
        Option("input_size", REQUIRED, "Width of the input.", True, False, CARRIED, CARRIED, CARRIED, None),
        Option(
            "hidden_size", REQUIRED, "Width of the hidden state, or one a layer.", True, False, CARRIED, CARRIED,
            CARRIED, None,
        ),
        Option("num_layers", 1, "How many layers.", False, False, CARRIED, CARRIED, CARRIED, 1),
        Option("bias", True, "Whether there are biases.", True, False, CARRIED, CARRIED, CARRIED, None),
        Option("nonlinearity", "tanh", "Of the plain network.", True, False, CARRIED, CARRIED, CARRIED, None),
        Option("proj_size", 0, "Width that h is projected to.", False, False, CARRIED, CARRIED, CARRIED, None),
        Option("sizes", None, "The widths that the cell names.", True, False, CARRIED, CARRIED, CARRIED, None),
        Option("bidirectional", False, "Whether it runs both ways.", False, False, CARRIED, CARRIED, CARRIED, 1),
        Option("batch_first", False, "Whether rows come before steps.", False, False, CARRIED, CARRIED, CARRIED, 1),
        Option(
            "connections", "plain", "How layers are connected.", False, True, _torch_lacks("connections"),
            _keras_lacks("connections"), CARRIED, 2,
        ),
        Option(
            "learn_initial_state", False, "Whether the first states are parameters.", False, True,
            Target(Fate.refused, f"torch's modules start from zero, {_LEARNED}"),
            Target(Fate.refused, f"Keras starts from zero, {_LEARNED}"), CARRIED, 1,
        ),
        # What training alone has; zoneout also changes what is computed outside it.
        Option("dropout", 0.0, "Probability between layers.", False, False, CARRIED, CARRIED, TRAINING, 1),
        Option(
            "variational_dropout", None, "Probability with one mask a sequence.", False, True,
            _torch_lacks("variational_dropout"), CARRIED, TRAINING, 2,
        ),
        Option(
            "zoneout", None, "Probability that a number of a state stays.", False, True, _torch_lacks("zoneout"),
            _keras_lacks("zoneout"), CARRIED, 2,
        ),
        Option(
            "gradient_clip", None, "Limit of the gradient at each step.", False, True, _torch_lacks("gradient_clip"),
            _keras_lacks("gradient_clip"), TRAINING, 2,
        ),
        Option(
            "checkpoint_every", None, "Steps between states kept for the gradient.", False, True, SPENT, SPENT, SPENT,
            2,
        ),
        # First values.
        Option("forget_bias", None, "First bias of the gate that keeps.", True, True, SPENT, SPENT, SPENT, 1),
        Option("init", "torch", "How first values are drawn.", True, True, SPENT, SPENT, SPENT, 1),
        Option("max_lag", 1000, "Longest dependency for init='chrono'.", True, True, SPENT, SPENT, SPENT, 1),
        # Where and by what.
        Option("device", None, "Where parameters are made.", True, False, CARRIED, SPENT, SPENT, None),
        Option("dtype", None, "Their type.", True, False, CARRIED, CARRIED, CARRIED, None),
        Option("backend", "auto", "What runs it.", True, True, SPENT, SPENT, SPENT, 1),
        Option("strict_backend", False, "Whether another may.", True, True, SPENT, SPENT, SPENT, 1),
    )
}  # fmt: skip


def check_target(layer: Any, target: str) -> None:
    """Refuse a layer with an option that a library does not support.

    Args:
        layer: The layer.
        target: `torch`, `keras` or `onnx`.

    Raises:
        ArgumentError: The layer has such an option.
    """
    for option in OPTIONS.values():
        becomes: Target = getattr(option, target)
        if becomes.fate is Fate.refused and is_set(layer, option):
            raise ArgumentError(f"layer: {becomes.why}")


def is_set(layer: Any, option: Option) -> bool:
    """Tell whether a layer's option differs from its default; 0 and an empty dict count as unset."""
    value = getattr(layer, option.name, option.default)
    if isinstance(value, Mapping):
        return any(value.values())
    return bool(value) if option.default is None else bool(value != option.default)
