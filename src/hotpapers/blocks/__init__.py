"""Building blocks that two papers or more use. A block exists only when two papers use it."""
