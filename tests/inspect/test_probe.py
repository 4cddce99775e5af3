"""Probes find what is there, and nothing where there is nothing; labels of texts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.inspect import labels

T = 600


def told(label: Any, text: Any) -> str:
    """The labels as one character a token."""
    return "".join("?" if v != v else str(int(v)) for v in label(text).tolist())


TEXTS: dict[str, tuple[Any, Any, str]] = {
    "straight quotes": (labels.inside_quotes, 'a "b" c', "0011000"),
    "curly quotes": (labels.inside_quotes, "a “b” «c»", "001100110"),
    "quotes that nothing closes": (labels.inside_quotes, '"a\n \nb "c', "111100011"),
    "brackets": (labels.inside_brackets, "a(b[c]d)e}f", "01111110000"),
    "line": (labels.line_position, "ab\ncd", "12012"),
    "word": (labels.word_length, "don't go", "12345012"),
    "sentence": (labels.sentence_position, "A bc. It's", "1122001111"),
    "gender": (labels.last_gender, "A he, Mary.", "????0000001"),
    "gender in tokens": (labels.last_gender, ["A ", "he ", "Mar", "y ", "x"], "?0011"),
    "words as tokens": (labels.line_position, ["ab ", "c\n", "d"], "301"),
    "an empty token": (labels.inside_brackets, ["(", "", ")"], "110"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_labels(name: str) -> None:
    label, text, want = TEXTS[name]
    assert told(label, text) == want


def test_all_labels_of_a_text_leaves_out_what_never_changes() -> None:
    found = labels.all_labels("He said: go (now).")
    assert set(found) == {"inside brackets", "position in line", "word length so far", "sentence position"}
    assert all(len(v) == 18 for v in found.values()) and set(labels.all_labels("")) == set()
    with pytest.raises(cv.ArgumentError, match="text is a string or a list of tokens, got int"):
        labels.line_position(3)  # type: ignore[arg-type]


def trace_of(units: Tensor, **options: Any) -> cv.Trace:
    """A record whose h are these numbers, (T, B, U), between −1 and 1."""

    @cv.cell
    def copied(x, h):
        h = cv.affine("a", x, bias=False) + 0 * h
        return h

    layer = cv.Recurrent(copied, units.shape[-1], units.shape[-1])
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.eye(units.shape[-1]))
    return layer.record(units, **options)


def slow(*shape: int) -> Tensor:
    """Numbers that change slowly, as states do."""
    return torch.randn(shape).cumsum(0).mul(0.3).sin()


def test_a_planted_unit_is_found() -> None:
    torch.manual_seed(0)
    units = slow(T, 2, 20)
    label = slow(T, 2) > 0.3
    units[:, :, 13] = torch.where(label, -0.5, 0.4) + 0.1 * torch.randn(T, 2)
    found = cv.probe(trace_of(units), label)
    assert found.found and found.metric == "balanced accuracy"
    best = found.best
    assert (best.layer, best.reverse, best.value, best.unit) == (0, False, "h", 13) and best.score > 0.98
    assert found.chance.shape == (100,) and float(found.chance.median()) < 0.8 and len(found.finds) == 5
    assert str(found).startswith("layer 1, h[13]: balanced accuracy") and "p = 0.0" in str(found)


def test_a_number_is_told_by_its_share_of_variance() -> None:
    torch.manual_seed(0)
    units, noise = slow(T, 1, 20), 0.1 * torch.randn(T)
    label = torch.arange(T) % 50
    units[:, 0, 7] = 3.0 - 0.02 * label + noise
    found = cv.probe(trace_of(units), label, "h", top=2)
    assert found.metric == "r²" and found.best.unit == 7 and found.found
    assert found.best.score == pytest.approx(1 - 0.01 / (0.01 + (0.02**2) * (50**2 - 1) / 12), abs=0.03)


def test_chance_is_no_find() -> None:
    """Of many properties that have nothing to do with the units, about one in twenty passes for a find."""
    torch.manual_seed(0)
    trace = trace_of(slow(T, 1, 40))
    found = [cv.probe(trace, slow(T) > 0, permutations=40, seed=k) for k in range(20)]
    assert sum(r.found for r in found) <= 3
    assert max(float(r.chance.max()) for r in found) > 0.6, "the best of 40 slow units looks good by chance"
    assert "no unit tells it better than chance" in str(max(found, key=lambda r: r.p))


def test_the_score_is_of_text_that_the_unit_was_not_chosen_on() -> None:
    torch.manual_seed(0)
    units, label = slow(T, 1, 20), slow(T) > 0
    units[: T // 2, 0, 3] = label[: T // 2].float()
    units[T // 2 :, 0, 3] = (~label[T // 2 :]).float()
    found = cv.probe(trace_of(units), label, held_out=0.5)
    assert found.best.unit == 3 and found.best.score == 0.0 and not found.found


def test_lengths_missing_labels_directions_and_layers() -> None:
    torch.manual_seed(0)
    layer = cv.LSTM(3, 6, num_layers=2, bidirectional=True)
    x = torch.randn(T, 2, 3)
    trace = layer.record(x, lengths=torch.tensor([T, T // 2]))
    label = x[..., 0].clone()
    label[::7] = torch.nan
    found = cv.probe(trace, label, ["c", "g"], top=200)
    assert len(found.finds) == 2 * 2 * 2 * 6 and found.found
    assert {(f.layer, f.reverse, f.value) for f in found.finds} == {
        (k, way, v) for k in (0, 1) for way in (False, True) for v in "cg"
    }
    hidden = label.clone()
    hidden[T // 2 :, 1] = 1e6
    again = cv.probe(trace, hidden, ["c", "g"], top=200)
    assert again.finds == found.finds, "labels behind the end are not looked at"


def test_wrong_calls() -> None:
    trace = trace_of(slow(60, 1, 4))
    good = torch.arange(60) % 2
    late = torch.zeros(60)
    late[-3:] = 1
    wrong: list[tuple[Any, str]] = [
        (lambda: cv.probe("trace", good), "trace is what layer.record gives, got str"),  # type: ignore[arg-type]
        (lambda: cv.probe(trace, good[:5]), r"\(T, B\) = \(60, 1\), or \(T,\) for one row, got \(5,\)"),
        (lambda: cv.probe(trace, "text"), "labels are booleans or numbers, one a step, got str"),
        (lambda: cv.probe(trace, good * torch.inf), "finite numbers, or nan|finite"),
        (lambda: cv.probe(trace, late), "labels are all 0 in the first part of the text"),
        (
            lambda: cv.probe(trace, torch.full((60,), torch.nan)),
            "the first part of the text has 0 of them, at least 10",
        ),
        (lambda: cv.probe(trace, good, "z"), r"values: the trace has none of \['z'\]; it has h"),
        (lambda: cv.probe(trace, good, held_out=1.0), "held_out is a share between 0 and 1, got 1.0"),
        (lambda: cv.probe(trace, good, permutations=0), "permutations is a whole number from 1, got 0"),
        (lambda: cv.probe(trace, good, top=True), "top is a whole number from 1, got True"),
        (lambda: cv.probe(trace_of(slow(60, 1, 4) / 0), good), "cv.diagnose says where they come from"),
    ]
    for call, message in wrong:
        with pytest.raises(cv.ArgumentError, match=message):
            call()
