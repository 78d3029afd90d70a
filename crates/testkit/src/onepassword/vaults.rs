//! What is in the vaults, in the JSON of Connect's API.

use data_encoding::BASE64;
use serde_json::{Value, json};

/// Vaults with items, the same for Connect and for `op`.
#[derive(Debug, Clone)]
pub struct Vaults(pub(super) Value);

/// An id as 1Password makes them: 26 lower-case letters and digits.
fn id(text: &str) -> String {
    assert!(text.len() <= 26 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    format!("{text:a<26}")
}

fn field(id: &str, kind: &str, label: &str, value: &str) -> Value {
    json!({ "id": id, "type": kind, "label": label, "value": value })
}

fn in_section(mut field: Value, section: &str) -> Value {
    field["section"] = json!({ "id": section });
    field
}

fn with(mut field: Value, name: &str, value: Value) -> Value {
    field[name] = value;
    field
}

fn item(name: &str, vault: &str, title: &str, category: &str, parts: Value) -> Value {
    let mut item = json!({
        "id": id(name), "title": title, "vault": { "id": id(vault) }, "category": category, "version": 1,
        "tags": ["tests"], "favorite": false, "createdAt": "2026-01-02T03:04:05Z",
        "updatedAt": "2026-01-02T03:04:05Z", "lastEditedBy": "LB3GXDPTZFHERBHD4S5Y2RXKEU",
    });
    let parts = parts.as_object().expect("an object").clone();
    item.as_object_mut().expect("an object").extend(parts);
    item
}

fn vault(name: &str, title: &str, items: Vec<Value>) -> Value {
    json!({
        "id": id(name), "name": title, "description": "", "attributeVersion": 1, "contentVersion": 7,
        "items": items.len(), "type": "USER_CREATED", "createdAt": "2026-01-02T03:04:05Z",
        "updatedAt": "2026-01-02T03:04:05Z", "content": items,
    })
}

impl Vaults {
    /// The code that the one-time password of `op://automation/account/one-time password` is at.
    pub const CODE: &str = "287082";

    /// Vaults in which `op://automation/stripe/credential` is `value`.
    ///
    /// `Automation` and `Shared` are granted to every token, `Private` to none, two are called `Twin`.
    #[must_use]
    pub fn with(value: &str) -> Self {
        let twins = |vault: &str| {
            let twin = |name| item(name, vault, "Twin", "SECURE_NOTE", json!({ "fields": [] }));
            vec![twin("itemtwinone"), twin("itemtwintwo")]
        };
        let archived =
            with(item("itemold", "automation", "Old", "PASSWORD", json!({})), "state", json!("ARCHIVED"));
        let mut items = vec![api_credential(value), login(), ssh_key(), document(), archived];
        items.extend(twins("automation"));
        let note = item(
            "itemwifi",
            "shared",
            "Guest Wi-Fi",
            "WIRELESS_ROUTER",
            json!({
                "fields": [field("password", "CONCEALED", "wireless network password", "guests-only")],
            }),
        );
        let hidden = item(
            "itemhidden",
            "private",
            "Hidden",
            "PASSWORD",
            json!({
                "fields": [field("password", "CONCEALED", "password", "of somebody else")],
            }),
        );
        Self(json!([
            vault("automation", "Automation", items),
            vault("shared", "Shared", vec![note]),
            vault("twinone", "Twin", Vec::new()),
            vault("twintwo", "Twin", Vec::new()),
            vault("private", "Private", vec![hidden]),
        ]))
    }

    /// The same without what the published contract does not know, though servers answer it: one-time passwords are called `OTP`
    /// there, keys `SSHKEY`.
    #[must_use]
    pub fn by_the_letter(mut self) -> Self {
        for item in self.0[0]["content"].as_array_mut().into_iter().flatten() {
            for field in item["fields"].as_array_mut().into_iter().flatten() {
                match field["type"].as_str() {
                    Some("OTP") => field["type"] = json!("TOTP"),
                    Some("SSHKEY") => field["type"] = json!("CONCEALED"),
                    _ => {}
                }
            }
        }
        self
    }

    /// The id of a vault or item of these, such as `automation` or `itemstripe`.
    #[must_use]
    pub fn id(name: &str) -> String {
        id(name)
    }
}

fn api_credential(value: &str) -> Value {
    let notes = with(
        json!({ "id": "notesPlain", "type": "STRING", "label": "notesPlain" }),
        "purpose",
        json!("NOTES"),
    );
    let fields = json!([
        notes,
        field("username", "STRING", "username", "ada"),
        field("credential", "CONCEALED", "credential", value),
        field("empty", "STRING", "empty", ""),
        in_section(field("sectionkey", "CONCEALED", "API Key", "of the section"), "adminsection"),
        in_section(field("sectionuser", "STRING", "username", "ada in the section"), "adminsection"),
        in_section(field("otherkey", "CONCEALED", "Port", "5432"), "othersection"),
        in_section(field("adminport", "CONCEALED", "Port", "6543"), "adminsection"),
        in_section(field("own", "STRING", "own field", "by its owner\n"), "add more"),
    ]);
    let sections = json!([
        { "id": "add more" }, { "id": "adminsection", "label": "Admin" }, { "id": "othersection", "label": "Other" },
    ]);
    item(
        "itemstripe",
        "automation",
        "Stripe",
        "API_CREDENTIAL",
        json!({ "fields": fields, "sections": sections }),
    )
}

fn login() -> Value {
    let otp = field(
        "TOTP_onetime",
        "OTP",
        "one-time password",
        "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&issuer=tests",
    );
    let fields = json!([
        with(field("username", "STRING", "username", "ada@example.com"), "purpose", json!("USERNAME")),
        with(field("password", "CONCEALED", "password", "opensesame"), "purpose", json!("PASSWORD")),
        with(in_section(otp, "add more"), "totp", json!(Vaults::CODE)),
    ]);
    let urls = json!([{ "primary": true, "href": "https://example.com" }]);
    let sections = json!([{ "id": "add more" }]);
    let parts = json!({ "fields": fields, "urls": urls, "sections": sections });
    item("itemlogin", "automation", "Account", "LOGIN", parts)
}

fn ssh_key() -> Value {
    let key = field("private_key", "SSHKEY", "private key", "a key in PKCS 8, or not\n");
    let openssh = json!({ "openssh": { "value": "an OpenSSH key, or not\n" } });
    let fields = json!([
        with(key, "ssh_formats", openssh),
        field("public_key", "STRING", "public key", "ssh-ed25519 none")
    ]);
    item("itemkey", "automation", "Deploy Key", "SSH_KEY", json!({ "fields": fields }))
}

fn document() -> Value {
    let (vault, name) = (id("automation"), "itemfiles");
    let file = |file: &str, title: &str, content: &[u8]| {
        let path = format!("v1/vaults/{vault}/items/{}/files/{}/content", id(name), id(file));
        let bytes = BASE64.encode(content);
        json!({ "id": id(file), "name": title, "size": content.len(), "content_path": path, "bytes": bytes })
    };
    let in_section =
        with(file("filesection", "ca.pem", b"of the section"), "section", json!({ "id": "adminsection" }));
    let files = json!([
        file("filecert", "cert.pem", b"a certificate, or not\n"),
        file("filebinary", "key.bin", &[0, 0xff, 0xfe, b'\n', 0x80]),
        with(file("filehuge", "huge.iso", b"more than this"), "size", json!((1 << 20) + 1)),
        in_section,
    ]);
    let parts =
        json!({ "files": files, "fields": [], "sections": [{ "id": "adminsection", "label": "Admin" }] });
    item(name, "automation", "Certificates", "DOCUMENT", parts)
}
