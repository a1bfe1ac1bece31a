//! Point clouds as drivers of lidars lay them out: fields of any number type, either byte order, padded rows, and the time of
//! each point in one of several forms.
//!
//! | field                                      | time                                              | drivers        |
//! |--------------------------------------------|---------------------------------------------------|----------------|
//! | `time` or another of [`TIMES`], a float32  | seconds after the header's stamp, before it if negative | Adit, Velodyne |
//! | an integer                                 | nanoseconds after the stamp                       | Ouster (`t`)   |
//! | a float64                                  | seconds or nanoseconds of the stamp's own clock (`timestamp`), or after the stamp | Hesai, RoboSense, Livox |
//!
//! Which form a float64 has is seen by comparing it with the stamp. What fits none within [`MAX_SCAN_S`] is refused: a scan
//! whose points are thought to be of another time is worse than none.

use robot_interface::sensors::{LidarPoint, LidarScan};
use robot_interface::time::Stamp;

use super::{InvalidMessage, stamp};
use crate::messages::{PointCloud2, PointField};

/// A point is measured within this of its scan's stamp, s.
pub const MAX_SCAN_S: f64 = 1.0;
/// No lidar sees farther in a tunnel, m.
const MAX_RANGE_M: f32 = 300.0;
/// Most points of a cloud.
const MAX_POINTS: usize = 1 << 22;
/// Fields for the time of a point and for the strength of its return, the first one that is there.
const TIMES: [&str; 6] = ["time", "t", "timestamp", "time_stamp", "offset_time", "time_offset"];
const STRENGTHS: [&str; 3] = ["intensity", "reflectivity", "i"];

/// A number in each point.
#[derive(Clone, Copy)]
struct Number {
    offset: usize,
    datatype: u8,
    is_bigendian: bool,
}

impl Number {
    /// The field `name`, if there is one that lies within a point.
    fn find(cloud: &PointCloud2<'_>, name: &str) -> Option<Self> {
        let field = cloud.fields.iter().find(|field| field.name == name)?;
        let end = (field.offset as usize).saturating_add(size_of_type(field.datatype)?);
        let (offset, datatype) = (field.offset as usize, field.datatype);
        (end <= cloud.point_step as usize).then_some(Self {
            offset,
            datatype,
            is_bigendian: cloud.is_bigendian,
        })
    }

    fn required(cloud: &PointCloud2<'_>, name: &'static str) -> Result<Self, InvalidMessage> {
        Self::find(cloud, name)
            .ok_or_else(|| InvalidMessage::Field { expected: format!("`{name}`"), found: fields_of(cloud) })
    }

    fn of(self, point: &[u8]) -> f64 {
        let bytes = point.get(self.offset..).unwrap_or_default();
        macro_rules! number {
            ($type:ty) => {
                bytes.first_chunk().map_or(f64::NAN, |bytes| {
                    let read =
                        if self.is_bigendian { <$type>::from_be_bytes } else { <$type>::from_le_bytes };
                    f64::from(read(*bytes))
                })
            };
        }
        match self.datatype {
            PointField::INT8 => number!(i8),
            PointField::UINT8 => number!(u8),
            PointField::INT16 => number!(i16),
            PointField::UINT16 => number!(u16),
            PointField::INT32 => number!(i32),
            PointField::UINT32 => number!(u32),
            PointField::FLOAT32 => number!(f32),
            _ => number!(f64),
        }
    }
}

const fn size_of_type(datatype: u8) -> Option<usize> {
    Some(match datatype {
        PointField::INT8 | PointField::UINT8 => 1,
        PointField::INT16 | PointField::UINT16 => 2,
        PointField::INT32 | PointField::UINT32 | PointField::FLOAT32 => 4,
        PointField::FLOAT64 => 8,
        _ => return None,
    })
}

const fn name_of_type(datatype: u8) -> &'static str {
    match datatype {
        PointField::INT8 => "int8",
        PointField::UINT8 => "uint8",
        PointField::INT16 => "int16",
        PointField::UINT16 => "uint16",
        PointField::INT32 => "int32",
        PointField::UINT32 => "uint32",
        PointField::FLOAT32 => "float32",
        PointField::FLOAT64 => "float64",
        _ => "of an unknown type",
    }
}

/// The fields of a cloud, for a message.
fn fields_of(cloud: &PointCloud2<'_>) -> String {
    let fields = cloud.fields.iter().take(20);
    let fields: Vec<_> = fields.map(|f| format!("{} {}", f.name, name_of_type(f.datatype))).collect();
    if fields.is_empty() { "none".to_owned() } else { fields.join(", ") }
}

/// The bytes of each point: rows may be padded.
fn points<'a>(cloud: &PointCloud2<'a>) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>, InvalidMessage> {
    let (width, height, step) = (cloud.width as usize, cloud.height as usize, cloud.point_step as usize);
    let row = width.saturating_mul(step);
    // One row needs no distance to the next, and some drivers give none where the points lie close.
    let row_step = if height <= 1 || cloud.row_step == 0 { row } else { cloud.row_step as usize };
    let data: &'a [u8] = cloud.data.0;
    let needed = row_step.saturating_mul(height.saturating_sub(1)).saturating_add(row);
    let count = width.saturating_mul(height);
    if step == 0 || row_step < row || count > MAX_POINTS || count > 0 && data.len() < needed {
        return Err(InvalidMessage::Size);
    }
    let rows = if count > 0 { height } else { 0 };
    Ok((0..rows).flat_map(move |i| data[i * row_step..i * row_step + row].chunks_exact(step)))
}

