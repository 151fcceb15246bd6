"""What Parley talks to, played on the loopback by code that Parley does not share."""
