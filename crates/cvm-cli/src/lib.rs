//! `cvm`: carries images of Tencent Cloud CVM to other regions, calls any action, and explains signatures.
//!
//! A library, so that other programs can have the same command, [`run`], refuse what it refuses, [`check`], and
//! know the products that it knows, [`api_version`].

mod args;
mod bars;
mod catalogue;
mod commands;
mod completion;
mod connect;
mod exit;
mod failure;
mod fan_out;
mod input;
mod journals;
mod log;
mod output;
mod parameters;
mod products;
mod progress;
mod query;
mod render;
mod signals;
mod table;
mod usage;

use std::ffi::OsString;

use clap::Parser;

use crate::args::{Cli, Command, ConfigCommand, Output};
use crate::catalogue::Catalogue;
use crate::exit::Exit;

pub use crate::catalogue::check::Mistake;
pub use crate::products::version as api_version;

/// What is wrong with the parameters of an action, as far as this build knows it: unknown and missing names, and values of
/// another type, at every depth.
///
/// An action that this build does not know has no mistakes.
///
/// ```
/// let parameters = serde_json::json!({ "Filters": [{ "Nam": "image-type", "Values": ["PRIVATE_IMAGE"] }] });
/// let mistakes = cvm_cli::check("DescribeImages", &parameters);
/// assert_eq!(mistakes[0].indexed(), "there is no parameter `Filters[0].Nam`: did you mean `Name`?");
/// ```
pub fn check(action: &str, parameters: &serde_json::Value) -> Vec<Mistake> {
    let catalogue = Catalogue::load();
    catalogue.action(action).map_or_else(Vec::new, |action| catalogue.check(action, parameters))
}

/// Runs the command to its end; gives the exit code.
///
/// `args` begin with the program's name. The command writes to stdout and stderr. Where it ends in order, it takes over
/// `SIGINT`, `SIGTERM` and `SIGHUP`, unless they are ignored; a second signal ends the process.
///
/// A shell that asks for completions, by a variable that its script sets, is answered in place of a run.
pub fn run(args: impl IntoIterator<Item: Into<OsString> + Clone>) -> u8 {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    if completion::answer(&args) {
        return Exit::Done as u8;
    }
    let Cli { mut global, command } = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return usage::show(&error, &args),
    };
    if matches!(&command, Command::Sync(args) if args.json) {
        global.output = Some(Output::Json);
    }
    global.quiet |= global.is_for_programs();
    match &command {
        Command::Local(args) if args.log.is_some() => log::requests(args),
        _ => log::client(global.verbose),
    }
    let result = command.check(&global).and_then(|()| match command {
        Command::Sync(args) => commands::sync::run(&global, &args),
        Command::Jobs(args) => commands::jobs::run(&global, &args),
        Command::Images(args) => commands::images::run(&global, &args),
        Command::Regions => commands::regions::run(&global),
        Command::Quota(args) => commands::quota::run(&global, &args),
        Command::Call(args) => commands::call::run(&global, &args),
        Command::Actions(args) => commands::actions::run(&global, &args),
        Command::Describe(args) => commands::describe::run(&global, &args),
        Command::Sign(args) => commands::sign::run(&global, *args),
        Command::Configure(args) => commands::configure::run(&global, args),
        Command::Config(ConfigCommand::Show { check }) => commands::config::show(&global, check),
        Command::Local(args) => commands::local::run(&global, &args),
        Command::Completions { shell } => {
            commands::manual::completions(shell, args.first().map(OsString::as_os_str))
        }
        Command::Man { dir } => commands::manual::man(dir.as_deref()),
    });
    let exit = result.unwrap_or_else(|failure| {
        failure.show(global.format());
        failure.exit
    });
    exit as u8
}
