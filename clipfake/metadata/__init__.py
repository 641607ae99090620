"""What the file itself says about where it came from; never mixed into the score.

May use: ``attribution``, ``imaging``, ``records``, ``errors``.
"""
