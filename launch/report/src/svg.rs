//! A small writer of SVG that stands inside HTML. Coordinates are units of the drawing, y down.

use std::fmt::Write as _;

/// A drawing in progress.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty drawing of this size.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Adds markup as it is. Text from outside passes through [`escape`] first.
    pub(super) fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    /// Adds a straight line with a CSS class.
    pub(super) fn line(&mut self, class: &str, from: [f64; 2], to: [f64; 2]) {
        let ([x1, y1], [x2, y2]) = (from.map(unit), to.map(unit));
        // Writing into a String cannot fail.
        let _ = write!(self.body, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// Adds a rectangle with a CSS class; `size` is `[width, height]`.
    pub(super) fn rect(&mut self, class: &str, corner: [f64; 2], size: [f64; 2]) {
        let ([x, y], [w, h]) = (corner.map(unit), size.map(unit));
        let _ = write!(self.body, r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}"/>"#);
    }

    /// Adds text with a CSS class, anchored as the class says.
    pub(super) fn text(&mut self, class: &str, at: [f64; 2], text: &str) {
        let [x, y] = at.map(unit);
        let _ = write!(self.body, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    /// Adds an open line through points, with a CSS class. Fewer than two points draw nothing.
    pub(super) fn polyline(&mut self, class: &str, points: impl IntoIterator<Item = [f64; 2]>) {
        let points = point_list(points);
        if points.contains(' ') {
            let _ = write!(self.body, r#"<polyline class="{class}" points="{points}"/>"#);
        }
    }

    /// Opens a part that is clipped to a rectangle; coordinates inside stay those of the drawing.
    pub(super) fn open_clip(&mut self, corner: [f64; 2], size: [f64; 2]) {
        let ([x, y], [w, h]) = (corner.map(unit), size.map(unit));
        let _ = write!(
            self.body,
            r#"<svg x="{x}" y="{y}" width="{w}" height="{h}" viewBox="{x} {y} {w} {h}" overflow="hidden">"#
        );
    }

    /// Closes what [`Svg::open_clip`] opened.
    pub(super) fn close_clip(&mut self) {
        self.body.push_str("</svg>");
    }

    /// The drawing as markup, with a description for those who cannot see it.
    pub(super) fn finish(self, class: &str, description: &str) -> String {
        let (w, h) = (unit(self.width), unit(self.height));
        format!(
            r#"<svg class="{class}" viewBox="0 0 {w} {h}" role="img" aria-label="{}">{}</svg>"#,
            escape(description),
            self.body
        )
    }
}

/// Points as the attribute `points` wants them.
pub(super) fn point_list(points: impl IntoIterator<Item = [f64; 2]>) -> String {
    let mut list = String::new();
    for point in points {
        let [x, y] = point.map(unit);
        let _ = write!(list, "{}{x},{y}", if list.is_empty() { "" } else { " " });
    }
    list
}

/// A coordinate with as many digits as a screen can show; what is not finite becomes 0.
pub(super) fn unit(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text made safe for markup and attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_nan() {
        assert_eq!(unit(1.0), "1");
        assert_eq!(unit(-0.001), "0");
        assert_eq!(unit(2.346), "2.35");
        assert_eq!(unit(100.0), "100");
        assert_eq!(unit(f64::NAN), "0");
    }

    #[test]
    fn text_cannot_leave_its_place() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text("t", [0.0, 0.0], "<script>&\"");
        assert!(svg.finish("d", "a\"b").contains("&lt;script&gt;&amp;&quot;"));
    }
}
