"""A loss that draws real images together: one distribution of real images, many of fakes."""

import torch
from torch.nn import functional


def real_contrast(
    tokens: torch.Tensor, is_ai: torch.Tensor, temperature: float = 0.1
) -> torch.Tensor:
    """Supervised contrastive loss with the real images as the only anchors and positives.

    Khosla et al. 2020 (arXiv 2004.11362), equation 2, without the anchors of the AI class:
    generators differ, so nothing pulls their images together.

    Args:
        tokens: float32 ``[N, K, W]``; the vector compared is the mean of the K
            layer-normalised tokens, of length 1.
        is_ai: float32 ``[N]``, 1 for AI.
        temperature: of the softmax.

    Returns:
        float32 scalar; 0 when there are fewer than two real images.
    """
    vectors = functional.layer_norm(tokens, tokens.shape[-1:]).mean(dim=1)
    vectors = functional.normalize(vectors, dim=1)
    real = is_ai < 0.5
    if int(real.sum()) < 2:
        return tokens.sum() * 0.0
    alike = vectors[real] @ vectors.T / temperature
    own = torch.eye(len(vectors), dtype=torch.bool, device=tokens.device)[real]
    log_share = alike - alike.masked_fill(own, -torch.inf).logsumexp(dim=1, keepdim=True)
    positive = real.expand(len(alike), -1) & ~own
    return -(log_share * positive).sum(dim=1).div(positive.sum(dim=1)).mean()
