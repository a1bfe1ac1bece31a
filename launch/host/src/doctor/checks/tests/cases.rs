//! Good machines with one thing changed, and what is to be said of each.

use crate::doctor::assessment::Verdict;
use crate::doctor::fixture::{FT232H, FakeMachine, UsbSerialAdapter};

/// Change of the good machine, with the check that has to notice it.
pub(super) struct Case {
    pub(super) change: fn(&FakeMachine),
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// Part of what is found.
    pub(super) found: &'static str,
    /// Part of the remedy; empty where none matters.
    pub(super) remedy: &'static str,
}

/// Files that most changes are made to.
pub(super) const LATENCY: &str = "sys/devices/pci0000:00/usb1/1-1/interface/ttyUSB0/latency_timer";
pub(super) const KERNEL_VERSION: &str = "proc/sys/kernel/version";
pub(super) const RUNTIME: &str = "proc/sys/kernel/sched_rt_runtime_us";
pub(super) const IDLE_LATENCY: &str = "sys/devices/system/cpu/cpu0/cpuidle/state1/latency";
const CLOCKSOURCE: &str = "sys/devices/system/clocksource/clocksource0/current_clocksource";
const RULES: &str = "etc/udev/rules.d/99-adit.rules";
const GOVERNOR: &str = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

