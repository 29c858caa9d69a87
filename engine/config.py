"""Where this user's own files live: the signing key and the program's memory, outside any lakehouse.

Layer: bottom of ``engine``. Invariant: the environment is read at each call, nothing is created.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

APPLICATION: Final = "pl-grizzly"


def config_dir() -> Path:
    """Return the folder of what the user chose and must not lose."""
    import platformdirs  # noqa: PLC0415 - a start that needs no folder does not pay for it

    return Path(platformdirs.user_config_dir(APPLICATION, appauthor=False))


def state_dir() -> Path:
    """Return the folder of what the program remembers, such as the shell's history."""
    import platformdirs  # noqa: PLC0415 - a start that needs no folder does not pay for it

    return Path(platformdirs.user_state_dir(APPLICATION, appauthor=False))


def key_path() -> Path:
    """Return the file of the user's signing key: ``$GRIZZLY_KEY``, else one in the config folder."""
    chosen = os.environ.get("GRIZZLY_KEY")
    return Path(chosen).expanduser() if chosen else config_dir() / "signing.key"


def trust_path() -> Path:
    """Return the file of the verifier keys that the user trusts, one a line."""
    return config_dir() / "trusted-keys"


def policy_path() -> Path:
    """Return the file of the user's policy: whose cosignatures a log must have to be opened."""
    return config_dir() / "policy"
