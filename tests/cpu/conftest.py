"""Compiled code of these tests lies in a folder of the session: never in the user's cache, and shared by subprocesses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from conveyor.backends.cpu.codegen import code_cache
from conveyor.backends.cpu.runtime import launch_plan, threads


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(code_cache.ENVIRONMENT, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def split_small_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However small the work of a test is, it is shared by the threads that the test asks for."""
    monkeypatch.setattr(threads, "_WORTHWHILE", 0)
    monkeypatch.setattr(threads, "is_oversubscribed", lambda: False)
    monkeypatch.setattr(threads, "cores", lambda: 16)
    monkeypatch.setattr(launch_plan, "WORTH_WAITING", 0)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
