"""What a user sees while dlp compiles: one live line on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from typing import Any


class Progress:
    """Stages of one compilation, shown on stderr when that is a terminal.

    ```python
    with Progress("ResNet") as progress:
        progress.stage("capture")
        progress.stage("kernels", total=20)
        progress.update(done=3)
    ```
    Stages may come from any thread; leaving the context removes the line.
    """

    def __init__(self, title: str, enabled: bool | None = None) -> None:
        self.title = title
        self.enabled = sys.stderr.isatty() if enabled is None else enabled
        self._display: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if self.enabled:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                SpinnerColumn,
                TextColumn,
                TimeElapsedColumn,
            )
            from rich.progress import Progress as Display

            self._display = Display(
                SpinnerColumn(),
                TextColumn(f"dlp [bold]{self.title}[/bold] {{task.description}}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._display.start()
            self._task = self._display.add_task("", total=None)
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._display is not None:
            self._display.stop()
            self._display = None

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; `total` counts its parts where that is known."""
        if self._display is not None:
            self._display.reset(self._task, description=name, total=total)

    def update(self, done: int, total: int | None = None) -> None:
        """`done` parts of the stage are finished."""
        if self._display is not None:
            self._display.update(self._task, completed=done, total=total)


SILENT = Progress("", enabled=False)
"""For compilations that nobody watches."""
