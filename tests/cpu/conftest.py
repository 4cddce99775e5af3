"""Compiled code of these tests lies in a folder of the session: never in the user's cache, and shared by subprocesses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from conveyor.backends.cpu import disk


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(disk.ENVIRONMENT, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
