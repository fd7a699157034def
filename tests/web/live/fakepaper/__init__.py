"""A paper whose verbs are quick, slow or naughty on purpose."""
