//! `cvm`: carries images of Tencent Cloud CVM to other regions, calls any action, and explains signatures.

mod args;
mod catalogue;
mod commands;
mod connect;
mod failure;
mod input;
mod journals;
mod log;
mod output;
mod parameters;
mod progress;
mod regions;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command, Output};

fn main() -> ExitCode {
    let Cli { mut global, command } = Cli::parse();
    if matches!(&command, Command::Sync(args) if args.json) {
        global.output = Output::Json;
    }
    match &command {
        Command::Local(args) if args.log.is_some() => log::requests(args),
        _ => log::client(global.verbose),
    }
    let result = match command {
        Command::Sync(args) => commands::sync::run(&global, &args),
        Command::Jobs => commands::jobs::run(&global),
        Command::Images(args) => commands::images::run(&global, &args),
        Command::Quota(args) => commands::quota::run(&global, &args),
        Command::Call(args) => commands::call::run(&global, &args),
        Command::Actions(args) => commands::actions::run(&global, &args),
        Command::Describe(args) => commands::describe::run(&global, &args),
        Command::Sign(args) => commands::sign::run(&global, *args),
        Command::Local(args) => commands::local::run(&global, &args),
        Command::Completions { shell } => commands::manual::completions(shell),
        Command::Man { dir } => commands::manual::man(dir.as_deref()),
    };
    let exit = result.unwrap_or_else(|failure| {
        failure.show(global.output);
        failure.exit
    });
    exit.into()
}
