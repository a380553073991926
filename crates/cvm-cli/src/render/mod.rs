//! Results in the format that was asked for: tables for people, JSON and tab-separated text for programs.

mod list;
mod tabbed;
mod tables;

use serde_json::Value;

use crate::args::Output;
use crate::failure::Failure;
use crate::output;

pub(crate) use list::{List, columns, counted, rows_as_text, summary};

/// Prints any value.
pub(crate) fn value(value: &Value, format: Output) -> Result<(), Failure> {
    match format {
        Output::Json => output::json(value),
        Output::Text => output::text(&tabbed::text(value)),
        Output::Table => output::lines(tables::of(value)),
    }
}
