"""Businesses told of events: their endpoints, lanes, attempts, retries, replays."""
