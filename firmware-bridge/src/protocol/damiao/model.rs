//! Meaning of a motor's 16 and 12 bits: the ranges of its model, and the packing of the vendor's library.

/// Stiffness that twelve set bits stand for, N m/rad, for every model.
pub const MAX_KP: f64 = 500.0;
/// Damping that twelve set bits stand for, N m s/rad, for every model.
pub const MAX_KD: f64 = 5.0;

/// A motor's model, with the ranges that the vendor's `DM_CAN.py` gives it.
///
/// The vendor's libraries do not agree with each other (DM4340 8 or 10 rad/s, DM6006 20 or 12 N m, DM8006 40 or
/// 20 N m), and a motor can be set up otherwise: what it really uses stands in its registers `PMAX`, `VMAX` and
/// `TMAX`. Ranges that differ from the motor's scale every torque. Read them ([`super::Identity`]) before
/// enabling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the vendor's names")]
pub enum Model {
    Dm4310,
    Dm4310At48V,
    Dm4340,
    Dm4340At48V,
    Dm6006,
    Dm8006,
    Dm8009,
    Dm10010L,
    Dm10010,
    DmH3510,
    DmH6215,
    DmG6220,
}

/// A row of the vendor's table.
struct ModelRow {
    model: Model,
    /// The vendor's name.
    name: &'static str,
    velocity_rad_s: f64,
    torque_nm: f64,
}

/// Range of the position, rad, of every model.
const POSITION_RAD: f64 = 12.5;

/// The vendor's table, in the order of [`Model`].
const MODELS: [ModelRow; 12] = [
    ModelRow { model: Model::Dm4310, name: "DM4310", velocity_rad_s: 30.0, torque_nm: 10.0 },
    ModelRow { model: Model::Dm4310At48V, name: "DM4310_48V", velocity_rad_s: 50.0, torque_nm: 10.0 },
    ModelRow { model: Model::Dm4340, name: "DM4340", velocity_rad_s: 8.0, torque_nm: 28.0 },
    ModelRow { model: Model::Dm4340At48V, name: "DM4340_48V", velocity_rad_s: 10.0, torque_nm: 28.0 },
    ModelRow { model: Model::Dm6006, name: "DM6006", velocity_rad_s: 45.0, torque_nm: 20.0 },
    ModelRow { model: Model::Dm8006, name: "DM8006", velocity_rad_s: 45.0, torque_nm: 40.0 },
    ModelRow { model: Model::Dm8009, name: "DM8009", velocity_rad_s: 45.0, torque_nm: 54.0 },
    ModelRow { model: Model::Dm10010L, name: "DM10010L", velocity_rad_s: 25.0, torque_nm: 200.0 },
    ModelRow { model: Model::Dm10010, name: "DM10010", velocity_rad_s: 20.0, torque_nm: 200.0 },
    ModelRow { model: Model::DmH3510, name: "DMH3510", velocity_rad_s: 280.0, torque_nm: 1.0 },
    ModelRow { model: Model::DmH6215, name: "DMH6215", velocity_rad_s: 45.0, torque_nm: 10.0 },
    ModelRow { model: Model::DmG6220, name: "DMG6220", velocity_rad_s: 45.0, torque_nm: 10.0 },
];

impl Model {
    /// Every model.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        MODELS.iter().map(|row| row.model)
    }

    /// The model of a name as the vendor writes it, such as `DM4310_48V`.
    pub fn named(name: &str) -> Option<Self> {
        MODELS.iter().find(|row| row.name.eq_ignore_ascii_case(name)).map(|row| row.model)
    }

    /// The vendor's name.
    pub const fn name(self) -> &'static str {
        MODELS[self as usize].name
    }

    /// The ranges of the vendor's table.
    pub const fn ranges(self) -> Ranges {
        let ModelRow { velocity_rad_s, torque_nm, .. } = MODELS[self as usize];
        Ranges { position_rad: POSITION_RAD, velocity_rad_s, torque_nm }
    }
}

/// The greatest values that a motor's frames can carry, to either side of zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    /// Register `PMAX`, rad.
    pub position_rad: f64,
    /// Register `VMAX`, rad/s.
    pub velocity_rad_s: f64,
    /// Register `TMAX`, N m.
    pub torque_nm: f64,
}

impl Ranges {
    /// The ranges as a motor's registers give them; `None` unless all three are positive and finite.
    pub fn new(position_rad: f64, velocity_rad_s: f64, torque_nm: f64) -> Option<Self> {
        let usable = |range: f64| range > 0.0 && range.is_finite();
        (usable(position_rad) && usable(velocity_rad_s) && usable(torque_nm)).then_some(Self {
            position_rad,
            velocity_rad_s,
            torque_nm,
        })
    }

    /// Steps of a motion in a frame: position, velocity, torque in steps from the lower end, truncated as by
    /// the vendor's library.
    pub fn steps(&self, motion: &Motion) -> [u16; 3] {
        [
            pack::<16>(motion.position_rad, -self.position_rad, self.position_rad),
            pack::<12>(motion.velocity_rad_s, -self.velocity_rad_s, self.velocity_rad_s),
            pack::<12>(motion.torque_nm, -self.torque_nm, self.torque_nm),
        ]
    }

    /// Half of what the frame can tell apart.
    pub fn half_steps(&self) -> Motion {
        Motion {
            position_rad: self.position_rad / steps::<16>(),
            velocity_rad_s: self.velocity_rad_s / steps::<12>(),
            torque_nm: self.torque_nm / steps::<12>(),
        }
    }

    pub(super) fn motion(&self, position: u16, velocity: u16, torque: u16) -> Motion {
        Motion {
            position_rad: unpack::<16>(position, -self.position_rad, self.position_rad),
            velocity_rad_s: unpack::<12>(velocity, -self.velocity_rad_s, self.velocity_rad_s),
            torque_nm: unpack::<12>(torque, -self.torque_nm, self.torque_nm),
        }
    }
}

/// Motion of an output shaft.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Position, rad.
    pub position_rad: f64,
    /// Velocity, rad/s.
    pub velocity_rad_s: f64,
    /// Torque, N m.
    pub torque_nm: f64,
}

/// The vendor's `float_to_uint`, in its order of operations: truncated toward the lower end. Outside the range it
/// saturates. The vendor means to, but its clamp has no effect, and its bits run over into the next turn or
/// the next field. What is not a number becomes the middle.
pub(super) fn pack<const BITS: u32>(value: f64, low: f64, high: f64) -> u16 {
    let value = if value.is_nan() { f64::midpoint(low, high) } else { value.clamp(low, high) };
    ((value - low) / (high - low) * steps::<BITS>()) as u16
}

/// The vendor's `uint_to_float`.
pub(super) fn unpack<const BITS: u32>(bits: u16, low: f64, high: f64) -> f64 {
    f64::from(bits) / steps::<BITS>() * (high - low) + low
}

fn steps<const BITS: u32>() -> f64 {
    f64::from((1_u32 << BITS) - 1)
}
