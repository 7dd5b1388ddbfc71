"""One stack: its home, its supervisor, and how it ends."""

import shutil

from local.home import Home, LocalSettings
from local.passwords import forget_passwords
from local.supervise import Supervisor


class Stack:
    """The stack of one home; `local.up` starts it, `local.status` looks at it."""

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self.home = Home.of(settings)
        self.supervisor = Supervisor(self.home)

    def down(self) -> None:
        """Stop everything that was started, and nothing else; wait until it is gone."""
        if self.home.run.exists():
            self.supervisor.shutdown()

    def clean(self) -> None:
        """Stop, and remove data, logs, reports and passwords; downloads stay."""
        self.down()
        for folder in (self.home.data, self.home.logs, self.home.run, self.home.report):
            shutil.rmtree(folder, ignore_errors=True)
        forget_passwords(self.home)
