//! Text in columns.

/// Columns as wide as their widest cell, two spaces between them; numbers to the right.
pub(super) fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, name)| {
            cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0).max(name.len())
        })
        .collect();
    let is_number: Vec<bool> = (0..head.len())
        .map(|column| cells(column).all(|cell| cell == NONE || cell.parse::<f64>().is_ok()))
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(widths.iter().zip(&is_number)).map(|(cell, (&width, &number))| {
            if number { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Placeholder where there is nothing to say.
pub(super) const NONE: &str = "-";

/// A number, or [`NONE`].
pub(super) fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or(NONE.to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let rows = [["a", "1.5", "x"], ["bcd", "-", "yz"], ["e", "10.25", ""]];
        let rows: Vec<_> = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let expected = "\
name    rad  what
a       1.5  x
bcd       -  yz
e     10.25
";
        assert_eq!(columns(&["name", "rad", "what"], &rows), expected);
    }
}
