//! The kernel, the processor, and what this user may do: from `/proc` and `/sys`.

use std::path::{Path, PathBuf};

use super::{Process, Root};

/// Bits of `CapEff` in `/proc/self/status` (capabilities(7)).
const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_NICE: u32 = 23;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub uid: Option<u32>,
    /// May take any real-time priority, whatever the limit.
    pub may_prioritise: bool,
    /// May lock any memory, whatever the limit.
    pub may_lock: bool,
}

impl User {
    pub(super) fn read(root: &Root) -> Self {
        let status = root.text("proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            // Of the four user IDs the second is the effective one.
            line.map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        let uid = field("Uid").and_then(|ids| ids.get(1)?.parse().ok());
        let set = field("CapEff").and_then(|set| u64::from_str_radix(set.first()?, 16).ok()).unwrap_or(0);
        Self { uid, may_prioritise: set >> CAP_SYS_NICE & 1 == 1, may_lock: set >> CAP_IPC_LOCK & 1 == 1 }
    }
}

/// A limit of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Unlimited,
    At(u64),
}

/// What `/proc/self/limits` says; the soft limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub realtime_priority: Option<Limit>,
    /// Bytes.
    pub locked_memory: Option<Limit>,
    /// What real-time threads of this control group (version 1) may run each second, us.
    pub group_rt_runtime_us: Option<i64>,
}

impl Limits {
    pub(super) fn read(root: &Root) -> Self {
        let text = root.text("proc/self/limits").unwrap_or_default();
        let limit = |name: &str| {
            let soft = text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
            if soft == "unlimited" { Some(Limit::Unlimited) } else { soft.parse().ok().map(Limit::At) }
        };
        let groups = root.text("proc/self/cgroup").unwrap_or_default();
        let group = groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?;
            let path = fields.next()?.trim_start_matches('/');
            controllers.split(',').any(|c| c == "cpu").then(|| (controllers.to_owned(), path.to_owned()))
        });
        let runtime = group.and_then(|(controllers, path)| {
            let folders = [controllers.as_str(), "cpu"].map(|folder| Path::new("sys/fs/cgroup").join(folder));
            folders.iter().find_map(|folder| root.value(folder.join(&path).join("cpu.rt_runtime_us")))
        });
        Self {
            realtime_priority: limit("Max realtime priority"),
            locked_memory: limit("Max locked memory"),
            group_rt_runtime_us: runtime,
        }
    }
}

/// The kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    pub release: String,
    /// As `uname -v` has it.
    pub version: String,
    /// What `/sys/kernel/realtime` says.
    pub realtime: bool,
    pub parameters: Vec<String>,
    /// -1: no limit.
    pub rt_runtime_us: Option<i64>,
    pub clocksource: Option<String>,
    /// A hypervisor below, in words.
    pub hypervisor: Option<String>,
    /// A container around, in words.
    pub container: Option<String>,
}

impl Kernel {
    pub(super) fn read(root: &Root) -> Self {
        let parameters = root.text("proc/cmdline").unwrap_or_default();
        Self {
            release: root.text("proc/sys/kernel/osrelease").unwrap_or_default(),
            version: root.text("proc/sys/kernel/version").unwrap_or_default(),
            realtime: root.value("sys/kernel/realtime") == Some(1),
            parameters: parameters.split_whitespace().map(str::to_owned).collect(),
            rt_runtime_us: root.value("proc/sys/kernel/sched_rt_runtime_us"),
            clocksource: root.text("sys/devices/system/clocksource/clocksource0/current_clocksource"),
            hypervisor: hypervisor(root),
            container: container(root),
        }
    }

    /// The value of a parameter that was given at boot; the last one counts.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
    }

    /// Ports that the kernel itself talks on.
    pub fn consoles(&self) -> impl Iterator<Item = &str> {
        let values = self.parameters.iter().filter_map(|p| p.strip_prefix("console="));
        values.filter_map(|value| value.split(',').next())
    }
}

fn hypervisor(root: &Root) -> Option<String> {
    // On ARM there is no such flag; device trees of virtual machines have this node.
    let flagged = root.text("proc/cpuinfo").is_some_and(|text| {
        text.lines()
            .any(|line| line.starts_with("flags") && line.split_whitespace().any(|f| f == "hypervisor"))
    });
    let node = root.text("proc/device-tree/hypervisor/compatible");
    let vendor = root.text("sys/class/dmi/id/sys_vendor").filter(|vendor| !vendor.is_empty());
    (flagged || node.is_some()).then(|| node.or(vendor).unwrap_or_else(|| "unnamed".to_owned()))
}

fn container(root: &Root) -> Option<String> {
    let named = root.text("run/systemd/container").filter(|name| !name.is_empty());
    let marks = [("run/.containerenv", "podman"), (".dockerenv", "docker")];
    named.or_else(|| marks.iter().find(|(mark, _)| root.exists(mark)).map(|(_, engine)| (*engine).to_owned()))
}

/// A state of rest of the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleState {
    pub name: String,
    /// How long it takes to come back from it, us.
    pub latency_us: u32,
}

