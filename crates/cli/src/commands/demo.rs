//! `subrosa demo`: the main job, for real, on a scratch vault that is gone afterwards.

mod server;

use crate::child;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use clap::{ArgMatches, Command};
use server::Server;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// Made up; what it opens does not exist.
const VALUE: &str = "demo-7f3a-not-a-real-key";
const WIDTH: usize = 78;

pub(super) fn command() -> Command {
    Command::new("demo").about("Show the main job on a scratch vault and a local server").after_help(
        "Makes a vault in a temporary folder, stores a key, sends a request with a reference in it to a server on\n\
         this machine, and shows what the server saw and what the terminal shows. Needs no keychain and no network,\n\
         and leaves nothing behind.\n\nExamples:\n  subrosa demo",
    )
}

pub(super) fn run(_: &Context, _: &ArgMatches) -> Outcome {
    let stage = Stage::new()?;
    let server = Server::start().map_err(|error| failed("start a server on loopback", &error))?;
    let host = format!("http://localhost:{}", server.port());

    say("A vault in a scratch folder. Its key goes to a file here; usually the keychain holds it.")?;
    stage.show(&["init", "--key-file", "key", "--save-recovery", "recovery"], None)?;

    say(
        "A secret, allowed for one host, in headers only. The value comes from standard input, never from the command line.",
    )?;
    stage.show(&["set", "demo-key", "--host", &host, "--only", "header"], Some(VALUE))?;
    stage.show(&["list"], None)?;

    say("A request with a reference where the key would stand.")?;
    let header = "Authorization: Key <<vault:demo-key>>";
    stage.show(&["send", "-v", "--mask", "-H", header, &format!("{host}/v1/models")], None)?;

    say(
        "What the server saw: the value. What the terminal showed above: the reference, in the echo of the server too.",
    )?;
    print(&server.last_request())?;

    say("The same secret towards another host, and in another place: nothing is sent.")?;
    let seen = server.count();
    stage.show_refused(&["send", "-H", header, "https://api.example.com/v1/models"])?;
    stage.show_refused(&["send", "-d", "key=<<vault:demo-key>>", &host])?;
    if server.count() != seen {
        return Err(Failure::general("the demo's server got a request that it must not get"));
    }

    say("What is on the disk: sealed rows, and a log that knows names only for whoever has the key.")?;
    stage.show(&["audit", "show"], None)?;
    stage.show(&["verify"], None)?;
    if let Some(file) = stage.files_holding(VALUE.as_bytes())?.first() {
        return Err(Failure::general(format!("the value stands in clear in {}", file.display())));
    }
    say(
        "Searched every file for the value: no file in the scratch folder holds it in clear. The folder goes now.",
    )?;
    stage.leave()
}

/// The scratch folder, and subrosa as it runs there.
struct Stage {
    folder: PathBuf,
    program: PathBuf,
}

impl Stage {
    fn new() -> Outcome<Stage> {
        let program = std::env::current_exe().map_err(|error| failed("find this program", &error))?;
        let id = subrosa_vault::SlotId::random().map_err(|error| Failure::general(error.to_string()))?;
        let folder = std::env::temp_dir().join(format!("subrosa-demo-{id}"));
        #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has modes"))]
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| Failure::file("create", &folder, &error))?;
        Ok(Stage { folder, program })
    }

    /// Shows a command that has to succeed.
    fn show(&self, words: &[&str], input: Option<&str>) -> Outcome {
        self.show_ending(words, input, Exit::OK)
    }

    /// Shows a request that has to be refused.
    fn show_refused(&self, words: &[&str]) -> Outcome {
        self.show_ending(words, None, Exit::UNRESOLVED)
    }

    /// Shows a command as one would type it, runs it, and shows what it answers.
    fn show_ending(&self, words: &[&str], input: Option<&str>, exit: Exit) -> Outcome {
        let typed: Vec<String> = words.iter().map(|word| crate::fault::quoted(word)).collect();
        print(&format!("$ subrosa {}\n", typed.join(" ")))?;
        let output = self.run(words, input).map_err(|error| failed("run subrosa", &error))?;
        print(&String::from_utf8_lossy(&output.stderr))?;
        print(&String::from_utf8_lossy(&output.stdout))?;
        if output.status.code() != Some(exit.code().into()) {
            return Err(Failure::general(format!("this step of the demo ended with {}", output.status)));
        }
        Ok(())
    }

    fn run(&self, words: &[&str], input: Option<&str>) -> io::Result<Output> {
        let mut command = child::command(&self.program);
        command.args(words).current_dir(&self.folder).env_clear();
        for name in ["PATH", "SystemRoot"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("USERPROFILE", "home"),
            ("APPDATA", "home"),
            ("LOCALAPPDATA", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CONFIG_HOME", "config"),
        ] {
            command.env(name, self.folder.join(folder));
        }
        if words.first() != Some(&"init") {
            command.env("SUBROSA_KEY_FILE", self.folder.join("key"));
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(text.as_bytes())?;
        }
        child.wait_with_output()
    }

    fn files_holding(&self, needle: &[u8]) -> Outcome<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in read_folder(&folder)? {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    let bytes =
                        std::fs::read(&entry).map_err(|error| Failure::file("read", &entry, &error))?;
                    if bytes.windows(needle.len()).any(|window| window == needle) {
                        found.push(entry);
                    }
                }
            }
        }
        Ok(found)
    }

    fn leave(self) -> Outcome {
        std::fs::remove_dir_all(&self.folder).map_err(|error| Failure::file("remove", &self.folder, &error))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // also where a step failed; after `leave` there is nothing left
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn read_folder(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.map_err(|error| Failure::file("read", folder, &error))
}

/// A paragraph between the steps, wrapped.
fn say(text: &str) -> Outcome {
    let mut lines = String::from("\n");
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.len() > WIDTH {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    print(&format!("{lines}\n\n"))
}

fn print(text: &str) -> Outcome {
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::general(format!("cannot {what}: {}", crate::failure::reason(error)))
}
