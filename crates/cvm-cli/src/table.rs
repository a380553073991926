//! Tables for people: columns as wide as their widest cell, two spaces between.

use unicode_width::UnicodeWidthStr;

use crate::output;

/// No column is cut below this.
const NARROWEST: usize = 8;

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

/// The same in lines of at most so many cells, as far as cutting the columns in `cut` achieves it; the widest is cut
/// first.
pub(crate) fn lay_out_within(most: usize, headings: &[&str], rows: &[Vec<String>], cut: &[usize]) -> String {
    let safe = |row: &Vec<String>| row.iter().map(|cell| output::escaped(cell).into_owned()).collect();
    let mut rows: Vec<Vec<String>> = rows.iter().map(safe).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([headings[column].width()]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..headings.len()).map(width).collect();
    while widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1) > most {
        let cuttable = cut.iter().filter(|&&column| widths[column] > NARROWEST.max(headings[column].width()));
        let Some(&widest) = cuttable.max_by_key(|&&column| widths[column]) else { break };
        widths[widest] -= 1;
    }
    for row in &mut rows {
        for &column in cut {
            row[column] = clip(&row[column], widths[column]);
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text.truncate(text.trim_end().len());
    text
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
    fn clipped_texts_fit_whatever_they_are_made_of() {
        assert_eq!(clip("short", 5), "short");
        assert_eq!(clip("too long", 5), "too …");
        assert_eq!(clip("镜像镜像", 5), "镜像…");
        assert_eq!(clip("镜像镜像", 4), "镜…");
    }
}
