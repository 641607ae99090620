"""Measuring a detector on labelled images: data, scores, figures, robustness, bias, outputs.

May use: ``scanning`` and what lies below it.
"""
