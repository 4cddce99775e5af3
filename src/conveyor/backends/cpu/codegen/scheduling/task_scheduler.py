"""Emission of the function that runs the passes of a stack of layers and directions in one call.

Where each pass is worth splitting, all threads run one after the other together. Where rows are too few for that, the
passes run at the same time, each on one thread at a time, in *pieces* of a few steps:

    every thread, until all passes are done:
        from the last pass to the first: one that no other thread works on, and whose next piece has its inputs?
            the piece; behind a chunk's last one, the operands of the weights' gradients
        else a part of the sums of some pass whose chunk is done?
            that part
        else wait until something has changed

So a layer works on a piece while the next works on the one before it, and both directions of a layer run at the same
time. The results of a pass depend neither on the threads that run it, nor on the pieces: only chunks decide the order
of sums, and they are the same for all threads together.

An entry of the list may also be elementwise work between layers, which `jobs` = 0 says: then `bases` is the address of
(first operand, second operand, result, numbers a step, kind).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.scheduling import barrier, driver
from conveyor.backends.cpu.codegen.scheduling.driver import Chunks, Functions
from conveyor.backends.cpu.codegen.scheduling.job_list import least
from conveyor.backends.cpu.codegen.vector import Format, Vectors

# The list: a head, then a row for each entry.
HEAD = ("entries", "at once", "states", "shared")
# What runs; the entries that it reads, by their number + 1, or 0; steps a piece; its steps; whether its time runs down.
ROW = ("jobs", "bases", "first source", "second source", "piece", "steps", "descending")
# What threads know of an entry while it runs, zero at the start: steps `done`, in the order in which they are worked
# on; whether a thread has `taken` it; its phase; its chunk, and steps done of it; parts of the sums begun and ended.
STATE = ("done", "taken", "phase", "chunk", "within", "begun", "ended", "")
# What all share, zero at the start: numbers by which all wait for each other; how often something has changed, and how
# many sleep until it does again; how many entries are finished.
SHARED = (*("",) * barrier.NUMBERS, "changes", "asleep", "finished")
ADD, MULTIPLY = 0, 1  # kinds of elementwise work
_FRESH, _STEPS, _SUMS, _FINISHED = range(4)  # phases
_PARTS = 8  # of a chunk's sums, which any thread may make

# list, number of this thread, of all
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
_I1 = ir.IntType(1)
_TRY = ir.FunctionType(_I1, [POINTER, I64])  # list, number of the entry: whether there was something to do


def name(form: Format, width: ISA) -> str:
    """Return the name of the function."""
    return f"conveyor_stack_{width.name}_f{form.integer.width}"


def part_name(form: Format, width: ISA) -> str:
    """Return the name of the function that each OpenMP thread runs."""
    return f"conveyor_stack_part_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: ISA, functions: Functions) -> None:
    """Add the functions to a module that has the functions of a pass."""
    _Tasks(module, form, width, functions).emit()


class _Entry:
    """The loaded fields of a list entry."""

    def __init__(self, b: ir.IRBuilder, listed: Any, k: Any) -> None:
        head = [_field(b, listed, i64(j)) for j in range(len(HEAD))]
        states, self.shared = b.inttoptr(head[2], POINTER), b.inttoptr(head[3], POINTER)
        at = b.add(i64(len(HEAD)), b.mul(k, i64(len(ROW))))
        self.row = {f: _field(b, listed, b.add(at, i64(j))) for j, f in enumerate(ROW)}
        self.jobs, self.bases = (b.inttoptr(self.row[f], POINTER) for f in ("jobs", "bases"))
        self.is_elementwise = b.icmp_signed("==", self.row["jobs"], i64(0))
        self.listed, self.states = listed, states
        self.state = _places(b, states, k)
        self.is_down = b.icmp_signed("!=", self.row["descending"], i64(0))

    def source(self, b: ir.IRBuilder, field: str) -> tuple[Any, Any]:
        """Return the number of finished steps of a source, and whether its time descends; the source must exist."""
        k = b.sub(self.row[field], i64(1))
        at = b.add(i64(len(HEAD)), b.mul(k, i64(len(ROW))))
        is_down = b.icmp_signed("!=", _field(b, self.listed, b.add(at, i64(ROW.index("descending")))), i64(0))
        return b.load_atomic(_places(b, self.states, k)["done"], "acquire", 8, typ=I64), is_down


def _field(b: ir.IRBuilder, listed: Any, place: Any) -> Any:
    return b.load(b.gep(listed, [place], source_etype=I64), typ=I64)


def _places(b: ir.IRBuilder, states: Any, k: Any) -> dict[str, Any]:
    start = b.mul(k, i64(len(STATE)))
    return {f: b.gep(states, [b.add(start, i64(j))], source_etype=I64) for j, f in enumerate(STATE) if f}


class _Tasks:
    def __init__(self, module: ir.Module, form: Format, width: ISA, functions: Functions) -> None:
        self.module = module
        self.form = form
        self.lanes = width.lanes(form)
        self.functions = functions
        self.suffix = f"{width.name}_f{form.integer.width}"
        self.relax = barrier.pausing(module)
        self.name, self.part_name = name(form, width), part_name(form, width)

    def emit(self) -> None:
        """Emit the functions."""
        self.elementwise = self._internal("elementwise", ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]))
        self._elementwise(self.elementwise)
        self.advance = self._internal("advance", ir.FunctionType(ir.VoidType(), [POINTER, I64]))
        self._advance(self.advance)
        piece, part = self._internal("piece", _TRY), self._internal("sum_part", _TRY)
        self._try_piece(piece)
        self._try_part(part)
        together = self._internal("together", SIGNATURE)
        self._together(together)
        at_once = self._internal("at_once", ir.FunctionType(ir.VoidType(), [POINTER]))
        self._at_once(at_once, piece, part)
        whole = ir.Function(self.module, SIGNATURE, self.name)
        b = ir.IRBuilder(whole.append_basic_block("entry"))
        listed, thread, team = whole.args
        with b.if_else(b.icmp_signed("!=", _field(b, listed, i64(HEAD.index("at once"))), i64(0))) as (yes, no):
            with yes:
                b.call(at_once, [listed])
            with no:
                b.call(together, [listed, thread, team])
        b.ret_void()
        each = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER]), self.part_name)
        b = ir.IRBuilder(each.append_basic_block("entry"))
        b.call(whole, [each.args[0], *driver.asked(b)])
        b.ret_void()

    def _internal(self, what: str, kind: ir.FunctionType) -> ir.Function:
        function = ir.Function(self.module, kind, f"conveyor_{what}_{self.suffix}")
        function.linkage = "internal"
        return function

    # All threads together

    def _together(self, function: ir.Function) -> None:
        listed, thread, team = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))

        def entry(b: ir.IRBuilder, k: Any) -> None:
            e = _Entry(b, listed, k)
            with b.if_else(e.is_elementwise) as (yes, no):
                with yes:
                    steps = e.row["steps"]
                    low = b.sdiv(b.mul(steps, thread), team)
                    high = b.sdiv(b.mul(steps, b.add(thread, i64(1))), team)
                    b.call(self.elementwise, [e.bases, low, high])
                with no:
                    b.call(self.functions.whole, [e.jobs, e.bases, thread, team])
            with b.if_then(b.icmp_signed(">", team, i64(1))):
                b.call(self.functions.wait, [e.shared, team])

        loop(b, i64(0), _field(b, listed, i64(0)), 1, entry)
        b.ret_void()

    def _elementwise(self, function: ir.Function) -> None:
        numbers, low, high = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))
        fields = [_field(b, numbers, i64(k)) for k in range(5)]
        first, second, result = (b.inttoptr(f, POINTER) for f in fields[:3])
        is_product = b.icmp_signed("==", fields[4], i64(MULTIPLY))
        start, stop = b.mul(low, fields[3]), b.mul(high, fields[3])
        size = self.form.integer.width // 8

        def vector(b: ir.IRBuilder, k: Any, mask: Any = None) -> None:
            v = Vectors(b, self.form, self.lanes)
            at = [b.gep(p, [b.add(start, k)], source_etype=self.form.type) for p in (first, second, result)]
            one, other = (
                b.load(p, typ=v.type, align=size) if mask is None else v.masked_load(p, mask, size) for p in at[:2]
            )
            value = b.select(is_product, b.fmul(one, other), b.fadd(one, other))
            if mask is None:
                b.store(value, at[2], align=size)
            else:
                v.masked_store(value, at[2], mask, size)

        number = b.sub(stop, start)
        done = loop(b, i64(0), number, self.lanes, vector)
        rest = b.sub(number, done)
        with b.if_then(b.icmp_signed(">", rest, i64(0))):
            vector(b, done, Vectors(b, self.form, self.lanes).first(rest))
        b.ret_void()

    # At the same time

    def _at_once(self, function: ir.Function, piece: ir.Function, part: ir.Function) -> None:
        (listed,) = function.args
        start = function.append_basic_block("entry")
        look, other, again, leave = (function.append_basic_block(n) for n in ("look", "other", "again", "leave"))
        b = ir.IRBuilder(start)
        entries, shared = _field(b, listed, i64(0)), b.inttoptr(_field(b, listed, i64(3)), POINTER)
        places = {f: b.gep(shared, [i64(k)], source_etype=I64) for k, f in enumerate(SHARED) if f}
        sleep, _ = barrier.sleeping(self.module, places["changes"], places["asleep"])
        b.branch(look)
        b.position_at_end(look)
        looks = b.phi(I64)
        looks.add_incoming(i64(0), start)
        # Read before the search, so that a change after it is not slept through.
        seen = b.load_atomic(places["changes"], "acquire", 8, typ=I64)
        finished = b.load_atomic(places["finished"], "acquire", 8, typ=I64)
        search = function.append_basic_block("search")
        b.cbranch(b.icmp_signed("==", finished, entries), leave, search)
        b.position_at_end(search)
        self._search(b, listed, entries, piece, again, other)
        b.position_at_end(other)
        idle = function.append_basic_block("idle")
        self._search(b, listed, entries, part, again, idle)
        b.position_at_end(idle)
        with b.if_else(b.icmp_signed("<", looks, i64(barrier.SPINS // 8))) as (few, many):
            with few:
                self.relax(b)
            with many:
                sleep(b, seen)
        looks.add_incoming(b.add(looks, i64(1)), b.block)
        b.branch(look)
        b.position_at_end(again)
        looks.add_incoming(i64(0), again)
        b.branch(look)
        b.position_at_end(leave)
        b.ret_void()

    def _search(
        self, b: ir.IRBuilder, listed: Any, entries: Any, attempt: ir.Function, found: ir.Block, none: ir.Block
    ) -> None:
        """Emit a search from the last entry to the first for one with work."""
        before = b.block
        head, inside = b.append_basic_block("entries"), b.append_basic_block("try")
        b.branch(head)
        b.position_at_end(head)
        k = b.phi(I64)
        k.add_incoming(entries, before)
        b.cbranch(b.icmp_signed(">", k, i64(0)), inside, none)
        b.position_at_end(inside)
        following = b.sub(k, i64(1))
        k.add_incoming(following, inside)
        b.cbranch(b.call(attempt, [listed, following]), found, head)

    def _try_piece(self, function: ir.Function) -> None:
        listed, k = function.args
        entry, nothing = function.append_basic_block("entry"), function.append_basic_block("nothing")
        b = ir.IRBuilder(nothing)
        b.ret(_I1(0))
        b.position_at_end(entry)
        e = _Entry(b, listed, k)

        def only_if(condition: Any) -> None:
            goes_on = b.append_basic_block("on")
            b.cbranch(condition, goes_on, nothing)
            b.position_at_end(goes_on)

        only_if(b.icmp_signed("<", b.load_atomic(e.state["phase"], "acquire", 8, typ=I64), i64(_SUMS)))
        only_if(b.icmp_signed("==", b.load_atomic(e.state["taken"], "monotonic", 8, typ=I64), i64(0)))
        taken = b.extract_value(b.cmpxchg(e.state["taken"], i64(0), i64(1), "acq_rel", "monotonic"), 1)
        only_if(taken)
        phase = b.load_atomic(e.state["phase"], "acquire", 8, typ=I64)
        release = b.append_basic_block("release")
        work, fresh, steps = (b.append_basic_block(n) for n in ("work", "fresh", "steps"))
        b.cbranch(b.icmp_signed("<", phase, i64(_SUMS)), work, release)
        b.position_at_end(work)
        b.cbranch(b.icmp_signed("==", phase, i64(_FRESH)), fresh, steps)

        b.position_at_end(fresh)
        with b.if_then(b.not_(e.is_elementwise)):
            self._part(b, e, "start", i64(0), i64(1))
        b.atomic_rmw("xchg", e.state["phase"], i64(_STEPS), "release")
        done = b.append_basic_block("done")
        b.branch(done)

        b.position_at_end(steps)
        self._steps(b, e, listed, k, release, done)

        b.position_at_end(done)
        b.atomic_rmw("xchg", e.state["taken"], i64(0), "release")
        self._changed(b, e.shared)
        b.ret(_I1(1))
        b.position_at_end(release)
        b.atomic_rmw("xchg", e.state["taken"], i64(0), "release")
        b.ret(_I1(0))

    def _steps(self, b: ir.IRBuilder, e: _Entry, listed: Any, k: Any, unready: ir.Block, done: ir.Block) -> None:
        """Emit the run of an entry's next piece, if its sources are finished."""
        low, high, within = self._next(b, e)
        at = {f: b.load(e.state[f], typ=I64) for f in ("chunk", "within")}
        for field in ("first source", "second source"):
            self._need(b, e, field, low, high, unready)
        size = b.sub(high, low)
        chunk_low, chunk_high, has_sums = within
        with b.if_else(e.is_elementwise) as (yes, no):
            with yes:
                b.call(self.elementwise, [e.bases, low, high])
            with no:
                self._part(b, e, "steps", i64(0), i64(1), low, high, chunk_low)
        so_far = b.load_atomic(e.state["done"], "monotonic", 8, typ=I64)
        b.atomic_rmw("xchg", e.state["done"], b.add(so_far, size), "release")
        b.store(b.add(at["within"], size), e.state["within"])
        whole = b.icmp_signed("==", b.add(at["within"], size), b.sub(chunk_high, chunk_low))
        ended = b.append_basic_block("ended")
        b.cbranch(whole, ended, done)
        b.position_at_end(ended)
        with b.if_else(has_sums) as (some, none):
            with some:
                # Whoever reads these steps need not wait for the operands.
                self._changed(b, e.shared)
                self._part(b, e, "operands", i64(0), i64(1), chunk_low, chunk_high)
                b.atomic_rmw("xchg", e.state["ended"], i64(0), "monotonic")
                b.atomic_rmw("xchg", e.state["begun"], i64(0), "release")
                b.atomic_rmw("xchg", e.state["phase"], i64(_SUMS), "release")
            with none:
                b.call(self.advance, [listed, k])
        b.branch(done)

    def _next(self, b: ir.IRBuilder, e: _Entry) -> tuple[Any, Any, tuple[Any, Any, Any]]:
        """Return the first step of the next piece, the step after its last, and the bounds of its chunk."""
        low, high, has_sums = self._chunk(b, e)
        within = b.load(e.state["within"], typ=I64)
        size = least(b, e.row["piece"], b.sub(b.sub(high, low), within))
        top = b.sub(high, within)
        first = b.select(e.is_down, b.sub(top, size), b.add(low, within))
        return first, b.add(first, size), (low, high, has_sums)

    def _chunk(self, b: ir.IRBuilder, e: _Entry) -> tuple[Any, Any, Any]:
        """Return the first step of an entry's chunk, the step after its last, and whether it has sums."""
        before = b.block
        with b.if_then(b.not_(e.is_elementwise)):
            chunks = Chunks(b, e.jobs)
            low, high = chunks.edges(b, b.load(e.state["chunk"], typ=I64))
            inside = b.block
        found = []
        for kind, other, value in ((I64, i64(0), low), (I64, e.row["steps"], high), (_I1, _I1(0), chunks.has_sums)):
            phi = b.phi(kind)
            phi.add_incoming(other, before)
            phi.add_incoming(value, inside)
            found.append(phi)
        return found[0], found[1], found[2]

    def _need(self, b: ir.IRBuilder, e: _Entry, field: str, low: Any, high: Any, unready: ir.Block) -> None:
        """Emit a jump to `unready` unless a source, if there is one, has finished these steps."""
        there, ready = b.append_basic_block("source"), b.append_basic_block("ready")
        b.cbranch(b.icmp_signed("!=", e.row[field], i64(0)), there, ready)
        b.position_at_end(there)
        done, is_down = e.source(b, field)
        wanted = b.select(is_down, b.sub(e.row["steps"], low), high)
        b.cbranch(b.icmp_signed(">=", done, wanted), ready, unready)
        b.position_at_end(ready)

    def _try_part(self, function: ir.Function) -> None:
        listed, k = function.args
        entry, nothing = function.append_basic_block("entry"), function.append_basic_block("nothing")
        b = ir.IRBuilder(nothing)
        b.ret(_I1(0))
        b.position_at_end(entry)
        e = _Entry(b, listed, k)

        def only_if(condition: Any) -> None:
            goes_on = b.append_basic_block("on")
            b.cbranch(condition, goes_on, nothing)
            b.position_at_end(goes_on)

        only_if(b.icmp_signed("==", b.load_atomic(e.state["phase"], "acquire", 8, typ=I64), i64(_SUMS)))
        only_if(b.icmp_signed("<", b.load_atomic(e.state["begun"], "monotonic", 8, typ=I64), i64(_PARTS)))
        part = b.atomic_rmw("add", e.state["begun"], i64(1), "acq_rel")
        only_if(b.icmp_signed("<", part, i64(_PARTS)))
        low, high, _ = self._chunk(b, e)
        more = b.zext(b.icmp_signed(">", b.load(e.state["chunk"], typ=I64), i64(0)), I64)
        self._part(b, e, "sums", part, i64(_PARTS), low, high, more)
        ended = b.atomic_rmw("add", e.state["ended"], i64(1), "acq_rel")
        with b.if_then(b.icmp_signed("==", ended, i64(_PARTS - 1))):
            b.call(self.advance, [listed, k])
            self._changed(b, e.shared)
        b.ret(_I1(1))

    def _advance(self, function: ir.Function) -> None:
        """Emit the transition of an entry to its next chunk, or to finished."""
        listed, k = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))
        e = _Entry(b, listed, k)
        before = b.block
        with b.if_then(b.not_(e.is_elementwise)):
            number = Chunks(b, e.jobs).number
            inside = b.block
        chunks = b.phi(I64)
        chunks.add_incoming(i64(1), before)
        chunks.add_incoming(number, inside)
        chunk = b.add(b.load(e.state["chunk"], typ=I64), i64(1))
        with b.if_else(b.icmp_signed("<", chunk, chunks)) as (more, last):
            with more:
                b.store(chunk, e.state["chunk"])
                b.store(i64(0), e.state["within"])
                b.atomic_rmw("xchg", e.state["phase"], i64(_STEPS), "release")
            with last:
                with b.if_then(b.not_(e.is_elementwise)):
                    self._part(b, e, "finish", i64(0), i64(1))
                b.atomic_rmw("xchg", e.state["phase"], i64(_FINISHED), "release")
                finished = b.gep(e.shared, [i64(SHARED.index("finished"))], source_etype=I64)
                b.atomic_rmw("add", finished, i64(1), "acq_rel")
        b.ret_void()

    def _part(self, b: ir.IRBuilder, e: _Entry, part: str, thread: Any, team: Any, *numbers: Any) -> None:
        given = [*numbers, *(i64(0) for _ in range(3 - len(numbers)))]
        b.call(self.functions.parts[part], [e.jobs, e.bases, thread, team, *given])

    def _changed(self, b: ir.IRBuilder, shared: Any) -> None:
        """Emit a notification of the sleeping threads that the state has changed."""
        changes, asleep = (b.gep(shared, [i64(SHARED.index(f))], source_etype=I64) for f in ("changes", "asleep"))
        wake: Callable[[ir.IRBuilder], None]
        _, wake = barrier.sleeping(self.module, changes, asleep)
        b.atomic_rmw("add", changes, i64(1), "seq_cst")
        wake(b)
