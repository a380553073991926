//! `cvm`: carries images of Tencent Cloud CVM to other regions, calls any action, and explains signatures.

mod args;
mod catalogue;
mod commands;
mod connect;
mod failure;
mod input;
mod output;
mod parameters;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    log(global.verbose);
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

/// Shows what the client does, on stderr. Only our own crates are heard: what an HTTP library logs may hold a secret.
fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .finish();
    // It can only fail where another one is set, and this is the one place that sets one.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