/// The fields `names` of each point.
pub fn floats<'a, const N: usize>(
    cloud: &PointCloud2<'a>,
    names: [&'static str; N],
) -> Result<impl Iterator<Item = [f32; N]> + use<'a, N>, InvalidMessage> {
    let points = points(cloud)?;
    let mut numbers = [Number { offset: 0, datatype: PointField::FLOAT32, is_bigendian: false }; N];
    for (number, name) in numbers.iter_mut().zip(names) {
        *number = Number::required(cloud, name)?;
    }
    Ok(points.map(move |point| numbers.map(|number| number.of(point) as f32)))
}

/// A scan, with a time for each point. Points that are no returns (not numbers, or at the lidar itself) or that have no time
/// are left out. If the first point was measured before the cloud's stamp, the scan's stamp is its time.
pub fn scan(cloud: &PointCloud2<'_>) -> Result<LidarScan, InvalidMessage> {
    let bytes = points(cloud)?;
    let [x, y, z] = ["x", "y", "z"].map(|name| Number::required(cloud, name));
    let position = [x?, y?, z?];
    let (name, time) = TIMES
        .into_iter()
        .find_map(|name| Some((name, Number::find(cloud, name)?)))
        .ok_or_else(|| InvalidMessage::Field {
            expected: "a time: `time` (float32, seconds after the stamp), `t` (uint32, nanoseconds after it) or `timestamp` \
                       (float64, seconds of the stamp's clock)"
                .to_owned(),
            found: fields_of(cloud),
        })?;
    let strength = STRENGTHS.into_iter().find_map(|name| Number::find(cloud, name));
    let stamp = stamp(cloud.header.stamp)?;

    let (mut scanned, mut times) = (Vec::new(), Vec::new());
    for point in bytes {
        let position_m = position.map(|number| number.of(point) as f32);
        let is_return = position_m.iter().all(|v| v.is_finite()) && position_m.iter().any(|v| *v != 0.0);
        if is_return {
            let intensity = strength.map_or(0.0, |number| number.of(point) as f32);
            scanned.push(LidarPoint { position_m, intensity, offset_s: 0.0 });
            times.push(time.of(point));
        }
    }
    check_ranges(&scanned)?;
    let offsets = offsets(name, time.datatype, &times, stamp)?;
    let first = offsets.iter().copied().filter(|offset| is_near(*offset)).fold(0.0, f64::min);
    // To the nanosecond, so that stamp and offsets stay what the cloud says.
    let early = (-first * 1e9).round() as u64;
    let begun = Stamp::from_nanos(stamp.nanos().saturating_sub(early));
    let early_s = stamp.seconds_since(begun);
    let points = scanned.into_iter().zip(offsets).filter(|(_, offset)| is_near(*offset));
    let points =
        points.map(|(point, offset)| LidarPoint { offset_s: (offset + early_s).max(0.0) as f32, ..point });
    Ok(LidarScan { stamp: begun, points: points.collect() })
}

/// Returns true if a point may be so many seconds from its scan's stamp; false for what is no number.
fn is_near(offset_s: f64) -> bool {
    offset_s.abs() <= MAX_SCAN_S
}

fn check_ranges(points: &[LidarPoint]) -> Result<(), InvalidMessage> {
    let range = |point: &LidarPoint| point.position_m.iter().fold(0.0_f32, |range, v| range.max(v.abs()));
    let far = points.iter().filter(|point| range(point) > MAX_RANGE_M).count();
    if 2 * far <= points.len() {
        return Ok(());
    }
    Err(InvalidMessage::Ranges { far, points: points.len() })
}

/// The times of points as seconds after `stamp`; those that are none, or far from the others, as they come.
fn offsets(name: &str, datatype: u8, times: &[f64], stamp: Stamp) -> Result<Vec<f64>, InvalidMessage> {
    let after = |unit: f64| move |time: f64| time * unit;
    let stamp_ns = stamp.nanos() as f64;
    let of_clock = |unit: f64| move |time: f64| (time - stamp_ns * 1e-9 / unit) * unit;
    let most_near = |offsets: &Vec<f64>| 2 * offsets.iter().filter(|s| is_near(**s)).count() > times.len();
    let convert = |form: &dyn Fn(f64) -> f64| times.iter().map(|time| form(*time)).collect::<Vec<_>>();
    let forms: Vec<Box<dyn Fn(f64) -> f64>> = match datatype {
        PointField::FLOAT32 => vec![Box::new(after(1.0))],
        PointField::FLOAT64 => {
            vec![Box::new(after(1.0)), Box::new(of_clock(1.0)), Box::new(of_clock(1e-9))]
        }
        _ => vec![Box::new(after(1e-9))],
    };
    let read = forms.iter().map(|form| convert(form)).find(most_near);
    if let Some(read) = read.or_else(|| times.is_empty().then(Vec::new)) {
        return Ok(read);
    }
    let numbers = || times.iter().copied().filter(|time| time.is_finite());
    let (from, to) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max));
    let looks = |form: &dyn Fn(f64) -> f64| most_near(&convert(form));
    let guess = if from > to {
        "none is a number"
    } else if looks(&of_clock(1.0)) {
        "they look like seconds of the stamp's clock, which a float32 cannot hold: send a float64 `timestamp`"
    } else if looks(&after(1e-3)) {
        "they look like milliseconds"
    } else if looks(&after(1e-6)) {
        "they look like microseconds"
    } else if looks(&after(1e-9)) {
        "they look like nanoseconds"
    } else {
        "they fit no unit"
    };
    let expected = match datatype {
        PointField::FLOAT32 => "seconds after the cloud's stamp",
        PointField::FLOAT64 => "seconds after the cloud's stamp, or seconds or nanoseconds of its clock",
        _ => "nanoseconds after the cloud's stamp",
    };
    let field = format!("{name} ({})", name_of_type(datatype));
    Err(InvalidMessage::Times { field, from, to, expected, guess })
}

#[cfg(test)]
mod tests;
