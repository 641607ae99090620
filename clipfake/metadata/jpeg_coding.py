"""What a JPEG's tables and header tell of its history."""

import numpy as np

from clipfake.metadata.containers.jpeg import JpegCoding

# ITU-T T.81, table K.1 in zigzag order
_LUMINANCE = (
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
)  # fmt: skip


def scaled_table(quality: int) -> tuple[int, ...]:
    """Luminance table that libjpeg makes for a quality of 1..100 (``jpeg_quality_scaling``)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(255, max(1, (value * scale + 50) // 100)) for value in _LUMINANCE)


_TABLES = np.array([scaled_table(quality) for quality in range(1, 101)])


def estimated_quality(table: tuple[int, ...]) -> tuple[int, bool]:
    """Quality of libjpeg's nearest luminance table, and whether the table is exactly that one."""
    distances = np.abs(_TABLES - np.asarray(table)).sum(1)[::-1]  # of equals, the highest quality
    nearest = int(distances.argmin())
    return 100 - nearest, bool(distances[nearest] == 0)


def subsampling(coding: JpegCoding) -> str | None:
    """Chroma subsampling as ``4:2:0``; None for other than three components or odd factors."""
    if len(coding.sampling) != 3 or coding.sampling[1] != coding.sampling[2]:
        return None
    (wide, high), (chroma_wide, chroma_high) = coding.sampling[0], coding.sampling[1]
    if not chroma_wide or not chroma_high or wide % chroma_wide or high % chroma_high:
        return None
    ratio = (wide // chroma_wide, high // chroma_high)
    names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}
    return names.get(ratio)
