//! Opening a page in the user's browser.
//!
//! `BROWSER` names the program, as other tools take it: several are separated by `:` (on Windows there is one), `%s` stands for
//! the address, which else comes last. Without it the desktop is asked, if there is one: over ssh or without a display it would
//! open where nobody looks, or nowhere. Nobody waits for a browser, and none is told what subrosa's terminal is.

use crate::child;
use std::env;
use std::process::{Command, Stdio};
use std::thread;
use subrosa_secret::Origin;

/// Opens a page, or does nothing where there is no browser. Only addresses that are https, or http on this machine.
pub(crate) fn open(url: &str) {
    if !is_page(url) {
        return;
    }
    let mut commands = candidates(url, &|name| env::var(name).ok());
    if commands.is_empty() {
        return;
    }
    thread::spawn(move || commands.iter_mut().any(|command| command.status().is_ok_and(|it| it.success())));
}

/// What is handed to another program is an address, whatever whoever made it thinks it is.
fn is_page(url: &str) -> bool {
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    let origin = Origin::of_url(url).ok().filter(|_| plain);
    origin.is_some_and(|origin| {
        origin.scheme.is_encrypted() && url.starts_with("https:")
            || url.starts_with("http:") && origin.host.is_loopback()
    })
}

/// The programs to try, the first one that works being enough.
fn candidates(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Command> {
    let commands = match variable("BROWSER").filter(|text| !text.trim().is_empty()) {
        Some(text) => named(&text, url),
        None if has_screen(variable) => open::commands(url).into_iter().map(tamed).collect(),
        None => Vec::new(),
    };
    commands.into_iter().map(aside).collect()
}

fn named(browsers: &str, url: &str) -> Vec<Command> {
    let separator = if cfg!(windows) { '\0' } else { ':' };
    let command = |text: &str| {
        let mut words = text.split_whitespace();
        let mut command = child::command(words.next()?);
        command.args(words.map(|word| word.replace("%s", url)));
        if !text.contains("%s") {
            command.arg(url);
        }
        Some(command)
    };
    browsers.split(separator).filter_map(command).collect()
}

/// Whether a window would be seen by whoever typed the command.
fn has_screen(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &str| variable(name).is_some_and(|text| !text.is_empty());
    let is_remote = ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| is_set(name));
    let has_display = cfg!(any(windows, target_os = "macos"))
        || ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| is_set(name));
    !is_remote && has_display
}

/// Without the keys of the vault, as all that is started from here.
fn tamed(mut command: Command) -> Command {
    child::forget_keys(&mut command);
    command
}

/// Away from the terminal: it prints nothing there, reads nothing there, and ^C is not for it.
fn aside(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    }

    fn shown(command: &Command) -> Vec<String> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn only_pages_are_opened() {
        for page in [
            "https://vault.example.com/ui/vault?a=b&c=%20",
            "http://127.0.0.1:8200/x",
            "http://localhost/",
            "http://[::1]:1/",
        ] {
            assert!(is_page(page), "{page}");
        }
        for other in [
            "http://vault.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "-https://example.com",
            "https://example.com/a b",
            "https://example.com/\u{1b}[2J",
            "ftp://127.0.0.1/",
            "",
        ] {
            assert!(!is_page(other), "{other}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_variable_names_the_browser() {
        let url = "https://example.com/?a";
        let commands =
            candidates(url, &with(&[("BROWSER", "one --new %s --last:two -x"), ("SSH_TTY", "/dev/pts/1")]));
        let commands: Vec<_> = commands.iter().map(shown).collect();
        assert_eq!(commands, [["one", "--new", url, "--last"].as_slice(), &["two", "-x", url]]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn nothing_opens_where_nobody_would_see_it() {
        let url = "https://example.com/";
        assert!(candidates(url, &with(&[])).is_empty());
        assert!(candidates(url, &with(&[("DISPLAY", ":0"), ("SSH_CONNECTION", "a 1 b 2")])).is_empty());
        let desktop = candidates(url, &with(&[("DISPLAY", ":0"), ("BROWSER", "")]));
        assert!(desktop.iter().any(|command| shown(command) == ["xdg-open", url]));
        for command in &desktop {
            let dropped = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
                name == "SUBROSA_KEY" && value.is_none()
            };
            assert!(command.get_envs().any(dropped), "{command:?}");
        }
    }
}
