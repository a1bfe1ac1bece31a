//! What the kernel and the processor add to a wake-up: a control period is 2 ms.

use super::{Facts, Opinion, Verdict};

/// A processor that takes longer to wake up from rest eats a twentieth of a control period, us.
const SLOW_WAKE_UP_US: u32 = 100;
/// Clocks that are read without a call into the kernel: x86, ARM, and the two of hypervisors.
const FAST_CLOCKS: [&str; 5] =
    ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "riscv_clocksource"];

/// How a boot parameter is set for good.
fn boot_with(parameters: &str) -> String {
    format!(
        "boot with `{parameters}`: in /etc/default/grub, then `sudo update-grub`; on a Jetson APPEND in \
         /boot/extlinux/extlinux.conf; on Armbian extraargs in /boot/armbianEnv.txt"
    )
}

/// Whether the kernel lets a real-time thread interrupt it anywhere.
pub(super) fn preemption(facts: &Facts) -> Opinion {
    let kernel = &facts.kernel;
    let has = |word: &str| kernel.version.split_whitespace().any(|w| w == word);
    let dynamic = if has("PREEMPT") || has("PREEMPT_DYNAMIC") { "preemptible" } else { "not preemptible" };
    if kernel.realtime || has("PREEMPT_RT") || kernel.version.contains("PREEMPT RT") {
        return Opinion::new(Verdict::Ok, format!("{}, PREEMPT_RT", kernel.release));
    }
    let found = format!("{}, {dynamic}, without PREEMPT_RT", kernel.release);
    Opinion::new(Verdict::Warning, found)
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

/// How much of each second real-time threads may have.
pub(super) fn throttling(facts: &Facts) -> Opinion {
    let default = "sudo sysctl kernel.sched_rt_runtime_us=950000";
    let mut opinion = match facts.kernel.rt_runtime_us {
        None => Opinion::new(Verdict::Note, "kernel.sched_rt_runtime_us cannot be read"),
        Some(-1) => {
            let found = "no limit: a real-time thread that runs wild takes its processor for good";
            Opinion::new(Verdict::Note, found).with_remedy(default)
        }
        Some(0) => {
            Opinion::new(Verdict::Warning, "real-time threads may not run at all").with_remedy(default)
        }
        Some(us) if us < 500_000 => {
            let found =
                format!("real-time threads may run {us} us a second: the control loop may be held up");
            Opinion::new(Verdict::Warning, found).with_remedy(default)
        }
        Some(us) => Opinion::new(Verdict::Ok, format!("real-time threads may run {us} us a second")),
    };
    if facts.limits.group_rt_runtime_us == Some(0) {
        opinion
            .add(Verdict::Warning, "this control group has no real-time share: SCHED_FIFO will be refused");
        opinion.remedy(
            "boot a kernel without CONFIG_RT_GROUP_SCHED, or give the group a share: echo 950000 into its \
             cpu.rt_runtime_us; a container gets one by `docker run --cpu-rt-runtime=950000`",
        );
    }
    opinion
}

/// Whether there are processors enough.
pub(super) fn cpus(facts: &Facts) -> Opinion {
    let threads = if facts.cpu.hyperthreading { ", two threads a core" } else { "" };
    let found = format!("{}{threads}", facts.cpu.count);
    let mut opinion = match facts.cpu.count {
        0 => Opinion::new(Verdict::Note, "it cannot be told how many"),
        1 => Opinion::new(Verdict::Warning, found)
            .with_remedy("use a computer of four cores: here the control loop waits for nobody, but all else for it"),
        2 | 3 => Opinion::new(Verdict::Note, found)
            .with_remedy("enough for one robot's nodes (README.md, \"How well it does\"); four would leave one to the control loop"),
        _ => Opinion::new(Verdict::Ok, found),
    };
    if facts.cpu.hyperthreading {
        opinion.add(Verdict::Note, "what runs on a core's other thread slows the control loop down");
        opinion.remedy("echo off | sudo tee /sys/devices/system/cpu/smt/control    # until the next start");
        opinion.remedy(boot_with("nosmt"));
    }
    opinion
}

/// Whether a processor is kept free. A hint: 500 Hz are kept without where the kernel is PREEMPT_RT.
pub(super) fn isolation(facts: &Facts) -> Opinion {
    let (kernel, cpu) = (&facts.kernel, &facts.cpu);
    let tickless =
        kernel.parameter("nohz_full").map(|list| format!(", nohz_full={list}")).unwrap_or_default();
    if !cpu.isolated.is_empty() {
        let found = format!("isolcpus={}{tickless}; Adit runs there only if it is told to", cpu.isolated);
        return Opinion::new(Verdict::Note, found).with_remedy(format!(
            "move the bridge's threads there: sudo taskset -apc {} $(pgrep -of 'node bridge')",
            cpu.isolated
        ));
    }
    if cpu.count < 4 {
        return Opinion::new(Verdict::Ok, format!("none{tickless}, and too few processors for it"));
    }
    let last = cpu.count - 1;
    Opinion::new(Verdict::Note, format!("no processor is kept free{tickless}")).with_remedy(format!(
        "only where cycles are late: CPUAffinity=0-{} in /etc/systemd/system.conf keeps the system off processor {last}, and \
         CPUAffinity=0-{last} in `sudo systemctl edit adit` lets Adit use it (launch/deploy/README.md)",
        last - 1
    ))
}

/// Whether the processor keeps its frequency.
pub(super) fn frequency(facts: &Facts) -> Opinion {
    match facts.cpu.governors.as_slice() {
        [] => Opinion::new(Verdict::Ok, "the system does not change it"),
        [one] if one == "performance" => Opinion::new(Verdict::Ok, "performance"),
        governors => Opinion::new(Verdict::Warning, governors.join(", "))
            .with_remedy(
                "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor    # until the next start",
            )
            .with_remedy("for good: sudo apt install cpufrequtils && echo GOVERNOR=performance | sudo tee /etc/default/cpufrequtils")
            .with_remedy("on a Jetson instead: sudo nvpmodel -m 0 && sudo jetson_clocks"),
    }
}

/// How long the processor may take to wake up.
pub(super) fn idle_states(facts: &Facts) -> Opinion {
    let states = &facts.cpu.idle_states;
    let Some(deepest) = states.iter().max_by_key(|state| state.latency_us) else {
        return Opinion::new(Verdict::Ok, "the system knows none");
    };
    let found = format!("the deepest, {}, takes {} us to wake up from", deepest.name, deepest.latency_us);
    // poll and halt alone, whatever somebody asks for.
    if deepest.latency_us <= SLOW_WAKE_UP_US {
        return Opinion::new(Verdict::Ok, found);
    }
    let mut opinion = Opinion::new(Verdict::Warning, found)
        .with_remedy(format!("sudo cpupower idle-set -D {SLOW_WAKE_UP_US}    # until the next start"));
    if facts.cpu.dma_latency_there {
        opinion.remedy(format!(
            "or hold it while Adit runs: sudo bash -c 'exec 3>/dev/cpu_dma_latency; echo -n 0x{SLOW_WAKE_UP_US:08x} >&3; \
             sleep infinity'"
        ));
    }
    opinion.remedy(boot_with("processor.max_cstate=1 intel_idle.max_cstate=1"));
    opinion
}

/// By what the kernel tells the time.
pub(super) fn clocksource(facts: &Facts) -> Opinion {
    match facts.kernel.clocksource.as_deref() {
        None => Opinion::new(Verdict::Note, "it cannot be told"),
        Some(clock) if FAST_CLOCKS.contains(&clock) => Opinion::new(Verdict::Ok, clock),
        Some(clock) => Opinion::new(
            Verdict::Warning,
            format!("{clock}: each look at the clock takes a microsecond or more"),
        )
        .with_remedy("sudo dmesg | grep -i -e tsc -e clocksource    # why the better one was given up")
        .with_remedy(boot_with("tsc=reliable")),
    }
}

/// Whether somebody else hands out the processors.
pub(super) fn virtualisation(facts: &Facts) -> Opinion {
    let mut opinion = Opinion::default();
    if let Some(hypervisor) = &facts.kernel.hypervisor {
        opinion
            .add(Verdict::Note, format!("a virtual machine ({hypervisor}): nobody keeps deadlines for it"));
        opinion.remedy("good for the simulator; run a robot from a computer of its own");
    }
    if let Some(container) = &facts.kernel.container {
        opinion.add(Verdict::Note, format!("a container ({container})"));
        opinion.remedy(
            "docker run --network=host --ipc=host --device=/dev/ttyUSB0 --group-add dialout --ulimit rtprio=99 --ulimit memlock=-1",
        );
    }
    if opinion.found.is_empty() {
        opinion.add(Verdict::Ok, "none seen");
    }
    opinion
}
