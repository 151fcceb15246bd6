"""Receivers of webhooks that do all that a client must survive, and their papers."""

import datetime
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.demo_webhooks.hostile import Caller, Manner, Request, answer

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
LONG = datetime.timedelta(days=365 * 60)
EXPIRED = START + datetime.timedelta(days=30)


def answers(*parts: bytes, stays: bool = False) -> Manner:
    """Reads the request, then sends these."""

    def serve(caller: Caller) -> None:
        caller.read()
        for part in parts:
            caller.send(part)
        if stays:
            caller.stay()

    return serve


def keeps(requests: list[Request], status: str = "200 OK") -> Manner:
    """Remembers what came, and answers well."""

    def serve(caller: Caller) -> None:
        request = caller.read()
        if request is not None:
            requests.append(request)
            caller.send(answer(status))

    return serve


def drips(data: bytes, seconds: float) -> Manner:
    def serve(caller: Caller) -> None:
        caller.read()
        caller.drip(data, seconds)

    return serve


def floods(data: bytes, first: bytes = b"") -> Manner:
    """The same without end."""

    def serve(caller: Caller) -> None:
        caller.read()
        caller.send(first)
        while not caller.is_over.is_set():
            caller.send(data)

    return serve


def is_silent(caller: Caller) -> None:
    caller.stay()


def resets(caller: Caller) -> None:
    caller.read()
    caller.reset()


def resets_at_once(caller: Caller) -> None:
    caller.reset()


def leaves(caller: Caller) -> None:
    caller.read()


def leaves_at_once(caller: Caller) -> None:
    """Without having read anything."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates that whoever believes it believes."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Parley's tests")
        builder = (
            _builder(name, name, key.public_key(), START + LONG)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
        )
        return cls(folder, key, builder.sign(key, hashes.SHA256()))

    def believer(self) -> ssl.SSLContext:
        """A client's that believes this one and nobody else."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(
        self,
        *names: str,
        until: datetime.datetime = START + LONG,
        is_self_signed: bool = False,
        told: Callable[[str | None], None] = lambda name: None,
    ) -> ssl.SSLContext:
        """A server's, with a certificate for the names; ``told`` hears the SNI."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0])
        issuer = subject if is_self_signed else self.certificate.subject
        signer = key if is_self_signed else self.key
        signed = (
            _builder(subject, issuer, key.public_key(), until)
            .add_extension(x509.SubjectAlternativeName(list(map(_san, names))), False)
            .sign(signer, hashes.SHA256())
        )
        path = self.folder / f"{signed.serial_number}.pem"
        path.write_bytes(_pem(key) + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.sni_callback = lambda connection, name, _: told(name)
        return context


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(until)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
