//! Latency that the kernel and the processor add to a wake-up: a control period is 2 ms.

use crate::doctor::assessment::{Assessment, Verdict};
use crate::doctor::facts::Facts;

/// Longest wake-up of a processor from idle, us: a twentieth of a control period.
const MAX_WAKE_UP_LATENCY_US: u32 = 100;
/// Clocks that are read without a call into the kernel: x86, ARM, and the two of hypervisors.
const FAST_CLOCKS: [&str; 5] =
    ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "riscv_clocksource"];

/// Returns the remedy that sets boot parameters for good.
fn boot_with(parameters: &str) -> String {
    format!(
        "boot with `{parameters}`: in /etc/default/grub, then `sudo update-grub`; on a Jetson APPEND in \
         /boot/extlinux/extlinux.conf; on Armbian extraargs in /boot/armbianEnv.txt"
    )
}

/// Checks that the kernel lets a real-time thread interrupt it anywhere.
pub(super) fn preemption(facts: &Facts) -> Assessment {
    let kernel = &facts.kernel;
    let has = |word: &str| kernel.version.split_whitespace().any(|w| w == word);
    let dynamic = if has("PREEMPT") || has("PREEMPT_DYNAMIC") { "preemptible" } else { "not preemptible" };
    if kernel.realtime || has("PREEMPT_RT") || kernel.version.contains("PREEMPT RT") {
        return Assessment::new(Verdict::Ok, format!("{}, PREEMPT_RT", kernel.release));
    }
    let found = format!("{}, {dynamic}, without PREEMPT_RT", kernel.release);
    Assessment::new(Verdict::Warning, found)
        .with_remedy(
            "x86, Ubuntu: sudo pro enable realtime-kernel; Debian: sudo apt install linux-image-rt-amd64",
        )
        .with_remedy(
            "Jetson: add `deb https://repo.download.nvidia.com/jetson/rt-kernel r36.4 main` (your release) to \
             /etc/apt/sources.list.d/nvidia-l4t-apt-source.list, then sudo apt update && sudo apt install nvidia-l4t-rt-kernel \
             nvidia-l4t-rt-kernel-headers nvidia-l4t-rt-kernel-oot-modules nvidia-l4t-display-rt-kernel",
        )
        .with_remedy("RK3588 and others: a kernel of 6.12 or later, built with CONFIG_PREEMPT_RT=y")
}

/// Checks the share of each second that real-time threads may have.
pub(super) fn throttling(facts: &Facts) -> Assessment {
    let default = "sudo sysctl kernel.sched_rt_runtime_us=950000";
    let mut assessment = match facts.kernel.rt_runtime_us {
        None => Assessment::new(Verdict::Note, "kernel.sched_rt_runtime_us cannot be read"),
        Some(-1) => {
            let found = "no limit: a real-time thread that runs wild takes its processor for good";
            Assessment::new(Verdict::Note, found).with_remedy(default)
        }
        Some(0) => {
            Assessment::new(Verdict::Warning, "real-time threads may not run at all").with_remedy(default)
        }
        Some(us) if us < 500_000 => {
            let found =
                format!("real-time threads may run {us} us a second: the control loop may be held up");
            Assessment::new(Verdict::Warning, found).with_remedy(default)
        }
        Some(us) => Assessment::new(Verdict::Ok, format!("real-time threads may run {us} us a second")),
    };
    if facts.limits.group_rt_runtime_us == Some(0) {
        assessment
            .add(Verdict::Warning, "this control group has no real-time share: SCHED_FIFO will be refused");
        assessment.remedy(
            "boot a kernel without CONFIG_RT_GROUP_SCHED, or give the group a share: echo 950000 into its \
             cpu.rt_runtime_us; a container gets one by `docker run --cpu-rt-runtime=950000`",
        );
    }
    assessment
}

/// Checks that there are processors enough.
pub(super) fn cpus(facts: &Facts) -> Assessment {
    let threads = if facts.cpu.hyperthreading { ", two threads a core" } else { "" };
    let found = format!("{}{threads}", facts.cpu.count);
    let mut assessment = match facts.cpu.count {
        0 => Assessment::new(Verdict::Note, "it cannot be told how many"),
        1 => Assessment::new(Verdict::Warning, found)
            .with_remedy("use a computer of four cores: here the control loop waits for nobody, but all else for it"),
        2 | 3 => Assessment::new(Verdict::Note, found)
            .with_remedy("enough for one robot's nodes (README.md, \"How well it does\"); four would leave one to the control loop"),
        _ => Assessment::new(Verdict::Ok, found),
    };
    if facts.cpu.hyperthreading {
        assessment.add(Verdict::Note, "what runs on a core's other thread slows the control loop down");
        assessment
            .remedy("echo off | sudo tee /sys/devices/system/cpu/smt/control    # until the next start");
        assessment.remedy(boot_with("nosmt"));
    }
    assessment
}

