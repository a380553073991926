//! `cvm completions` and `cvm man`: what shells and manual readers want to know of the command line.

use std::ffi::OsStr;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{completion, output};

/// Prints a script for a shell, which asks the program of this name.
pub(crate) fn completions(shell: Shell, program: Option<&OsStr>) -> Result<Exit, Failure> {
    output::exact(completion::script(&shell.to_string(), program)?.trim())?;
    Ok(Exit::Done)
}

/// Prints the page of the command itself, or writes the pages of all commands.
pub(crate) fn man(folder: Option<&Path>) -> Result<Exit, Failure> {
    if let Some(folder) = folder {
        clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
            Failure::other(format!("cannot write the manual pages into {}: {error}", folder.display()))
        })?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    output::written(clap_mangen::Man::new(Cli::command()).render(&mut page))?;
    output::exact(String::from_utf8_lossy(&page).trim_end())?;
    Ok(Exit::Done)
}
