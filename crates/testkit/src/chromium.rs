//! A real browser, for logins that need one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::service::wait_until;
use crate::{Folder, backend_node, needs};

const DRIVER: &str = include_str!("chromium.cjs");

/// A program for the variable `BROWSER`: a headless Chromium that does on the page that it is given what a test says.
pub struct Chromium {
    folder: Folder,
}

impl Chromium {
    /// One that does this: the text of a function of JavaScript that is handed the page of playwright-core, such as
    /// `async (page) => { … }`. `None` where there is no browser: the test is then to return.
    ///
    /// # Panics
    /// In CI, where there is none.
    #[must_use]
    pub fn doing(moves: &str) -> Option<Self> {
        if !needs(&["chromium", "node"]) {
            return None;
        }
        let playwright = backend_node()?.join("node_modules/playwright-core");
        let folder = Folder::new();
        let moves = folder.write("moves.cjs", format!("module.exports = {moves};\n"));
        let (driver, log) = (folder.write("driver.cjs", DRIVER), folder.path().join("log"));
        let words =
            [&driver, &playwright, &moves, &log].map(|path| format!("'{}'", path.display())).join(" ");
        let program = folder.write("browser", format!("#!/bin/sh\nexec node {words} \"$1\"\n"));
        fs::set_permissions(program, fs::Permissions::from_mode(0o700)).expect("its own file");
        Some(Self { folder })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("browser")
    }

    /// What was on the last page, once all is done: JSON with `url` and `text`, or with `error`.
    ///
    /// # Panics
    /// When nothing is seen within a minute.
    #[must_use]
    pub fn seen(&self) -> String {
        let log = self.folder.path().join("log");
        assert!(wait_until(|| fs::metadata(&log).is_ok_and(|it| it.len() > 0)), "the browser saw nothing");
        fs::read_to_string(log).expect("a file of the test's own")
    }
}
