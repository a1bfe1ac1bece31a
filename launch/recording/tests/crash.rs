//! A process that records is killed, again and again: each time its file opens, and lacks at most its last
//! second.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recording::{Durability, Playback, RawRecorder, Reliability, qos_profile};
use robot_interface::time::Stamp;

/// Set for the process that records: the file to write.
const CHILD: &str = "ADIT_TEST_RECORD_UNTIL_KILLED";
const KILLS: u64 = 20;
const TOPICS: usize = 30;
/// A topic's messages hold 2 kB: 30 topics at 100 Hz are 6 MB/s, a robot with all its sensors.
const MESSAGE_BYTES: usize = 2_000;
const SECOND: u64 = 1_000_000_000;

#[expect(clippy::disallowed_methods, reason = "the test is of what a clock says")]
fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Stamp::from_nanos(since.as_nanos() as u64)
}

/// Records until somebody ends it, and says on the standard output up to when it has.
fn record_until_killed(path: &Path) -> ! {
    let mut recorder = RawRecorder::create(path).expect("begins");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let qos = qos_profile(Reliability::BestEffort, Durability::Volatile, 5);
    let topics: Vec<_> = (0..TOPICS).map(|i| format!("/topic_{i}")).collect();
    let mut data = vec![0; MESSAGE_BYTES];
    let mut out = std::io::stdout();
    loop {
        for topic in &topics {
            // One half that compresses, one that does not.
            random.fill_bytes(&mut data[MESSAGE_BYTES / 2..]);
            let stamp = now();
            let schema = || Ok("uint8[1996] data\n".to_owned());
            data[..4].copy_from_slice(&[0, 1, 0, 0]);
            recorder
                .message(topic, "test_msgs/msg/Data", schema, &qos, stamp, stamp, &data)
                .expect("recorded");
        }
        let stamp = now();
        recorder.tick(stamp).expect("saved");
        out.write_all(&stamp.nanos().to_le_bytes()).expect("said");
        out.flush().expect("said");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Has this test record in a process of its own, kills that after `life`, and gives the last time that it said.
fn record_and_kill(path: &Path, life: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_killed_recording_opens_and_lacks_at_most_a_second", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut out = child.stdout.take().expect("piped");
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        out.read_to_end(&mut said).map(|_| said)
    });
    std::thread::sleep(life);
    child.kill().expect("killed");
    child.wait().expect("gone");
    let said = said.join().expect("read").expect("read");
    // What the test harness says comes first; the last eight bytes are always a time.
    said.last_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)).unwrap_or_default()
}

/// Log time of the last message, as one that seeks reads it: by the summary and all the chunks it names.
fn last_by_seeking(file: &[u8]) -> Option<u64> {
    let summary = mcap::Summary::read(file).ok()??;
    let mut last = 0;
    let mut count = 0;
    for chunk in &summary.chunk_indexes {
        for message in summary.stream_chunk(file, chunk).ok()? {
            last = last.max(message.ok()?.log_time);
            count += 1;
        }
    }
    let statistics = summary.stats?;
    (statistics.message_count == count && statistics.message_end_time == last).then_some(last)
}

#[test]
fn a_killed_recording_opens_and_lacks_at_most_a_second() {
    if let Some(path) = std::env::var_os(CHILD) {
        record_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a folder");
    // Kept for other readers to try, where somebody asks for that.
    let kept = std::env::var_os("ADIT_TEST_KEEP").map(std::path::PathBuf::from);
    let folder = kept.as_deref().unwrap_or(folder.path());
    let mut random = ChaCha8Rng::seed_from_u64(20);
    for kill in 0..KILLS {
        let path = folder.join(format!("killed_{kill}.mcap"));
        let said = record_and_kill(&path, Duration::from_millis(random.random_range(100..800)));
        let file = std::fs::read(&path).expect("is there");
        let messages: Vec<_> = Playback::open(&path).expect("opens").filter_map(Result::ok).collect();
        let last = messages.last().map(|message| message.log_time.nanos());
        let found = last_by_seeking(&file).expect("opens, and every chunk that its summary names is whole");
        // A kill between new data and the summary that names it leaves more for one who reads from the front.
        assert!(last.unwrap_or_default() >= found, "kill {kill}");
        assert!(found == 0 || found + SECOND >= said, "kill {kill}: the last second and more is lost");
        let lived = messages.first().map_or(0, |first| said.saturating_sub(first.log_time.nanos()));
        assert!(found > 0 || lived < SECOND, "kill {kill}: nothing is there");
    }
}
