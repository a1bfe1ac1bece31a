//! Messages in CDR and back.

use proptest::prelude::*;

use adit_cdr::{deserialize, serialize_into};

use super::{
    Bytes, CameraInfo, CompressedImage, Covariance6, Header, Image, JointState, MissionStatus, Odometry,
    PointCloud2, PointField, Pose, PoseWithCovariance, RegionOfInterest, Time, Twist, TwistWithCovariance,
};

fn bytes_of(message: &impl serde::Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    serialize_into(&mut out, message).expect("serialises");
    out
}

fn header() -> Header<'static> {
    Header { stamp: Time { sec: 7, nanosec: 8 }, frame_id: "odom" }
}

fn odometry() -> Odometry<'static> {
    let covariance = Covariance6(std::array::from_fn(|i| i as f64));
    Odometry {
        header: header(),
        child_frame_id: "base_link",
        pose: PoseWithCovariance { pose: Pose::default(), covariance },
        twist: TwistWithCovariance { twist: Twist::default(), covariance },
    }
}

fn cloud(data: &[u8]) -> PointCloud2<'_> {
    let field = |name, offset| PointField { name, offset, datatype: PointField::FLOAT32, count: 1 };
    PointCloud2 {
        header: header(),
        height: 1,
        width: 2,
        fields: vec![field("x", 0), field("time", 4)].into(),
        is_bigendian: false,
        point_step: 8,
        row_step: 16,
        data: Bytes(data),
        is_dense: true,
    }
}

fn image(data: &[u8]) -> Image<'_> {
    let encoding = "rgb8";
    Image { header: header(), height: 1, width: 3, encoding, is_bigendian: 0, step: 9, data: Bytes(data) }
}

fn camera_info() -> CameraInfo<'static> {
    CameraInfo {
        header: header(),
        height: 4,
        width: 5,
        distortion_model: "plumb_bob",
        d: vec![0.5; 5].into(),
        k: [2.0; 9],
        r: [3.0; 9],
        p: [4.0; 12],
        binning_x: 1,
        binning_y: 2,
        roi: RegionOfInterest { do_rectify: true, ..RegionOfInterest::default() },
    }
}

fn joints() -> JointState<'static> {
    let floats = |count| vec![1.5; count].into();
    JointState {
        header: header(),
        name: vec!["hip", ""].into(),
        position: floats(2),
        velocity: floats(0),
        effort: floats(3),
    }
}

fn status() -> MissionStatus<'static> {
    MissionStatus {
        header: header(),
        state: 2,
        phase: 3,
        abort_reason: 0,
        text: "walking out",
        chainage_m: 1.0,
        distance_walked_m: 2.0,
        defects: 3,
    }
}

const BITMAP: Bytes<'static> = Bytes(&[1, 2, 3, 4, 5]);

/// Bytes that were written read back the same; cut anywhere, they are an error.
macro_rules! comes_back {
    ($($type:ident: $message:expr),* $(,)?) => {
        $({
            let whole = bytes_of(&$message);
            let read: $type<'_> = deserialize(&whole).expect(stringify!($type));
            assert_eq!(bytes_of(&read), whole);
            for length in 0..whole.len() {
                let cut = deserialize::<$type<'_>>(&whole[..length]);
                assert!(cut.is_err(), "{} cut to {length} bytes", stringify!($type));
            }
            let padded = [&whole[..], &[0; 3]].concat();
            assert!(deserialize::<$type<'_>>(&padded).is_ok());
        })*
    };
}

#[test]
fn messages_come_back_and_cut_ones_are_refused_at_every_byte() {
    comes_back! {
        Odometry: odometry(),
        PointCloud2: cloud(&[9; 16]),
        Image: image(&[9; 9]),
        CompressedImage: CompressedImage { header: header(), format: "jpeg", data: BITMAP },
        CameraInfo: camera_info(),
        JointState: joints(),
        MissionStatus: status(),
    }
}

#[test]
fn the_golden_bytes_of_a_joint_state_are_read() {
    #[rustfmt::skip]
    let bytes = [
        0, 1, 0, 0,
        1, 0, 0, 0, 2, 0, 0, 0,
        2, 0, 0, 0, b'b', 0, 0, 0,
        1, 0, 0, 0, 4, 0, 0, 0, b'h', b'i', b'p', 0,
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f,
        0, 0, 0, 0,
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xbf,
    ];
    let read: JointState<'_> = deserialize(&bytes).expect("whole");
    assert_eq!((read.header.stamp, read.header.frame_id), (Time { sec: 1, nanosec: 2 }, "b"));
    assert_eq!((&*read.name, &*read.position, &*read.effort), (&["hip"][..], &[0.5][..], &[-1.0][..]));
    assert!(read.velocity.is_empty());
}

#[test]
fn an_absurd_length_makes_no_space() {
    assert!(deserialize::<Bytes<'_>>(&[0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff]).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), cdr: bool) {
        let bytes = if cdr { [&[0, 1, 0, 0][..], &bytes].concat() } else { bytes };
        let _ = deserialize::<Odometry<'_>>(&bytes);
        let _ = deserialize::<PointCloud2<'_>>(&bytes);
        let _ = deserialize::<Image<'_>>(&bytes);
        let _ = deserialize::<CameraInfo<'_>>(&bytes);
        let _ = deserialize::<JointState<'_>>(&bytes);
        let _ = deserialize::<MissionStatus<'_>>(&bytes);
    }

    #[test]
    fn a_byte_that_is_wrong_is_an_error_or_another_message(at in 4_usize..100, value: u8) {
        for mut bytes in [bytes_of(&cloud(&[9; 16])), bytes_of(&joints()), bytes_of(&image(&[9; 9]))] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            let _ = deserialize::<PointCloud2<'_>>(&bytes);
            let _ = deserialize::<JointState<'_>>(&bytes);
            let _ = deserialize::<Image<'_>>(&bytes);
        }
    }
}

fn check<T: serde::Serialize>(value: &T, expected: &[u8]) {
    assert_eq!(&bytes_of(value)[4..], expected);
}

#[test]
fn bytes_are_those_of_a_sequence_of_u8() {
    let data = [1, 2, 3, 4, 5];
    let (mut whole, mut each) = (Vec::new(), Vec::new());
    serialize_into(&mut whole, &(9_u8, Bytes(&data), 7_u32)).expect("serialises");
    serialize_into(&mut each, &(9_u8, &data[..], 7_u32)).expect("serialises");
    assert_eq!(whole, each);
}

/// Derived by hand from the rules above; check_recording.py has two other libraries read such messages.
#[test]
fn a_joint_state_has_its_golden_bytes() {
    let message = JointState {
        header: Header { stamp: Time { sec: 1, nanosec: 2 }, frame_id: "b" },
        name: (&["hip"]).into(),
        position: (&[0.5]).into(),
        velocity: (&[]).into(),
        effort: (&[-1.0]).into(),
    };
    #[rustfmt::skip]
    let expected = [
        1, 0, 0, 0, 2, 0, 0, 0,                     // stamp
        2, 0, 0, 0, b'b', 0, 0, 0,                  // frame_id, padded to the next length
        1, 0, 0, 0, 4, 0, 0, 0, b'h', b'i', b'p', 0, // name
        1, 0, 0, 0,                                 // position: its length ends at 32
        0, 0, 0, 0, 0, 0, 0xe0, 0x3f,
        0, 0, 0, 0,                                 // velocity
        1, 0, 0, 0,                                 // effort
        0, 0, 0, 0, 0, 0, 0xf0, 0xbf,
    ];
    check(&message, &expected);
}
