//! Tables for people: columns as wide as their widest cell, two spaces between; a block for each row where the columns do not
//! fit side by side. And sentences that are broken into lines.

use std::fmt;

use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use crate::output;

/// No column is cut below this.
const MIN_WIDTH: usize = 8;

/// Lays the rows out without headings.
pub(crate) fn lay_out_bare(rows: &[Vec<String>]) -> String {
    let headings = vec![""; rows.iter().map(Vec::len).max().unwrap_or(0)];
    let text = lay_out(&headings, rows);
    text.strip_prefix('\n').map(str::to_owned).unwrap_or(text)
}

/// Lays the rows out under the headings. The last column is not filled up.
pub(crate) fn lay_out(headings: &[&str], rows: &[Vec<String>]) -> String {
    lay_out_within(usize::MAX, headings, rows, &[])
}

/// The same in lines of at most so many cells, as far as that can be; see [`Table::within`].
pub(crate) fn lay_out_within(most: usize, headings: &[&str], rows: &[Vec<String>], cut: &[usize]) -> String {
    Table::within(most, headings, rows, cut).to_string()
}

/// A table that has been laid out.
#[derive(Debug)]
pub(crate) enum Table {
    /// The headings, and a line for each row.
    Lines(String, Vec<String>),
    /// For each row a block with a line for each cell.
    Blocks(Vec<String>),
}

impl Table {
    /// A table in lines of at most so many cells. The columns in `cut` are cut for that, the widest first; where that is not
    /// enough, each row becomes a block, so that the others stay whole.
    pub(crate) fn within(most: usize, headings: &[&str], rows: &[Vec<String>], cut: &[usize]) -> Self {
        let safe = |row: &Vec<String>| row.iter().map(|cell| output::escaped(cell).into_owned()).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(safe).collect();
        lines(most, headings, &rows, cut).map_or_else(
            || Self::Blocks(blocks(most, headings, &rows, cut)),
            |(first, rows)| Self::Lines(first, rows),
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(headings, rows) => {
                f.write_str(headings)?;
                rows.iter().try_for_each(|row| write!(f, "\n{row}"))
            }
            Self::Blocks(blocks) => f.write_str(&blocks.join("\n\n")),
        }
    }
}

/// The headings and the rows as lines, if they are narrow enough.
fn lines(
    most: usize,
    headings: &[&str],
    rows: &[Vec<String>],
    cut: &[usize],
) -> Option<(String, Vec<String>)> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([headings[column].width()]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..headings.len()).map(width).collect();
    while widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1) > most {
        let cuttable = cut.iter().filter(|&&column| widths[column] > MIN_WIDTH.max(headings[column].width()));
        let Some(&widest) = cuttable.max_by_key(|&&column| widths[column]) else { break };
        widths[widest] -= 1;
    }
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    let cell = |(column, cell): (usize, &String)| {
        if cut.contains(&column) { clip(cell, widths[column]) } else { cell.clone() }
    };
    let first = line(&mut headings.iter().map(|&heading| heading.into()));
    let rows: Vec<String> = rows.iter().map(|row| line(&mut row.iter().enumerate().map(cell))).collect();
    let fits = most == usize::MAX || rows.iter().chain([&first]).all(|line| line.width() <= most);
    fits.then_some((first, rows))
}

