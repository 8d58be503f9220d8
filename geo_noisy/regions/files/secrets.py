"""Signatures and passwords in addresses: they open a file today, and must not be stored."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SIGNS = re.compile(r'(?i)sig|signature|(access_)?token|(api_?|subscription-)?key|awsaccesskeyid|key-pair-id|policy')
_OF_SIGNATURES = re.compile(r'(?i)x-(amz|goog|oss|cos)-.*')
_BESIDE = tuple('se sp sv st sr skoid sktid skt ske sks skv spr sip ss srt expires'.split())  # noqa: SIM905
"""What stands beside ``sig`` in Azure's addresses, and beside ``Signature`` in others."""


def without_signature(address: str) -> str:
    """An address without its signature, user and password; a path is left as it is."""
    if '://' not in address:
        return address
    parts = urlsplit(address)
    host = parts.netloc.rpartition('@')[2]
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    signed = any(_SIGNS.fullmatch(name) or _OF_SIGNATURES.fullmatch(name) for name, _ in pairs)
    if host == parts.netloc and not signed:
        return address
    kept = [
        (name, value)
        for name, value in pairs
        if not (_SIGNS.fullmatch(name) or _OF_SIGNATURES.fullmatch(name) or name.lower() in _BESIDE)
    ]
    return urlunsplit(parts._replace(netloc=host, query=urlencode(kept if signed else pairs)))


def shown(text: str) -> str:
    """A message without the signatures and passwords of the addresses in it."""
    return re.sub(r"[a-z0-9]+://[^\s'\"),;]+", lambda found: without_signature(found[0]), text)
