"""Simulator of the national site."""
