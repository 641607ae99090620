"""Generators of images, recognised by what they write beside the pixels."""
