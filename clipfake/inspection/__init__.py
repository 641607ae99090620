"""A close look at a few images: what a scan says, and what is too dear to say of every file.

May use: ``training`` (the reference set), ``scanning`` and what lies below it.
"""
