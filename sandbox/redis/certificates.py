"""Makes a throw-away certificate authority and one certificate for all servers of a topology."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: what clients trust, and what the servers show."""

    ca_file: Path
    cert_file: Path
    key_file: Path


def create(directory: Path, hosts: tuple[str, ...]) -> TlsFiles:
    """Write the files; the certificate is good for each of `hosts` (IP addresses) for one day."""
    # Only tests use TLS, and the library is only theirs: the demo runs without it.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name.from_rfc4514_string("CN=Tandem sandbox CA")
    now = dt.datetime.now(dt.UTC)

    def builder(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    ca = builder(ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host)) for host in hosts])
    leaf = builder(x509.Name.from_rfc4514_string("CN=redis"), key.public_key()).add_extension(names, critical=False)
    files = TlsFiles(directory / "ca.crt", directory / "redis.crt", directory / "redis.key")
    pem = serialization.Encoding.PEM
    files.ca_file.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    files.cert_file.write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    files.key_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    return files
