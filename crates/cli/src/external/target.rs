//! What a link leads to, as it is typed: `CONNECTION:TARGET`, or a target and its connection apart.

use super::{Connection, Connections, failed};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_vault::{Link, MAX_TARGET_LEN, RecordId};

/// A target in its canonical form, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Target<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) text: String,
}

impl<'c> Target<'c> {
    /// Reads what was typed. Without `to`, what stands before the first colon names the connection; connections cannot be
    /// named so that an address of an external vault (`op://…`, `arn:…`, `https://…`) could be meant.
    pub(crate) fn parse(connections: &'c Connections, text: &str, to: Option<&str>) -> Outcome<Target<'c>> {
        let (name, target) = match (to, text.split_once(':')) {
            (Some(name), _) => (name, text),
            (None, Some((name, target))) if !target.starts_with("//") => (name, target),
            _ => {
                // not repeated: it may be a value that was typed in the wrong place
                return Err(Failure::usage("the target does not say which connection it is of")
                    .hint("write CONNECTION:TARGET, or --to CONNECTION TARGET"));
            }
        };
        let connection = connections.require(name)?;
        let system = connection.system().map_err(|error| failed(&error))?;
        let text = system.target(&connection.settings(), target).map_err(|error| failed(&error))?;
        if text.len() > MAX_TARGET_LEN {
            return Err(Failure::usage(format!("the target is longer than {MAX_TARGET_LEN} bytes")));
        }
        Ok(Target { connection, text })
    }

    /// As a person reads it, and could type it.
    pub(crate) fn shown(&self) -> String {
        format!("{}:{}", self.connection.name, self.text)
    }

    pub(crate) fn link(&self, ttl: Option<u64>) -> Link {
        let id = self.connection.place.map_or(RecordId::from_bytes([0; 16]), |place| place.id);
        Link { connection: id, target: self.text.clone(), ttl }
    }
}

impl Connections {
    /// A link as a person reads it, and could type it.
    pub(crate) fn shown(&self, link: &Link) -> String {
        match self.with_id(link.connection) {
            Some(connection) => format!("{}:{}", connection.name, link.target),
            None => format!("?:{}", link.target),
        }
    }

    /// The connection that a link leads to.
    ///
    /// # Errors
    /// `NotConnected`: there is none any more, it was disconnected, or this program does not know its system.
    pub(crate) fn behind(&self, secret: &str, link: &Link) -> Result<&Connection, ProviderError> {
        let connection = self.with_id(link.connection).ok_or_else(|| {
            let text = "it is linked to a connection that is no longer there";
            let target = quoted(&link.target);
            ProviderError::new(ErrorKind::NotConnected, text)
                .hint_at(format!("subrosa link {} CONNECTION:{target}", quoted(secret)))
        })?;
        connection.system()?;
        Ok(connection)
    }

    /// The command that gives a secret another link.
    pub(crate) fn relink(&self, secret: &str, link: &Link) -> String {
        format!("subrosa link {} {}", quoted(secret), quoted(&self.shown(link)))
    }
}
