//! Profiles: the first part of a name, chosen for a whole call.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{NameError, check_segment, normalized};

/// The longest profile, in bytes of UTF-8.
pub const MAX_PROFILE_LEN: usize = 64;

/// A profile such as `prod`: one segment of a name, at most [`MAX_PROFILE_LEN`] bytes, without `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Profile(String);

impl Profile {
    /// Reads a profile, bringing it to NFC.
    ///
    /// # Errors
    /// [`NameError`] as for names; `/` is a refused character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let profile = normalized(text.into(), MAX_PROFILE_LEN)?;
        check_segment(&profile)?;
        Ok(Self(profile))
    }

    /// The profile as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Profile> for String {
    fn from(profile: Profile) -> Self {
        profile.0
    }
}

impl TryFrom<String> for Profile {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for Profile {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_segment() {
        assert_eq!(Profile::parse("prod-eu").unwrap().as_str(), "prod-eu");
        assert_eq!(Profile::parse("a/b"), Err(NameError::Character('/')));
        assert_eq!(Profile::parse(""), Err(NameError::Empty));
        assert!(Profile::parse(&"x".repeat(65)).is_err());
    }
}
