"""dtalk's calls: HTTP 200 for everything, and a code in an envelope."""
