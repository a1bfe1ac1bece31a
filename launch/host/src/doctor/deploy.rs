//! Files for a robot's computer, `launch/deploy/`, as part of the program: installing them has to work where there is
//! no checkout.

/// File with the place where it belongs.
#[derive(Clone, Copy, Debug)]
pub struct DeployFile {
    /// Name, here and where it is installed.
    pub name: &'static str,
    /// Text of the file.
    pub contents: &'static str,
    /// Folder that it is installed in.
    folder: &'static str,
    /// Commands that make the system read it.
    apply: &'static str,
}

impl DeployFile {
    /// Returns the command that prints it.
    pub fn show(&self) -> String {
        format!("adit doctor --show {}", self.name)
    }

    /// Returns the command that installs it.
    pub fn install(&self) -> String {
        format!("{} | sudo tee {}/{} >/dev/null{}", self.show(), self.folder, self.name, self.apply)
    }
}

/// Rules of udev for the serial ports.
pub const RULES: DeployFile = DeployFile {
    name: "99-adit.rules",
    contents: include_str!("../../../deploy/99-adit.rules"),
    folder: "/etc/udev/rules.d",
    apply: " && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb --subsystem-match=tty",
};
/// Limits of people who are in the group `realtime`.
pub const LIMITS: DeployFile = DeployFile {
    name: "99-adit-limits.conf",
    contents: include_str!("../../../deploy/99-adit-limits.conf"),
    folder: "/etc/security/limits.d",
    apply: "",
};
/// Kernel settings.
pub const SYSCTL: DeployFile = DeployFile {
    name: "99-adit-sysctl.conf",
    contents: include_str!("../../../deploy/99-adit-sysctl.conf"),
    folder: "/etc/sysctl.d",
    apply: " && sudo sysctl --system",
};
/// Unit of systemd.
pub const SERVICE: DeployFile = DeployFile {
    name: "adit.service",
    contents: include_str!("../../../deploy/adit.service"),
    folder: "/etc/systemd/system",
    apply: " && sudo systemctl daemon-reload",
};
/// Page that says how to install all this.
const README: DeployFile = DeployFile {
    name: "README.md",
    contents: include_str!("../../../deploy/README.md"),
    folder: "/usr/local/share/doc/adit",
    apply: "",
};

/// All files.
pub const FILES: [DeployFile; 5] = [README, RULES, LIMITS, SYSCTL, SERVICE];

/// Returns the lines of a file that are neither empty nor comments.
fn lines(file: DeployFile) -> impl Iterator<Item = &'static str> {
    file.contents.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns the values of a key of the systemd unit, in their order.
pub fn unit_values(key: &str) -> Vec<&'static str> {
    lines(SERVICE).filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[cfg(test)]
mod tests;
