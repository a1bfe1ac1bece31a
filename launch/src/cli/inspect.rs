//! `adit inspect`: the defect model on photographs.

pub(super) mod photo;
mod png_file;
mod regions;
pub(super) mod results;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use perception::defects::{ClassMap, Reducer, Segmenter};
use rayon::prelude::*;
use robot_interface::defect::DefectClass;
use serde::Serialize;

use super::exit::{BAD_INPUT, BadInput};
use crate::terminal::{eprint_line, print_line};
use crate::weights;
use photo::Photo;
use regions::{Region, RegionFinder};
use results::{Results, Targets};

/// Regions smaller than this share of the photograph are not listed (they stay in the mask).
const MIN_SHARE: f64 = 2e-5;
/// Said in every result, so that nobody takes pixels for millimetres.
const UNITS: &str = "sizes, bounds and areas are in pixels of the upright photograph, shares are of its pixels; none of \
                     them is a crack width or a size on the wall, since a photograph does not tell its scale";

/// Arguments of `adit inspect`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Photographs (PNG, JPEG), of at least 64 x 64 pixels
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Folder for NAME_overlay.png, NAME_mask.png and NAME.json
    #[arg(long, value_name = "DIR", default_value = "runs/inspect")]
    out: PathBuf,
    /// Weights to use in place of those that Adit has (safetensors)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Replace results of the same name from another call
    #[arg(long)]
    overwrite: bool,
    /// Print the findings as JSON, one line a photograph
    #[arg(long)]
    json: bool,
}

/// Findings in one photograph.
#[derive(Serialize)]
pub(super) struct Findings {
    photo: String,
    units: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Size at which the model saw the photograph first: a large one is made smaller.
    judged_width: u32,
    judged_height: u32,
    model_version: String,
    pub(super) classes: Vec<ClassFindings>,
}

impl Findings {
    /// NAME.json.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}

#[derive(Serialize)]
pub(super) struct ClassFindings {
    pub(super) class: DefectClass,
    mask_value: u8,
    pixels: u64,
    share: f64,
    pub(super) regions: Vec<Region>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let names = names(&args.photos)?;
    results::check_folder(&args.out)?;
    let segmenter = weights::load(args.weights.as_deref())?;
    let (mut refused, mut unsaved) = (0, 0);
    for (path, name) in args.photos.iter().zip(&names) {
        let targets = Targets::new(&args.out, name, args.overwrite);
        let overlay = targets.overlay.clone();
        let checked = targets.check(&args.photos).and_then(|()| Photo::open(path));
        let inspected = checked
            .map_err(anyhow::Error::from)
            .and_then(|photo| inspect(&segmenter, &photo, path.display().to_string(), targets));
        let (findings, saved) = match inspected {
            Ok((findings, results)) => {
                let saved = results.and_then(|files| files.finish(&findings.text()?));
                (findings, saved)
            }
            // The other photographs are looked at all the same.
            Err(error) if error.is::<BadInput>() => {
                eprint_line(format_args!("error: {error}"));
                refused += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        // What was found is said even if it cannot be kept.
        let kept = match saved {
            Ok(()) => overlay.display().to_string(),
            Err(error) => {
                eprint_line(format_args!(
                    "error: {error:#}\n  help: make room, or give another folder with --out"
                ));
                unsaved += 1;
                "no result files".to_owned()
            }
        };
        if args.json {
            print_line(serde_json::to_string(&findings)?);
        } else {
            print_line(summary(&findings, &kept));
        }
    }
    Ok(match (refused, unsaved) {
        (0, 0) => ExitCode::SUCCESS,
        (_, 0) => ExitCode::from(BAD_INPUT),
        _ => ExitCode::FAILURE,
    })
}

/// The photographs' names without folder and ending, all different.
pub(super) fn names(photos: &[PathBuf]) -> Result<Vec<String>, BadInput> {
    let mut seen = BTreeSet::new();
    photos
        .iter()
        .map(|path| {
            let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            if seen.insert(name.clone()) {
                Ok(name)
            } else {
                Err(BadInput {
                    message: format!(
                        "two photographs are called {name}: the results of one would overwrite the other's"
                    ),
                    help: "inspect them one after the other, with different --out folders".to_owned(),
                })
            }
        })
        .collect()
}

/// What is found on a photograph, and its files, to be finished. The photograph is gone through twice, so that it need not
/// be in memory: once to make it small enough for the model, and once for what is drawn and counted at its full size.
pub(super) fn inspect(
    segmenter: &Segmenter,
    photo: &Photo,
    name: String,
    targets: Targets,
) -> anyhow::Result<(Findings, anyhow::Result<Results>)> {
    let (width, height) = (photo.width, photo.height);
    let mut reducer = Reducer::new(width, height);
    for band in photo.bands()? {
        reducer.push(&band?.data);
    }
    let reduced = reducer.finish()?;
    let scores = segmenter.segment_reduced(&reduced)?;
    let total = u64::from(width) * u64::from(height);
    let least = (MIN_SHARE * total as f64).ceil() as u64;
    let mut finders = DefectClass::VISUAL.map(|class| RegionFinder::new(class.mask_value(), least));
    let mut results = Results::begin(targets, width, height);
    let mut top = 0;
    for band in photo.bands()? {
        let band = band?;
        let map = scores.rows(top..top + band.height);
        top += band.height;
        let mask = map.mask();
        find(&mut finders, &map, &mask);
        if let Ok(files) = &mut results
            && let Err(error) = files.push(band, &mask)
        {
            results = Err(error);
        }
    }
    let classes = DefectClass::VISUAL.into_iter().zip(finders).map(|(class, finder)| ClassFindings {
        class,
        mask_value: class.mask_value(),
        pixels: finder.pixels,
        share: finder.pixels as f64 / total as f64,
        regions: finder.finish(),
    });
    let (judged_width, judged_height) = reduced.judged_size();
    let findings = Findings {
        photo: name,
        units: UNITS,
        width,
        height,
        judged_width,
        judged_height,
        model_version: segmenter.version().to_owned(),
        classes: classes.collect(),
    };
    Ok((findings, results))
}

/// Takes a band's rows into each class's regions.
fn find(finders: &mut [RegionFinder], map: &ClassMap, mask: &[u8]) {
    let width = map.width as usize;
    finders.par_iter_mut().zip(DefectClass::VISUAL).for_each(|(finder, class)| {
        for (mask, scores) in mask.chunks_exact(width).zip(map.plane(class).chunks_exact(width)) {
            finder.push(mask, scores);
        }
    });
}

fn summary(findings: &Findings, kept: &str) -> String {
    let found: Vec<String> = findings
        .classes
        .iter()
        .filter(|c| !c.regions.is_empty())
        .map(|c| format!("{} in {} places ({:.2} %)", c.class.name(), c.regions.len(), 100.0 * c.share))
        .collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    format!("{}: {found}; {kept}", findings.photo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_photographs_of_one_name_are_refused() {
        let photos = [PathBuf::from("a/x.jpg"), PathBuf::from("b/x.png")];
        assert!(names(&photos).is_err());
        assert_eq!(names(&photos[..1]).expect("one"), ["x"]);
    }

    #[test]
    fn broken_photographs_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in
            [("empty.png", &b""[..]), ("text.jpg", b"not a picture"), ("cut.png", b"\x89PNG\r\n\x1a\n")]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            let error = Photo::open(&path).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains("help:"), "{error}");
        }
        assert!(Photo::open(&folder.path().join("none.png")).is_err());
    }
}
