//! What a connection is told of its server.

use std::fs;

use subrosa_provider::{ErrorKind, ProviderError, Settings};

use crate::{Server, settle_address};

/// The settings `address`, `insecure-http` and `ca` in the form in which they are stored. What is not set stays so.
///
/// # Errors
/// [`BadSettings`](ErrorKind::BadSettings): the address is refused, or the authorities cannot be read.
pub fn settle_server(settings: &mut Settings) -> Result<(), ProviderError> {
    if let Some(address) = settings.text("address") {
        let settled =
            settle_address(address, settings.is_on("insecure-http")).map_err(|error| {
                match address.starts_with("http://") {
                    true => error.hint_at("--insecure-http says that this is meant"),
                    false => error,
                }
            })?;
        settings.set("address", settled);
    }
    settle_authorities(settings)
}

/// The setting `ca` as it is stored: the text in place of the file, so that who can write the file later changes nothing.
///
/// # Errors
/// [`BadSettings`](ErrorKind::BadSettings): they cannot be read.
pub fn settle_authorities(settings: &mut Settings) -> Result<(), ProviderError> {
    if let Some(file) = settings.text("ca").filter(|text| !text.starts_with("-----BEGIN")) {
        let failed = |why: String| ProviderError::new(ErrorKind::BadSettings, format!("{file}: {why}"));
        let pem = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        Server::new("https://localhost", Some(&pem)).map_err(|error| failed(error.to_string()))?;
        settings.set("ca", pem.trim());
    }
    Ok(())
}
