//! `send` as clap knows it, made from the table of flags: for `--help`, completions and the man page. It does not
//! parse: clap's rules are not curl's.

use super::flags::{self, Flag, Section, Support, Takes};
use super::topic::Topic;
use clap::{Arg, ArgAction, Command, ValueHint};

const ABOUT: &str = "Send a request; curl's flags, with references in place of secrets";

const LONG_ABOUT: &str = "\
Send an HTTP request. The command line is curl's: copy a command, write 'subrosa send' for 'curl', and put \
<<vault:name>> where a secret stood. References are resolved in the URL's path and query, in headers, in -u and in \
the body; nothing is sent while one of them is unresolved or while its secret may not go to this host.

.curlrc, .netrc and proxy variables of the environment are not read. A flag that is not known is an error.";

const AFTER: &str = "\
Examples:
  subrosa send https://api.example.com/v1/me -H 'Authorization: Bearer <<vault:example-key>>'
  subrosa send https://api.example.com/v1/items -u '<<vault:user>>:<<vault:password>>' -d 'name=x'
  subrosa send 'https://api.example.com/v1?key=<<vault:example-key>>' -o answer.json
  subrosa send https://api.example.com -H 'X-Api-Key: <<vault:new-key>>' --with new-key=- --keep

Exit codes: 0 done, 2 usage; curl's where curl has one (3 URL, 6 and 7 connecting, 22 with -f, 23 writing, 26 reading \
a file, 28 timeout, 35 and 60 TLS, 1 a scheme that --proto excludes, 47 redirects, 52 and 56 receiving, 45 --interface, 58 client certificate, 67 a user in the URL, 77 --cacert, 82 --crlfile, 90 --pinnedpubkey; \
5, 56 and 97 proxies); \
100 unresolved or refused, nothing was sent; 101 vault locked; 102 vault damaged or rolled back; 103 no vault; \
104 keychain; 105 audit log; 130 interrupted.";

pub(crate) fn command() -> Command {
    let mut command = Command::new("send")
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .after_help(AFTER)
        .disable_help_flag(true)
        .override_usage("subrosa send [FLAGS] URL...")
        .arg(
            Arg::new("urls")
                .value_name("URL")
                .num_args(1..)
                .value_hint(ValueHint::Url)
                .help("where to send to"),
        );
    for flag in flags::all().filter(|flag| matches!(flag.support, Support::Yes(_))) {
        command = command.arg(argument(flag));
    }
    command
}

/// What `subrosa send --help` shows.
pub(super) fn text(topic: Topic) -> String {
    let width = crate::terminal::output_width().unwrap_or(100);
    match topic {
        Topic::All => command().about(LONG_ABOUT).term_width(width).render_help().to_string(),
        Topic::Categories => {
            let line = |section: Section| format!("  {:<12}{}\n", section.word(), section.heading());
            let all: String = Section::ALL.into_iter().map(line).collect();
            format!("Groups of flags, for 'subrosa send --help GROUP':\n{all}  {:<12}All of them\n", "all")
        }
        Topic::Of(section) => {
            let flags = flags::all().filter(|flag| matches!(flag.support, Support::Yes(_)));
            let arguments = flags.filter(|flag| flag.section == section).map(argument);
            let group =
                Command::new("send").disable_help_flag(true).args(arguments).help_template("{all-args}\n");
            group.term_width(width).render_help().to_string()
        }
    }
}

fn argument(flag: &Flag) -> Arg {
    let arg = Arg::new(flag.long).long(flag.long).help(flag.help).help_heading(flag.section.heading());
    let arg = match flag.short {
        Some(letter) => arg.short(letter),
        None => arg,
    };
    match flag.takes {
        Takes::Value(name) => arg.value_name(name).action(ArgAction::Append).value_hint(hint(name)),
        Takes::Switch | Takes::Nothing => arg.action(ArgAction::SetTrue),
    }
}

fn hint(name: &str) -> ValueHint {
    match name {
        "FOLDER" => ValueHint::DirPath,
        "URL" => ValueHint::Url,
        name if name.ends_with("FILE") => ValueHint::FilePath,
        _ => ValueHint::Other,
    }
}
