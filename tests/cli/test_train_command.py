from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conveyor.cli import main

from .conftest import TINY, Failure

CELL = """
import conveyor as cv

@cv.cell
def mine(x, h):
    z = cv.sigmoid(cv.affine("z", x, h))
    h = z * h + (1 - z) * cv.tanh(cv.affine("n", x, h))
    return h
"""


def document(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "checkpoint.json").read_text())
    return values


@pytest.mark.parametrize("level", ["char", "byte", "word"])
def test_train_then_generate(text_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], level: str) -> None:
    folder = tmp_path / "out"
    arguments = ("--level", level, "--epochs", "1", "--vocabulary-size", "5")
    assert main(["train", str(text_file), "-o", str(folder), *TINY, *arguments]) == 0
    output = capsys.readouterr().out
    unit = {"char": "character", "byte": "byte", "word": "word"}[level]
    assert f"bits per {unit}" in output
    assert f"{unit}s/s" in output
    assert ("perplexity" in output) == (level == "word")
    assert f"conveyor generate {folder}" in output

    command = ["generate", str(folder), "--prompt", "The sea", "--length", "12", "--temperature", "0.9", "--top-k", "4"]
    samples = []
    for seed in ("1", "1", "2"):
        assert main([*command, "--seed", seed]) == 0
        samples.append(capsys.readouterr().out)
    assert samples[0] == samples[1]
    if level == "char":
        assert samples[0].startswith("The sea") and len(samples[0]) == len("The sea") + 12 + 1
        assert samples[0] != samples[2]
    if level == "word":
        tokens = document(folder)["vocabulary"]["tokens"]
        assert len(tokens) == 5 and tokens[0] == "<unk>"


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (["--cell", "gru"], True),
        (["--hidden-size", "9"], True),
        (["--num-layers", "2"], True),
        (["--embedding-size", "5"], True),
        (["--no-bias"], True),
        (["--cell", "lstm_projection", "--proj-size", "3"], True),
        (["--dropout", "0.5"], True),
        (["--forget-bias", "3"], True),
        (["--tie-weights"], True),
        (["--optimizer", "sgd"], True),
        (["--optimizer", "sgd", "--momentum", "0.9"], True),
        (["--lr", "0.5"], True),
        (["--weight-decay", "5"], True),
        (["--clip", "0.001"], True),
        (["--schedule", "constant"], True),
        (["--schedule", "plateau"], True),
        (["--warmup", "0"], True),
        (["--final-lr", "0.9"], True),
        (["--max-steps", "3"], True),
        (["--batch-size", "5"], True),
        (["--window", "9"], True),
        (["--seed", "1"], True),
        (["--level", "byte"], True),
        (["--threads", "2"], False),
        (["--backend", "reference"], True),
        (["--checkpoint-every", "1"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_option_does_something(trained: Path, text_file: Path, arguments: list[str], changed: bool) -> None:
    steps = [] if "--max-steps" in arguments else ["--max-steps", "5"]
    finished = []
    for name, extra in (("plain", []), ("changed", arguments)):
        folder = trained.with_name(name)
        limit = ["--max-steps", "5"] if name == "plain" else steps
        assert main(["train", str(text_file), "-o", str(folder), *TINY, *limit, *extra]) == 0
        finished.append(document(folder)["files"]["weights"]["sha256"])
    assert (finished[0] != finished[1]) == changed


def test_given_validation_and_test_files(text_file: Path, tmp_path: Path) -> None:
    for name in ("v", "w"):
        (tmp_path / name).write_text("The sea and Ahab.\n")
    files = ["--valid", str(tmp_path / "v"), "--test", str(tmp_path / "w")]
    assert main(["train", str(text_file), "-o", str(tmp_path / "out"), *TINY, *files, "--max-steps", "1"]) == 0
    assert set(document(tmp_path / "out")["data"]) == {str(text_file), str(tmp_path / "v"), str(tmp_path / "w")}


def test_patience_and_evaluate_every(text_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--evaluate-every", "2", "--patience", "2", "--lr", "1e-30"]
    assert main(["train", str(text_file), "-o", str(tmp_path / "out"), *TINY, *arguments]) == 0
    assert "no new best in 2 validations" in capsys.readouterr().out
    assert [entry["step"] for entry in document(tmp_path / "out")["trainer"]["history"]] == [2, 4, 6]


def test_own_cell_trains_and_generates_after_its_source_is_gone(
    text_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = tmp_path / "cells.py", tmp_path / "out"
    source.write_text(CELL)
    assert (
        main(["train", str(text_file), "-o", str(folder), *TINY, "--max-steps", "3", "--cell", f"{source}:mine"]) == 0
    )
    source.unlink()
    assert main(["generate", str(folder), "--prompt", "The", "--length", "5", "--seed", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1]
    assert document(folder)["cell"]["name"] == "mine"


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        (CELL, "yours", "has no cell called 'yours'; it has mine"),
        ("def plain(x, h):\n    return h\n", "plain", "decorate the function with @conveyor.cell"),
        ("def (", "mine", "fails when it is imported: SyntaxError"),
        ("1 / 0", "mine", "fails when it is imported: ZeroDivisionError"),
        (None, "mine", "no such file"),
        ("import conveyor as cv\n@cv.cell\ndef bad(x, h):\n    return x\n", "bad", ""),
    ],
)
def test_own_cells_that_cannot_be_used(
    text_file: Path, tmp_path: Path, failure: Failure, source: str | None, name: str, message: str
) -> None:
    path = tmp_path / "cells.py"
    if source is not None:
        path.write_text(source)
    assert message in failure("train", text_file, "-o", tmp_path / "out", "--cell", f"{path}:{name}")
    assert not (tmp_path / "out").exists()


def test_bad_input_gives_one_line(text_file: Path, tmp_path: Path, failure: Failure) -> None:
    out = tmp_path / "out"
    empty, latin, short = tmp_path / "empty", tmp_path / "latin", tmp_path / "short"
    empty.touch()
    latin.write_bytes(b"caf\xe9")
    short.write_text("Call me Ishmael.")
    for arguments, message in [
        ((empty,), "got an empty file"),
        ((tmp_path,), "got a directory"),
        ((tmp_path / "none",), "no such file"),
        ((latin,), "expected UTF-8"),
        ((short,), "expected at least"),
        ((text_file, "--valid", empty), "got an empty file"),
        ((text_file, "--test", tmp_path), "got a directory"),
        ((text_file, "--cell", "transformer"), "cell 'transformer' is not built in"),
        ((text_file, "--cell", "gru_d"), "language model has no such input"),
        ((text_file, "--cell", "lstm_projection"), "give --proj-size"),
        ((text_file, "--hidden-size", "0"), "--hidden-size: expected"),
        ((text_file, "--hidden-size", 2**20), "choose smaller sizes"),
        ((text_file, "--hidden-size", 10**30), "--hidden-size: expected"),
        ((text_file, "--batch-size", 10**30), "expected at least"),
        ((text_file, "--seed", 2**63), "--seed: expected"),
        ((text_file, "--threads", "0"), "--threads: expected"),
        ((text_file, "--forget-bias", "nan"), "--forget-bias: expected"),
        ((text_file, "--cell", "rnn", "--forget-bias", "1"), "forget"),
        ((text_file, "--dropout", "1"), "--dropout: expected"),
        ((text_file, "--lr", "nan"), "--lr: expected"),
        ((text_file, "--level", "line"), "'--level'"),
        ((text_file, "--lr", "fast"), "'--lr'"),
        ((text_file, "--backend", "cuda"), "backend"),
        ((text_file, "--frobnicate"), "--frobnicate"),
    ]:
        assert message in failure("train", *TINY, *arguments, "-o", out)
        assert not out.exists(), "nothing is written for a run that cannot begin"
    assert "--output OUT" in failure("train", text_file)
    assert "--output OUT" in failure("train", "-o", out)
    assert "frobnicate" in failure("frobnicate")


def test_nothing_is_overwritten_without_force(trained: Path, text_file: Path, failure: Failure) -> None:
    before = document(trained)
    assert "--force" in failure("train", text_file, "-o", trained, *TINY, "--max-steps", "1")
    assert document(trained) == before
    assert main(["train", str(text_file), "-o", str(trained), *TINY, "--max-steps", "1", "--force"]) == 0
    assert document(trained)["trainer"]["progress"]["step"] == 1
    assert len(list(trained.glob("weights-*"))) == 1


def test_unwritable_output_is_told_before_training(text_file: Path, failure: Failure) -> None:
    assert "cannot be written" in failure("train", text_file, "-o", text_file / "out", *TINY)
    assert "isn't empty" in failure("train", text_file, "-o", text_file, *TINY)
    assert "cannot be written" in failure("train", text_file, "-o", text_file, "--force", *TINY)


def test_folder_in_use_by_another_process_is_refused(text_file: Path, tmp_path: Path, failure: Failure) -> None:
    from conveyor.cli.console.output import claimed

    with claimed(tmp_path / "out"):
        assert "another process" in failure("train", text_file, "-o", tmp_path / "out", *TINY)


def test_resume_takes_everything_from_the_checkpoint(
    trained: Path, text_file: Path, failure: Failure, capsys: pytest.CaptureFixture[str]
) -> None:
    line = failure("train", text_file, "--resume", trained, "--lr", "1")
    assert "--resume: expected no other argument" in line and "got --lr, FILE...; leave them out" in line
    assert main(["train", "--resume", str(trained)]) == 0
    assert "finished" in capsys.readouterr().out


def test_damaged_checkpoints_give_one_line(trained: Path, tmp_path: Path, failure: Failure) -> None:
    assert "found none" in failure("generate", tmp_path / "none")
    assert "found none" in failure("train", "--resume", tmp_path)
    index = trained / "checkpoint.json"
    text = index.read_text()
    for damaged, message in [
        (text[: len(text) // 2], "truncated"),
        ('{"a": 1}', "not written by conveyor"),
        (text.replace('"version": 1', '"version": 2'), "upgrade"),
    ]:
        index.write_text(damaged)
        assert message in failure("generate", trained)
        assert message in failure("train", "--resume", trained)
    index.write_text(text)
    for role in ("best", "weights", "training"):
        path = next(trained.glob(f"{role}-*"))
        path.write_bytes(path.read_bytes()[:-1])
        assert "truncated" in failure(
            "generate" if role == "best" else "train", *["--resume"][role == "best" :], trained
        )
        if role == "best":
            path.write_bytes(path.read_bytes() + b"\0")
            assert "altered" in failure("generate", trained)
            next(trained.glob("best-*")).unlink()
            assert "cannot be read" in failure("generate", trained)
            return


def test_bad_prompts_and_numbers(trained: Path, failure: Failure) -> None:
    assert "unknown character 'é'" in failure("generate", trained, "--prompt", "Thé")
    assert "at least one" in failure("generate", trained, "--prompt", "")
    assert "--temperature: expected" in failure("generate", trained, "--temperature", "-1")
    assert "--seed: expected" in failure("generate", trained, "--seed", 2**64)
    assert "MODEL" in failure("generate")


def test_diverging_run_names_the_first_bad_value(text_file: Path, tmp_path: Path, failure: Failure) -> None:
    arguments = ("--optimizer", "sgd", "--lr", "1e38", "--clip", "0", "--weight-decay", "1")
    line = failure("train", text_file, "-o", tmp_path / "out", *TINY, *arguments, code=1)
    assert "step " in line and "first bad value" in line
    assert document(tmp_path / "out")["trainer"]["progress"]["finished"] is None
