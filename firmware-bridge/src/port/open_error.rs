//! Refusals to open a serial port, each with its remedy.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::holders::{Holder, PortDevice};
use super::identity::{IdentityError, UsbIdentity};

/// Refusal to open a serial port.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such device.
    #[error("{}: there is no such port; {}", path.display(), or_else(present))]
    NotFound {
        /// The port that was to be opened.
        path: PathBuf,
        /// The ports that there are.
        present: Vec<PathBuf>,
    },
    /// The user may not use it.
    #[error(
        "{}: no permission; add the user to the port's group (`sudo usermod -aG dialout $USER`) and log in again",
        path.display()
    )]
    Permission {
        /// The port that was to be opened.
        path: PathBuf,
    },
    /// Another program has it.
    #[error("{}: {}", path.display(), in_use(path, holders))]
    Busy {
        /// The port that was to be opened.
        path: PathBuf,
        /// The programs that have it open, as far as this user can see them.
        holders: Vec<Holder>,
    },
    /// The device is no serial port.
    #[error("{}: this is no serial port; {}", path.display(), or_else(present))]
    NotATerminal {
        /// The port that was to be opened.
        path: PathBuf,
        /// The ports that there are.
        present: Vec<PathBuf>,
    },
    /// The adapter cannot do the rate.
    #[error(
        "{}: the adapter does not do {wanted} baud (it offers {offered}); use one that does, such as an FT232H or CH343",
        path.display()
    )]
    Baud {
        /// The port that was to be opened.
        path: PathBuf,
        /// Bits a second asked for.
        wanted: u32,
        /// Bits a second that the driver set instead; 0 if it set none.
        offered: u32,
    },
    /// Text that begins like an adapter's identity and is none.
    #[error("{}: no adapter's identity: {source}", name.display())]
    Identity {
        /// The name of the port.
        name: PathBuf,
        /// The way to write it.
        source: IdentityError,
    },
    /// Several ports have the identity.
    #[error("{}: several ports are this one; give one of these: {}", name.display(), listed(fitting))]
    Ambiguous {
        /// The name of the port.
        name: PathBuf,
        /// Their whole identities.
        fitting: Vec<PathBuf>,
    },
    /// Another adapter has taken the path since it was opened first: it may lead to other motors.
    #[error(
        "{}: this was {expected} and is now {found}; plug the adapter in again that was there, or start anew if it was \
         exchanged on purpose; name the port {expected} in the robot's file, and it is found wherever it is plugged in",
        path.display()
    )]
    Exchanged {
        /// The port that was to be opened.
        path: PathBuf,
        /// The adapter that was there first.
        expected: UsbIdentity,
        /// The adapter that is there now.
        found: UsbIdentity,
    },
    /// Anything else.
    #[error("{}: {source}; unplug the adapter, plug it in again, and look at `dmesg`", path.display())]
    Other {
        /// The port that was to be opened.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
}

impl OpenError {
    /// The refusal that the system's word stands for. `present` lists the ports that there are.
    pub(super) fn of(path: &Path, errno: Errno, present: fn() -> Vec<PathBuf>) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::NotFound { path, present: present() },
            Errno::ACCESS | Errno::PERM => Self::Permission { path },
            Errno::BUSY | Errno::WOULDBLOCK => {
                let holders = PortDevice::at(&path).map(PortDevice::holders).unwrap_or_default();
                Self::Busy { path, holders }
            }
            Errno::NOTTY | Errno::ISDIR => Self::NotATerminal { path, present: present() },
            other => Self::Other { path, source: other.into() },
        }
    }
}

/// Names of those who have the port, and what to do about them.
fn in_use(path: &Path, holders: &[Holder]) -> String {
    if holders.is_empty() {
        return format!(
            "another program uses the port, which this user cannot see; find it with `sudo fuser -v {}` (often another \
             adit, or ModemManager) and stop it",
            path.display()
        );
    }
    let named: Vec<_> = holders.iter().map(Holder::to_string).collect();
    let pids: Vec<_> = holders.iter().map(|holder| holder.pid.to_string()).collect();
    format!(
        "the port is open in {}, and two programs at one port take each other's bytes; stop that one first (`kill {}`)",
        named.join(", "),
        pids.join(" ")
    )
}

/// Names of ports to open instead.
fn or_else(present: &[PathBuf]) -> String {
    if present.is_empty() {
        return "no serial port is plugged in: plug in the adapter, or start the simulator first".into();
    }
    format!("give one of these: {}", listed(present))
}

fn listed(names: &[PathBuf]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_system_comes_with_its_remedy() {
        let cases = [
            (Errno::NOENT, "no such port"),
            (Errno::ACCESS, "dialout"),
            (Errno::BUSY, "fuser"),
            (Errno::WOULDBLOCK, "fuser"),
            (Errno::NOTTY, "no serial port"),
            (Errno::IO, "dmesg"),
        ];
        for (errno, remedy) in cases {
            let text = OpenError::of(Path::new("/dev/ttyUSB7"), errno, Vec::new).to_string();
            assert!(text.starts_with("/dev/ttyUSB7: ") && text.contains(remedy), "{text}");
        }
    }

    #[test]
    fn those_who_have_a_port_open_are_named_with_how_to_end_them() {
        let holder = |pid, command: &str| Holder { pid, command: command.to_owned() };
        let holders = vec![holder(12, "cat /dev/ttyUSB0"), holder(34, "minicom")];
        let text = OpenError::Busy { path: "/dev/ttyUSB0".into(), holders }.to_string();
        let named =
            "/dev/ttyUSB0: the port is open in `cat /dev/ttyUSB0` (process 12), `minicom` (process 34), and";
        assert!(text.starts_with(named) && text.contains("`kill 12 34`"), "{text}");
    }

    #[test]
    fn what_to_open_instead_is_named() {
        assert!(or_else(&[]).contains("plug in"));
        let text = or_else(&["/dev/ttyUSB0".into(), "/dev/ttyACM1".into()]);
        assert!(text.contains("/dev/ttyUSB0, /dev/ttyACM1"), "{text}");
    }
}
