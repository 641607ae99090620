"""Measuring a detector on labelled images: data, scores, figures, robustness, bias, outputs."""
