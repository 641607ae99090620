"""Where image formats keep metadata: each parser finds the blocks in their proper places."""
