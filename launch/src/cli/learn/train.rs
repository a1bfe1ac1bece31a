//! `adit learn train`: other weights, trained in Python on what a person corrected.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use super::apply::apply_to;
use super::how::How;
use crate::cli::exit::{BadInput, INTERRUPTED};
use crate::cli::mission::stop_on_ctrl_c;
use crate::terminal::print_line;
use crate::weights;

/// Folder of the training's programs, seen from the workspace.
const TRAINING: &str = "perception/training";
/// What train.py saves every 200 steps, in its work folder.
const CHECKPOINT: &str = "last.pt";
/// Time between two looks whether a program has ended or is to be ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(in crate::cli) struct TrainArgs {
    /// Folders that `adit learn export` wrote and a person corrected
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// File for the weights; beside it, in a folder FILE.work, stands how they were made
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// Weights to begin with in place of those that Adit has
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Steps of the training, of eight windows of 256 x 256 pixels each
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// Numbers added to the scores of crack, leakage, spalling and corrosion before they are judged (export.py --shifts)
    #[arg(long, value_name = "SHIFT", num_args = 4, allow_negative_numbers = true)]
    shifts: Vec<f64>,
    /// Go on with the training that was stopped, with what was corrected when it began
    #[arg(long)]
    resume: bool,
    /// Folder of train.py and its .venv [default: perception/training]
    #[arg(long, value_name = "FOLDER")]
    training: Option<PathBuf>,
    /// Further arguments of train.py, such as --roads DIR: a small set alone makes the network forget the others
    #[arg(last = true, value_name = "MORE ARGS")]
    more: Vec<String>,
}

