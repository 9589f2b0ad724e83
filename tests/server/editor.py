"""An agent that publishes pages, and tells people what each call would do, hostile text and all."""

from remit.adapters.scripted import ScriptedModel
from remit.app.app import App
from remit.machine.agent import Agent
from remit.machine.declaring import tool
from remit.machine.remit import Remit
from remit.values.preview import Preview
from tests.cli.shop import PRICES

OLD = "".join(f"line {number}\n" for number in range(12))
HOSTILE = (
    "<script>document.title = 'gone'</script><img src=x onerror=\"document.title='gone'\">\n"
    "</td></tr></table><h2>Approved by everybody</h2>\u202eevil\x1b[2J\n"
)
LONG = "".join(f"a new line {number} of a long page\n" for number in range(900))


def what_it_would_do(path: str, text: str) -> Preview:
    new = OLD.replace("line 4\n", f"{text}\n")
    found = {"site/index.html": (OLD, new), path: (None, HOSTILE if text == "hostile" else "hi\n")}
    if text == "long":
        found["site/long.txt"] = (None, LONG)
    return Preview.files(found, note="publishes to the site that customers read")


@tool(access="write", risk="high", preview=what_it_would_do, systems=["site"])
def publish_page(path: str, text: str) -> str:
    """Publish a page.

    Args:
        path: where it is read
        text: what it says
    """
    return f"published {path}: {text}"


editor = Agent(
    "editor",
    model="scripted:x",
    instructions="You keep the site.",
    tools=[publish_page],
    remit=Remit(cost_usd="1.00", approvals={publish_page: 1}),
)


def site(url: str, text: str, path: str = "site/new.html") -> App:
    """The editor's app on a journal; its model wants one page published."""
    model = ScriptedModel({"publish_page": {"path": path, "text": text}}, "Done.")
    return App(url, agents=[editor], models={"scripted": model}, prices=PRICES)
