"""Errors that end a run, and those that only spoil one measurement."""


class BenchError(Exception):
    """The bench cannot go on; the message says what to do."""


class Invalid(Exception):
    """This measurement does not count; the message says why."""


class Unable(Exception):
    """A contestant cannot do this at all; the message says why."""
