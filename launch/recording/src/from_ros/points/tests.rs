use proptest::prelude::*;

use super::*;
use crate::messages::{Bytes, Header, Time};

const STAMP: Time = Time { sec: 1_700_000_000, nanosec: 250_000_000 };
const STAMP_S: f64 = 1_700_000_000.25;

/// A field as a driver names it, its type, and its value in each of three points.
type Column = (&'static str, u8, [f64; 3]);

const XYZ: [Column; 3] = [
    ("x", PointField::FLOAT32, [1.0, 2.0, 3.0]),
    ("y", PointField::FLOAT32, [-1.0, 0.5, 0.0]),
    ("z", PointField::FLOAT32, [0.25, 0.0, -8.0]),
];
const SECONDS: [f64; 3] = [0.0, 0.05, 0.1];

/// Form of a cloud in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Form {
    is_bigendian: bool,
    /// Bytes between two fields.
    gap: usize,
    /// Points in a row, and bytes at its end; one row if `None`.
    rows: Option<(usize, usize)>,
}

fn put(out: &mut Vec<u8>, datatype: u8, value: f64, is_bigendian: bool) {
    let mut bytes = match datatype {
        PointField::INT8 => (value as i8).to_le_bytes().to_vec(),
        PointField::UINT8 => (value as u8).to_le_bytes().to_vec(),
        PointField::INT16 => (value as i16).to_le_bytes().to_vec(),
        PointField::UINT16 => (value as u16).to_le_bytes().to_vec(),
        PointField::INT32 => (value as i32).to_le_bytes().to_vec(),
        PointField::UINT32 => (value as u32).to_le_bytes().to_vec(),
        PointField::FLOAT32 => (value as f32).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    };
    if is_bigendian {
        bytes.reverse();
    }
    out.extend(bytes);
}

fn read(columns: &[Column], form: Form) -> Result<LidarScan, InvalidMessage> {
    let mut fields = Vec::new();
    let mut point_step = 0;
    for (name, datatype, _) in columns {
        fields.push(PointField { name, offset: point_step as u32, datatype: *datatype, count: 1 });
        point_step += size_of_type(*datatype).expect("known") + form.gap;
    }
    let (width, padding) = form.rows.unwrap_or((3, 0));
    let mut data = Vec::new();
    for point in 0..3 {
        for (_, datatype, values) in columns {
            put(&mut data, *datatype, values[point], form.is_bigendian);
            data.extend(vec![0xee; form.gap]);
        }
        if (point + 1) % width == 0 {
            data.extend(vec![0xdd; padding]);
        }
    }
    scan(&PointCloud2 {
        header: Header { stamp: STAMP, frame_id: "lidar" },
        height: (3 / width) as u32,
        width: width as u32,
        fields: fields.into(),
        is_bigendian: form.is_bigendian,
        point_step: point_step as u32,
        row_step: (width * point_step + padding) as u32,
        data: Bytes(&data),
        is_dense: true,
    })
}

fn with(more: &[Column]) -> Vec<Column> {
    XYZ.into_iter().chain(more.iter().copied()).collect()
}

fn intensity(datatype: u8) -> Column {
    ("intensity", datatype, [7.0, 100.0, 127.0])
}

fn check(scan: &LidarScan, begins_s: f64, offsets: [f64; 3]) {
    assert!((scan.stamp.seconds() - STAMP_S - begins_s).abs() < 1e-6, "{:?}", scan.stamp);
    let positions: Vec<_> = scan.points.iter().map(|point| point.position_m).collect();
    assert_eq!(positions, [[1.0, -1.0, 0.25], [2.0, 0.5, 0.0], [3.0, 0.0, -8.0]]);
    for (point, offset) in scan.points.iter().zip(offsets) {
        assert!((f64::from(point.offset_s) - offset).abs() < 1e-6, "{point:?} {offset}");
    }
}

#[test]
fn layouts_of_drivers_are_read() {
    use PointField as F;
    let of_clock = SECONDS.map(|s| STAMP_S + s);
    let ring = ("ring", F::UINT16, [0.0, 1.0, 2.0]);
    let drivers: [(&str, Vec<Column>); 8] = [
        ("Adit", with(&[intensity(F::FLOAT32), ("time", F::FLOAT32, SECONDS)])),
        ("Velodyne", with(&[intensity(F::FLOAT32), ring, ("time", F::FLOAT32, SECONDS)])),
        ("Ouster", with(&[intensity(F::FLOAT32), ("t", F::UINT32, SECONDS.map(|s| s * 1e9)), ring])),
        ("Hesai", with(&[intensity(F::FLOAT32), ring, ("timestamp", F::FLOAT64, of_clock)])),
        ("RoboSense", with(&[intensity(F::UINT8), ring, ("timestamp", F::FLOAT64, of_clock)])),
        (
            "Livox",
            with(&[
                intensity(F::FLOAT32),
                ("tag", F::UINT8, [0.0; 3]),
                ("timestamp", F::FLOAT64, of_clock.map(|s| s * 1e9)),
            ]),
        ),
        ("without a strength", with(&[("time", F::FLOAT32, SECONDS)])),
        (
            "in float64",
            XYZ.map(|(n, _, v)| (n, F::FLOAT64, v))
                .into_iter()
                .chain([("time", F::FLOAT64, SECONDS)])
                .collect(),
        ),
    ];
    for (driver, columns) in drivers {
        for is_bigendian in [false, true] {
            let form = Form { is_bigendian, ..Form::default() };
            let scan = read(&columns, form).unwrap_or_else(|error| panic!("{driver}: {error}"));
            check(&scan, 0.0, SECONDS);
            let strengths: Vec<_> = scan.points.iter().map(|point| point.intensity).collect();
            let has_strength = columns.iter().any(|(name, ..)| *name == "intensity");
            assert_eq!(strengths, if has_strength { [7.0, 100.0, 127.0] } else { [0.0; 3] }, "{driver}");
        }
    }
}

