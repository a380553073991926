//! The error codes of each action, from one of two files.
//!
//! - JSON: `{"SyncImages": ["InvalidImageId.NotFound", ...], ...}`;
//! - the Go SDK's `client.go`, where a comment before each method lists its codes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::codegen::source;

pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Vec<String>>, String> {
    let text = source::read(path)?;
    let codes = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?
    } else {
        from_go(&text)
    };
    if codes.is_empty() {
        return Err(format!(
            "{} lists no error codes: give a JSON object, or the Go SDK's client.go",
            path.display()
        ));
    }
    Ok(codes)
}

fn from_go(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    let mut codes = BTreeSet::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("//") {
            let value = comment.split_once(" = \"").and_then(|(_, rest)| rest.strip_suffix('"'));
            codes.extend(value.map(String::from));
        } else if let Some(method) = line.strip_prefix("func (c *Client) ") {
            let name = method.split('(').next().unwrap_or_default();
            // The variant that takes a context repeats the list.
            if !name.ends_with("WithContext") && !codes.is_empty() {
                out.insert(name.to_string(), codes.iter().cloned().collect());
            }
            codes.clear();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_before_each_method() {
        let text = r#"
// CopyThing
// error code that may be returned:
//  BAD_THING = "Bad.Thing"
//  AWFUL = "Awful"
func (c *Client) CopyThing(request *CopyThingRequest) (response *CopyThingResponse, err error) {
}
// CopyThing
//  BAD_THING = "Bad.Thing"
func (c *Client) CopyThingWithContext(ctx context.Context, request *CopyThingRequest) {
}
func (c *Client) Other(request *OtherRequest) {
"#;
        let codes = from_go(text);
        assert_eq!(codes, BTreeMap::from([("CopyThing".into(), vec!["Awful".into(), "Bad.Thing".into()])]));
    }
}
