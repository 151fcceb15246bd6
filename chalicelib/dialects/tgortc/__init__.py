"""TgoRTC (contract 003): ``/api/v1/*``, LiveKit rooms."""
