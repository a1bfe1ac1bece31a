//! Good machines with one thing changed, and what is to be said of each.

use super::Verdict;
use crate::doctor::facts::fixture::{FT232H, Machine, Plug};

/// A change of the good machine; the check that has to notice; its verdict; a part of what was found; and of the remedy.
pub(super) type Case = (fn(&Machine), &'static str, Verdict, &'static str, &'static str);

/// The files that most changes are made to.
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
        (|m| m.remove("dev/ttyUSB0"), "ports", Fault, "motor bus 0", "plug in the adapter"),
        (
            |m| {
                m.remove("dev/ttyUSB0");
                m.plug(Plug { name: "ttyUSB7", at: "usb1/1-7", ..FT232H });
            },
            "ports",
            Fault,
            "usb-ttyUSB0 is not there",
            "/dev/serial/by-id/usb-ttyUSB7",
        ),
        (
            |m| {
                m.remove("dev/ttyUSB0");
                m.file("usr/lib/udev/rules.d/85-brltty.rules", "");
            },
            "ports",
            Fault,
            "not there",
            "apt remove brltty",
        ),
        (
            |m| m.link("proc/700/fd/5", "/dev/ttyUSB0"),
            "port holders",
            Fault,
            "chronyd (700)",
            "fuser -v /dev/ttyUSB0",
        ),
        (
            |m| {
                m.file("proc/9/comm", "adit-ros\n");
                m.link("proc/9/fd/5", "/dev/ttyUSB0");
            },
            "port holders",
            Note,
            "adit-ros (9)",
            "",
        ),
        (
            |m| m.file("proc/cmdline", "console=ttyUSB0,115200"),
            "port holders",
            Fault,
            "console",
            "console=ttyUSB0",
        ),
        (
            |m| {
                m.remove(RULES);
                m.file("proc/9/comm", "ModemManager\n");
            },
            "port holders",
            Warning,
            "ModemManager",
            "99-adit.rules",
        ),
        // With the rules installed it leaves the ports alone.
        (|m| m.file("proc/9/comm", "ModemManager\n"), "port holders", Ok, "none", ""),
        (
            |m| m.file("usr/lib/udev/rules.d/85-brltty.rules", ""),
            "port holders",
            Warning,
            "brltty",
            "apt remove brltty",
        ),
        (
            |m| m.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "0600"),
            "baud rate",
            Fault,
            "ttyUSB0 does at most 3 Mbaud, wanted are 4 Mbaud",
            "FT232H",
        ),
        (|m| m.file("sys/devices/pci0000:00/usb1/1-1/bcdDevice", "ffff"), "baud rate", Note, "not known", ""),
        (|m| m.file(LATENCY, "16\n"), "ftdi latency", Warning, "is 16 ms", "ttyUSB0/latency_timer"),
        (|m| m.file(LATENCY, "2\n"), "ftdi latency", Warning, "is 2 ms", "/etc/udev/rules.d/99-adit.rules"),
        (
            |m| m.file("sys/devices/pci0000:00/usb1/1-1/speed", "12"),
            "usb wiring",
            Warning,
            "12 Mbit/s",
            "high-speed adapter",
        ),
        (|m| m.file("proc/self/status", "Uid:\t0\t0\t0\t0\n"), "user", Note, "root", "sudo -u adit"),
        (
            |m| m.file("proc/self/limits", "Max realtime priority  79  99\n"),
            "real-time priority",
            Warning,
            "up to 79",
            "/etc/security/limits.d/99-adit-limits.conf",
        ),
        (
            |m| m.file("proc/self/limits", "Max realtime priority  80  80\n"),
            "real-time priority",
            Ok,
            "up to 80",
            "",
        ),
        (
            |m| m.file("proc/self/limits", "Max locked memory  8388608  8388608  bytes\n"),
            "locked memory",
            Warning,
            "8 MiB",
            "usermod -aG realtime",
        ),
        (
            |m| {
                m.file("proc/self/limits", "Max locked memory  0  0  bytes\nMax realtime priority  0  0\n");
                m.file("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000804000\n");
            },
            "locked memory",
            Ok,
            "CAP_IPC_LOCK",
            "",
        ),
        (
            |m| m.file("proc/swaps", "F T S U P\n/dev/zram0 partition 99 2048 5\n"),
            "swap",
            Warning,
            "2 MiB",
            "nvzramconfig",
        ),
        (|m| m.file("proc/swaps", "F T S U P\n/swapfile file 99 0 5\n"), "swap", Note, "0 MiB", "swapoff"),
        (
            |m| m.file(KERNEL_VERSION, "#1 SMP PREEMPT_DYNAMIC"),
            "kernel",
            Warning,
            "without PREEMPT_RT",
            "realtime-kernel",
        ),
        (|m| m.file(RUNTIME, "-1\n"), "real-time throttling", Note, "no limit", "sched_rt_runtime_us=950000"),
        (
            |m| m.file(RUNTIME, "0\n"),
            "real-time throttling",
            Warning,
            "not run at all",
            "sched_rt_runtime_us=950000",
        ),
        (
            |m| {
                m.file("proc/self/cgroup", "3:cpu,cpuacct:/user\n");
                m.file("sys/fs/cgroup/cpu,cpuacct/user/cpu.rt_runtime_us", "0\n");
            },
            "real-time throttling",
            Warning,
            "no real-time share",
            "cpu.rt_runtime_us",
        ),
        (|m| m.file("sys/devices/system/cpu/online", "0\n"), "cpus", Warning, "1", "four cores"),
        (|m| m.file("sys/devices/system/cpu/smt/active", "1\n"), "cpus", Note, "two threads a core", "nosmt"),
        (
            |m| m.file("sys/devices/system/cpu/isolated", "3\n"),
            "cpu isolation",
            Note,
            "isolcpus=3",
            "taskset -apc 3",
        ),
        (|m| m.file(GOVERNOR, "powersave\n"), "cpu frequency", Warning, "powersave", "echo performance"),
        (|m| m.file(IDLE_LATENCY, "133\n"), "cpu idle states", Warning, "133 us", "cpupower idle-set -D 100"),
        (|m| m.file(CLOCKSOURCE, "hpet\n"), "clocksource", Warning, "hpet", "tsc=reliable"),
        (
            |m| m.file("proc/cpuinfo", "flags : fpu hypervisor\n"),
            "virtualisation",
            Note,
            "virtual machine",
            "simulator",
        ),
        (
            |m| m.file("proc/sys/net/core/rmem_max", "212992\n"),
            "network",
            Warning,
            "208 KiB",
            "99-adit-sysctl.conf",
        ),
        (|m| m.remove("proc/700/comm"), "clock", Warning, "nobody", "set-ntp true"),
        (|m| m.file("dev/ttyUSB9", ""), "ports", Ok, "motor bus 0", ""),
        (
            |m| m.file(RUNTIME, "100000\n"),
            "real-time throttling",
            Warning,
            "100000 us",
            "sched_rt_runtime_us=950000",
        ),
        (|m| m.file("sys/devices/system/cpu/online", "0-1\n"), "cpus", Note, "2", "README.md"),
        (|m| m.remove(CLOCKSOURCE), "clocksource", Note, "cannot be told", ""),
        (|m| m.file(CLOCKSOURCE, "arch_sys_counter\n"), "clocksource", Ok, "arch_sys_counter", ""),
        (
            |m| m.file("run/systemd/container", "lxc\n"),
            "virtualisation",
            Note,
            "a container (lxc)",
            "--ulimit rtprio=99",
        ),
        (
            |m| m.file("sys/class/net/lo/flags", "0x9\n"),
            "network",
            Note,
            "no multicast on lo",
            "ip link set lo multicast on",
        ),
        (|m| m.remove("proc/sys/net/core/rmem_max"), "network", Note, "cannot be read", ""),
        (
            |m| m.file("proc/700/comm", "systemd-timesyn\n"),
            "clock",
            Warning,
            "not reached",
            "timesync-status",
        ),
        (
            |m| {
                m.remove("proc/700/comm");
                m.file("run/systemd/timesync/synchronized", "");
            },
            "clock",
            Ok,
            "timesyncd",
            "",
        ),
        (
            |m| {
                m.file(KERNEL_VERSION, "#1 SMP PREEMPT\n");
                m.file("sys/kernel/realtime", "1\n");
            },
            "kernel",
            Ok,
            "PREEMPT_RT",
            "",
        ),
        (|m| m.file(KERNEL_VERSION, "#1 SMP\n"), "kernel", Warning, "not preemptible", "realtime-kernel"),
        (
            |m| m.file("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil\n"),
            "cpu frequency",
            Warning,
            "performance, schedutil",
            "nvpmodel",
        ),
        (|m| m.file("proc/self/limits", ""), "real-time priority", Note, "cannot be read", ""),
    ]
};
