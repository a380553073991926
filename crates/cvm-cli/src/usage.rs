//! A command line that cannot be read: what is said of it, for people and for programs.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Cli, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::escaped;

/// Says what is wrong, or prints the help that was asked for; gives the exit code.
pub(crate) fn show(error: &clap::Error, args: &[OsString]) -> u8 {
    if error.use_stderr() && wants_json(args) {
        Failure::usage(sentence(error)).show(Output::Json);
        return Exit::Usage as u8;
    }
    // What is repeated of the command line may steer a terminal: then it is read once more without that.
    let safe: Vec<String> = args.iter().map(|arg| escaped(&arg.to_string_lossy()).into_owned()).collect();
    let is_safe = safe.iter().zip(args).all(|(safe, arg)| **arg == **safe);
    let again = if is_safe { None } else { Cli::try_parse_from(safe).err() };
    let error = again.as_ref().unwrap_or(error);
    // Where nobody can be told, the code has to say it.
    let _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8)
}

/// Whether the command line asks for JSON, as far as it can be read.
fn wants_json(args: &[OsString]) -> bool {
    let mut words = args.iter().skip(1).map_while(|arg| arg.to_str().filter(|word| *word != "--"));
    let mut is_sync = false;
    while let Some(word) = words.next() {
        is_sync |= word == "sync";
        let format = if word == "--output" { words.next() } else { word.strip_prefix("--output=") };
        if format == Some("json") || is_sync && word == "--json" {
            return true;
        }
    }
    false
}

/// What is wrong, as one sentence: without the usage and the hints that stand below it.
fn sentence(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "there is no command: `cvm --help` lists them".into();
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let parts =
        text.split("\n\n").take_while(|part| !["Usage:", "For more"].iter().any(|end| part.starts_with(end)));
    let parts = parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn json_is_wanted_where_an_option_says_so() {
        for line in [
            "cvm --output json nothing",
            "cvm call --output=json",
            "cvm sync --to a --output table --output json",
            "cvm sync --json",
            "cvm -q sync img-1 --json",
        ] {
            assert!(wants_json(&words(line)), "{line}");
        }
        for line in
            ["cvm", "cvm json", "cvm call --json file", "cvm --output text", "cvm call X -- --output json"]
        {
            assert!(!wants_json(&words(line)), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        for (line, said) in [
            ("cvm", "there is no command: `cvm --help` lists them"),
            ("cvm nothing", "unrecognized subcommand 'nothing'"),
            ("cvm sync", "the following required arguments were not provided: --to <REGION,...> <IMAGE>..."),
            (
                "cvm sync img-1 --tiemout 9s",
                "unexpected argument '--tiemout' found; tip: a similar argument exists: '--timeout'",
            ),
            (
                "cvm sync img-1 --to a --timeout soon",
                "invalid value 'soon' for '--timeout <TIME>': expected number at 0",
            ),
            (
                "cvm call X --output xml",
                "invalid value 'xml' for '--output <FORMAT>' [possible values: table, json, text]",
            ),
        ] {
            let Err(error) = Cli::try_parse_from(words(line)) else { panic!("{line} can be read") };
            assert_eq!(sentence(&error), said, "{line}");
        }
    }
}
