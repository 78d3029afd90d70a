#!/usr/bin/env python3
"""Reads a subrosa vault, version 1, from its specification alone.

It shares no code with subrosa and exists to prove that docs/spec/vault-format.md and docs/spec/vault-key.md suffice.
It opens a vault with a vault key, a recovery key or a passphrase, verifies every row, hash and seal, and prints what is in
it as JSON: in clear. It writes nothing, and it judges no policy.

    subrosa_reader.py FOLDER < KEY             the key or passphrase is the first line of the input
    subrosa_reader.py --passphrase FOLDER < PASSPHRASE
    subrosa_reader.py --pin FILE FOLDER < KEY  refuses a vault that was rolled back

Needs Python 3.9 with SQLite 3.37 and the package `cryptography`; for passphrases cryptography 44.
"Section" means a section of vault-format.md, "key section" one of vault-key.md.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import stat
import struct
import sys
import unicodedata
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

FORMAT = struct.pack("<I", 1)
SUITE = struct.pack("<H", 1)
APPLICATION_ID = 0x73756272
SECRET, HISTORY, TOMBSTONE, KEYSLOT = 1, 2, 3, 4
HAVE_VALUES = (SECRET, HISTORY, TOMBSTONE)
NOTHING = bytes(32)
NODE_LEN = 64 * 32
CHUNK_LEN = 64 * 16
RECENT_ROOT = 65
RECENT = 4096

SCHEMA = [
    "CREATE TABLE body (id BLOB NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (id, version)) "
    "STRICT, WITHOUT ROWID",
    "CREATE TABLE header (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE node (id INTEGER NOT NULL PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "CREATE TABLE record (key BLOB NOT NULL, kind INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, "
    "version INTEGER NOT NULL, value_version INTEGER NOT NULL, public BLOB NOT NULL, metadata BLOB NOT NULL, "
    "policy BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (key, kind, seq)) STRICT, WITHOUT ROWID",
]


class Refused(Exception):
    """A failure with its class: damaged, rolled-back, needs-newer, wrong-key, or one of a key's text."""

    def __init__(self, failure, why=""):
        super().__init__(f"{failure}: {why}" if why else failure)
        self.failure = failure


def damaged(why):
    return Refused("damaged", why)


# --- section 1: notation -------------------------------------------------------------------------------------------


def lp(field):
    return struct.pack("<I", len(field)) + field


def LP(*fields):
    return b"".join(lp(field.encode() if isinstance(field, str) else field) for field in fields)


def u16(number):
    return struct.pack("<H", number)


def u32(number):
    return struct.pack("<I", number)


def u64(number):
    return struct.pack("<Q", number)


def i64(number):
    return struct.pack("<q", number)


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def from_hex(text, length):
    try:
        data = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise damaged("a field is not hexadecimal") from None
    if len(data) != length or data.hex() != text:
        raise damaged(f"a field is not {length} bytes in lower-case hexadecimal")
    return data


