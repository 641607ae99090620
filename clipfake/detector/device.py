"""Where the encoder runs, in which precision, and how many images at once."""

import contextlib
from collections.abc import Iterator

import torch

from clipfake.detector.arithmetic import cpu_capabilities
from clipfake.errors import UsageError

PRECISIONS = ("auto", "fp32", "bf16")

# files that are read for one turn of the encoder: a few micro-batches, the last of which is padded
_BATCHES = {"cpu": 32, "mps": 64, "cuda": 256}
_OTHER_BATCH = 64


def pick_device(name: str = "auto") -> torch.device:
    """Choose the device: CUDA, else MPS, else the CPU.

    Args:
        name: ``auto`` or a torch device such as ``cpu``, ``cuda:1``, ``mps``.

    Raises:
        UsageError: no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not is_available(name):
        raise UsageError(f"device {name!r} is not available here; try --device cpu")
    return torch.device(name)


def is_available(name: str) -> bool:
    """Whether a torch device can be used here."""
    try:
        torch.empty(1, device=torch.device(name))
    except (RuntimeError, AssertionError, NotImplementedError):
        return False
    return True


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Choose the precision of matrix products; everything else is float32.

    ``auto`` is bf16 on CPUs that multiply bf16 natively, and float32 elsewhere.

    Args:
        name: one of ``PRECISIONS``.
        device: where the encoder runs.

    Raises:
        UsageError: an unknown name.
    """
    if name not in PRECISIONS:
        raise UsageError(f"precision {name!r} is unknown; give one of {', '.join(PRECISIONS)}")
    if name == "auto":
        native = device.type == "cpu" and _cpu_multiplies_bf16()
        return torch.bfloat16 if native else torch.float32
    return torch.bfloat16 if name == "bf16" else torch.float32


def pick_training_precision(name: str, device: torch.device) -> torch.dtype:
    """Choose the precision of matrix products in training; weights and updates are float32.

    Args:
        name: one of ``PRECISIONS``; ``auto`` is bf16 wherever the device multiplies it natively,
            since training need not give the same numbers whatever the batch.
        device: where the encoder is trained.

    Raises:
        UsageError: an unknown name.
    """
    if name == "auto" and device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return pick_precision(name, device)


@contextlib.contextmanager
def encoding(device: torch.device, precision: torch.dtype) -> Iterator[None]:
    """Inference mode with matrix products in the given precision."""
    lower = precision == torch.bfloat16
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=lower):
        yield


def pick_batch_size(device: torch.device) -> int:
    """Files that suit one turn of the encoder on such a device."""
    return _BATCHES.get(device.type, _OTHER_BATCH)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a batch was too large for the device."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text
    )


def _cpu_multiplies_bf16() -> bool:
    capabilities = cpu_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))
