//! What the status codes of Apple's Security framework mean (`SecBase.h`). Apart from the code that calls it, so that
//! its tests run on every platform.

/// What a status code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Locked,
    Denied,
    NoKeyring,
    Other,
}

/// Sorts the codes that a user can do something about from the rest.
pub(crate) fn meaning_of(status: i32) -> Meaning {
    match status {
        // errSecInteractionNotAllowed: it would have to ask, and may not, as over SSH
        -25308 => Meaning::Locked,
        // errSecUserCanceled, errSecAuthFailed, errSecInvalidOwnerEdit, errSecReadOnly, errSecWrPerm
        -128 | -25293 | -25244 | -25292 | -61 => Meaning::Denied,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain
        -25291 | -25294 | -25295 | -25307 => Meaning::NoKeyring,
        _ => Meaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meaning() {
        assert_eq!(meaning_of(-25308), Meaning::Locked);
        assert_eq!(meaning_of(-128), Meaning::Denied);
        assert_eq!(meaning_of(-25293), Meaning::Denied);
        assert_eq!(meaning_of(-25307), Meaning::NoKeyring);
        assert_eq!(meaning_of(-50), Meaning::Other);
    }
}
