//! DDS without a C library: samples of named topics to and from other participants, such as a Unitree robot's own computer.
//!
//! A sample is bytes, four of encapsulation and a body in plain little-endian CDR; what they mean is for `adit-cdr` and
//! `firmware_bridge::protocol` to say. Topics have no keys. No type information is sent, so that a wrong layout is not refused when two
//! sides find each other: layouts are tested instead.
//!
//! ```text
//!  Participant (domain, network interfaces)
//!    |-- publish(topic)   -> Publication: reliable, keeps the newest
//!    |-- subscribe(topic) -> Subscription: best effort, on a thread of its own -> a closure for each sample
//!    '-- endpoints()      -> who writes and reads what, also of those who are not ours
//! ```
//!
//! [`rustdds`] does the protocol (RTPS); no type of it leaves this crate.
//!
//! ```no_run
//! use std::net::{IpAddr, Ipv4Addr};
//!
//! # fn main() -> Result<(), adit_dds::DdsError> {
//! let participant = adit_dds::Participant::open(0, &[IpAddr::V4(Ipv4Addr::LOCALHOST)])?;
//! let _subscription = participant.subscribe("rt/lowstate", "unitree_go::msg::dds_::LowState_", |sample| {
//!     println!("{} bytes from {:?}", sample.bytes.len(), sample.writer);
//! })?;
//! # Ok(())
//! # }
//! ```

mod interfaces;
mod raw;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use futures::StreamExt as _;
use rustdds::no_key::{DataWriter, SimpleDataReader};
use rustdds::policy::{Durability, History, Reliability};
use rustdds::{
    DomainParticipant, DomainParticipantBuilder, Duration, GUID, QosPolicies, QosPolicyBuilder,
    RTPSEntity as _, Topic, TopicKind,
};

pub use interfaces::{Interface, interfaces};
use raw::Raw;

/// Samples that a publication keeps until they were sent and, to those who ask for it, confirmed: with one only, a newer sample may
/// overwrite what was not sent yet.
const KEPT: i32 = 8;

/// What DDS cannot do.
#[derive(Debug, thiserror::Error)]
pub enum DdsError {
    /// A participant, topic, reader or writer cannot be made.
    #[error(
        "DDS cannot make {what}: {why}\n  help: check that the interface is up, and that no more than some hundred participants run here"
    )]
    Create {
        /// The thing.
        what: String,
        /// The library's words.
        why: String,
    },
    /// A sample cannot be sent.
    #[error("a sample of {topic} cannot be sent: {why}")]
    Write {
        /// Name of the topic.
        topic: String,
        /// The library's words.
        why: String,
    },
    /// A sample is none.
    #[error(
        "{found} bytes are no sample: it begins with 00 01 00 00, the encapsulation of little-endian plain CDR"
    )]
    Sample {
        /// Bytes given.
        found: usize,
    },
}

impl DdsError {
    fn create(what: impl Into<String>, why: &impl ToString) -> Self {
        Self::Create { what: what.into(), why: why.to_string() }
    }
}

/// Name of a participant, one in the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId([u8; 12]);

/// Name of a writer or reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    /// Whose it is.
    pub participant: ParticipantId,
    entity: [u8; 4],
}

impl EndpointId {
    fn of(guid: GUID) -> Self {
        let bytes = guid.to_bytes();
        let (mut participant, mut entity) = ([0; 12], [0; 4]);
        participant.copy_from_slice(&bytes[..12]);
        entity.copy_from_slice(&bytes[12..]);
        Self { participant: ParticipantId(participant), entity }
    }
}

impl std::fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which side of a topic an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It sends.
    Writer,
    /// It receives.
    Reader,
}

/// A writer or reader that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub id: EndpointId,
    /// Its side.
    pub side: Side,
    /// The topic's name.
    pub topic: String,
    /// The type's name.
    pub type_name: String,
    /// Addresses at which it may be reached, as it says; empty if those are its participant's, which it need not repeat.
    pub addresses: Vec<IpAddr>,
}

/// A sample that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Encapsulation and body.
    pub bytes: Vec<u8>,
    /// Who wrote it.
    pub writer: EndpointId,
}

/// Participants that are open in this process.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// Beginning of the name that the library gives to the thread of a participant's event loop, as the system keeps it.
const EVENT_LOOP: &str = "RustDDS Partici";

/// Counts a participant for as long as it is open.
struct Open;

impl Open {
    fn new() -> Arc<Self> {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One's own presence in a domain.
#[derive(Clone)]
pub struct Participant {
    inner: DomainParticipant,
    _open: Arc<Open>,
}

impl Participant {
    /// Takes part in a domain through the network interfaces that have these addresses, and on this machine. Its threads end with
    /// the last copy of it, of which each reader and writer holds one.
    ///
    /// # Errors
    /// [`DdsError::Create`] if its sockets cannot be made.
    pub fn open(domain: u16, addresses: &[IpAddr]) -> Result<Self, DdsError> {
        DomainParticipantBuilder::new(domain)
            .with_only_networks(addresses.iter().copied())
            .build()
            .map(|inner| Self { inner, _open: Open::new() })
            .map_err(|why| DdsError::create(format!("a participant of domain {domain}"), &why))
    }

    /// False once the library's event loop has ended, of any participant of this process: nothing is sent or received then, without an
    /// error, and the process has to be started anew. rustdds 0.15 ends it when its waiting is interrupted, as by Ctrl-Z or SIGSTOP and
    /// what continues it.
    pub fn is_alive(&self) -> bool {
        let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return true };
        let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with(EVENT_LOOP)).count() >= OPEN.load(Ordering::Relaxed)
    }

