"""Emits the function that runs a pass: what all programs share, so that it is compiled once.

    every thread:
        its part of the jobs at the start: states copied, biases added, matrices packed         wait for the others
        for each chunk of steps, in the order of the pass:
            before   its part of the chunk's rows                                               wait
            loop     step by step its part of the batch, or, if that is small, of the units
                                                                                                wait
            after    its part of the chunk's rows                                               wait
            operands of the weights' gradients packed, its part                                 wait
            gradients of weights and biases, its part of their rows                             wait
        its part of the jobs at the end: final states copied

A pass is told what to do by one array of whole numbers: a head (`HEAD`), then lists of jobs (`JOBS`). Threads wait for
each other by a counter; one that waits spins for a while and then sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen import barrier, gemm, panel_packing
from conveyor.backends.cpu.codegen import emit as work
from conveyor.backends.cpu.codegen.argument_table import FIELDS, INDICES
from conveyor.backends.cpu.codegen.isa import Width
from conveyor.backends.cpu.codegen.loops import I64, POINTER, count, loop
from conveyor.backends.cpu.codegen.vector import Format, Vectors

HEAD = (
    "steps",
    "batch",
    "chunk",
    "backwards",
    "flat before",
    "flat after",
    "flat operands",
    "by units",
    "before",
    "loop",
    "after",
    "table",
    "starts",
)
# After the head, for each kind of job how many there are and where the first stands; then the jobs themselves.
JOBS = {
    "copy": ("from base", "from offset", "from stride", "base", "offset", "stride", "rows", "columns"),
    "add": ("one base", "one offset", "other base", "other offset", "base", "offset", "columns"),
    "pack": ("from base", "from offset", "k stride", "n stride", "inner", "columns", "base", "offset", "first", "room"),
    "operand": ("array", "column", "columns", "base", "offset", "room"),
    "outer": ("array", "column", "rows", "from base", "from offset", "room", "base", "offset", "columns", "adds"),
    "sum": ("array", "columns", "base", "offset", "adds"),
    "finish": ("from base", "from offset", "from stride", "base", "offset", "stride", "rows", "columns"),
}
WAITING = barrier.NUMBERS  # the first bases: numbers by which threads wait for each other, zero at the start of a pass
ASKED = ("omp_get_thread_num", "omp_get_num_threads")

# job array, bases, number of this thread, of all
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I64])


def name(form: Format, width: Width) -> str:
    """The name of the function."""
    return f"conveyor_pass_{width.name}_f{form.integer.width}"


def part_name(form: Format, width: Width) -> str:
    """The name of the function that each of OpenMP's threads runs."""
    return f"conveyor_part_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: Width) -> None:
    """Add both functions to a module that has the kernels."""
    wait = ir.Function(module, work.WAIT, work.wait_name(form, width))
    barrier.emit(wait)
    function = ir.Function(module, SIGNATURE, name(form, width))
    _Driver(function, wait, form, width).emit()
    part = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), part_name(form, width))
    asked = [ir.Function(module, ir.FunctionType(ir.IntType(32), []), n) for n in ASKED]
    b = ir.IRBuilder(part.append_basic_block("entry"))
    given = [b.load(b.gep(part.args[0], [count(k)], source_etype=POINTER), typ=POINTER) for k in range(2)]
    b.call(function, [*given, *(b.zext(b.call(f, []), I64) for f in asked)])
    b.ret_void()


