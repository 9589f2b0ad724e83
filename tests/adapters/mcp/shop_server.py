"""A real MCP server made with the official SDK: `stdio`, or `http PORT`."""

import os
import sys

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("shop")
DESCRIPTION = os.environ.get("SHOP_TEXT", "Find an order.")


@server.tool(description=DESCRIPTION)
def find_order(number: int, note: str = "") -> str:
    """Find an order."""
    if number == 404:
        raise ValueError(f"no order {number}")
    if number == 500:
        os._exit(3)
    return f"order {number} {note}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def tell_environment() -> dict[str, str]:
    """Tell all that this process was given."""
    return dict(os.environ)


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
