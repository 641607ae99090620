"""Patch evidence: how far each patch of an image moves the detector's logit.

It is the first-order effect of hiding a patch. To attend to patch ``p`` with a bias ``b_p`` (0 as
it is, minus infinity when hidden) makes the logit a function of ``b``; its gradient at 0 says what
each patch contributes, through every block that the head reads and through the head itself. One
pass forward and one back.
"""

import numpy as np
import numpy.typing as npt
import torch

from clipfake.detector.detector import Detector
from clipfake.detector.forward import block_tokens


def patch_evidence(detector: Detector, pixels: torch.Tensor) -> npt.NDArray[np.float32]:
    """What each patch adds to the logit; above zero it speaks for AI, below for real.

    The tower runs in float32, one image at a time, whatever precision the detector scores in.

    Args:
        detector: whose logit it is.
        pixels: uint8 RGB ``[N, 3, S, S]``.

    Returns:
        float32 ``[N, S / patch size, S / patch size]``, in units of the calibrated logit.
    """
    adapter, backbone = detector.adapter, detector.backbone
    side = backbone.image_size // backbone.patch_size
    scale = adapter.calibration.a
    maps = []
    for image in pixels:
        bias = torch.zeros(1, 1, 1, 1 + side * side, device=detector.device, requires_grad=True)
        with torch.enable_grad():
            square = image[None].to(detector.device)
            tokens = block_tokens(backbone, square, adapter.blocks, bias=bias)
            adapter.head.logits(tokens).sum().backward()  # type: ignore[no-untyped-call]
        assert bias.grad is not None  # noqa: S101 it was asked for, four lines above
        maps.append(scale * bias.grad[0, 0, 0, 1:].view(side, side).cpu())
    return torch.stack(maps).numpy()


def hidden_logits(
    detector: Detector, pixels: torch.Tensor, kept: torch.Tensor
) -> npt.NDArray[np.float64]:
    """Calibrated logits of one image with patches hidden, in float32.

    Args:
        detector: whose logits they are.
        pixels: uint8 RGB ``[3, S, S]``.
        kept: int64 ``[N, K]``, the patches that are seen, of each of ``N`` variants.

    Returns:
        float64 ``[N]``.
    """
    device, adapter = detector.device, detector.adapter
    many = pixels[None].expand(len(kept), -1, -1, -1).to(device)
    with torch.inference_mode():
        visible = kept.to(device)
        tokens = block_tokens(detector.backbone, many, adapter.blocks, kept=visible)
        logits = adapter.head(tokens)
    platt = adapter.calibration
    return platt.a * logits + platt.b
