"""Every command that a command prints runs as it is printed, whatever the text's script and the folder's name."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conveyor.cli import main
from conveyor.cli.console import shell
from conveyor.tasks.text.run import load_model, load_start

from .conftest import TINY

TEXTS = {
    "Russian": "Привет, мир. Это белый кит и море.\nПривет всем, кто идёт.\n",
    "Chinese": "你好，世界。白鲸在海里。\n你是谁？我是以实玛利。\n",
    "Hindi": "नमस्ते दुनिया। यह क्षत्रिय है।\nनमस्ते, आप कैसे हैं।\n",
    "digits": "3141592653\n271828 42\n",
    "one number": "31415926535897932384626433832795",
    "code": "def f(x):\n\treturn x['a'] + \"1\"\n\ndef g(y):\n    return f(y) or $HOME\n\n",
    "quotes": "'tis said; 'twas \"so\"\n'tis $(false) `true` \\n!\n",
    "options": "--help me\n--help you, please\n-h\n",
    "controls": "\x0c\x1b\x0c\x00\x0c\x1b\x07",
}
START = {
    "Russian": "Привет",
    "Chinese": "你",
    "Hindi": "नमस्ते ",
    "digits": "3141592653",
    "one number": "31415926",
    "code": "def ",
    "quotes": "'",
    "options": "-",
    "controls": "\x00",
}


def conveyor_words(line: str) -> list[str]:
    """The words that a shell makes of a printed command, without the program."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    words = [word.decode("utf-8", "surrogateescape") for word in done.stdout.split(b"\0")[:-1]]
    assert Path(words[0]).name == "conveyor" or words[1:3] == ["-m", "conveyor"]
    return words[1:] if Path(words[0]).name == "conveyor" else words[3:]


def printed(output: str) -> list[str]:
    """The commands in what was printed."""
    return re.findall(r"^(?:Try: |  )((?:\S*conveyor|\S*python\S* -m conveyor) .*)$", output, re.MULTILINE)