pub(super) fn train(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let programs = Programs::find(args.training.as_deref())?;
    let work = How::folder(&args.out);
    let how = if args.resume { resumed(args, &work)? } else { begun(args, &work)? };
    let stop = stop_on_ctrl_c("--resume goes on where the training was saved last, every 200 steps")?;
    if !run(programs.train(&how.train, args.resume), &stop)? {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    // The fixture that export.py writes beside the weights stays in the work folder.
    let exported = work.join("export").join("weights.safetensors");
    if !run(programs.export(&work.join(CHECKPOINT), &args.shifts, &exported), &stop)? {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let (segmenter, bytes) = weights::read(Some(&exported))?;
    weights::write(&args.out, &bytes)?;
    How { weights: Some(segmenter.version().to_owned()), ..how }.write(&work)?;
    print_line(format_args!("{}: weights {}", args.out.display(), segmenter.version()));
    print_line(format_args!(
        "next: adit learn promote {} --in-use FILE.safetensors --frozen DIR...",
        args.out.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// A new training: what was corrected is written into its work folder.
fn begun(args: &TrainArgs, work: &Path) -> anyhow::Result<How> {
    if args.out.extension().is_none_or(|ending| ending != "safetensors") {
        return Err(BadInput::new(
            format!("{}: does not end in .safetensors", args.out.display()),
            "name it so",
        )
        .into());
    }
    let there = |path: &Path| {
        let help = "give another --out, or go on with a training that was stopped by --resume";
        BadInput::new(format!("{}: is there already", path.display()), help)
    };
    if args.out.exists() {
        return Err(there(&args.out).into());
    }
    // A training that ended before it saved anything, for a mistyped argument or so, is no loss.
    if How::read(work)?.is_some_and(|how| how.weights.is_none()) && !work.join(CHECKPOINT).exists() {
        std::fs::remove_dir_all(work).with_context(|| format!("cannot remove {}", work.display()))?;
    }
    if std::fs::read_dir(work).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(there(work).into());
    }
    let (segmenter, bytes) = weights::read(args.weights.as_deref())?;
    let learned = apply_to(&args.folders, &work.join("corrected"))?;
    weights::write(&work.join("start.safetensors"), &bytes)?;
    let start = segmenter.version().to_owned();
    let train = train_arguments(args, work);
    let how = How { folders: args.folders.clone(), start, train, learned, weights: None };
    how.write(work)?;
    print_line(format_args!(
        "{} corrected pictures in {}; training from {}",
        how.learned.len(),
        work.display(),
        how.start
    ));
    Ok(how)
}

/// The training that was stopped.
fn resumed(args: &TrainArgs, work: &Path) -> Result<How, BadInput> {
    let how = How::read(work)?.ok_or_else(|| {
        BadInput::new(format!("{}: no training began there", work.display()), "begin one, without --resume")
    })?;
    let now = train_arguments(args, work);
    if (&how.folders, &how.train) != (&args.folders, &now) {
        return Err(BadInput::new(
            format!("the training in {} began with other arguments: {}", work.display(), how.train.join(" ")),
            "give the same ones, or begin another with another --out",
        ));
    }
    Ok(how)
}

/// Arguments of train.py.
fn train_arguments(args: &TrainArgs, work: &Path) -> Vec<String> {
    let path = |name: &str| work.join(name).display().to_string();
    let mut all = vec!["--out".to_owned(), work.display().to_string()];
    all.extend(["--own".to_owned(), path("corrected"), "--start".to_owned(), path("start.safetensors")]);
    all.extend(["--steps".to_owned(), args.steps.to_string(), "--seed".to_owned(), args.seed.to_string()]);
    all.extend(args.more.iter().cloned());
    all
}

/// The training's programs and the Python that runs them.
struct Programs {
    folder: PathBuf,
    python: PathBuf,
}

impl Programs {
    fn find(given: Option<&Path>) -> Result<Self, BadInput> {
        let folder = given.unwrap_or(Path::new(TRAINING)).to_owned();
        if !folder.join("train.py").is_file() {
            let help = "give the folder perception/training of Adit's sources with --training";
            return Err(BadInput::new(format!("{}: has no train.py", folder.display()), help));
        }
        let python = folder.join(".venv/bin/python");
        if !python.exists() {
            let shown = folder.display();
            return Err(BadInput::new(
                format!("{}: is not there", python.display()),
                &format!(
                    "make it:\n    python3 -m venv {shown}/.venv && {shown}/.venv/bin/pip install -r {shown}/requirements.txt\n    \
                     {shown}/.venv/bin/pip install --no-deps -r {shown}/requirements-teacher.txt"
                ),
            ));
        }
        Ok(Self { folder, python })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(&self.python);
        // One thread, as perception/training/README.md says.
        command.env("OMP_WAIT_POLICY", "passive").env("OMP_NUM_THREADS", "1").arg(self.folder.join(program));
        command
    }

    fn train(&self, arguments: &[String], resume: bool) -> Command {
        let mut command = self.command("train.py");
        command.args(arguments).args(resume.then_some("--resume"));
        command
    }

    fn export(&self, checkpoint: &Path, shifts: &[f64], weights: &Path) -> Command {
        let mut command = self.command("export.py");
        command.arg(checkpoint).arg("--weights").arg(weights);
        if !shifts.is_empty() {
            command.arg("--shifts").args(shifts.iter().map(f64::to_string));
        }
        command
    }
}

/// Runs a program on this terminal to its end; false if it was stopped.
fn run(mut command: Command, stop: &AtomicBool) -> anyhow::Result<bool> {
    let shown = format!("{command:?}");
    // In a group of its own, so that Ctrl-C reaches this process alone, which ends it.
    let mut child = command.process_group(0).spawn().with_context(|| format!("cannot start {shown}"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return match (status.success(), stop.load(Ordering::Relaxed)) {
                (true, _) => Ok(true),
                (false, true) => Ok(false),
                (false, false) => {
                    anyhow::bail!(
                        "{shown} ended with {status}\n  help: what it printed says why; --resume goes on"
                    )
                }
            };
        }
        if stop.load(Ordering::Relaxed) {
            // Its files are whole at any moment: they are renamed into place.
            child.kill()?;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
