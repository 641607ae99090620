"""The verdict: what the pixels and the file's own statements say together.

Facts are summed up (``declaration``), joined with what the score says by one table (``rules``), and
put into a sentence (``judge``). May use: ``attribution``, ``imaging``, ``records``, ``errors``.
"""
