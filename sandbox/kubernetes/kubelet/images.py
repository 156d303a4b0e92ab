"""Says what an image holds: what it starts, and which programs a command in its container finds."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TOOLS = (
    *("awk", "bash", "cat", "cut", "date", "echo", "env", "false", "grep", "head", "hostname", "id", "ls", "printenv"),
    *("sed", "sh", "sleep", "sort", "tail", "tar", "test", "timeout", "tr", "true", "wc"),
    *("base64", "df", "mkdir", "mv", "rm", "sha256sum", "sync"),
)


@dataclass(frozen=True)
class Image:
    """`entrypoint` is what runs where a container names no command.

    `programs` are, by name, the paths of programs of this machine, or the text of a script. The usual tools of a small
    Linux image are there as well, and nothing else is: no ping, and redis-cli only where it is named.
    """

    entrypoint: tuple[str, ...]
    programs: Mapping[str, Path | str] = field(default_factory=dict)

    def unpack(self, folder: Path) -> None:
        """Make the folder that is the whole PATH of its containers."""
        folder.mkdir(parents=True)
        for name in _TOOLS:
            if found := shutil.which(name):
                (folder / name).symlink_to(found)
        for name, program in self.programs.items():
            if isinstance(program, Path):
                (folder / name).symlink_to(program)
            else:
                (folder / name).write_text(program)
                (folder / name).chmod(0o755)


class NoSuchProgram(Exception):  # noqa: N818 - named for what the container runtime says
    """The image has no such program; the message is the container runtime's."""


def find_program(folder: Path, command: str) -> str:
    """The path of a command in an unpacked image; an absolute path means the program of that name.

    Raises:
        NoSuchProgram: there is none.
    """
    name = command.rpartition("/")[2]
    if name and (folder / name).exists():
        return str(folder / name)
    if "/" in command:
        raise NoSuchProgram(f'exec: "{command}": stat {command}: no such file or directory')
    raise NoSuchProgram(f'exec: "{command}": executable file not found in $PATH')
