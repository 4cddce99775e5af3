"""`@cv.cell`: a function that reads like a paper's equations becomes a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from conveyor.errors import CellError
from conveyor.frontend.trace import Signature, read_signature, trace
from conveyor.ir.parser import parse
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import parameter_shapes
from conveyor.views.equations import print_equations, print_latex

if TYPE_CHECKING:
    from conveyor.views.diagram import Picture


class CellDefinition:
    """A recurrent cell: its equations, from which layers, steps, records and exports are derived.

    Attributes:
        name: The name of its function.
        options: The keyword-only parameters that have a default, with the values they are traced with.
    """

    def __init__(
        self, function: Callable[..., Any], name: str | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        self.name: str = name or str(getattr(function, "__name__", type(function).__name__))
        self.__doc__ = function.__doc__
        self.__name__ = self.name
        self._function: Callable[..., Any] | None = function
        self._signature: Signature | None = read_signature(self.name, function)
        self.options: dict[str, Any] = dict(self._signature.options) | dict(options or {})

    @classmethod
    def from_program(cls, name: str, program: Program) -> CellDefinition:
        """Make a cell of a program, without source; the program is verified."""
        program.verify()
        self = cls.__new__(cls)
        self.name = self.__name__ = name
        self.__doc__ = f"Cell {name}, read from its program."
        self._function = None
        self._signature = None
        self.options = {}
        self.__dict__["program"] = program
        return self

    @classmethod
    def from_text(cls, name: str, text: str) -> CellDefinition:
        """Make a cell from the text of its program, `cell.program.text`.

        Raises:
            ProgramError: The text is not that of a program.
        """
        return cls.from_program(name, parse(text))

    def configure(self, **options: Any) -> CellDefinition:
        """Trace the cell with other options, for example `lstm.configure(candidate_activation="sigmoid")`.

        Raises:
            CellError: The cell has no such option.
        """
        for option in options:
            if option not in self.options:
                known = ", ".join(self.options) or "none"
                raise CellError(f"cell {self.name} has no option '{option}'; its options: {known}")
        if self._function is None:
            return self
        made = CellDefinition(self._function, self.name, self.options | options)
        made.program.verify()
        return made

    @cached_property
    def program(self) -> Program:
        """The program of one step; traced on first access.

        Raises:
            CellError: A mistake in the equations, with its line and the mend.
        """
        assert self._function is not None and self._signature is not None
        return trace(self.name, self._function, self._signature, self.options)

    def latex(self) -> str:
        """Return the equations as LaTeX, an `align*` environment with a line for each named value."""
        return print_latex(self.program)

    def diagram(self) -> Picture:
        """Draw the equations as SVG: the states' belts along the top, gates where they meet them.

        It is drawn from the program, so every cell has one. A notebook shows it, and `.save(path)` writes it.
        """
        from conveyor.views.diagram import draw

        return draw(self.program, f"Diagram of the cell {self.name}")

    def equations(self) -> str:
        """Return the equations as plain text, a line for each named value."""
        return print_equations(self.program)

    def _repr_latex_(self) -> str:
        return self.latex()

    def parameters(
        self, input_size: int, hidden_size: int, *, bias: bool = True, **sizes: int
    ) -> dict[str, tuple[int, ...]]:
        """Return names and shapes of the parameters of a layer of this cell.

        Args:
            input_size: Width of x.
            hidden_size: Width of the hidden state.
            bias: Whether `affine` adds its biases.
            sizes: The widths that the cell names, such as `proj=32`.

        Returns:
            Shapes by name; a layer adds `_l0`, `_l1`, … and `_reverse` to the names.
        """
        return parameter_shapes(self.program, input_size, hidden_size, sizes, bias)

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        """Apply the equations inside another cell's function."""
        if self._function is None:
            raise CellError(f"cell {self.name} was read from its program and can't be traced inside another cell")
        return self._function(*values, **(self.options | keywords))

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in self.options.items())
        return f"<cell {self.name}{f' ({options})' if options else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # The program says all that a layer needs, and the function may live in a notebook or a closure.
        return CellDefinition.from_program, (self.name, self.program)


@overload
def cell(function: Callable[..., Any], /) -> CellDefinition: ...
@overload
def cell(*, name: str | None = None) -> Callable[[Callable[..., Any]], CellDefinition]: ...


def cell(function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
    """Make a cell of a function that computes one step.

    The function takes the input x, then the states, and returns the new states in that order; the first is the output.
    Keyword-only parameters without a default are auxiliary inputs, those with a default are options. Each variable that
    the function assigns becomes a named value.

    Args:
        function: The equations.
        name: Another name than the function's.

    Returns:
        The cell.

    Raises:
        CellError: A mistake in the equations or in the parameters, with its line and the mend.
    """
    if function is None:
        return lambda f: _define(f, name)
    return _define(function, name)


def _define(function: Callable[..., Any], name: str | None) -> CellDefinition:
    made = CellDefinition(function, name)
    try:
        made.program.verify()  # traced at once, so that a mistake shows where the cell is written
    except (CellError, NameError) as error:
        # A helper may be defined further down in the file: then the first use says whether it is there. What is
        # missing may be named by the equations (a CellError) or by another helper (its own NameError).
        if type(error.__cause__ if isinstance(error, CellError) else error) is not NameError:
            raise
    return made
