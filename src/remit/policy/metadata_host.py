"""Hosts where clouds tell machines their own secrets: refused whatever else is permitted."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network

from remit.policy.address import address_of

# Link-local networks and single addresses where clouds tell machines their own secrets: AWS, GCP,
# Azure and others; ECS and EKS; Alibaba; Azure's wire server; AWS over IPv6.
_METADATA = tuple(
    map(
        IPv4Network,
        ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
    )
)
_METADATA_V6 = tuple(map(IPv6Network, ("fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128")))
_NAT64 = IPv6Network("64:ff9b::/96")
_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data"})


def is_metadata(host: str) -> bool:
    """Whether a host is a cloud's metadata service, in any notation."""
    found = address_of(host)
    if found is None:
        return host in _NAMES
    if isinstance(found, IPv4Address):
        return any(found in network for network in _METADATA)
    # An IPv4 address inside one of IPv6: mapped, 6to4, and what NAT64 translates.
    inner = found.ipv4_mapped or found.sixtofour
    if found in _NAT64:
        inner = IPv4Address(int(found) & 0xFFFFFFFF)
    if inner is not None:
        return any(inner in network for network in _METADATA)
    return any(found in network for network in _METADATA_V6)