/// The processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// How many are in use.
    pub count: usize,
    /// What the scheduler keeps its hands off, `2-3`.
    pub isolated: String,
    /// Frequency governors of the CPUs, each once.
    pub governors: Vec<String>,
    /// Enabled states of rest of any CPU.
    pub idle_states: Vec<IdleState>,
    /// Two threads share a core.
    pub hyperthreading: bool,
    /// What idle states have been limited to by programs, us; readable by root alone.
    pub dma_latency_there: bool,
}

impl Cpu {
    pub(super) fn read(root: &Root) -> Self {
        let base = Path::new("sys/devices/system/cpu");
        let is_cpu = |name: &String| {
            name.strip_prefix("cpu").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        let cpus: Vec<PathBuf> =
            root.names(base).iter().filter(|name| is_cpu(name)).map(|name| base.join(name)).collect();
        let mut governors: Vec<String> =
            cpus.iter().filter_map(|cpu| root.text(cpu.join("cpufreq/scaling_governor"))).collect();
        governors.sort();
        governors.dedup();
        let mut idle_states: Vec<IdleState> = Vec::new();
        for state in cpus.iter().flat_map(|cpu| idle_states_of(root, &cpu.join("cpuidle"))) {
            if !idle_states.contains(&state) {
                idle_states.push(state);
            }
        }
        Self {
            count: root.text(base.join("online")).map_or(cpus.len(), |list| cpus_in(&list)),
            isolated: root.text(base.join("isolated")).unwrap_or_default(),
            governors,
            idle_states,
            hyperthreading: root.value(base.join("smt/active")) == Some(1),
            dma_latency_there: root.exists("dev/cpu_dma_latency"),
        }
    }
}

fn idle_states_of(root: &Root, folder: &Path) -> Vec<IdleState> {
    let states = root.names(folder).into_iter().map(|state| folder.join(state));
    let enabled = states.filter(|state| root.value(state.join("disable")).is_none_or(|off: u32| off == 0));
    let read = |state: PathBuf| {
        let latency_us = root.value(state.join("latency"))?;
        Some(IdleState { name: root.text(state.join("name"))?, latency_us })
    };
    enabled.filter_map(read).collect()
}

/// How many CPUs a list such as `0-3,6` names.
fn cpus_in(list: &str) -> usize {
    let range = |part: &str| -> Option<usize> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        // No machine has more.
        (first <= last && last < 1 << 16).then(|| last - first + 1)
    };
    list.split(',').filter_map(range).sum()
}

/// Something that memory is swapped out to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    pub name: String,
    /// kB.
    pub used_kb: u64,
}

pub(super) fn swap(root: &Root) -> Vec<Swap> {
    let text = root.text("proc/swaps").unwrap_or_default();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Some(Swap { name: (*fields.first()?).to_owned(), used_kb: fields.get(3)?.parse().ok()? })
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// What ROS 2 needs of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The largest buffer that a receiving socket may ask for, bytes.
    pub rmem_max: Option<u64>,
    /// What one gets that asks for nothing, bytes.
    pub rmem_default: Option<u64>,
    pub multicast_on_lo: Option<bool>,
}

impl Network {
    pub(super) fn read(root: &Root) -> Self {
        /// `IFF_MULTICAST` of netdevice(7).
        const MULTICAST: u32 = 0x1000;
        Self {
            rmem_max: root.value("proc/sys/net/core/rmem_max"),
            rmem_default: root.value("proc/sys/net/core/rmem_default"),
            multicast_on_lo: root.hex("sys/class/net/lo/flags").map(|flags| flags & MULTICAST != 0),
        }
    }
}

/// Who sets the clock on the wall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// systemd-timesyncd has heard from a server since the machine started.
    pub timesyncd_synchronised: bool,
}

impl Clock {
    pub(super) fn read(root: &Root) -> Self {
        Self { timesyncd_synchronised: root.exists("run/systemd/timesync/synchronized") }
    }
}

/// All processes that can be seen.
pub(super) fn processes(root: &Root) -> Vec<Process> {
    let pids = root.names("proc").into_iter().filter_map(|name| name.parse().ok());
    pids.filter_map(|pid: u32| Some(Process { pid, name: root.text(format!("proc/{pid}/comm"))? })).collect()
}

/// Where recordings go: the folder itself, or the nearest one above that exists; and the bytes left there.
pub(super) fn room(recordings: &Path) -> Option<(PathBuf, u64)> {
    let folder = std::path::absolute(recordings).ok()?;
    let folder = folder.ancestors().find(|folder| folder.is_dir())?;
    let data = rustix::fs::statvfs(folder).ok()?;
    Some((folder.to_owned(), data.f_bavail.saturating_mul(data.f_frsize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_counted() {
        let cases =
            [("0-3", 4), ("0", 1), ("0-1,4-5,7", 5), ("", 0), ("3-1", 0), ("a-b", 0), ("0-99999999999", 0)];
        for (list, expected) in cases {
            assert_eq!(cpus_in(list), expected, "{list}");
        }
    }
}
