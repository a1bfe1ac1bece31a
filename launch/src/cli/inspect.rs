//! `adit inspect`: the defect model on photographs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use image::{GrayImage, ImageReader, Rgb};
use perception::defects::{ClassMap, Segmenter};
use robot_interface::defect::DefectClass;
use robot_interface::sensors::RgbImage;
use serde::Serialize;

use super::exit::{BAD_INPUT, BadInput};
use crate::terminal::{eprint_line, print_line};

/// Regions smaller than this share of the photograph are not listed (they stay in the mask).
const MIN_SHARE: f64 = 2e-5;
/// Share of the colour of its class that a pixel of the overlay takes on.
const TINT: f64 = 0.55;

/// Arguments of `adit inspect`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Photographs (PNG, JPEG)
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Folder for NAME_overlay.png, NAME_mask.png and NAME.json
    #[arg(long, value_name = "DIR", default_value = "runs/inspect")]
    out: PathBuf,
    /// Print the findings as JSON, one line a photograph
    #[arg(long)]
    json: bool,
}

/// Findings in one photograph.
#[derive(Serialize)]
struct Findings {
    photo: String,
    width: u32,
    height: u32,
    model_version: String,
    classes: Vec<ClassFindings>,
}

#[derive(Serialize)]
struct ClassFindings {
    class: DefectClass,
    mask_value: u8,
    pixels: usize,
    share: f64,
    regions: Vec<Region>,
}

/// Connected pixels of a class: `[left, top, right, bottom]`, right and bottom exclusive.
#[derive(Serialize)]
struct Region {
    bounds_px: [u32; 4],
    area_px: usize,
    /// Mean score of its pixels, 0 to 1.
    score: f64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let names = names(&args.photos)?;
    let segmenter = Segmenter::bundled().context("the bundled defect model cannot be used")?;
    let mut refused = 0;
    for (path, name) in args.photos.iter().zip(&names) {
        let photo = match read(path) {
            Ok(photo) => photo,
            // The other photographs are looked at all the same.
            Err(error) => {
                eprint_line(format_args!("error: {error}"));
                refused += 1;
                continue;
            }
        };
        let map = segmenter.segment(&photo)?;
        let mask = map.mask();
        let findings = Findings {
            photo: path.display().to_string(),
            width: photo.width,
            height: photo.height,
            model_version: segmenter.version().to_owned(),
            classes: DefectClass::VISUAL.into_iter().map(|class| findings(class, &map, &mask)).collect(),
        };
        write(&args.out, name, &photo, mask, &findings)?;
        if args.json {
            print_line(serde_json::to_string(&findings)?);
        } else {
            print_line(summary(&findings, &args.out.join(format!("{name}_overlay.png"))));
        }
    }
    Ok(if refused > 0 { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS })
}

/// The photographs' names without folder and ending, all different.
fn names(photos: &[PathBuf]) -> Result<Vec<String>, BadInput> {
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

fn read(path: &Path) -> Result<RgbImage, BadInput> {
    let refuse = |what: String, help: &str| BadInput {
        message: format!("{}: {what}", path.display()),
        help: help.to_owned(),
    };
    let reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|e| refuse(format!("cannot read the photograph: {e}"), "check the path"))?;
    let picture = reader.decode().map_err(|e| {
        refuse(
            format!("not a usable photograph: {e}"),
            "give a complete PNG or JPEG file, or convert it to one",
        )
    })?;
    let picture = picture.into_rgb8();
    Ok(RgbImage { width: picture.width(), height: picture.height(), data: picture.into_raw() })
}

fn findings(class: DefectClass, map: &ClassMap, mask: &[u8]) -> ClassFindings {
    let value = class.mask_value();
    let pixels = mask.iter().filter(|m| **m == value).count();
    ClassFindings {
        class,
        mask_value: value,
        pixels,
        share: pixels as f64 / mask.len() as f64,
        regions: regions(mask, map.width as usize, value, map.plane(class)),
    }
}

