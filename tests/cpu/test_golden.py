"""The LLVM IR that is emitted for two cells, as texts that show what a change of the emitter changes.

    pytest tests/cpu/test_golden.py --update-golden

writes them anew; look at the difference before you commit it. The texts are those of one family of instructions,
whatever machine this is.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import pytest

import conveyor as cv
from conveyor.backends.cpu.codegen import emit, few_rows, isa
from conveyor.backends.cpu.codegen.vector import FLOAT32
from conveyor.backends.lowering.passes import lower_backward, lower_forward

FOLDER = Path(__file__).parent / "golden"
(AVX2,) = [width for width in isa._X86 if width.name == "avx2"]


@cv.cell
def normalised(x, h):
    """The plain cell with reductions over the units."""
    h = cv.tanh(cv.layer_norm("n", cv.affine("h", x, h)))
    return h


KINDS = ("inference", "training", "backward")
TEXTS = [*((cell, kind) for cell in ("rnn", "normalised") for kind in KINDS), ("rnn", "inference-one-row")]
TEXTS += [("rnn", "backward-one-row")]
CELLS = {"rnn": cv.cells["rnn"], "normalised": normalised}


def module(cell: str, kind: str) -> Any:
    """The work of a cell in a pass: for inference, for training, or backward."""
    program = CELLS[cell].program
    lowered = lower_backward(program, True) if "backward" in kind else lower_forward(program, kind == "training")
    if kind.endswith("one-row"):
        return emit.emit([("loop", lowered.loop)], FLOAT32, AVX2, few_rows.emitter(1, AVX2))[0]
    return emit.emit(lowered.schedules, FLOAT32, AVX2)[0]


def normal(text: str) -> str:
    """IR without what names the machine, in which a change of one line does not change all that follow.

    Values are numbered from the start of their block, and a vector of equal numbers is written once.
    """
    left_out = ("; ModuleID", "source_filename", "target triple", "target datalayout")
    lines = [line.rstrip() for line in text.splitlines() if not line.startswith(left_out)]
    names: dict[str, str] = {}
    block, count = "", 0
    for line in lines:
        if label := re.match(r'"?([\w.]+)"?:$', line):
            block, count = label[1], 0
        elif value := re.match(r'  (%"\.\d+") = ', line):
            names[value[1]] = f"%{block}:{count}"
            count += 1
        elif line.startswith("define"):
            arguments = re.findall(r'%"\.\d+"', line)
            names |= {argument: f"%argument:{k}" for k, argument in enumerate(arguments)}
    text = "\n".join(lines).strip("\n") + "\n"
    text = re.sub(r'%"\.\d+"', lambda found: names.get(found[0], found[0]), text)
    return re.sub(r"<(\w+ [^,<>]+)(, \1)+>", r"splat(\1)", text)


@pytest.mark.parametrize(("cell", "kind"), TEXTS)
def test_emitted_text(cell: str, kind: str, update_golden: bool) -> None:
    path, text = FOLDER / f"{cell}-{kind}.ll", normal(str(module(cell, kind)))
    if update_golden:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), f"there is no {path}; --update-golden writes it"
    golden = path.read_text(encoding="utf-8")
    changes = list(difflib.unified_diff(golden.splitlines(), text.splitlines(), "golden", "emitted", lineterm="", n=2))
    shown = "\n".join(changes[:80])
    assert golden == text, f"{path.name} differs; --update-golden takes it as it is now\n{shown}"


def test_no_text_is_left_over() -> None:
    wanted = {f"{cell}-{kind}.ll" for cell, kind in TEXTS}
    assert {path.name for path in FOLDER.iterdir()} == wanted


def test_texts_are_the_same_each_time() -> None:
    assert normal(str(module("rnn", "training"))) == normal(str(module("rnn", "training")))


def test_what_names_the_machine_is_left_out() -> None:
    text = '; ModuleID = "steps"\nsource_filename = "x"\ntarget triple = "x86_64"\ntarget datalayout = "e"\n\ndefine void @f()  \n{\n}\n\n'
    assert normal(text) == "define void @f()\n{\n}\n"


def test_values_are_numbered_within_their_block() -> None:
    text = """define void @f(i64 %".1")
{
entry:
  %".2" = add i64 %".1", 1
  br label %"body"
body:
  %".3" = phi i64 [%".2", %"entry"], [%".4", %"body"]
  %".4" = add i64 %".3", 1
  %".5" = fadd <2 x float> <float 0x1, float 0x1>, <float 0x1, float 0x2>
"""
    assert (
        normal(text)
        == """define void @f(i64 %argument:0)
{
entry:
  %entry:0 = add i64 %argument:0, 1
  br label %"body"
body:
  %body:0 = phi i64 [%entry:0, %"entry"], [%body:1, %"body"]
  %body:1 = add i64 %body:0, 1
  %body:2 = fadd <2 x float> splat(float 0x1), <float 0x1, float 0x2>
"""
    )
