#!/usr/bin/env python3
"""Reads and writes an export of subrosa, version 1, from its specification alone.

It shares no code with subrosa and exists to prove that docs/spec/export-format.md suffices.

    subrosa_export.py read FILE < PASSPHRASE       prints the secrets as JSON: in clear
    subrosa_export.py read-plain FILE              the same of an export in plain text
    subrosa_export.py write FILE < PASSPHRASE AND SECRETS

The passphrase is the first line of the input. What `write` seals follows it: a JSON list of secrets in the form of section 5.
"Section" means a section of export-format.md. Needs Python 3.9 and the package `cryptography`, version 44 or newer.
"""

import argparse
import base64
import binascii
import json
import os
import re
import struct
import sys
import unicodedata
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from subrosa_reader import (
    LP,
    Refused,
    SUITE,
    derive_from_passphrase,
    normal_passphrase,
    open_seal,
    padded_length,
    parse_kdf,
    u32,
    u64,
)

VERSION = 1
MAX_LEN = 256 << 20
PIECE = 65532
CHUNK = 80 + 65536
MAX_VALUE = 1 << 20
MAX_TTL = 30 * 86400
PASSPHRASE = b"\x02"
MINIMUM = {"algorithm": "argon2id", "version": 19, "memory": 65536, "passes": 3, "lanes": 4}


def malformed(why):
    return Refused("malformed", why)


# --- section 1: the document ---------------------------------------------------------------------------------------