    /// Its own name.
    pub fn id(&self) -> ParticipantId {
        EndpointId::of(self.inner.guid()).participant
    }

    /// Writers and readers that were found so far, one's own among them. It takes a second or two until others are found; those that
    /// vanish without a word stay for some ten seconds.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        // Their type has no public name.
        macro_rules! addresses {
            ($locators:expr) => {
                $locators.iter().filter(|l| l.is_udp()).map(|l| SocketAddr::from(*l).ip()).collect()
            };
        }
        let writers = self.inner.discovered_writers().into_iter().map(|writer| Endpoint {
            id: EndpointId::of(writer.writer_proxy.remote_writer_guid),
            side: Side::Writer,
            topic: writer.publication_topic_data.topic_name,
            type_name: writer.publication_topic_data.type_name,
            addresses: addresses!(writer.writer_proxy.unicast_locator_list),
        });
        let readers = self.inner.discovered_readers().into_iter().map(|reader| Endpoint {
            id: EndpointId::of(reader.reader_proxy.remote_reader_guid),
            side: Side::Reader,
            topic: reader.subscription_topic_data.topic_name().clone(),
            type_name: reader.subscription_topic_data.type_name().clone(),
            addresses: addresses!(reader.reader_proxy.unicast_locator_list),
        });
        writers.chain(readers).collect()
    }

    /// Gives each sample of a topic that comes to `on_sample`, on a thread of its own. What was sent before the two sides found each
    /// other is not repeated.
    ///
    /// # Errors
    /// [`DdsError::Create`] if topic, reader or thread cannot be made.
    pub fn subscribe(
        &self,
        topic: &str,
        type_name: &str,
        mut on_sample: impl FnMut(Sample) + Send + 'static,
    ) -> Result<Subscription, DdsError> {
        let qos = qos(Reliability::BestEffort);
        let failed = |why: &dyn ToString| DdsError::create(format!("a reader of {topic}"), &why.to_string());
        let subscriber = self.inner.create_subscriber(&qos).map_err(|why| failed(&why))?;
        let reader: SimpleDataReader<Vec<u8>, Raw> = subscriber
            .create_simple_datareader_no_key(&self.topic(topic, type_name, &qos)?, Some(qos))
            .map_err(|why| failed(&why))?;
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name(format!("dds {topic}")).spawn(move || {
            let _subscriber = subscriber;
            let samples = reader.as_async_stream().for_each(|sample| {
                match sample {
                    Ok(sample) if !end.load(Ordering::Relaxed) => {
                        let writer = EndpointId::of(sample.writer_guid());
                        on_sample(Sample { bytes: sample.into_value(), writer });
                    }
                    Ok(_) => {}
                    Err(why) => tracing::debug!("a sample was dropped: {why}"),
                }
                futures::future::ready(())
            });
            futures::executor::block_on(futures::future::select(std::pin::pin!(samples), stopped));
        });
        let thread = thread.map_err(|why| failed(&why))?;
        Ok(Subscription { ended, stop: Some(stop), thread: Some(thread), _participant: self.clone() })
    }

    /// A writer of a topic, for readers of any kind.
    ///
    /// # Errors
    /// [`DdsError::Create`] if topic or writer cannot be made.
    pub fn publish(&self, topic: &str, type_name: &str) -> Result<Publication, DdsError> {
        let qos = qos(Reliability::Reliable { max_blocking_time: Duration::ZERO });
        let failed = |why: &dyn ToString| DdsError::create(format!("a writer of {topic}"), &why.to_string());
        let publisher = self.inner.create_publisher(&qos).map_err(|why| failed(&why))?;
        let writer = publisher
            .create_datawriter_no_key(&self.topic(topic, type_name, &qos)?, Some(qos))
            .map_err(|why| failed(&why))?;
        Ok(Publication { topic: topic.to_owned(), writer, _participant: self.clone() })
    }

    fn topic(&self, name: &str, type_name: &str, qos: &QosPolicies) -> Result<Topic, DdsError> {
        self.inner
            .create_topic(name.to_owned(), type_name.to_owned(), qos, TopicKind::NoKey)
            .map_err(|why| DdsError::create(format!("the topic {name}"), &why))
    }
}

fn qos(reliability: Reliability) -> QosPolicies {
    QosPolicyBuilder::new()
        .reliability(reliability)
        .durability(Durability::Volatile)
        .history(History::KeepLast { depth: KEPT })
        .build()
}

/// A reader, until it is dropped; then no more samples are given.
pub struct Subscription {
    ended: Arc<AtomicBool>,
    stop: Option<futures::channel::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _participant: Participant,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(stop) = self.stop.take() {
            // A thread that has ended hears nothing.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A writer.
pub struct Publication {
    topic: String,
    writer: DataWriter<Vec<u8>, Raw>,
    _participant: Participant,
}

impl Publication {
    /// Sends a sample, its encapsulation in front. It may allocate, lock and wait for the network's buffers: a control loop hands
    /// its samples to another thread.
    ///
    /// # Errors
    /// [`DdsError`] if it is no sample, or is not taken.
    pub fn write(&self, sample: &[u8]) -> Result<(), DdsError> {
        let body = raw::body(sample).ok_or(DdsError::Sample { found: sample.len() })?;
        self.writer
            .write(body.to_vec(), None)
            .map_err(|why| DdsError::Write { topic: self.topic.clone(), why: why.to_string() })
    }
}
