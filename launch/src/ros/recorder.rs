//! `recorder`: every topic of the graph into one MCAP file, as the bytes it came in.
//!
//! A file that cannot be written any more costs the recording and nothing else: the node says so and stays.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures::Stream;
use r2r::qos::{DurabilityPolicy, ReliabilityPolicy};
use r2r::{Node, QosProfile};
use robot_interface::time::Stamp;

use super::endpoint::Inbox;
use super::lifecycle_node::{Health, Level, NodeBehaviour};
use super::parameters::Declarations;
use super::settings::NodeSettings;
use recording::{Durability, RawRecorder, RecordError, Recorded, Reliability, definitions, qos_profile};

/// Name of the recording in the run's folder.
const FILE: &str = "run.mcap";
/// Interval between two looks for topics that are new, ns.
const LOOK_NANOS: u64 = 500_000_000;
/// Messages of a topic that may wait to be written.
const DEPTH: usize = 100;

/// One topic that is recorded.
struct Topic {
    type_name: String,
    qos: String,
    inbox: Inbox<Vec<u8>>,
}

pub(super) struct RecorderNode {
    folder: PathBuf,
    /// Folders of the interfaces' texts.
    prefixes: Vec<PathBuf>,
    file: Option<RawRecorder>,
    stopped: Option<String>,
    recorded: Recorded,
    topics: BTreeMap<String, Topic>,
    /// Topics that cannot be recorded: said once.
    unknown: Vec<String>,
    looked: Option<Stamp>,
    /// The time of the graph.
    time: Stamp,
}

impl RecorderNode {
    pub(super) fn new(
        _node: &mut Node,
        _declared: &mut Declarations,
        settings: NodeSettings,
    ) -> anyhow::Result<Self> {
        let prefixes = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
        Ok(Self {
            folder: settings.run_dir,
            prefixes: std::env::split_paths(&prefixes).collect(),
            file: None,
            stopped: None,
            recorded: Recorded::default(),
            topics: BTreeMap::new(),
            unknown: Vec::new(),
            looked: None,
            time: Stamp::ZERO,
        })
    }

    /// Subscribes to what has appeared since the last look.
    fn look(&mut self, node: &mut Node) {
        let Ok(found) = node.get_topic_names_and_types() else { return };
        for (name, types) in found {
            let known = self.topics.contains_key(&name) || self.unknown.contains(&name);
            let Some(type_name) = types.first().filter(|_| !known) else { continue };
            match subscribe(node, &name, type_name) {
                Ok(Some(topic)) => drop(self.topics.insert(name, topic)),
                // Nobody publishes it: there is nothing to record yet.
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!("{name} is not recorded: {type_name} is not built into adit ({error})");
                    self.unknown.push(name);
                }
            }
        }
    }

    fn write(&mut self, now: Stamp) {
        let clock = self.time;
        let Some(file) = &mut self.file else {
            self.topics.values_mut().for_each(|topic| drop(topic.inbox.newest()));
            return;
        };
        let prefixes = &self.prefixes;
        let mut result = Ok(());
        for (name, topic) in &mut self.topics {
            while let Some(bytes) = topic.inbox.take() {
                let schema = || definitions::schema(prefixes, &topic.type_name);
                let written = file.message(name, &topic.type_name, schema, &topic.qos, clock, clock, &bytes);
                result = said(result, written);
            }
        }
        result = said(result, file.tick(now));
        self.recorded = file.recorded();
        if let Err(error) = result {
            tracing::error!("{error}");
            self.stopped = Some(error.to_string());
        }
    }

    fn finish(&mut self) {
        let Some(file) = self.file.take() else { return };
        match file.finish() {
            Ok(recorded) => {
                tracing::info!("recorded {} messages, {} dropped", recorded.messages, recorded.dropped);
                self.recorded = recorded;
            }
            Err(error) => {
                tracing::error!("{error}");
                self.stopped = Some(error.to_string());
            }
        }
    }
}

/// Keeps what ends the recording, and tells of what does not.
fn said(before: Result<(), RecordError>, now: Result<(), RecordError>) -> Result<(), RecordError> {
    match now {
        Err(error @ RecordError::Write(_)) => Err(error),
        Err(other) => {
            tracing::warn!("{other}");
            before
        }
        Ok(()) => before,
    }
}

/// Subscribes as its publishers offer: reliably if all of them do, with what is latched if one latches.
fn subscribe(node: &mut Node, name: &str, type_name: &str) -> r2r::Result<Option<Topic>> {
    let offers = node.get_publishers_info_by_topic(name, false)?;
    if offers.is_empty() {
        return Ok(None);
    }
    let reliable = offers.iter().all(|o| o.qos_profile.reliability == ReliabilityPolicy::Reliable);
    let latched = offers.iter().all(|o| o.qos_profile.durability == DurabilityPolicy::TransientLocal);
    let mut profile = QosProfile::default().keep_last(DEPTH);
    profile = if reliable { profile.reliable() } else { profile.best_effort() };
    profile = if latched { profile.transient_local() } else { profile.volatile() };
    let stream: Box<dyn Stream<Item = Vec<u8>> + Unpin> =
        Box::new(node.subscribe_raw(name, type_name, profile)?);
    let qos = qos_profile(
        if reliable { Reliability::Reliable } else { Reliability::BestEffort },
        if latched { Durability::TransientLocal } else { Durability::Volatile },
        DEPTH,
    );
    Ok(Some(Topic { type_name: type_name.to_owned(), qos, inbox: Inbox::from(stream) }))
}

/// Makes a file for the recording. Another recording in the folder is kept, be it of a recorder that was started again or
/// of one that is at work.
fn new_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut number = 0_u64;
    loop {
        let path = match number {
            0 => folder.join(FILE),
            number => folder.join(format!("run.{number}.mcap")),
        };
        match File::create_new(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create {}", path.display()));
            }
        }
    }
}

impl NodeBehaviour for RecorderNode {
    fn configure(&mut self, _parameters: &Declarations) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let path = new_file(&self.folder)?;
        self.file = Some(RawRecorder::create(&path)?);
        self.stopped = None;
        tracing::info!("recording to {}", path.display());
        Ok(())
    }

    fn cleanup(&mut self) {
        self.finish();
    }

    fn tick(
        &mut self,
        node: &mut Node,
        now: Stamp,
        _parameters: &Declarations,
        active: bool,
    ) -> anyhow::Result<()> {
        if self.looked.is_none_or(|at| now >= at.plus_nanos(LOOK_NANOS)) {
            self.looked = Some(now);
            self.look(node);
        }
        if active {
            self.write(now);
        } else {
            self.topics.values_mut().for_each(|topic| drop(topic.inbox.newest()));
        }
        Ok(())
    }

    fn hear_time(&mut self, time: Stamp) {
        self.time = time;
    }

    fn health(&self) -> Health {
        Health {
            level: if self.stopped.is_some() { Level::Error } else { Level::Ok },
            message: self.stopped.clone().unwrap_or_else(|| "recording".to_owned()),
            values: vec![
                ("topics", self.topics.len().to_string()),
                ("messages", self.recorded.messages.to_string()),
                ("dropped", self.recorded.dropped.to_string()),
            ],
        }
    }

    fn may_end(&mut self, _now: Stamp) -> bool {
        self.finish();
        true
    }

    fn ended(&mut self) -> anyhow::Result<()> {
        match &self.stopped {
            Some(why) => Err(anyhow::anyhow!("the recording is not complete: {why}")),
            None => Ok(()),
        }
    }
}
