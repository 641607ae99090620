"""Archives, scanned where they lie: members are listed and read, nothing is unpacked to disk."""
