"""`read_result`: the built-in read through which a model pages in a result that was cut."""

from remit.machine.call import Call
from remit.machine.declaring import tool

READ_RESULT = "read_result"


@tool(name=READ_RESULT, access="read", timeout="30s")
async def read_result(call: Call, artifact: str, offset: int = 0) -> str:
    """Reads on in a tool's result that was cut because it is long.

    Args:
        artifact: the artifact's name, as the note at the cut gives it
        offset: the number of the first character to read, counted from 0
    """
    return await call.read_result(artifact, offset)
