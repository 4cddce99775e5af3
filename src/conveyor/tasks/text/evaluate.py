"""How well a language model predicts a text."""

from __future__ import annotations

from torch import Tensor

from conveyor.tasks.quiet import undisturbed
from conveyor.tasks.text.model import LanguageModel, cross_entropy
from conveyor.tasks.text.streams import Streams


def evaluate(model: LanguageModel, tokens: Tensor, batch_size: int, window: int) -> float:
    """Mean cross-entropy of `model` on a text, in nats a token, the state carried through it.

    Neither the model's mode nor the random generators are different afterwards.

    Args:
        model: any.
        tokens: (N,) integers, at least 2.
        batch_size: streams the text is cut into; fewer where the text would not give each a window.
        window: steps evaluated at once.
    """
    streams = Streams(tokens, max(1, min(batch_size, len(tokens) // window)), window)
    total, state = 0.0, None
    with undisturbed(model):
        for inputs, targets in streams:
            logits, state = model(inputs, state)
            total += cross_entropy(logits, targets).item() * targets.numel()
    return total / streams.targets
