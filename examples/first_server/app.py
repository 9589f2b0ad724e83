"""What the image serves until you put an app of your own in its place: an agent that echoes.

It costs nothing and needs no key. `worker=True`: it also goes on with runs that the process before
it left behind, which is what a deployment wants.
"""

from remit import Agent, App, EchoModel, declare

echo = Agent("echo", model="echo:any", instructions="You say what you were told.")


def app() -> App:
    """The app; its journal is the one that DATABASE_URL or REMIT_URL names."""
    prices = {"echo:*": declare("echo:any", input_usd="0", output_usd="0")}
    return App(agents=[echo], models={"echo": EchoModel()}, prices=prices, worker=True)
