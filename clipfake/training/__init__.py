"""What training needs and scanning does not.

May use: ``scanning`` (its processes and its reader) and what lies below it.
"""
