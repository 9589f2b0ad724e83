"""The API of agents: what each can do, how much it can spend, who approves its actions."""

from remit.machine.agent import Agent
from remit.machine.tools import AnyTool
from remit.server.api.shapes import Shape, usd
from remit.server.route import Ask, Nothing, api
from remit.server.starting import agent_named


class ToolView(Shape):
    """A tool of an agent."""

    name: str
    description: str
    access: str
    risk: str
    can_be_undone: bool


class AgentView(Shape):
    """An agent as it is declared in this deployment."""

    name: str
    description: str
    owner: str
    models: tuple[str, ...]
    tools: tuple[ToolView, ...]
    agents: tuple[str, ...]
    cost_usd: str
    turns: int
    tool_calls: int
    timeout_s: int


class Agents(Shape):
    """All agents, by name; those that undo and sub-agents too."""

    agents: tuple[AgentView, ...]


async def list_agents(ask: Ask[Nothing, Nothing]) -> Agents:
    """The agents that can be started here."""
    found = sorted(ask.app.agents.items())
    return Agents(agents=tuple(_view(agent) for _, agent in found))


async def show_agent(ask: Ask[Nothing, Nothing]) -> AgentView:
    """One agent."""
    return _view(agent_named(ask, ask.path["agent"]))


def _view(agent: Agent[object]) -> AgentView:
    limits = agent.remit.limits()
    return AgentView(
        name=agent.name,
        description=agent.description,
        owner=agent.remit.owner,
        models=tuple(name for name, _ in agent.models),
        tools=tuple(_tool(each) for each in agent.tools),
        agents=tuple(each.name for each in agent.agents),
        cost_usd=usd(limits.cost_nano),
        turns=limits.turns,
        tool_calls=limits.tool_calls,
        timeout_s=limits.timeout_ms // 1000,
    )


def _tool(each: AnyTool) -> ToolView:
    return ToolView(
        name=each.name,
        description=each.spec.description,
        access=each.spec.access,
        risk=each.spec.risk,
        can_be_undone=each.undo is not None,
    )


ROUTES = (
    api("GET", "/api/v1/agents", list_agents, needs="viewer", tenant="one", gives=Agents),
    api("GET", "/api/v1/agents/{agent}", show_agent, needs="viewer", tenant="one", gives=AgentView),
)
