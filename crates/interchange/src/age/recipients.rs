//! Whom a file is for.

use std::str::FromStr as _;

use ::age::ssh::ParseRecipientKeyError;
use ::age::{Recipient, ssh, x25519};

use crate::{InterchangeError, Place};

/// Public keys: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`.
#[derive(Default)]
pub struct Recipients(Vec<Box<dyn Recipient + Send>>);

impl Recipients {
    /// Reads keys, one to a line, with comments behind `#` at the beginning of a line: what a command line says of one, or
    /// a file of them.
    ///
    /// # Errors
    /// [`InterchangeError`] with the line that is no key.
    pub fn parse(text: &str) -> Result<Self, InterchangeError> {
        let mut recipients = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                recipients.0.push(recipient(line, &Place::Line(number + 1))?);
            }
        }
        Ok(recipients)
    }

    /// Adds others.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn Recipient> {
        self.0.iter().map(|recipient| recipient.as_ref() as &dyn Recipient)
    }
}

fn recipient(line: &str, place: &Place) -> Result<Box<dyn Recipient + Send>, InterchangeError> {
    let refused = |what: &str| InterchangeError::Malformed { place: place.clone(), what: what.to_owned() };
    if line.starts_with("age1") {
        return match x25519::Recipient::from_str(line) {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(_) => Err(refused("this is no key of age's of the kind X25519 (age1…)")),
        };
    }
    if line.starts_with("AGE-SECRET-KEY-") {
        return Err(refused("this is a secret key; files are written to the public one (age1…)"));
    }
    match ssh::Recipient::from_str(line) {
        Ok(recipient) => Ok(Box::new(recipient)),
        Err(ParseRecipientKeyError::RsaModulusTooSmall) => {
            Err(refused("an RSA key needs at least 2048 bits"))
        }
        Err(ParseRecipientKeyError::RsaModulusTooLarge) => {
            Err(refused("this RSA key is larger than any that is used"))
        }
        Err(_) => {
            Err(refused("this is no key that files are written to; there are age1…, ssh-ed25519 and ssh-rsa"))
        }
    }
}
