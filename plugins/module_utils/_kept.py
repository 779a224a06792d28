# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""A file on the controller that a task keeps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ._routing import _checks as checks
from ._runner import InputError

# With the umask, as any file that a user writes; or for its owner alone.
SHARED, PRIVATE = 0o666, 0o600


def keep(dest: Any, text: str, mode: int, *, check_mode: bool) -> tuple[bool, dict[str, str]]:
    """Write a file, whole or not at all: whether it changes, and the diff. Nothing without a dest. Raises InputError."""
    if checks.blank(dest):
        return False, {"before": "", "after": ""}
    path = Path(str(dest))
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if before != text and not check_mode:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
    except OSError as error:
        raise InputError([f"dest: '{dest}' cannot be written: {error.strerror}; name a file in a folder on the controller."]) from error
    return before != text, {"before_header": str(path), "after_header": str(path), "before": before or "", "after": text}
