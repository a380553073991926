//! What options name: a file, or stdin for `-`. An error begins with the option, and says the file and the line.

use std::io::{self, Read};
use std::path::Path;

use cvm_proto::credential::part;
use cvm_proto::{Error, input};
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// The most that is read at once: the service takes requests of 10 MiB.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// Everything in a file, byte for byte; `-` stands for stdin.
pub(crate) fn bytes(option: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let read = if path.as_os_str() == "-" {
        cvm_files::read_all(io::stdin().lock(), MAX_BYTES)
    } else {
        cvm_files::read_input(path, MAX_BYTES)
    };
    read.map_err(|error| Failure::usage(format!("{option}: cannot read {}: {error}", name(path))))
}

/// The text in a file.
pub(crate) fn text(option: &str, path: &Path) -> Result<String, Failure> {
    let bytes = bytes(option, path)?;
    let text = input::text(&bytes).map(str::to_owned);
    text.map_err(|error| Failure::usage(format!("{option}: {}", error.at(name(path)))))
}

/// The text in a file byte for byte, a mark at its beginning included: as it was signed.
pub(crate) fn exact_text(option: &str, path: &Path) -> Result<String, Failure> {
    let bytes = bytes(option, path)?;
    if let Err(error) = input::text(&bytes) {
        return Err(Failure::usage(format!("{option}: {}", error.at(name(path)))));
    }
    // What is text without its mark is text with it.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The JSON in a file.
pub(crate) fn json<T: DeserializeOwned>(option: &str, path: &Path) -> Result<T, Failure> {
    let bytes = bytes(option, path)?;
    input::json(&bytes).map_err(|error| Failure::usage(format!("{option}: {}", error.at(name(path)))))
}

/// The lines that come through stdin, without what surrounds each.
pub(crate) fn lines(from: impl Read, most: u64) -> Result<Vec<String>, Failure> {
    let bytes = cvm_files::read_all(from, most);
    let bytes = bytes.map_err(|error| Failure::usage(format!("cannot read stdin: {error}")))?;
    let text = input::text(&bytes).map_err(|error| Failure::usage(error.at("stdin")))?;
    Ok(text.lines().map(|line| input::trim(line).to_owned()).collect())
}

/// A part of a key by its place, such as an option or a line of stdin.
pub(crate) fn key_part(place: &str, name: &str, value: &str) -> Result<String, Failure> {
    let value = part(name, value).map(str::to_owned);
    value.map_err(|error| Error::config(format!("{place}: {}", error.message())).into())
}

fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".into() } else { path.display().to_string() }
}
