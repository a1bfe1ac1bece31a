//! The simulator's end of a line that the bridge opens as a serial port: a pseudo-terminal's master.
//!
//! A wire with nobody at its other end takes bytes and loses them, and so does this: the system would keep
//! them for whoever opens the slave next. The slave's number changes each time that the simulator starts, so
//! a symbolic link at a fixed path leads to it.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firmware_bridge::port::{BusPort, PortError, Tty};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{QueueSelector, tcflush};

/// Period of looking for a peer that has opened the line: the system does not tell.
const PEER_POLL_PERIOD: Duration = Duration::from_millis(2);

/// Failure to make a pseudo-terminal.
#[derive(Debug, thiserror::Error)]
pub enum PtyError {
    /// The system gives no more of them.
    #[error(
        "no pseudo-terminal to be had: {0}; check that /dev/pts is mounted and kernel.pty.max is not reached"
    )]
    Open(#[source] io::Error),
    /// The link's place is taken.
    #[error("{}: exists and is no link to a pseudo-terminal; move it away or choose another path", .0.display())]
    Occupied(PathBuf),
    /// The link cannot be made.
    #[error("{}: the link to the pseudo-terminal cannot be made: {source}; choose a path that you may write to", path.display())]
    Link {
        /// Path of the link.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
}

/// The master's end.
///
/// As a [`BusPort`] it never fails because of the other end: while nobody has that open, what is written is
/// lost and nothing arrives. [`PortError::Full`] says that somebody has it open and does not read.
#[derive(Debug)]
pub struct Pty {
    tty: Tty,
    slave: PathBuf,
    link: Option<PathBuf>,
}

impl Pty {
    /// A new pseudo-terminal in raw mode, to be opened by its [`path`](Self::path).
    ///
    /// # Errors
    /// [`PtyError::Open`].
    pub fn new() -> Result<Self, PtyError> {
        Self::open().map_err(PtyError::Open)
    }

    /// A new pseudo-terminal with a link to it, which it takes away again when dropped. An older link at the
    /// same path is replaced in one step; directories are made as needed.
    ///
    /// # Errors
    /// [`PtyError`].
    pub fn linked(link: &Path) -> Result<Self, PtyError> {
        let mut pty = Self::new()?;
        if link.symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
            return Err(PtyError::Occupied(link.to_owned()));
        }
        pty.place(link).map_err(|source| PtyError::Link { path: link.to_owned(), source })?;
        pty.link = Some(link.to_owned());
        Ok(pty)
    }

    /// Path at which the other end is opened: the link if there is one.
    pub fn path(&self) -> &Path {
        self.link.as_deref().unwrap_or(&self.slave)
    }

    /// Returns true if somebody has the other end open.
    pub fn has_peer(&self) -> bool {
        let mut fds = [PollFd::new(&self.tty, PollFlags::empty())];
        let polled = poll(&mut fds, Some(&Timespec::default()));
        polled.is_ok() && !fds[0].revents().contains(PollFlags::HUP)
    }

    fn open() -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let slave = PathBuf::from(OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes()));
        // Only once a slave has been closed does the system tell that none is open.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        drop(rustix::fs::open(&slave, flags, Mode::empty())?);
        Ok(Self { tty: Tty::new(master)?, slave, link: None })
    }

    /// Makes the link beside its place and moves it there, so that there is always the old or the new one.
    fn place(&self, link: &Path) -> io::Result<()> {
        if let Some(directory) = link.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut beside = link.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        // What a killed process of the same number may have left.
        let _ = std::fs::remove_file(&beside);
        std::os::unix::fs::symlink(&self.slave, &beside)?;
        std::fs::rename(&beside, link)
    }
}

impl BusPort for Pty {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        if !self.has_peer() {
            self.tty.clear();
            return Ok(());
        }
        match self.tty.write(bytes) {
            Err(PortError::Closed) => Ok(()),
            written => written,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PortError> {
        match self.tty.read(buffer) {
            Err(PortError::Closed) => {
                // What the peer had not read when it went is not for the next one. An error here would only
                // mean that there is nothing to flush.
                let _ = tcflush(&self.tty, QueueSelector::OFlush);
                self.tty.clear();
                Ok(0)
            }
            count => count,
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let Some(link) = &self.link else { return };
        // Another simulator may have put its own there since.
        if std::fs::read_link(link).is_ok_and(|target| target == self.slave) {
            let _ = std::fs::remove_file(link);
        }
    }
}

/// Sleeps until one of them has bytes to read, for no longer than `timeout`; whether one has. May wake early
/// while nobody has the other end of one of them open.
///
/// # Errors
/// The system's error.
pub fn wait_readable<'a>(ptys: impl IntoIterator<Item = &'a Pty>, timeout: Duration) -> io::Result<bool> {
    let mut fds: Vec<_> = ptys.into_iter().map(|pty| PollFd::new(&pty.tty, PollFlags::IN)).collect();
    if poll_for(&mut fds, Duration::ZERO)? {
        return Ok(true);
    }
    // One without a peer would end the sleep at once, and again each time.
    let all = fds.len();
    fds.retain(|fd| !fd.revents().contains(PollFlags::HUP));
    let timeout = if fds.len() < all { timeout.min(PEER_POLL_PERIOD) } else { timeout };
    poll_for(&mut fds, timeout)
}

fn poll_for(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(timeout).ok();
    match poll(fds, timeout.as_ref()) {
        Ok(_) => Ok(fds.iter().any(|fd| fd.revents().contains(PollFlags::IN))),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
