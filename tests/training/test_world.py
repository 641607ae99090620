"""Training in several processes."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import multiprocessing

from clipfake.training.store import ImageStore
from clipfake.training.texture import Masking, Order
from clipfake.training.world import World
from tests.small import small_tower
from tests.training import test_loop

store = test_loop.store
WHOLE = replace(test_loop.OPTIONS, steps=2, masking=Masking(order=Order.NONE))


def test_parts_of_a_batch_are_whole_together() -> None:
    batch = list(range(7))
    for size in (1, 2, 3, 7, 9):
        parts = [World(rank, size).share(batch) for rank in range(size)]
        assert [row for part in parts for row in part] == batch
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_alone_nothing_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    world = World.join("cpu")
    assert world.first
    assert (world.rank, world.size) == (0, 1)
    assert world.add(2.5) == 2.5
    assert world.agree(2.5) == 2.5
    world.wait()
    world.leave()


def _train(rank: int, folder: Path, images: ImageStore) -> None:
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29531",
    }
    torch.set_num_threads(1)
    world = World.join("cpu")
    trainer = test_loop.trainer(small_tower(), WHOLE)
    trainer.world = world
    losses = test_loop.run(trainer, images)
    assert world.agree(float(rank)) == 0.0
    world.wait()
    torch.save((losses, dict(trainer.model.named_parameters())), folder / f"{rank}.pt")
    world.leave()


def test_two_processes_make_the_steps_of_one(store: ImageStore, tmp_path: Path) -> None:
    alone = test_loop.trainer(small_tower(), WHOLE)
    losses = test_loop.run(alone, store)
    multiprocessing.spawn(_train, (tmp_path, store), nprocs=2)
    for rank in range(2):
        their_losses, weights = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert their_losses == pytest.approx(losses, abs=1e-4)
        for name, value in alone.model.named_parameters():
            # float32 sums in another order, through two steps of AdamW
            assert torch.allclose(weights[name], value, atol=2e-4), name
