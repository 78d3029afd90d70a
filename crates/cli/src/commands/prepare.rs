//! `subrosa connect SYSTEM --setup`: what has to be there on the system's side before somebody can connect.

use crate::context::Context;
use crate::external::failed;
use crate::failure::{Failure, Outcome, visible};
use crate::input::{self, Source};
use crate::output::{self, Style};
use clap::{Arg, ArgAction, ArgMatches};
use std::env;
use std::path::PathBuf;
use subrosa_provider::{Plan, ProviderError, Setting, Settings, Standing, Step, System, Work};

/// Variables that say what the flags of a set-up say: `SUBROSA_SETUP_ADDRESS` for `--address`.
const VARIABLE: &str = "SUBROSA_SETUP_";

/// The flags of a set-up, for systems that have one.
pub(super) fn flags(system: &'static dyn System) -> Vec<Arg> {
    let Some(setup) = system.setup() else { return Vec::new() };
    let flag = |id: &'static str, help: &'static str| {
        Arg::new(id).long(id).action(ArgAction::SetTrue).help(help).help_heading(HEADING)
    };
    let mut flags = vec![
        flag("setup", "prepare the system's side instead of connecting; each step is asked for"),
        flag("dry-run", "only print the commands").requires("setup").conflicts_with("policy"),
        flag("policy", "only print what whoever takes the steps has to be allowed").requires("setup"),
    ];
    flags.push(
        flag("yes", "take the steps without asking")
            .requires("setup")
            .conflicts_with_all(["dry-run", "policy"]),
    );
    flags.push(flag("overwrite", "change what is there and is otherwise").requires("setup"));
    flags
        .extend(setup.settings().iter().map(|one| setting_flag(one).requires("setup").help_heading(HEADING)));
    flags
}

const HEADING: &str = "Set-up";

fn setting_flag(one: &'static Setting) -> Arg {
    let arg = Arg::new(one.name).long(one.name).help(one.help);
    match one.value_name {
        "" => arg.action(ArgAction::SetTrue),
        name => arg.value_name(name),
    }
}

/// What help says of it.
pub(super) const AFTER_HELP: &str = "\n\nWith --setup every setting may stand in a variable instead, SUBROSA_SETUP_ and its name: SUBROSA_SETUP_ADDRESS, \
                                     SUBROSA_SETUP_CLIENT_ID. What is there already and as it should be is left alone.";

/// Whether that is what was asked for.
pub(super) fn is_wanted(system: &dyn System, arguments: &ArgMatches) -> bool {
    system.setup().is_some() && arguments.get_flag("setup")
}

pub(super) fn run(context: &Context, system: &dyn System, arguments: &ArgMatches) -> Outcome {
    let setup = system.setup().ok_or_else(|| Failure::usage("nothing has to be prepared there"))?;
    let settings = settings_of(system, setup.settings(), arguments)?;
    let plan = setup.plan(&settings).map_err(|error| failed(&error))?;
    let connection = arguments.get_one::<String>("connection").map_or("NAME", String::as_str);
    if arguments.get_flag("policy") {
        return match plan.permissions() {
            Some(text) => context.output.bytes(text.as_bytes()),
            None => Err(Failure::general("what has to be allowed there is not known")),
        };
    }
    if arguments.get_flag("dry-run") || plan.credential().is_none() {
        return print(context, &*plan, connection);
    }
    let (yes, overwrite) = (arguments.get_flag("yes"), arguments.get_flag("overwrite"));
    if !yes && context.terminal()?.is_none() {
        return Err(Failure::usage("no terminal to ask on before each step")
            .hint("--dry-run prints the commands, --yes takes the steps without asking"));
    }
    let source = Source::of_argument(None, arguments.get_one::<PathBuf>("credential-file"));
    let credential = input::value(context, source, plan.credential().unwrap_or_default(), false)?;
    let work = plan.begin(credential).map_err(|error| failed(&error))?;
    let steps = plan.steps();
    match yes {
        true => take_all(&steps, &*work, overwrite)?,
        false => ask_each(context, &steps, &*work, overwrite)?,
    }
    let learned = work.learned().map_err(|error| failed(&error))?;
    output::done("the set-up is done; people connect with:");
    context.output.bytes(lines(&plan.after(connection, &learned)).as_bytes())
}

