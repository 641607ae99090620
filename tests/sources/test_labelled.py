"""Labels as programs write them."""

import numpy as np
import pytest

from clipfake.errors import UsageError
from clipfake.sources.labelled import is_ai_label

AI = [1, 1.0, True, np.float32(1), np.int8(1), "1", "1.0", "1.00", "True", "true", "fake", " AI "]
REAL = [0, 0.0, False, np.float32(0), "0", "0.0", "-0.0", "False", "REAL", "nature", "real\n"]


@pytest.mark.parametrize("label", AI, ids=repr)
def test_labels_of_generated_images(label: object) -> None:
    assert is_ai_label(label, "a.png") is True


@pytest.mark.parametrize("label", REAL, ids=repr)
def test_labels_of_real_images(label: object) -> None:
    assert is_ai_label(label, "a.png") is False


@pytest.mark.parametrize("label", [None, "", "2", 0.5, "nan", "inf", -1, "yes", "1,0"], ids=repr)
def test_other_labels_are_refused(label: object) -> None:
    with pytest.raises(UsageError, match=r"a\.png: label .* is unknown; use real or fake"):
        is_ai_label(label, "a.png")
