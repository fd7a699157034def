"""A digest of hot papers in which every paper runs and every headline claim carries evidence."""

__version__ = "0.1.0"
