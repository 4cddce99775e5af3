"""torch.compile, torch.export and torch.jit.trace: one operation for all steps, whatever their number."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.export import Dim
from torch.func import jvp, vmap

import conveyor as cv
from conveyor.errors import ProgramError
from conveyor.torch_ops.passes import read_spec
from layers.features import BACKENDS, F64, LENGTHS, STARTS

I, H = 3, 4  # noqa: E741

pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.save:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.load:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),  # of checks of shapes
]


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch._dynamo.reset()


class Graphs:
    """A backend of torch.compile that counts the graphs and their nodes."""

    def __init__(self) -> None:
        self.nodes: list[int] = []

    def __call__(self, graph: torch.fx.GraphModule, example: Any) -> Callable[..., Any]:
        self.nodes.append(len(graph.graph.nodes))
        return graph.forward


def pair(kind: Callable[..., Any], backend: str = "cpu", **options: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    layer, other = (kind(I, H, **{"backend": backend, "dtype": F64, **options}) for _ in range(2))
    other.load_state_dict(layer.state_dict())
    return layer, other


def flat(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [t for v in value for t in flat(v)]


def assert_same(got: Any, want: Any) -> None:
    for a, b in zip(flat(got), flat(want), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def train(module: Callable[..., Any], layer: torch.nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, list[Tensor]]:
    layer.zero_grad()
    found = module(*args, **kwargs)
    sum(t.sin().sum() for t in flat(found)).backward()  # type: ignore[union-attr]
    return found, [p.grad.clone() for p in layer.parameters()]  # type: ignore[union-attr]


LAYERS = {
    "lstm": lambda i, h, **o: cv.LSTM(i, h, 2, bidirectional=True, **o),
    "gru": lambda i, h, **o: cv.GRU(i, h, batch_first=True, **o),
    "cell": lambda i, h, **o: cv.Recurrent("lstm_peephole", i, h, learn_initial_state=True, **o),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_one_graph_for_all_lengths_and_batches(kind: Callable[..., Any], backend: str) -> None:
    layer, plain = pair(kind, backend)
    graphs = Graphs()
    compiled = torch.compile(layer, fullgraph=True, backend=graphs)
    for steps, batch in ((5, 2), (7, 3), (2, 9), (64, 8), (11, 5)):
        x = torch.randn(steps, batch, I, dtype=F64)
        got, want = train(compiled, layer, x), train(plain, plain, x)
        assert_same(got, want)
        assert type(got[0][1]) is type(want[0][1])
    assert len(graphs.nodes) == 2  # torch takes the first sizes for fixed
    compiled(torch.randn(1, 1, I, dtype=F64))
    assert len(graphs.nodes) == 3  # and has a graph of its own for 0 and 1


def test_a_graph_is_as_small_for_a_thousand_steps() -> None:
    sizes = []
    for steps in (4, 1000):
        torch._dynamo.reset()
        graphs = Graphs()
        torch.compile(cv.LSTM(I, H), fullgraph=True, backend=graphs, dynamic=False)(torch.randn(steps, 2, I))
        sizes += graphs.nodes
    assert len(sizes) == 2 and sizes[0] == sizes[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_lengths_resets_and_states(backend: str) -> None:
    # torch takes sizes that are equal at first for the same: so no two are.
    layer, plain = pair(lambda i, h, **o: cv.LSTM(i, h + 1, bidirectional=True, **o), backend)
    graphs = Graphs()

    def run(module: torch.nn.Module) -> Callable[..., Any]:
        return lambda x, h, n, r: module(x, h, lengths=n, reset=r)

    compiled = torch.compile(run(layer), fullgraph=True, backend=graphs, dynamic=True)
    x = torch.randn(len(STARTS), len(LENGTHS), I, dtype=F64)
    state = tuple(torch.randn(2, len(LENGTHS), H + 1, dtype=F64) for _ in range(2))
    for lengths, rows in ((LENGTHS, 4), (LENGTHS.flip(0), 4), (LENGTHS[:3], 3)):
        padded = x[:, :rows].clone()
        padded[torch.arange(len(x)).unsqueeze(1) >= lengths] = torch.nan
        given = padded, tuple(s[:, :rows].clone() for s in state), lengths, STARTS[:, :rows].clone()
        got, want = train(compiled, layer, *given), train(run(plain), plain, *given)
        assert_same(got, want)
    assert len(graphs.nodes) == 1
    with pytest.raises(cv.ArgumentError, match="lengths are from 0 to T = 7, got 8"):
        compiled(x, state, LENGTHS + 1, STARTS)


def test_dropout_and_truncated_sequences_in_a_graph() -> None:
    layer, plain = pair(lambda i, h, **o: cv.GRU(i, h, 2, dropout=0.5, checkpoint_every=3, **o))
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    x, found = torch.randn(8, 2, I, dtype=F64), []
    for module in (compiled, plain):
        torch.manual_seed(1)
        y, h = module(x)
        found.append(train(module, layer if module is compiled else plain, x[4:], h.detach())[1])
        assert y.isfinite().all()
    assert_same(*found)


@pytest.mark.parametrize("kind", [cv.LSTMCell, cv.GRUCell, cv.RNNCell], ids=lambda k: k.__name__)
def test_single_steps(kind: type) -> None:
    cell, plain = pair(kind)
    compiled = torch.compile(cell, fullgraph=True, backend="aot_eager", dynamic=True)
    x = torch.randn(5, I, dtype=F64)
    assert_same(train(compiled, cell, x), train(plain, plain, x))


def test_inductor() -> None:
    layer, plain = pair(lambda i, h, **o: cv.LSTM(i, h, 2, **o))
    compiled = torch.compile(layer, fullgraph=True, dynamic=True)
    for steps in (6, 9):
        x = torch.randn(steps, 2, I, dtype=F64)
        assert_same(train(compiled, layer, x), train(plain, plain, x))


def test_autocast_in_a_graph() -> None:
    layer, plain = pair(cv.LSTM, dtype=torch.float32)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = torch.randn(5, 2, I)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, want = compiled(x), plain(x)
    for a, b in zip(flat(got), flat(want), strict=True):
        assert a.dtype == b.dtype and torch.equal(a, b)


def test_transforms_inside_a_compiled_function() -> None:
    layer, plain = pair(cv.GRU)
    x, v = torch.randn(2, 5, 2, I, dtype=F64)

    def pushed(module: torch.nn.Module) -> Callable[..., Tensor]:
        return lambda x, v: jvp(lambda x: module(x)[0], (x,), (v,))[1]

    def batched(module: torch.nn.Module) -> Callable[..., Tensor]:
        return lambda x, v: vmap(lambda x: module(x)[0])(torch.stack([x, v]))

    for made in (pushed, batched):
        got = torch.compile(made(layer), fullgraph=True, backend="aot_eager")(x, v)
        want = made(plain)(x, v)
        assert want.abs().max() > 0
        assert_same(got, want)


def test_what_a_graph_has_not_is_said() -> None:
    layer = cv.LSTM(I, H)
    x = torch.randn(5, 2, I)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    given = x.clone().requires_grad_()
    (first,) = torch.autograd.grad(compiled(given)[0].square().sum(), given, create_graph=True)
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        first.sum().backward()
    frozen = torch.compile(cv.LSTM(I, H).requires_grad_(False), fullgraph=True, backend="aot_eager")
    want = frozen(x)[0]
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.ones_like(x))
        with pytest.raises(NotImplementedError, match="jvp.* forward mode AD"):
            compiled(dual)
        with pytest.raises(cv.ArgumentError, match="has no forward-mode derivative, and was given dual tensors"):
            frozen(dual)
        assert torch.equal(frozen(x)[0], want)  # others are welcome


def test_packed_sequences_in_a_graph() -> None:
    layer, x = cv.LSTM(I, H), torch.randn(5, 2, I)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3]))
    with pytest.raises(Exception, match="pass padded ones with lengths="):
        torch.compile(lambda d: layer(packed._replace(data=d))[1], fullgraph=True, backend="eager")(packed.data)


# Export

STEPS, ROWS = Dim("steps"), Dim("rows")


class Net(torch.nn.Module):
    """A recurrent layer between others."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, torch.nn.Linear(H, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
        y, state = self.layer(x, lengths=lengths)
        return self.head(y), state


