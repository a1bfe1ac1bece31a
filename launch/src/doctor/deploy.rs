//! The files for a robot's computer, `launch/deploy/`, as part of the program: what installs them has to work
//! where there is no checkout.

/// A file and where it belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) contents: &'static str,
    /// The folder that it is installed in.
    folder: &'static str,
    /// What makes the system read it.
    apply: &'static str,
}

impl File {
    /// The command that prints it.
    pub(crate) fn show(&self) -> String {
        format!("adit doctor --show {}", self.name)
    }

    /// The command that installs it.
    pub(crate) fn install(&self) -> String {
        format!("{} | sudo tee {}/{} >/dev/null{}", self.show(), self.folder, self.name, self.apply)
    }
}

/// udev rules of the serial ports.
pub(crate) const RULES: File = File {
    name: "99-adit.rules",
    contents: include_str!("../../deploy/99-adit.rules"),
    folder: "/etc/udev/rules.d",
    apply: " && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb --subsystem-match=tty",
};
/// Limits of people who are in the group `realtime`.
pub(crate) const LIMITS: File = File {
    name: "99-adit-limits.conf",
    contents: include_str!("../../deploy/99-adit-limits.conf"),
    folder: "/etc/security/limits.d",
    apply: "",
};
/// Kernel settings.
pub(crate) const SYSCTL: File = File {
    name: "99-adit-sysctl.conf",
    contents: include_str!("../../deploy/99-adit-sysctl.conf"),
    folder: "/etc/sysctl.d",
    apply: " && sudo sysctl --system",
};
/// The systemd unit.
pub(crate) const SERVICE: File = File {
    name: "adit.service",
    contents: include_str!("../../deploy/adit.service"),
    folder: "/etc/systemd/system",
    apply: " && sudo systemctl daemon-reload",
};
/// How to install all this.
const README: File = File {
    name: "README.md",
    contents: include_str!("../../deploy/README.md"),
    folder: "/usr/local/share/doc/adit",
    apply: "",
};

/// All of them.
pub(crate) const FILES: [File; 5] = [README, RULES, LIMITS, SYSCTL, SERVICE];

#[cfg(test)]
pub(super) mod tests;