/// Settings of the flags, else of variables.
fn settings_of(system: &dyn System, more: &[Setting], arguments: &ArgMatches) -> Outcome<Settings> {
    let mut settings = Settings::default();
    for setting in system.settings().iter().chain(more) {
        let name = setting.name;
        let given = match setting.value_name {
            "" => arguments.get_flag(name).then(String::new),
            _ => arguments.get_one::<String>(name).cloned(),
        };
        let variable = format!("{VARIABLE}{}", name.to_ascii_uppercase().replace('-', "_"));
        if let Some(text) = given.or_else(|| env::var(&variable).ok().filter(|text| !text.is_empty())) {
            let text = if setting.value_name.is_empty() { String::new() } else { text };
            settings.set(name, text);
        } else if setting.required {
            return Err(Failure::usage(format!("--setup needs --{name}, or {variable}")));
        }
    }
    system.settle(settings).map_err(|error| failed(&error))
}

/// The commands, to be read, kept or pasted.
fn print(context: &Context, plan: &dyn Plan, connection: &str) -> Outcome {
    let mut text = String::from("# before\n");
    for line in plan.before() {
        text.push_str(&lines(&line));
    }
    for (number, Step { about, command }) in plan.steps().iter().enumerate() {
        text.push_str(&format!("\n# {}. {}\n{}", number + 1, visible(about), lines(command)));
    }
    text.push_str(&format!("\n# then\n{}", lines(&plan.after(connection, &Settings::default()))));
    context.output.bytes(text.as_bytes())
}

/// Text of several lines, of which nothing is obeyed by a terminal.
fn lines(text: &str) -> String {
    text.lines().map(|line| visible(line) + "\n").collect()
}

fn about(step: &Step, error: &ProviderError) -> Failure {
    failed(&ProviderError::new(error.kind(), format!("{}: {error}", step.about)))
}

/// All steps, after it was seen that none changes what somebody else made.
fn take_all(steps: &[Step], work: &dyn Work, overwrite: bool) -> Outcome {
    let mut conflicts = Failure::general("what is there already is otherwise; nothing was changed");
    let mut any = false;
    for (at, step) in steps.iter().enumerate() {
        if let Standing::Different(parts) = work.standing(at).map_err(|error| about(step, &error))? {
            conflicts = conflicts.detail(format!("{}: {}", step.about, parts.join(", ")));
            any = true;
        }
    }
    if any && !overwrite {
        return Err(conflicts.hint("--overwrite changes it; other names leave it alone"));
    }
    for (at, step) in steps.iter().enumerate() {
        // what an earlier step made is there now
        let standing = work.standing(at).map_err(|error| about(step, &error))?;
        if standing == Standing::Done {
            output::done(&format!("there already: {}", step.about));
            continue;
        }
        work.take(at).map_err(|error| about(step, &error))?;
        output::done(&format!("done: {}", step.about));
    }
    Ok(())
}

/// Each step after a person has seen its command.
fn ask_each(context: &Context, steps: &[Step], work: &dyn Work, overwrite: bool) -> Outcome {
    let Some(mut terminal) = context.terminal()? else { return Ok(()) };
    for (at, step) in steps.iter().enumerate() {
        let question = match work.standing(at).map_err(|error| about(step, &error))? {
            Standing::Done => {
                output::done(&format!("there already: {}", step.about));
                continue;
            }
            Standing::Missing => "take this step? [y]es, [n]o, [q]uit:".to_owned(),
            Standing::Different(parts) if overwrite => {
                format!("it is there, with another {}; change it? [y]es, [n]o, [q]uit:", parts.join(", "))
            }
            Standing::Different(parts) => {
                let text = format!("{}: it is there, with another {}", step.about, parts.join(", "));
                return Err(Failure::general(text).hint("--overwrite asks whether to change it"));
            }
        };
        terminal.say(&format!("\n{}", context.output.paint(Style::Heading, &visible(&step.about))))?;
        terminal.say(lines(&step.command).trim_end())?;
        match terminal.choose(&question, &['y', 'n', 'q'])? {
            'y' => work.take(at).map_err(|error| about(step, &error))?,
            'n' => output::done(&format!("left out: {}", step.about)),
            _ => return Err(Failure::general("the set-up was ended; what was done stays done")),
        }
    }
    Ok(())
}
