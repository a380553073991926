//! The command itself; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cvm_cli::run(std::env::args_os()).into()
}
