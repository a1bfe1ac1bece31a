//! The files for a robot's computer, `launch/deploy/`, as part of the program: what installs them has to work
//! where there is no checkout.

/// A file and where it belongs.
#[derive(Clone, Copy, Debug)]
pub struct File {
    pub name: &'static str,
    pub contents: &'static str,
    /// The folder that it is installed in.
    folder: &'static str,
    /// What makes the system read it.
    apply: &'static str,
}

impl File {
    /// The command that prints it.
    pub fn show(&self) -> String {
        format!("adit doctor --show {}", self.name)
    }

    /// The command that installs it.
    pub fn install(&self) -> String {
        format!("{} | sudo tee {}/{} >/dev/null{}", self.show(), self.folder, self.name, self.apply)
    }
}

/// udev rules of the serial ports.
pub const RULES: File = File {
    name: "99-adit.rules",
    contents: include_str!("../../../deploy/99-adit.rules"),
    folder: "/etc/udev/rules.d",
    apply: " && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb --subsystem-match=tty",
};
/// Limits of people who are in the group `realtime`.
pub const LIMITS: File = File {
    name: "99-adit-limits.conf",
    contents: include_str!("../../../deploy/99-adit-limits.conf"),
    folder: "/etc/security/limits.d",
    apply: "",
};
/// Kernel settings.
pub const SYSCTL: File = File {
    name: "99-adit-sysctl.conf",
    contents: include_str!("../../../deploy/99-adit-sysctl.conf"),
    folder: "/etc/sysctl.d",
    apply: " && sudo sysctl --system",
};
/// The systemd unit.
pub const SERVICE: File = File {
    name: "adit.service",
    contents: include_str!("../../../deploy/adit.service"),
    folder: "/etc/systemd/system",
    apply: " && sudo systemctl daemon-reload",
};
/// How to install all this.
const README: File = File {
    name: "README.md",
    contents: include_str!("../../../deploy/README.md"),
    folder: "/usr/local/share/doc/adit",
    apply: "",
};

/// All of them.
pub const FILES: [File; 5] = [README, RULES, LIMITS, SYSCTL, SERVICE];

/// Lines of a file that say something.
fn lines(file: File) -> impl Iterator<Item = &'static str> {
    file.contents.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns the values of a key of the systemd unit, in their order.
pub fn unit_values(key: &str) -> Vec<&'static str> {
    lines(SERVICE).filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[cfg(test)]
pub(super) mod tests;
