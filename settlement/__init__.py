"""Kiwi settlement: the shared domain and its stores."""
