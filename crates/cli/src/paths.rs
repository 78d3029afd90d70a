//! Where things live.
//!
//! | what | asked first | else |
//! |---|---|---|
//! | vault | `--vault`, `SUBROSA_VAULT` | the user's data folder, `subrosa/default` |
//! | state (pins against roll-back, outside of the vault on purpose) | | the user's state folder, `subrosa` |
//! | configuration | | the user's configuration folder, `subrosa/config.toml` |
//!
//! On Linux these honour `XDG_DATA_HOME`, `XDG_STATE_HOME` and `XDG_CONFIG_HOME` (XDG Base Directory
//! Specification 0.8), on macOS they lie below `Library/Application Support`, on Windows below `AppData`.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use std::env;
use std::path::{Path, PathBuf};

const APPLICATION: &str = "subrosa";

/// The vault folder that a command works on.
pub(crate) fn vault(given: Option<&Path>) -> Outcome<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_path_buf());
    }
    if let Some(path) = env::var_os("SUBROSA_VAULT").filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    Ok(user_folders()?.data_dir().join(APPLICATION).join("default"))
}

/// The folder of what is remembered outside of vaults.
pub(crate) fn state() -> Outcome<PathBuf> {
    let folders = user_folders()?;
    // macOS and Windows know no state folder. The cache folder of macOS may be emptied by the system, and with it
    // would go the memory that protects against roll-back; that of Windows is the folder of this machine's data.
    Ok(match folders.state_dir() {
        Some(folder) => folder.join(APPLICATION),
        None if cfg!(windows) => folders.cache_dir().join(APPLICATION).join("state"),
        None => folders.data_dir().join(APPLICATION).join("state"),
    })
}

/// The user's own configuration file. No project file is ever read.
pub(crate) fn config() -> Outcome<PathBuf> {
    Ok(user_folders()?.config_dir().join(APPLICATION).join("config.toml"))
}

fn user_folders() -> Outcome<impl BaseStrategy> {
    choose_native_strategy().map_err(|_| {
        Failure::new(Exit::GENERAL, "cannot find the home folder of this user")
            .hint("export HOME=/path/to/home, or name the vault's folder with --vault")
    })
}
