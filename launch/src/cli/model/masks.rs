//! Photographs and the masks beside them.

use std::path::{Path, PathBuf};

use perception::defects::scoring::UNSURE;
use robot_interface::defect::DefectClass;

use crate::cli::exit::BadInput;

/// Endings of a mask's name, after the photograph's.
const MASK_ENDINGS: [&str; 3] = ["_mask", "_crack", ""];
/// Greatest number that a mask of class numbers has for a class. One that has none of them, or other greys too, is one of black
/// and white.
const MAX_CLASS: u8 = 9;
/// Grey levels of a mask of black and white between which a pixel is unsure.
const GREY: std::ops::Range<u8> = 64..192;

/// File in a folder of masks that says which class each number is, as `--labels` does.
pub(in crate::cli) const LABELS_FILE: &str = "labels.txt";

/// The class of each number of a mask.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Labels {
    /// As it was written; empty if nothing says whether masks have Adit's own numbers or are of black and white.
    pub(super) text: String,
    classes: [u8; MAX_CLASS as usize + 1],
}

impl Default for Labels {
    /// Adit's own numbers.
    fn default() -> Self {
        let mut labels = [UNSURE; MAX_CLASS as usize + 1];
        labels[0] = 0;
        DefectClass::VISUAL
            .iter()
            .for_each(|class| labels[usize::from(class.mask_value())] = class.mask_value());
        Self { text: String::new(), classes: labels }
    }
}

impl Labels {
    /// From `1=crack,2=leakage`; numbers that are not named are unsure.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let mut labels = [UNSURE; MAX_CLASS as usize + 1];
        labels[0] = 0;
        for part in text.split(',') {
            let named = part.split_once('=').and_then(|(number, class)| {
                let number: u8 =
                    number.trim().parse().ok().filter(|number| (1..=MAX_CLASS).contains(number))?;
                let class = DefectClass::VISUAL.into_iter().find(|c| c.name() == class.trim())?;
                Some((number, class))
            });
            let Some((number, class)) = named else {
                let classes = DefectClass::VISUAL.map(DefectClass::name).join(", ");
                return Err(format!(
                    "{part:?} is not NUMBER=CLASS, with a number from 1 to {MAX_CLASS} and one of {classes}"
                ));
            };
            let label = &mut labels[usize::from(number)];
            if *label != UNSURE {
                return Err(format!("{number} is named twice"));
            }
            *label = class.mask_value();
        }
        Ok(Self { text: text.to_owned(), classes: labels })
    }

    /// Those that are `given`, or that the folder's own file says.
    pub(in crate::cli) fn of(given: Option<&Self>, folder: &Path) -> Result<Self, BadInput> {
        let path = folder.join(LABELS_FILE);
        match (given, std::fs::read_to_string(&path)) {
            (Some(given), _) => Ok(given.clone()),
            (None, Ok(text)) => Self::parse(text.trim()).map_err(|problem| BadInput {
                message: format!("{}: {problem}", path.display()),
                help: "correct it, or remove it and say it with --labels".to_owned(),
            }),
            (None, Err(_)) => Ok(Self::default()),
        }
    }
}

/// A photograph and its mask.
#[derive(Debug)]
pub(in crate::cli) struct Pair {
    pub(in crate::cli) photograph: PathBuf,
    /// `None` for a photograph of something sound.
    pub(in crate::cli) mask: Option<PathBuf>,
}

