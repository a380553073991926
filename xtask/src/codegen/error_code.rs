//! The error codes.

use super::model::Model;
use super::names;

pub(super) fn render(model: &Model) -> String {
    let mut out = String::from("//! Every documented error code.\n\nsuper::code::known_codes! {\n");
    for (code, meaning) in &model.codes {
        let meaning = if meaning.is_empty() { String::new() } else { format!(": {meaning}") };
        out.push_str(&format!("    /// `{code}`{meaning}\n    {} = \"{code}\",\n", names::variant(code)));
    }
    out.push_str("}\n");
    out
}
