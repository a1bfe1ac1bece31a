//! Folder of a run: claimed by one run at a time, and never written over.
//!
//! | what is there              | what happens                                                  |
//! |----------------------------|---------------------------------------------------------------|
//! | nothing, an empty folder   | it is the run's                                               |
//! | an earlier run             | is renamed to the next free number (`short.1`)                |
//! | a run that is going on     | refused                                                       |
//! | anything else              | refused: nothing that is not Adit's is moved or written over  |
//! | a link to one of the above | is followed, and stays: the run is on the disk that it leads to |
//!
//! What makes a folder a run is the file `MARKER` in it, whatever else is or is no longer there. Whoever works on the run
//! holds the lock on that file, which the system gives back when its last holder ends, however it ends.

#[cfg(any(feature = "ros", test))]
mod mission_marker;
#[cfg(any(feature = "ros", test))]
mod report_files;
mod reserve;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

#[cfg(feature = "ros")]
pub(crate) use mission_marker::MissionMarker;
#[cfg(feature = "ros")]
pub(crate) use report_files::ReportFiles;
pub(crate) use reserve::Reserve;

/// Name of the file that makes a folder a run of Adit.
pub(crate) const MARKER: &str = ".adit-run";
/// Content of the marker, for people.
const MARKER_TEXT: &str = "This folder is a run of Adit: the next run into it moves it aside as a whole.\n";

/// Reason why a folder cannot be a run's. Nothing in it has been touched.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// Another run works in it.
    #[error(
        "another run is going on in {}\n  help: wait for its end or stop it, or choose another --out \
         (and for `adit up` another --domain-id or --namespace)",
        .0.display()
    )]
    Busy(PathBuf),
    /// It holds what is not a run of Adit.
    #[error(
        "{} is not empty and no run of Adit (it holds `{held}`, and no {MARKER}): nothing in it is touched\n  \
         help: choose another --out, such as a new folder in it; a run of an earlier version, or one copied without \
         {MARKER}, is yours to move",
        .folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// Something in it.
        held: String,
    },
    /// A link leads to where nothing is: its disk may not be mounted.
    #[error(
        "{} is a link to {}, which is not there\n  help: mount the disk or make the folder that it leads to, or choose \
         another --out",
        .link.display(), .target.display()
    )]
    DanglingLink {
        /// The link.
        link: PathBuf,
        /// Place that it leads to.
        target: PathBuf,
    },
    /// The system refuses.
    #[error(
        "cannot {what} {}: {source}\n  help: choose another --out, in a folder that you may write to",
        .path.display()
    )]
    Refused {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// A run's folder, which belongs to it as long as this or any copy of [`RunFolder::lock`] lives.
#[derive(Debug)]
pub(crate) struct RunFolder {
    /// Without links.
    path: PathBuf,
    marker: File,
}

impl RunFolder {
    /// Claims the folder for a run and makes it if it is not there. An earlier run in it is moved aside, once all that can be
    /// looked at beforehand has been looked at.
    pub(crate) fn claim(folder: &Path) -> Result<Self, RunFolderError> {
        let path = resolved(folder)?;
        match contents(&path)? {
            Contents::Nothing => Self::begin(path),
            Contents::Foreign(held) => Err(RunFolderError::Foreign { folder: path, held }),
            Contents::Run { empty } => {
                let earlier = lock_earlier(&path)?;
                if empty {
                    return Ok(Self { path, marker: earlier });
                }
                let aside = move_aside(&path)?;
                // The earlier run's lock is held until this one has its own, so that nobody comes in between.
                Self::begin(path.clone()).inspect_err(|_| {
                    // Where no new folder can be made, the earlier run stays where it was.
                    let _ = fs::remove_dir(&path).and_then(|()| fs::rename(&aside, &path));
                })
            }
        }
    }

    /// Makes the folder a run's if it is none yet, to add files of names of their own to what is there. `None` while another
    /// run holds it.
    #[cfg(any(feature = "ros", test))]
    pub(crate) fn join(folder: &Path) -> Result<Option<Self>, RunFolderError> {
        let path = resolved(folder)?;
        let joined = match contents(&path)? {
            Contents::Nothing => Self::begin(path),
            Contents::Foreign(held) => Err(RunFolderError::Foreign { folder: path, held }),
            Contents::Run { .. } => lock_earlier(&path).map(|marker| Self { path, marker }),
        };
        match joined {
            Err(RunFolderError::Busy(_)) => Ok(None),
            joined => joined.map(Some),
        }
    }

    /// Marks a folder that is empty or not there as this run's.
    fn begin(path: PathBuf) -> Result<Self, RunFolderError> {
        fs::create_dir_all(&path).map_err(refused("make the folder", &path))?;
        let place = path.join(MARKER);
        let mut marker = File::create_new(&place).map_err(|error| match error.kind() {
            // Two that began in the same moment: the other one was first.
            io::ErrorKind::AlreadyExists => RunFolderError::Busy(path.clone()),
            _ => refused("write into", &path)(error),
        })?;
        try_lock(&marker, &path)?;
        // The text is for people alone: a disk that is full already will be told of by the recording.
        let _ = marker.write_all(MARKER_TEXT.as_bytes());
        Ok(Self { path, marker })
    }

    /// Returns the folder's path, links followed.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the locked file again, for processes that may outlive this one and write: the folder belongs to the run until
    /// the last of its copies is closed.
    pub(crate) fn lock(&self) -> io::Result<File> {
        self.marker.try_clone()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Contents {
    /// Nothing is there, or an empty folder.
    Nothing,
    /// A run of Adit; an empty one is no more than its marker.
    Run { empty: bool },
    /// Something else, by the name of one thing in it.
    Foreign(String),
}

/// Looks at a folder, and touches nothing.
fn contents(path: &Path) -> Result<Contents, RunFolderError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::Nothing),
        Err(error) => return Err(refused("look into", path)(error)),
    };
    let names = entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(refused("look into", path))?;
    let is_run = names.iter().any(|name| name == MARKER);
    Ok(match names.iter().min() {
        None => Contents::Nothing,
        Some(_) if is_run => Contents::Run { empty: names.len() == 1 },
        Some(first) => Contents::Foreign(first.to_string_lossy().into_owned()),
    })
}

