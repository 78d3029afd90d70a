//! The systems that this program knows. A new one is a line in [`ALL`]; docs/providers/writing-one.md tells the rest.

use subrosa_provider::System;

/// All of them, in the order of help.
pub(crate) const ALL: &[&dyn System] = &[
    #[cfg(feature = "provider-aws")]
    &subrosa_provider_aws::Aws,
    #[cfg(feature = "provider-folder")]
    &subrosa_provider_folder::Folder,
    #[cfg(feature = "provider-azure")]
    &subrosa_provider_azure::Azure,
    #[cfg(feature = "provider-hashicorp")]
    &subrosa_provider_hashicorp::Hashicorp,
    #[cfg(feature = "provider-onepassword")]
    &subrosa_provider_onepassword::OnePassword,
];

/// The system of that name.
pub(crate) fn find(name: &str) -> Option<&'static dyn System> {
    ALL.iter().copied().find(|system| system.name() == name)
}
