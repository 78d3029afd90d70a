//! An item as Connect and `op` write it in JSON, and what of it a reference means.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::text_of;
use subrosa_secret::{MAX_VALUE_LEN, SecretValue};

use crate::target::{Aspect, Target};

/// An item with its fields. What is a value stays as the server wrote it.
#[derive(Deserialize)]
pub(crate) struct Item<'a> {
    pub(crate) id: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    sections: Option<Vec<Section>>,
    #[serde(borrow, default)]
    pub(crate) fields: Option<Vec<Field<'a>>>,
    #[serde(default)]
    pub(crate) files: Option<Vec<File>>,
}

/// A part of an item, under a name of its own.
#[derive(Deserialize)]
pub(crate) struct Section {
    #[serde(default)]
    id: String,
    #[serde(default)]
    label: String,
}

/// A field of an item.
#[derive(Deserialize)]
pub(crate) struct Field<'a> {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) label: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    section: Option<Section>,
    #[serde(borrow, default)]
    pub(crate) value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    totp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ssh_formats: Option<SshFormats<'a>>,
}

#[derive(Deserialize)]
struct SshFormats<'a> {
    #[serde(borrow, default)]
    openssh: Option<SshFormat<'a>>,
}

#[derive(Deserialize)]
struct SshFormat<'a> {
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// A file of an item.
#[derive(Deserialize)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(default)]
    section: Option<Section>,
}

/// What a reference means in an item.
pub(crate) enum Meant<'i, 'a> {
    Field(&'i Field<'a>),
    File(&'i File),
}

/// What stands behind a reference.
pub(crate) enum Found {
    Nothing,
    Value(SecretValue),
    /// The content of the file of this id, which is asked for by itself.
    Content(String),
}

impl<'a> Item<'a> {
    /// The one field or file that a reference means. Without a section, fields outside of all sections come first.
    pub(crate) fn find(&self, target: &Target) -> Result<Option<Meant<'_, 'a>>, ProviderError> {
        let fields = self.fields.iter().flatten().filter(|field| field.is_called(&target.field));
        let fields: Vec<_> = fields.map(|field| (Meant::Field(field), field.section.as_ref())).collect();
        let files = self.files.iter().flatten().filter(|file| file.is_called(&target.field));
        let files: Vec<_> = files.map(|file| (Meant::File(file), file.section.as_ref())).collect();
        for called in [fields, files] {
            let (outside, inside): (Vec<_>, Vec<_>) = match &target.section {
                Some(name) => (
                    called.into_iter().filter(|(_, section)| self.is_in(*section, name)).collect(),
                    Vec::new(),
                ),
                None => called.into_iter().partition(|(_, section)| section.is_none_or(Section::is_default)),
            };
            for mut meant in [outside, inside] {
                if meant.len() > 1 {
                    return Err(ambiguous(target, &meant));
                }
                if let Some((one, _)) = meant.pop() {
                    return Ok(Some(one));
                }
            }
        }
        Ok(None)
    }

    /// Whether something belongs to the section of that name. Connect names a field's section by its id alone.
    fn is_in(&self, section: Option<&Section>, name: &str) -> bool {
        let Some(section) = section else { return false };
        let known = self.sections.iter().flatten().filter(|known| known.id == section.id);
        section.is_called(name) || known.into_iter().any(|known| known.is_called(name))
    }

    /// Whether an item may hold what its JSON does not show: passkeys, which logins have, and what is in files.
    pub(crate) fn may_hold_more(&self) -> bool {
        self.category == "LOGIN" || self.files.as_ref().is_some_and(|files| !files.is_empty())
    }

    /// Whether a reference means the field or file of that id, and that alone.
    pub(crate) fn means(&self, target: &Target, id: &str) -> bool {
        match self.find(target) {
            Ok(Some(Meant::Field(field))) => field.id == id,
            Ok(Some(Meant::File(file))) => file.id == id,
            Ok(None) | Err(_) => false,
        }
    }

    /// How references name the section of something.
    pub(crate) fn section_of<'s>(&'s self, section: Option<&'s Section>) -> Option<&'s str> {
        let section = section.filter(|section| !section.is_default())?;
        let known = self.sections.iter().flatten().find(|known| known.id == section.id).unwrap_or(section);
        Some(if known.label.is_empty() { &known.id } else { &known.label })
    }

    /// The id of the section of that name.
    pub(crate) fn section_id(&self, name: &str) -> Option<&str> {
        let known = self.sections.iter().flatten().find(|known| known.is_called(name));
        known.map(|known| known.id.as_str())
    }

