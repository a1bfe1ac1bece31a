//! Colour pictures of a recording, with names by which a person finds their place in it.

use std::path::Path;

use recording::cdr::deserialize;
use recording::messages::{CompressedImage, Image};
use recording::{Bag, PlaybackError, Played, from_ros, topics};
use robot_interface::sensors::RgbImage;

/// The colour pictures of a recording, in the order in which they were recorded. Of a picture in two forms the one that was
/// not compressed is taken.
pub(super) struct RecordedPictures {
    bag: Bag,
    /// Name of the recording's file.
    stem: String,
    raw: Vec<String>,
    /// Parts of the file and messages that could not be read.
    pub(super) unreadable: u64,
}

impl RecordedPictures {
    pub(super) fn open(path: &Path) -> Result<Self, PlaybackError> {
        let bag = Bag::open(&[path.to_owned()])?;
        let is_raw = |name: &str| is_colour(name) && !name.ends_with("/compressed");
        let raw = bag.topics().map(|topic| topic.name.clone()).filter(|name| is_raw(name)).collect();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { bag, stem, raw, unreadable: 0 })
    }

    fn picture(&self, played: &Played) -> anyhow::Result<Option<(String, RgbImage)>> {
        let topic = played.topic.name.as_str();
        let plain = topic.strip_suffix("/compressed").unwrap_or(topic);
        let (stamp, picture) = match played.topic.type_name.as_str() {
            _ if !is_colour(topic) => return Ok(None),
            kind if kind == topics::CAMERA_IMAGE.type_name => {
                from_ros::picture(&deserialize::<Image<'_>>(&played.data)?)?
            }
            kind if kind == topics::CAMERA_COMPRESSED.type_name => {
                if self.raw.iter().any(|name| name == plain) {
                    return Ok(None);
                }
                from_ros::compressed_picture(&deserialize::<CompressedImage<'_>>(&played.data)?)?
            }
            _ => return Ok(None),
        };
        // `/r1/camera/crown/image_raw` at 12.34 s is `run-r1-crown-12340`.
        let place =
            plain.trim_matches('/').replace("/image_raw", "").replace("camera/", "").replace('/', "-");
        Ok(Some((format!("{}-{place}-{}", self.stem, stamp.nanos() / 1_000_000), picture)))
    }
}

/// Whether a topic is a camera's by Adit's names, in any namespace.
fn is_colour(topic: &str) -> bool {
    let inner = topic.rfind("/camera/").map_or("", |at| &topic[at..]);
    [&topics::CAMERA_IMAGE, &topics::CAMERA_COMPRESSED].iter().any(|spec| spec.camera_in(inner).is_some())
}

impl Iterator for RecordedPictures {
    type Item = Result<(String, RgbImage), PlaybackError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.bag.next()? {
                Ok(played) => match self.picture(&played) {
                    Ok(Some(picture)) => return Some(Ok(picture)),
                    Ok(None) => {}
                    Err(_) => self.unreadable += 1,
                },
                Err(error) if error.lost_bytes().is_some() => self.unreadable += 1,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use robot_interface::time::Stamp;
    use stack::config::Robot;

    use super::*;

    #[test]
    fn colour_pictures_of_a_recording_have_names_of_their_own() {
        let robot = Robot::load("go2").expect("built in").description;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.mcap");
        let mut writer = recording::MessageWriter::create(&path, &robot).expect("made");
        let grey =
            |side: u32| RgbImage { width: side, height: side, data: vec![120; (side * side * 3) as usize] };
        let lens = robot.cameras[0].intrinsics();
        for (ms, side) in [(1500, 16), (2500, 24)] {
            let at = Stamp::from_nanos(ms * 1_000_000);
            writer.picture(at, "left", at, &grey(side), &lens).expect("written");
            writer.raw_picture("crown", at, &grey(side), &lens).expect("written");
            writer.picture(at, "crown", at, &grey(side / 2), &lens).expect("written");
        }
        writer.finish().expect("closed");
        let pictures = RecordedPictures::open(&path).expect("a recording");
        let mut found: Vec<_> =
            pictures.map(|p| p.expect("whole")).map(|(name, picture)| (name, picture.width)).collect();
        found.sort();
        let expected =
            [("run-crown-1500", 16), ("run-crown-2500", 24), ("run-left-1500", 16), ("run-left-2500", 24)];
        assert_eq!(found, expected.map(|(name, width)| (name.to_owned(), width)));
    }
}
