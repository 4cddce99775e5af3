"""The language model: embedding, recurrent layers, decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from conveyor.frontend import CellDefinition
from conveyor.layers import Recurrent
from conveyor.tasks.text.config import ModelConfig
from conveyor.tasks.training.batch import Batch, Outcome
from conveyor.tasks.training.state import State


class LanguageModel(nn.Module):
    """Predicts the next token from those before it.

    Dropout is on the embedding, between the recurrent layers and before the decoder, never on the recurrent
    connections (Zaremba et al. 2014, arXiv:1409.2329). Tied weights: Press & Wolf 2017, arXiv:1608.05859.

    Args:
        cell: the cell of every layer.
        vocabulary_size: number of tokens.
        config: the sizes.
    """

    def __init__(self, cell: CellDefinition, vocabulary_size: int, config: ModelConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, config.embedding_size)
        self.recurrent = Recurrent(
            cell,
            config.embedding_size,
            config.hidden_size,
            num_layers=config.num_layers,
            bias=config.bias,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            proj_size=config.proj_size,
            forget_bias=config.forget_bias,
            backend=config.backend,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.projection: nn.Linear | None = None
        self.decoder: nn.Linear | None = None
        self.decoder_bias: nn.Parameter | None = None
        width = self.recurrent.output_size
        if config.tie_weights:
            # As a decoder, an embedding of unit variance would begin with logits of the size of its width.
            nn.init.normal_(self.embedding.weight, std=config.embedding_size**-0.5)
            self.decoder_bias = nn.Parameter(torch.zeros(vocabulary_size))
            if width != config.embedding_size:
                self.projection = nn.Linear(width, config.embedding_size, bias=False)
        else:
            self.decoder = nn.Linear(width, vocabulary_size)

    def forward(self, tokens: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Score the next token at every step.

        Args:
            tokens: (T, B) int64.
            state: of the recurrent layers before the first step; None is their initial state.

        Returns:
            Logits (T, B, V), and the state after the last step.
        """
        x = self.dropout(self.embedding(tokens))
        y, state = self.recurrent(x, state)
        return self.decode(self.dropout(y)), state

    def decode(self, y: Tensor) -> Tensor:
        """Score the next token from the recurrent layers' output, (…, output_size)."""
        if self.decoder is not None:
            return self.decoder(y)  # type: ignore[no-any-return]
        if self.projection is not None:
            y = self.projection(y)
        return functional.linear(y, self.embedding.weight, self.decoder_bias)

    def chain(self) -> list[nn.Module]:
        """The modules in the order in which data passes them, for `conveyor.to_onnx`."""
        if self.decoder is not None:
            return [self.embedding, self.dropout, self.recurrent, self.dropout, self.decoder]
        tied = nn.Linear(self.embedding.embedding_dim, self.embedding.num_embeddings, bias=False, device="meta")
        tied.weight = self.embedding.weight
        tied.register_parameter("bias", self.decoder_bias)
        between = [] if self.projection is None else [self.projection]
        return [self.embedding, self.dropout, self.recurrent, self.dropout, *between, tied]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy, in nats a token, of logits (T, B, V) against targets (T, B)."""
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def next_token_loss(model: nn.Module, batch: Batch, state: State) -> Outcome:
    """Score a language model on a window of text; in means over windows each counts once."""
    targets = batch.targets["tokens"]
    logits, state = model(batch.inputs["tokens"], state)
    return Outcome(cross_entropy(logits, targets), targets.numel(), state, weight=1.0)
