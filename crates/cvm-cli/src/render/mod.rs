//! Results in the format that was asked for: tables for people, JSON and tab-separated text for programs.

mod list;
mod tabbed;
mod tables;

use serde_json::Value;

use crate::args::Output;
use crate::failure::Failure;
use crate::output;

pub(crate) use list::{List, columns, counted, rows_as_text, summary};

/// The version of what reports and errors are as JSON: `docs/schemas/` says what that is. It grows where a program that reads
/// them would have to change; that members are added is no such case.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Prints any value.
pub(crate) fn value(value: &Value, format: Output) -> Result<(), Failure> {
    match format {
        Output::Json => output::json(value),
        Output::Text => output::text(&tabbed::text(value)),
        Output::Table => output::lines(tables::of(value)),
    }
}