#[test]
fn a_scan_that_ends_at_its_stamp_begins_before_it() {
    let before = with(&[("time", PointField::FLOAT32, SECONDS.map(|s| s - 0.1))]);
    check(&read(&before, Form::default()).expect("read"), -0.1, SECONDS);
    let hesai = with(&[("timestamp", PointField::FLOAT64, SECONDS.map(|s| STAMP_S + s - 0.1))]);
    check(&read(&hesai, Form::default()).expect("read"), -0.1, SECONDS);
}

#[test]
fn times_in_another_unit_are_refused_with_what_was_expected() {
    use PointField as F;
    let cases: [(u8, [f64; 3], &str); 7] = [
        (F::FLOAT32, [1e4, 5e7, 1e8], "nanoseconds"),
        (F::FLOAT32, [1e3, 5e4, 1e5], "microseconds"),
        (F::FLOAT32, [10.0, 50.0, 100.0], "milliseconds"),
        (F::FLOAT32, [STAMP_S; 3], "seconds of the stamp's clock"),
        (F::FLOAT32, [f64::NAN; 3], "none is a number"),
        (F::FLOAT64, [STAMP_S + 60.0; 3], "or seconds or nanoseconds of its clock"),
        (F::UINT32, [3e9, 4e9, 4e9], "nanoseconds after the cloud's stamp"),
    ];
    for (datatype, times, said) in cases {
        let error = read(&with(&[("time", datatype, times)]), Form::default()).expect_err(said).to_string();
        assert!(error.contains(said) && error.contains("expected are"), "{error}");
    }
    let timeless =
        read(&with(&[intensity(PointField::FLOAT32)]), Form::default()).expect_err("none").to_string();
    for part in ["`t` (uint32, nanoseconds", "x float32, y float32, z float32, intensity float32"] {
        assert!(timeless.contains(part), "{timeless}");
    }
    let mm = XYZ.map(|(name, datatype, values)| (name, datatype, values.map(|v| 1000.0 * v)));
    let columns: Vec<_> = mm.into_iter().chain([("time", PointField::FLOAT32, SECONDS)]).collect();
    let error = read(&columns, Form::default()).expect_err("millimetres").to_string();
    assert!(error.contains("are they millimetres?"), "{error}");
}

/// A point of no time, or of one in the far future, made its whole scan wait.
#[test]
fn points_without_a_time_or_a_return_are_left_out() {
    for bad in [f64::NAN, f64::INFINITY, -1e30, STAMP_S, 9.9] {
        let scan =
            read(&with(&[("time", PointField::FLOAT32, [0.0, bad, 0.1])]), Form::default()).expect("read");
        assert_eq!(scan.points.len(), 2, "{bad}");
        assert!(scan.points.iter().all(|point| point.offset_s <= 0.1), "{bad}");
    }
    for nothing in [0.0, f64::NAN, f64::INFINITY] {
        let columns: Vec<_> = XYZ
            .map(|(name, datatype, [a, _, c])| (name, datatype, [a, nothing, c]))
            .into_iter()
            .chain([("time", PointField::FLOAT32, [0.0, 1e9, 0.1])])
            .collect();
        assert_eq!(read(&columns, Form::default()).expect("read").points.len(), 2, "{nothing}");
    }
}

#[test]
fn rows_that_are_shorter_than_their_points_are_refused() {
    let data = [0; 200];
    let field = |name, offset| PointField { name, offset, datatype: PointField::FLOAT32, count: 1 };
    let fields = vec![field("x", 0), field("y", 4), field("z", 8), field("time", 12)];
    let cloud = |row_step| PointCloud2 {
        header: Header { stamp: STAMP, frame_id: "lidar" },
        height: 2,
        width: 4,
        fields: fields.clone().into(),
        is_bigendian: false,
        point_step: 16,
        row_step,
        data: Bytes(&data),
        is_dense: true,
    };
    for (row_step, fits) in [(0, true), (64, true), (136, true), (63, false), (137, false), (u32::MAX, false)]
    {
        assert_eq!(scan(&cloud(row_step)).is_ok(), fits, "{row_step}");
    }
}

proptest! {
    #[test]
    fn the_form_in_bytes_does_not_matter(
        is_bigendian in any::<bool>(),
        gap in 0_usize..9,
        rows in proptest::option::of((prop_oneof![Just(1_usize), Just(3)], 0_usize..40)),
        strength in 1_u8..=8,
        order in Just(vec![0, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let columns = with(&[intensity(strength), ("time", PointField::FLOAT32, SECONDS)]);
        let columns: Vec<_> = order.into_iter().map(|i| columns[i]).collect();
        let scan = read(&columns, Form { is_bigendian, gap, rows }).expect("read");
        check(&scan, 0.0, SECONDS);
        prop_assert_eq!(scan.points[1].intensity, 100.0);
    }
}
