"""Compiled code of these tests lies in a folder of the session, and nothing here waits for a quiet machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from conveyor.backends.cpu.codegen import code_cache
from conveyor.bench.calibration import Calibration
from conveyor.bench.run import Run


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(code_cache.ENVIRONMENT, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Steady(Calibration):
    """A machine whose products are those of a list, and after it always its last; reading and copying take no time."""

    def __init__(self, *products: float, threads: int = 1) -> None:
        super().__init__(threads)
        self.products = list(products) or [1e11]

    def product(self) -> float:
        found = self.products.pop(0) if len(self.products) > 1 else self.products[0]
        self.best = max(self.best, found)
        return found

    def settle(self) -> None:
        self.product()

    def reading(self, size: int) -> float:
        return 1e11

    def copying(self, size: int) -> float:
        return 1e11

    def function(self, name: str) -> float:
        return 1e-10


@pytest.fixture
def run() -> Run:
    """A run on a steady machine that takes as few samples as there may be."""
    return Run(Steady(), seconds=1e-9)
