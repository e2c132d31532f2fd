"""A pool of connections to one vendor."""

from __future__ import annotations

import urllib3

from careloom.vendor_kit.retry import RetryPolicy

USER_AGENT = "careloom"


def open_pool(policy: RetryPolicy, connections: int) -> urllib3.PoolManager:
    """At most so many connections at once; a caller beyond them waits. It repeats and follows nothing by itself."""
    timeout = urllib3.Timeout(connect=policy.connect_timeout, read=policy.read_timeout)
    return urllib3.PoolManager(maxsize=connections, block=True, retries=False, timeout=timeout)
