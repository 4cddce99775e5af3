"""The evaluation of a language model on a text."""

from __future__ import annotations

from torch import Tensor

from conveyor.tasks.quiet import undisturbed
from conveyor.tasks.text.data.streams import Streams
from conveyor.tasks.text.model import LanguageModel, cross_entropy
from conveyor.tasks.training.state import map_state


def evaluate(model: LanguageModel, tokens: Tensor, batch_size: int, window: int) -> float:
    """Mean cross-entropy of `model` on all of a text but its first token, in nats a token, the state carried through.

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
        for inputs, targets in (*streams, *_rest(tokens, streams.targets)):
            if inputs.shape[1] == 1:  # what the streams leave over continues the last of them
                state = map_state(lambda t: t[:, -1:].contiguous(), state)
            logits, state = model(inputs, state)
            total += cross_entropy(logits, targets).item() * targets.numel()
    return total / (len(tokens) - 1)


def _rest(tokens: Tensor, done: int) -> list[tuple[Tensor, Tensor]]:
    """The window behind the last stream: as many targets as streams of one length leave over, each (T, 1)."""
    rest = tokens[done:, None].long()
    return [(rest[:-1], rest[1:])] if len(rest) > 1 else []
