"""The loss that CLIP was pretrained with, where many images have one caption.

InfoNCE over a batch of pairs (Radford et al. 2021, arXiv 2103.00020, figure 3) takes the caption
of every other image for a wrong one. Captions that name a class are shared by many images of a
batch, so many of these would be right. Here each distinct caption stands once, and all pairs of a
class are positives, averaged outside the logarithm (Khosla et al. 2020, arXiv 2004.11362,
equation 2).
"""

import torch
from torch.nn import functional


def caption_loss(
    images: torch.Tensor,
    captions: torch.Tensor,
    scale: torch.Tensor,
    of_image: torch.Tensor,
    of_caption: torch.Tensor,
) -> torch.Tensor:
    """Half the loss from images to captions, half that from captions to images.

    With the similarity ``s(i, c) = scale * z_i . t_c`` and the positives of the same class::

        L_images   = mean_i  -1/|P(i)| sum_{c in P(i)} log( exp s(i, c) / sum_d exp s(i, d) )
        L_captions = mean_c  -1/|P(c)| sum_{i in P(c)} log( exp s(i, c) / sum_j exp s(j, c) )

    ``d`` runs over all captions there are, whether or not the batch has images of them; so
    ``L_images`` with one caption a class is the cross-entropy of a cosine classifier. ``j`` runs
    over the images of the batch; captions without an image there are left out of ``L_captions``,
    whose least value is not 0, but the mean of ``log |P(c)|``.

    Args:
        images: ``[B, E]``, of unit length.
        captions: ``[C, E]``, of unit length, each distinct caption once.
        scale: what cosines are multiplied by.
        of_image: int64 ``[B]``, class of each image; each has a caption.
        of_caption: int64 ``[C]``, class of each caption.

    Returns:
        The loss, a scalar.
    """
    similar = scale * images @ captions.T
    positive = (of_image[:, None] == of_caption[None, :]).to(similar.dtype)
    to_captions = functional.log_softmax(similar, dim=1) * positive
    to_images = functional.log_softmax(similar, dim=0) * positive
    from_images = -(to_captions.sum(dim=1) / positive.sum(dim=1)).mean()
    present = positive.sum(dim=0) > 0
    from_captions = -(to_images.sum(dim=0)[present] / positive.sum(dim=0)[present]).mean()
    return (from_images + from_captions) / 2
