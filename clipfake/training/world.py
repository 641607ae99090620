"""Training on several devices: one process each, as `torchrun` starts them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import distributed

from clipfake.detector.device import pick_device

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """The processes that train together; alone by default.

    Every process draws the same batches and takes a part of each, gradients are added up, so all
    hold the same weights. The first one alone writes files and speaks.

    Attributes:
        rank: number of this process, 0 is the first.
        size: how many there are.
        device: where this process trains.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def join(cls, device: str) -> "World":
        """Meet the others that torchrun started; alone when it started none.

        Args:
            device: as ``Detector.load`` takes it. Of several CUDA devices each process takes its
                own. NCCL joins CUDA devices, Gloo all others.

        Raises:
            UsageError: there is no such device.
        """
        chosen = pick_device(device)
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls(device=chosen)
        if chosen.type == "cuda":
            chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(chosen)
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size(), chosen)

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def share(self, batch: list[T]) -> list[T]:
        """This process's part of a batch, in order; parts differ by one at most."""
        count = len(batch)
        return batch[self.rank * count // self.size : (self.rank + 1) * count // self.size]

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by the sum over all processes."""
        if self.size > 1:
            for parameter in parameters:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                distributed.all_reduce(parameter.grad)

    def add(self, value: float) -> float:
        """The sum of a number over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return float(total)

    def agree(self, value: float) -> float:
        """The first process's number, in all of them."""
        return self.add(value if self.first else 0.0)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            distributed.barrier()

    def leave(self) -> None:
        """End the common work."""
        if self.size > 1:
            distributed.destroy_process_group()


ALONE = World()
