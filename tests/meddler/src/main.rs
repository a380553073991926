//! `meddler --to URL`: the meddler as a program, steered over HTTP, until its standard input ends.

#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use cvm_meddler::{Meddler, control};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (to, seed) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--to", to] => (to, Some(0)),
        ["--to", to, "--seed", seed] => (to, seed.parse().ok()),
        _ => ("", None),
    };
    let Some(seed) = seed else {
        eprintln!("meddler: usage: meddler --to URL [--seed NUMBER]");
        return ExitCode::from(2);
    };
    let meddler = Arc::new(Meddler::start(to, seed));
    let control = control::listen(Arc::clone(&meddler));
    println!("{}", serde_json::json!({ "url": meddler.url(), "control": control }));
    // Whoever started it has gone when this ends.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}