def parse_json(text):
    """JSON as RFC 8259 has it, without fields that stand twice."""

    def unique(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a field stands twice")
        return dict(pairs)

    def no_constant(name):
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise malformed("no JSON") from None


def take(found, required, optional=()):
    """The fields of an object; others may be a newer version's."""
    if not isinstance(found, dict):
        raise malformed("not an object")
    if set(found) - set(required) - set(optional):
        raise Refused("needs-newer", "a field is not known")
    if set(required) - set(found):
        raise malformed("a field is missing")
    for field, kind in {**dict(required), **dict(optional)}.items():
        is_flag = field in found and isinstance(found[field], bool)
        if field in found and (not isinstance(found[field], kind) or (kind is int and is_flag)):
            raise malformed(f"{field} is of another type")
    return found


def from_hex(text, length):
    if len(text) != 2 * length or set(text) - set("0123456789abcdef"):
        raise malformed("not hexadecimal of the right length")
    return bytes.fromhex(text)


def from_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise malformed("base64 in another form than the format's")
    return data


class Export:
    """What can be judged of a document without its passphrase."""

    DOCUMENT = {"format": str, "version": int, "suite": int, "id": str, "keys": list, "payload": list}
    KEY = {"kind": str, "kdf": dict, "wrapped": str}
    KDF = {"algorithm": str, "version": int, "memory": int, "passes": int, "lanes": int, "salt": str}

    def __init__(self, data):
        if len(data) > MAX_LEN:
            raise Refused("too-long")
        try:
            document = parse_json(data.decode("utf-8"))
        except UnicodeDecodeError:
            raise malformed("not UTF-8") from None
        check_version(document, "subrosa-export")
        document = take(document, self.DOCUMENT)
        if document["suite"] != 1:
            raise Refused("needs-newer", "suite")
        self.id = from_hex(document["id"], 16)
        if len(document["keys"]) != 1:
            raise Refused("needs-newer", "several keys") if document["keys"] else malformed("no key")
        key = take(document["keys"][0], self.KEY)
        if key["kind"] != "passphrase":
            raise Refused("needs-newer", "kind of key")
        self.kdf = encode_kdf(take(key["kdf"], self.KDF))
        self.wrapped = from_base64(key["wrapped"])
        if len(self.wrapped) != 112:
            raise malformed("wrapped is not 112 bytes")
        self.chunks = [from_base64(chunk) if isinstance(chunk, str) else b"" for chunk in document["payload"]]
        self.check_lengths()

    def check_lengths(self):
        if not self.chunks or any(len(chunk) != CHUNK for chunk in self.chunks[:-1]):
            raise malformed("a chunk has another length")
        if len(self.chunks[-1]) - 80 not in {1 << power for power in range(6, 17)}:
            raise malformed("the last chunk has another length")

    def open(self, passphrase):
        """The secrets, after every chunk has opened."""
        key = derive_from_passphrase(passphrase, self.kdf)
        slot = PASSPHRASE + self.kdf
        try:
            file_key = open_seal(key, context(self.id, slot, "file key", 1), "none", self.wrapped[:80], self.wrapped[80:])
        except Refused:
            raise Refused("does-not-open", "another passphrase, or a damaged file") from None
        header = LP(u32(VERSION), slot, self.wrapped)
        pieces = []
        for number, chunk in enumerate(self.chunks):
            last = number + 1 == len(self.chunks)
            place = context(self.id, header, "last chunk" if last else "chunk", number)
            piece = open_seal(file_key, place, "value", chunk[:80], chunk[80:])
            if (not last and len(piece) != PIECE) or (last and number and not piece):
                raise Refused("damaged", "a piece is shorter than it may be")
            pieces.append(piece)
        return read_lines(b"".join(pieces))


def check_version(document, name):
    if not isinstance(document, dict) or document.get("format") != name:
        raise malformed(f"not of the format {name}")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise malformed("no version")
    if version > VERSION:
        raise Refused("needs-newer", "version")


# --- sections 2 and 3: the passphrase, seals -----------------------------------------------------------------------


def encode_kdf(kdf):
    """The 30 bytes of the parameters, refused before anything is derived."""
    if kdf["algorithm"] != "argon2id" or kdf["version"] != 19:
        raise Refused("kdf-parameters", "not Argon2id 0x13")
    numbers = [kdf["memory"], kdf["passes"], kdf["lanes"]]
    if any(not 0 <= number < 1 << 32 for number in numbers):
        raise Refused("kdf-parameters", "outside the limits")
    try:
        salt = from_hex(kdf["salt"], 16)
    except Refused:
        raise Refused("kdf-parameters", "salt") from None
    encoded = struct.pack("<BBIII", 1, 19, *numbers) + salt
    parse_kdf(encoded)
    return encoded


def context(identifier, record, field, version):
    return LP("subrosa", u32(1), SUITE, identifier, "export", record, field, u64(version), u32(1))


def make_seal(key, context, padding, plain, random=None):
    random = random or os.urandom(32)
    derived = HKDFExpand(algorithm=SHA256(), length=64, info=context + random).derive(key)
    if padding != "none":
        plain = (u32(len(plain)) + plain).ljust(padded_length(padding, len(plain)), b"\0")
    sealed = AESGCM(derived[:32]).encrypt(bytes(12), plain, context)
    return random + derived[32:] + sealed[-16:] + sealed[:-16]


# --- sections 4 and 5: the payload ---------------------------------------------------------------------------------

SECRET = {"name": str}
MAY_HAVE = {
    "value": str,
    "base64": str,
    "description": str,
    "tags": list,
    "policy": dict,
    "created": int,
    "changed": int,
    "history": list,
    "link": dict,
}
LINK = {"connection": str, "system": str, "target": str}
LINK_MAY_HAVE = {"settings": dict, "ttl": int}
PAST = {"changed": int}
PAST_MAY_HAVE = {"value": str, "base64": str}
POLICY = {"enabled": bool, "send_only": bool, "access": (str, dict)}


def read_lines(payload):
    lines = payload.split(b"\n")
    if lines.pop():
        raise Refused("damaged", "the payload ends within a secret")
    secrets = []
    for line in lines:
        try:
            secrets.append(check_secret(parse_json(line.decode("utf-8"))))
        except UnicodeDecodeError:
            raise malformed("a secret is not UTF-8") from None
    names = {secret["name"] for secret in secrets}
    if len(names) != len(secrets):
        raise malformed("two secrets have one name")
    connections = {}
    for link in (secret["link"] for secret in secrets if "link" in secret):
        described = (link["system"], link.get("settings", {}))
        if connections.setdefault(link["connection"], described) != described:
            raise malformed("two connections have one name")
    return secrets


def check_secret(secret):
    take(secret, SECRET, MAY_HAVE)
    if not secret["name"] or unicodedata.normalize("NFC", secret["name"]) != secret["name"]:
        raise malformed("a name is empty or not in NFC")
    if len(secret["name"].encode()) > 256:
        raise malformed("a name is too long")
    check_value(secret)
    for past in secret.get("history", []):
        check_value(take(past, PAST, PAST_MAY_HAVE), required=True)
    times = [secret[field] for field in ("created", "changed") if field in secret]
    times += [past["changed"] for past in secret.get("history", [])]
    if any(not -62135596800 <= time <= 253402207200 for time in times):
        raise malformed("a time")
    if "policy" in secret:
        check_access(take(secret["policy"], POLICY)["access"])
    if "link" in secret:
        if "value" in secret or "base64" in secret:
            raise malformed("a linked secret has a value of its own")
        check_link(take(secret["link"], LINK, LINK_MAY_HAVE))
    return secret


def check_link(link):
    settings = link.get("settings", {})
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", link["connection"]):
        raise malformed("the name of a connection")
    if not re.fullmatch(r"[a-z0-9-]{1,32}", link["system"]):
        raise malformed("the name of a system")
    if len(settings) > 32 or not all(re.fullmatch(r"[a-z0-9_-]{1,32}", name) for name in settings):
        raise malformed("settings")
    if not link["target"] or len(link["target"].encode()) > 2048 or not 0 <= link.get("ttl", 0) <= MAX_TTL:
        raise malformed("a target, or a time")
    for text, may in ((link["target"], ""), *((text, "\n") for text in settings.values())):
        if not isinstance(text, str) or len(text.encode()) > 16384:
            raise malformed("a text of a link")
        if any(unicodedata.category(c) == "Cc" and c not in may for c in text):
            raise malformed("a control character in a link")


def check_access(access):
    if access in ("undecided", "unrestricted"):
        return
    if not isinstance(access, dict) or list(access) != ["restricted"] or not isinstance(access["restricted"], list):
        raise Refused("needs-newer", "an access")


def check_value(found, required=False):
    given = [field for field in ("value", "base64") if field in found]
    if len(given) > 1 or (required and not given):
        raise malformed("a value is given twice, or not at all")
    value = from_base64(found["base64"]) if "base64" in found else found.get("value", "").encode()
    if len(value) > MAX_VALUE:
        raise Refused("value-too-large")


def write_export(secrets, passphrase, kdf=None):
    """The document that holds these secrets."""
    if len(passphrase.decode("utf-8")) < 12:
        raise Refused("passphrase", "fewer than 12 characters")
    kdf = kdf or {**MINIMUM, "salt": os.urandom(16).hex()}
    encoded = encode_kdf(kdf)
    slot, identifier, file_key = PASSPHRASE + encoded, os.urandom(16), os.urandom(32)
    key = derive_from_passphrase(passphrase, encoded)
    wrapped = make_seal(key, context(identifier, slot, "file key", 1), "none", file_key)
    lines = [json.dumps(check_secret(secret), ensure_ascii=False, separators=(",", ":")) for secret in secrets]
    payload = "".join(line + "\n" for line in lines).encode("utf-8")
    pieces = [payload[at : at + PIECE] for at in range(0, len(payload), PIECE)] or [b""]
    header = LP(u32(VERSION), slot, wrapped)
    chunks = []
    for number, piece in enumerate(pieces):
        place = context(identifier, header, "last chunk" if number + 1 == len(pieces) else "chunk", number)
        chunks.append(base64.b64encode(make_seal(file_key, place, "value", piece)).decode())
    return {
        "format": "subrosa-export",
        "version": VERSION,
        "suite": 1,
        "id": identifier.hex(),
        "keys": [{"kind": "passphrase", "kdf": kdf, "wrapped": base64.b64encode(wrapped).decode()}],
        "payload": chunks,
    }


# --- section 6: plain text -----------------------------------------------------------------------------------------


def read_plain(data):
    document = parse_json(data.decode("utf-8"))
    check_version(document, "subrosa-plain")
    secrets = take(document, {"format": str, "version": int, "secrets": list})["secrets"]
    return read_lines("".join(json.dumps(secret) + "\n" for secret in secrets).encode())


def main():
    parser = argparse.ArgumentParser(description="Prints what is in an export of subrosa, in clear, or writes one.")
    parser.add_argument("action", choices=("read", "read-plain", "write"))
    parser.add_argument("file")
    arguments = parser.parse_args()
    try:
        if arguments.action == "read-plain":
            answer = read_plain(Path(arguments.file).read_bytes())
        else:
            passphrase = normal_passphrase(sys.stdin.buffer.readline().rstrip(b"\r\n"))
        if arguments.action == "write":
            document = write_export(parse_json(sys.stdin.buffer.read().decode("utf-8")), passphrase)
            Path(arguments.file).write_text(json.dumps(document), encoding="utf-8")
            return 0
        if arguments.action == "read":
            answer = Export(Path(arguments.file).read_bytes()).open(passphrase)
    except (Refused, OSError) as error:
        print(f"subrosa_export: {error}", file=sys.stderr)
        return 1
    json.dump(answer, sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
