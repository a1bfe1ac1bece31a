//! Lighting of a picture.

/// Light in which a picture is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lighting {
    /// The lamp's place in the optical frame (x right, y down, z ahead), m.
    pub lamp_m: [f32; 3],
    /// The lamp's colour, linear, about 1.
    pub colour: [f32; 3],
    /// Half angle at which the lamp's beam has fallen to about a third, rad.
    pub beam_rad: f32,
    /// Even light from elsewhere, relative to the lamp's at 1 m. A tunnel out of service has almost none.
    pub ambient: f32,
}

impl Lighting {
    /// The robot's own lamp, just above the camera, in the dark.
    pub const ROBOT: Self =
        Self { lamp_m: [0.03, -0.06, 0.0], colour: [1.0, 0.97, 0.92], beam_rad: 0.95, ambient: 0.012 };
}
