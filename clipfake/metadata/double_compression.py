"""A hint that a JPEG was compressed twice, from the gaps that the first time leaves.

Coefficients that were once multiples of a coarse step and are then rounded to a finer one crowd
some values and leave out others, with a period (Popescu and Farid 2004, "Statistical Tools for
Digital Forensics", section 3). A second compression at the same quality, or one much coarser, hides
the first.
"""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipfake.metadata.containers.jpeg import read_jpeg

HINT_FROM = 6.0
_SIDE = 1024  # pixels of the middle that are looked at
_LEVELS = 40  # coefficients beyond this many steps are not counted
# the first nine AC coefficients in zigzag order: row and column
_MODES = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0))
_FILLED = 12  # levels that must occur for a histogram to tell anything
_WAVE = np.cos(np.pi * np.outer(np.arange(8), 2 * np.arange(8) + 1) / 16)
_DCT = _WAVE * np.where(np.arange(8)[:, None] == 0, np.sqrt(1 / 8), 0.5)


def periodicity(data: bytes) -> float | None:
    """How periodic the histograms of low frequencies are.

    Args:
        data: a JPEG that decodes, at most a few megapixels to be quick.

    Returns:
        Peak over median of the histograms' spectra, median over the frequencies; from
        ``HINT_FROM`` on a second compression is likely. None when the image says too little.

    Raises:
        OSError: Pillow cannot decode it.
    """
    _, coding = read_jpeg(data)
    table = coding.tables.get(0)
    if table is None:
        return None
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        image.draft("YCbCr", None)
        luma = np.asarray(image.convert("YCbCr"))[:, :, 0].astype(np.float64) - 128.0
    found = [_peak(levels) for levels in _levels(luma, table)]
    peaks = [peak for peak in found if peak is not None]
    return float(np.median(peaks)) if 2 * len(peaks) >= len(_MODES) - 1 else None


def _levels(luma: npt.NDArray[np.float64], table: tuple[int, ...]) -> list[npt.NDArray[np.int64]]:
    """Quantised coefficients of each mode, from 8 x 8 blocks on the image's own grid."""
    height, width = (side // 8 * 8 for side in luma.shape)
    top, left = (max(0, (side - _SIDE) // 16 * 8) for side in (height, width))
    part = luma[top : min(height, top + _SIDE), left : min(width, left + _SIDE)]
    rows, columns = part.shape[0] // 8, part.shape[1] // 8
    blocks = part.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    coefficients = _DCT @ blocks @ _DCT.T
    return [
        np.rint(coefficients[:, row, column] / max(1, table[order])).astype(np.int64)
        for order, (row, column) in enumerate(_MODES, start=1)
    ]


def _peak(levels: npt.NDArray[np.int64]) -> float | None:
    clipped = np.clip(levels, -_LEVELS, _LEVELS) + _LEVELS
    histogram = np.bincount(clipped, minlength=2 * _LEVELS + 1)[1:-1]
    if (histogram > 0).sum() < _FILLED:
        return None
    logs = np.log1p(histogram.astype(np.float64))
    detail = logs - np.convolve(logs, np.ones(9) / 9, "same")
    detail[_LEVELS - 2 : _LEVELS + 1] = 0.0  # the peak at zero is there in every image
    spectrum = np.abs(np.fft.rfft(detail * np.hanning(len(detail))))[8:]
    return float(spectrum.max() / (np.median(spectrum) + 1e-6))
