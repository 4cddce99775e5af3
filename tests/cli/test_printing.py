"""Output in any encoding, into closed pipes and onto full disks: one line at most, no traceback, the right exit code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conveyor.cli import main
from conveyor.cli.console import printing
from conveyor.cli.console.printing import OutputLost, Stream, fit, guarded, print_note, print_text

from .conftest import TINY

TEXT = "Привет, мир — “кит”. 你好 नमस्ते 🐋\n"
MODULE = [sys.executable, "-m", "conveyor"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a text that no 8-bit encoding has, in a folder whose name none has."""
    folder = tmp_path_factory.mktemp("кит")
    (folder / "text.txt").write_text(TEXT * 30, encoding="utf-8")
    assert main(["train", str(folder / "text.txt"), "-o", str(folder / "run"), *TINY, "--max-steps", "2"]) == 0
    return folder / "run"


def run(*arguments: str, encoding: str = "utf-8", **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([*MODULE, *arguments], env=environment, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "ascii:strict", "utf-8"])
def test_samples_in_any_encoding(model: Path, encoding: str) -> None:
    arguments = ("generate", str(model), "--prompt", TEXT.strip(), "--length", "20", "--seed", "1")
    done = run(*arguments, encoding=encoding, capture_output=True)
    assert done.returncode == 0 and done.stderr == b""
    written = TEXT.strip().encode(encoding.split(":")[0], "backslashreplace")
    assert done.stdout.startswith(written), "what the encoding has stands as it is, the rest is escaped"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("train", "--resume", "RUN"), 0),
        (("generate", "RUN", "--prompt", "ж"), 2),
        (("generate", "нет"), 2),
        (("train", "RUN/../text.txt", "-o", "RUN"), 2),
        (("export", "RUN", "--to", "torch", "-o", "RUN/модель.pt", "--force"), 0),
        (("import", "RUN/модель.onnx"), 2),
        (("--help",), 0),
        (("doctor", "--help"), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_commands_in_any_encoding(
    model: Path, arguments: tuple[str, ...], code: int, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process, as a process each takes long: the streams have the encoding."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    got = main([a.replace("RUN", str(model)) for a in arguments])
    said = err.buffer.getvalue()  # type: ignore[attr-defined]
    assert got == code, said
    assert said.count(b"\n") == (code == 2) and b"Traceback" not in said
    assert sys.stdout is out and sys.stderr is err, "the streams of before are back"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [("generate", "RUN", "--length", "3"), ("--help",), ("--version",)])
def test_a_full_disk_is_told_in_a_line(model: Path, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(*(a.replace("RUN", str(model)) for a in arguments), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"conveyor: standard output cannot be written (No space left on device)\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_errors_that_cannot_be_told_keep_their_exit_code() -> None:
    with open("/dev/full", "wb") as full:
        assert run("generate", "none", stdout=subprocess.PIPE, stderr=full).returncode == 2


def closed_pipe() -> int:
    read, write = os.pipe()
    os.close(read)
    return write


def test_a_reader_that_has_gone_is_not_told(model: Path) -> None:
    pipe = closed_pipe()
    done = run("generate", str(model), "--length", "3", stdout=pipe, stderr=subprocess.PIPE)
    os.close(pipe)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_closed_streams_do_no_harm(model: Path, closed: str) -> None:
    line = f'"$0" -m conveyor generate "$1" --length 3 {closed}'
    done = subprocess.run(["sh", "-c", line, sys.executable, str(model)], capture_output=True, check=False)
    assert done.returncode == 0 and b"Traceback" not in done.stderr


def test_training_that_nobody_can_read_does_not_begin(model: Path, tmp_path: Path) -> None:
    pipe = closed_pipe()
    arguments = ("train", str(model.parent / "text.txt"), "-o", str(tmp_path / "run"), *TINY)
    done = run(*arguments, stdout=pipe, stderr=subprocess.PIPE)
    os.close(pipe)
    assert (done.returncode, done.stderr) == (1, b"")


class Full(io.StringIO):
    """A stream that takes so many writes and no more."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_run_that_loses_its_output_midway_is_saved(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    full, told = Full(2), io.StringIO()
    monkeypatch.setattr(sys, "stdout", full)
    monkeypatch.setattr(sys, "stderr", told)
    arguments = ["train", str(model.parent / "text.txt"), "-o", str(tmp_path / "run"), *TINY]
    assert main([*arguments, "--max-steps", "40", "--evaluate-every", "3", "--checkpoint-every", "1000"]) == 1
    step = json.loads((tmp_path / "run/checkpoint.json").read_text())["trainer"]["progress"]["step"]
    assert 0 < step < 40
    expected = f"standard output cannot be written (No space left on device); stopped at step {step}; resume with: "
    assert expected in told.getvalue()
    assert told.getvalue().endswith(f"conveyor train --resume {tmp_path}/run\n")


def test_a_terminal_is_shown_control_characters_and_a_pipe_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    print_text("a\x1b[31mb\x07\tc\n")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    print_text("a\x1b[31mb\x07\tc\n")
    assert stream.getvalue() == "a\x1b[31mb\x07\tc\n\n" + "a\\x1b[31mb\\x07\tc\n\n"


def test_notes_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_note("a\nb\x1b  c")
    assert capsys.readouterr().err == "conveyor: a b\\x1b c\n"


def test_only_what_the_encoding_lacks_is_escaped() -> None:
    assert fit("aé€ж\udcff", "latin-1") == "aé\\u20ac\\u0436\\udcff"
    assert fit("aé€ж", "cp1252") == "aé€\\u0436"
    assert fit("a\udcff", "utf-8") == "a\\udcff"
    assert fit("a\udcff", "utf-8", "surrogateescape") == "a\udcff"


def test_a_thread_that_draws_is_not_torn_down() -> None:
    stream = Stream(Full(0), is_vital=True)
    raised: list[BaseException] = []

    def draw() -> None:
        try:
            stream.write("x")
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()
    assert not raised
    with pytest.raises(OutputLost, match="No space left"):
        stream.write("y")
    with pytest.raises(OutputLost, match="No space left"):
        stream.flush()


def test_the_guard_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.stdout, sys.stderr
    with guarded():
        assert isinstance(sys.stdout, Stream) and isinstance(sys.stderr, Stream)
    assert (sys.stdout, sys.stderr) == before
    assert printing.OutputLost(BrokenPipeError(32, "Broken pipe")).message() == ""
