"""JUMBF boxes (ISO 19566-5): whether one is a C2PA manifest store."""

# type of the superbox that holds a manifest store: "c2pa" and the JUMBF suffix (C2PA 2.1, 11.1.4)
_STORE = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"


def is_manifest_store(box: bytes) -> bool:
    """Whether a box is a JUMBF superbox whose description box has the type and label of C2PA."""
    if len(box) < 33 or box[4:8] != b"jumb" or box[12:16] != b"jumd":
        return False
    inner = int.from_bytes(box[8:12], "big")
    label = box[33 : 8 + inner].split(b"\x00")[0]
    return box[16:32] == _STORE and label == b"c2pa" and 8 + inner <= len(box)
