"""Measuring a detector on labelled images: data, scores, figures, robustness, bias, outputs.

May use: ``training`` (adding and leaving out generators), ``scanning`` and what lies below them.
"""
