//! `adit learn apply`: pictures with the masks that a person's corrections make, as a set to learn from or to judge models on.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use image::GrayImage;
use perception::defects::scoring::UNSURE;
use robot_interface::defect::DefectClass;
use serde::{Deserialize, Serialize};

use super::corrected::corrected;
use super::export::MODEL_MASKS;
use super::fingerprint;
use super::verdicts::{Judged, Verdict, Verdicts};
use crate::cli::exit::BadInput;
use crate::cli::model::masks::{LABELS_FILE, numbers};
use crate::terminal::print_line;

#[derive(clap::Args)]
pub(in crate::cli) struct ApplyArgs {
    /// Folders that `adit learn export` wrote and a person corrected
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// New folder for the pictures of which something is known, NAME.png with NAME_mask.png
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn apply(args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let pictures = apply_to(&args.folders, &args.out)?;
    print_line(format_args!("{} pictures with masks are in {}", pictures.len(), args.out.display()));
    Ok(ExitCode::SUCCESS)
}

/// A picture with a mask that a person corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CorrectedPicture {
    /// Path of the exported picture.
    pub(super) picture: PathBuf,
    pub(super) fingerprint: String,
}

/// Writes the corrected pictures of `folders` into the new folder `out`: all of them, or nothing.
pub(super) fn apply_to(folders: &[PathBuf], out: &Path) -> anyhow::Result<Vec<CorrectedPicture>> {
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) || out.is_file() {
        return Err(BadInput::new(format!("{}: is there already", out.display()), "give a new folder").into());
    }
    // All tables are read before the work begins.
    let tables = folders.iter().map(|folder| table(folder)).collect::<Result<Vec<_>, BadInput>>()?;
    let cannot_write = || format!("cannot write {}", out.display());
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(cannot_write)?;
    let new = tempfile::Builder::new()
        .prefix(".adit-learn-")
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(parent)
        .with_context(cannot_write)?;
    let (mut done, mut taken) = (Vec::new(), BTreeSet::new());
    for (number, (folder, verdicts)) in folders.iter().zip(&tables).enumerate() {
        for name in verdicts.pictures() {
            let rows: Vec<&Judged> = verdicts.rows.iter().filter(|row| row.picture == name).collect();
            let Some((size, mask)) = mask(folder, &verdicts.path, &name, &rows)? else { continue };
            // Two folders may have pictures of one name.
            let mut unique = name.clone();
            while !taken.insert(unique.clone()) {
                unique = format!("{}-{unique}", number + 1);
            }
            let picture = folder.join(format!("{name}.png"));
            std::fs::copy(&picture, new.path().join(format!("{unique}.png"))).with_context(cannot_write)?;
            GrayImage::from_raw(size.0, size.1, mask)
                .context("the mask has not the picture's size")?
                .save(new.path().join(format!("{unique}_mask.png")))
                .with_context(cannot_write)?;
            done.push(CorrectedPicture { fingerprint: fingerprint::of_picture(&picture)?, picture });
        }
    }
    if done.is_empty() {
        let tables: Vec<_> = tables.iter().map(|table| table.path.display().to_string()).collect();
        return Err(BadInput::new(
            format!("nothing was corrected in {}", tables.join(", ")),
            "fill the column `verdict`, or repaint a NAME_mask.png",
        )
        .into());
    }
    let labels =
        DefectClass::VISUAL.map(|class| format!("{}={}", class.mask_value(), class.name())).join(",");
    std::fs::write(new.path().join(LABELS_FILE), labels + "\n").with_context(cannot_write)?;
    std::fs::rename(new.keep(), out).with_context(cannot_write)?;
    Ok(done)
}

fn table(folder: &Path) -> Result<Verdicts, BadInput> {
    let verdicts = Verdicts::read(folder)?;
    if verdicts.rows.is_empty() {
        let problem = format!("{}: is not there, or has no rows", verdicts.path.display());
        return Err(BadInput::new(problem, "give a folder that `adit learn export` wrote"));
    }
    Ok(verdicts)
}

/// Size of a picture, and the numbers of its mask.
type Mask = ((u32, u32), Vec<u8>);

/// The corrected mask of a picture; `None` if the picture was taken away, or nothing is known of it.
fn mask(folder: &Path, table: &Path, name: &str, rows: &[&Judged]) -> Result<Option<Mask>, BadInput> {
    let picture = folder.join(format!("{name}.png"));
    let file = format!("{name}_mask.png");
    if !picture.exists() {
        // A picture that was taken away leaves the model's mask behind; a name that was changed does not.
        let spoken = rows.iter().find(|row| row.verdict != Verdict::Unseen);
        return match spoken.filter(|_| !folder.join(MODEL_MASKS).join(&file).exists()) {
            Some(row) => Err(BadInput::new(
                format!("{}:{}: there is no picture {name}", table.display(), row.line),
                "leave the column `picture` as it was written: spreadsheets make 7 of 007",
            )),
            None => Ok(None),
        };
    }
    let size = image::image_dimensions(&picture).map_err(|e| {
        BadInput::new(format!("{}: cannot be read: {e}", picture.display()), "give a complete PNG")
    })?;
    let path = folder.join(&file);
    let (marked, painted) = (numbers(&folder.join(MODEL_MASKS).join(file), size)?, numbers(&path, size)?);
    let is_known = |number: &u8| {
        matches!(*number, 0 | UNSURE)
            || DefectClass::from_mask_value(*number).is_some_and(|class| DefectClass::VISUAL.contains(&class))
    };
    if let Some(number) = painted.iter().find(|number| !is_known(number)) {
        return Err(BadInput::new(
            format!("{}: has a pixel of {number}", path.display()),
            "paint 0 (nothing), 1 crack, 2 leakage, 3 spalling, 4 corrosion or 255 (unsure), with a brush without soft edges",
        ));
    }
    let mask = corrected(&marked, &painted, size.0 as usize, rows).map_err(|row| {
        BadInput::new(
            format!("{}:{}: the model marked no such region on {name}", table.display(), row.line),
            "leave all columns but `verdict` as they were written, and the folder `model` as it is",
        )
    })?;
    Ok(mask.iter().any(|number| *number != UNSURE).then_some((size, mask)))
}
