"""The cache on disk: whatever is wrong with the folder, the worst that happens is that code is compiled again."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conveyor.backends.cpu.codegen import code_cache, emit, gemm, isa, vector
from conveyor.backends.cpu.codegen import compile as compiler
from conveyor.backends.cpu.codegen.vector import FLOAT32
from conveyor.backends.lowering import passes, schedule
from conveyor.backends.lowering.passes import lower_forward
from conveyor.ir import ops, program
from cpu.common import python
from support import BUILT_IN

# A small layer whose outputs don't depend on the process.
SCRIPT = """
    import torch, conveyor as cv
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layer, x = cv.GRU(3, 4), torch.randn(5, 2, 3)
    y = layer(x)[0]
    y.sum().backward()
    print(y.detach().numpy().tobytes().hex(), layer.weight_ih_l0.grad.numpy().tobytes().hex())
"""
ELF = b"\x7fELF"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    compiler.kernels(FLOAT32, isa.width())  # what loops call; elsewhere, so that only loops lie in the folder
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(tmp_path))
    return tmp_path


def load() -> int:
    """Compile a loop, or take it from disk; how often LLVM compiled."""
    width = isa.width()
    lowered = lower_forward(BUILT_IN[0].program, False)
    compiled = 0
    original = compiler._compile

    def counted(text: str, chosen: isa.ISA) -> bytes:
        nonlocal compiled
        compiled += 1
        return original(text, chosen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "_compile", counted)
        found = compiler.compile_work(lowered.name, lowered.schedules, FLOAT32, width)
    assert all(found.addresses.values()) and found.table == emit.emit(lowered.schedules, FLOAT32, width)[1]
    return compiled


def digest_with(folder: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, str]) -> str:
    """The digest of the source when the package lies in a folder with these files."""
    for name, text in extra.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "files", lambda _: folder)
        return compiler._source.__wrapped__()


CODE = ("ir/a.py", "ir/deep/a.py", "backends/lowering/b.py", "backends/cpu/codegen/deep/c.py")


def test_digest_sees_code_in_folders_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = digest_with(tmp_path, monkeypatch, dict.fromkeys(CODE, "1"))
    others = ("ir/__pycache__/a.pyc", "backends/lowering/notes.txt", "layers/a.py", "backends/interface.py")
    assert digest_with(tmp_path, monkeypatch, dict.fromkeys(others, "1")) == first
    changed = [digest_with(tmp_path, monkeypatch, {name: "2"}) for name in CODE]
    assert len({first, *changed}) == 1 + len(CODE)


def test_digest_covers_all_that_decides_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each module of ours that code generation imports, directly or not, but those that only tell of errors and forks."""
    read: list[Path] = []
    sources = compiler._sources

    def note(folder: Any, name: str) -> Iterator[tuple[str, Any]]:
        for path, file in sources(folder, name):
            read.append(Path(str(file)))
            yield path, file

    with monkeypatch.context() as patch:
        patch.setattr(compiler, "_sources", note)
        compiler._source.__wrapped__()
    missing, seen, left = set(), set(), [emit, compiler, passes]
    while left:
        module = left.pop()
        if module.__name__ in seen:
            continue
        seen.add(module.__name__)
        if Path(module.__file__ or "") not in read:
            missing.add(module.__name__)
        named = {
            v.__name__ if isinstance(v, ModuleType) else getattr(v, "__module__", "") for v in vars(module).values()
        }
        left += [sys.modules[name] for name in named if str(name).startswith("conveyor.") and name in sys.modules]
    assert missing <= {"conveyor.errors", "conveyor.backends.fork"}
    assert {m.__name__ for m in (emit, compiler, vector, isa, ops, program, schedule, gemm)} <= seen


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_code_is_compiled_once_and_then_taken_from_disk(folder: Path) -> None:
    assert load() == 1
    (entry,) = entries(folder)
    before = entry.read_bytes()
    assert load() == 0
    assert entry.read_bytes() == before and entries(folder) == [entry]


