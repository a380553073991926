//! "Did you mean": the name nearest to a mistyped one. The crate `strsim` needs the standard library, so the distance is here.

use alloc::vec::Vec;

/// The name that was probably meant: the candidate that differs least, if it differs by no more than a third of its
/// letters.
///
/// ```
/// use cvm_proto::input::closest;
///
/// let regions = ["ap-guangzhou", "ap-beijing"];
/// assert_eq!(closest("ap-guangzou", regions.into_iter()), Some("ap-guangzhou"));
/// assert_eq!(closest("eu-paris", regions.into_iter()), None);
/// ```
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    candidates
        .map(|candidate| (distance(&name, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be put in, taken out or changed to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "ab", 1), ("kitten", "sitting", 3), ("", "xy", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
        assert_eq!(closest("Limt", ["Limit", "Offset"].into_iter()), Some("Limit"));
        assert_eq!(closest("x", ["Limit", "Offset"].into_iter()), None);
    }
}
