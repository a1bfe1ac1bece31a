//! Thread of inspection: works on pictures in the order in which they came. None is dropped unless very many wait: each
//! shows a stretch of lining that no other may show.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use robot_interface::defect::Defect;
use robot_interface::robot::RobotDescription;

use stack::config::Mission;
use stack::realtime::stand_back;
use stack::{Findings, InspectionJob, Inspector, StackError};

/// Beyond this many waiting pictures new ones are refused: 4 MB each.
const MAX_WAITING: usize = 60;
/// Levels by which it stands back behind scans and whatever else has to be done at once.
const LEVELS: i32 = 12;
/// The longest that is waited for all pictures to be worked on before a report.
const PATIENCE: Duration = Duration::from_secs(60);

enum Job {
    Inspect(InspectionJob),
    Findings,
}

enum Answer {
    Defects(Vec<Defect>),
    Findings(Box<Findings>),
}

pub(super) struct InspectionThread {
    jobs: Sender<Job>,
    answers: Receiver<Result<Answer, StackError>>,
    /// All defects so far, if nobody has taken them yet.
    newest: Option<Vec<Defect>>,
    waiting: Arc<AtomicUsize>,
}

impl InspectionThread {
    pub(super) fn start(mission: &Mission, robot: &RobotDescription) -> anyhow::Result<Self> {
        let (jobs, inbox) = channel();
        let (outbox, answers) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&waiting);
        let mut inspector = Inspector::new(mission, robot)?;
        let work = move || {
            stand_back(LEVELS);
            for job in inbox {
                let answer = match job {
                    Job::Inspect(job) => {
                        let pictures = job.images.len();
                        let result = inspector.inspect(job);
                        count.fetch_sub(pictures, Ordering::Relaxed);
                        result.map(Answer::Defects)
                    }
                    Job::Findings => Ok(Answer::Findings(Box::new(inspector.findings()))),
                };
                if outbox.send(answer).is_err() {
                    break;
                }
            }
        };
        // It ends when its inbox is dropped.
        let thread = std::thread::Builder::new().name("inspection".to_owned());
        thread.spawn(work).context("cannot start the thread that works on pictures")?;
        Ok(Self { jobs, answers, newest: None, waiting })
    }

    /// Returns how many pictures wait or are in work.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn give(&self, job: InspectionJob) -> anyhow::Result<()> {
        if self.waiting() >= MAX_WAITING {
            tracing::warn!("pictures are not used: {MAX_WAITING} wait already, this computer is too slow");
            return Ok(());
        }
        self.waiting.fetch_add(job.images.len(), Ordering::Relaxed);
        self.jobs.send(Job::Inspect(job)).ok().ok_or_else(ended)
    }

    /// All defects so far, if there is news.
    pub(super) fn take(&mut self) -> anyhow::Result<Option<Vec<Defect>>> {
        loop {
            match self.answers.try_recv() {
                Ok(answer) => {
                    if let Answer::Defects(defects) = answer? {
                        self.newest = Some(defects);
                    }
                }
                Err(TryRecvError::Empty) => return Ok(self.newest.take()),
                Err(TryRecvError::Disconnected) => return Err(ended()),
            }
        }
    }

    /// Everything found, once all waiting pictures have been worked on.
    pub(super) fn findings(&mut self) -> anyhow::Result<Findings> {
        self.jobs.send(Job::Findings).ok().ok_or_else(ended)?;
        loop {
            let answer = self.answers.recv_timeout(PATIENCE).context("the pictures are not done in time")?;
            match answer? {
                Answer::Findings(findings) => return Ok(*findings),
                // They are still to be published.
                Answer::Defects(defects) => self.newest = Some(defects),
            }
        }
    }
}

fn ended() -> anyhow::Error {
    anyhow!("the thread that works on pictures ended")
}