def saved(program: torch.export.ExportedProgram) -> io.BytesIO:
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("strict", [False, True], ids=["as-it-runs", "strict"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_export_with_dynamic_shapes(backend: str, strict: bool) -> None:
    net = Net(cv.LSTM(I, H, backend=backend)).to(F64)
    example = torch.randn(6, 4, I, dtype=F64), torch.tensor([6, 2, 0, 4])
    shapes = {"x": {0: STEPS, 1: ROWS}, "lengths": {0: ROWS}}
    exported = torch.export.export(net, example, dynamic_shapes=shapes, strict=strict)
    assert sum("conveyor.forward" in str(n.target) for n in exported.graph.nodes) == 1
    loaded = torch.export.load(saved(exported)).module()
    for steps, rows in ((6, 4), (3, 7), (200, 2), (1, 1)):
        x, lengths = torch.randn(steps, rows, I, dtype=F64), torch.randint(0, steps + 1, (rows,))
        assert_same(loaded(x, lengths), net(x, lengths))
    # It trains, too: what it holds are parameters.
    x, lengths = torch.randn(9, 3, I, dtype=F64), torch.tensor([9, 4, 7])
    got, want = train(loaded, loaded, x, lengths), train(net, net, x, lengths)
    named = dict(zip((n for n, _ in loaded.named_parameters()), got[1], strict=True))
    assert_same([named[n] for n, _ in net.named_parameters()], want[1])


def test_an_exported_graph_knows_no_tangents_but_second_derivatives() -> None:
    layer = cv.GRU(I, H, dtype=F64)
    x = torch.randn(4, 2, I, dtype=F64)
    module = torch.export.export(layer, (x,), dynamic_shapes=({0: STEPS, 1: ROWS},)).module()
    frozen = torch.export.export(cv.GRU(I, H, dtype=F64).requires_grad_(False), (x,)).module()
    with forward_ad.dual_level():
        with pytest.raises(cv.ArgumentError, match="has no forward-mode derivative"):
            frozen(forward_ad.make_dual(x, torch.ones_like(x)))
    given = x.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: module(x)[0], (given,), fast_mode=True)


def test_an_exported_program_runs_where_the_cell_never_was(tmp_path: Path) -> None:
    source = tmp_path / "private_cell.py"
    source.write_text(
        textwrap.dedent(
            """
            import conveyor as cv

            @cv.cell
            def private_cell(x, h, m):
                keep = cv.sigmoid(cv.affine("keep", x, h) + cv.weight("p") * m)
                m = keep * m + (1 - keep) * cv.tanh(cv.affine("new", x, h))
                h = cv.tanh(m)
                return h, m
            """
        )
    )
    make = f"""
        import sys; sys.path.insert(0, {str(tmp_path)!r})
        import torch, conveyor as cv
        from private_cell import private_cell
        torch.manual_seed(0)
        layer, x = cv.Recurrent(private_cell, 3, 4), torch.randn(5, 2, 3)
        d = torch.export.Dim
        torch.export.save(torch.export.export(layer, (x,), dynamic_shapes=((dict([(0, d("T")), (1, d("B"))]),))), "net.pt2")
        x = torch.randn(9, 3, 3)
        y, state = layer(x)
        torch.save([x, y.detach(), *(s.detach() for s in state)], "numbers.pt")
        """
    use = """
        import sys, torch, conveyor.torch_ops
        net = torch.export.load("net.pt2").module()
        x, y, h, m = torch.load("numbers.pt")
        got, state = net(x)
        assert torch.equal(got, y) and torch.equal(state.h, h) and torch.equal(state.m, m)
        got.sum().backward()
        assert all(p.grad is not None for p in net.parameters())
        print("private_cell" in sys.modules, "conveyor.cells" in sys.modules)
        """

    def python(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=tmp_path, env=os.environ
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    python(make)
    source.unlink()
    assert python(use).split() == ["False", "False"]


def test_a_damaged_text_is_told() -> None:
    layer = cv.GRU(I, H)
    program = layer.units[0].program.text
    layout = layer.units[0]._layout.text
    assert read_spec(program, layout).program == layer.units[0].program
    assert dict(read_spec(program, layout).widths) == dict(layer.units[0].widths)
    with pytest.raises(ProgramError, match="cannot be read: 'rows product'"):
        read_spec(program, "rows product\n")
    with pytest.raises(ProgramError, match="upgrade conveyor"):
        read_spec(program.replace("conveyor-program 1", "conveyor-program 99"), layout)


# torch.jit


def test_a_trace_takes_any_number_of_steps() -> None:
    layer = cv.LSTM(I, H, 2, bidirectional=True, dtype=F64)
    traced = torch.jit.trace(layer, (torch.randn(4, 2, I, dtype=F64),))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    loaded = torch.jit.load(file)
    for steps, rows in ((4, 2), (9, 5), (1, 1)):
        x = torch.randn(steps, rows, I, dtype=F64)
        assert_same(loaded(x), layer(x))
    x = torch.randn(7, 3, I, dtype=F64)
    got, want = train(loaded, loaded, x), train(layer, layer, x)
    named = dict(zip((n for n, _ in loaded.named_parameters()), got[1], strict=True))
    assert_same([named[n] for n, _ in layer.named_parameters()], want[1])


@pytest.mark.parametrize("wrap", [False, True], ids=["itself", "inside"])
@pytest.mark.parametrize("kind", [cv.LSTM, cv.LSTMCell, lambda i, h: cv.Recurrent("gru", i, h)])
def test_scripting_says_what_to_use(kind: Callable[..., torch.nn.Module], wrap: bool) -> None:
    module = torch.nn.Sequential(kind(I, H)) if wrap else kind(I, H)
    with pytest.raises(cv.ArgumentError, match="use torch.export, or torch.jit.trace"):
        torch.jit.script(module)


# The operations


@pytest.mark.parametrize("training", [pytest.param(False, marks=pytest.mark.slow), True], ids=["inference", "training"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("backend", ["cpu", pytest.param("reference", marks=pytest.mark.slow)])
def test_torch_checks_the_operations(backend: str, steps: int, lengths: Tensor | None, training: bool) -> None:
    layer = cv.Recurrent("lstm_peephole", I, H, dtype=F64)
    (unit,) = layer.units
    batch = len(LENGTHS)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=F64).requires_grad_()

    params = [p.detach().requires_grad_() for p in unit.bind(layer).tensors]
    texts = (unit.program.text, unit._layout.text, backend)
    lengths = None if lengths is None else lengths.clamp(max=steps)
    given = (leaf(steps, batch, I), [leaf(batch, H), leaf(batch, H)], [], params, lengths, *texts)
    torch.library.opcheck(torch.ops.conveyor.forward.default, (*given, training))
    found = torch.ops.conveyor.forward(*given, True)
    grads, kept = [leaf(steps, batch, H), leaf(batch, H), leaf(batch, H)], [t.detach() for t in found[3:]]
    torch.library.opcheck(torch.ops.conveyor.backward.default, (grads, kept, *given, training))
