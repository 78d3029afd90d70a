//! The name of an entry.

use std::fmt;

use subrosa_vault::{SlotId, VaultId};

/// The service under which every entry stands.
pub const SERVICE: &str = "subrosa";

/// Which key an entry holds: that of one keyslot of one vault. Shown as `<vault id>/<slot id>`, both in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    /// The vault.
    pub vault: VaultId,
    /// The keyslot that the key opens.
    pub slot: SlotId,
}

impl Account {
    /// What a person sees in the keychain's own window, where it can show more than service and account.
    pub(crate) fn label(&self) -> String {
        let vault = self.vault.to_string();
        format!("Key of the subrosa vault {}", &vault[..8])
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vault, self.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_label() {
        let account = Account { vault: VaultId::from_bytes([0xab; 16]), slot: SlotId::from_bytes([1; 16]) };
        assert_eq!(account.to_string(), format!("{}/{}", "ab".repeat(16), "01".repeat(16)));
        assert_eq!(account.label(), "Key of the subrosa vault abababab");
    }
}
