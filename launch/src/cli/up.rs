//! `adit up`: the robot's nodes as processes, started, watched and stopped in order.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context;
use robot_interface::robot::RobotDescription;
use rustix::fs::{Access, access};

use super::domain::{DOMAIN_VARIABLE, namespace};
use super::exit::{BAD_INPUT, BadInput, INTERRUPTED};
use super::gait::GaitArg;
use crate::mission_file::MissionFile;
use crate::robot_link::RobotNetwork;
use crate::run_folder::RunFolder;
use crate::terminal;
use host::setup::RosEnvironment;
use host::up::{Console, LaunchPlan, ProcessManager, ProcessSpec, RestartPolicy, Signal, StopOutcome};

/// Interface of simulated robots.
const LOOPBACK: &str = "lo";
/// First DDS domain of simulated robots, and how many there are.
const SIMULATED_DOMAIN: u16 = 100;
const SIMULATED_DOMAINS: u32 = 100;
/// File in the run's folder with everything that the nodes wrote.
const LOG_FILE: &str = "up.log";

/// Arguments of `adit up`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Walk in the simulator instead of on a robot
    #[arg(long)]
    sim: bool,
    /// Robot: a built-in name or a .toml file [default: the mission's]
    #[arg(long, value_name = "NAME")]
    robot: Option<PathBuf>,
    /// Network interface that leads to a robot that is reached over one [default: the robot file's; lo in simulation]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// DDS domain of such a robot [default: the robot file's; one of its own in simulation]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=232))]
    robot_domain: Option<u16>,
    /// Whose gait walks
    #[arg(long, value_enum, default_value_t)]
    gait: GaitArg,
    /// Mission file, or the name of a built-in mission
    #[arg(long, value_name = "FILE", default_value = "cable-tunnel")]
    mission: PathBuf,
    /// Seed of everything random [default: the mission's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Namespace of all nodes and topics, such as /robot1
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Domain in which the nodes find each other [default: the environment's ROS_DOMAIN_ID]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=232))]
    domain_id: Option<u8>,
    /// Record the run (the default)
    #[arg(long = "record", overrides_with = "no_record")]
    _record: bool,
    /// Do not record the run
    #[arg(long, overrides_with = "_record")]
    no_record: bool,
    /// Folder for the run's files; an earlier run there is moved aside [default: runs/<mission>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Further ROS arguments for every node, such as -p name:=value
    #[arg(last = true, value_name = "ROS_ARGS")]
    ros_args: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let file = MissionFile::load(&args.mission)?;
    let loaded = file.load_robot(args.robot.as_deref())?;
    if args.sim {
        file.check_simulation(&loaded)?;
    }
    let (mission, description) = (&file.mission, &loaded.description);
    let robot = args.robot.as_deref().unwrap_or(Path::new(&mission.robot));
    let is_networked = description.motors.protocol.is_networked();
    if !args.sim && !is_networked && description.ports.is_none() {
        return Err(BadInput {
            message: format!("the robot file of {} names no serial ports", description.name),
            help: "walk in the simulator with --sim, or add a [ports] table with motors and imu".to_owned(),
        }
        .into());
    }
    if args.gait == GaitArg::Vendor && !is_networked {
        return Err(BadInput {
            message: format!(
                "{} has no gait of a vendor's: its motors are on serial lines",
                description.name
            ),
            help: "leave --gait out".to_owned(),
        }
        .into());
    }
    let way = if is_networked { network_args(args, description)? } else { Vec::new() };
    let namespace = args.namespace.as_deref().map(namespace).transpose()?;
    let environment = RosEnvironment::find(None)?;
    let program = environment.ensure_built()?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&mission.name));
    let variables = environment.variables();
    let nodes = Nodes { program, variables, args, robot, way, namespace, folder: &folder };
    if let Some(refused) = nodes.refused_by_the_graph()? {
        return Ok(refused);
    }
    let (claim, log) = prepare(&folder)?;

    // Nodes that outlive a killed supervisor write their report: until then the folder is theirs.
    let manager = ProcessManager::new().with_lock(claim.lock().context("cannot share the folder's lock")?);
    let stop_handle = manager.stop_handle();
    ctrlc::set_handler(move || stop_handle.stop()).context("cannot listen for Ctrl-C")?;
    match manager.run(nodes.plan()?, log, Console::on_stdout(terminal::Stdout))? {
        StopOutcome::Orderly => Ok(ExitCode::SUCCESS),
        // The node has said why.
        StopOutcome::Failed => Ok(ExitCode::FAILURE),
        StopOutcome::Forced => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// Arguments of the nodes that reach the robot over a network, or are it.
fn network_args(args: &Args, robot: &RobotDescription) -> anyhow::Result<Vec<OsString>> {
    let interface = match &args.interface {
        None if args.sim => Some(LOOPBACK.to_owned()),
        given => given.clone(),
    };
    // Two that are simulated on one machine must not take each other for a second master.
    let domain = args
        .robot_domain
        .or(args.sim.then(|| SIMULATED_DOMAIN + (std::process::id() % SIMULATED_DOMAINS) as u16));
    let network = RobotNetwork::of(robot, interface.as_deref(), domain).map_err(super::robot::refused)?;
    let (name, domain) = (network.interface.name, network.domain.to_string());
    let gait = args.gait.name();
    let way = ["--interface", &name, "--robot-domain", &domain, "--gait", gait];
    Ok(way.into_iter().map(OsString::from).collect())
}

/// Makes the folders of the run, and its log.
fn prepare(folder: &Path) -> anyhow::Result<(RunFolder, File)> {
    let run = RunFolder::claim(folder)?;
    let folder = run.path();
    let refuse = |what: &Path, error: std::io::Error| BadInput {
        message: format!("cannot write into {}: {error}", what.display()),
        help: "choose another --out, a folder that you may write to".to_owned(),
    };
    let ports = ports_folder(folder);
    std::fs::create_dir_all(&ports).map_err(|e| refuse(&ports, e))?;
    access(&ports, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| refuse(&ports, e.into()))?;
    let path = folder.join(LOG_FILE);
    let log = File::create(&path).map_err(|e| refuse(&path, e))?;
    Ok((run, log))
}

/// Returns the folder in which the simulator puts the robot's serial ports.
fn ports_folder(folder: &Path) -> PathBuf {
    folder.join("ports")
}

/// Nodes of a robot with the arguments that they are started with.
struct Nodes<'a> {
    program: PathBuf,
    /// Environment variables that ROS 2 needs.
    variables: Vec<(String, OsString)>,
    args: &'a Args,
    robot: &'a Path,
    /// Arguments that say how the robot is reached over a network.
    way: Vec<OsString>,
    namespace: Option<String>,
    folder: &'a Path,
}

