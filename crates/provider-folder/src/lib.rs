//! A folder of files, one secret a file, as Docker (`/run/secrets`) and Kubernetes (a mounted Secret) hand them to a program.
//!
//! What this crate is not: it writes nothing, and it does not watch the folder; a value is read when it is looked up.
//!
//! Invariants: no path leads out of the folder, be it by `..`, an absolute path or a symbolic link. Links within it are
//! followed: Kubernetes lets `token` point to `..data/token`. A file is a regular one and at most as long as a value may be.
//!
//! ```
//! use subrosa_provider::{Login, Settings, System};
//! use subrosa_provider_folder::Folder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! std::fs::write(place.path().join("db-password"), "hunter2\n")?;
//! let settings = Settings::from_iter([("path", place.path().display().to_string())]);
//! let login = Login { method: "", session: None, is_kept: false, is_new: false, credential: &|| unreachable!("a folder asks for none"), person: None };
//! let folder = Folder.connect(&Folder.settle(settings)?, login)?;
//! let value = folder.lookup(&"db-password".to_owned())?.expect("it is there");
//! assert_eq!(value.expose_secret(), b"hunter2");
//! # Ok(()) }
//! ```

mod file;
mod offers;
mod target;

use std::{io::ErrorKind as IoErrorKind, path::PathBuf};

use subrosa_provider::{
    Capabilities, ErrorKind, External, Identity, Login, Method, Offers, Provider, ProviderError, Setting,
    Settings, System,
};
use subrosa_secret::SecretValue;

const SETTINGS: &[Setting] = &[
    Setting::place("path", "FOLDER", "the folder, such as /run/secrets").needed(),
    Setting::place("exact", "", "keep the line break at the end of a single line of text"),
];

/// The system: folders of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folder;

impl System for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn about(&self) -> &'static str {
        "a folder of files, one secret a file, as Docker and Kubernetes mount them"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn methods(&self) -> &'static [Method] {
        &[]
    }

    fn example(&self) -> &'static str {
        "db/password"
    }

    fn settle(&self, mut settings: Settings) -> Result<Settings, ProviderError> {
        let refuse = |text: String| Err(ProviderError::new(ErrorKind::BadSettings, text));
        let path = PathBuf::from(settings.text("path").unwrap_or_default());
        // what is relative would be another folder for every working directory
        let Ok(path) = std::path::absolute(&path) else { return refuse("the path is empty".to_owned()) };
        match path.to_str() {
            Some(text) => settings.set("path", text),
            None => return refuse(format!("{} is not UTF-8 text", path.display())),
        }
        Ok(settings)
    }

    fn target(&self, _: &Settings, text: &str) -> Result<String, ProviderError> {
        target::canonical(text)
    }

    fn connect<'a>(
        &self,
        settings: &Settings,
        _: Login<'a>,
    ) -> Result<Box<dyn External + 'a>, ProviderError> {
        let path = PathBuf::from(settings.text("path").unwrap_or_default());
        Ok(Box::new(Connected { path, exact: settings.is_on("exact") }))
    }
}

struct Connected {
    path: PathBuf,
    exact: bool,
}

impl Provider for Connected {
    type Locator = String;

    fn name(&self) -> &str {
        "folder"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: true, write: false, browse: true }
    }

    fn lookup(&self, target: &String) -> Result<Option<SecretValue>, ProviderError> {
        let target = target::canonical(target)?;
        let Some(mut bytes) = file::read(&self.path, &target)? else { return Ok(None) };
        if !self.exact {
            without_line_break(&mut bytes);
        }
        let value = SecretValue::from_zeroizing(bytes);
        value
            .map(Some)
            .map_err(|error| ProviderError::new(ErrorKind::BadAnswer, format!("{target}: {error}")))
    }
}

impl External for Connected {
    fn describe(&self) -> Result<Identity, ProviderError> {
        let shown = self.path.display().to_string();
        match std::fs::read_dir(&self.path) {
            Ok(_) => Ok(Identity { who: shown, expires: None }),
            Err(error) => {
                let (kind, why) = match error.kind() {
                    IoErrorKind::PermissionDenied => (ErrorKind::Denied, "permission denied"),
                    IoErrorKind::NotFound => (ErrorKind::Unavailable, "there is no such folder"),
                    IoErrorKind::NotADirectory => (ErrorKind::Unavailable, "it is not a folder"),
                    _ => (ErrorKind::Unavailable, "it cannot be read"),
                };
                Err(ProviderError::new(kind, format!("{shown}: {why}")).caused_by(error))
            }
        }
    }

    fn offers(&self, search: &str, limit: usize) -> Result<Offers, ProviderError> {
        self.describe()?;
        offers::below(&self.path, search, limit)
    }
}

/// Of a single line of text the line break at its end goes, as `subrosa set` does it: `echo` writes one that belongs to no
/// key. Several lines (a PEM) and binary values stay byte for byte.
fn without_line_break(bytes: &mut Vec<u8>) {
    let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_line = |line: &&[u8]| !line.contains(&b'\n') && std::str::from_utf8(line).is_ok();
    if let Some(length) = line.filter(is_line).map(<[u8]>::len) {
        bytes.truncate(length);
    }
}
