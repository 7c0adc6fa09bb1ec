"""Why Redis is not reached, in words: what OpenSSL and Redis say means something to few."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import redis

_OF_CERTIFICATE = {
    9: "is not valid yet: compare the clocks of both machines",
    10: "has expired: renew it",
    18: "is signed by itself and not known here: name it, or who signed it, by redis.ca_file",
    19: "is signed by somebody who is not known here: name their certificate by redis.ca_file",
    20: "is signed by somebody who is not known here: name their certificate by redis.ca_file",
    62: "is of another name than the address has: use a name that the certificate lists",
    64: "is not of that IP address: use a name or an address that the certificate lists",
}
"""Source: OpenSSL, X509_verify_cert_error_string, the numbers of X509_V_ERR_…"""

_OF_TLS = (
    ("CERTIFICATE_REQUIRED", "it wants a certificate of this process: redis.cert_file, key_file"),
    ("UNKNOWN_CA", "it does not know who signed this process's certificate (redis.cert_file)"),
    ("CERTIFICATE_EXPIRED", "this process's certificate (redis.cert_file) has expired: renew it"),
    ("KEY_VALUES_MISMATCH", "redis.key_file is not the key of redis.cert_file"),
    ("NO_CERTIFICATE_OR_CRL_FOUND", "redis.ca_file holds no certificate"),
    ("PEM lib", "redis.cert_file or redis.key_file holds none"),
    ("WRONG_VERSION_NUMBER", "no TLS is spoken there: it is the port for redis://, or no Redis"),
    ("RECORD_LAYER_FAILURE", "no TLS is spoken there: it is the port for redis://, or no Redis"),
)
"""Source: OpenSSL's reasons, as Python's `ssl.SSLError` names them; RFC 8446, section 6.2."""


def fault_of(error: BaseException) -> str:
    """Return why a connection was not made or has ended, as one half of a sentence."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError(verify_code=code) if code in _OF_CERTIFICATE:
                return f"its certificate {_OF_CERTIFICATE[code]}"
            case ssl.SSLCertVerificationError(verify_message=message):
                return f"its certificate is not believed: {message}"
            case ssl.SSLEOFError():  # what it says of that may be lost with the connection
                return (
                    "it hung up while the encryption was agreed on; it may want a certificate of "
                    "this process: redis.cert_file, key_file"
                )
            case ssl.SSLError():
                said = str(cause).upper()
                for word, meaning in _OF_TLS:
                    if word.upper() in said:
                        return meaning
            case TimeoutError() if "handshake" in str(cause):
                return (
                    "it took the connection and says nothing by TLS: is it the port for redis://?"
                )
            case redis.AuthenticationError():
                return (
                    f"it does not take the name or the password in its address ({cause}): see "
                    "`taskkit account`"
                )
    return str(error)


_OF_THE_WAY = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""What comes of a connection that ends, as when Redis is started anew."""


def is_of_tls(error: BaseException) -> bool:
    """Return whether the two sides did not agree on their encryption, which no waiting mends."""
    return any(
        isinstance(cause, ssl.SSLError) and not isinstance(cause, _OF_THE_WAY)
        for cause in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came of, the nearest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        for argument in error.args:
            if isinstance(argument, BaseException):
                yield argument
        error = error.__cause__ or error.__context__
