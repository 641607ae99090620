"""What decides how scores round, and how far the same bytes may score apart where it differs.

A matrix product's sums run in an order that its shape, the number of threads and the processor
choose. The encoder therefore gets micro-batches of one size, whatever the batch; what is left is
named here, kept in every report, and compared when a report is verified or merged.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

# images that the encoder is given at once, by kind of device: fewer round otherwise on CPUs with
# AMX, and more are not faster there
_MICRO_BATCHES = {"cpu": 8, "mps": 16, "cuda": 64}
_OTHER_MICRO_BATCH = 16
# largest differences of scores that rounding alone explains: docs/detector.md has what was measured
SAME_PRECISION, OTHER_PRECISION = 0.05, 0.2
# number of the functions that compute tokens, by precision, raised when these round otherwise; the
# first for bf16 cast weights at every call
_ENCODERS = {torch.float32: 1, torch.bfloat16: 2}
MOST_AT_ONCE, MOST_THREADS = 1024, 1024
_NATIVE = ("amx_bf16", "avx512_bf16", "arm_bf16", "bf16", "avx512_f", "avx2")


@dataclass(frozen=True)
class Arithmetic:
    """How a detector computes, as far as it decides the last digits of a score.

    Two detectors with the same adapter and backbone whose arithmetic is equal give equal scores.

    Attributes:
        device: kind of device: cpu, cuda, mps.
        precision: dtype of matrix products, ``bfloat16`` or ``float32``.
        micro_batch: images that the encoder is given at once.
        machine: model of the processor or card, and how a CPU multiplies.
        threads: of a CPU's matrix products; 0 on other devices.
        torch_version: of torch.
        encoder: number of the functions that compute tokens; versions that round alike share one.
    """

    device: str
    precision: str
    micro_batch: int
    machine: str
    threads: int
    torch_version: str
    encoder: int

    @classmethod
    def here(
        cls, device: torch.device, precision: torch.dtype, micro_batch: int | None = None
    ) -> "Arithmetic":
        """That of this machine.

        Args:
            device: where the encoder runs.
            precision: of its matrix products.
            micro_batch: images at once; None is the size that every scan on such a device has.
        """
        cpu = device.type == "cpu"
        usual = _MICRO_BATCHES.get(device.type, _OTHER_MICRO_BATCH)
        return cls(
            device=device.type,
            precision=str(precision).removeprefix("torch."),
            micro_batch=micro_batch or usual,
            machine=_machine(device),
            threads=torch.get_num_threads() if cpu else 0,
            torch_version=str(torch.__version__),
            encoder=_ENCODERS[precision],
        )

    def to_json(self) -> dict[str, Any]:
        """The form kept in a report's metadata."""
        return asdict(self)

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> "Arithmetic | None":
        """Read it out of a report's metadata.

        Returns:
            None where that does not hold all of it, or holds numbers that no detector has: a report
            may come from anywhere, and what it says is computed with.
        """
        try:
            found = cls(
                str(held["device"]),
                str(held["precision"]),
                int(held["micro_batch"]),
                str(held["machine"]),
                int(held["threads"]),
                str(held["torch_version"]),
                int(held.get("encoder", 1)),  # reports of 0.2.0 do not name it
            )
        except (KeyError, TypeError, ValueError):
            return None
        least = 1 if found.device == "cpu" else 0
        sane = 1 <= found.micro_batch <= MOST_AT_ONCE and least <= found.threads <= MOST_THREADS
        return found if sane else None

    def tolerance(self, other: "Arithmetic | None", precision: str | None = None) -> float:
        """Largest difference of scores that rounding explains.

        Args:
            other: that of the other scores; None where it is not known.
            precision: of the other scores where nothing else is known of them.

        Returns:
            0.0 for equal arithmetic.
        """
        if other == self:
            return 0.0
        theirs = other.precision if other else precision
        return SAME_PRECISION if theirs == self.precision else OTHER_PRECISION

    def differences(self, other: "Arithmetic") -> list[str]:
        """What is not the same, ``name mine, theirs``."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{n} {mine[n]}, {theirs[n]}" for n in mine if mine[n] != theirs[n]]


def cpu_capabilities() -> dict[str, Any]:
    """What torch knows of this CPU; empty where it does not tell."""
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return found


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return f"{platform.system()} {platform.machine()}"
    known = cpu_capabilities()
    native = (name for name in _NATIVE if known.get(name))
    best = next(native, torch.backends.cpu.get_cpu_capability())
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "")  # oneDNN then uses less than there is
    model = str(known.get("cpu_name") or platform.machine())
    return f"{model} {best}" + (f" limited to {limit}" if limit else "")
