//! `cvm`: carries images of Tencent Cloud CVM to other regions, calls any action, and explains signatures.

mod args;
mod catalogue;
mod commands;
mod connect;
mod failure;
mod input;
mod log;
mod output;
mod parameters;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    match &command {
        Command::Local(args) if args.log.is_some() => log::requests(args),
        _ => log::client(global.verbose),
    }
    let result = match command {
        Command::Sync(args) => commands::sync::run(&global, args),
        Command::Call(args) => commands::call::run(&global, &args),
        Command::Actions(args) => commands::actions::run(&global, &args),
        Command::Describe(args) => commands::describe::run(&global, &args),
        Command::Sign(args) => commands::sign::run(&global, *args),
        Command::Local(args) => commands::local::run(&global, &args),
    };
    let exit = result.unwrap_or_else(|failure| {
        failure.show(global.output);
        failure.exit
    });
    exit.into()
}
