//! `cvm actions`: which actions there are.

use serde_json::json;

use crate::args::{ActionsArgs, Global};
use crate::catalogue::{Catalogue, summary};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{List, counted};

/// Lists the actions whose name or description holds the word.
pub(crate) fn run(global: &Global, args: &ActionsArgs) -> Result<Exit, Failure> {
    let catalogue = Catalogue::load();
    let asked = args.word.as_deref().unwrap_or_default();
    let word = asked.to_lowercase();
    let found: Vec<_> = (catalogue.actions())
        .filter(|(name, action)| {
            name.to_lowercase().contains(&word) || action.doc.to_lowercase().contains(&word)
        })
        .collect();
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "no action has `{asked}` in its name or description: `cvm actions` lists all"
        )));
    }
    let rows: Vec<_> = found
        .iter()
        .map(|(name, action)| vec![(*name).to_string(), summary(&action.doc).to_string()])
        .collect();
    let summary = counted([(rows.len(), "actions")]);
    let list = List { headings: &["ACTION", "WHAT IT DOES"], rows, cut: &[1], drop: &[], summary };
    list.show(global.format(), || {
        found.iter().map(|(name, action)| json!({"name": name, "doc": action.doc})).collect()
    })?;
    Ok(Exit::Done)
}
