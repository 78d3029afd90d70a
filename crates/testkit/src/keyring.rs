//! A Secret Service of a test's own: a private session bus with gnome-keyring or KeePassXC on it, in a private home.

use std::any::type_name_of_val;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::process::{Child, Command, Stdio};

use crate::{Folder, needs};

/// What a program finds when it looks for the Secret Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringState {
    /// An unlocked keyring.
    Unlocked,
    /// A locked keyring, and no display on which a person could be asked for its password.
    Locked,
    /// An unlocked database of KeePassXC, in place of gnome-keyring.
    KeePassXC,
    /// A session bus on which no Secret Service runs or can be started.
    NoService,
    /// No session bus at all.
    NoBus,
    /// The address of a session bus that is gone.
    Dangling,
}

/// The programs that a private keyring is made of.
const PROGRAMS: [&str; 4] = ["dbus-daemon", "gnome-keyring-daemon", "gdbus", "secret-tool"];
/// What KeePassXC takes besides.
const KEEPASSXC: [&str; 3] = ["keepassxc", "keepassxc-cli", "Xvfb"];
/// What decides how the Secret Service is found, where it keeps its files and whether it can ask anybody.
const VARIABLES: [&str; 10] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HOME",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
/// Set in the process in which [`in_keyring`] runs its test.
const INSIDE: &str = "SUBROSA_TEST_INSIDE_KEYRING";

/// A Secret Service that only programs find whose environment [`apply`](Self::apply) has set. It ends with the value,
/// and also when the test process dies.
#[derive(Debug)]
pub struct PrivateKeyring {
    variables: Vec<(&'static str, Option<OsString>)>,
    // the order matters: the daemons end before their folder goes
    _daemons: Option<Daemons>,
    _folder: Option<Folder>,
}

impl PrivateKeyring {
    /// Starts one; `None` if a program that it takes is missing (see [`needs`]): the test is then to return.
    ///
    /// # Panics
    /// If a daemon does not come up, with what it said; and in CI if a program is missing.
    #[must_use]
    pub fn start(state: KeyringState) -> Option<Self> {
        let daemons = match state {
            KeyringState::Unlocked => Some("unlocked"),
            KeyringState::Locked => Some("locked"),
            KeyringState::KeePassXC => Some("keepassxc"),
            KeyringState::NoService => Some("none"),
            KeyringState::NoBus | KeyringState::Dangling => None,
        };
        if daemons.is_some() && !needs(&PROGRAMS) {
            return None;
        }
        if state == KeyringState::KeePassXC && !needs(&KEEPASSXC) {
            return None;
        }
        let folder = Folder::new();
        for name in ["data", "run", "cache", "config", "state"] {
            let mut builder = fs::DirBuilder::new();
            // as the Base Directory Specification wants its runtime folder
            builder.mode(0o700).create(folder.join(name)).expect("a folder of the keyring's home");
        }
        let mut keyring = Self { variables: variables(&folder, state), _daemons: None, _folder: None };
        keyring._daemons = daemons.map(|word| Daemons::start(&keyring, &folder, word));
        keyring._folder = Some(folder);
        Some(keyring)
    }

    /// Makes `command` find this keyring, and no other.
    pub fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Locks the keyring; nothing but its password opens it again.
    pub fn lock(&self) {
        let mut command = Command::new("gdbus");
        command.args(["call", "--session", "--dest", "org.freedesktop.secrets"]);
        command.args(["--object-path", "/org/freedesktop/secrets"]);
        command.args(["--method", "org.freedesktop.Secret.Service.Lock", &format!("[\"{LOGIN}\"]")]);
        self.run(&mut command, b"");
    }

    /// Locks the database of KeePassXC, as its user does before going to lunch.
    pub fn lock_database(&self) {
        let script = "export TMPDIR=\"$HOME\"; DISPLAY=\":$(cat \"$HOME/screen\")\" keepassxc --config \"$HOME/keepassxc.ini\" \
             --localconfig \"$HOME/local.ini\" --lock >/dev/null 2>&1\ntries=1200\n\
             until gdbus call --session --dest org.freedesktop.secrets \
             --object-path /org/freedesktop/secrets/collection/test --method org.freedesktop.DBus.Properties.Get \
             org.freedesktop.Secret.Collection Locked | grep -q true\n\
             do tries=$((tries - 1)); [ $tries -gt 0 ] || exit 1; sleep 0.05; done";
        self.run(Command::new("sh").args(["-c", script]), b"");
    }

