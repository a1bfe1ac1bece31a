//! Records whatever is said on a ROS graph, as the bytes it came in.

use std::fs::File;
use std::path::Path;

use robot_interface::time::Stamp;

use super::definitions::DefinitionError;
use super::disk;
use super::fsync::Syncer;
use super::sink::McapSink;
use super::{Output, RecordError, Recorded};

/// The file is saved this often while messages come: half of the second that may be lost.
const SAVE_NANOS: u64 = 500_000_000;

/// Records serialised messages of any type. What is saved is also brought from the system's memory to the disk
/// (in [`RawRecorder::create`]'s file), so that a pulled plug costs no more than a kill. Call [`RawRecorder::tick`] at
/// least every 100 ms, or what is lost in a crash can be more than the last second. Dropped without
/// [`RawRecorder::finish`] it still closes the file as well as it can.
pub struct RawRecorder<W: Output = File> {
    sink: McapSink<W>,
    /// Time at which the file was last saved, by the clock of [`RawRecorder::tick`].
    saved: Option<Stamp>,
    syncer: Option<Syncer>,
}

impl RawRecorder {
    /// A recording in a new file at `path`, which is replaced where it exists.
    ///
    /// # Errors
    /// If the file cannot be made or written.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        let file = disk::create(path)?;
        let syncer =
            Syncer::start(&file).map_err(|source| RecordError::Create { path: path.to_owned(), source })?;
        Ok(Self { syncer: Some(syncer), ..Self::new(file)? })
    }
}

impl<W: Output> RawRecorder<W> {
    /// A recording into `output`, from its beginning.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(output: W) -> Result<Self, RecordError> {
        Ok(Self { sink: McapSink::new(output)?, saved: None, syncer: None })
    }

    /// Records one message. `type_name` is as in `std_msgs/msg/Header`; `schema` is asked for the text of the
    /// type (see [`super::definitions::schema`]) at the topic's first message; `qos_profile` is what
    /// [`super::qos_profile`] makes; `cdr` is the message with its four bytes of encapsulation. A `log_time`
    /// earlier than that of a message before is taken as that.
    ///
    /// # Errors
    /// If the file cannot be written (said once), the text of the type is not to be had (said once for each
    /// topic, and its messages are recorded all the same), or the topic has had another type.
    #[expect(clippy::too_many_arguments, reason = "the parts of a message, each of another type but two")]
    pub fn message(
        &mut self,
        topic: &str,
        type_name: &str,
        schema: impl FnOnce() -> Result<String, DefinitionError>,
        qos_profile: &str,
        log_time: Stamp,
        publish_time: Stamp,
        cdr: &[u8],
    ) -> Result<(), RecordError> {
        let mut missing = None;
        match self.sink.type_of(topic) {
            Some(known) if known == type_name => {}
            Some(known) => {
                return Err(RecordError::Type {
                    topic: topic.to_owned(),
                    recorded: known.to_owned(),
                    found: type_name.to_owned(),
                });
            }
            None if self.sink.is_live() => {
                let schema = schema().map_err(|source| missing = Some(source)).ok();
                self.sink.add_topic(topic, type_name, schema.as_deref(), qos_profile)?;
            }
            None => {}
        }
        self.sink.write(topic, log_time, publish_time, cdr)?;
        match missing {
            Some(source) => Err(RecordError::Definition { topic: topic.to_owned(), source }),
            None => Ok(()),
        }
    }

    /// Saves the file if that is due. `now` is of any clock that only goes forwards.
    ///
    /// # Errors
    /// If the file cannot be written; said once.
    pub fn tick(&mut self, now: Stamp) -> Result<(), RecordError> {
        let saved = *self.saved.get_or_insert(now);
        if now < saved.plus_nanos(SAVE_NANOS) {
            return Ok(());
        }
        self.saved = Some(now);
        self.sink.save()?;
        if let Some(syncer) = &self.syncer {
            syncer.sync();
        }
        Ok(())
    }

    /// Returns the counts of what has been taken so far.
    pub fn recorded(&self) -> Recorded {
        self.sink.recorded()
    }

    /// Saves what is not saved yet and closes the file.
    ///
    /// # Errors
    /// If the file cannot be written and that was not said before.
    pub fn finish(mut self) -> Result<Recorded, RecordError> {
        self.sink.finish()?;
        Ok(self.sink.recorded())
    }
}
