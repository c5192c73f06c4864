"""A key for one start of the local compute processes: who cannot read its files cannot talk to them."""

import datetime
import os
from pathlib import Path
from typing import Any

ROLES = ("client", "scheduler", "worker")
NAME = "kernel-drift"


def make_certificate(folder: Path) -> dict[str, Any]:
    """Writes a new key and its certificate into the folder, and returns the options of Dask's `Security` that use them.

    One certificate serves all three roles and is the only one they trust. The options are plain values, and complete:
    nothing of the user's own Dask settings comes in.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    for path, text in zip((key, certificate), _pair(), strict=True):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    return {
        "require_encryption": True,
        "tls_ca_file": str(certificate),
        **{f"tls_{role}_cert": str(certificate) for role in ROLES},
        **{f"tls_{role}_key": str(key) for role in ROLES},
        "tls_ciphers": None,
        "tls_min_version": None,
        "tls_max_version": None,
    }


def _pair() -> tuple[bytes, bytes]:
    """A private key and a certificate of it signed with itself, both PEM. Takes milliseconds on an elliptic curve."""
    from cryptography import x509  # a tenth of a second, which only a start pays
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # It ends with its file. Dates would only make it end with the clock.
        .not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