/// Locks the marker of a run that is there.
fn lock_earlier(path: &Path) -> Result<File, RunFolderError> {
    let place = path.join(MARKER);
    let open = || OpenOptions::new().read(true).write(true).open(&place);
    let marker = open().map_err(refused("open", &place))?;
    try_lock(&marker, path)?;
    // Between opening and locking another run may have moved this one aside and begun its own here.
    let number = |data: fs::Metadata| (data.dev(), data.ino());
    let still = fs::metadata(&place).and_then(|there| Ok(number(there) == number(marker.metadata()?)));
    if still.unwrap_or(false) { Ok(marker) } else { Err(RunFolderError::Busy(path.to_owned())) }
}

fn try_lock(marker: &File, path: &Path) -> Result<(), RunFolderError> {
    marker.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => RunFolderError::Busy(path.to_owned()),
        TryLockError::Error(source) => refused("lock a file in", path)(source),
    })
}

/// Renames a run to the next free number, and returns its new place.
fn move_aside(path: &Path) -> Result<PathBuf, RunFolderError> {
    let numbered = |number: u64| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        path.with_file_name(name)
    };
    let aside = (1..).map(numbered).find(|place| fs::symlink_metadata(place).is_err()).unwrap_or_default();
    fs::rename(path, &aside).map_err(refused("move the earlier run aside, which is in", path))?;
    Ok(aside)
}

/// Follows the links of a path, of which the last parts may not be there yet.
fn resolved(folder: &Path) -> Result<PathBuf, RunFolderError> {
    for part in folder.ancestors() {
        if let Ok(target) = fs::read_link(part)
            && !part.exists()
        {
            return Err(RunFolderError::DanglingLink { link: part.to_owned(), target });
        }
    }
    match fs::canonicalize(folder) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::path::absolute(folder).map_err(refused("make the folder", folder))
        }
        Err(error) => Err(refused("look into", folder)(error)),
    }
}

fn refused(what: &'static str, path: &Path) -> impl Fn(io::Error) -> RunFolderError + use<> {
    let path = path.to_owned();
    move |source| RunFolderError::Refused { what, path: path.clone(), source }
}

#[cfg(test)]
mod tests;
