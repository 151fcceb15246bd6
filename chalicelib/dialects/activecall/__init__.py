"""Active Call's REST API: the sessions of all workers, and where ICE servers are."""
