"""What every module of conveyor answers to torch's tools."""

from __future__ import annotations

from typing import NoReturn

from torch import nn

from conveyor.errors import ArgumentError


class Module(nn.Module):
    """The base of sequence layers and single steps."""

    def __prepare_scriptable__(self) -> NoReturn:
        raise ArgumentError(
            f"torch.jit.script reads Python source, and {type(self).__name__} makes code of its own; use torch.export,"
            " or torch.jit.trace, whose graph takes any number of steps"
        )
