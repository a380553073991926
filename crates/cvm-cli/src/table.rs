//! Tables for people: columns as wide as their widest cell, two spaces between.

use unicode_width::UnicodeWidthStr;

use crate::output;

/// Lays the rows out under the headings. The last column is not filled up.
pub(crate) fn lay_out(headings: &[&str], rows: &[Vec<String>]) -> String {
    let safe = |row: &Vec<String>| row.iter().map(|cell| output::escaped(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(safe).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([headings[column].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
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
    for row in &rows {
        line(&mut row.iter().map(String::as_str));
    }
    text.truncate(text.trim_end().len());
    text
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
}