impl Pair {
    /// The mask, `height x width`: numbers of classes, 0 for none, [`UNSURE`].
    pub(super) fn mask(&self, size: (u32, u32), labels: &Labels) -> Result<Vec<u8>, BadInput> {
        let Some(path) = &self.mask else { return Ok(vec![0; size.0 as usize * size.1 as usize]) };
        let numbers = numbers(path, size)?;
        let is_class = |number: &u8| (1..=MAX_CLASS).contains(number);
        // Other greys are soft edges between black and white. Whoever names numbers has numbers.
        let is_numbered = !labels.text.is_empty()
            || numbers.iter().any(is_class)
                && numbers.iter().all(|n| is_class(n) || matches!(*n, 0 | UNSURE));
        let class = |number: u8| match number {
            _ if is_numbered => labels.classes.get(usize::from(number)).copied().unwrap_or(UNSURE),
            number if number >= GREY.end => DefectClass::Crack.mask_value(),
            number if GREY.contains(&number) => UNSURE,
            _ => 0,
        };
        Ok(numbers.into_iter().map(class).collect())
    }
}

/// The numbers of a mask's file, for a photograph of `size`.
pub(in crate::cli) fn numbers(path: &Path, size: (u32, u32)) -> Result<Vec<u8>, BadInput> {
    let refuse = |problem: String, help: &str| BadInput {
        message: format!("{}: {problem}", path.display()),
        help: help.to_owned(),
    };
    let picture = image::open(path)
        .map_err(|e| refuse(format!("this mask cannot be read: {e}"), "give a complete PNG"))?;
    // Palettes come as colours, whose numbers nobody can tell.
    if picture.color().has_color() && picture.to_rgb8().pixels().any(|p| p[0] != p[1] || p[1] != p[2]) {
        return Err(refuse(
            "this mask is in colour, or has a palette".to_owned(),
            "save it as a grey PNG: 255 for crack, or the numbers of classes",
        ));
    }
    // Scaled to eight bits, the numbers of classes would all be 0.
    let lost = |value: u16| (1..257).contains(&value);
    if picture.as_luma16().is_some_and(|deep| deep.pixels().any(|p| lost(p[0])))
        || picture.as_luma_alpha16().is_some_and(|deep| deep.pixels().any(|p| lost(p[0])))
    {
        return Err(refuse(
            "this mask has numbers of 16 bits".to_owned(),
            "save it as a grey PNG of 8 bits a pixel",
        ));
    }
    let picture = picture.into_luma8();
    if picture.dimensions() != size {
        let [(width, height), (w, h)] = [picture.dimensions(), size];
        let problem = format!("is {width} x {height} pixels, its photograph {w} x {h}");
        return Err(refuse(problem, "give a mask of the photograph's size"));
    }
    Ok(picture.into_raw())
}

