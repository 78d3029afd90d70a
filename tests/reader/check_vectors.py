#!/usr/bin/env python3
"""Runs the language-neutral vectors of tests/vectors against the independent reader.

    check_vectors.py [FOLDER]     tests/vectors beside this file's folder where none is given

Prints one line a set. Sets whose passphrases cannot be derived here (cryptography older than 44) are checked without them.
"""

import hashlib
import json
import sys
from pathlib import Path

import subrosa_export as export
import subrosa_reader as reader
from subrosa_reader import Refused, Row


def vectors(folder, name):
    return json.loads((folder / name).read_text(encoding="utf-8"))["vectors"]


def expect(found, expected, vector):
    if found != expected:
        raise AssertionError(f"{found!r} where {expected!r} was expected: {vector}")


def refusal(action):
    """The failure class of what must be refused, or None where it was not."""
    try:
        return None if action() is None else "accepted"
    except Refused as refused:
        return refused.failure


def has_argon2():
    try:
        from cryptography.hazmat.primitives.kdf import argon2  # noqa: F401
    except ImportError:
        return False
    return True


def check_keys(folder):
    for vector in vectors(folder, "vault-key/valid.json"):
        expect(reader.parse_key(vector["text"], vector["kind"])[1].hex(), vector["key"], vector)
    for vector in vectors(folder, "vault-key/invalid.json"):
        expect(refusal(lambda: reader.parse_key(vector["text"], vector["kind"])), vector["failure"], vector)


def check_passphrases(folder):
    for vector in vectors(folder, "passphrase/valid.json") if has_argon2() else []:
        passphrase = reader.normal_passphrase(vector["passphrase"].encode())
        output = reader.derive_from_passphrase(passphrase, bytes.fromhex(vector["parameters"]))
        expect(output.hex(), vector["output"], vector)
    for vector in vectors(folder, "passphrase/invalid.json"):
        expect(refusal(lambda: reader.parse_kdf(bytes.fromhex(vector["parameters"]))), "kdf-parameters", vector)


def check_role_keys(folder):
    for vector in vectors(folder, "role-key/valid.json"):
        keys = reader.Keys(bytes.fromhex(vector["root"]), bytes.fromhex(vector["vault"]), vector["epoch"])
        expect({role: getattr(keys, role).hex() for role in keys.ROLES}, vector["keys"], vector)


def open_vector(vector):
    place = vector["context"]
    context = reader.encode_context(
        bytes.fromhex(place["vault"]),
        place["table"],
        bytes.fromhex(place["record"]),
        place["field"],
        place["version"],
        place["epoch"],
    )
    expect(context.hex(), vector.get("context_bytes", context.hex()), vector)
    key, head, body = (bytes.fromhex(vector[field]) for field in ("key", "head", "ciphertext"))
    return reader.open_seal(key, context, vector["padding"], head, body)


def check_seals(folder):
    for vector in vectors(folder, "seal/valid.json"):
        expect(open_vector(vector).hex(), vector["plain"], vector)
    for vector in vectors(folder, "seal/invalid.json"):
        expect(refusal(lambda: open_vector(vector)), "damaged", vector)


def unlock_vector(vector):
    vault, slot, public, wrapped = (bytes.fromhex(vector[f]) for f in ("vault", "slot", "public", "wrapped"))
    row = Row((b"\0\0" + slot, reader.KEYSLOT, 0, slot, 1, 1, public, b"", b"", wrapped))
    if vector["kind"] == "passphrase":
        secret = reader.normal_passphrase(vector["secret"].encode())
    else:
        secret = reader.parse_key(vector["secret"], vector["kind"])[1]
    return reader.unlock(vault, vector["epoch"], [row], vector["kind"], secret)


def check_keyslots(folder):
    can_derive = lambda vector: has_argon2() or vector["kind"] != "passphrase"
    for vector in filter(can_derive, vectors(folder, "keyslot/valid.json")):
        expect(unlock_vector(vector).hex(), vector["root"], vector)
    for vector in filter(can_derive, vectors(folder, "keyslot/invalid.json")):
        expect(refusal(lambda: unlock_vector(vector)), vector["failure"], vector)


def check_tree(folder):
    for vector in vectors(folder, "tree/valid.json"):
        key = reader.Keys(bytes.fromhex(vector["root_key"]), bytes.fromhex(vector["vault"]), vector["epoch"]).tree
        columns = [[row[column] for column in Row.COLUMNS] for row in vector["rows"]]
        rows = [Row([bytes.fromhex(v) if isinstance(v, str) else v for v in values]) for values in columns]
        root_node, groups = reader.build_tree(key, rows)
        digests = {str(g): hashlib.sha256(group).hexdigest() for g, group in enumerate(groups) if any(group)}
        expect(digests, vector["groups"], vector)
        expect(hashlib.sha256(root_node).hexdigest(), vector["root_node_sha256"], vector)
        expect(reader.mac(key, reader.LP("root", root_node)).hex(), vector["root"], vector)
        if rows:
            expect(reader.leaf_hash(key, rows[0]).hex(), vector["leaf_of_first"], vector)


def open_export(document, passphrase):
    return export.Export(document.encode()).open(reader.normal_passphrase(passphrase.encode()))


def check_exports(folder):
    if not has_argon2():
        return
    for vector in vectors(folder, "export/valid.json"):
        expect(open_export(vector["file"], vector["passphrase"]), vector["secrets"], vector)
    for vector in vectors(folder, "export/invalid.json"):
        expect(refusal(lambda: open_export(vector["file"], vector["passphrase"])), vector["failure"], vector)
    chunked = json.loads((folder / "export/chunks.json").read_text(encoding="utf-8"))
    for vector in chunked["vectors"]:
        document = {**chunked["file"], "payload": [chunked["file"]["payload"][n] for n in vector["payload"]]}
        opened = lambda: open_export(json.dumps(document), chunked["passphrase"])
        if vector["failure"]:
            expect(refusal(opened), vector["failure"], vector["comment"])
        else:
            expect([secret["name"] for secret in opened()], chunked["names"], vector["comment"])
    golden = json.loads((folder / "export/format-1.expected.json").read_text(encoding="utf-8"))
    document = (folder / "export/format-1.json").read_text(encoding="utf-8")
    expect(open_export(document, golden["passphrase"]), golden["secrets"], "format-1.json")


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "vectors"
    checks = (check_keys, check_passphrases, check_role_keys, check_seals, check_keyslots, check_tree, check_exports)
    for check in checks:
        check(folder)
        print(f"{check.__name__[6:]}: ok")


if __name__ == "__main__":
    main()
