//! Files below a root, read without ever failing: what is not there, too long or no text is unknown.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// No file that is looked at is longer.
const MOST_BYTES: u64 = 1 << 16;

/// The folder that all paths are below; `/` but in tests.
#[derive(Clone, Debug)]
pub struct Root(PathBuf);

impl Root {
    pub fn new(root: &Path) -> Self {
        Self(root.canonicalize().unwrap_or_else(|_| root.to_owned()))
    }

    /// Where `path` is; a leading slash means the root's.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).exists()
    }

    /// Its path after all links, below the root.
    pub fn resolve(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let path = self.path(path).canonicalize().ok()?;
        path.strip_prefix(&self.0).ok().map(Path::to_owned)
    }

    /// The contents without the blanks around them. Only of plain files: a device might answer by waiting.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let path = self.path(path);
        fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let mut bytes = Vec::new();
        File::open(&path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    pub fn value<T: FromStr>(&self, path: impl AsRef<Path>) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// A number in hexadecimal digits, with or without `0x`.
    pub fn hex(&self, path: impl AsRef<Path>) -> Option<u32> {
        let text = self.text(path)?;
        u32::from_str_radix(text.strip_prefix("0x").unwrap_or(&text), 16).ok()
    }

    /// What a folder contains, sorted.
    pub fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// What a link points to, as it is written.
    pub fn link(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        fs::read_link(self.path(path)).ok()
    }
}
