"""A client's key, which signs as dtalk's clients do."""

import base64
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from chalicelib.dialects.dtalk.signature import address_of


@dataclass
class Signer:
    """One user, known by the address of its key."""

    number: int
    """The private key; any will do."""
    key: ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = ec.derive_private_key(self.number, ec.SECP256K1())

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )

    @property
    def uid(self) -> str:
        return address_of(self.public_key)

    def sign(self, at_ms: int, what: str = "dtalk") -> str:
        """The header's value."""
        meta = f"{at_ms}*{what}"
        der = self.key.sign(meta.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        raw = r.to_bytes(32) + s.to_bytes(32) + b"\1"
        return "#".join([base64.b64encode(raw).decode(), meta, self.public_key.hex()])
