//! Lists: what several commands show as a table with a summary below.

use std::fmt::Display;
use std::io::{self, IsTerminal};

use console::Term;
use serde_json::Value;

use crate::args::Output;
use crate::failure::Failure;
use crate::output;
use crate::table::Table;

/// How many rows have a summary at least.
const SUMMED_UP: usize = 3;

/// A list with a row for each entry.
pub(crate) struct List<'a> {
    pub(crate) headings: &'a [&'a str],
    pub(crate) rows: Vec<Vec<String>>,
    /// The columns that are cut where a terminal is too narrow.
    pub(crate) cut: &'a [usize],
    /// The columns that are left out where that is not enough, one after the other.
    pub(crate) drop: &'a [usize],
    /// What stands below a table of more than a few rows.
    pub(crate) summary: String,
}

impl List<'_> {
    /// Prints it: `json` as JSON, the rows as text.
    pub(crate) fn show(&self, format: Output, json: impl FnOnce() -> Value) -> Result<(), Failure> {
        match format {
            Output::Json => output::json(&json()),
            Output::Text => rows_as_text(&self.rows),
            Output::Table => {
                output::lines(self.within(columns()))?;
                summary(self.rows.len(), &self.summary)
            }
        }
    }
}

impl List<'_> {
    /// The table in lines of at most so many cells. Columns are cut for that, and then left out; where that is not enough,
    /// each row is a block of all its cells.
    fn within(&self, most: usize) -> String {
        let table = |gone: &[usize]| {
            let stays = |column: &usize| !gone.contains(column);
            let columns: Vec<usize> = (0..self.headings.len()).filter(stays).collect();
            let headings: Vec<&str> = columns.iter().map(|&column| self.headings[column]).collect();
            let row =
                |row: &Vec<String>| columns.iter().filter_map(|&column| row.get(column).cloned()).collect();
            let rows: Vec<Vec<String>> = self.rows.iter().map(row).collect();
            let cut = self.cut.iter().filter_map(|cut| columns.iter().position(|column| column == cut));
            Table::within(most, &headings, &rows, &cut.collect::<Vec<_>>())
        };
        let mut narrower = (0..=self.drop.len()).map(|dropped| table(&self.drop[..dropped]));
        let table = narrower.find(|table| matches!(table, Table::Lines(..))).unwrap_or_else(|| table(&[]));
        table.to_string()
    }
}

/// Prints rows separated by tabs.
pub(crate) fn rows_as_text(rows: &[Vec<String>]) -> Result<(), Failure> {
    output::text(&rows.iter().map(|row| row.join("\t") + "\n").collect::<String>())
}

/// Prints what stands below a table, unless its rows are so few that everybody sees how many.
pub(crate) fn summary(rows: usize, text: &str) -> Result<(), Failure> {
    if rows < SUMMED_UP || text.is_empty() {
        return Ok(());
    }
    output::line("")?;
    output::line(text)
}

/// How wide a table may be: as the terminal, or as it needs where there is none.
pub(crate) fn columns() -> usize {
    let width = io::stdout().is_terminal().then(|| Term::stdout().size_checked()).flatten();
    width.map_or(usize::MAX, |(_, columns)| columns.into())
}

/// How many there are of each: `5 copied, 1 failed`. What there is none of is left out.
pub(crate) fn counted<T: Display>(counts: impl IntoIterator<Item = (usize, T)>) -> String {
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_the_columns_that_matter() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let list = List {
            headings: &["IMAGE", "REGION", "BASIS", "NAME"],
            rows: vec![
                row(["img-o3ycss2p", "ap-beijing", "answered", "镜像镜像镜像镜像"]),
                row(["img-2", "hk", "-", "a"]),
            ],
            cut: &[3],
            drop: &[2, 0],
            summary: String::new(),
        };
        for (most, expected) in [
            (
                usize::MAX,
                "IMAGE         REGION      BASIS     NAME\nimg-o3ycss2p  ap-beijing  answered  镜像镜像镜像镜像\nimg-2         hk          -         a",
            ),
            (
                44,
                "IMAGE         REGION      BASIS     NAME\nimg-o3ycss2p  ap-beijing  answered  镜像镜…\nimg-2         hk          -         a",
            ),
            (
                40,
                "IMAGE         REGION      NAME\nimg-o3ycss2p  ap-beijing  镜像镜像镜像…\nimg-2         hk          a",
            ),
            (30, "REGION      NAME\nap-beijing  镜像镜像镜像镜像\nhk          a"),
            (
                16,
                "IMAGE   img-o3ycss2p\nREGION  ap-beijing\nBASIS   answered\nNAME    镜像镜…\n\n\
                 IMAGE   img-2\nREGION  hk\nBASIS   -\nNAME    a",
            ),
        ] {
            assert_eq!(list.within(most), expected, "{most}");
        }
    }

    #[test]
    fn what_there_is_none_of_is_not_counted() {
        assert_eq!(
            counted([(5, "copied"), (0, "gone"), (1, "failed"), (2, "planned")]),
            "5 copied, 1 failed, 2 planned"
        );
        assert_eq!(counted([(0, "copied")]), "");
    }
}
