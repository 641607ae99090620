"""Which generator made an image: families, their generators' names, and the joined answer.

May use: ``records``.
"""