@pytest.mark.parametrize("level", ["char", "byte", "word"])
@pytest.mark.parametrize("script", TEXTS)
def test_the_command_after_training_runs(
    script: str, level: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "мой 'text'.txt"
    text.write_text(TEXTS[script] * 30, encoding="utf-8", newline="")
    folder = "-run $x 'кит'"
    sizes = ("--hidden-size", "4", "--embedding-size", "4", "--batch-size", "1", "--window", "2", "--warmup", "1")
    if script == "one number" and level == "word":
        text.write_text(f"{TEXTS[script]} " * 60)
    assert main(["train", str(text), "-o", folder, *sizes, "--level", level, "--max-steps", "1"]) == 0
    commands = printed(capsys.readouterr().out)
    assert len(commands) == 1 and commands[0].isprintable() or script == "Hindi"
    assert main([*conveyor_words(commands[0]), "--length", "3", "--seed", "1"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and "<unk>" not in said.out
    assert main(["generate", f"./{folder}", "--length", "3", "--seed", "1", "--temperature", "0.7"]) == 0
    assert capsys.readouterr().out == said.out, "without --prompt it begins alike"
    vocabulary, start = load_model(Path(folder))[1], load_start(Path(folder))
    assert vocabulary.unknown not in vocabulary.encode_prompt(start)
    if level == "char":
        assert start == START[script] and said.out.startswith(start)


def test_checkpoints_without_a_start_have_one(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    index = trained / "checkpoint.json"
    document = json.loads(index.read_text())
    assert document.pop("start") == "The "
    index.write_text(json.dumps(document))
    assert main(["generate", str(trained), "--length", "2"]) == 0
    assert capsys.readouterr().out.startswith("The ")
    index.write_text(json.dumps(document | {"start": "ξ"}))
    assert load_start(trained) == "The "


def test_the_way_back_into_a_run_that_was_stopped(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from conveyor.cli import train

    class Requested(train.Interruption):
        requested = property(lambda self: True, lambda self, value: None)  # type: ignore[assignment]

    folder = tmp_path / "мой run"
    text = str(trained.parent / "text.txt")
    with monkeypatch.context() as patch:
        patch.setattr(train, "Interruption", Requested)
        assert main(["train", text, "-o", str(folder), *TINY, "--max-steps", "3"]) == 130
    (command,) = printed(capsys.readouterr().out)
    assert main(conveyor_words(command)) == 0
    assert main(conveyor_words(printed(capsys.readouterr().out)[0])) == 0


@pytest.mark.parametrize("to", ["x.pt", "x 'y'.safetensors"])
def test_the_python_lines_after_export_and_import(
    to: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    import safetensors.torch
    import torch

    import conveyor as cv

    names = {"cv": cv, "torch": torch, "safetensors": safetensors}
    assert main(["export", str(trained), "--to", "torch", "-o", to]) == 0
    line = capsys.readouterr().out.split("In Python: ")[1].strip()
    assert "recurrent.weight_hh_l0" in eval(line, names)
    assert main(["import", to, "-o", 'кит "z".safetensors']) == 0
    line = capsys.readouterr().out.split("In Python: ")[1].strip()
    assert isinstance(eval(line, names), torch.nn.Module)


@pytest.mark.parametrize(
    "word", ["plain", "a b", "it's", "$HOME", "кит", "a\nb", "\x0c\x1b", "\udcff", "", "\\x41", "a\u2028b", "🐋"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_any_word_survives_the_shell(word: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    quoted = shell.quote(word)
    monkeypatch.undo()
    quoted.encode(encoding)
    if word.isprintable():
        assert quoted.isprintable()
    done = subprocess.run(["bash", "-c", f"printf '%s' {quoted}"], capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")
    if encoding == "utf-8" and word.isprintable():
        assert shlex.split(quoted) == [word]


def test_the_program_is_named_so_that_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    fake = tmp_path / "bin dir"
    fake.mkdir()
    monkeypatch.setattr(sys, "executable", str(fake / "python"))
    assert shell.command("doctor") == f"'{fake}/python' -m conveyor doctor"
    (fake / "conveyor").touch()
    monkeypatch.chdir(fake)
    assert shell.command("doctor") == "./conveyor doctor"
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/conveyor")
    assert shell.command("train", "--resume", "a b") == "conveyor train --resume 'a b'"


def test_words_that_a_model_does_not_know_are_told(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = str(trained.parent / "text.txt")
    assert main(["train", text, "-o", str(tmp_path / "w"), *TINY, "--level", "word", "--max-steps", "1"]) == 0
    capsys.readouterr()
    assert main(["generate", str(tmp_path / "w"), "--prompt", "The black whale swam ", "--length", "1"]) == 0
    said = capsys.readouterr()
    assert said.err == "conveyor: the model does not know 'black', 'swam'; it reads <unk> instead\n"
    assert said.out.startswith("The <unk> whale <unk>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generate", "RUN", "--top-k", "-1"), "--top-k: expected at least 0, got -1"),
        (("generate", "RUN", "--length", "-1"), "--length: expected at least 0, got -1"),
        (("generate", "RUN", "--prompt", ""), "--prompt: expected at least one character, got ''"),
        (("train", "T", "-o", "RUN/new", "--hidden-size", "1048576"), "a lstm of --hidden-size 1048576 and --embedding-size 64"),
        (("train", "T", "-o", "RUN/new", "--data", "T"), "--data: expected with --resume alone"),
        (("bench", "--size", "1,2"), "--size: "),
        (("bench", "--against", "x"), "--against: expected torch"),
        (("inspect", "RUN", "-o", "RUN"), "--output: RUN exists"),
        (("export", "RUN/none", "--to", "onnx", "-o", "RUN/x.onnx"), "MODEL: "),
    ],
)  # fmt: skip
def test_errors_name_what_a_user_types(
    arguments: tuple[str, ...], message: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = str(trained.parent / "text.txt")
    assert main([text if a == "T" else a.replace("RUN", str(trained)) for a in arguments]) == 2
    assert message.replace("RUN", str(trained)) in capsys.readouterr().err