impl Nodes<'_> {
    /// The recorder starts early and stops late, so that it has everything that the others publish.
    fn plan(&self) -> anyhow::Result<LaunchPlan> {
        let mut processes = Vec::new();
        if self.args.sim {
            processes.push(ProcessSpec {
                restart_notice: Some("a new world begins, with the robot back at its start".to_owned()),
                ..self.node("sim", 5, 60)
            });
        }
        if !self.args.no_record {
            processes.push(self.node("recorder", 10, 30));
        }
        processes.push(ProcessSpec {
            restart: RestartPolicy::at_once(),
            // Even in a hurry: the motors are not let go from under a standing robot without a moment.
            forced_stop_signal: Signal::Terminate,
            restart_notice: Some(
                "the next one lets the motors go and moves nothing until it is asked".to_owned(),
            ),
            // It lays the robot down by itself if that still stands.
            ..self.node("bridge", 10, 30)
        });
        // It loads the defect model, and may owe a report when it ends.
        processes.push(self.node("perception", 15, 60));
        // It ends the mission and lets the robot lie down.
        processes.push(self.node("planner", 15, 30));
        let stop_order = ["planner", "bridge", "perception", "recorder", "sim"];
        let stop_order: Vec<&str> =
            stop_order.into_iter().filter(|name| processes.iter().any(|p| p.name == *name)).collect();
        Ok(LaunchPlan::new(processes, &stop_order)?)
    }

    /// Has the graph looked at before anything is written or started: two robots of the same names would lead each other, and each
    /// other's inspection. Returns the exit code if something is in the way; what, was said.
    fn refused_by_the_graph(&self) -> anyhow::Result<Option<ExitCode>> {
        let mut look = Command::new(&self.program);
        look.arg("look");
        if self.args.sim {
            look.arg("--sim");
        }
        look.args(self.ros_args()).envs(self.env());
        let status = look.status().with_context(|| format!("cannot start {}", self.program.display()))?;
        match status.code() {
            Some(0) => Ok(None),
            Some(code) if code == i32::from(BAD_INPUT) => Ok(Some(ExitCode::from(BAD_INPUT))),
            _ => anyhow::bail!("cannot look at the ROS 2 graph: {} look: {status}", self.program.display()),
        }
    }

    fn env(&self) -> Vec<(OsString, OsString)> {
        let variables = self.variables.iter().map(|(name, value)| (name.into(), value.clone()));
        let domain = self.args.domain_id.map(|id| (DOMAIN_VARIABLE.into(), id.to_string().into()));
        variables.chain(domain).collect()
    }

    fn node(&self, name: &str, stop_timeout_s: u64, ready_timeout_s: u64) -> ProcessSpec {
        ProcessSpec {
            name: name.to_owned(),
            program: self.program.clone(),
            args: self.node_args(name),
            env: self.env(),
            restart: RestartPolicy::soon(),
            stop_timeout: Duration::from_secs(stop_timeout_s),
            ready_timeout: Duration::from_secs(ready_timeout_s),
            forced_stop_signal: Signal::Kill,
            restart_notice: None,
        }
    }

    fn node_args(&self, name: &str) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["node".into(), name.into()];
        let mut add = |name: &str, value: OsString| all.extend([name.into(), value]);
        add("--mission", self.args.mission.clone().into());
        add("--robot", self.robot.into());
        if let Some(seed) = self.args.seed {
            add("--seed", seed.to_string().into());
        }
        add("--run-dir", self.folder.into());
        if self.args.sim {
            add("--ports-dir", ports_folder(self.folder).into());
        }
        if matches!(name, "bridge" | "sim") {
            all.extend_from_slice(&self.way);
        }
        let [first, rest @ ..] = &self.ros_args()[..] else { return all };
        all.push(first.clone());
        // The simulator is the one that makes this time.
        if self.args.sim && name != "sim" {
            all.extend(["-p".into(), "use_sim_time:=true".into()]);
        }
        all.extend_from_slice(rest);
        all
    }

    /// Returns what every node tells ROS 2.
    fn ros_args(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["--ros-args".into()];
        if let Some(namespace) = &self.namespace {
            all.extend(["-r".into(), format!("__ns:={namespace}").into()]);
        }
        all.extend(self.args.ros_args.iter().cloned());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_folder::RunFolderError;
    use clap::Parser;
    use host::up::Supervisor;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn args(given: &[&str]) -> Args {
        Cli::try_parse_from([&["up"], given].concat()).expect("good arguments").args
    }

    fn plan(args: &Args) -> LaunchPlan {
        let nodes = Nodes {
            program: "adit-ros".into(),
            variables: Vec::new(),
            args,
            robot: Path::new("go2"),
            way: Vec::new(),
            namespace: args.namespace.as_deref().map(|n| namespace(n).expect("good")),
            folder: Path::new("runs/x"),
        };
        nodes.plan().expect("a plan")
    }

    /// Names in the order of the start, and of the stop.
    fn orders(given: &[&str]) -> [String; 2] {
        let plan = plan(&args(given));
        let names = |processes: Vec<&ProcessSpec>| {
            processes.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let stop = plan.stop_order().iter().map(|i| &plan.processes()[*i]).collect();
        [names(plan.processes().iter().collect()), names(stop)]
    }

    #[test]
    fn the_recorder_has_everything_and_the_planner_stops_first() {
        assert_eq!(
            orders(&["--sim"]),
            ["sim recorder bridge perception planner", "planner bridge perception recorder sim"]
        );
        assert_eq!(orders(&["--no-record"]), ["bridge perception planner", "planner bridge perception"]);
        assert_eq!(orders(&["--no-record", "--record"]), orders(&[]));
    }

    #[test]
    fn only_the_bridge_is_back_at_once_and_never_killed_in_a_hurry() {
        for process in plan(&args(&["--sim"])).processes() {
            let is_bridge = process.name == "bridge";
            assert_eq!(
                process.restart.initial_delay < Duration::from_millis(200),
                is_bridge,
                "{}",
                process.name
            );
            assert_eq!(process.forced_stop_signal == Signal::Terminate, is_bridge, "{}", process.name);
        }
    }

    #[test]
    fn nodes_are_told_what_the_user_said() {
        let line = |given: &[&str], process: usize| {
            let plan = plan(&args(given));
            let words: Vec<_> = plan.processes()[process].args.iter().map(|a| a.to_string_lossy()).collect();
            words.join(" ")
        };
        let common = "--mission cable-tunnel --robot go2 --run-dir runs/x";
        let simulated = format!("{common} --ports-dir runs/x/ports --ros-args");
        assert_eq!(line(&["--sim"], 0), format!("node sim {simulated}"));
        assert_eq!(line(&["--sim"], 2), format!("node bridge {simulated} -p use_sim_time:=true"));
        assert_eq!(line(&[], 1), format!("node bridge {common} --ros-args"));
        assert_eq!(
            line(&["--mission", "m.toml", "--seed", "7", "--namespace", "a/b", "--", "-p", "rate:=5"], 0),
            "node recorder --mission m.toml --robot go2 --seed 7 --run-dir runs/x \
             --ros-args -r __ns:=/a/b -p rate:=5"
        );
        let domain = plan(&args(&["--domain-id", "42"])).processes()[0].env.clone();
        assert_eq!(domain, [("ROS_DOMAIN_ID".into(), "42".into())]);
        assert!(Cli::try_parse_from(["up", "--domain-id", "233"]).is_err());
    }

    #[test]
    fn the_service_leaves_the_stop_its_time_and_starts_what_can_be_started() {
        let unit = |key| host::doctor::deploy::unit_values(key);
        let given = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let seconds = unit("TimeoutStopSec")[0].parse().map(Duration::from_secs).expect("seconds");
        assert!(seconds > Supervisor::max_stop_duration(&plan(&args(&["--sim"]))));
        assert_eq!(
            unit("RestartSec"),
            ["1"],
            "motors may hold their last command until a new bridge lets them go"
        );

        let command = given(unit("ExecStart")[0]);
        assert_eq!(&command[..2], ["/opt/adit/bin/adit", "up"]);
        let args = Cli::try_parse_from(&command[1..]).expect("arguments of adit up").args;
        assert!(!args.sim);
        for variable in [args.robot.expect("one"), args.mission] {
            let variable = variable.display().to_string();
            let name = variable.trim_matches(['$', '{', '}']).to_owned() + "=";
            assert!(unit("Environment").iter().any(|set| set.starts_with(&name)), "{name}");
        }
    }

    #[test]
    fn a_folder_belongs_to_one_run_at_a_time() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("run");
        let running = prepare(&folder).expect("free");
        let error = prepare(&folder).expect_err("taken");
        let busy = matches!(error.downcast_ref(), Some(RunFolderError::Busy(_)));
        assert!(busy && error.to_string().contains("another run is going on"), "{error}");
        drop(running);
        prepare(&folder).expect("free again");
        assert!(parent.path().join("run.1").join(LOG_FILE).exists(), "the earlier log is kept");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_refused() {
        let parent = tempfile::tempdir().expect("a folder");
        let file = parent.path().join("file");
        std::fs::write(&file, "in the way").expect("written");
        std::fs::create_dir(parent.path().join("run")).expect("made");
        std::fs::write(parent.path().join("run/ports"), "in the way").expect("written");
        for folder in [file.join("run"), file, parent.path().join("run")] {
            let error = prepare(&folder).expect_err("refused");
            assert!(error.is::<RunFolderError>() && error.to_string().contains("help:"), "{error}");
        }
    }
}
