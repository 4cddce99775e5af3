"""Several processes on one run, as `torchrun` starts them: each takes its share of the batch.

They hold the same weights. Each reads its own streams of the batch, gradients are averaged at each step, and what a
checkpoint holds is the whole: a run may go on with another number of processes. Losses, and so every decision, are the
mean over all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.tasks.training.batch import Batch
from conveyor.tasks.training.state import State, map_state


@dataclass(frozen=True)
class Distributed:
    """A process's part in a run.

    Attributes:
        rank: Which of the processes it is, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def of_environment(cls) -> Distributed:
        """Join the processes that torchrun describes in the environment, by torch's gloo; one process without it.

        Raises:
            ArgumentError: They don't find each other.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if not dist.is_initialized():
            try:
                dist.init_process_group("gloo")
            except (ValueError, RuntimeError) as error:
                reason = str(error).partition("\n")[0]
                raise ArgumentError(
                    f"WORLD_SIZE is {size}, but the processes can't meet ({reason}); start them by torchrun"
                ) from error
        return cls(dist.get_rank(), size)

    @property
    def is_rank_zero(self) -> bool:
        """True for the process that writes and prints."""
        return self.rank == 0

    def check(self, batch_size: int) -> None:
        """Check that every process gets as many streams as the others.

        Raises:
            ArgumentError: They don't.
        """
        if batch_size % self.size:
            raise ArgumentError(
                f"batch_size: expected a multiple of the {self.size} processes that share it, got {batch_size}"
            )

    def part(self, whole: Tensor, dim: int | None = 1) -> Tensor:
        """The share of (T, B) or (layers, B, width), or along another dimension; all of it along None."""
        if self.size == 1 or dim is None:
            return whole
        return whole.tensor_split(self.size, dim)[self.rank].contiguous()

    def part_of_batch(self, batch: Batch) -> Batch:
        """The share of a whole batch."""
        return batch if self.size == 1 else batch.map(self.part)

    def part_of(self, state: State) -> State:
        """The share of a whole state."""
        return map_state(self.part, state)

    def whole_of(self, state: State) -> State:
        """The state of all processes; all must ask."""
        return state if self.size == 1 else map_state(self._gather, state)

    def _gather(self, own: Tensor) -> Tensor:
        parts = [torch.empty_like(own, memory_format=torch.contiguous_format) for _ in range(self.size)]
        dist.all_gather(parts, own.contiguous())
        return torch.cat(parts, 1)

    def sum(self, value: float) -> float:
        """The sum over all processes; all must ask."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total)
        return total.item()

    def mean(self, value: float) -> float:
        """The mean over all processes; all must ask."""
        return self.sum(value) / self.size

    def any(self, told: bool) -> bool:
        """Tell whether the condition holds in any process; a collective call of all processes."""
        return self.mean(float(told)) > 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Put the mean over all processes in place of each gradient; all must ask."""
        if self.size == 1:
            return
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in grads])
        dist.all_reduce(flat)
        flat /= self.size
        for grad, mean in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(mean.view_as(grad))

    def vary_random_numbers(self) -> None:
        """Let each process but the first draw masks of its own."""
        if not self.is_rank_zero:
            torch.manual_seed(int(torch.randint(2**62, ())) + self.rank)


ALONE = Distributed()
