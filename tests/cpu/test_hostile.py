"""A layer in surroundings that are against it: cache folders that can't be used, many processes, other threads."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import conveyor as cv
from conveyor.backends.cpu.codegen import code_cache
from cpu.common import python
from cpu.test_disk import SCRIPT
from cpu.test_disk_room import ALONE, key

FULL = """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
"""


def is_whole(entry: Path) -> bool:
    data = entry.read_bytes()
    return hashlib.sha256(data[32:]).digest() == data[:32]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the small layer computes with a cache that can be used."""
    return python(SCRIPT, CONVEYOR_CACHE=str(tmp_path_factory.mktemp("good")))


def test_a_layer_on_a_full_disk(expected: str, tmp_path: Path) -> None:
    assert python(textwrap.dedent(FULL) + textwrap.dedent(SCRIPT), CONVEYOR_CACHE=str(tmp_path)) == expected
    assert list(tmp_path.iterdir()) == []  # nothing half written is left


def test_a_layer_without_a_folder(expected: str) -> None:
    assert python(SCRIPT, CONVEYOR_CACHE="/proc/conveyor") == expected


def test_a_layer_whose_cache_is_all_damaged(expected: str, tmp_path: Path) -> None:
    assert python(SCRIPT, CONVEYOR_CACHE=str(tmp_path)) == expected
    names = sorted(path.name for path in tmp_path.iterdir())
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        whole = path.read_bytes()
        path.write_bytes([b"", whole[:-1], bytes(len(whole))][number % 3])
    assert python(SCRIPT, CONVEYOR_CACHE=str(tmp_path)) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all(is_whole(path) for path in tmp_path.iterdir())


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that any user can reach, unlike those of pytest."""
    place = Path(tempfile.mkdtemp(prefix="conveyor-test-"))
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


def test_a_folder_that_is_really_read_only(shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(shared_folder))
    code_cache.write(key(0), b"code")
    os.utime(shared_folder / key(0), (1.0, 1.0))  # so long ago that reading would note the use
    (shared_folder / ".writing-old").write_bytes(b"left")
    os.utime(shared_folder / ".writing-old", (1.0, 1.0))
    shared_folder.chmod(0o555)
    code = f"""
        if os.getuid() == 0:
            os.setuid(65534)  # nobody: permissions don't hold for root
        try:
            open(os.path.join({str(shared_folder)!r}, "mine"), "w")
            print("writable")
        except PermissionError:
            pass
        disk.write({key(1)!r}, b"other")
        print(disk.read({key(0)!r}), disk.read({key(1)!r}), disk.usage().entries)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(ALONE) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["b'code' None 1"]
    assert sorted(path.name for path in shared_folder.iterdir()) == [".writing-old", key(0)]


@pytest.mark.slow
def test_ten_processes_start_at_once_on_an_empty_cache(expected: str, tmp_path: Path) -> None:
    environment = os.environ | {code_cache.ENVIRONMENT: str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", "import sys, torch; sys.stdin.read()\n" + textwrap.dedent(SCRIPT)]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) for _ in range(10)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    results = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * 10, [r[1] for r in results]
    assert {r[0] for r in results} == {expected}
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) >= 3 and not any(name.startswith(".") for name in names)
    assert all(is_whole(path) for path in tmp_path.iterdir())


def test_other_threads_run_while_compiled_code_does() -> None:
    """One call that takes long is one stretch of compiled code: a thread that ticks meanwhile shows that it may run."""
    torch.set_num_threads(1)
    layer = cv.LSTM(256, 256).requires_grad_(False)
    x = torch.randn(1500, 32, 256)
    layer(x[:2])  # compiled
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            time.sleep(0.0005)

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        while ticks < 3:
            time.sleep(0.001)
        before = ticks
        layer(x)
        during = ticks - before
    finally:
        stop.set()
        ticking.join()
    # If compiled code held the interpreter's lock, there would be a tick at most at each step of Python around it.
    assert during > 40