def strict_json(data, fields, optional=()):
    """A JSON object with exactly these fields, and some of the optional ones."""

    def unique(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a field stands twice")
        return dict(pairs)

    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except ValueError:
        raise damaged("a sealed text is not JSON") from None
    if not isinstance(found, dict) or set(found) - set(optional) != set(fields):
        raise damaged("a sealed object has other fields than the format's")
    return found


# --- section 3: keys -----------------------------------------------------------------------------------------------


class Keys:
    """The role keys of one root key, vault and epoch."""

    ROLES = ("name", "metadata", "policy", "value", "tree", "manifest", "audit", "cache")

    def __init__(self, root_key, vault, epoch):
        self.vault, self.epoch = vault, epoch
        for role in self.ROLES:
            setattr(self, role, self.derive(root_key, role))

    def derive(self, root_key, role):
        info = LP("subrosa role key", FORMAT, self.vault, u32(self.epoch), role)
        return HKDF(algorithm=SHA256(), length=32, salt=b"subrosa root key", info=info).derive(root_key)

    def open(self, role, table, record, field, version, padding, blob):
        context = encode_context(self.vault, table, record, field, version, self.epoch)
        return open_seal(getattr(self, role), context, padding, blob[:80], blob[80:])


# --- section 4: seals ----------------------------------------------------------------------------------------------


def encode_context(vault, table, record, field, version, epoch):
    return LP("subrosa", FORMAT, SUITE, vault, table, record, field, u64(version), u32(epoch))


def padded_length(padding, length):
    """The length of `length` bytes of plain text after padding, its own four bytes of length included."""
    framed = length + 4
    if padding == "none":
        return length
    if padding == "row":
        return -(-framed // 128) * 128
    if framed > 65536:
        return -(-framed // 65536) * 65536
    size = 64
    while size < framed:
        size *= 2
    return size


def open_seal(key, context, padding, head, ciphertext):
    if len(head) != 80:
        raise damaged("a seal is shorter than its head")
    random, commitment, tag = head[:32], head[32:64], head[64:]
    derived = HKDFExpand(algorithm=SHA256(), length=64, info=context + random).derive(key)
    if not hmac.compare_digest(derived[32:], commitment):
        raise damaged("a seal does not open")
    try:
        padded = AESGCM(derived[:32]).decrypt(bytes(12), ciphertext + tag, context)
    except InvalidTag:
        raise damaged("a seal does not open") from None
    return padded if padding == "none" else unpad(padding, padded)


def unpad(padding, padded):
    if len(padded) < 4:
        raise damaged("a padding is not the format's")
    (length,) = struct.unpack("<I", padded[:4])
    plain, zeros = padded[4 : 4 + length], padded[4 + length :]
    if len(plain) != length or padded_length(padding, length) != len(padded) or any(zeros):
        raise damaged("a padding is not the format's")
    return plain


# --- key section 1: keys as text -----------------------------------------------------------------------------------

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
KEY_KINDS = {"SRVK": ("vault", b"subrosa vault key 1"), "SRRK": ("recovery", b"subrosa recovery key 1")}


def parse_key(text, expected=None):
    """The kind and the 32 bytes of a key; `expected` is "vault", "recovery" or None for either."""
    symbols = [
        (position, "".join({"O": "0", "I": "1", "L": "1"}.get(c, c) for c in ascii_upper(character)))
        for position, character in enumerate(text, 1)
        if character not in " \t\r\n-"
    ]
    kind, label = KEY_KINDS.get("".join(symbol for _, symbol in symbols[:4]), (None, None))
    if kind is None:
        raise Refused("wrong-prefix")
    if expected not in (None, kind):
        raise Refused("other-kind", f"this is a {kind} key")
    version = ALPHABET.find(symbols[4][1]) if len(symbols) > 4 else -1
    if version > 1:
        raise Refused("newer-version")
    if version != 1:
        raise Refused("wrong-prefix")
    number = 0
    for position, symbol in symbols[5:]:
        if symbol not in ALPHABET:
            raise Refused("bad-character", str(position))
        number = number << 5 | ALPHABET.index(symbol)
    if len(symbols) - 5 != 56:
        raise Refused("bad-length", str(len(symbols) - 5))
    payload = number.to_bytes(35, "big")
    key, check = payload[:32], payload[32:]
    if hashlib.sha256(label + key).digest()[:3] != check:
        raise Refused("checksum")
    return kind, key


def ascii_upper(character):
    return character.upper() if character.isascii() else character


# --- key sections 2 and 3: passphrases -----------------------------------------------------------------------------


def normal_passphrase(data):
    if not data or len(data) > 1 << 20:
        raise Refused("passphrase", "empty, or longer than 1 MiB")
    try:
        return unicodedata.normalize("NFC", data.decode("utf-8")).encode()
    except UnicodeDecodeError:
        raise Refused("passphrase", "not UTF-8") from None


def parse_kdf(parameters):
    """Memory in KiB, passes, lanes and salt, refused before anything is derived."""
    if len(parameters) != 30:
        raise Refused("kdf-parameters", "not 30 bytes")
    algorithm, version, memory, passes, lanes = struct.unpack("<BBIII", parameters[:14])
    accepted = 19456 <= memory <= 1048576 and 2 <= passes <= 10 and 1 <= lanes <= 16
    if (algorithm, version) != (1, 0x13) or not accepted:
        raise Refused("kdf-parameters", "outside the limits")
    return memory, passes, lanes, parameters[14:]


def derive_from_passphrase(passphrase, parameters):
    memory, passes, lanes, salt = parse_kdf(parameters)
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError:
        raise Refused("no-argon2", "passphrases need cryptography 44 or newer") from None
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(passphrase)


# --- key sections 4 and 5: keyslots --------------------------------------------------------------------------------

SLOT_KINDS = {"vault": 1, "passphrase": 2, "recovery": 3}


def unwrap(vault, epoch, slot, kind, secret):
    """The root key that a slot holds, or None if it does not open with this secret."""
    number = SLOT_KINDS[kind]
    if slot.public[:1] != bytes([number]) or len(slot.sealed) != 112:
        return None
    if kind == "passphrase":
        secret = derive_from_passphrase(secret, slot.public[1:])
    elif slot.public[1:]:
        return None
    info = LP("subrosa slot key", FORMAT, slot.public[:1])
    key = HKDF(algorithm=SHA256(), length=32, salt=vault, info=info).derive(secret)
    context = encode_context(vault, "keyslot", LP(slot.id, slot.public), "root key", 1, epoch)
    try:
        return open_seal(key, context, "none", slot.sealed[:80], slot.sealed[80:])
    except Refused:
        return None


def unlock(vault, epoch, slots, kind, secret):
    fitting = sorted((slot for slot in slots if slot.public[:1] == bytes([SLOT_KINDS[kind]])), key=lambda slot: slot.id)
    refusal = Refused("wrong-key", "no keyslot opens")
    for slot in fitting[:16] if kind == "passphrase" else fitting:
        try:
            root_key = unwrap(vault, epoch, slot, kind, secret)
        except Refused as refused:
            refusal = refused
            continue
        if root_key is not None:
            return root_key
    raise refusal


# --- section 5: the database ---------------------------------------------------------------------------------------


class Row:
    """A row of `record`."""

    COLUMNS = ("key", "kind", "seq", "id", "version", "value_version", "public", "metadata", "policy", "sealed")

    def __init__(self, values):
        for column, value in zip(self.COLUMNS, values):
            setattr(self, column, value)

    def place(self):
        return self.key, self.kind, self.seq

    def fields(self):
        """All columns as bytes, in the order of the leaf (section 7)."""
        return [i64(value) if isinstance(value, int) else value for value in (getattr(self, c) for c in self.COLUMNS)]


class Database:
    """All rows of the four tables, as one transaction sees them, with nothing proven."""

    def __init__(self, folder):
        path = Path(folder) / "vault.db"
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise damaged("vault.db is not a regular file")
        try:
            self.read(path)
        except sqlite3.DatabaseError as error:
            raise damaged(f"not a sound SQLite database: {error}") from None

    def read(self, path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            all_of = lambda sql: connection.execute(sql).fetchall()
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("BEGIN")
            ((application,),) = all_of("PRAGMA application_id")
            ((user_version,),) = all_of("PRAGMA user_version")
            if application != APPLICATION_ID:
                raise damaged("not a vault")
            if user_version > 1:
                raise Refused("needs-newer", f"format {user_version}")
            if [sql for (sql,) in all_of("SELECT sql FROM sqlite_schema ORDER BY name")] != SCHEMA:
                raise damaged("its tables are not those of the format")
            self.header = dict(all_of("SELECT name, value FROM header"))
            self.nodes = dict(all_of("SELECT id, data FROM node"))
            self.bodies = {(bytes(i), v): bytes(b) for i, v, b in all_of("SELECT id, version, body FROM body")}
            self.rows = [Row(row) for row in all_of(f"SELECT {', '.join(Row.COLUMNS)} FROM record")]
        finally:
            connection.close()
        self.rows.sort(key=Row.place)

    def check_header(self):
        header = self.header
        for name, known in (("format", FORMAT), ("suite", SUITE)):
            if name not in header:
                raise damaged("its header is not complete")
            if header[name] != known:
                raise Refused("needs-newer", f"{name} {header[name].hex()}")
        lengths = {"format": 4, "suite": 2, "vault": 16, "epoch": 4, "generation": 8, "manifest": None}
        if set(header) != set(lengths):
            raise damaged("its header has other rows than the format's")
        if any(length is not None and len(header[name]) != length for name, length in lengths.items()):
            raise damaged("a value of its header has the wrong length")


# --- section 7: the hash tree --------------------------------------------------------------------------------------


def leaf_hash(tree_key, row):
    return mac(tree_key, LP("leaf", *row.fields()))


def bucket_of(key):
    if len(key) < 2:
        raise damaged("a row has no proper key")
    return key[0] << 4 | key[1] >> 4


def build_tree(tree_key, rows):
    """Root node and the 64 groups, from rows in the order of their places."""
    leaves = {}
    for row in rows:
        leaves.setdefault(bucket_of(row.key), []).append(leaf_hash(tree_key, row))
    buckets = [
        mac(tree_key, LP("bucket", u16(bucket), b"".join(leaves[bucket]))) if bucket in leaves else NOTHING
        for bucket in range(4096)
    ]
    groups = [b"".join(buckets[64 * g : 64 * g + 64]) for g in range(64)]
    return b"".join(numbered_hash(tree_key, "group", g, groups[g]) for g in range(64)), groups


def numbered_hash(tree_key, label, number, data):
    return mac(tree_key, LP(label, u16(number), data)) if any(data) else NOTHING


def verify_tree(keys, database, manifest):
    root_node, groups = build_tree(keys.tree, database.rows)
    if mac(keys.tree, LP("root", root_node)) != from_hex(manifest["tree"], 32):
        raise damaged("rows were changed, removed or added")
    expected = {0: root_node, **{1 + g: group for g, group in enumerate(groups)}}
    chunks = [database.nodes.get(66 + c, bytes(CHUNK_LEN)) for c in range(64)]
    if any(len(chunk) != CHUNK_LEN for chunk in chunks):
        raise damaged("a list of recent generations has the wrong length")
    recent = b"".join(numbered_hash(keys.tree, "recent", c, chunk) for c, chunk in enumerate(chunks))
    if mac(keys.tree, LP("recent root", recent)) != from_hex(manifest["recent"], 32):
        raise damaged("the list of recent generations was changed")
    expected.update({RECENT_ROOT: recent, **{66 + c: chunk for c, chunk in enumerate(chunks)}})
    if database.nodes != {number: node for number, node in expected.items() if any(node)}:
        raise damaged("its hash tree is broken")
    return b"".join(chunks)


# --- section 8: the manifest ---------------------------------------------------------------------------------------


def open_manifest(keys, database):
    """The manifest and its tag. A root key that does not open it is not the vault's."""
    (generation,) = struct.unpack("<Q", database.header["generation"])
    blob = database.header["manifest"]
    text = keys.open("manifest", "manifest", b"", "manifest", generation, "row", blob)
    manifest = strict_json(
        text, ("generation", "created", "written", "tree", "recent", "records", "bodies", "audit")
    )
    if manifest["generation"] != generation:
        raise damaged("the manifest is of another generation")
    if (manifest["records"], manifest["bodies"]) != (len(database.rows), len(database.bodies)):
        raise damaged("rows are missing or too many")
    return manifest, blob[32:48]


# --- section 9: roll-back pins -------------------------------------------------------------------------------------


def read_pin(path, vault):
    """Generation and tag of a pin file, or None if there is none."""
    try:
        text = Path(path).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise Refused("pin", "the roll-back pin cannot be read") from None
    lines = text.split("\n")
    names = [line.split(" ", 1)[0] for line in lines]
    if names != ["subrosa-pin", "vault", "generation", "tag", "check", ""] or lines[0] != "subrosa-pin 1":
        raise Refused("pin", "the roll-back pin is damaged")
    body, fields = "\n".join(lines[:4]) + "\n", [line.split(" ", 1)[1] for line in lines[:5]]
    if fields[4] != hashlib.sha256(body.encode()).digest()[:8].hex() or fields[1] != vault.hex():
        raise Refused("pin", "the roll-back pin is damaged, or another vault's")
    return int(fields[2]), from_hex(fields[3], 16)


def check_pin(pin, generation, tag, recent):
    if pin is None:
        return
    pinned, expected = pin
    rolled_back = Refused("rolled-back", f"generation {pinned} was seen, the file is at {generation}")
    if pinned > generation or generation - pinned > RECENT:
        raise rolled_back
    at = pinned % RECENT * 16
    if expected != (tag if pinned == generation else recent[at : at + 16]):
        raise rolled_back


# --- section 6: records --------------------------------------------------------------------------------------------

METADATA = ("name", "description", "tags", "created", "changed", "length", "text")


def open_record(keys, row, database):
    metadata = strict_json(
        keys.open("metadata", "secret", row.id, "metadata", row.version, "row", row.metadata), METADATA
    )
    policy = strict_json(
        keys.open("policy", "secret", row.id, "policy", row.version, "row", row.policy),
        ("policy", "value"),
        ("link",),
    )
    name = metadata["name"]
    if unicodedata.normalize("NFC", name) != name:
        raise damaged("a name is not in NFC")
    if row.key != (row.id if row.kind == HISTORY else mac(keys.name, name.encode())):
        raise damaged("a row stands under another key than its name's")
    if row.seq != (0 if row.kind == SECRET else row.version):
        raise damaged("a row stands in another place than its version's")
    value = open_value(keys, row, policy["value"], database)
    if (len(value or b""), is_text(value or b"")) != (metadata["length"], metadata["text"]):
        raise damaged("a value is not of the length or kind that its metadata says")
    link = {"link": checked_link(policy["link"], value)} if "link" in policy else {}
    return {
        "record": row.id.hex(), "version": row.version, **metadata, "policy": policy["policy"], **link, **shown(value)
    }


def checked_link(link, value):
    if value is not None:
        raise damaged("a linked secret has a value of its own")
    if not isinstance(link, dict) or not {"connection", "target"} <= set(link) <= {"connection", "target", "ttl"}:
        raise damaged("a link has other fields than the format's")
    return link


def open_value(keys, row, governed, database):
    if not row.sealed:
        if governed is not None:
            raise damaged("a policy governs a value that is not there")
        return None
    if len(row.sealed) != 80 or governed != row.sealed[32:64].hex():
        raise damaged("a policy governs another value than the one beside it")
    body = database.bodies.get((row.id, row.value_version))
    if body is None:
        raise damaged("a value is missing")
    return keys.open("value", "secret", row.id, "value", row.value_version, "value", row.sealed + body)


def is_text(value):
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def shown(value):
    if value is None:
        return {"value": None}
    return {"value": value.decode()} if is_text(value) else {"base64": base64.b64encode(value).decode()}


def open_slot_label(keys, row):
    number = row.public[0] if row.public else 0
    kind = {1: "vault key", 2: "passphrase", 3: "recovery key", 4: "recipient"}.get(number)
    if kind is None or row.key != b"\0\0" + row.id or (row.seq, row.version, row.value_version) != (0, 1, 1):
        raise damaged("a keyslot is not of the format")
    label = keys.open("metadata", "keyslot", row.id, "label", 1, "row", row.metadata)
    return {"id": row.id.hex(), "kind": kind, **strict_json(label, ("label", "created"))}


DOCUMENTS = {5: "connection", 9: "policy", 10: "certificate", 11: "authority", 12: "preference"}


def open_document(keys, row):
    kind = DOCUMENTS[row.kind]
    if row.key != bytes([0, row.kind * 16]) + row.id or row.value_version != row.version:
        raise damaged("a document is not of the format")
    if row.public or row.metadata or row.policy:
        raise damaged("a document has more than its seal")
    content = keys.open("value", kind, row.id, "document", row.version, "row", row.sealed)
    return {"kind": kind, "id": row.id.hex(), "version": row.version, "position": row.seq, **shown(content)}


# --- the whole -----------------------------------------------------------------------------------------------------


def read_vault(folder, kind, secret, pin=None):
    """Everything in a vault, after all of it has been verified."""
    database = Database(folder)
    database.check_header()
    vault = database.header["vault"]
    (epoch,) = struct.unpack("<I", database.header["epoch"])
    slots = [row for row in database.rows if row.kind == KEYSLOT]
    keys = Keys(unlock(vault, epoch, slots, kind, secret), vault, epoch)
    manifest, tag = open_manifest(keys, database)
    recent = verify_tree(keys, database, manifest)
    if pin is not None:
        check_pin(read_pin(pin, vault), manifest["generation"], tag, recent)
    opened = lambda kind: [open_record(keys, row, database) for row in database.rows if row.kind == kind]
    answer = {
        "vault": vault.hex(),
        "epoch": epoch,
        "generation": manifest["generation"],
        "tag": tag.hex(),
        "audit": manifest["audit"],
        "secrets": sorted(opened(SECRET), key=lambda secret: secret["name"]),
        "history": sorted(opened(HISTORY), key=lambda secret: (secret["record"], secret["version"])),
        "deleted": sorted(opened(TOMBSTONE), key=lambda secret: (secret["name"], secret["version"])),
        "slots": sorted((open_slot_label(keys, slot) for slot in slots), key=lambda slot: slot["id"]),
    }
    named = {(row.id, row.value_version) for row in database.rows if row.sealed and row.kind in HAVE_VALUES}
    if named != set(database.bodies):
        raise damaged("there are values that no secret names")
    documents = [open_document(keys, row) for row in database.rows if row.kind in DOCUMENTS]
    return {**answer, "documents": documents} if documents else answer


def main():
    parser = argparse.ArgumentParser(description="Prints what is in a subrosa vault, in clear.")
    parser.add_argument("folder", help="the vault's folder")
    parser.add_argument("--passphrase", action="store_true", help="the input is a passphrase, not a key")
    parser.add_argument("--pin", help="the roll-back pin's file")
    arguments = parser.parse_args()
    line = sys.stdin.buffer.readline().rstrip(b"\r\n")
    try:
        if arguments.passphrase:
            kind, secret = "passphrase", normal_passphrase(line)
        else:
            kind, secret = parse_key(line.decode("utf-8", "replace"))
        answer = read_vault(arguments.folder, kind, secret, arguments.pin)
    except (Refused, OSError) as error:
        print(f"subrosa_reader: {error}", file=sys.stderr)
        return 1
    json.dump(answer, sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