def test_what_lies_on_disk_is_what_the_compiler_makes(folder: Path) -> None:
    load()
    (entry,) = entries(folder)
    width = isa.width()
    module, _ = emit.emit(lower_forward(BUILT_IN[0].program, False).schedules, FLOAT32, width)
    kept = code_cache.read(entry.name)
    assert kept is not None
    code = kept[kept.index(ELF) :] if sys.platform == "linux" else kept
    assert kept.endswith(compiler._compile(str(module), width)) and code == compiler._compile(str(module), width)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: whole[:10], id="within-the-digest"),
        pytest.param(lambda whole: whole[:32], id="digest-alone"),
        pytest.param(lambda whole: whole[:-1], id="one-byte-short"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="half"),
        pytest.param(lambda whole: whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], id="one-bit"),
        pytest.param(lambda whole: whole + b"\0", id="longer"),
        pytest.param(lambda whole: bytes(len(whole)), id="zeros"),
    ],
)
def test_a_damaged_entry_is_made_anew(folder: Path, damage: object) -> None:
    load()
    (entry,) = entries(folder)
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))  # type: ignore[operator]
    assert load() == 1
    assert entry.read_bytes() == whole
    assert load() == 0


def test_an_entry_that_is_a_folder(folder: Path) -> None:
    load()
    (entry,) = entries(folder)
    entry.unlink()
    entry.mkdir()
    assert load() == 1
    assert entries(folder) == [entry]  # and no file that was half written


def test_a_folder_removed_while_running(folder: Path) -> None:
    load()
    for entry in entries(folder):
        entry.unlink()
    folder.rmdir()
    assert load() == 1
    assert len(entries(folder)) == 1
    assert load() == 0


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_in_place_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(file / below))
    assert load() == 1
    assert load() == 1
    assert file.read_bytes() == b"mine" and entries(tmp_path) == [file]


def test_a_folder_that_can_not_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(code_cache.ENVIRONMENT, "/proc/conveyor")
    assert load() == 1


@pytest.mark.parametrize("failing", ["replace", "fdopen"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_is_left_half_written(folder: Path, failing: str, error: type[BaseException]) -> None:
    def fail(*args: object) -> None:
        raise error("no")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_cache.os, failing, fail)
        if error is OSError:
            code_cache.write("key", b"code")
        else:
            with pytest.raises(error):
                code_cache.write("key", b"code")
    assert entries(folder) == []
    assert code_cache.read("key") is None
    code_cache.write("key", b"code")
    assert code_cache.read("key") == b"code"


def test_a_full_disk(folder: Path) -> None:
    limited = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        from conveyor.backends.cpu.codegen import code_cache as disk
        disk.write("long", b"x" * 100_000)
        disk.write("short", b"x" * 100)
        print(disk.read("long"), len(disk.read("short")))
    """
    assert python(limited).split() == ["None", "100"]
    assert [e.name for e in entries(folder)] == ["short"]


def test_many_threads_write_one_entry(folder: Path) -> None:
    code = os.urandom(200_000)
    seen: list[bytes | None] = []

    def work() -> None:
        for _ in range(20):
            code_cache.write("key", code)
            seen.append(code_cache.read("key"))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [code] * 120
    assert [e.name for e in entries(folder)] == ["key"]


def test_several_processes_start_at_once_on_an_empty_cache(folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    results = [p.communicate(timeout=120) for p in processes]
    assert all(p.returncode == 0 for p in processes), [r[1] for r in results]
    assert len({r[0] for r in results}) == 1
    names = [e.name for e in entries(folder)]
    assert len(names) >= 3 and not any(n.startswith(".") for n in names)
    digests = {n: (folder / n).read_bytes() for n in names}
    # Code from the cache computes what code compiled on the spot computes.
    assert python(SCRIPT) == results[0][0]
    assert {e.name: e.read_bytes() for e in entries(folder)} == digests


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(code_cache.Path, "home", homeless)
    for name in ("CONVEYOR_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    code_cache.write("key", b"code")
    assert code_cache.read("key") is None
    assert load() == 1


@pytest.mark.parametrize("chosen", ["CONVEYOR_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_the_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    compiler.kernels(FLOAT32, isa.width())
    for name in ("CONVEYOR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(chosen, str(tmp_path))
    want = {
        "CONVEYOR_CACHE": tmp_path,
        "XDG_CACHE_HOME": tmp_path / "conveyor",
        "HOME": tmp_path / ".cache" / "conveyor",
    }
    assert code_cache.folder() == want[chosen]
    load()
    assert len(entries(want[chosen])) == 1


def test_keys_differ_by_text_and_width() -> None:
    keys = {compiler._key(text, width) for text in ("a", "b") for width in isa.widths()}
    assert len(keys) == 2 * len(isa.widths())
