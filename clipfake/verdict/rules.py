"""The table of rules that joins a declaration with what the pixels say."""

from enum import Enum

from clipfake.records import Verdict
from clipfake.verdict.declaration import Declared


class Basis(str, Enum):
    """What a verdict rests on."""

    PIXELS = "pixels"
    DECLARED = "declared"
    BOTH = "both"
    CONFLICT = "conflict"


# Rows: what is declared, by a specific or cryptographic fact, or by a camera's EXIF. Columns: what
# the pixels say; None when they were not looked at. A camera never makes an image real, and a
# composite is neither wholly real nor wholly synthetic.
RULES: dict[tuple[Declared, Verdict | None], tuple[Verdict, Basis]] = {
    (Declared.AI, Verdict.AI): (Verdict.AI, Basis.BOTH),
    (Declared.AI, Verdict.INCONCLUSIVE): (Verdict.AI, Basis.DECLARED),
    (Declared.AI, Verdict.REAL): (Verdict.AI, Basis.CONFLICT),
    (Declared.AI, None): (Verdict.AI, Basis.DECLARED),
    (Declared.COMPOSITE, Verdict.AI): (Verdict.AI, Basis.BOTH),
    (Declared.COMPOSITE, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.DECLARED),
    (Declared.COMPOSITE, Verdict.REAL): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.COMPOSITE, None): (Verdict.INCONCLUSIVE, Basis.DECLARED),
    (Declared.CAMERA, Verdict.AI): (Verdict.AI, Basis.CONFLICT),
    (Declared.CAMERA, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.PIXELS),
    (Declared.CAMERA, Verdict.REAL): (Verdict.REAL, Basis.BOTH),
    (Declared.CAMERA, None): (Verdict.INCONCLUSIVE, Basis.DECLARED),
    (Declared.CONFLICTING, Verdict.AI): (Verdict.AI, Basis.CONFLICT),
    (Declared.CONFLICTING, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.CONFLICTING, Verdict.REAL): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.CONFLICTING, None): (Verdict.INCONCLUSIVE, Basis.CONFLICT),
    (Declared.NONE, Verdict.AI): (Verdict.AI, Basis.PIXELS),
    (Declared.NONE, Verdict.INCONCLUSIVE): (Verdict.INCONCLUSIVE, Basis.PIXELS),
    (Declared.NONE, Verdict.REAL): (Verdict.REAL, Basis.PIXELS),
}
