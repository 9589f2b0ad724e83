"""Tests hear what a hub is handed, in its order."""

from remit.runtime.hub import Hub, StreamItem


def heard(hub: Hub, tenant: str, root: str) -> list[StreamItem]:
    """What is published of a tree from now on, which somebody reads from now on."""
    items: list[StreamItem] = []
    publish = hub.publish

    def noted(of_tenant: str, of_root: str, item: StreamItem) -> None:
        if (of_tenant, of_root) == (tenant, root):
            items.append(item)
        publish(of_tenant, of_root, item)

    vars(hub)["publish"] = noted
    hub.listen(tenant, root)
    return items
