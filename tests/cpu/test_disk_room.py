"""How much room the cache on disk takes: what killed processes leave is removed, and old entries make way for new."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from conveyor.backends.cpu.codegen import code_cache

HOUR = 3600.0
# The cache by itself: neither torch nor LLVM is loaded, so that ten processes start in a moment.
ALONE = """
    import importlib.util, os, sys
    spec = importlib.util.find_spec("conveyor")
    path = os.path.join(spec.submodule_search_locations[0], "backends", "cpu", "codegen", "code_cache.py")
    spec = importlib.util.spec_from_file_location("disk", path)
    disk = sys.modules["disk"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(disk)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(tmp_path))
    return tmp_path


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def fill(*numbers: int, size: int = 1000) -> None:
    """Entries, each used an hour after the one before, the first longest ago."""
    for n in numbers:
        code_cache.write(key(n), bytes(size - 32))
    for hours, n in enumerate(reversed(numbers), 1):
        age(code_cache.folder() / key(n), hours * HOUR)


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def there(*numbers: int) -> list[int]:
    return [n for n in numbers if (code_cache.folder() / key(n)).exists()]


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(ALONE) + textwrap.dedent(code), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_a_file_that_a_later_write_removes(folder: Path) -> None:
    killed = start(
        """
        def stop(*paths):
            print("ready", flush=True)
            import time
            time.sleep(60)
        disk.os.replace = stop
        disk.write("0" * 64, b"code")
        """
    )
    assert killed.stdout is not None and killed.stdout.readline() == "ready\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (left,) = folder.iterdir()
    assert left.name.startswith(".writing-")
    code_cache.write(key(1), b"code")
    assert left.exists()  # as yet it may be that of a process at work
    age(left, code_cache.STALE + 60)
    assert code_cache.read(key(1)) == b"code" and left.exists()  # reading changes nothing
    code_cache.write(key(2), b"code")
    assert sorted(f.name for f in folder.iterdir()) == sorted([key(1), key(2)])


def test_the_longest_unused_entries_make_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "LIMIT", 10_000)
    fill(*range(10))
    assert there(*range(11)) == list(range(10))
    code_cache.write(key(10), bytes(968))
    assert there(*range(11)) == [4, 5, 6, 7, 8, 9, 10]  # three quarters of the limit
    assert code_cache.usage() == code_cache.Usage(7, 7000)
    for n in (11, 12, 13):
        code_cache.write(key(n), bytes(968))
    assert len(there(*range(20))) == 10  # up to the limit nothing goes


def test_reading_an_entry_keeps_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "LIMIT", 10_000)
    fill(*range(10))
    before = (folder / key(0)).read_bytes()
    assert code_cache.read(key(0)) is not None
    assert (folder / key(0)).read_bytes() == before
    code_cache.write(key(10), bytes(968))
    assert there(*range(11)) == [0, 5, 6, 7, 8, 9, 10]


def test_a_damaged_entry_that_is_read_does_not_count_as_used(folder: Path) -> None:
    fill(0)
    (folder / key(0)).write_bytes(b"damaged")
    age(folder / key(0), HOUR)
    before = (folder / key(0)).stat().st_mtime
    assert code_cache.read(key(0)) is None
    assert (folder / key(0)).stat().st_mtime == before


def test_an_entry_larger_than_the_limit_stays_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "LIMIT", 10_000)
    fill(0, 1)
    code_cache.write(key(2), bytes(50_000))
    assert there(0, 1, 2) == [2]
    assert code_cache.read(key(2)) == bytes(50_000)


def test_files_of_others_are_neither_counted_nor_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "LIMIT", 2_000)
    mine = [folder / name for name in ("thesis.tex", "ab" * 20, key(5).upper(), key(6) + ".bak", ".hidden")]
    for path in mine:
        path.write_bytes(bytes(5000))
        age(path, 100 * HOUR)
    (folder / key(7)).mkdir()
    (folder / key(7) / "inside").write_bytes(b"kept")
    (folder / key(8)).symlink_to(mine[0])
    (folder / ".writing-folder").mkdir()
    age(folder / ".writing-folder", 100 * HOUR)
    for n in range(3):
        code_cache.write(key(n), bytes(968))
    assert all(path.stat().st_size == 5000 for path in mine)
    assert (folder / key(7) / "inside").exists() and (folder / key(8)).is_symlink()
    assert (folder / ".writing-folder").is_dir()
    assert there(0, 1, 2) == [2]
    assert code_cache.usage() == code_cache.Usage(1, 1000)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT], ids=os.strerror)
def test_a_folder_that_takes_nothing_more_is_read_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fill(0)

    def refuse(*args: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        for name in ("unlink", "utime", "replace", "open", "mkdir"):
            patch.setattr(code_cache.os, name, refuse)
        code_cache.write(key(1), b"code")
        assert code_cache.read(key(1)) is None
        assert code_cache.read(key(0)) == bytes(968)
        assert code_cache.usage() == code_cache.Usage(1, 1000)
    assert [path.name for path in folder.iterdir()] == [key(0)]


def test_entries_that_can_not_be_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "LIMIT", 2_000)

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, "no", str(path))

    monkeypatch.setattr(code_cache.Path, "unlink", refuse)
    fill(0, 1, 2, 3)
    assert [code_cache.read(key(n)) for n in range(4)] == [bytes(968)] * 4


def test_a_file_taken_away_while_it_is_written_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.replace

    def late(source: str, target: Path) -> None:
        os.unlink(source)
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(code_cache.os, "replace", late)
        code_cache.write(key(0), b"code")
    assert code_cache.read(key(0)) is None and list(folder.iterdir()) == []


def test_usage_of_a_folder_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(folder / "not" / "made"))
    assert code_cache.usage() == code_cache.Usage(0, 0)
    assert list(folder.iterdir()) == []


def test_ten_processes_fill_one_folder_past_its_limit(folder: Path) -> None:
    code = """
        disk.LIMIT, disk.STALE = 60_000, 0.02
        import hashlib, random
        chosen = random.Random(int(sys.argv[1]))
        sys.stdin.read()  # all start at once
        wrong = 0
        for _ in range(150):
            name = hashlib.sha256(str(chosen.randrange(40)).encode()).hexdigest()
            code = name.encode() * 60
            found = disk.read(name)
            wrong += found not in (None, code)
            disk.write(name, code)
        print(wrong)
    """
    arguments = [sys.executable, "-W", "error", "-c", textwrap.dedent(ALONE) + textwrap.dedent(code)]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen([*arguments, str(n)], stdin=pipe, stdout=pipe, stderr=pipe, text=True) for n in range(10)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    results = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * 10, [r[1] for r in results]
    assert [r[0] for r in results] == ["0\n"] * 10  # what was read was always what was written
    one = 32 + 64 * 60
    assert code_cache.usage().bytes <= 60_000 + 10 * one
    left = [f for f in folder.iterdir() if f.name.startswith(".writing-")]
    assert left == []
    for file in folder.iterdir():
        assert code_cache.read(file.name) == file.name.encode() * 60
