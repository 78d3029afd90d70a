//! The user's configuration file.

use std::path::Path;

use crate::config_file;

/// Any text: a configuration, or one line that names the file and a line in it.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(failure) = config_file::parse(&text, Path::new("config.toml")) {
        let line =
            failure.message().strip_prefix("config.toml, line ").and_then(|rest| rest.split(':').next());
        let line: usize = line.and_then(|line| line.parse().ok()).expect("a line is named");
        assert!(line <= text.matches('\n').count() + 1, "{line}");
    }
}
