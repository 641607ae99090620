"""What the file itself says about where it came from; never mixed into the score."""
