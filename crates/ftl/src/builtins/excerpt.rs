//! Where in a text something is wrong: line, column, and the line with a mark under the place.

/// Longest line that is shown whole.
const MAX_LINE: usize = 50;
const LEFT_OUT: &str = "...";
const TAB: usize = 8;
/// Characters from the place on that are shown in any case.
const SHOWN_FROM_PLACE: usize = 3;

/// Tells the place at the byte `at` of `text`.
pub(super) fn place(text: &str, at: usize) -> String {
    if at >= text.len() {
        return "Error location: At the end of text.".to_owned();
    }
    let before = &text[..at];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let breaks = before.matches(['\n', '\r']).count() - before.matches("\r\n").count();
    let column = text[line_start..at].encode_utf16().count() + 1;
    let rest = &text[line_start..];
    let line_end = rest[at - line_start..].find(['\n', '\r']);
    let line = &rest[..line_end.map_or(rest.len(), |end| at - line_start + end)];
    let (shown, mark) = shortened(&expanded(line), expanded(&text[line_start..at]).len());
    format!(
        "Error location: line {}, column {column}:\n{shown}\n{}^",
        breaks + 1,
        " ".repeat(mark)
    )
}

/// The UTF-16 units of a line, tabs as blanks.
fn expanded(line: &str) -> Vec<u16> {
    let mut units: Vec<u16> = Vec::with_capacity(line.len());
    for unit in line.encode_utf16() {
        if unit == u16::from(b'\t') {
            let end = (units.len() / TAB + 1) * TAB;
            units.resize(end, u16::from(b' '));
        } else {
            units.push(unit);
        }
    }
    units
}

/// The part of the line around `place`, and where that is in it.
fn shortened(line: &[u16], place: usize) -> (String, usize) {
    let text = String::from_utf16_lossy;
    if line.len() <= MAX_LINE {
        return (text(line), place);
    }
    let room = MAX_LINE - LEFT_OUT.len();
    if place + SHOWN_FROM_PLACE <= room {
        return (text(&line[..room]) + LEFT_OUT, place);
    }
    let end = (place + SHOWN_FROM_PLACE).min(line.len());
    let (room, after) = if end < line.len() {
        (room - LEFT_OUT.len(), LEFT_OUT)
    } else {
        (room, "")
    };
    let start = end - room;
    let shown = format!("{LEFT_OUT}{}{after}", text(&line[start..end]));
    (shown, LEFT_OUT.len() + place - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("[{}bad{}", "1,".repeat(30), ",2".repeat(15));
        let told = place(&line, 61);
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines[0], "Error location: line 1, column 62:");
        assert_eq!(
            lines[1],
            "...,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,bad..."
        );
        assert_eq!(lines[2].len(), 45);
    }

    #[test]
    fn lines_and_columns_count_from_one_and_tabs_are_blanks() {
        assert_eq!(
            place("[1,\r\n\tbad]", 6),
            "Error location: line 2, column 2:\n        bad]\n        ^"
        );
        assert_eq!(place("", 0), "Error location: At the end of text.");
    }
}