/// The photographs of a folder with their masks, by name; and how many have none, unless those are `sound`.
pub(in crate::cli) fn pairs(folder: &Path, sound: bool) -> Result<(Vec<Pair>, usize), BadInput> {
    let refuse = |problem: String| BadInput {
        message: format!("{}: {problem}", folder.display()),
        help: "give a folder of X.jpg or X.png with X_mask.png, X_crack.png or X.png".to_owned(),
    };
    let entries = std::fs::read_dir(folder).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let (mut pairs, mut masks) = (Vec::new(), Vec::new());
    for photograph in files {
        let stem = photograph.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = photograph.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let is_mask = MASK_ENDINGS.iter().any(|ending| !ending.is_empty() && stem.ends_with(ending));
        if is_mask || !matches!(kind.as_str(), "jpg" | "jpeg" | "png") {
            continue;
        }
        let name = stem.strip_suffix("_photo").unwrap_or(&stem);
        let mask = MASK_ENDINGS
            .iter()
            .map(|ending| folder.join(format!("{name}{ending}.png")))
            .find(|mask| *mask != photograph && mask.is_file());
        masks.extend(mask.clone());
        pairs.push(Pair { photograph, mask });
    }
    // X.png beside X.jpg is its mask, and no photograph.
    pairs.retain(|pair| !masks.contains(&pair.photograph));
    let all = pairs.len();
    if !sound {
        pairs.retain(|pair| pair.mask.is_some());
    }
    if pairs.is_empty() {
        return Err(refuse("holds no photographs with masks".to_owned()));
    }
    let without_mask = all - pairs.len();
    Ok((pairs, without_mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_find_their_masks() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = [
            "a.jpg",
            "a_mask.png",
            "b.png",
            "b_crack.png",
            "c.jpg",
            "c.png",
            "d_photo.png",
            "d_mask.png",
            "e.jpg",
            "NOTICE",
        ];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "").expect("written"));
        let found = |sound| {
            let (found, without) = pairs(folder.path(), sound).expect("pairs");
            let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
            let found: Vec<_> =
                found.iter().map(|pair| (name(&pair.photograph), pair.mask.as_deref().map(name))).collect();
            (found, without)
        };
        let pair = |photograph: &str, mask: &str| (photograph.to_owned(), Some(mask.to_owned()));
        let mut expected = vec![
            pair("a.jpg", "a_mask.png"),
            pair("b.png", "b_crack.png"),
            pair("c.jpg", "c.png"),
            pair("d_photo.png", "d_mask.png"),
        ];
        assert_eq!(found(false), (expected.clone(), 1));
        expected.push(("e.jpg".to_owned(), None));
        assert_eq!(found(true), (expected, 0));
        let empty = tempfile::tempdir().expect("a folder");
        assert!(pairs(empty.path(), true).expect_err("empty").to_string().contains("help:"));
    }

    #[test]
    fn masks_are_read_by_what_is_in_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |values: [u8; 4], labels: &Labels| {
            let path = folder.path().join("a_mask.png");
            image::GrayImage::from_raw(4, 1, values.to_vec()).expect("four").save(&path).expect("written");
            let pair = Pair { photograph: folder.path().join("a.jpg"), mask: Some(path) };
            assert!(pair.mask((2, 2), labels).is_err());
            pair.mask((4, 1), labels).expect("a mask")
        };
        let own = Labels::default();
        assert_eq!(read([0, 10, 128, 255], &own), [0, 0, UNSURE, 1]);
        assert_eq!(read([0, 3, 5, 255], &own), [0, 3, UNSURE, UNSURE]);
        let theirs = Labels::parse("1=crack, 5=spalling").expect("labels");
        assert_eq!(read([0, 1, 5, 3], &theirs), [0, 1, 3, UNSURE]);
        assert_eq!(read([0, 0, 255, 0], &theirs), [0, 0, UNSURE, 0], "nothing in it, and partly unsure");
        assert_eq!(read([0, 1, 200, 255], &own), [0, 0, 1, 1], "a soft edge");
        for wrong in ["", "1", "0=crack", "1=hole", "x=crack", "1=crack,1=leakage"] {
            assert!(Labels::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_may_say_its_masks_numbers() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Labels::of(None, folder.path()).expect("none").text, "");
        std::fs::write(folder.path().join(LABELS_FILE), "1=leakage\n").expect("written");
        assert_eq!(Labels::of(None, folder.path()).expect("labels").text, "1=leakage");
        let given = Labels::parse("2=crack").expect("labels");
        assert_eq!(Labels::of(Some(&given), folder.path()).expect("given").text, "2=crack");
        std::fs::write(folder.path().join(LABELS_FILE), "1=hole").expect("written");
        assert!(Labels::of(None, folder.path()).expect_err("no class").to_string().contains("labels.txt"));
    }

    /// A palette's colours were taken for greys, and a photograph "showed no crack".
    #[test]
    fn masks_in_colour_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |colour: [u8; 3]| {
            let path = folder.path().join("a_mask.png");
            image::RgbImage::from_pixel(2, 1, image::Rgb(colour)).save(&path).expect("written");
            Pair { photograph: folder.path().join("a.jpg"), mask: Some(path) }
                .mask((2, 1), &Labels::default())
        };
        assert_eq!(read([255; 3]).expect("grey"), [1, 1]);
        let refused = read([128, 0, 0]).expect_err("colour").to_string();
        assert!(refused.contains("in colour") && refused.contains("help: save it"), "{refused}");
    }
}
