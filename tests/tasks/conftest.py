from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from conveyor.cells import cells
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.text.config import DataConfig, ModelConfig, TextConfig
from conveyor.tasks.text.run import TextRun

MakeRun = Callable[..., TextRun]


def prose(characters: int, seed: int = 0) -> str:
    words = ["whale", "sea", "Ahab", "the", "white", "of", "ship", "and", "harpoon"]
    generator = random.Random(seed)
    text = ""
    while len(text) < characters:
        text += generator.choice(words) + generator.choice([" ", " ", " ", ", ", ".\n"])
    return text[:characters]


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(prose(800), encoding="utf-8")
    return path


@pytest.fixture
def make_run(text_file: Path) -> MakeRun:
    """Build a tiny run: 28 windows of 5 steps an epoch, in 5 streams."""

    def make(cell: str = "lstm", **options: object) -> TextRun:
        model = {"embedding_size": 4, "hidden_size": 6, "dropout": 0.3, "num_layers": 2}
        training = {"epochs": 1, "warmup": 2, "max_steps": 9, "evaluate_every": 4}
        data = {"files": (str(text_file),), "batch_size": 5, "window": 5}
        for name, value in options.items():
            next(part for part in (model, training, data) if name in part or part is training)[name] = value
        config = TextConfig(
            DataConfig(**data),  # type: ignore[arg-type]
            ModelConfig(**model),  # type: ignore[arg-type]
            TrainingConfig(**training),  # type: ignore[arg-type]
        )
        return TextRun.start(config, cells[cell])

    return make


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    """Bitwise equality of named tensors."""
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
