//! The error codes.

use super::model::Model;
use super::names;

pub(super) fn render(model: &Model) -> String {
    let mut out = String::from(
        "//! Every documented error code.\n\ncrate::open_enum::open_enum! {\n    \
         /// An error code of the service.\n    ///\n    \
         /// The part before the first dot is the code's [`group`](Self::group).\n    ErrorCode {\n",
    );
    for (code, meaning) in &model.codes {
        let meaning = if meaning.is_empty() { String::new() } else { format!(": {meaning}") };
        let variant = names::error_code(code);
        out.push_str(&format!("        /// `{code}`{meaning}\n        {variant} = \"{code}\",\n"));
    }
    out.push_str("    }\n}\n");
    out
}
