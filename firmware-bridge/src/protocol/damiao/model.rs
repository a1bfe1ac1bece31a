//! What a motor's 16 and 12 bits mean: the ranges of its model, and the packing of the vendor's library.

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

/// The vendor's name and the ranges of each model: rad, rad/s, N m.
const MODELS: [(Model, &str, [f64; 3]); 12] = [
    (Model::Dm4310, "DM4310", [12.5, 30.0, 10.0]),
    (Model::Dm4310At48V, "DM4310_48V", [12.5, 50.0, 10.0]),
    (Model::Dm4340, "DM4340", [12.5, 8.0, 28.0]),
    (Model::Dm4340At48V, "DM4340_48V", [12.5, 10.0, 28.0]),
    (Model::Dm6006, "DM6006", [12.5, 45.0, 20.0]),
    (Model::Dm8006, "DM8006", [12.5, 45.0, 40.0]),
    (Model::Dm8009, "DM8009", [12.5, 45.0, 54.0]),
    (Model::Dm10010L, "DM10010L", [12.5, 25.0, 200.0]),
    (Model::Dm10010, "DM10010", [12.5, 20.0, 200.0]),
    (Model::DmH3510, "DMH3510", [12.5, 280.0, 1.0]),
    (Model::DmH6215, "DMH6215", [12.5, 45.0, 10.0]),
    (Model::DmG6220, "DMG6220", [12.5, 45.0, 10.0]),
];

impl Model {
    /// Every model.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        MODELS.iter().map(|(model, ..)| *model)
    }

    /// The model of a name as the vendor writes it, such as `DM4310_48V`.
    pub fn named(name: &str) -> Option<Self> {
        MODELS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name)).map(|(model, ..)| *model)
    }

    /// The vendor's name.
    pub const fn name(self) -> &'static str {
        MODELS[self as usize].1
    }

    /// The ranges of the vendor's table.
    pub const fn ranges(self) -> Ranges {
        let [position_rad, velocity_rad_s, torque_nm] = MODELS[self as usize].2;
        Ranges { position_rad, velocity_rad_s, torque_nm }
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

    /// What the frame carries of a motion: position, velocity, torque in steps from the lower end, truncated as by
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

/// How an output shaft moves.
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
