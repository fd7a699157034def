"""The errors that hotpapers raises on purpose.

Each message is one line that names the thing, the problem and the mend. The command line prints it and leaves with
``exit_code``; the web answers with ``http_status``. Everything else that is raised is a defect of ours.
"""


class HotpapersError(Exception):
    """The root: something went wrong that the user can understand."""

    exit_code = 1
    http_status = 500


class BadInput(HotpapersError):
    """What the user gave cannot be used: a file, a value, a name."""

    exit_code = 2
    http_status = 422


class MissingExtra(HotpapersError):
    """A library that this job needs is not installed."""

    exit_code = 2
    http_status = 501

    def __init__(self, what: str, extras: tuple[str, ...]) -> None:
        self.extras = extras
        super().__init__(f'{what} needs libraries that are not installed: pip install "hotpapers[{",".join(extras)}]"')


class Interrupted(HotpapersError):
    """The user stopped a run; what it had is saved and the message says how to go on."""

    exit_code = 130