/// Connected pixels (eight neighbours) of a value, largest first.
fn regions(mask: &[u8], width: usize, value: u8, scores: &[u8]) -> Vec<Region> {
    let height = mask.len() / width;
    let least = (MIN_SHARE * mask.len() as f64).ceil() as usize;
    let mut open: Vec<bool> = mask.iter().map(|m| *m == value).collect();
    let mut regions = Vec::new();
    for seed in 0..open.len() {
        if !std::mem::take(&mut open[seed]) {
            continue;
        }
        let mut pixels = vec![seed];
        let (mut low, mut high) = ([seed % width, seed / width], [seed % width, seed / width]);
        let mut next = 0;
        while next < pixels.len() {
            let (x, y) = (pixels[next] % width, pixels[next] / width);
            low = [low[0].min(x), low[1].min(y)];
            high = [high[0].max(x), high[1].max(y)];
            for ny in y.saturating_sub(1)..(y + 2).min(height) {
                for nx in x.saturating_sub(1)..(x + 2).min(width) {
                    if std::mem::take(&mut open[ny * width + nx]) {
                        pixels.push(ny * width + nx);
                    }
                }
            }
            next += 1;
        }
        if pixels.len() < least {
            continue;
        }
        let sum: f64 = pixels.iter().filter_map(|p| scores.get(*p)).map(|s| f64::from(*s)).sum();
        regions.push(Region {
            bounds_px: [low[0], low[1], high[0] + 1, high[1] + 1].map(|v| v as u32),
            area_px: pixels.len(),
            score: sum / 255.0 / pixels.len() as f64,
        });
    }
    regions.sort_by_key(|r| std::cmp::Reverse(r.area_px));
    regions
}

/// Colour of a class in overlays.
const fn colour(value: u8) -> Option<[u8; 3]> {
    match value {
        1 => Some([230, 30, 40]),
        2 => Some([30, 120, 255]),
        3 => Some([255, 190, 0]),
        4 => Some([200, 60, 220]),
        _ => None,
    }
}

fn write(out: &Path, name: &str, photo: &RgbImage, mask: Vec<u8>, findings: &Findings) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let mut overlay = image::RgbImage::from_raw(photo.width, photo.height, photo.data.clone())
        .context("the photograph's bytes do not fit its size")?;
    for (pixel, value) in overlay.pixels_mut().zip(&mask) {
        if let Some(tint) = colour(*value) {
            let blend = |a: u8, b: u8| (f64::from(a) * (1.0 - TINT) + f64::from(b) * TINT) as u8;
            *pixel = Rgb(std::array::from_fn(|i| blend(pixel.0[i], tint[i])));
        }
    }
    let mask = GrayImage::from_raw(photo.width, photo.height, mask)
        .context("the mask does not fit the photograph")?;
    let path = |ending: &str| out.join(format!("{name}{ending}"));
    overlay.save(path("_overlay.png"))?;
    mask.save(path("_mask.png"))?;
    std::fs::write(path(".json"), serde_json::to_string_pretty(findings)?)?;
    Ok(())
}

fn summary(findings: &Findings, overlay: &Path) -> String {
    let found: Vec<String> = findings
        .classes
        .iter()
        .filter(|c| !c.regions.is_empty())
        .map(|c| format!("{} in {} places ({:.2} %)", c.class.name(), c.regions.len(), 100.0 * c.share))
        .collect();
    let found = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
    format!("{}: {found}; {}", findings.photo, overlay.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_connected_pixels_largest_first() {
        #[rustfmt::skip]
        let mask = [
            1, 0, 0, 1, 1,
            0, 1, 0, 0, 1,
            0, 0, 0, 0, 1,
        ];
        let found = regions(&mask, 5, 1, &[255; 15]);
        assert_eq!(found.iter().map(|r| r.area_px).collect::<Vec<_>>(), [4, 2]);
        assert_eq!(found[0].bounds_px, [3, 0, 5, 3]);
        assert!((found[1].score - 1.0).abs() < 1e-9);
        assert!(regions(&mask, 5, 2, &[]).is_empty());
    }

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
            let error = read(&path).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains("help:"), "{error}");
        }
        assert!(read(&folder.path().join("none.png")).is_err());
    }
}
