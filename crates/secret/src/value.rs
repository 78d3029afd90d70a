//! Plain text that is wiped when it is dropped and cannot be printed by accident.

use thiserror::Error;
use zeroize::Zeroizing;

/// The largest value, in bytes: 1 MiB.
pub const MAX_VALUE_LEN: usize = 1 << 20;

/// The value of a secret: text or binary, at most [`MAX_VALUE_LEN`] bytes, wiped on drop.
///
/// Reading it is the one visible call [`SecretValue::expose_secret`]. Nothing that would copy, compare or
/// show it by itself is implemented, and the compiler holds that:
///
/// ```
/// fn send<T: Send + Sync>() {}
/// send::<subrosa_secret::SecretValue>();
/// ```
/// ```compile_fail,E0277
/// fn debug<T: std::fmt::Debug>() {}
/// debug::<subrosa_secret::SecretValue>();
/// ```
/// ```compile_fail,E0277
/// fn display<T: std::fmt::Display>() {}
/// display::<subrosa_secret::SecretValue>();
/// ```
/// ```compile_fail,E0277
/// fn clone<T: Clone>() {}
/// clone::<subrosa_secret::SecretValue>();
/// ```
/// ```compile_fail,E0277
/// fn compare<T: PartialEq>() {}
/// compare::<subrosa_secret::SecretValue>();
/// ```
/// ```compile_fail,E0277
/// fn serialize<T: serde::Serialize>() {}
/// serialize::<subrosa_secret::SecretValue>();
/// ```
pub struct SecretValue(Zeroizing<Vec<u8>>);

/// A value is larger than [`MAX_VALUE_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the value has {len} bytes; at most {MAX_VALUE_LEN} can be kept")]
pub struct ValueTooLarge {
    /// The length of the refused value in bytes.
    pub len: usize,
}

impl ValueTooLarge {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        "value_too_large"
    }
}

impl SecretValue {
    /// Takes over `bytes`, which are wiped also when they are refused.
    ///
    /// # Errors
    /// [`ValueTooLarge`] above [`MAX_VALUE_LEN`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, ValueTooLarge> {
        Self::from_zeroizing(Zeroizing::new(bytes))
    }

    /// Takes over a buffer that already wipes itself.
    ///
    /// # Errors
    /// [`ValueTooLarge`] above [`MAX_VALUE_LEN`].
    pub fn from_zeroizing(bytes: Zeroizing<Vec<u8>>) -> Result<Self, ValueTooLarge> {
        if bytes.len() > MAX_VALUE_LEN {
            return Err(ValueTooLarge { len: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// The plain bytes. Every disclosure of a value in this project goes through this name.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the bytes are valid UTF-8.
    pub fn is_text(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_up_to_the_limit_and_no_more() {
        assert_eq!(SecretValue::new(vec![7; MAX_VALUE_LEN]).ok().map(|v| v.len()), Some(MAX_VALUE_LEN));
        let refused = SecretValue::new(vec![7; MAX_VALUE_LEN + 1]).err();
        assert_eq!(refused, Some(ValueTooLarge { len: MAX_VALUE_LEN + 1 }));
    }

    #[test]
    fn tells_text_from_binary() {
        assert!(SecretValue::new("pässword\n".into()).unwrap().is_text());
        assert!(!SecretValue::new(vec![0xff, 0xfe]).unwrap().is_text());
        assert!(SecretValue::new(vec![]).unwrap().is_empty());
    }
}
