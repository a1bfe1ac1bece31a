//! Angles brought into one turn.
//!
//! Three formulas for one thing: they differ in the last bits of their results, and each stands in the path of a
//! lock-step run, whose bytes a seed fixes. New code takes [`wrap_angle`].

use std::f64::consts::{PI, TAU};

/// Returns the angle in [-pi, pi], from its sine and cosine.
pub fn wrap_angle(angle_rad: f64) -> f64 {
    let (sin, cos) = angle_rad.sin_cos();
    sin.atan2(cos)
}

/// Returns the angle in (-pi, pi], by its remainder: from 0 to pi it stays as it is, to the last bit. The state
/// estimator's formula.
pub fn wrap_angle_by_remainder(angle_rad: f64) -> f64 {
    let turned = angle_rad.rem_euclid(TAU);
    if turned > PI { turned - TAU } else { turned }
}

/// Returns the angle in [-pi, pi), by the remainder half a turn on. The path follower's formula.
pub fn wrap_angle_by_shift(angle_rad: f64) -> f64 {
    (angle_rad + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_turns_go_and_the_direction_stays() {
        for step in -400..=400 {
            let angle = 0.1 * f64::from(step);
            for wrap in [wrap_angle, wrap_angle_by_remainder, wrap_angle_by_shift] {
                let wrapped = wrap(angle);
                assert!((-PI..=PI).contains(&wrapped), "{wrapped}");
                assert!((wrapped.sin() - angle.sin()).hypot(wrapped.cos() - angle.cos()) < 1e-13, "{angle}");
            }
        }
    }

    #[test]
    fn half_a_turn_has_the_sign_that_each_says() {
        assert_eq!([PI, -PI].map(wrap_angle_by_remainder), [PI, PI]);
        assert_eq!([PI, -PI].map(wrap_angle_by_shift), [-PI, -PI]);
        assert!((wrap_angle(3.0 * PI).abs() - PI).abs() < 1e-12);
    }
}
