//! The files that say what was found on a photograph: whole under their names, or not there at all.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use png::{BitDepth, ColorType, StreamWriter};
use robot_interface::sensors::RgbImage;
use rustix::fs::{Access, access};
use tempfile::NamedTempFile;

use super::super::exit::BadInput;

/// Share of the colour of its class that a pixel of the overlay takes on.
const TINT: f64 = 0.55;

/// Where the results of a photograph go.
pub(in crate::cli) struct Targets {
    pub(in crate::cli) overlay: PathBuf,
    pub(in crate::cli) mask: PathBuf,
    json: PathBuf,
    overwrite: bool,
}

impl Targets {
    pub(in crate::cli) fn new(out: &Path, name: &str, overwrite: bool) -> Self {
        let path = |ending: &str| out.join(format!("{name}{ending}"));
        Self { overlay: path("_overlay.png"), mask: path("_mask.png"), json: path(".json"), overwrite }
    }

    /// Refuses to replace what is there: the results of another call unless the user says so, a photograph never.
    pub(in crate::cli) fn check(&self, photos: &[PathBuf]) -> Result<(), BadInput> {
        let refuse = |path: &Path, what: &str, help: &str| {
            Err(BadInput { message: format!("{}: {what}", path.display()), help: help.to_owned() })
        };
        for target in [&self.overlay, &self.mask, &self.json] {
            let Ok(there) = target.canonicalize() else { continue };
            if photos.iter().any(|photo| photo.canonicalize().is_ok_and(|photo| photo == there)) {
                return refuse(
                    target,
                    "a result would overwrite this photograph",
                    "give another folder with --out",
                );
            }
            if !self.overwrite {
                return refuse(
                    target,
                    "the result of another call is there already",
                    "give another folder with --out, or --overwrite to replace it",
                );
            }
        }
        Ok(())
    }
}

/// Refuses a folder in which no result can be put, before anything is judged. It is not made yet.
pub(in crate::cli) fn check_folder(out: &Path) -> Result<(), BadInput> {
    let refused = |why: String| BadInput {
        message: format!("{}: no results can be put there: {why}", out.display()),
        help: "give another folder with --out".to_owned(),
    };
    let whole = std::path::absolute(out).map_err(|error| refused(error.to_string()))?;
    let there = whole.ancestors().find(|folder| folder.symlink_metadata().is_ok());
    let there = there.unwrap_or(Path::new("/"));
    if !there.is_dir() {
        return Err(refused(format!("{} is no folder", there.display())));
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| refused(format!("{} cannot be written ({error})", there.display())))
}

/// Results being written, beside the names that they are given at the end.
pub(in crate::cli) struct Results {
    targets: Targets,
    overlay: GrowingPng,
    mask: GrowingPng,
}

impl Results {
    pub(super) fn begin(targets: Targets, width: u32, height: u32) -> anyhow::Result<Self> {
        let folder = targets.json.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let overlay = GrowingPng::begin(&targets.overlay, width, height, ColorType::Rgb)?;
        let mask = GrowingPng::begin(&targets.mask, width, height, ColorType::Grayscale)?;
        Ok(Self { targets, overlay, mask })
    }

    /// Adds rows of the photograph, and of its mask.
    pub(super) fn push(&mut self, mut band: RgbImage, mask: &[u8]) -> anyhow::Result<()> {
        for (pixel, value) in band.data.chunks_exact_mut(3).zip(mask) {
            if let Some(tint) = colour(*value) {
                for (channel, tint) in pixel.iter_mut().zip(tint) {
                    *channel = (f64::from(*channel) * (1.0 - TINT) + f64::from(tint) * TINT) as u8;
                }
            }
        }
        let (overlay, mask) = rayon::join(|| self.overlay.push(&band.data), || self.mask.push(mask));
        overlay.and(mask)
    }

    /// Gives the files their names, once all rows were added. If one cannot be, those that were are taken back.
    pub(in crate::cli) fn finish(self, findings: &str) -> anyhow::Result<()> {
        let Targets { json, overwrite, .. } = self.targets;
        let mut file = beside(&json)?;
        file.write_all(findings.as_bytes()).with_context(|| cannot_write(&json))?;
        let files = [self.overlay.finish()?, self.mask.finish()?, (file, json)];
        let mut named: Vec<PathBuf> = Vec::new();
        for (file, path) in files {
            let kept = if overwrite { file.persist(&path) } else { file.persist_noclobber(&path) };
            if let Err(error) = kept {
                for path in named.iter().filter(|_| !overwrite) {
                    let _ = std::fs::remove_file(path);
                }
                return Err(error.error).with_context(|| cannot_write(&path));
            }
            named.push(path);
        }
        Ok(())
    }
}

/// A PNG that is written row by row, into a file beside its place that goes if it is not finished.
pub(in crate::cli) struct GrowingPng {
    path: PathBuf,
    file: NamedTempFile,
    writer: StreamWriter<'static, File>,
}

impl GrowingPng {
    pub(in crate::cli) fn begin(
        path: &Path,
        width: u32,
        height: u32,
        colour: ColorType,
    ) -> anyhow::Result<Self> {
        let file = beside(path)?;
        let writer = file.reopen().map_err(png::EncodingError::from).and_then(|target| {
            let mut encoder = png::Encoder::new(target, width, height);
            encoder.set_color(colour);
            encoder.set_depth(BitDepth::Eight);
            encoder.set_compression(png::Compression::Fast);
            encoder.set_filter(png::Filter::Adaptive);
            encoder.write_header()?.into_stream_writer()
        });
        let writer = writer.with_context(|| cannot_write(path))?;
        Ok(Self { path: path.to_owned(), file, writer })
    }

    pub(in crate::cli) fn push(&mut self, rows: &[u8]) -> anyhow::Result<()> {
        self.writer.write_all(rows).with_context(|| cannot_write(&self.path))
    }

    pub(in crate::cli) fn finish(self) -> anyhow::Result<(NamedTempFile, PathBuf)> {
        self.writer.finish().with_context(|| cannot_write(&self.path))?;
        Ok((self.file, self.path))
    }
}

/// A file in the folder of `path`, which goes away unless it is given that name.
fn beside(path: &Path) -> anyhow::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".adit-inspect-")
        .suffix(".part")
        // As of any new file: the user's mask decides.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))
        .with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
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
