"""OpenChat (contract 001): ``/im/api/v1/rtc/*``, rooms of two or of a group."""
