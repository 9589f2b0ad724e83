"""Who sits at the command line: the user that the operating system vouches for."""

import os
import pwd

CHANNEL = "cli"


def user_name() -> str:
    """The name of the process's real user; environment variables have no say."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a user without an entry, as in many containers
        return f"uid-{uid}"


def principal() -> str:
    """The user as an approver: `local:` and the name."""
    return f"local:{user_name()}"
