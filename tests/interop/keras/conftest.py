from __future__ import annotations

import pytest

from conveyor.interop.keras import read
from conveyor.interop.keras.storage.source import read_file


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are whole are read here, which is quicker than a process each; test_apart.py has the processes."""
    monkeypatch.setattr(read, "read_apart", read_file)