/// Looks for a processor that is kept free. A hint: 500 Hz are kept without where the kernel is PREEMPT_RT.
pub(super) fn isolation(facts: &Facts) -> Assessment {
    let (kernel, cpu) = (&facts.kernel, &facts.cpu);
    let tickless =
        kernel.parameter("nohz_full").map(|list| format!(", nohz_full={list}")).unwrap_or_default();
    if !cpu.isolated.is_empty() {
        let found = format!("isolcpus={}{tickless}; Adit runs there only if it is told to", cpu.isolated);
        return Assessment::new(Verdict::Note, found).with_remedy(format!(
            "move the bridge's threads there: sudo taskset -apc {} $(pgrep -of 'node bridge')",
            cpu.isolated
        ));
    }
    if cpu.count < 4 {
        return Assessment::new(Verdict::Ok, format!("none{tickless}, and too few processors for it"));
    }
    let last = cpu.count - 1;
    Assessment::new(Verdict::Note, format!("no processor is kept free{tickless}")).with_remedy(format!(
        "only where cycles are late: CPUAffinity=0-{} in /etc/systemd/system.conf keeps the system off processor {last}, and \
         CPUAffinity=0-{last} in `sudo systemctl edit adit` lets Adit use it (launch/deploy/README.md)",
        last - 1
    ))
}

/// Checks that the processor keeps its frequency.
pub(super) fn frequency(facts: &Facts) -> Assessment {
    match facts.cpu.governors.as_slice() {
        [] => Assessment::new(Verdict::Ok, "the system does not change it"),
        [one] if one == "performance" => Assessment::new(Verdict::Ok, "performance"),
        governors => Assessment::new(Verdict::Warning, governors.join(", "))
            .with_remedy(
                "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor    # until the next start",
            )
            .with_remedy("for good: sudo apt install cpufrequtils && echo GOVERNOR=performance | sudo tee /etc/default/cpufrequtils")
            .with_remedy("on a Jetson instead: sudo nvpmodel -m 0 && sudo jetson_clocks"),
    }
}

/// Checks the processor's longest wake-up from idle.
pub(super) fn idle_states(facts: &Facts) -> Assessment {
    let states = &facts.cpu.idle_states;
    let Some(deepest) = states.iter().max_by_key(|state| state.latency_us) else {
        return Assessment::new(Verdict::Ok, "the system knows none");
    };
    let found = format!("the deepest, {}, takes {} us to wake up from", deepest.name, deepest.latency_us);
    // poll and halt alone, whatever somebody asks for.
    if deepest.latency_us <= MAX_WAKE_UP_LATENCY_US {
        return Assessment::new(Verdict::Ok, found);
    }
    let mut assessment = Assessment::new(Verdict::Warning, found)
        .with_remedy(format!("sudo cpupower idle-set -D {MAX_WAKE_UP_LATENCY_US}    # until the next start"));
    if facts.cpu.has_dma_latency_file {
        assessment.remedy(format!(
            "or hold it while Adit runs: sudo bash -c 'exec 3>/dev/cpu_dma_latency; echo -n 0x{MAX_WAKE_UP_LATENCY_US:08x} >&3; \
             sleep infinity'"
        ));
    }
    assessment.remedy(boot_with("processor.max_cstate=1 intel_idle.max_cstate=1"));
    assessment
}

/// Checks that the kernel's clock source is read without a system call.
pub(super) fn clocksource(facts: &Facts) -> Assessment {
    match facts.kernel.clocksource.as_deref() {
        None => Assessment::new(Verdict::Note, "it cannot be told"),
        Some(clock) if FAST_CLOCKS.contains(&clock) => Assessment::new(Verdict::Ok, clock),
        Some(clock) => Assessment::new(
            Verdict::Warning,
            format!("{clock}: each look at the clock takes a microsecond or more"),
        )
        .with_remedy("sudo dmesg | grep -i -e tsc -e clocksource    # why the better one was given up")
        .with_remedy(boot_with("tsc=reliable")),
    }
}

/// Looks for a hypervisor or container, which hand out the processors.
pub(super) fn virtualisation(facts: &Facts) -> Assessment {
    let mut assessment = Assessment::default();
    if let Some(hypervisor) = &facts.kernel.hypervisor {
        assessment
            .add(Verdict::Note, format!("a virtual machine ({hypervisor}): nobody keeps deadlines for it"));
        assessment.remedy("good for the simulator; run a robot from a computer of its own");
    }
    if let Some(container) = &facts.kernel.container {
        assessment.add(Verdict::Note, format!("a container ({container})"));
        assessment.remedy(
            "docker run --network=host --ipc=host --device=/dev/ttyUSB0 --group-add dialout --ulimit rtprio=99 --ulimit memlock=-1",
        );
    }
    assessment.add_if_empty(Verdict::Ok, "none seen");
    assessment
}
