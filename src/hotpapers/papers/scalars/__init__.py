"""Scalars are universal."""
