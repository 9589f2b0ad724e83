"""`python -m remit.simulator`: the simulated provider as a process, for any language and tool."""

import argparse
import sys

from remit.errors import ConfigError
from remit.simulator.process import serve

_USAGE = 2  # the exit status of a mistake in what was asked for


def main() -> int:
    """Parse the arguments and serve; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m remit.simulator",
        description="A local model provider that follows a scenario. Prints its address as JSON.",
    )
    parser.add_argument(
        "--scenario", help="TOML or YAML file, or module:function; without one it echoes"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", help="refuse every other API key")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started it"
    )
    given = parser.parse_args()
    try:
        serve(
            given.scenario,
            host=given.host,
            port=given.port,
            key=given.key,
            until_stdin_closes=given.until_stdin_closes,
        )
    except ConfigError as exc:
        sys.stderr.write(f"{exc}\n")
        return _USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
