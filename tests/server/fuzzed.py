"""The app that the fuzzer talks to: its agents have the names that a fuzzer thinks of first."""

from remit import Agent, App, EchoModel, declare

agents = [Agent(name, model="echo:x", instructions="You echo.") for name in ("0", "a", "A")]


def make() -> App:
    """The app; its journal is named by the environment."""
    prices = {"echo:*": declare("echo:x", input_usd="1", output_usd="2")}
    return App(agents=agents, models={"echo": EchoModel()}, prices=prices)
