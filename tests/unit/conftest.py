"""Hypothesis without a clock: how long an example takes depends on the machine and is no property of the code."""

from hypothesis import settings

settings.register_profile("kiwi", deadline=None, max_examples=200, print_blob=True)
settings.load_profile("kiwi")
