"""One folder a paper, all of one shape."""