    /// What a reference leads to.
    pub(crate) fn read(&self, target: &Target) -> Result<Found, ProviderError> {
        match self.find(target)? {
            None => Ok(Found::Nothing),
            Some(Meant::Field(field)) => field.read(target),
            Some(Meant::File(file)) => file.read(target),
        }
    }
}

fn ambiguous(target: &Target, meant: &[(Meant<'_, '_>, Option<&Section>)]) -> ProviderError {
    let ids = meant.iter().map(|(meant, _)| match meant {
        Meant::Field(field) => field.id.as_str(),
        Meant::File(file) => file.id.as_str(),
    });
    let ids = ids.map(shown).collect::<Vec<_>>().join(", ");
    let text = format!("{target}: more than one field has that name; name its section, or its id ({ids})");
    ProviderError::new(ErrorKind::BadLink, text)
}

/// What a server calls something, fit for a line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(64).collect()
}

fn is_same(name: &str, other: &str) -> bool {
    !name.is_empty() && name.to_ascii_lowercase() == other
}

impl Section {
    /// The one that holds a person's own fields when they are put into none.
    fn is_default(&self) -> bool {
        self.id == "add more" && self.label.is_empty()
    }

    fn is_called(&self, name: &str) -> bool {
        is_same(&self.id, name) || is_same(&self.label, name)
    }
}

impl Field<'_> {
    pub(crate) fn section(&self) -> Option<&Section> {
        self.section.as_ref()
    }

    pub(crate) fn has_value(&self) -> bool {
        self.value.is_some_and(|value| !matches!(value.get(), "null" | "\"\""))
    }

    /// Whether it is one of one-time passwords.
    pub(crate) fn has_code(&self) -> bool {
        self.totp.is_some()
    }

    /// What kind of field it is, for people.
    pub(crate) fn kind(&self) -> String {
        shown(&self.kind).to_lowercase().replace('_', " ")
    }

    fn is_called(&self, name: &str) -> bool {
        is_same(&self.id, name) || is_same(&self.label, name)
    }

    fn read(&self, target: &Target) -> Result<Found, ProviderError> {
        let refuse = |why: &str| ProviderError::new(ErrorKind::BadLink, format!("{target}: {why}"));
        let value = match target.aspect {
            Aspect::Value => self.value,
            Aspect::Otp => Some(self.totp.ok_or_else(|| refuse("the field has no one-time password"))?),
            Aspect::OpenSsh => {
                let format = self.ssh_formats.as_ref().and_then(|formats| formats.openssh.as_ref());
                let value = format.and_then(|format| format.value);
                Some(value.ok_or_else(|| refuse("the field is not given in OpenSSH's format"))?)
            }
            Aspect::Type => return said(&self.kind),
            Aspect::Title => return said(&self.label),
            Aspect::Id => return said(&self.id),
            Aspect::Purpose => return said(&self.purpose),
            Aspect::Content | Aspect::Name | Aspect::Size => {
                return Err(refuse("that attribute is one of files, and it is a field"));
            }
        };
        let value = value.map(text_of).transpose().map_err(|error| error.about(&target.to_string()))?;
        Ok(value.flatten().map_or(Found::Nothing, Found::Value))
    }
}

impl File {
    pub(crate) fn section(&self) -> Option<&Section> {
        self.section.as_ref()
    }

    fn is_called(&self, name: &str) -> bool {
        is_same(&self.id, name) || is_same(&self.name, name)
    }

    /// Whether it can be the value of a secret.
    pub(crate) fn is_short(&self) -> bool {
        self.size <= MAX_VALUE_LEN as u64
    }

    fn read(&self, target: &Target) -> Result<Found, ProviderError> {
        match target.aspect {
            Aspect::Value | Aspect::Content if self.is_short() => Ok(Found::Content(self.id.clone())),
            Aspect::Value | Aspect::Content => {
                let text = format!("{target}: the file is longer than the {MAX_VALUE_LEN} bytes of a secret");
                Err(ProviderError::new(ErrorKind::BadAnswer, text))
            }
            Aspect::Name => said(&self.name),
            Aspect::Id => said(&self.id),
            Aspect::Size => said(&self.size.to_string()),
            Aspect::Otp | Aspect::OpenSsh | Aspect::Type | Aspect::Title | Aspect::Purpose => {
                let text = format!("{target}: that attribute is one of fields, and it is a file");
                Err(ProviderError::new(ErrorKind::BadLink, text))
            }
        }
    }
}

/// What is no secret of the item, and yet asked for.
fn said(text: &str) -> Result<Found, ProviderError> {
    let value = SecretValue::new(text.as_bytes().to_vec());
    value
        .map(Found::Value)
        .map_err(|_| ProviderError::new(ErrorKind::BadAnswer, "an attribute is longer than a secret may be"))
}
