//! Which actions only read.

/// Whether an action only reads, judged by its name: sent any number of times, it changes nothing.
///
/// It does if its name begins with one of the words `Describe`, `Inquiry`, `Inquire`, `Get`, `List` and `Query`, whether
/// this build knows it or not. Any other counts as one that may change something.
pub fn only_reads(action: &str) -> bool {
    const VERBS: [&str; 6] = ["Describe", "Inquiry", "Inquire", "Get", "List", "Query"];
    // Whole words: `ListenOn...` lists nothing.
    let is_word = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_lowercase());
    VERBS.iter().any(|verb| action.strip_prefix(verb).is_some_and(is_word))
}
