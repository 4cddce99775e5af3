"""The launch plan of a pass over sequences of one shape: computed once per shape, then only executed.

Packed matrices and the intermediate values of a chunk and of a time step are in one workspace. The caller's tensors
and results are separate bases. A launch plan serves any number of time steps: fitting it to one copies its arrays and
changes a few entries in them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from conveyor.backends.cpu.codegen import argument_table as table
from conveyor.backends.cpu.codegen import emit
from conveyor.backends.cpu.codegen import few_rows as few
from conveyor.backends.cpu.codegen.compile import Compiled, kernels
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.scheduling import driver
from conveyor.backends.cpu.codegen.vector import Format
from conveyor.backends.cpu.runtime.memory_plan import ALIGN, MemoryPlan, Number, Shape
from conveyor.backends.lowering import array_names
from conveyor.backends.lowering.passes import LoweredPass
from conveyor.backends.lowering.schedule import Product, Schedule
from conveyor.backends.param_layout import ParamLayout, Part
from conveyor.ir.types import Bias, Matrix, Vector

CHUNK_BYTES = 2**21  # values of a chunk, approximately; they should stay in a cache that both threads share
CHUNK_ROWS = (256, 2048)  # at least and at most, if the sequence has so many
FEW_USES = 48  # rows in all by which a matrix is multiplied: for fewer it is not packed
FEW_ROWS = 4  # of the batch: fewer are not worth splitting
OWN_CACHE = 2**23  # bytes of weights that a core should not read alone at every step: they come from far away
WORTH_WAITING = 2**15  # multiplications of a row's step: it takes a microsecond, threads wait for each other twice


Strides = tuple[tuple[str, int, int], ...]  # of per-step inputs: name, step stride, row stride
FITS = 256  # that a launch plan caches
_HEAD = {name: k for k, name in enumerate(driver.HEAD)}


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """A launch plan fitted to a number of time steps.

    Attributes:
        jobs: The address of the job array.
        again: The address of a job array that reuses packed weights.
        operations: Floating-point operations of a pass, approximately.
        flat: Whether the rows of all time steps are evenly spaced in all per-step inputs.
        arrays: The arrays that own this memory.
    """

    jobs: int
    again: int
    operations: float
    flat: bool
    arrays: tuple[array[int], ...]


class LaunchPlan(MemoryPlan):
    """The arrays, the argument table and the jobs of a pass.

    Args:
        recipe: The lowered pass.
        compiled: Its code.
        shape: The shape.
        places: The parameter layout.
        form: The floating-point format.
        chosen: The instruction set.
        trails: The states whose history is saved.
        bases: The bases in the order in which the caller passes their addresses; after them come those of the requested
            gradients, of the gradients of the parameter tensors, and of the parameter tensors.
        resident: Whether packed weights are persistent: in a separate base, `resident`, for later passes.

    Attributes:
        kernels: The compiled functions that run the pass.
        order: The index of the caller's address for each base, after the workspace and the zeros.
        workspace: Bytes of the workspace.
        resident: Bytes of persistent packed weights.
        saved: Columns of the residuals.
        asked: The inputs whose gradients are computed, and their widths.
        partly: The tensors with rows that get no gradient.
        summed: Whether a per-step input is itself summed over all rows.
        by_units: Whether threads share the units of the loop's steps and wait for each other twice a step.
    """

    def __init__(
        self,
        lowered: LoweredPass,
        compiled: Compiled,
        shape: Shape,
        places: ParamLayout,
        form: Format,
        chosen: ISA,
        trails: Sequence[str],
        bases: Sequence[str],
        resident: bool = False,
    ) -> None:
        super().__init__(lowered, shape, places, form, chosen, resident)
        self.chosen = chosen
        self.compiled = compiled  # owns the code that the jobs name
        self.trails = tuple(trails)
        self._products: dict[str, tuple[int, int, int, int, int, int]] = {}
        self._operations = 0.0  # a step
        self._steps_per_chunk = self._chunk()
        for base in ("workspace", "zero"):
            self._base(base)
        if shape.ragged:
            self._base("starts")
        if resident:
            self._base("resident")
        self._inputs()
        self._parameters()
        self._states()
        self._stored()
        for name, schedule in lowered.schedules:
            self._memory(schedule)
            self._multiplied(name, schedule)
        self._gradients()
        self.workspace = max(self._used, 1)
        self._table = self._fill_table()
        known = compiled.table.arrays
        self._given_at = {name: [known[a] for a in own if a in known] for name, own in self._given.items()}
        if shape.emits:
            first = self.program.states[0]
            source = (self._base(f"final {first.name}"), 0, self.widths[first.width])
            self._finish("output", source, self.widths[first.width], shape.stride)
        self.is_large = self._weights_of_a_step() * self.size > OWN_CACHE
        self.by_units = self._is_split_by_units()
        self._reads_before = shape.ragged and self._reads_states(lowered.after)
        self._jobs = self._fill_jobs(driver.JOBS)
        self._repeated = self._fill_jobs([kind for kind in driver.JOBS if kind not in ("add", "pack", "weave")])
        self._fits: dict[tuple[int, Strides], Fit] = {}
        self.asked = tuple((i.name, self.widths[i.width]) for i in self.program.inputs if f"d {i.name}" in self.bases)
        self.order = self._order(bases)
        self.kernels = kernels(form, chosen)
        summed = {o.gradient for o in lowered.outers} | {s.node for s in lowered.sums}
        self.summed = any(self.nodes[n].op == "input" for n in summed)
        reached = {("product", o.key) for o in lowered.outers} | {(s.op, s.key) for s in lowered.sums}
        self.partly = frozenset(p.tensor for key, parts in places.parts.items() if key not in reached for p in parts)

    def fit(self, steps: int, strides: Strides) -> Fit:
        """Fit the plan to a number of time steps, and to the strides of the per-step inputs."""
        found = self._fits.get((steps, strides))
        if found is None:
            if len(self._fits) >= FITS:
                self._fits.clear()
            found = self._fits[steps, strides] = self._make_fit(steps, strides)
        return found

    def _make_fit(self, steps: int, strides: Strides) -> Fit:
        table = self._table[:]
        for name, step, stride in strides:
            for place in self._given_at.get(name, ()):
                table[place + 3 : place + 5] = array("q", (step, stride))
        batch, varlen = self.shape.batch, self.shape.ragged
        flat = varlen or all(step == batch * stride for _, step, stride in strides)
        head = {
            "steps": steps,
            "flat before": int(flat),
            "flat after": int(flat and not self._reads_before),
            "flat operands": int(flat and not varlen),
            "table": table.buffer_info()[0],
        }
        filled = []
        # Only weights that stay packed allow a pass without packing.
        for template, timed in (self._jobs, self._repeated) if self.resident else (self._jobs,):
            jobs = template[:]
            for name, number in head.items():
                jobs[_HEAD[name]] = number
            for place, number_of in timed:
                jobs[place] = number_of(steps)
            filled.append(jobs)
        first, again = filled[0].buffer_info()[0], filled[-1].buffer_info()[0]
        return Fit(first, again, self._operations * steps, flat, (table, *filled))

    def _order(self, bases: Sequence[str]) -> tuple[int, ...]:
        tensors = self.places.tensors
        named = [*bases, *(f"d {name}" for name, _ in self.asked)]
        named += [f"d slot {k}" for k in range(tensors)] if self.backwards else []
        named += [f"slot {k}" for k in range(tensors)]
        place = {name: k for k, name in enumerate(named)}
        fixed = 3 if self.shape.ragged else 2
        return tuple(place[name] for name in tuple(self.bases)[fixed:])

    def _chunk(self) -> int:
        """Return the time steps per chunk."""
        kept = sum(self._width(n) for n in self.lowered.left)
        for name, schedule in self.lowered.schedules:
            if name != "loop":
                kept += sum(self._width_of(schedule, n) for n in schedule.scratch)
        rows = CHUNK_BYTES // max(1, kept * self.size)
        rows = min(max(rows, CHUNK_ROWS[0]), CHUNK_ROWS[1])
        return max(1, min(self.shape.capacity, rows // self.shape.batch))

    # Arrays

    def _inputs(self) -> None:
        """Add the arrays of the per-step inputs, whose strides are set when the plan is fitted."""
        states = {s.name for s in self.program.states}
        self._given: dict[str, list[str]] = {}
        for n, node in enumerate(self.nodes):
            name = str(node.attr)
            if node.op == "input" and name not in states and not name.startswith("grad."):
                self._put(array_names.node(n), name, 0, "step", 0, 0)
                self._given.setdefault(name, []).append(array_names.node(n))

    def _parameters(self) -> None:
        """Add the arrays of biases and vectors, which every row reads at every time step."""
        for n, node in enumerate(self.nodes):
            if node.op not in ("bias", "vector"):
                continue
            base, offset = self._whole(self.places.parts[node.op, node.attr], self._width(n))
            self._put(array_names.node(n), base, offset, "step", 0, 0)

    def _whole(self, parts: Sequence[Part], width: int) -> tuple[str, int]:
        """Return the base and offset of a bias or vector; several parts are summed into the workspace."""
        base, offset = f"slot {parts[0].tensor}", parts[0].start * self.size
        for part in parts[1:]:
            total = self._take_weights(width)
            one = (self._base(base), offset)
            other = (self._base(f"slot {part.tensor}"), part.start * self.size)
            self._todo["add"].append((*one, *other, self._base(self._weights), total, width))
            base, offset = self._weights, total
        return base, offset

    def _states(self) -> None:
        """Add the arrays and copies of the states, or of their gradients."""
        reads = {node.attr: n for n, node in enumerate(self.nodes) if node.op == "input"}
        for k, state in enumerate(self.program.states):
            name, width = state.name, self.widths[state.width]
            if self.shape.capacity == 1 and not self.shape.ragged:
                self._only_step(reads, name, width)
                continue
            if name in self.trails:
                self._history(reads, name, width, self.shape.stride if k == 0 else 0)
            elif not self.backwards:
                self._turns(reads, name, f"state {name}", f"final {name}", width)
            if self.backwards:
                self._turns(reads, name, f"grad {name}", f"d state {name}", width)

    def _stored(self) -> None:
        """Add the arrays of the residuals, of recorded values, and of per-step gradients."""
        batch = self.shape.batch
        self.saved = sum(self._width(n) for n in self.lowered.saved)
        at = 0
        for n in self.lowered.saved:
            self._put(array_names.node(n), "saved", at * self.size, "step", self._apart(self.saved), self.saved)
            at += self._width(n)
        for n in self.lowered.kept:
            self._put(f"keep {n}", f"keep {n}", 0, "step", self._apart(self._width(n)), self._width(n))
        for name, _ in self.lowered.after.wanted:
            width = self.widths[next(i.width for i in self.program.inputs if f"d {i.name}" == name)]
            self._put(name, name, 0, "step", self._apart(width), width)
        row = sum(self._width(n) for n in self.lowered.left)
        start = self._take(row * batch * self._steps_per_chunk)
        for n in self.lowered.left:
            self._put(array_names.node(n), "workspace", start, "chunk", self._apart(row), row)
            start += self._width(n) * self.size

    def _memory(self, schedule: Schedule) -> None:
        """Allocate the intermediate values of a schedule: the results of a product side by side, the others alone."""
        within = schedule is self.lowered.loop
        steps = 1 if within else self._steps_per_chunk
        for product in schedule.products:
            edges = self._edges([self._width_of(schedule, n) for n in product.results])
            results = [n for n in product.results if n in schedule.scratch]
            if results:
                self._scratch(schedule, zip(product.results, edges, strict=False), edges[-1], steps, within)
        for n in schedule.scratch:
            if schedule.name(n) not in self._arrays:
                self._scratch(schedule, ((n, 0),), self._width_of(schedule, n), steps, within)

    def _scratch(
        self, schedule: Schedule, nodes: Iterable[tuple[int, int]], row: int, steps: int, within: bool
    ) -> None:
        row = -(-row * self.size // ALIGN) * ALIGN // self.size  # rows begin at cache lines
        start = self._take(row * self.shape.batch * steps)
        step = 0 if within else self._apart(row)
        for n, column in nodes:
            self._put(schedule.name(n), "workspace", start + column * self.size, "chunk", step, row)

    # Products

    def _multiplied(self, name: str, schedule: Schedule) -> None:
        for product in schedule.products:
            blocks = product.blocks
            operands = [self._width_of(schedule, n) // blocks for n in product.operands]
            widths = [self._width_of(schedule, n) // blocks for n in product.results]
            inner, edges = sum(operands), self._edges(widths)
            columns = widths[0] if len(widths) == 1 else edges[-1]
            room = -(-edges[-1] // self.panel) * self.panel
            self._operations += 2.0 * self.shape.batch * inner * edges[-1] * blocks
            key = table.product(name, product.results[0])
            if name == "loop" and self.compiled.few and few.is_woven(schedule, product, self.compiled.few, self.chosen):
                self._products[key] = self._weave(product, operands, widths[0])
                continue
            lying = self._as_it_lies(product, operands, columns)
            if lying is not None:
                self._products[key] = (*lying, inner, columns, columns, self.panel)
                continue
            packed = self._take_weights(room * inner * blocks)
            place = (self._base(self._weights), packed, inner, columns)
            self._products[key] = (*place, self.panel, self.panel * inner)
            for block in range(blocks):
                at = packed + block * room * inner * self.size
                self._pack(product, at, operands, widths, [*edges[:-1], room], block)

    def _weave(self, product: Product, operands: list[int], units: int) -> tuple[int, int, int, int, int, int]:
        """Return the position of a product's interleaved weights for few rows; adds the jobs that pack them."""
        many, inner = len(product.results), sum(operands)
        lying = self._as_it_lies(product, operands, units)
        if lying is not None:
            return (*lying, inner, units, units // (few.panel_vectors(*self._few) * self.lanes), 1)
        packed = self._take_weights(-(-units // self.lanes) * self.lanes * many * inner)
        target, vectors = self._base(self._weights), few.panel_vectors(*self._few)
        for q, keys in enumerate(product.matrices):
            k = 0
            for key, height in zip(keys, operands, strict=True):
                source, strides = self._matrix(product, key, height, units)
                self._todo["weave"].append(
                    (*source, *strides, height, units, target, packed, k, q, many, inner, vectors)
                )
                k += height
        return target, packed, inner, many * units, 1, many * inner

    @property
    def _few(self) -> tuple[Schedule, int, ISA]:
        return self.lowered.loop, self.compiled.few, self.chosen

    def _matrix(self, product: Product, key: str, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the base and offset of a matrix, and its strides along k and along columns."""
        (part,) = self.places.parts["product", key]
        # A matrix (rows, columns) is (N, K) for a product, and (K, N) for one by its transpose.
        stored = height if product.op == "product" else width
        strides = (1, stored) if product.op == "product" else (stored, 1)
        return (self._base(f"slot {part.tensor}"), part.start * stored * self.size), strides

    def _as_it_lies(self, product: Product, operands: list[int], columns: int) -> tuple[int, int] | None:
        """Return the base and offset of unpacked weights, if they can be used without packing at a gain; else None."""
        once = self.shape.capacity == 1 and self.shape.batch <= FEW_USES
        whole = columns % self.panel == 0 and product.blocks == 1 and len(product.results) == 1
        if product.op != "product_t" or not once or not whole:
            return None
        parts = [self.places.parts["product", key][0] for key in product.matrices[0]]
        at = parts[0].start
        for part, height in zip(parts, operands, strict=True):
            if part.tensor != parts[0].tensor or part.start != at:
                return None
            at += height
        return self._base(f"slot {parts[0].tensor}"), parts[0].start * columns * self.size

    def _pack(
        self, product: Product, packed: int, operands: list[int], widths: list[int], edges: list[int], block: int
    ) -> None:
        """Add the jobs that pack the matrices of a product, or one block of its only matrix."""
        inner = sum(operands)
        target = self._base(self._weights)
        for keys, width, first, following in zip(product.matrices, widths, edges, edges[1:], strict=False):
            at = 0
            for key, height in zip(keys, operands, strict=True):
                source, strides = self._matrix(product, key, height, width)
                down = block * height * width * self.size
                source = (source[0], source[1] + down)
                to = (target, packed + at * self.panel * self.size)
                self._pack_rectangle(source, strides, height, width, to, first, inner)
                at += height
            self._pack_zeros(packed, inner, inner, first + width, following)

    def _pack_zeros(self, packed: int, inner: int, room: int, first: int, last: int) -> None:
        if inner and last > first:
            zero = (self._base("zero"), 0)
            target = (self._base(self._weights), packed)
            self._pack_rectangle(zero, (0, 0), inner, last - first, target, first, room)

    def _pack_rectangle(
        self,
        source: tuple[int, int],
        strides: tuple[int, int],
        inner: int,
        columns: int,
        target: tuple[int, int],
        first: int,
        room: int,
    ) -> None:
        self._todo["pack"].append((*source, *strides, inner, columns, *target, first, room))

    # Gradients of the parameters

    def _gradients(self) -> None:
        made: set[tuple[int, int]] = set()  # parts that a job before has begun
        packed: dict[tuple[int, int], list[int]] = {}
        rows = self.shape.batch * self._steps_per_chunk
        for outer in self.lowered.outers:
            matrix = self.program.param["product", outer.key]
            assert isinstance(matrix, Matrix)
            height, cols = self.widths[matrix.rows] // matrix.blocks, self.widths[matrix.cols] // matrix.blocks
            if (outer.operand, matrix.blocks) not in packed:
                packed[outer.operand, matrix.blocks] = self._pack_operand(outer.operand, cols, matrix.blocks, rows)
            (part,) = self.places.parts["product", outer.key]
            array, adds = self._place_of(outer.gradient), int(self._again(made, part))
            for block, at in enumerate(packed[outer.operand, matrix.blocks]):
                source = (self._base("workspace"), at, rows)
                to = (self._base(f"d slot {part.tensor}"), (part.start + block * height) * cols * self.size)
                self._todo["outer"].append((array, block * height, height, *source, *to, cols, adds))
            self._operations += 2.0 * self.shape.batch * height * cols * matrix.blocks
        for item in self.lowered.sums:
            parts = self.places.parts[item.op, item.key]
            width = self.widths[self._param_width(item.op, item.key)]
            target = (self._base(f"d slot {parts[0].tensor}"), parts[0].start * self.size)
            self._todo["sum"].append((self._place_of(item.node), width, *target, int(self._again(made, parts[0]))))
            for part in parts[1:]:
                copy = (self._base(f"d slot {part.tensor}"), part.start * self.size)
                self._todo["finish"].append((*target, width, *copy, width, 1, width))

    def _pack_operand(self, operand: int, cols: int, blocks: int, rows: int) -> list[int]:
        """Add the jobs that pack an operand, block by block; returns the offset of each block."""
        array = self._place_of(operand)
        found = []
        for block in range(blocks):
            at = self._take(-(-cols // self.panel) * self.panel * rows)
            self._todo["operand"].append((array, block * cols, cols, self._base("workspace"), at, rows))
            found.append(at)
        return found

    def _param_width(self, op: str, key: str) -> str:
        param = self.program.param[op, key]
        assert isinstance(param, Bias | Vector)
        return param.width

    def _again(self, made: set[tuple[int, int]], part: Part) -> bool:
        known = (part.tensor, part.start) in made
        made.add((part.tensor, part.start))
        return known

    def _place_of(self, n: int) -> int:
        return self.compiled.table.array(array_names.node(n))

    # What compiled code reads

    def _fill_table(self) -> array[int]:
        layout = self.compiled.table
        numbers = array("q", bytes(8 * max(layout.size, 1)))
        for name, place in layout.arrays.items():
            numbers[place : place + len(table.FIELDS)] = array("q", self._arrays[name])
        for name, place in layout.products.items():
            numbers[place : place + len(table.PRODUCT_FIELDS)] = array("q", self._products[name])
        for symbol, place in layout.widths.items():
            numbers[place] = self.widths[symbol]
        return numbers

    def _weights_of_a_step(self) -> int:
        """Return the number of weights that the loop reads at each time step."""
        named = (table.product("loop", product.results[0]) for product in self.lowered.loop.products)
        return sum(inner * columns for inner, columns in (self._products[name][2:4] for name in named))

    def _is_split_by_units(self) -> bool:
        """Tell whether threads divide the units of a step: with too few rows, or too large matrices."""
        few = self.shape.batch < FEW_ROWS and self._weights_of_a_step() >= WORTH_WAITING
        return emit.splits(self.lowered.loop) and (few or self.is_large)

    def _reads_states(self, schedule: Schedule) -> bool:
        """Tell whether a schedule reads the states before a step, whose rows are not the step's when packed."""
        states = {s.name for s in self.program.states}
        return any(n in schedule.given and self.nodes[n].attr in states for n in schedule.order if n < len(self.nodes))

    def _fill_jobs(self, done: Collection[str]) -> tuple[array[int], list[tuple[int, Callable[[int], int]]]]:
        """Build the job array, and the functions that compute its entries from the number of time steps."""
        code = {
            name: self.compiled.addresses[name] if schedule.wanted or schedule.scratch else 0
            for name, schedule in self.lowered.schedules
        }
        head = {
            "batch": self.shape.batch,
            "chunk": self._steps_per_chunk,
            "backwards": int(self.backwards != self.shape.reverse),
            "by units": int(self.by_units),
            "few": int(self.compiled.few > 0),
            "starts": self.bases.get("starts", 0),
            **code,
        }
        numbers: list[Number] = [head.get(n, 0) for n in driver.HEAD]
        at = len(numbers) + 2 * len(driver.JOBS)
        jobs: list[Number] = []
        for kind in driver.JOBS:
            todo = self._todo[kind] if kind in done else []
            numbers += [len(todo), at + len(jobs)]
            jobs += [n for job in todo for n in job]
        whole = [*numbers, *jobs]
        timed = [(k, n) for k, n in enumerate(whole) if not isinstance(n, int)]
        return array("q", [n if isinstance(n, int) else 0 for n in whole]), timed
