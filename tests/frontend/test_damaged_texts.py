"""Texts of programs that were cut, mixed up or edited by hand: `ProgramError` with the line, or a program that works."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import conveyor as cv
from conveyor.errors import ProgramError
from conveyor.frontend import CellDefinition
from conveyor.ir.parser import parse
from conveyor.ir.program import Program
from conveyor.ir.transforms.autodiff import differentiate

TEXTS = [cv.cells[name].program.text for name in cv.cells] + [differentiate(cv.cells["gru"].program).text]
LSTM = cv.cells["lstm"].program.text
WORDS = sorted({word for text in TEXTS for word in text.split()}) + [
    "", "%", "%-1", "%0.5", "%99999", "%1_0", "%²", "0", "-1", "²", "nan", "inf", "-inf", "1e999", "9" * 5000, "(", "()",
    "(0.0,", "(1.0,-1.0)", "(0.0,1.0,2.0)", "((0.0,1.0))", "[" * 300, "None", "True", "bool", ":", "=", ";", "; a, b", "\x00",
    "\x85", "\u2028", "é", "return", "state", "call", "input", "conveyor-program", "#", "'", "H;I", "1", ",",
]  # fmt: skip


def works(program: Program) -> None:
    """A program that was accepted can be used: printed and read again, differentiated, shown."""
    assert parse(program.text) == program
    program.verify()
    assert len(program.hash) == 64 and program.widths
    if {o.role for o in program.outputs} == {"state"}:
        differentiate(program).verify()
        CellDefinition.from_program("damaged", program).latex()


def refused_with_its_line_or_works(text: str) -> bool:
    try:
        program = parse(text)
    except ProgramError as error:
        assert "\n" not in str(error)
        return False
    works(program)
    return True


@settings(max_examples=500)
@given(st.sampled_from(TEXTS), st.data())
def test_words_exchanged_dropped_and_doubled(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 2))):
        lines = text.split("\n")
        number = data.draw(st.integers(0, len(lines) - 2))
        words = lines[number].split(" ")
        place = data.draw(st.integers(0, len(words) - 1))
        how = data.draw(st.sampled_from(["exchange", "exchange", "drop", "double", "insert"]))
        if how == "drop":
            del words[place]
        else:
            word = words[place] if how == "double" else data.draw(st.sampled_from(WORDS))
            words[place : place + (how == "exchange")] = [word]
        lines[number] = " ".join(words)
        text = "\n".join(lines)
    refused_with_its_line_or_works(text)


@settings(max_examples=200)
@given(st.sampled_from(TEXTS), st.data())
def test_lines_moved_dropped_and_doubled(text: str, data: st.DataObject) -> None:
    lines = text.split("\n")[:-1]
    k = data.draw(st.integers(0, len(lines) - 1))
    m = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["drop", "double", "swap", "foreign"]))
    if how == "drop":
        del lines[k]
    elif how == "double":
        lines.insert(m, lines[k])
    elif how == "swap":
        lines[k], lines[m] = lines[m], lines[k]
    else:
        other = data.draw(st.sampled_from(TEXTS)).split("\n")
        lines[k] = other[m % len(other)]
    refused_with_its_line_or_works("\n".join([*lines, ""]))


@settings(max_examples=100)
@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_any_text_at_all(text: str) -> None:
    for start in ("", "conveyor-program 1\n", LSTM):
        refused_with_its_line_or_works(start + text)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru_d"])
def test_a_text_cut_anywhere_is_refused(name: str) -> None:
    """However it was cut: half a number may look like a whole one."""
    text = cv.cells[name].program.text
    assert parse(text) == cv.cells[name].program
    for end in range(len(text)):
        with pytest.raises(ProgramError) as raised:
            parse(text[:end])
        assert "\n" not in str(raised.value)


HEAD = "conveyor-program 1\ninput x I\nstate h H\n"
NODES = HEAD + "matrix a h H H 1\n%0 = input x : I\n%1 = input h : H\n"
WRONG: dict[str, tuple[str, str]] = {
    "empty": ("", "first line to be 'conveyor-program 1'"),
    "other": ("digraph {}\n", "first line to be 'conveyor-program 1'"),
    "version zero": ("conveyor-program 0\n", "first line to be"),
    "version of other digits": ("conveyor-program ²\n", "first line to be"),
    "later version": ("conveyor-program 7\n", "version 7, this conveyor reads up to 1; upgrade conveyor"),
    "endless version": (f"conveyor-program {'9' * 9999}\n", "first line to be"),
    "cut": (NODES + "return state h %1", "line 7 of the program is cut off: 'return state h %1'"),
    "no result": (NODES, "ends before the program returns anything"),
    "unknown item": (NODES + "loop h\n", "line 7 .*unknown item 'loop'"),
    "unknown op": (NODES + "%2 = swish %1 : H\n", "line 7 .*unknown operation 'swish'"),
    "number out of order": (NODES + "%3 = tanh %1 : H\n", "line 7 .*expected '%2 ='"),
    "no value": (NODES + "return state h h\n", "line 7 .*expected a value such as %3, got 'h'"),
    "negative value": (NODES + "return state h %-1\n", "line 7 .*expected a value"),
    "no type": (NODES + "%2 = tanh %1\n", "line 7"),
    "empty type": (NODES + "%2 = tanh %1 :\n", "line 7"),
    "type of many words": (NODES + "%2 = tanh %1 : a b H\n", "line 7 .*expected a width, or bool and a width"),
    "other kind": (NODES + "%2 = tanh %1 : real H\n", "line 7 .*expected a width, or bool and a width"),
    "constant without number": (
        NODES + "%2 = const : 1\nreturn state h %1\n",
        "%2: const has an attribute that it can't",
    ),
    "constant of a word": (NODES + "%2 = const many : 1\n", "line 7 .*could not convert string to float"),
    "operands and more": (NODES + "%2 = tanh %1 twice : H\n", "line 7 .*expected a value such as %3, got 'twice'"),
    "attribute of a function": (NODES + "%2 = tanh 3 %1 : H\nreturn state h %1\n", "%2: tanh has an attribute"),
    "limits of a clip": (NODES + "%2 = clip 0.5 %1 : H\nreturn state h %1\n", "%2: clip has an attribute"),
    "limits the wrong way": (NODES + "%2 = clip (1.0,0.0) %1 : H\nreturn state h %1\n", "%2: clip has an attribute"),
    "width of nothing": (NODES + "%2 = width proj : 1\nreturn state h %1\n", "%2: width has an attribute .*'proj'"),
    "blocks of a word": (HEAD + "matrix a h H H many\n", "line 4"),
    "bias of a word": (HEAD + "bias a first H x\n", "line 4"),
    "vector of words": (HEAD + "vector w H 0.5 0.5\n", "line 4 .*at most one first value"),
    "input of words": ("conveyor-program 1\ninput x\n", "line 2"),
    "one name of two values": (
        NODES + "%2 = tanh %1 : H ; z\n%3 = exp %1 : H ; z\n",
        "line 8 .*the name 'z' already belongs to %2",
    ),
    "call of nothing": (
        NODES + "call %9 mean - %1\nreturn state h %1\n",
        "call %9 of mean refers to a value that does not",
    ),
    "call on nothing": (
        NODES + "call %1 mean - %9\nreturn state h %1\n",
        "call %1 of mean refers to a value that does not",
    ),
    "wrong type": (NODES + "%2 = tanh %1 : I\nreturn state h %2\n", "%2: tanh is declared I, .* make it H"),
    "wrong width": (
        NODES + "%2 = product a.h %0 : H\nreturn state h %2\n",
        "%2: product by a.h takes .* width H, got I",
    ),
    "unknown matrix": (NODES + "%2 = product b.h %1 : H\nreturn state h %2\n", "%2: unknown matrix 'b.h'"),
    "reads ahead": (
        NODES + "%2 = tanh %2 : H\nreturn state h %2\n",
        "%2: tanh reads a value that is not computed before",
    ),
    "no state": ("conveyor-program 1\ninput x I\n%0 = input x : I\nreturn state x %0\n", "reads no state"),
    "no input": ("conveyor-program 1\nstate h H\n%0 = input h : H\nreturn state h %0\n", "reads one input, x"),
    "two inputs": (
        "conveyor-program 1\ninput x I\ninput y I\nstate h H\n%0 = input h : H\nreturn state h %0\n",
        "reads one input, x; this one reads x, y",
    ),
    "result of no kind": (NODES + "return output h %1\n", "output output h: expected one of state, grad_state"),
    "result of nothing": (NODES + "return state h\n", "output state h is made of 1 values, got 0"),
    "result of two": (NODES + "return state h %1 %1\n", "output state h is made of 1 values, got 2"),
    "result out of reach": (NODES + "return state h %8\n", "output state h refers to a value that does not exist"),
    "other state": (NODES + "return state c %1\n", "the states are h, but the program returns c"),
    "state of the input's width": (NODES + "return state h %0\n", "state h has width H, but I is returned"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_and_where(what: str) -> None:
    text, message = WRONG[what]
    with pytest.raises(ProgramError, match=message) as raised:
        parse(text)
    assert "\n" not in str(raised.value)


def test_spaces_and_empty_lines_do_not_matter() -> None:
    program = cv.cells["lstm_layer_norm"].program
    for loose in (
        program.text.replace("\n", "\n\n"),
        program.text.replace(" ", "   "),
        program.text.replace("\n", "  \r\n"),
        re.sub(r"^", "\t", program.text, flags=re.MULTILINE),
        program.text + "\n  \n",
    ):
        again = parse(loose)
        assert again == program and dict(again.names) == dict(program.names)


def test_a_cell_of_a_text_is_like_any_other() -> None:
    text = cv.cells["lstm_layer_norm"].program.text
    cell = CellDefinition.from_text("read", text)
    assert cell.name == "read" and cell.program.text == text
    assert cell.parameters(3, 4) == cv.cells["lstm_layer_norm"].parameters(3, 4)
    assert cell.latex() == cv.cells["lstm_layer_norm"].latex()
    with pytest.raises(cv.CellError, match="read from its program and can't be traced inside another cell"):
        cv.cell(lambda x, h, c: cell(x, h, c))
    with pytest.raises(ProgramError, match="first line"):
        CellDefinition.from_text("read", "nothing")


EXACT: list[Any] = [0.1, -0.0, 1e-300, 1.7976931348623157e308, 5e-324, float("inf"), -float("inf"), 2**53 + 1, 1 / 3]


@pytest.mark.parametrize("number", EXACT, ids=repr)
def test_constants_come_back_bit_for_bit(number: float) -> None:
    program = cv.cell(lambda x, h: cv.clip(cv.affine("a", x, h) * number, None, abs(float(number)))).program
    again = parse(program.text)
    assert again == program and again.text == program.text
    assert [repr(n.attr) for n in again.nodes] == [repr(n.attr) for n in program.nodes]
