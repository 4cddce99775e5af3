"""Emits the parts of a pass: before its chunks, their time steps, their sums, and after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen import emit as work
from conveyor.backends.cpu.codegen import few_rows as few_rows
from conveyor.backends.cpu.codegen import gemm, panel_packing
from conveyor.backends.cpu.codegen.argument_table import FIELDS, INDICES
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.scheduling.job_list import HEAD, JOBS, least, number_of
from conveyor.backends.cpu.codegen.vector import Format, Vectors


class Part:
    """The emitter of a part of a pass as a function."""

    def __init__(self, function: ir.Function, wait: ir.Function, share: ir.Function, form: Format, width: ISA) -> None:
        module = function.module
        self.function = function
        self.form = form
        self.lanes = width.lanes(form)
        self.panel = self.lanes * width.panel
        self.rows = width.rows
        self.jobs, self.bases, self.thread, self.team, self.low, self.high, self.more = function.args
        self.pack = module.get_global(panel_packing.name(form, width))
        self.within = module.get_global(panel_packing.within_name(form, width))
        self.outer = module.get_global(gemm.outer_name(form, width))
        self.wait = wait
        self.share = share

    def emit(self, part: str) -> None:
        """Emit the function of a part."""
        b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.indices = b.alloca(I64, len(INDICES))
        self.zero = b.alloca(self.form.type)
        b.store(ir.Constant(self.form.type, 0.0), self.zero)
        self.head = {n: self._number(b, i64(k)) for k, n in enumerate(HEAD)}
        self.table = b.inttoptr(self.head["table"], POINTER)
        # A base: the list begins with the step before the first. Without sequences of unequal length it is never read.
        listed = b.load(b.gep(self.bases, [self.head["starts"]], source_etype=POINTER), typ=POINTER)
        self.starts = b.gep(listed, [i64(1)], source_etype=I64)
        self.ragged = b.icmp_signed("!=", self.head["starts"], i64(0))
        self.flat = {n: b.icmp_signed("!=", self.head[f"flat {n}"], i64(0)) for n in ("before", "after", "operands")}
        PARTS[part](self, b)
        b.ret_void()

    def start(self, b: ir.IRBuilder) -> None:
        """Emit the work before the first chunk: states copied, biases added, matrices packed."""
        self._each(b, "copy", self._copy)
        self._each(b, "add", self._add)
        self._each(b, "pack", self._pack)
        self._each(b, "weave", self._weave)

    def steps(self, b: ir.IRBuilder) -> None:
        """Emit some time steps of a chunk that begins at the step `more`."""
        origin = self._start(b, self.more)
        self._whole(b, "before", self.low, self.high, origin)
        self._wait(b)
        self._loop(b, self.low, self.high, origin)
        self._wait(b)
        self._whole(b, "after", self.low, self.high, origin)

    def operands(self, b: ir.IRBuilder) -> None:
        """Emit the packing of a chunk's operands for the gradients of weights."""
        rows = self._rows(b, self.low, self.high)
        self._each(b, "operand", lambda b, job: self._operand(b, job, self.low, self.high, rows))

    def sums(self, b: ir.IRBuilder) -> None:
        """Emit the sums over a chunk's rows; `more` says whether they are added to those of earlier chunks."""
        more = b.icmp_signed("!=", self.more, i64(0))
        rows = self._rows(b, self.low, self.high)
        self._go_to(b, self.low, self._start(b, self.low))
        self._each(b, "outer", lambda b, job: self._outer(b, job, rows, more))
        self._each(b, "sum", lambda b, job: self._sum(b, job, rows, more))

    def finish(self, b: ir.IRBuilder) -> None:
        """Emit the work after the last chunk: final states copied."""
        self._each(b, "finish", self._copy)

    # Numbers, jobs, addresses

    def _number(self, b: ir.IRBuilder, place: Any) -> Any:
        return number_of(b, self.jobs, place)

    def _job_count(self, b: ir.IRBuilder, kind: str) -> tuple[Any, Any]:
        place = len(HEAD) + 2 * list(JOBS).index(kind)
        return self._number(b, i64(place)), self._number(b, i64(place + 1))

    def _each(self, b: ir.IRBuilder, kind: str, body: Callable[[ir.IRBuilder, dict[str, Any]], None]) -> None:
        many, start = self._job_count(b, kind)
        fields = JOBS[kind]

        def one(b: ir.IRBuilder, k: Any) -> None:
            at = b.add(start, b.mul(k, i64(len(fields))))
            body(b, {f: self._number(b, b.add(at, i64(j))) for j, f in enumerate(fields)})

        loop(b, i64(0), many, 1, one)

    def _address(self, b: ir.IRBuilder, base: Any, offset: Any) -> Any:
        start = b.load(b.gep(self.bases, [base], source_etype=POINTER), typ=POINTER)
        return b.gep(start, [offset], source_etype=ir.IntType(8))

    def _at(self, b: ir.IRBuilder, start: Any, *numbers: Any) -> Any:
        total = numbers[0]
        for n in numbers[1:]:
            total = b.add(total, n)
        return b.gep(start, [total], source_etype=self.form.type)

    def _array(self, b: ir.IRBuilder, place: Any) -> tuple[Any, Any]:
        """Return the address of an array of the argument table at the current indices, and its stride."""
        numbers = [
            b.load(b.gep(self.table, [b.add(place, i64(k))], source_etype=I64), typ=I64) for k in range(len(FIELDS))
        ]
        base, offset, index, step, stride = numbers
        at = b.load(b.gep(self.indices, [index], source_etype=I64), typ=I64)
        return self._at(b, self._address(b, base, offset), b.mul(at, step)), stride

    def _range(self, b: ir.IRBuilder, total: Any, unit: int) -> tuple[Any, Any]:
        """Return this thread's range when `total` is divided in multiples of `unit`."""
        return self._shares(b, total, i64(unit))

    def _shares(self, b: ir.IRBuilder, total: Any, unit: Any) -> tuple[Any, Any]:
        blocks = b.sdiv(b.add(total, b.sub(unit, i64(1))), unit)
        first = b.mul(b.sdiv(b.mul(blocks, self.thread), self.team), unit)
        last = b.mul(b.sdiv(b.mul(blocks, b.add(self.thread, i64(1))), self.team), unit)
        return least(b, first, total), least(b, last, total)

    # Where steps lie

    def _start(self, b: ir.IRBuilder, t: Any) -> Any:
        """Return the index of a step's first row: its number, or, with unequal lengths, its packed offset."""
        before = b.block
        with b.if_then(self.ragged):
            listed = b.load(b.gep(self.starts, [t], source_etype=I64), typ=I64)
            inside = b.block
        phi = b.phi(I64)
        phi.add_incoming(t, before)
        phi.add_incoming(listed, inside)
        return phi

    def _go_to(self, b: ir.IRBuilder, t: Any, origin: Any) -> None:
        """Set the indices to a time step; `origin` is the index of the chunk's first row."""
        start = self._start(b, t)
        values = {
            "step": start,
            "before": self._start(b, b.sub(t, i64(1))),
            "chunk": b.sub(start, origin),
            "turn": b.and_(t, i64(1)),
            "other turn": b.and_(b.add(t, i64(1)), i64(1)),
        }
        for k, index in enumerate(INDICES):
            b.store(values[index], b.gep(self.indices, [i64(k)], source_etype=I64))

    def _rows(self, b: ir.IRBuilder, low: Any, high: Any) -> Any:
        """Return the number of rows of the time steps from `low` to before `high`."""
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
        with b.if_then(b.icmp_signed("==", self.thread, i64(0))):
            self._along(
                b,
                job["columns"],
                lambda v, unit, load, store: store(target, unit, v.b.fadd(load(one, unit), load(other, unit))),
            )

    def _along(self, b: ir.IRBuilder, columns: Any, body: Callable[..., None]) -> None:
        """Emit a loop over the columns of a row, one vector at a time."""
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

        done = loop(b, i64(0), columns, lanes, vector)
        rest = b.sub(columns, done)
        with b.if_then(b.icmp_signed(">", rest, i64(0))):
            vector(b, done, Vectors(b, form, lanes).first(rest))

    def _pack(self, b: ir.IRBuilder, job: dict[str, Any]) -> None:
        first, last = self._range(b, job["columns"], self.lanes)
        source = self._address(b, job["from base"], job["from offset"])
        target = self._address(b, job["base"], job["offset"])
        at = self._at(b, source, b.mul(first, job["n stride"]))
        columns, where = b.sub(last, first), b.add(job["first"], first)
        b.call(self.pack, [at, job["k stride"], job["n stride"], job["inner"], columns, target, where, job["room"]])

    def _weave(self, b: ir.IRBuilder, job: dict[str, Any]) -> None:
        """Pack a matrix interleaved with those of other results: full panels, then vectors."""
        source = self._address(b, job["from base"], job["from offset"])
        target = self._address(b, job["base"], job["offset"])
        size = b.mul(job["vectors"], i64(self.lanes))
        first, last = self._shares(b, job["units"], size)
        whole = b.mul(b.sdiv(b.sub(last, first), size), size)

        def panel(b: ir.IRBuilder, unit: Any, wide: Any, columns: Any) -> None:
            row = b.mul(job["results"], wide)
            at = b.add(b.mul(unit, b.mul(job["results"], job["room"])), b.mul(job["k"], row))
            to, column = self._at(b, target, at), b.mul(job["result"], wide)
            matrix = self._at(b, source, b.mul(unit, job["n stride"]))
            given = [matrix, job["k stride"], job["n stride"], job["inner"], columns, to, column, row]
            b.call(self.within, given)
            padding = b.sub(wide, columns)
            with b.if_then(b.icmp_signed(">", padding, i64(0))):
                zeros = [self.zero, i64(0), i64(0), job["inner"], padding, to, b.add(column, columns), row]
                b.call(self.within, zeros)

        def by_panels(b: ir.IRBuilder, k: Any) -> None:
            panel(b, b.add(first, b.mul(k, size)), size, size)

        def by_vectors(b: ir.IRBuilder, unit: Any) -> None:
            at = b.add(b.add(first, whole), unit)
            panel(b, at, i64(self.lanes), least(b, b.sub(last, at), i64(self.lanes)))

        loop(b, i64(0), b.sdiv(whole, size), 1, by_panels)
        rest = b.sub(b.sub(last, first), whole)
        vectors = b.sdiv(b.add(rest, i64(self.lanes - 1)), i64(self.lanes))
        loop(b, i64(0), b.mul(vectors, i64(self.lanes)), self.lanes, by_vectors)

    # The parts of a chunk

    def _call(self, b: ir.IRBuilder, which: str, first: Any, last: Any, part: Any = None, parts: Any = None) -> None:
        function = b.inttoptr(self.head[which], work.SIGNATURE.as_pointer())
        share = [i64(0) if part is None else part, i64(1) if parts is None else parts]
        b.call(function, [self.table, self.bases, self.indices, first, last, *share])

    def _whole(self, b: ir.IRBuilder, which: str, low: Any, high: Any, origin: Any) -> None:
        """Run a schedule on all rows of a chunk: in one call if they are evenly spaced, else step by step."""
        with b.if_then(b.icmp_signed("!=", self.head[which], i64(0))):
            with b.if_else(self.flat[which]) as (at_once, by_steps):
                with at_once:
                    self._go_to(b, low, origin)
                    first, last = self._range(b, self._rows(b, low, high), self.rows)
                    with b.if_then(b.icmp_signed("<", first, last)):
                        self._call(b, which, first, last)
                with by_steps:

                    def one(b: ir.IRBuilder, t: Any) -> None:
                        self._go_to(b, t, origin)
                        first, last = self._range(b, self._rows(b, t, b.add(t, i64(1))), 1)
                        with b.if_then(b.icmp_signed("<", first, last)):
                            self._call(b, which, first, last)

                    _between(b, low, high, one)

    def _loop(self, b: ir.IRBuilder, low: Any, high: Any, origin: Any) -> None:
        backwards = b.icmp_signed("!=", self.head["backwards"], i64(0))
        batch = self.head["batch"]
        by_units = b.icmp_signed("!=", self.head["by units"], i64(0))
        first, last = self._rows_of_loop(b, low, high, batch)
        first, last = b.select(by_units, i64(0), first), b.select(by_units, batch, last)
        part = b.select(by_units, self.thread, i64(0))
        parts = b.select(by_units, self.team, i64(1))

        few = b.icmp_signed("!=", self.head["few"], i64(0))
        with b.if_then(b.and_(few, b.icmp_signed("<", first, last))):
            function = b.inttoptr(self.head["loop"], few_rows.SIGNATURE.as_pointer())
            steps = [low, high, origin, self.head["backwards"]]
            b.call(function, [self.table, self.bases, *steps, first, last, part, parts])

        def one(b: ir.IRBuilder, k: Any) -> None:
            t = b.select(backwards, b.sub(b.sub(high, i64(1)), k), b.add(low, k))
            self._go_to(b, t, origin)
            stop = least(b, last, self._rows(b, t, b.add(t, i64(1))))
            with b.if_then(b.icmp_signed("<", first, stop)):
                self._call(b, "loop", first, stop, part, parts)

        loop(b, i64(0), b.select(few, i64(0), b.sub(high, low)), 1, one)

    def _rows_of_loop(self, b: ir.IRBuilder, low: Any, high: Any, batch: Any) -> tuple[Any, Any]:
        """Return this thread's rows of the batch: equal numbers, or, with unequal lengths, equal work."""
        even = self._range(b, batch, 1)
        before = b.block
        with b.if_then(b.and_(self.ragged, b.icmp_signed(">", self.team, i64(1)))):
            edges = [
                b.call(self.share, [self.starts, low, high, batch, part, self.team])
                for part in (self.thread, b.add(self.thread, i64(1)))
            ]
            inside = b.block
        found = []
        for same, fair in zip(even, edges, strict=True):
            phi = b.phi(I64)
            phi.add_incoming(same, before)
            phi.add_incoming(fair, inside)
            found.append(phi)
        return found[0], found[1]

    def _operand(self, b: ir.IRBuilder, job: dict[str, Any], low: Any, high: Any, rows: Any) -> None:
        target = self._address(b, job["base"], job["offset"])
        origin = self._start(b, low)

        def pack(b: ir.IRBuilder, first: Any, last: Any, array: tuple[Any, Any], at: Any) -> None:
            source = self._at(b, array[0], b.mul(first, array[1]), job["column"])
            to = self._at(b, target, b.mul(b.add(at, first), i64(self.panel)))
            inner = b.sub(last, first)
            b.call(self.pack, [source, array[1], i64(1), inner, job["columns"], to, i64(0), job["room"]])

        with b.if_else(self.flat["operands"]) as (at_once, by_steps):
            with at_once:
                self._go_to(b, low, origin)
                first, last = self._range(b, rows, 1)
                pack(b, first, last, self._array(b, job["array"]), i64(0))
            with by_steps:

                def one(b: ir.IRBuilder, t: Any) -> None:
                    self._go_to(b, t, origin)
                    many = self._rows(b, t, b.add(t, i64(1)))
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
        adds = b.select(more, i64(1), job["adds"])
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
        """Emit the sums of columns over the chunk's rows, one vector of columns at a time."""
        first, last = self._range(b, job["columns"], self.lanes)
        start, stride = self._array(b, job["array"])
        target = self._address(b, job["base"], job["offset"])
        adds = b.or_(more, b.icmp_signed("!=", job["adds"], i64(0)))
        columns, many = b.sub(last, first), self.panel // self.lanes

        def several(b: ir.IRBuilder, unit: Any) -> None:
            self._column(b, self._at(b, start, first, unit), stride, self._at(b, target, first, unit), rows, adds, many)

        def last_ones(b: ir.IRBuilder, unit: Any, mask: Any = None) -> None:
            at, to = self._at(b, start, first, unit), self._at(b, target, first, unit)
            self._column(b, at, stride, to, rows, adds, 1, mask)

        done = loop(b, i64(0), columns, self.panel, several)
        done = loop(b, done, columns, self.lanes, last_ones)
        rest = b.sub(columns, done)
        with b.if_then(b.icmp_signed(">", rest, i64(0))):
            last_ones(b, done, Vectors(b, self.form, self.lanes).first(rest))

    def _column(
        self, b: ir.IRBuilder, at: Any, stride: Any, to: Any, rows: Any, adds: Any, many: int, mask: Any = None
    ) -> None:
        """Emit the sums of `many` vectors of columns; they start at the stored result if `adds` holds."""
        size = self.form.integer.width // 8
        v = Vectors(b, self.form, self.lanes)

        def load(b: ir.IRBuilder, start: Any, q: int) -> Any:
            place = self._at(b, start, i64(q * self.lanes))
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
        row.add_incoming(i64(0), entry)
        sums = [b.phi(v.type) for _ in starts]
        line = self._at(b, at, b.mul(row, stride))
        new = [b.fadd(s, load(b, line, q)) for q, s in enumerate(sums)]
        following = b.add(row, i64(1))
        row.add_incoming(following, b.block)
        for s, start, n in zip(sums, starts, new, strict=True):
            s.add_incoming(start, entry)
            s.add_incoming(n, b.block)
        b.cbranch(b.icmp_signed("<", following, rows), body, after)
        b.position_at_end(after)
        for q, n in enumerate(new):
            place = self._at(b, to, i64(q * self.lanes))
            if mask is not None:
                Vectors(b, self.form, self.lanes).masked_store(n, place, mask, size)
            else:
                b.store(n, place, align=size)

    # Threads

    def _wait(self, b: ir.IRBuilder) -> None:
        """Emit a barrier."""
        with b.if_then(b.icmp_signed(">", self.team, i64(1))):
            b.call(self.wait, [self.bases, self.team])


PARTS: dict[str, Callable[[Part, ir.IRBuilder], None]] = {
    "start": Part.start,
    "steps": Part.steps,
    "operands": Part.operands,
    "sums": Part.sums,
    "finish": Part.finish,
}


def _between(b: ir.IRBuilder, first: Any, last: Any, body: Callable[[ir.IRBuilder, Any], None]) -> None:
    loop(b, i64(0), b.sub(last, first), 1, lambda b, k: body(b, b.add(first, k)))
