//! `adit learn export`: what the model marks on pictures, for a person to correct.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use perception::defects::Segmenter;
use png::ColorType;

use super::fingerprint;
use super::recorded_pictures::RecordedPictures;
use super::verdicts::{Row, Verdicts};
use crate::cli::exit::{BAD_INPUT, BadInput};
use crate::cli::inspect::photo::Photo;
use crate::cli::inspect::results::{GrowingPng, Targets, check_folder};
use crate::cli::inspect::{inspect, names};
use crate::terminal::{eprint_line, print_line};
use crate::weights;

/// Folder, within that of the exported pictures, of the masks as the model made them: what differs was painted.
pub(super) const MODEL_MASKS: &str = "model";

#[derive(clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// Photographs (PNG, JPEG), and recordings of missions (*.mcap): of these every colour picture on which something is marked
    #[arg(required = true, value_name = "PHOTO")]
    pictures: Vec<PathBuf>,
    /// Folder for the pictures and verdicts.csv; pictures that it has already are left alone
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Weights to use in place of those that Adit has (safetensors)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

pub(super) fn export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let is_recording = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "mcap");
    let (recordings, photos): (Vec<_>, Vec<_>) = args.pictures.iter().partition(is_recording);
    let photos: Vec<PathBuf> = photos.into_iter().cloned().collect();
    let names = names(&photos)?;
    check_folder(&args.out)?;
    let verdicts = Verdicts::read(&args.out)?;
    let segmenter = weights::load(args.weights.as_deref())?;
    let mut folder = Folder {
        path: &args.out,
        segmenter,
        known: verdicts.pictures(),
        verdicts,
        counts: Counts::default(),
    };
    for (path, name) in photos.iter().zip(names) {
        if let Some(refusal) = folder.another_of_that_name(path, &name)? {
            eprint_line(format_args!("error: {refusal}"));
            folder.counts.refused += 1;
            continue;
        }
        folder.add(&name, path.display().to_string(), || Photo::open(path), Keep::Always)?;
    }
    for path in recordings {
        let mut pictures = RecordedPictures::open(path)?;
        while let Some((name, picture)) = pictures.next().transpose()? {
            let Some(photo) = Photo::of_picture(Path::new(&name), picture) else { continue };
            folder.add(&name, format!("{} {name}", path.display()), || Ok(photo), Keep::IfMarked)?;
        }
        if pictures.unreadable > 0 {
            let many = pictures.unreadable;
            eprint_line(format_args!("{}: {many} pictures or parts could not be read", path.display()));
        }
    }
    let Counts { pictures, regions, there, refused } = folder.counts;
    print_line(format_args!(
        "{pictures} pictures with {regions} regions are new in {}; {there} were there and are as they were",
        args.out.display()
    ));
    print_line(format_args!(
        "next: look at each NAME_overlay.png and fill the column `verdict` of {} (right, wrong, or the class that it is; \
         empty: not looked at; `rest`: right if nothing else is there), or repaint NAME_mask.png (255: unsure); then \
         `adit learn train {} --out FILE.safetensors`",
        folder.verdicts.path.display(),
        args.out.display()
    ));
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(BAD_INPUT) })
}

#[derive(Default)]
struct Counts {
    pictures: usize,
    regions: usize,
    there: usize,
    refused: usize,
}

/// Which pictures are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Always,
    IfMarked,
}

/// A folder that pictures are exported to.
struct Folder<'a> {
    path: &'a Path,
    segmenter: Segmenter,
    /// Pictures that were there before.
    known: std::collections::BTreeSet<String>,
    verdicts: Verdicts,
    counts: Counts,
}

impl Folder<'_> {
    /// Adds a picture, unless it is there. One that cannot be used is told, and the others are looked at all the same.
    fn add(
        &mut self,
        name: &str,
        source: String,
        open: impl FnOnce() -> Result<Photo, BadInput>,
        keep: Keep,
    ) -> anyhow::Result<()> {
        if self.known.contains(name) {
            self.counts.there += 1;
            return Ok(());
        }
        let opened = self.check(name).and_then(|()| open());
        match opened.map_err(anyhow::Error::from).and_then(|photo| self.write(name, source, &photo, keep)) {
            Err(error) if error.is::<BadInput>() => {
                eprint_line(format_args!("error: {error}"));
                self.counts.refused += 1;
                Ok(())
            }
            result => result,
        }
    }

    /// Why a photograph is not the one of its name that is there; `None` if it is, or none is.
    fn another_of_that_name(&self, path: &Path, name: &str) -> Result<Option<BadInput>, BadInput> {
        let there = self.path.join(format!("{name}.png"));
        if !self.known.contains(name) || !there.exists() || !path.exists() {
            return Ok(None);
        }
        let is_same = fingerprint::of_picture(path)? == fingerprint::of_picture(&there)?;
        Ok((!is_same).then(|| BadInput {
            message: format!("{}: {} is another picture of that name", path.display(), there.display()),
            help: "give it another name, or another folder with --out".to_owned(),
        }))
    }

    /// Refuses to replace files of which the table does not speak.
    fn check(&self, name: &str) -> Result<(), BadInput> {
        for ending in [".png", "_mask.png", "_overlay.png", ".json"] {
            let path = self.path.join(format!("{name}{ending}"));
            if path.exists() {
                return Err(BadInput {
                    message: format!(
                        "{}: is there, but {} has no row of it",
                        path.display(),
                        self.verdicts.path.display()
                    ),
                    help: "give another folder with --out, or move it away".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn write(&mut self, name: &str, source: String, photo: &Photo, keep: Keep) -> anyhow::Result<()> {
        let targets = Targets::new(self.path, name, false);
        let mask = targets.mask.clone();
        let (findings, results) = inspect(&self.segmenter, photo, source, targets)?;
        let marked =
            findings.classes.iter().flat_map(|c| c.regions.iter().map(move |region| (c.class, region)));
        let mut rows: Vec<Row> = marked
            .enumerate()
            .map(|(i, (class, region))| Row::region(name, i + 1, class, region.bounds_px, region.score))
            .collect();
        let regions = rows.len();
        if regions == 0 && keep == Keep::IfMarked {
            return Ok(());
        }
        rows.push(Row::rest(name, photo.width, photo.height));
        let mut copy = GrowingPng::begin(
            &self.path.join(format!("{name}.png")),
            photo.width,
            photo.height,
            ColorType::Rgb,
        )?;
        for band in photo.bands()? {
            copy.push(&band?.data)?;
        }
        let (file, path) = copy.finish()?;
        file.persist_noclobber(&path).with_context(|| format!("cannot write {}", path.display()))?;
        results?.finish(&findings.text()?)?;
        let kept = self.path.join(MODEL_MASKS).join(mask.file_name().unwrap_or_default());
        std::fs::create_dir_all(self.path.join(MODEL_MASKS))
            .and_then(|()| std::fs::copy(&mask, &kept))
            .with_context(|| format!("cannot write {}", kept.display()))?;
        // Last: a picture that has rows is whole.
        self.verdicts.append(&rows)?;
        self.known.insert(name.to_owned());
        self.counts.pictures += 1;
        self.counts.regions += regions;
        print_line(format_args!("{name}: {regions} regions"));
        Ok(())
    }
}