pub(super) const CASES: [Case; 48] = {
    use Verdict::{Fault, Note, Ok, Warning};
    [
        Case {
            change: |m| m.remove("dev/ttyUSB0"),
            check: "ports",
            verdict: Fault,
            found: "motor bus 0",
            remedy: "plug in the adapter",
        },
        Case {
            change: |m| {
                m.remove("dev/ttyUSB0");
                m.plug_in(UsbSerialAdapter { name: "ttyUSB7", at: "usb1/1-7", ..FT232H });
            },
            check: "ports",
            verdict: Fault,
            found: "usb-ttyUSB0 is not there",
            remedy: "/dev/serial/by-id/usb-ttyUSB7",
        },
        Case {
            change: |m| {
                m.remove("dev/ttyUSB0");
                m.file("usr/lib/udev/rules.d/85-brltty.rules", "");
            },
            check: "ports",
            verdict: Fault,
            found: "not there",
            remedy: "apt remove brltty",
        },
        Case {
            change: |m| m.link("proc/700/fd/5", "/dev/ttyUSB0"),
            check: "port holders",
            verdict: Fault,
            found: "chronyd (700)",
            remedy: "fuser -v /dev/ttyUSB0",
        },
        Case {
            change: |m| {
                m.file("proc/9/comm", "adit-ros\n");
                m.link("proc/9/fd/5", "/dev/ttyUSB0");
            },
            check: "port holders",
            verdict: Note,
            found: "adit-ros (9)",
            remedy: "",
        },
        Case {
            change: |m| m.file("proc/cmdline", "console=ttyUSB0,115200"),
            check: "port holders",
            verdict: Fault,
            found: "console",
            remedy: "console=ttyUSB0",
        },
        Case {
            change: |m| {
                m.remove(RULES);
                m.file("proc/9/comm", "ModemManager\n");
            },
            check: "port holders",
            verdict: Warning,
            found: "ModemManager",
            remedy: "99-adit.rules",
        },
        // With the rules installed it leaves the ports alone.
        Case {
            change: |m| m.file("proc/9/comm", "ModemManager\n"),
            check: "port holders",
            verdict: Ok,
            found: "none",
            remedy: "",
        },
        Case {
            change: |m| m.file("usr/lib/udev/rules.d/85-brltty.rules", ""),
            check: "port holders",
            verdict: Warning,
            found: "brltty",
            remedy: "apt remove brltty",
        },
        Case {
            change: |m| m.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "0600"),
            check: "baud rate",
            verdict: Fault,
            found: "ttyUSB0 does at most 3 Mbaud, wanted are 4 Mbaud",
            remedy: "FT232H",
        },
        Case {
            change: |m| m.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "ffff"),
            check: "baud rate",
            verdict: Note,
            found: "not known",
            remedy: "",
        },
        Case {
            change: |m| m.file(LATENCY, "16\n"),
            check: "ftdi latency",
            verdict: Warning,
            found: "is 16 ms",
            remedy: "ttyUSB0/latency_timer",
        },
        Case {
            change: |m| m.file(LATENCY, "2\n"),
            check: "ftdi latency",
            verdict: Warning,
            found: "is 2 ms",
            remedy: "/etc/udev/rules.d/99-adit.rules",
        },
        Case {
            change: |m| m.file("sys/devices/pci0000:00/usb1/1-1/speed", "12"),
            check: "usb wiring",
            verdict: Warning,
            found: "12 Mbit/s",
            remedy: "high-speed adapter",
        },
        Case {
            change: |m| m.file("proc/self/status", "Uid:\t0\t0\t0\t0\n"),
            check: "user",
            verdict: Note,
            found: "root",
            remedy: "sudo -u adit",
        },
        Case {
            change: |m| m.file("proc/self/limits", "Max realtime priority  79  99\n"),
            check: "real-time priority",
            verdict: Warning,
            found: "up to 79",
            remedy: "/etc/security/limits.d/99-adit-limits.conf",
        },
        Case {
            change: |m| m.file("proc/self/limits", "Max realtime priority  80  80\n"),
            check: "real-time priority",
            verdict: Ok,
            found: "up to 80",
            remedy: "",
        },
        Case {
            change: |m| m.file("proc/self/limits", "Max locked memory  8388608  8388608  bytes\n"),
            check: "locked memory",
            verdict: Warning,
            found: "8 MiB",
            remedy: "usermod -aG realtime",
        },
        Case {
            change: |m| {
                m.file("proc/self/limits", "Max locked memory  0  0  bytes\nMax realtime priority  0  0\n");
                m.file("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000804000\n");
            },
            check: "locked memory",
            verdict: Ok,
            found: "CAP_IPC_LOCK",
            remedy: "",
        },
        Case {
            change: |m| m.file("proc/swaps", "F T S U P\n/dev/zram0 partition 99 2048 5\n"),
            check: "swap",
            verdict: Warning,
            found: "2 MiB",
            remedy: "nvzramconfig",
        },
        Case {
            change: |m| m.file("proc/swaps", "F T S U P\n/swapfile file 99 0 5\n"),
            check: "swap",
            verdict: Note,
            found: "0 MiB",
            remedy: "swapoff",
        },
        Case {
            change: |m| m.file(KERNEL_VERSION, "#1 SMP PREEMPT_DYNAMIC"),
            check: "kernel",
            verdict: Warning,
            found: "without PREEMPT_RT",
            remedy: "realtime-kernel",
        },
        Case {
            change: |m| m.file(RUNTIME, "-1\n"),
            check: "real-time throttling",
            verdict: Note,
            found: "no limit",
            remedy: "sched_rt_runtime_us=950000",
        },
        Case {
            change: |m| m.file(RUNTIME, "0\n"),
            check: "real-time throttling",
            verdict: Warning,
            found: "not run at all",
            remedy: "sched_rt_runtime_us=950000",
        },
        Case {
            change: |m| {
                m.file("proc/self/cgroup", "3:cpu,cpuacct:/user\n");
                m.file("sys/fs/cgroup/cpu,cpuacct/user/cpu.rt_runtime_us", "0\n");
            },
            check: "real-time throttling",
            verdict: Warning,
            found: "no real-time share",
            remedy: "cpu.rt_runtime_us",
        },
        Case {
            change: |m| m.file("sys/devices/system/cpu/online", "0\n"),
            check: "cpus",
            verdict: Warning,
            found: "1",
            remedy: "four cores",
        },
        Case {
            change: |m| m.file("sys/devices/system/cpu/smt/active", "1\n"),
            check: "cpus",
            verdict: Note,
            found: "two threads a core",
            remedy: "nosmt",
        },
        Case {
            change: |m| m.file("sys/devices/system/cpu/isolated", "3\n"),
            check: "cpu isolation",
            verdict: Note,
            found: "isolcpus=3",
            remedy: "taskset -apc 3",
        },
        Case {
            change: |m| m.file(GOVERNOR, "powersave\n"),
            check: "cpu frequency",
            verdict: Warning,
            found: "powersave",
            remedy: "echo performance",
        },
        Case {
            change: |m| m.file(IDLE_LATENCY, "133\n"),
            check: "cpu idle states",
            verdict: Warning,
            found: "133 us",
            remedy: "cpupower idle-set -D 100",
        },
        Case {
            change: |m| m.file(CLOCKSOURCE, "hpet\n"),
            check: "clocksource",
            verdict: Warning,
            found: "hpet",
            remedy: "tsc=reliable",
        },
        Case {
            change: |m| m.file("proc/cpuinfo", "flags : fpu hypervisor\n"),
            check: "virtualisation",
            verdict: Note,
            found: "virtual machine",
            remedy: "simulator",
        },
        Case {
            change: |m| m.file("proc/sys/net/core/rmem_max", "212992\n"),
            check: "network",
            verdict: Warning,
            found: "208 KiB",
            remedy: "99-adit-sysctl.conf",
        },
        Case {
            change: |m| m.remove("proc/700/comm"),
            check: "clock",
            verdict: Warning,
            found: "nobody",
            remedy: "set-ntp true",
        },
        Case {
            change: |m| m.file("dev/ttyUSB9", ""),
            check: "ports",
            verdict: Ok,
            found: "motor bus 0",
            remedy: "",
        },
        Case {
            change: |m| m.file(RUNTIME, "100000\n"),
            check: "real-time throttling",
            verdict: Warning,
            found: "100000 us",
            remedy: "sched_rt_runtime_us=950000",
        },
        Case {
            change: |m| m.file("sys/devices/system/cpu/online", "0-1\n"),
            check: "cpus",
            verdict: Note,
            found: "2",
            remedy: "README.md",
        },
        Case {
            change: |m| m.remove(CLOCKSOURCE),
            check: "clocksource",
            verdict: Note,
            found: "cannot be told",
            remedy: "",
        },
        Case {
            change: |m| m.file(CLOCKSOURCE, "arch_sys_counter\n"),
            check: "clocksource",
            verdict: Ok,
            found: "arch_sys_counter",
            remedy: "",
        },
        Case {
            change: |m| m.file("run/systemd/container", "lxc\n"),
            check: "virtualisation",
            verdict: Note,
            found: "a container (lxc)",
            remedy: "--ulimit rtprio=99",
        },
        Case {
            change: |m| m.file("sys/class/net/lo/flags", "0x9\n"),
            check: "network",
            verdict: Note,
            found: "no multicast on lo",
            remedy: "ip link set lo multicast on",
        },
        Case {
            change: |m| m.remove("proc/sys/net/core/rmem_max"),
            check: "network",
            verdict: Note,
            found: "cannot be read",
            remedy: "",
        },
        Case {
            change: |m| m.file("proc/700/comm", "systemd-timesyn\n"),
            check: "clock",
            verdict: Warning,
            found: "not reached",
            remedy: "timesync-status",
        },
        Case {
            change: |m| {
                m.remove("proc/700/comm");
                m.file("run/systemd/timesync/synchronized", "");
            },
            check: "clock",
            verdict: Ok,
            found: "timesyncd",
            remedy: "",
        },
        Case {
            change: |m| {
                m.file(KERNEL_VERSION, "#1 SMP PREEMPT\n");
                m.file("sys/kernel/realtime", "1\n");
            },
            check: "kernel",
            verdict: Ok,
            found: "PREEMPT_RT",
            remedy: "",
        },
        Case {
            change: |m| m.file(KERNEL_VERSION, "#1 SMP\n"),
            check: "kernel",
            verdict: Warning,
            found: "not preemptible",
            remedy: "realtime-kernel",
        },
        Case {
            change: |m| m.file("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil\n"),
            check: "cpu frequency",
            verdict: Warning,
            found: "performance, schedutil",
            remedy: "nvpmodel",
        },
        Case {
            change: |m| m.file("proc/self/limits", ""),
            check: "real-time priority",
            verdict: Note,
            found: "cannot be read",
            remedy: "",
        },
    ]
};
