"""What every test runs under."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from conveyor.backends.cpu.runtime import workspace
from conveyor.cells import cells

BENCHMARKS = str(Path(__file__).parent.parent / "benchmarks")
sys.path.insert(0, BENCHMARKS)  # tests/bench reads the table of targets

settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# The tensors of these tests are small. With two threads on cores that others use too, every parallel region waits at an
# OpenMP barrier: this suite then took 8 times as long. A test of threads sets their number itself.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden texts anew")


# Suites that put every cell through the same tests. They are fast for cells that between them have what others have: two
# states, one state with a product inside a gate, auxiliary inputs, heads and exponential gates. The rest is slow.
EVERY_CELL = (
    "test_conformance.py",
    "cpu/test_conformance.py",
    "cpu/test_repeatable.py",
    "bench/test_lines.py",
    "inspect/test_flow.py",
    "layers/test_arrangements.py",
    "layers/test_lengths.py",
    "layers/test_record.py",
    "layers/test_reset.py",
    "torch_ops/test_transforms.py",
)
FAST_CELLS = {"lstm", "gru", "gru_d", "slstm"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the other cells in the suites over every cell as slow."""
    here = Path(__file__).parent
    for item in items:
        parameters = getattr(item, "callspec", None)
        if parameters is None or item.path.relative_to(here).as_posix() not in EVERY_CELL:
            continue
        named = set(re.split(r"[-, ]", parameters.id)) & set(cells)
        if named and not named & FAST_CELLS:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden texts are written anew."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True, scope="session")
def poison_uninitialised_memory() -> Iterator[None]:
    """Fill what `torch.empty` and its kin return with NaN, so that reading it before writing it shows.

    What passes of the compiled backend work in, too.
    """
    filled = torch.utils.deterministic.fill_uninitialized_memory
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    workspace.poison = True
    assert torch.empty(3).isnan().all() and workspace.empty((2**14,), torch.empty(0)).isnan().all()
    yield
    workspace.poison = False
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    torch.utils.deterministic.fill_uninitialized_memory = filled