class _Driver:
    def __init__(self, function: ir.Function, wait: ir.Function, form: Format, width: Width) -> None:
        module = function.module
        self.function = function
        self.form = form
        self.lanes = width.lanes(form)
        self.panel = self.lanes * width.panel
        self.rows = width.rows
        self.jobs, self.bases, self.thread, self.team = function.args
        self.pack = module.get_global(panel_packing.name(form, width))
        self.outer = module.get_global(gemm.outer_name(form, width))
        self.wait = wait

    def emit(self) -> None:
        """Emit the function."""
        b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.indices = b.alloca(I64, len(INDICES))
        self.head = {n: self._number(b, count(k)) for k, n in enumerate(HEAD)}
        self.table = b.inttoptr(self.head["table"], POINTER)
        # A base: the list begins with the step before the first. Without sequences of unequal length it is never read.
        listed = b.load(b.gep(self.bases, [self.head["starts"]], source_etype=POINTER), typ=POINTER)
        self.starts = b.gep(listed, [count(1)], source_etype=I64)
        self.ragged = b.icmp_signed("!=", self.head["starts"], count(0))
        self.flat = {n: b.icmp_signed("!=", self.head[f"flat {n}"], count(0)) for n in ("before", "after", "operands")}
        steps, chunk = self.head["steps"], self.head["chunk"]
        self._each(b, "copy", self._copy)
        self._each(b, "add", self._add)
        self._each(b, "pack", self._pack)
        self._wait(b)
        chunks = b.sdiv(b.add(steps, b.sub(chunk, count(1))), chunk)
        backwards = b.icmp_signed("!=", self.head["backwards"], count(0))

        def each_chunk(b: ir.IRBuilder, k: Any) -> None:
            place = b.select(backwards, b.sub(b.sub(chunks, count(1)), k), k)
            low = b.mul(place, chunk)
            high = _least(b, b.add(low, chunk), steps)
            more = b.icmp_signed(">", k, count(0))
            self._whole(b, "before", low, high)
            self._wait(b)
            self._loop(b, low, high, backwards)
            self._wait(b)
            self._whole(b, "after", low, high)
            self._sums(b, low, high, more)

        loop(b, count(0), chunks, 1, each_chunk)
        self._each(b, "finish", self._copy)
        b.ret_void()

    # Numbers, jobs, addresses

    def _number(self, b: ir.IRBuilder, place: Any) -> Any:
        return b.load(b.gep(self.jobs, [place], source_etype=I64), typ=I64)

    def _job_count(self, b: ir.IRBuilder, kind: str) -> tuple[Any, Any]:
        place = len(HEAD) + 2 * list(JOBS).index(kind)
        return self._number(b, count(place)), self._number(b, count(place + 1))

    def _each(self, b: ir.IRBuilder, kind: str, body: Callable[[ir.IRBuilder, dict[str, Any]], None]) -> None:
        many, start = self._job_count(b, kind)
        fields = JOBS[kind]

        def one(b: ir.IRBuilder, k: Any) -> None:
            at = b.add(start, b.mul(k, count(len(fields))))
            body(b, {f: self._number(b, b.add(at, count(j))) for j, f in enumerate(fields)})

        loop(b, count(0), many, 1, one)

    def _address(self, b: ir.IRBuilder, base: Any, offset: Any) -> Any:
        start = b.load(b.gep(self.bases, [base], source_etype=POINTER), typ=POINTER)
        return b.gep(start, [offset], source_etype=ir.IntType(8))

    def _at(self, b: ir.IRBuilder, start: Any, *numbers: Any) -> Any:
        total = numbers[0]
        for n in numbers[1:]:
            total = b.add(total, n)
        return b.gep(start, [total], source_etype=self.form.type)

    def _array(self, b: ir.IRBuilder, place: Any) -> tuple[Any, Any]:
        """The address of an array of the table at the step that the indices tell, and its stride."""
        numbers = [
            b.load(b.gep(self.table, [b.add(place, count(k))], source_etype=I64), typ=I64) for k in range(len(FIELDS))
        ]
        base, offset, index, step, stride = numbers
        at = b.load(b.gep(self.indices, [index], source_etype=I64), typ=I64)
        return self._at(b, self._address(b, base, offset), b.mul(at, step)), stride

    def _range(self, b: ir.IRBuilder, total: Any, unit: int) -> tuple[Any, Any]:
        """This thread's part of a whole that is divided in units."""
        blocks = b.sdiv(b.add(total, count(unit - 1)), count(unit))
        first = b.mul(b.sdiv(b.mul(blocks, self.thread), self.team), count(unit))
        last = b.mul(b.sdiv(b.mul(blocks, b.add(self.thread, count(1))), self.team), count(unit))
        return _least(b, first, total), _least(b, last, total)

    # Where steps lie

    def _start(self, b: ir.IRBuilder, t: Any) -> Any:
        """Where the rows of a step begin: at its number, or, with sequences of unequal length, in a list of rows."""
        before = b.block
        with b.if_then(self.ragged):
            listed = b.load(b.gep(self.starts, [t], source_etype=I64), typ=I64)
            inside = b.block
        phi = b.phi(I64)
        phi.add_incoming(t, before)
        phi.add_incoming(listed, inside)
        return phi

    def _go_to(self, b: ir.IRBuilder, t: Any, origin: Any) -> None:
        """Set the indices to a step; `origin` is where the chunk's rows begin."""
        start = self._start(b, t)
        values = {
            "step": start,
            "before": self._start(b, b.sub(t, count(1))),
            "chunk": b.sub(start, origin),
            "turn": b.and_(t, count(1)),
            "other turn": b.and_(b.add(t, count(1)), count(1)),
        }
        for k, index in enumerate(INDICES):
            b.store(values[index], b.gep(self.indices, [count(k)], source_etype=I64))

    def _rows(self, b: ir.IRBuilder, low: Any, high: Any) -> Any:
        """How many rows the steps from `low` to before `high` have."""
        span = b.sub(self._start(b, high), self._start(b, low))
        return b.select(self.ragged, span, b.mul(span, self.head["batch"]))

    # Jobs

    def _copy(self, b: ir.IRBuilder, job: dict[str, Any]) -> None:
        source = self._address(b, job["from base"], job["from offset"])
        target = self._address(b, job["base"], job["offset"])
        first, last = self._range(b, job["rows"], 1)

        def one(b: ir.IRBuilder, row: Any) -> None:
            at, to = self._at(b, source, b.mul(row, job["from stride"])), self._at(b, target, b.mul(row, job["stride"]))
            self._along(b, job["columns"], lambda v, unit, load, store: store(to, unit, load(at, unit)))

        _between(b, first, last, one)

    def _add(self, b: ir.IRBuilder, job: dict[str, Any]) -> None:
        one = self._address(b, job["one base"], job["one offset"])
        other = self._address(b, job["other base"], job["other offset"])
        target = self._address(b, job["base"], job["offset"])
        with b.if_then(b.icmp_signed("==", self.thread, count(0))):
            self._along(
                b,
                job["columns"],
                lambda v, unit, load, store: store(target, unit, v.b.fadd(load(one, unit), load(other, unit))),
            )

    def _along(self, b: ir.IRBuilder, columns: Any, body: Callable[..., None]) -> None:
        """Go over the columns of a row, a vector at a time."""
        form, lanes = self.form, self.lanes
        size = form.integer.width // 8

        def vector(b: ir.IRBuilder, unit: Any, mask: Any = None) -> None:
            v = Vectors(b, form, lanes)

            def load(start: Any, unit: Any) -> Any:
                at = self._at(b, start, unit)
                return b.load(at, typ=v.type, align=size) if mask is None else v.masked_load(at, mask, size)

            def store(start: Any, unit: Any, value: Any) -> None:
                at = self._at(b, start, unit)
                if mask is None:
                    b.store(value, at, align=size)
                else:
                    v.masked_store(value, at, mask, size)

            body(v, unit, load, store)

        done = loop(b, count(0), columns, lanes, vector)
        rest = b.sub(columns, done)
        with b.if_then(b.icmp_signed(">", rest, count(0))):
            vector(b, done, Vectors(b, form, lanes).first(rest))

    def _pack(self, b: ir.IRBuilder, job: dict[str, Any]) -> None:
        first, last = self._range(b, job["columns"], self.lanes)
        source = self._address(b, job["from base"], job["from offset"])
        target = self._address(b, job["base"], job["offset"])
        at = self._at(b, source, b.mul(first, job["n stride"]))
        columns, where = b.sub(last, first), b.add(job["first"], first)
        b.call(self.pack, [at, job["k stride"], job["n stride"], job["inner"], columns, target, where, job["room"]])

    # The parts of a chunk

    def _call(self, b: ir.IRBuilder, which: str, first: Any, last: Any, part: Any = None, parts: Any = None) -> None:
        function = b.inttoptr(self.head[which], work.SIGNATURE.as_pointer())
        share = [count(0) if part is None else part, count(1) if parts is None else parts]
        b.call(function, [self.table, self.bases, self.indices, first, last, *share])

    def _whole(self, b: ir.IRBuilder, which: str, low: Any, high: Any) -> None:
        """Work on all rows of a chunk: at once where they stand at equal distances, else step by step."""
        with b.if_then(b.icmp_signed("!=", self.head[which], count(0))):
            origin = self._start(b, low)
            with b.if_else(self.flat[which]) as (at_once, by_steps):
                with at_once:
                    self._go_to(b, low, origin)
                    first, last = self._range(b, self._rows(b, low, high), self.rows)
                    with b.if_then(b.icmp_signed("<", first, last)):
                        self._call(b, which, first, last)
                with by_steps:

                    def one(b: ir.IRBuilder, t: Any) -> None:
                        self._go_to(b, t, origin)
                        first, last = self._range(b, self._rows(b, t, b.add(t, count(1))), 1)
                        with b.if_then(b.icmp_signed("<", first, last)):
                            self._call(b, which, first, last)

                    _between(b, low, high, one)

    def _loop(self, b: ir.IRBuilder, low: Any, high: Any, backwards: Any) -> None:
        origin = self._start(b, low)
        batch = self.head["batch"]
        by_units = b.icmp_signed("!=", self.head["by units"], count(0))
        first, last = self._range(b, batch, 1)
        first, last = b.select(by_units, count(0), first), b.select(by_units, batch, last)
        part = b.select(by_units, self.thread, count(0))
        parts = b.select(by_units, self.team, count(1))

        def one(b: ir.IRBuilder, k: Any) -> None:
            t = b.select(backwards, b.sub(b.sub(high, count(1)), k), b.add(low, k))
            self._go_to(b, t, origin)
            stop = _least(b, last, self._rows(b, t, b.add(t, count(1))))
            with b.if_then(b.icmp_signed("<", first, stop)):
                self._call(b, "loop", first, stop, part, parts)

        loop(b, count(0), b.sub(high, low), 1, one)

    def _sums(self, b: ir.IRBuilder, low: Any, high: Any, more: Any) -> None:
        operands, outers, sums = (self._job_count(b, kind)[0] for kind in ("operand", "outer", "sum"))
        after = b.icmp_signed("!=", self.head["after"], count(0))
        some = b.icmp_signed("!=", b.add(b.add(operands, outers), sums), count(0))
        with b.if_then(b.or_(after, some)):
            with b.if_then(after):
                self._wait(b)
            with b.if_then(some):
                rows = self._rows(b, low, high)
                self._each(b, "operand", lambda b, job: self._operand(b, job, low, high, rows))
                self._wait(b)
                self._go_to(b, low, self._start(b, low))
                self._each(b, "outer", lambda b, job: self._outer(b, job, rows, more))
                self._each(b, "sum", lambda b, job: self._sum(b, job, rows, more))
                self._wait(b)

    def _operand(self, b: ir.IRBuilder, job: dict[str, Any], low: Any, high: Any, rows: Any) -> None:
        target = self._address(b, job["base"], job["offset"])
        origin = self._start(b, low)

        def pack(b: ir.IRBuilder, first: Any, last: Any, array: tuple[Any, Any], at: Any) -> None:
            source = self._at(b, array[0], b.mul(first, array[1]), job["column"])
            to = self._at(b, target, b.mul(b.add(at, first), count(self.panel)))
            inner = b.sub(last, first)
            b.call(self.pack, [source, array[1], count(1), inner, job["columns"], to, count(0), job["room"]])

        with b.if_else(self.flat["operands"]) as (at_once, by_steps):
            with at_once:
                self._go_to(b, low, origin)
                first, last = self._range(b, rows, 1)
                pack(b, first, last, self._array(b, job["array"]), count(0))
            with by_steps:

                def one(b: ir.IRBuilder, t: Any) -> None:
                    self._go_to(b, t, origin)
                    many = self._rows(b, t, b.add(t, count(1)))
                    first, last = self._range(b, many, 1)
                    at = self._rows(b, low, t)
                    pack(b, first, last, self._array(b, job["array"]), at)

                _between(b, low, high, one)

    def _outer(self, b: ir.IRBuilder, job: dict[str, Any], rows: Any, more: Any) -> None:
        first, last = self._range(b, job["rows"], self.rows)
        left, stride = self._array(b, job["array"])
        packed = self._address(b, job["from base"], job["from offset"])
        result = self._address(b, job["base"], job["offset"])
        to = self._at(b, result, b.mul(first, job["columns"]))
        adds = b.select(more, count(1), job["adds"])
        height, columns = b.sub(last, first), job["columns"]
        given = [
            self._at(b, left, job["column"], first),
            stride,
            packed,
            to,
            columns,
            height,
            rows,
            columns,
            job["room"],
            adds,
        ]
        b.call(self.outer, given)

    def _sum(self, b: ir.IRBuilder, job: dict[str, Any], rows: Any, more: Any) -> None:
        """The sum of a column over the chunk's rows, a vector of columns at a time."""
        first, last = self._range(b, job["columns"], self.lanes)
        start, stride = self._array(b, job["array"])
        target = self._address(b, job["base"], job["offset"])
        adds = b.or_(more, b.icmp_signed("!=", job["adds"], count(0)))
        columns, many = b.sub(last, first), self.panel // self.lanes

        def several(b: ir.IRBuilder, unit: Any) -> None:
            self._column(b, self._at(b, start, first, unit), stride, self._at(b, target, first, unit), rows, adds, many)

        def last_ones(b: ir.IRBuilder, unit: Any, mask: Any = None) -> None:
            at, to = self._at(b, start, first, unit), self._at(b, target, first, unit)
            self._column(b, at, stride, to, rows, adds, 1, mask)

        done = loop(b, count(0), columns, self.panel, several)
        done = loop(b, done, columns, self.lanes, last_ones)
        rest = b.sub(columns, done)
        with b.if_then(b.icmp_signed(">", rest, count(0))):
            last_ones(b, done, Vectors(b, self.form, self.lanes).first(rest))

    def _column(
        self, b: ir.IRBuilder, at: Any, stride: Any, to: Any, rows: Any, adds: Any, many: int, mask: Any = None
    ) -> None:
        """The sums of `many` vectors of columns, beginning at what stands in the result if `adds` holds."""
        size = self.form.integer.width // 8
        v = Vectors(b, self.form, self.lanes)

        def load(b: ir.IRBuilder, start: Any, q: int) -> Any:
            place = self._at(b, start, count(q * self.lanes))
            if mask is not None:
                return Vectors(b, self.form, self.lanes).masked_load(place, mask, size)
            return b.load(place, typ=v.type, align=size)

        before = b.block
        with b.if_then(adds):
            so_far = [load(b, to, q) for q in range(many)]
            inside = b.block
        starts = []
        for value in so_far:
            phi = b.phi(v.type)
            phi.add_incoming(v.const(0.0), before)
            phi.add_incoming(value, inside)
            starts.append(phi)
        entry, body, after = b.block, b.append_basic_block("row"), b.append_basic_block("summed")
        b.branch(body)  # a chunk has at least one row
        b.position_at_end(body)
        row = b.phi(I64)
        row.add_incoming(count(0), entry)
        sums = [b.phi(v.type) for _ in starts]
        line = self._at(b, at, b.mul(row, stride))
        new = [b.fadd(s, load(b, line, q)) for q, s in enumerate(sums)]
        following = b.add(row, count(1))
        row.add_incoming(following, b.block)
        for s, start, n in zip(sums, starts, new, strict=True):
            s.add_incoming(start, entry)
            s.add_incoming(n, b.block)
        b.cbranch(b.icmp_signed("<", following, rows), body, after)
        b.position_at_end(after)
        for q, n in enumerate(new):
            place = self._at(b, to, count(q * self.lanes))
            if mask is not None:
                Vectors(b, self.form, self.lanes).masked_store(n, place, mask, size)
            else:
                b.store(n, place, align=size)

    # Threads

    def _wait(self, b: ir.IRBuilder) -> None:
        """Until all threads are here."""
        with b.if_then(b.icmp_signed(">", self.team, count(1))):
            b.call(self.wait, [self.bases, self.team])


def _least(b: ir.IRBuilder, x: Any, y: Any) -> Any:
    return b.select(b.icmp_signed("<", x, y), x, y)


def _between(b: ir.IRBuilder, first: Any, last: Any, body: Callable[[ir.IRBuilder, Any], None]) -> None:
    loop(b, count(0), b.sub(last, first), 1, lambda b, k: body(b, b.add(first, k)))
