"""Text of EXIF's UserComment and of comments that no standard gives an encoding."""

import unicodedata

_CODE = 8  # bytes that name the encoding (Exif 2.32, 4.6.5)
_CODES = (b"UNICODE", b"ASCII", b"JIS")
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SAMPLE = 4096  # bytes by which an encoding is told
_PRINTED = bytes((9, 10, 13, *range(32, 127)))
_ODD = ("Cc", "Cn", "Co", "Cs")  # controls, and what is no character


def user_comment(value: bytes) -> str:
    """Text of a UserComment, whose first 8 bytes name its encoding (Exif 2.32 and 3.0, 4.6.5).

    ``UNICODE`` is UTF-16 of either byte order, whatever that of the block, or UTF-8 since Exif
    3.0. Writers err in all of this, so the bytes decide; a code of zeros leaves the encoding open,
    and some writers leave the code out.
    """
    head = value[:_CODE].rstrip(b"\x00 ").upper()
    if head in _CODES and len(value) >= _CODE:
        body = value[_CODE:]
        if head == b"JIS" and b"\x1b" in body:
            return body.decode("iso2022_jp", errors="replace")
        return decoded(body, wide=head == b"UNICODE")
    return decoded(value[_CODE:] if value[:_CODE] == bytes(_CODE) else value)


def decoded(body: bytes, *, wide: bool = False) -> str:
    """Text of bytes of an unknown encoding: UTF-8, UTF-16 of either byte order, or Latin-1.

    Args:
        body: the bytes.
        wide: what is no UTF-8 is UTF-16, were it Latin letters for the most part.
    """
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    plain = body.rstrip(b"\x00")
    zeros = plain.count(0)
    if 8 * zeros < max(len(plain), 1):
        try:
            return plain.decode("utf-8")
        except UnicodeDecodeError:
            if not wide and not zeros and 4 * len(plain.translate(None, _PRINTED)) < len(plain):
                return plain.decode("latin-1")
    if len(body) < 2:
        return plain.decode("latin-1")
    # text of the web has its zeros in one half; other texts are told by what is no character
    halves = plain[0::2].count(0), plain[1::2].count(0)
    if halves[0] == halves[1]:
        halves = _oddness(plain, "utf-16-le"), _oddness(plain, "utf-16-be")
    return body.decode("utf-16-be" if halves[0] > halves[1] else "utf-16-le", errors="replace")


def _oddness(body: bytes, encoding: str) -> int:
    text = body[:_SAMPLE].decode(encoding, errors="replace")
    return sum(c == "\ufffd" or unicodedata.category(c) in _ODD for c in text)