    /// Deletes the entries of a service, as a person does who tidies up.
    pub fn clear(&self, service: &str) {
        self.run(Command::new("secret-tool").args(["clear", "service", service]), b"");
    }

    /// Stops the keyring's daemon in the middle of things: it is there, and answers nothing.
    pub fn freeze(&self) {
        // the daemon's home is the private folder, in which its starter left its process id
        self.run(Command::new("sh").args(["-c", "kill -STOP \"$(cat \"$HOME/keyring.pid\")\""]), b"");
    }

    /// Writes an entry as another program would, under the attributes by which subrosa finds its own.
    pub fn plant(&self, service: &str, account: &str, value: &[u8]) {
        let mut command = Command::new("secret-tool");
        command.args(["store", "--label=planted", "service", service, "username", account]);
        self.run(&mut command, value);
    }

    /// What `secret-tool search` tells of a service's entries: labels and attributes, and the values too.
    #[must_use]
    pub fn search(&self, service: &str) -> String {
        let mut command = Command::new("secret-tool");
        // the labels come on standard output, the attributes on standard error
        self.run(command.args(["search", "--all", "service", service]), b"")
    }

    /// Runs a program in this keyring's environment and answers what it printed on both streams.
    fn run(&self, command: &mut Command, input: &[u8]) -> String {
        let command = self.apply(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        child.stdin.take().expect("its input").write_all(input).expect("it reads its input");
        let output = child.wait_with_output().expect("its output");
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{:?} failed: {said}", command.get_program());
        said
    }

    /// The keyring of the process that this code runs in.
    fn inherited() -> Self {
        let variables = VARIABLES.map(|name| (name, env::var_os(name))).into();
        Self { variables, _daemons: None, _folder: None }
    }
}

fn variables(folder: &Folder, state: KeyringState) -> Vec<(&'static str, Option<OsString>)> {
    let value = |name: &str| -> Option<OsString> {
        match name {
            "HOME" => Some(folder.path().into()),
            "XDG_CACHE_HOME" => Some(folder.join("cache").into()),
            "XDG_CONFIG_HOME" => Some(folder.join("config").into()),
            "XDG_DATA_HOME" => Some(folder.join("data").into()),
            "XDG_RUNTIME_DIR" => Some(folder.join("run").into()),
            "XDG_STATE_HOME" => Some(folder.join("state").into()),
            "DBUS_SESSION_BUS_ADDRESS" if state == KeyringState::NoBus => None,
            "DBUS_SESSION_BUS_ADDRESS" => Some(format!("unix:path={}", folder.join("bus").display()).into()),
            _ => None,
        }
    };
    VARIABLES.map(|name| (name, value(name))).into()
}

/// The shell that watches over the bus and the keyring daemon; it ends both when its standard input closes, which the
/// operating system sees to however this process ends.
#[derive(Debug)]
struct Daemons(Child);

impl Daemons {
    fn start(keyring: &PrivateKeyring, folder: &Folder, state: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("keyring.sh"), "keyring.sh"]).arg(folder.path()).arg(state);
        keyring.apply(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its output");
        if line != "ready\n" {
            drop(child.stdin.take());
            let mut said = String::new();
            child.stderr.take().expect("its errors").read_to_string(&mut said).expect("its errors");
            panic!("the private keyring did not come up: {said}");
        }
        Self(child)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // nothing can be done for a shell that cannot be waited for, and a panic here would hide the test's own
        let _ = self.0.wait();
    }
}

/// Runs the body of a test in a process of its own that finds only a private keyring: a library that reads its
/// environment can be tested so, which cannot be changed soundly in a process of many threads.
///
/// The test is started anew by its name, from the closure's type, so this has to be called from the test function
/// itself, once. Skipped as [`needs`] says.
///
/// ```no_run
/// # use subrosa_testkit::{KeyringState, in_keyring};
/// #[test]
/// fn a_locked_keyring_is_reported() {
///     in_keyring(KeyringState::Unlocked, |keyring| {
///         keyring.lock();
///         // what the library says now
///     });
/// }
/// ```
///
/// # Panics
/// If the body does, with all that it printed.
pub fn in_keyring(state: KeyringState, body: impl FnOnce(&PrivateKeyring)) {
    if env::var_os(INSIDE).is_some() {
        body(&PrivateKeyring::inherited());
        return;
    }
    let Some(keyring) = PrivateKeyring::start(state) else { return };
    let name = test_name(type_name_of_val(&body));
    let mut command = Command::new(env::current_exe().expect("the test program"));
    command.args(["--exact", &name, "--nocapture", "--test-threads=1"]).env(INSIDE, "1").stdin(Stdio::null());
    let output = keyring.apply(&mut command).output().expect("the test program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "inside the keyring: {said}{complained}");
    assert!(said.contains("1 passed"), "no test has the name {name}: {said}");
}

/// `crate::module::test::{{closure}}` without its ends, as the test program names the test.
fn test_name(closure: &str) -> String {
    let path = closure.trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_knows_its_name() {
        assert_eq!(test_name("a_crate::module::a_test::{{closure}}"), "module::a_test");
        assert_eq!(test_name(type_name_of_val(&|| ())), "keyring::tests::a_test_knows_its_name");
    }

    #[test]
    fn an_unlocked_keyring_keeps_what_is_planted() {
        in_keyring(KeyringState::Unlocked, |keyring| {
            keyring.plant("testkit", "account", b"value");
            let found = keyring.search("testkit");
            assert!(
                found.contains("label = planted") && found.contains("attribute.username = account"),
                "{found}"
            );
        });
    }

    #[test]
    fn a_locked_keyring_gives_nothing_away() {
        in_keyring(KeyringState::Unlocked, |keyring| {
            keyring.plant("testkit", "account", b"not-while-locked");
            keyring.lock();
            let mut lookup = Command::new("secret-tool");
            lookup.args(["lookup", "service", "testkit", "username", "account"]);
            let output = keyring.apply(&mut lookup).output().expect("secret-tool runs");
            assert!(!output.status.success());
            assert!(output.stdout.is_empty());
        });
    }

    #[test]
    fn keepassxc_keeps_what_is_planted_and_hides_it_while_it_is_locked() {
        in_keyring(KeyringState::KeePassXC, |keyring| {
            keyring.plant("testkit", "account", b"value");
            assert!(keyring.search("testkit").contains("label = planted"));
            keyring.lock_database();
            assert!(!keyring.search("testkit").contains("label = planted"));
        });
    }

    #[test]
    fn without_a_service_there_is_a_bus_only() {
        let Some(keyring) = PrivateKeyring::start(KeyringState::NoService) else { return };
        let mut list = Command::new("gdbus");
        list.args([
            "call",
            "--session",
            "--dest",
            "org.freedesktop.DBus",
            "--object-path",
            "/org/freedesktop/DBus",
        ]);
        list.args(["--method", "org.freedesktop.DBus.ListActivatableNames"]);
        let names = keyring.run(&mut list, b"");
        assert!(names.contains("org.freedesktop.DBus") && !names.contains("secrets"), "{names}");
    }

    #[test]
    fn the_daemons_end_with_the_value() {
        let Some(keyring) = PrivateKeyring::start(KeyringState::Unlocked) else { return };
        let socket = keyring._folder.as_ref().expect("its folder").join("bus");
        assert!(socket.exists());
        drop(keyring);
        assert!(!socket.exists());
    }

    #[test]
    #[should_panic(expected = "inside the keyring")]
    fn a_failure_inside_is_a_failure() {
        if !needs(&PROGRAMS) {
            panic!("inside the keyring nothing can be tried");
        }
        in_keyring(KeyringState::NoBus, |_| panic!("as asked"));
    }
}
