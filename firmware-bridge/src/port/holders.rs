//! Other processes that have a port open, as `/proc` tells: two that read one bus take each other's bytes, and a lock
//! keeps off only who asks for one.
//!
//! What this user may not look into is not claimed. Only Linux tells; elsewhere nobody is found.

use std::fmt;
use std::fs;
use std::path::Path;

use rustix::fs::{FileType, major, minor, stat};

/// Major number of the slaves of pseudo-terminals.
const SLAVE_MAJOR: u32 = 136;
/// Major and minor number of their masters, all of which have the same.
const MASTER: (u32, u32) = (5, 2);
/// Characters of a command line that are shown.
const SHOWN: usize = 60;

/// Process that has a port open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Number of the process.
    pub pid: u32,
    /// Its command line, shortened.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {})", self.command, self.pid)
    }
}

/// Device of a port, by whichever of its names it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortDevice {
    number: u64,
    /// File system of a pseudo-terminal, of which each has numbers of its own; 0 for other terminals.
    file_system: u64,
}

impl PortDevice {
    /// The device at a path, links followed; `None` if it is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let there = stat(path).ok()?;
        let is_device = FileType::from_raw_mode(there.st_mode) == FileType::CharacterDevice;
        let device = Self { number: there.st_rdev, file_system: 0 };
        let file_system = if device.is_pseudo_terminal() { there.st_dev } else { 0 };
        is_device.then_some(Self { file_system, ..device })
    }

    /// Returns whether it is the slave of a pseudo-terminal.
    pub(super) fn is_pseudo_terminal(self) -> bool {
        major(self.number) == SLAVE_MAJOR
    }

    /// The processes beside this one that have it open. Looks through all of `/proc`: not for the real-time thread.
    pub fn holders(self) -> Vec<Holder> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
        pids.filter(|pid| *pid != std::process::id() && self.is_held_by(*pid))
            .map(|pid| Holder { pid, command: command(pid) })
            .collect()
    }

    fn is_held_by(self, pid: u32) -> bool {
        let mut is_held = false;
        for open in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let Some(device) = Self::at(&open.path()) else { continue };
            is_held |= device == self;
            // Who has the master is what the port leads to, and may keep the slave open too.
            let number = device.number;
            if self.is_pseudo_terminal() && (major(number), minor(number)) == MASTER {
                let info = Path::new("/proc").join(pid.to_string()).join("fdinfo").join(open.file_name());
                if slave_of(&info) == Some(minor(self.number)) {
                    return false;
                }
            }
        }
        is_held
    }
}

/// Number of the slave of an open master.
fn slave_of(info: &Path) -> Option<u32> {
    let text = fs::read_to_string(info).ok()?;
    text.lines().find_map(|line| line.strip_prefix("tty-index:"))?.trim().parse().ok()
}

fn command(pid: u32) -> String {
    let read = |file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).replace(char::is_control, " ");
        text.trim().chars().take(SHOWN).collect::<String>()
    };
    Some(read("cmdline")).filter(|line| !line.is_empty()).unwrap_or_else(|| read("comm"))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader};
    use std::os::fd::OwnedFd;
    use std::process::{Child, Command, Stdio};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    fn terminal() -> (OwnedFd, String) {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it can be used");
        let slave = ptsname(&master, Vec::new()).expect("a name").into_string().expect("of plain letters");
        (master, slave)
    }

    /// A shell that has opened these terminals, and waits for its standard input.
    fn shell(terminals: [&str; 2], stdin: Stdio) -> Child {
        let mut child = Command::new("sh")
            .args(["-c", "exec 3<>\"$1\" 4<>\"$2\"; echo done; read line", "sh"])
            .args(terminals)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut said).expect("it speaks");
        assert_eq!(said, "done\n");
        child
    }

    fn end(mut child: Child) {
        child.kill().and_then(|()| child.wait()).expect("it ends");
    }

    #[test]
    fn who_has_a_port_open_is_named_whatever_he_called_it() {
        let (_master, slave) = terminal();
        let (_other_master, other) = terminal();
        let device = PortDevice::at(Path::new(&slave)).expect("a device");
        assert!(device.is_pseudo_terminal());
        let own = File::options().read(true).write(true).open(&slave).expect("opens");
        assert_eq!(device.holders(), [], "this process is none of the others");
        let link = std::env::temp_dir().join(format!("adit-holders-{}", std::process::id()));
        std::os::unix::fs::symlink(&slave, &link).expect("a link");
        let holder = shell([link.to_str().expect("text"), &other], Stdio::piped());
        fs::remove_file(&link).expect("it was there");
        let found = device.holders();
        assert_eq!(found.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [holder.id()]);
        assert!(found[0].to_string().starts_with("`sh -c exec 3"), "{}", found[0]);
        end(holder);
        assert_eq!(device.holders(), []);
        drop(own);
    }

    #[test]
    fn what_a_pseudo_terminal_leads_to_is_no_rival_at_it() {
        let (master, slave) = terminal();
        let (_other_master, other) = terminal();
        // With both ends of the first, as `os.openpty` leaves a program, and one of the second.
        let simulator = shell([&slave, &other], master.try_clone().expect("copied").into());
        let holders = |path: &str| PortDevice::at(Path::new(path)).expect("a device").holders();
        assert_eq!(holders(&slave), []);
        assert_eq!(holders(&other).len(), 1);
        end(simulator);
    }

    #[test]
    fn what_is_no_device_has_nobody() {
        for path in ["/proc", "/etc/hostname", "/nowhere"] {
            assert_eq!(PortDevice::at(Path::new(path)), None, "{path}");
        }
    }
}
