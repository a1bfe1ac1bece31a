//! Connected parts of a picture, diagonals included.

/// Gives the pixels of each connected part of those that are `open` (`height x width`), in the order of their first pixels.
pub fn for_each_part(mut open: Vec<bool>, width: usize, mut give: impl FnMut(&[usize])) {
    let height = open.len().checked_div(width).unwrap_or(0);
    let mut part = Vec::new();
    for seed in 0..open.len() {
        if !std::mem::take(&mut open[seed]) {
            continue;
        }
        part.clear();
        part.push(seed);
        let mut next = 0;
        while next < part.len() {
            part.extend(around([width, height], part[next]).filter(|p| std::mem::take(&mut open[*p])));
            next += 1;
        }
        give(&part);
    }
}

/// A pixel and its neighbours within a picture of this width and height.
pub(crate) fn around([width, height]: [usize; 2], pixel: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (pixel % width, pixel / width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |v| (x.saturating_sub(1)..(x + 2).min(width)).map(move |u| v * width + u))
}
