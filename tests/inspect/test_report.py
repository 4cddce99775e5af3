"""The report: what it holds, and what becomes of mistakes."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import conveyor as cv
from conveyor.cli import main
from conveyor.inspect.report.gather import Subject, gather
from conveyor.inspect.report.write import write_report
from conveyor.tasks.text.run import load_model

SECTIONS = "diagnosis equations diagram walk text gates memory flow".split()
VOID = {"meta", "link", "input", "br", "hr", "img"}


class Reader(HTMLParser):
    """Reads a page, and asserts that its elements nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag


@pytest.fixture(scope="module")
def page(report: Path) -> str:
    return (report / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_is_whole(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    ids = [a["id"] for _, a in reader.elements if "id" in a]
    assert [i for i in ids if i in SECTIONS] == SECTIONS
    links = {a["href"][1:] for t, a in reader.elements if t == "a" and a["href"].startswith("#")}
    assert links >= set(SECTIONS) and links <= set(ids)
    assert "two layers" not in page and page.count("<figure>") >= 5


def test_the_page_asks_for_nothing_from_elsewhere(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    for tag, attributes in reader.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
    assert not re.search(r"@import|url\((?!\s*[\"']?(#|data:))", page)


def test_what_is_not_text_has_words(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    pictures = [a for t, a in reader.elements if t == "svg"]
    assert len(pictures) >= 5 and all(a.get("role") == "img" for a in pictures)
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert re.search(r"<title>[^<]+</title><desc>[^<]+</desc>", picture)
    assert {t for t, _ in reader.elements} >= {"h1", "h2", "main", "nav", "header", "footer"}


def test_the_values_in_the_page_are_those_of_the_model(data: dict, model: Path, report: Path) -> None:
    assert [layer["label"] for layer in data["layers"]] == ["layer 1", "layer 2"]
    network, vocabulary = load_model(model)
    text = "".join(data["tokens"])
    x = network.embedding(torch.tensor(vocabulary.encode(text)).unsqueeze(1)).detach()
    trace = network.eval().recurrent.record(x)
    for k, layer in enumerate(data["layers"]):
        assert list(layer["values"])[:2] == ["h", "c"]
        for name, packed in layer["values"].items():
            real = trace.layer(k)[name][:, 0].detach().numpy()
            got = np.frombuffer(base64.b64decode(packed["data"]), np.int8).reshape(len(packed["units"]), -1)
            assert packed["units"] == list(range(real.shape[1])) and got.shape[1] == len(data["tokens"]) == 200
            middle, reach = np.array(packed["middle"])[:, None], np.array(packed["reach"])[:, None]
            # half a step of 127, and the outermost hundredth, which is clipped
            near = np.abs(middle + got / 127 * reach - real.T) <= reach * 0.51 / 127 + 2e-5
            assert near.mean() > 0.98, (name, near.mean())


def test_the_data_beside_it(report: Path, data: dict) -> None:
    files = {p.name for p in (report / "data").iterdir()}
    names = ["values-1", "values-2", "memory", "flow-model", "flow-cells", "walk"]
    assert files == {f"{n}.{kind}" for n in names for kind in ("parquet", "csv")}
    for name in names:
        whole, plain = (
            pd.read_parquet(report / "data" / f"{name}.parquet"),
            pd.read_csv(report / "data" / f"{name}.csv"),
        )
        assert len(whole) == len(plain) > 0 and list(whole) == list(plain)
    values = pd.read_parquet(report / "data/values-1.parquet")
    assert list(values["token"]) == data["tokens"] and {"c[0]", "f[11]", "h[3]"} <= set(values)
    flow = pd.read_csv(report / "data/flow-cells.csv")
    assert set(flow["of"]) == {"rnn, h", "lstm, h", "lstm, c", "lstm, c, chrono", "gru, h", "gru, h, chrono"}
    figures = {p.name for p in (report / "figures").iterdir()}
    drawn = {f"{n}.{k}" for n in ("gates-1", "gates-2", "memory", "flow-model", "flow-cells") for k in ("svg", "png")}
    assert figures == drawn | {"diagram-lstm.svg"}


def test_the_command_says_where_it_is(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "own.txt"
    text.write_text("The sea was calm. It looked at the whale, and nothing moved. " * 3, encoding="utf-8")
    arguments = ["inspect", str(model), "--text", str(text), "-o", str(tmp_path / "out")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert f"Report: {tmp_path / 'out' / 'index.html'}, " in out and "… following the gradient back" in out
    assert "The sea was calm." in re.sub("<[^>]*>", "", (tmp_path / "out/index.html").read_text(encoding="utf-8"))
    assert main(arguments) == 2
    assert "exists and isn't empty; name another, or overwrite it with --force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "The sea.",
            "expected at least 65 tokens to see anything over time, got 8; give a longer text with --text FILE",
        ),
        ("The whale\n" * 20 + "ξ", "text has the unknown character 'ξ' (U+03BE) at position 200"),
        ("", "expected text, got an empty file"),
        (None, "no such file; check the path"),
    ],
)
def test_texts_that_cannot_be_read(
    content: str | None, message: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    if content is not None:
        text.write_text(content, encoding="utf-8")
    assert main(["inspect", str(model), "--text", str(text), "-o", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"conveyor: {text}: ") and message in lines[0]
    assert not (tmp_path / "out").exists()


def test_models_of_another_kind(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> str:
        assert main(["inspect", str(tmp_path / "other"), "-o", str(tmp_path / "out")]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "other" in fails()
    (tmp_path / "other").mkdir()
    document = json.loads((model / "checkpoint.json").read_text())
    (tmp_path / "other/checkpoint.json").write_text(json.dumps(document | {"task": "series"}))
    assert "expected a language model on text, got task 'series'; use that task's command" in fails()
    cv.save(cv.LSTM(3, 4), tmp_path / "layer.safetensors")
    assert main(["inspect", str(tmp_path / "layer.safetensors"), "-o", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_text_that_is_gone_is_asked_for(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads((model / "checkpoint.json").read_text())
    text = document["config"]["data"]["train"] if "train" in document["config"]["data"] else None
    copy = tmp_path / "run"
    copy.mkdir()
    for file in model.iterdir():
        if file.is_file() and not file.name.startswith("."):
            (copy / file.name).write_bytes(file.read_bytes())
    told = json.dumps(document).replace("text.txt", "gone.txt")
    assert text is None or "text.txt" in str(text)
    (copy / "checkpoint.json").write_text(told)
    assert main(["inspect", str(copy), "-o", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err
    assert "gone.txt: no such file" in line and "or name a text that the model shall read: --text FILE" in line


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["rnn", "gru", "slstm", "lstm_projection"])
def test_reports_on_other_cells(cell: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The white whale swam (slowly) round the ship.\n" * 40, encoding="utf-8")
    sizes = ["--hidden-size", "8", "--embedding-size", "4", "--batch-size", "4", "--window", "8", "--max-steps", "2"]
    sizes += ["--proj-size", "5"] if cell == "lstm_projection" else []
    level = ["--level", "word"] if cell == "gru" else ["--level", "byte"] if cell == "slstm" else []
    text.write_text("The white whale swam (slowly) round the ship.\n" * 200, encoding="utf-8")
    assert main(["train", str(text), "-o", str(tmp_path / "run"), "--cell", cell, "--warmup", "1", *sizes, *level]) == 0
    assert main(["inspect", str(tmp_path / "run"), "-o", str(tmp_path / "report"), "--length", "100"]) == 0
    page = (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert f"Diagram of the cell {cell}" in page and 'id="text"' in page
    assert ('id="memory"' in page) == (cell != "rnn")


def subject(layer: cv.Recurrent, steps: int = 90) -> Subject:
    tokens = list("The whale swam. ") * (steps // 16 + 1)
    x = torch.randn(steps, 1, layer.input_size, generator=torch.Generator().manual_seed(0))
    return Subject("Inside a layer", [], layer, x, tokens[:steps], steps, lambda y: y[-1].square().sum())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0])
def test_a_layer_that_is_broken_has_a_report(bad: float, tmp_path: Path) -> None:
    layer = cv.Recurrent("lstm", 4, 6)
    with torch.no_grad():
        layer.weight_hh_l0.fill_(bad)
        layer.bias_l0.fill_(bad)
    told: list[str] = []
    page = write_report(gather(subject(layer), told.append), tmp_path).read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1], parse_constant=pytest.fail)
    assert len(data["layers"]) == 1 and told[0] == "recording 90 steps"
    assert ("(step 1), the first value that is not finite" in page) == (bad != 0.0)


def test_both_directions_are_shown(tmp_path: Path) -> None:
    layer = cv.Recurrent("gru", 4, 6, num_layers=2, bidirectional=True)
    report = gather(subject(layer), lambda what: None)
    assert [v.label for v in report.layers] == ["layer 1", "layer 1, reverse", "layer 2", "layer 2, reverse"]
    assert write_report(report, tmp_path).stat().st_size > 100_000


@pytest.mark.slow
def test_a_page_of_many_units_stays_small(tmp_path: Path) -> None:
    layer = cv.Recurrent("gru", 4, 2000)
    report = gather(subject(layer, 1000), lambda what: None)
    page = write_report(report, tmp_path)
    assert page.stat().st_size < 5_000_000
    for t in report.telling:
        assert f'data-unit="{t.unit}"' in page.read_text(encoding="utf-8")
