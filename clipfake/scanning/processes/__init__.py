"""Worker processes: tasks over pipes, what ends a process, and its last words.

Nothing here knows of images but for the limits of one. May use: ``imaging``, ``errors``.
"""
