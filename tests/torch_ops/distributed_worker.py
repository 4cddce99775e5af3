"""One of two processes: its half of a batch of sequences of unequal length, and the gradients that it ends with."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

import conveyor as cv

LENGTHS = torch.tensor([7, 2, 0, 5, 1, 6])
STEPS, I, H = 7, 3, 4  # noqa: E741


class Net(nn.Module):
    """A recurrent layer and one on top."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = cv.LSTM(I, H, 2, bidirectional=True, learn_initial_state=True, dtype=torch.float64)
        self.head = nn.Linear(2 * H, 2, dtype=torch.float64)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Numbers for each sequence."""
        y, state = self.encoder(x, lengths=lengths)
        found: Tensor = self.head(y.sum(0)) + state.c.sum((0, 2)).unsqueeze(-1)
        return found


def batch(step: int) -> Tensor:
    """The whole batch, NaN in its padding."""
    x = torch.randn(STEPS, len(LENGTHS), I, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
    x[torch.arange(STEPS).unsqueeze(1) >= LENGTHS] = torch.nan
    return x


def train(net: nn.Module, rows: slice) -> list[Tensor]:
    """Three steps on some rows of each batch; the last gradients and the parameters."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(3):
        optimizer.zero_grad()
        net(batch(step)[:, rows], LENGTHS[rows]).sin().mean().backward()
        optimizer.step()
    return [t.full_tensor() if isinstance(t, DTensor) else t for p in net.parameters() for t in (p.grad, p.detach())]


def main(kind: str, rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder / 'store'}", rank=rank, world_size=2)
    net: nn.Module = Net()
    if kind == "ddp":
        net = DistributedDataParallel(net)
    else:
        mesh = dist.init_device_mesh("cpu", (2,))
        fully_shard(net.encoder, mesh=mesh)
        fully_shard(net, mesh=mesh)
    half = len(LENGTHS) // 2
    found = train(net, slice(rank * half, (rank + 1) * half))
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
