//! What a file of secrets is, by its content.

use subrosa_interchange::postman::{self, Take};
use subrosa_interchange::{Format, InterchangeError, detect as told, document, dotenv, subrosa};

/// Names that files have, and none.
const HINTS: &[Option<&str>] =
    &[None, Some(".env"), Some("a.json"), Some("a.yaml"), Some("a.toml"), Some("a.kdbx"), Some("a.csv")];

/// A name decides between candidates at most; whatever a file is taken for, its reader gives an answer.
pub fn detect(data: &[u8]) {
    let found = told(data, None);
    if let Err(InterchangeError::Ambiguous { candidates }) = &found {
        assert!(candidates.len() > 1, "{candidates:?}");
    }
    for hint in HINTS {
        let Ok(named) = told(data, *hint) else { continue };
        match &found {
            Ok(format) => assert_eq!(named, *format, "{hint:?}"),
            Err(InterchangeError::Ambiguous { candidates }) => {
                assert!(candidates.contains(&named), "{hint:?}");
            }
            Err(error) => panic!("{hint:?} makes {named} of what is none: {error}"),
        }
    }
    if let Ok(format) = found {
        read(format, data);
    }
}

/// Exports and age files have targets of their own, with keys.
fn read(format: Format, data: &[u8]) {
    let _ = match format {
        Format::SubrosaPlain => subrosa::read_plain(data),
        Format::PostmanEnvironment | Format::PostmanGlobals => postman::read_environment(data, Take::All),
        Format::PostmanCollection => postman::read_collection(data, Take::All),
        Format::PostmanVault => postman::read_vault(data),
        Format::Dotenv => dotenv::read(data),
        Format::Json => document::read_json(data, None),
        Format::Yaml => document::read_yaml(data, None),
        Format::Toml => document::read_toml(data, None),
        _ => return,
    };
}
