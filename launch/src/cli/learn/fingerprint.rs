//! Fingerprints of pictures and of sets of them: whether something was learned from, and whether a set changed.

use std::hash::Hasher as _;
use std::path::Path;

use fnv::FnvHasher;

use crate::cli::exit::BadInput;
use crate::cli::inspect::photo::Photo;
use crate::cli::model::masks::Pair;

/// Tells pictures apart, and is no protection against those who want two to be alike (FNV-1a, 64 bits).
#[derive(Default)]
struct Fingerprint(FnvHasher);

impl Fingerprint {
    fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn text(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// The fingerprint of an upright picture's size and pixels, so that a copy in another format without loss has the same.
pub(super) fn of_picture(path: &Path) -> Result<String, BadInput> {
    let photo = Photo::open(path)?;
    let mut fingerprint = Fingerprint::default();
    [photo.width, photo.height].iter().for_each(|side| fingerprint.add(&side.to_le_bytes()));
    for band in photo.bands()? {
        fingerprint.add(&band?.data);
    }
    Ok(fingerprint.text())
}

/// The fingerprint of the names and bytes of a set's photographs and masks.
pub(super) fn of_set(pairs: &[Pair]) -> Result<String, BadInput> {
    let mut fingerprint = Fingerprint::default();
    for path in pairs.iter().flat_map(|pair| [Some(&pair.photograph), pair.mask.as_ref()]).flatten() {
        let bytes = std::fs::read(path).map_err(|e| BadInput {
            message: format!("{}: cannot be read: {e}", path.display()),
            help: "check the file".to_owned(),
        })?;
        let name = path.file_name().unwrap_or_default();
        fingerprint.add(name.as_encoded_bytes());
        fingerprint.add(&(bytes.len() as u64).to_le_bytes());
        fingerprint.add(&bytes);
    }
    Ok(fingerprint.text())
}