/// A block for each row, of its cells under each other, each after its heading.
fn blocks(most: usize, headings: &[&str], rows: &[Vec<String>], cut: &[usize]) -> Vec<String> {
    let indent = headings.iter().map(|heading| heading.width()).max().unwrap_or(0) + 2;
    let line = |(column, cell): (usize, &String)| {
        let most =
            if cut.contains(&column) { most.saturating_sub(indent).max(MIN_WIDTH) } else { usize::MAX };
        let filling = " ".repeat(indent - headings[column].width());
        format!("{}{filling}{}", headings[column], clip(cell, most))
    };
    rows.iter().map(|row| row.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")).collect()
}

/// A sentence in lines of at most so many cells, each indented. Only a word that is longer than a line is broken.
pub(crate) fn wrapped(text: &str, indent: usize, most: usize) -> String {
    let indent = " ".repeat(indent);
    let options = Options::new(most)
        .initial_indent(&indent)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// A list as its first entry and the number of the others: `img-o3ycss2p +7`.
pub(crate) fn abbreviate(list: &[String]) -> String {
    match list {
        [] => "-".into(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} +{}", others.len()),
    }
}

/// A text in at most so many cells; of an abbreviated list, the number stays.
pub(crate) fn clip(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let is_number = |tail: &str| !tail.is_empty() && tail.bytes().all(|digit| digit.is_ascii_digit());
    let (head, tail) = match text.rsplit_once(" +") {
        Some((head, tail)) if is_number(tail) && tail.len() + 3 < most => (head, format!(" +{tail}")),
        _ => (text, String::new()),
    };
    let mut clipped = String::new();
    for c in head.chars() {
        clipped.push(c);
        if clipped.width() + 1 + tail.width() > most {
            clipped.pop();
            break;
        }
    }
    clipped + "…" + &tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["ap-guangzhou".into(), "copied".into()], vec!["hk".into(), String::new()]];
        assert_eq!(lay_out(&["REGION", "OUTCOME"], &rows), "REGION        OUTCOME\nap-guangzhou  copied\nhk");
    }

    #[test]
    fn widths_are_in_cells_and_nothing_steers_the_terminal() {
        let rows = [vec!["镜像".into(), "a".into()], vec!["\u{1b}".into(), "b".into()]];
        assert_eq!(lay_out(&["NAME", "X"], &rows), "NAME    X\n镜像    a\n\\u{1b}  b");
    }

    #[test]
    fn names_of_every_width_shift_no_column() {
        for name in [
            "base",
            "镜像·甲",
            "ｆｕｌｌ",
            "ﾊﾝｶｸ",
            "한국어",
            "e\u{301}te\u{301}",
            "👩‍💻 dev",
            "a\u{200b}b",
            "a\tb",
            "",
        ] {
            let row = |name: &str| vec![name.to_owned(), "NORMAL".to_owned()];
            let table = lay_out(&["NAME", "STATE"], &[row(name), row("another-name")]);
            for line in table.lines() {
                let state = line.find("NORMAL").or(line.find("STATE")).unwrap();
                assert_eq!(line[..state].width(), "another-name".len() + 2, "{table}");
            }
            for most in 1..12 {
                assert!(clip(name, most).width() <= most, "{name} in {most}");
            }
        }
    }

    #[test]
    fn the_widest_column_is_cut_first_and_keeps_its_number() {
        let rows = [vec!["0123456789".into(), "img-o3ycss2p +119".into(), "x".into()]];
        let table = lay_out_within(23, &["A", "B", "C"], &rows, &[0, 1]);
        assert_eq!(table.lines().nth(1), Some("01234567…  img… +119  x"));
        assert!(table.lines().all(|line| line.width() <= 23));
        assert_eq!(lay_out_within(80, &["A", "B", "C"], &rows, &[0, 1]), lay_out(&["A", "B", "C"], &rows));
    }

    #[test]
    fn what_does_not_fit_side_by_side_stands_under_each_other() {
        let row = |name: &str| vec![name.to_owned(), "img-o3ycss2p".into(), "img-pmqg1cw7".into()];
        let rows = [row("镜像镜像镜像镜像"), row("base")];
        let table = |most| lay_out_within(most, &["NAME", "ap-shanghai", "ap-beijing"], &rows, &[0]);
        assert_eq!(table(36).lines().count(), 3, "cut to fit");
        assert_eq!(
            table(25),
            "NAME         镜像镜像镜…\nap-shanghai  img-o3ycss2p\nap-beijing   img-pmqg1cw7\n\n\
             NAME         base\nap-shanghai  img-o3ycss2p\nap-beijing   img-pmqg1cw7"
        );
    }

    #[test]
    fn sentences_are_broken_between_words_and_by_cells() {
        assert_eq!(
            wrapped("the image img-o3ycss2p is gone", 2, 16),
            "  the image\n  img-o3ycss2p\n  is gone"
        );
        assert_eq!(wrapped("镜像镜像 镜像镜像 a", 0, 12), "镜像镜像\n镜像镜像 a");
        assert_eq!(wrapped("a 镜像镜像镜像", 1, 9), " a\n 镜像镜像\n 镜像");
    }

    #[test]
    fn clipped_texts_fit_whatever_they_are_made_of() {
        assert_eq!(clip("short", 5), "short");
        assert_eq!(clip("too long", 5), "too …");
        assert_eq!(clip("镜像镜像", 5), "镜像…");
        assert_eq!(clip("镜像镜像", 4), "镜…");
    }
}
